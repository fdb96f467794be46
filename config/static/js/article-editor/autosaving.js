// What is typed is kept on the server a moment later, for its editor alone; nothing is published by it. While the page
// is open it says so, and hears who else has the article open and whether somebody saved it meanwhile.
import { csrfToken } from "./dialogs.js";

const SOON = 1500;
const OFTEN = 15_000;
const words = document.getElementById("editor-words")?.dataset ?? {};

export function start(form, { addresses }) {
  const status = document.createElement("p");
  status.className = "editor__status";
  status.setAttribute("role", "status");
  form.querySelector(".editor")?.append(status);
  let timer = null;
  let isChanged = false; // since the page was opened
  let isDirty = false; // since it was kept last
  let running = null;

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    isDirty = false;
  });

  function changed(event) {
    if (!event.target.name || event.target.type === "file") return;
    isChanged = isDirty = true;
    clearTimeout(timer);
    timer = setTimeout(keep, SOON);
  }

  // One at a time; what was typed meanwhile follows.
  async function keep() {
    clearTimeout(timer);
    if (running) return running.then(() => (isDirty ? keep() : undefined));
    running = send().finally(() => (running = null));
    return running;
  }

  async function send() {
    if (!addresses.change && !isDirty) return;
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    data.set("has_changes", isChanged ? "1" : "0");
    const wasDirty = isDirty;
    isDirty = false;
    try {
      const response = await fetch(addresses.autosave, {
        method: "POST", body: data, headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
        redirect: "manual",
      });
      if (response.type === "opaqueredirect" || response.status === 403) return lost(wasDirty, words.signedOut);
      if (!response.ok) return lost(wasDirty, words.lost);
      heard(await response.json());
    } catch {
      lost(wasDirty, words.lost);
    }
  }

  function lost(wasDirty, sentence) {
    isDirty ||= wasDirty;
    if (wasDirty) status.textContent = sentence;
    if (wasDirty) timer = setTimeout(keep, OFTEN / 3);
  }

  function heard(answer) {
    if (answer.error) status.textContent = answer.error;
    else if (answer.kept_at) status.textContent = words.kept.replace("%(time)s", answer.kept_at);
    if (answer.copy_pk && !addresses.change) remember(answer.copy_pk);
    showOthers(answer.others ?? []);
    const stale = document.getElementById("stale");
    if (stale) stale.hidden = !answer.is_stale;
  }

  // A text that is no article yet is found again after a crash by its address.
  function remember(pk) {
    form.elements.copy_pk.value = pk;
    const url = new URL(location.href);
    url.searchParams.set("copy", pk);
    if (url.href !== location.href) history.replaceState(null, "", url);
  }

  if (addresses.change) {
    setInterval(keep, OFTEN);
    keep();
    addEventListener("pagehide", () => {
      const data = new FormData();
      data.set("csrfmiddlewaretoken", csrfToken());
      navigator.sendBeacon(addresses.leave, data);
    });
  }
  return { keep, copyPk: () => form.elements.copy_pk?.value };
}

function showOthers(others) {
  const note = document.getElementById("others");
  if (!note) return;
  const said = others.map(({ name, has_changes: isChanging }) =>
    (isChanging ? words.changing : words.open).replace("%(name)s", name),
  );
  const text = said.join(" ");
  const paragraph = note.querySelector("p");
  if (paragraph.textContent.trim() !== text) paragraph.textContent = text;
  note.hidden = !others.length;
}
