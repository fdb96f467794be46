// The preview: which program and width, made anew when the issue changed, at the story that is being worked on. The
// frame is another origin to this page: it can be led to an address, and neither read nor scrolled.
export function start(root) {
  const frame = document.getElementById("desk-frame");
  const links = [...root.querySelectorAll(".desk-look__choice [data-as]")];
  let chosen = links[0];
  let timer = null;
  let story = "";
  let count = 0;
  mark();

  links.forEach((link) => {
    link.setAttribute("role", "button");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      chosen = link;
      mark();
      load();
    });
    link.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        event.preventDefault();
        link.click();
      }
    });
  });
  root.addEventListener("focusin", (event) => {
    const worked = event.target.closest(".desk-words, [data-story]");
    if (worked) story = worked.dataset.story ?? "";
  });
  new ResizeObserver(mark).observe(frame.parentElement);

  function mark() {
    links.forEach((link) => link.setAttribute("aria-pressed", String(link === chosen)));
    const room = frame.parentElement.clientWidth;
    const width = Number(chosen.dataset.width) || room;
    const scale = Math.min(1, room / width);
    frame.style.inlineSize = `${width}px`;
    frame.style.transform = scale < 1 ? `scale(${scale})` : "";
    frame.style.blockSize = scale < 1 ? `${608 / scale}px` : "";
    frame.parentElement.style.blockSize = "608px";
    frame.style.marginInline = scale < 1 ? "0" : "auto";
  }

  function load() {
    const address = new URL(chosen.href);
    address.searchParams.set("made", (count += 1)); // the same address with another place would only be scrolled
    if (story) address.hash = `story-${story}`;
    frame.contentWindow.location.replace(address);
  }

  return {
    renew() {
      clearTimeout(timer);
      timer = setTimeout(load, 400);
    },
  };
}
