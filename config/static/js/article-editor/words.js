// The editor over a text that is no article's: an announcement. Mails take no pictures inside a text.
import { start } from "./editor.js";

document.querySelectorAll("textarea[data-editor]").forEach((textarea) => start(textarea, { takesPictures: false }));
