// The page of an article: the editor over the text, keeping what is typed, meters and keys.
import "../select-labels.js";
import { start as keepTyping } from "./autosaving.js";
import { start as edit } from "./editor.js";
import { start as bindKeys } from "./keys.js";
import { start as measure } from "./meters.js";

const form = document.getElementById("article_form");
const textarea = document.querySelector("textarea[data-editor]");

if (form && textarea) {
  edit(textarea);
  document.querySelectorAll("[data-longest]").forEach(measure);
  const here = location.pathname.match(/^(.*\/)(\d+)\/change\/$/);
  const root = here ? here[1] : location.pathname.replace(/add\/$/, "");
  const addresses = here
    ? { change: true, autosave: `${root}${here[2]}/autosave/`, leave: `${root}${here[2]}/leave/` }
    : { change: false, autosave: `${root}autosave/` };
  const keeper = keepTyping(form, { addresses });

  const preview = async () => {
    const page = open("about:blank", "article-preview"); // before the wait, or it would be taken for a pop-up
    await keeper.keep();
    const address = here ? `${root}${here[2]}/preview/` : keeper.copyPk() && `${root}preview/new/${keeper.copyPk()}/`;
    if (address) page.location.replace(address);
    else page.close();
  };
  const press = (...names) => {
    const button = names.map((name) => document.querySelector(`button[name="${name}"], input[name="${name}"]`)).find(Boolean);
    if (button) form.requestSubmit(button);
  };
  bindKeys({
    "Mod-s": () => press("_continue", "_save"),
    "Mod-Enter": () => press("articles_article_save_and_publish"),
    "Mod-Alt-p": preview,
  });
  // What is typed goes along with the preview, also when it is opened by its link.
  document.querySelectorAll('a[href$="/preview/"]').forEach((link) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      preview();
    }),
  );
  if (!here) {
    const button = document.createElement("button");
    const words = document.getElementById("editor-words").dataset;
    Object.assign(button, { type: "button", className: "desk-button", textContent: words.preview });
    button.addEventListener("click", preview);
    form.querySelector(".editor").append(button);
  }
}
