// The list of articles by keys: J and K move, Enter opens (it is a link), X ticks.
import { start as bindKeys } from "./keys.js";

const links = () => [...document.querySelectorAll("#result_list tbody tr th a, #result_list tbody tr td.field-headline a")];

function move(step) {
  const all = links();
  const at = all.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

bindKeys({
  j: () => move(1),
  k: () => move(-1),
  x: () => document.activeElement?.closest("tr")?.querySelector("input.action-select, input[name=_selected_action]")?.click(),
  n: () => document.querySelector("a[href$='/add/']")?.click(),
  "/": () => document.querySelector("#searchbar, input[name=q]")?.focus(),
});
