// The issue desk. Without this the page works by its buttons; with it they answer at once, stories can be dragged, what
// is typed keeps itself, and what others do appears.
import { isTyping, start as bindKeys } from "../article-editor/keys.js";
import { start as letDrag } from "./dragging.js";
import { Desk } from "./desk.js";
import { start as look } from "./looking.js";
import { start as showParts } from "./parts.js";
import { start as watch } from "./watching.js";
import { start as keepWords } from "./words.js";

const root = document.getElementById("issue-desk");

if (root) {
  document.documentElement.classList.add("has-script");
  const parts = showParts(root);
  const preview = look(root);
  const desk = new Desk(root);
  const words = keepWords(desk);
  desk.onShown = () => {
    preview.renew();
    words.renew();
  };
  letDrag(desk);
  watch(desk);
  start(desk, words, parts);
}

function start(desk, words, parts) {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const button = event.submitter;
    if (button?.name !== "do" || form.method !== "post") return;
    event.preventDefault();
    if (form.id === "desk-words-form") return words.keep();
    await words.keep();
    const extra = new FormData(form);
    extra.delete("seen");
    const answer = await desk.act(button.value, extra, { busy: button });
    if (answer?.isDone) form.closest("details")?.removeAttribute("open");
  });

  const focused = () => document.activeElement?.closest?.("[data-story]");
  const stories = () => [...desk.root.querySelectorAll("[data-story]")].filter((each) => each.checkVisibility());
  const step = (by) => {
    const all = stories();
    const at = all.indexOf(focused());
    const next = at < 0 ? all.find((each) => each.dataset.place === "stories") ?? all[0] : all[at + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const press = (...verbs) => {
    const story = focused();
    const button = verbs.map((verb) => story?.querySelector(`button[value^="${verb} "]`)).find((each) => each && !each.disabled);
    button?.click();
  };
  const shift = (direction) => {
    const story = focused();
    if (story && direction in story.dataset) desk.act(`move ${story.dataset.story} ${story.dataset[direction]}`);
  };
  bindKeys({
    j: () => step(1),
    k: () => step(-1),
    J: () => shift("down"),
    K: () => shift("up"),
    p: () => press("pin", "unpin", "take"),
    d: () => press("drop"),
    s: () => press("later"),
    e: () => {
      const edit = focused()?.querySelector(".desk-story__edit");
      if (!edit) return;
      edit.open = true;
      edit.querySelector("input[type=text]").focus();
    },
    "Mod-Enter": async () => {
      await words.keep();
      document.querySelector('button[value="approve"]')?.click();
    },
  });
  document.addEventListener("keydown", (event) => {
    const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (isUndo && !isTyping(event)) {
      event.preventDefault();
      desk.act("undo");
    }
    if (event.key === "Escape") {
      const edit = event.target.closest?.(".desk-story__edit[open]");
      if (edit) {
        edit.open = false;
        edit.closest("[data-story]").focus();
        desk.showDeferred();
      }
    }
  });
  // A line of the preflight leads to what it is about, also in another part.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    const target = link && !link.dataset.part && document.getElementById(link.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    parts.show(target.closest("[data-part]")?.dataset.part);
    target.scrollIntoView({ block: "center" });
    target.focus();
  });
}
