// Shows the front page with the name, color and type that are being chosen, a moment after the last change.
"use strict";

const frame = document.querySelector("[data-preview]");
const form = frame?.closest("form");
let waiting;

function show() {
  const chosen = new FormData(form);
  const values = ["name", "accent_color", "typeface"].map((name) => [name, chosen.get(name) ?? ""]);
  frame.contentWindow.location.replace(`${frame.dataset.preview}?${new URLSearchParams(values)}`);
}

form?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(show, 250);
});
