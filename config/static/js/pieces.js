// Fetches the pieces of a page that take their time. Without it, each is a link to a page of its own.
for (const place of document.querySelectorAll("[data-piece]")) {
  fetch(place.dataset.piece, { credentials: "same-origin" })
    .then((answer) => (answer.ok && !answer.redirected ? answer.text() : Promise.reject(answer.status)))
    .then((html) => { place.innerHTML = html; })
    .catch(() => {}); // The link stays.
}
