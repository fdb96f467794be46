// Select2 names its search fields after nothing: each gets the label of its select.
addEventListener("load", () =>
  document.querySelectorAll(".select2-search__field").forEach((field) => {
    const select = field.closest(".select2-container")?.previousElementSibling;
    const label = select && document.querySelector(`label[for="${select.id}"]`);
    if (label) field.setAttribute("aria-label", label.textContent.trim());
  }),
);
