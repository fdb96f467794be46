// What unfold leaves to the mouse can be done with the keyboard, and lists can be read on a phone.
(() => {
  const MOUSE_ONLY = "[x-on\\:click]:not(a[href], button, input, select, textarea, label, summary, [tabindex], tr, td)";

  const reach = (control) => {
    if (!control.textContent.trim()) return; // what lies behind a dialog, to close it
    control.tabIndex = 0;
    if (!control.hasAttribute("role") && !/^H\d$/.test(control.tagName)) control.setAttribute("role", "button");
    control.addEventListener("keydown", (event) => {
      if (event.target !== control || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      control.click();
    });
  };

  // On a phone a row is a card: each value with the name of its column, those without a value left out.
  const label = (list) => {
    const names = [...list.querySelectorAll("thead th")].map((heading) => heading.innerText.split("\n")[0].trim());
    for (const row of list.querySelectorAll("tr.data-row")) {
      [...row.cells].forEach((cell, at) => {
        if (names[at]) cell.dataset.label = names[at];
        if (/^[-–]?$/.test(cell.textContent.trim()) && !cell.querySelector("input, select, img, svg")) {
          cell.dataset.empty = "";
        }
      });
    }
    list.classList.add("desk-list");
  };

  // What a screen reader would call "edit" or "navigation" has the name that stands beside it.
  const name = () => {
    const sections = document.querySelector(".desk-sections");
    if (sections) document.querySelector("#nav-sidebar-inner")?.setAttribute("aria-label", sections.ariaLabel);
    for (const box of document.querySelectorAll(".select2-search__field:not([aria-label])")) {
      const words = box.closest("[class*='field-']")?.querySelector("label")?.innerText.trim();
      if (words) box.setAttribute("aria-label", words);
    }
  };

  // What must be scrolled sideways can be, with the arrow keys.
  const scrolls = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(MOUSE_ONLY).forEach(reach);
    document.querySelectorAll("#result_list").forEach(label);
    document.querySelectorAll(".desk-scroll").forEach((wide) => scrolls.observe(wide));
  });
  window.addEventListener("load", name); // the boxes have been made by then
})();
