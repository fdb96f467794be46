// Counts the seconds down in which an alert can be taken back, then shows what becomes of it. Without it, the page reloads itself.
const state = document.getElementById("alert-state");
let end = 0;

function begin() {
  const timer = state.querySelector("[data-seconds]");
  end = timer ? performance.now() + Number(timer.dataset.seconds) * 1000 : 0;
}

function tick() {
  const timer = state.querySelector("[data-seconds]");
  const left = Math.ceil((end - performance.now()) / 1000);
  if (timer && left > 0) timer.textContent = left;
  else if (state.dataset.moving) look();
}

async function look() {
  clearInterval(clock);
  try {
    const answer = await fetch(state.dataset.url, { credentials: "same-origin" });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("alert-state");
      if (fresh && fresh.textContent.trim() !== state.textContent.trim()) state.innerHTML = fresh.innerHTML;
      if (fresh) state.dataset.moving = fresh.dataset.moving;
      begin();
    }
  } catch {
    // No connection: it is asked again in a moment.
  }
  if (state.dataset.moving) clock = setInterval(tick, end > performance.now() ? 250 : 2000);
}

let clock;
if (state?.dataset.moving) {
  begin();
  clock = setInterval(tick, 250);
}
