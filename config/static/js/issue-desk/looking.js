// The preview: which program and width, made anew when the issue changed, scrolled to where it was.
export function start(root) {
  const frame = document.getElementById("desk-frame");
  const links = [...root.querySelectorAll(".desk-look__choice [data-as]")];
  let chosen = links[0];
  let timer = null;
  let wanted = 0;
  mark();

  links.forEach((link) => {
    link.setAttribute("role", "button");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      chosen = link;
      wanted = 0;
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
  frame.addEventListener("load", () => frame.contentWindow?.scrollTo?.(0, wanted));
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
    frame.contentWindow?.location.replace(chosen.href);
  }

  return {
    renew() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        wanted = frame.contentWindow?.scrollY ?? 0;
        load();
      }, 400);
    },
  };
}
