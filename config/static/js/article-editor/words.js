// The editor over a text that is no article's: an announcement, on its form and on the issue desk.
import { start } from "./editor.js";

document.querySelectorAll("textarea[data-editor]").forEach((textarea) => {
  if (!textarea.readOnly) start(textarea, { takesButtons: true });
});
