// What others do, new articles and the forecast appear by asking every few seconds whether anything changed; the clock
// to the run counts down; and the others hear that somebody is here.
const words = document.getElementById("desk-words")?.dataset ?? {};
const OFTEN = 4000;
const RARELY = 15_000;

export function start(desk) {
  let end = 0;
  setClock();
  const shown = desk.onShown;
  desk.onShown = () => {
    shown();
    setClock();
  };
  setInterval(ask, OFTEN);
  setInterval(tick, 1000);
  setInterval(() => tell(false), RARELY);
  tell(true);

  async function ask() {
    if (document.hidden) return;
    try {
      const response = await fetch(desk.root.dataset.state, {
        headers: { "If-None-Match": `"${desk.tag}"`, Accept: "application/json" }, cache: "no-store", redirect: "manual",
      });
      if (response.status !== 200) return;
      const answer = await response.json();
      if (answer.tag === desk.tag) return;
      desk.show(answer);
      if (desk.deferred) desk.say(words.changed);
    } catch {
      // No connection: it is asked again in a moment, and what is done meanwhile says so.
    }
  }

  async function tell(isFirst) {
    if (document.hidden && !isFirst) return;
    const data = new FormData();
    data.set("links", "1");
    try {
      const response = await fetch(desk.root.dataset.here, {
        method: "POST", body: data, headers: { "X-CSRFToken": desk.csrf, Accept: "application/json" }, redirect: "manual",
      });
      if (response.ok) showOthers((await response.json()).others);
    } catch {
      // As above.
    }
  }

  function setClock() {
    const left = desk.root.querySelector("[data-seconds]");
    end = left ? performance.now() + Number(left.dataset.seconds) * 1000 : 0;
    tick();
  }

  function tick() {
    const left = desk.root.querySelector("[data-seconds]");
    if (!left || !end) return;
    const seconds = Math.ceil((end - performance.now()) / 1000);
    if (seconds > 86_400) return;
    left.textContent = seconds > 0 ? words.left.replace("%(time)s", clock(seconds)) : words.now;
  }
}

function clock(seconds) {
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

function showOthers(names) {
  const place = document.querySelector("[data-others]");
  if (!place) return;
  const text = names.map((name) => words.other.replace("%(name)s", name)).join(" ");
  if (place.textContent.trim() !== text) place.textContent = text;
  place.hidden = !names.length;
}
