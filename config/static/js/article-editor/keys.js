// Keys. Those with Ctrl (⌘) work everywhere on the page; those of a single letter only where nobody types, and not at
// all for who switched them off: speech input and screen readers use letters, too.
const SWITCH = "desk-single-keys";

export const areSingleKeysOn = () => localStorage.getItem(SWITCH) !== "off";

export function isTyping(event) {
  const at = event.target;
  return at.isContentEditable || at.matches?.("input:not([type=checkbox], [type=radio]), textarea, select") || at.closest?.("dialog");
}

export function start(bindings) {
  const help = document.getElementById("keys");
  const box = document.getElementById("single-keys");
  if (box) {
    box.checked = areSingleKeysOn();
    box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "on" : "off"));
  }
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    const withControl = event.ctrlKey || event.metaKey;
    const name = [withControl && "Mod", event.altKey && "Alt", event.code === "KeyP" && event.altKey ? "p" : event.key]
      .filter(Boolean).join("-");
    const isSingle = !withControl && !event.altKey;
    if (isSingle && (isTyping(event) || !areSingleKeysOn())) return;
    const act = name === "?" ? () => help?.showModal() : bindings[name];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}
