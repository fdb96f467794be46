// Puts a newsletter's sign-up form on any page: <script src="…/embed.js" data-newsletter="latest-news" async></script>
// No cookie, nothing of any third party, no inline style, no eval. Where the page forbids frames, a link takes its place.
(() => {
  "use strict";
  const script = document.currentScript;
  const slug = script && script.dataset.newsletter;
  if (!slug) return;
  const site = new URL(script.src).origin;
  const title = script.dataset.title || slug;
  const frame = document.createElement("iframe");
  const page = location.protocol.startsWith("http") ? location.origin + location.pathname : "";
  frame.src = `${site}/embed/${encodeURIComponent(slug)}/?page=${encodeURIComponent(page)}`;
  frame.title = title;
  frame.className = "broadsheet-form";
  frame.setAttribute("width", "100%");
  frame.setAttribute("height", "640");
  frame.setAttribute("frameborder", "0");
  frame.setAttribute("scrolling", "no");

  addEventListener("message", (event) => {
    if (event.origin !== site || event.source !== frame.contentWindow) return;
    const height = event.data && event.data.broadsheetHeight;
    if (Number.isFinite(height)) frame.setAttribute("height", String(Math.min(Math.max(Math.ceil(height), 80), 4000)));
  });

  document.addEventListener("securitypolicyviolation", (event) => {
    const isFrame = /^(frame-src|child-src|default-src)$/.test(event.effectiveDirective);
    if (!isFrame || !event.blockedURI.startsWith(site) || !frame.isConnected) return;
    const link = document.createElement("a");
    link.href = `${site}/newsletters/${encodeURIComponent(slug)}/`;
    link.className = "broadsheet-link";
    link.textContent = title;
    frame.replaceWith(link);
  });

  script.after(frame);
})();
