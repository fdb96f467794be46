// On a phone the three parts are shown one at a time.
export function start(root) {
  const parts = root.querySelector(".issue-desk__parts");
  const links = [...root.querySelectorAll(".issue-desk__tabs a")];
  links.forEach((link) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      show(link.dataset.part);
      scrollTo({ top: Math.min(scrollY, parts.offsetTop) });
    }),
  );

  function show(name) {
    if (!name || !parts.querySelector(`[data-part="${name}"]`)) return;
    parts.dataset.shown = name;
    links.forEach((link) => {
      if (link.dataset.part === name) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }

  links.filter((link) => !parts.querySelector(`[data-part="${link.dataset.part}"]`)).forEach((link) => link.remove());
  return { show };
}
