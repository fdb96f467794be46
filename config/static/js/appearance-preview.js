// Shows the mail with the look that is being chosen, a moment after the last change, and one kind of screen at a time.
"use strict";

const previews = document.querySelector(".mail-look");
const form = previews?.closest("form");
const kinds = previews?.querySelector(".mail-look__kinds");
const figures = [...(previews?.querySelectorAll("figure") ?? [])];
let waiting;

function chosen(kind) {
  const values = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !name.startsWith("csrf") && !name.startsWith("_")) values.append(name, value);
  }
  values.set("as", kind);
  return values;
}

function show() {
  for (const figure of figures) {
    if (figure.hidden) continue;
    const frame = figure.querySelector("iframe");
    frame.src = `${previews.dataset.preview}?${chosen(frame.dataset.as)}`;
  }
}

function turnTo(kind) {
  for (const button of kinds.children) button.setAttribute("aria-pressed", String(button.dataset.shows === kind));
  for (const figure of figures) figure.hidden = figure.id !== `mail-${kind}`;
  show();
}

if (previews) {
  kinds.hidden = false;
  kinds.addEventListener("click", (event) => {
    if (event.target.dataset.shows) turnTo(event.target.dataset.shows);
  });
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 300);
  });
  form.addEventListener("change", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 300);
  });
  turnTo("phone");
}
