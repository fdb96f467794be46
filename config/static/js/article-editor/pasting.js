// What comes from word processors and web pages, before the schema reads it: lists that are only drawn as lists,
// bold and italic that are only styles, and what is no text at all.
const NOISE = "style, script, meta, link, title, xml, noscript, template, iframe, object, svg, math, form, button, nav";

export function cleaned(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  page.querySelectorAll("iframe[src], embed[src], video[src]").forEach(linked);
  page.querySelectorAll(NOISE).forEach((node) => node.remove());
  removeComments(page.body);
  page.body.querySelectorAll("*").forEach((node) => {
    if (node.tagName.includes(":")) node.replaceWith(...node.childNodes); // <o:p> and the like
  });
  page.body.querySelectorAll("span[style], font, p[style] > b").forEach(styled);
  lists(page);
  page.body.querySelectorAll("p, h1, h2, h3, h4, h5, h6").forEach((node) => {
    if (!node.textContent.trim() && !node.querySelector("img, br")) node.remove();
  });
  return page.body.innerHTML;
}

// An embed becomes a link to what it shows.
function linked(node) {
  const url = node.getAttribute("src");
  if (!/^https:/i.test(url)) return;
  const paragraph = node.ownerDocument.createElement("p");
  const anchor = node.ownerDocument.createElement("a");
  anchor.href = url;
  anchor.textContent = node.getAttribute("title") || new URL(url).hostname;
  paragraph.append(anchor);
  node.replaceWith(paragraph);
}

function removeComments(root) {
  const walker = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_COMMENT);
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  found.forEach((comment) => comment.remove());
}

function styled(node) {
  const { fontWeight, fontStyle } = node.style;
  const wrap = (tag) => {
    const outer = node.ownerDocument.createElement(tag);
    outer.append(...node.childNodes);
    node.append(outer);
  };
  if (node.tagName !== "B" && (fontWeight === "bold" || Number(fontWeight) >= 600)) wrap("strong");
  if (fontStyle === "italic") wrap("em");
}

// Word writes lists as paragraphs with "mso-list" and a bullet in a span that it says to ignore.
function lists(page) {
  let list = null;
  for (const item of page.body.querySelectorAll("p[style*='mso-list'], p.MsoListParagraph, p[class^='MsoListParagraph']")) {
    const text = item.textContent.trim();
    const isNumbered = /^[\s]*(\d+|[a-z]|[ivx]+)[.)]/i.test(text);
    item.querySelectorAll("span[style*='mso-list:Ignore'], span[style*='mso-list: Ignore']").forEach((span) => span.remove());
    const tag = isNumbered ? "OL" : "UL";
    if (!list || item.previousElementSibling !== list || list.tagName !== tag) {
      list = page.createElement(tag);
      item.before(list);
    }
    const entry = page.createElement("li");
    entry.append(...item.childNodes);
    trimBullet(entry);
    list.append(entry);
    item.remove();
  }
}

function trimBullet(entry) {
  const walker = entry.ownerDocument.createTreeWalker(entry, NodeFilter.SHOW_TEXT);
  const first = walker.nextNode();
  if (first) first.data = first.data.replace(/^[\s\u00a0]*([·•▪◦§]|o(?=[\s\u00a0]{2})|(\d+|[a-z])[.)])[\s\u00a0]+/i, "");
}
