// The width of the previewed pages: a phone's or the window's.
const group = document.querySelector(".article-preview__widths");
const buttons = [...group.querySelectorAll("button")];
group.hidden = false;
buttons.forEach((button) =>
  button.addEventListener("click", () => {
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
    document.querySelectorAll("iframe").forEach((frame) => {
      frame.style.maxInlineSize = button.dataset.width ? `${button.dataset.width}px` : "";
    });
  }),
);
