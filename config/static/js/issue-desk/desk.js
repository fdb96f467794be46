// What the page knows of the issue, one action after another, and the panes made anew by the server.
const words = document.getElementById("desk-words")?.dataset ?? {};
const TOKEN = /name="csrfmiddlewaretoken" value="[^"]*"/g; // masked anew each time

export class Desk {
  constructor(root) {
    this.root = root;
    this.version = root.dataset.version;
    this.tag = root.dataset.tag;
    this.facts = { words: null };
    this.onShown = () => {};
    this.panes = new Map();
    this.queue = Promise.resolve();
    this.deferred = null;
    this.said = document.getElementById("desk-said");
    this.trouble = document.getElementById("desk-trouble");
    this.act = this.act.bind(this);
  }

  get csrf() {
    return document.querySelector("#desk-act [name=csrfmiddlewaretoken]").value;
  }

  // One at a time, so that each has seen what the one before did.
  act(verb, extra = new FormData(), options = {}) {
    this.queue = this.queue.then(() => this.send(verb, extra, options));
    return this.queue;
  }

  async send(verb, extra, { busy = null, isQuiet = false } = {}) {
    const data = extra;
    data.set("do", verb);
    if (!data.has("seen")) data.set("seen", this.version);
    busy?.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(this.root.dataset.url, {
        method: "POST", body: data, redirect: "manual",
        headers: { "X-CSRFToken": this.csrf, Accept: "application/json" },
      });
      if (response.type === "opaqueredirect" || response.status === 403) return this.alarm(words.signedOut);
      if (!response.headers.get("Content-Type")?.includes("json")) return this.alarm(words.lost);
      const answer = await response.json();
      if (answer.isDone) this.calm();
      this.show(answer, { focus: isQuiet ? null : verb.split(" ")[1], isForced: !isQuiet });
      if (!answer.isDone && !isQuiet) this.alarm(answer.said);
      else if (!isQuiet) this.say(verb.startsWith("move ") ? `${answer.said} ${this.placeOf(verb.split(" ")[1])}` : answer.said);
      return answer;
    } catch {
      return this.alarm(words.lost);
    } finally {
      busy?.removeAttribute("aria-busy");
    }
  }

  // Puts the server's panes into the page; where somebody is typing or dragging it waits.
  show(answer, { focus = null, isForced = false } = {}) {
    this.version = answer.version;
    this.tag = answer.tag;
    this.facts = answer;
    document.querySelectorAll("#desk-act [name=seen], #desk-words-form [name=seen]").forEach((field) => (field.value = answer.version));
    if (this.isBusy() && !isForced) {
      this.deferred = answer;
      return;
    }
    this.deferred = null;
    const at = focus ?? document.activeElement?.closest?.("[data-story]")?.dataset.story;
    const place = document.activeElement?.closest?.("[data-list]")?.dataset.list;
    const order = [...this.root.querySelectorAll(`[data-list="${place}"] [data-story]`)].map((each) => each.dataset.story);
    const closed = new Set([...this.root.querySelectorAll("details[data-group]:not([open])")].map((each) => each.dataset.group));
    const known = new Set([...this.root.querySelectorAll("details[data-group]")].map((each) => each.dataset.group));
    const kept = keepFocus();
    for (const [name, html] of Object.entries(answer.panes)) {
      const pane = document.getElementById(`pane-${name}`);
      const content = html.replace(TOKEN, "");
      if (pane && this.panes.get(name) !== content) {
        pane.innerHTML = html;
        this.panes.set(name, content);
      }
    }
    this.root.querySelectorAll("details[data-group]").forEach((each) => {
      if (known.has(each.dataset.group)) each.open = !closed.has(each.dataset.group);
    });
    if (at) this.focusStory(at, place, order);
    else kept();
    this.count();
    this.onShown();
  }

  // The story itself if it is still in its list, else the one that took its place.
  focusStory(pk, place, order) {
    const own = document.querySelector(`#story-${pk}`);
    const wasAt = order.indexOf(pk);
    if (own && (!place || own.dataset.place === place || wasAt < 0)) return own.focus({ preventScroll: false });
    const list = [...this.root.querySelectorAll(`[data-list="${place}"] [data-story]`)];
    (list[Math.min(Math.max(wasAt, 0), list.length - 1)] ?? own)?.focus();
  }

  // For those who listen: where a story came to stand.
  placeOf(pk) {
    const list = document.getElementById(`story-${pk}`)?.closest("[data-list][data-title]");
    if (!list) return "";
    const stories = [...list.querySelectorAll("[data-story]")];
    const at = stories.findIndex((each) => each.dataset.story === pk) + 1;
    return words.place.replace("%(title)s", list.dataset.title).replace("%(at)s", at).replace("%(all)s", stories.length);
  }

  isBusy() {
    const editing = this.root.querySelector(".desk-story__edit[open]");
    return Boolean(editing) || this.root.querySelector(".is-dragged") !== null;
  }

  showDeferred() {
    if (this.deferred) this.show(this.deferred);
  }

  count() {
    const waiting = this.root.querySelectorAll('[data-part="waiting"] [data-story]').length;
    const place = this.root.querySelector('[data-count="waiting"]');
    if (place) place.textContent = waiting;
  }

  say(sentence) {
    if (!sentence) return;
    this.said.textContent = sentence;
    this.said.classList.add("is-shown");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.said.classList.remove("is-shown"), 5000);
  }

  alarm(sentence, ...buttons) {
    this.trouble.replaceChildren(Object.assign(document.createElement("p"), { textContent: sentence }), ...buttons);
    this.trouble.hidden = false;
    this.trouble.scrollIntoView({ block: "nearest" });
    return null;
  }

  calm() {
    this.trouble.hidden = true;
  }
}

// Buttons of the panes are made anew: the one that had the focus gets it again.
function keepFocus() {
  const at = document.activeElement;
  if (at?.name !== "do" || !at.closest("[id^=pane-]")) return () => {};
  const pane = at.closest("[id^=pane-]").id;
  const { value } = at;
  return () => {
    const same = document.querySelector(`#${pane} button[value="${CSS.escape(value)}"]`);
    (same ?? document.querySelector(`#${pane} button[name=do]`))?.focus();
  };
}
