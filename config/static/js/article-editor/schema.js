// What a text can be made of. Whatever is pasted becomes this or plain text; the server's sanitizing.py allows more,
// and the server has the last word. `lang` and `dir` are kept, since a quote may be in another language.
import { Schema } from "../vendor/prosemirror.js";

const direction = { lang: { default: null }, dir: { default: null } };
const directionOf = (dom) => ({ lang: dom.getAttribute("lang"), dir: dom.getAttribute("dir") });
const directed = (attrs, more = {}) => {
  const set = Object.entries({ ...more, lang: attrs.lang, dir: attrs.dir });
  return Object.fromEntries(set.filter(([, value]) => value !== null && value !== undefined));
};

const block = (tag, spec = {}) => ({
  group: "block",
  content: "inline*",
  attrs: direction,
  parseDOM: [{ tag, getAttrs: directionOf }],
  toDOM: (node) => [tag, directed(node.attrs), 0],
  ...spec,
});

const container = (tag, content, spec = {}) => block(tag, { content, ...spec });

const mark = (tag, others = [], spec = {}) => ({
  parseDOM: [tag, ...others].map((name) => ({ tag: name })),
  toDOM: () => [tag, 0],
  ...spec,
});

function pictureOf(dom) {
  const image = dom.matches("img") ? dom : dom.querySelector("img");
  const src = image?.getAttribute("src") ?? "";
  if (!/^https?:/i.test(src)) return false; // a file of the one who copied, or a picture in the page's own code
  const side = (name) => image.getAttribute(name)?.match(/^\d{1,5}$/)?.[0] ?? null;
  if (["0", "1"].includes(side("width")) || ["0", "1"].includes(side("height"))) return false; // a tracking pixel
  return { src, alt: image.getAttribute("alt") ?? "", width: side("width"), height: side("height") };
}

const figure = {
  group: "block",
  content: "inline*", // the caption
  isolating: true,
  draggable: true,
  attrs: { src: {}, alt: { default: "" }, width: { default: null }, height: { default: null } },
  parseDOM: [
    { tag: "figure", getAttrs: (dom) => (dom.querySelector("img") ? pictureOf(dom) : false), contentElement: caption },
    { tag: "img", getAttrs: pictureOf, contentElement: () => document.createElement("figcaption") },
  ],
  toDOM: (node) => {
    const { src, alt, width, height } = node.attrs;
    const image = ["img", { src, alt, ...(width && { width }), ...(height && { height }) }];
    return ["figure", image, ["figcaption", 0]];
  },
};

function caption(dom) {
  return dom.querySelector("figcaption") ?? document.createElement("figcaption");
}

const heading = (level, tags) =>
  block(`h${level}`, { defining: true, parseDOM: tags.map((tag) => ({ tag, getAttrs: directionOf })) });

const cell = (tag) => ({
  content: "inline*",
  isolating: true,
  attrs: { colspan: { default: null }, rowspan: { default: null }, scope: { default: null } },
  parseDOM: [
    {
      tag,
      getAttrs: (dom) => Object.fromEntries(["colspan", "rowspan", "scope"].map((name) => [name, dom.getAttribute(name)])),
    },
  ],
  toDOM: (node) => [tag, Object.fromEntries(Object.entries(node.attrs).filter(([, value]) => value)), 0],
});

export const schema = new Schema({
  nodes: {
    doc: { content: "block+" },
    paragraph: block("p"),
    heading2: heading(2, ["h2", "h1"]), // the headline is the page's h1
    heading3: heading(3, ["h3"]),
    heading4: heading(4, ["h4", "h5", "h6"]),
    // A link on a line of its own that mails show as a button. Before the paragraph, which takes every other <p>.
    action: {
      group: "block",
      content: "text*",
      marks: "",
      attrs: { href: {} },
      parseDOM: [
        { tag: "p.action", priority: 60, contentElement: (dom) => dom.querySelector("a"),
          getAttrs: (dom) => ({ href: dom.querySelector("a[href]")?.getAttribute("href") ?? "" }) },
      ],
      toDOM: ({ attrs: { href } }) => ["p", { class: "action" }, ["a", { href }, 0]],
    },
    blockquote: container("blockquote", "block+", { defining: true }),
    bullet_list: container("ul", "list_item+"),
    ordered_list: container("ol", "list_item+", {
      attrs: { ...direction, start: { default: null } },
      parseDOM: [{ tag: "ol", getAttrs: (dom) => ({ ...directionOf(dom), start: dom.getAttribute("start") }) }],
      toDOM: (node) => ["ol", directed(node.attrs, { start: node.attrs.start }), 0],
    }),
    list_item: { content: "paragraph block*", defining: true, parseDOM: [{ tag: "li" }], toDOM: () => ["li", 0] },
    preformatted: block("pre", {
      content: "text*",
      marks: "",
      code: true,
      parseDOM: [{ tag: "pre", preserveWhitespace: "full" }],
      attrs: {},
      toDOM: () => ["pre", 0],
    }),
    figure,
    table: { group: "block", content: "table_row+", isolating: true, parseDOM: [{ tag: "table" }],
      toDOM: () => ["table", ["tbody", 0]] },
    table_row: { content: "(table_cell | table_head)+", parseDOM: [{ tag: "tr" }], toDOM: () => ["tr", 0] },
    table_cell: cell("td"),
    table_head: cell("th"),
    rule: { group: "block", parseDOM: [{ tag: "hr" }], toDOM: () => ["hr"] },
    text: { group: "inline" },
    line_break: { group: "inline", inline: true, selectable: false, parseDOM: [{ tag: "br" }], toDOM: () => ["br"] },
  },
  marks: {
    link: {
      attrs: { href: {}, title: { default: null } },
      inclusive: false,
      parseDOM: [
        {
          tag: "a[href]",
          getAttrs: (dom) =>
            /^(https?:|mailto:)/i.test(dom.getAttribute("href")) && {
              href: dom.getAttribute("href"),
              title: dom.getAttribute("title"),
            },
        },
      ],
      toDOM: ({ attrs: { href, title } }) => ["a", title ? { href, title } : { href }, 0],
    },
    em: mark("em", ["i", "cite", "var"]),
    strong: {
      parseDOM: [
        { tag: "strong" },
        // word processors wrap what they copy in a <b> that is not bold
        { tag: "b", getAttrs: (dom) => dom.style.fontWeight !== "normal" && null },
      ],
      toDOM: () => ["strong", 0],
    },
    code: mark("code", ["kbd", "samp"]),
    strike: mark("s", ["del", "strike"]),
    underline: mark("u", ["ins"]),
    highlight: mark("mark"),
    sub: mark("sub", [], { excludes: "sup" }),
    sup: mark("sup", [], { excludes: "sub" }),
    small: mark("small"),
  },
});
