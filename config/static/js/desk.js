// What unfold leaves to the mouse can be done with the keyboard, and lists can be read on a phone.
(() => {
  const MOUSE_ONLY = "[x-on\\:click]:not(a[href], button, input, select, textarea, label, summary, [tabindex], tr, td)";

  const reach = (control) => {
    if (!control.textContent.trim()) return; // what lies behind a dialog, to close it
    control.tabIndex = 0;
    if (!control.hasAttribute("role")) control.setAttribute("role", "button");
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

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(MOUSE_ONLY).forEach(reach);
    document.querySelectorAll("#result_list").forEach(label);
  });
})();
