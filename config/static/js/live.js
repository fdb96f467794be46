// Keeps a part of a page up to date: asks for it every few seconds while somebody looks, and counts down the last hour.
// Without it the page shows what was so when it was opened.
const HOUR = 3_600;
const place = document.querySelector("[data-live-url]");
let tag = "";

function tick() {
  for (const time of place.querySelectorAll("[data-until]")) {
    const left = Math.round(Number(time.dataset.until) - Date.now() / 1000);
    if (left < 0 || left >= HOUR) continue;
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    time.textContent = time.dataset.left.replace("%(time)s", clock); // bare it would read as one more hour of the day
  }
}

async function look() {
  if (document.hidden) return;
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(place.dataset.liveUrl, { credentials: "same-origin", headers, redirect: "manual" });
  if (!answer.ok) return; // 304, or no longer signed in
  tag = answer.headers.get("ETag") ?? "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (stateOf(fresh) !== stateOf(place)) location.reload(); // other buttons belong to it
  for (const part of fresh.querySelectorAll("section[id]")) renew(document.getElementById(part.id), part);
  tick();
}

function stateOf(root) {
  return root.querySelector("[data-live-state]")?.dataset.liveState;
}

// Only what changed is put in anew, so that a screen reader hears only that, and whoever is on a link stays on it.
function renew(old, part) {
  if (!old || words(old) === words(part)) return;
  const link = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  old.replaceChildren(...part.childNodes);
  old.hidden = part.hidden;
  if (link) [...old.querySelectorAll("a")].find((each) => each.getAttribute("href") === link)?.focus();
}

function words(part) {
  const copy = part.cloneNode(true);
  for (const time of copy.querySelectorAll("[data-until]")) time.textContent = "";
  return copy.textContent.replace(/\s+/g, " ");
}

if (place?.dataset.liveUrl) {
  const again = () => look().catch(() => {}); // No connection: it is asked again in a moment.
  setInterval(again, Number(place.dataset.liveSeconds) * 1_000);
  setInterval(tick, 1_000);
  document.addEventListener("visibilitychange", again);
  tick();
}
