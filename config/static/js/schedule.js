// Says what the rules of a schedule mean while they are being edited. Without it, the page says so after saving.
const meaning = document.getElementById("schedule-meaning");
const form = meaning?.closest("form");
let waiting, latest = 0;

async function say() {
  const turn = ++latest;
  try {
    const answer = await fetch(meaning.dataset.url, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (answer.ok && turn === latest) meaning.innerHTML = await answer.text();
  } catch {
    // No connection: the page says it after saving.
  }
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(say, 400);
}

if (form) {
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  if (window.django?.jQuery) window.django.jQuery(form).on("change", "select", soon); // select2 tells jQuery only
}
