// Stories are dragged by their grip, with a mouse, a pen or a finger; from what waits into the issue as well.
const words = document.getElementById("desk-words")?.dataset ?? {};
const EDGE = 60;

export function start(desk) {
  if (!desk.root.dataset.changeable) return;
  let dragged = null;
  let target = null;
  grips(desk.root);
  new MutationObserver(() => grips(desk.root)).observe(desk.root, { childList: true, subtree: true });

  desk.root.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest(".desk-story__grip");
    if (!grip || event.button) return;
    event.preventDefault();
    dragged = grip.closest("[data-story]");
    dragged.classList.add("is-dragged");
    grip.setPointerCapture(event.pointerId);
  });

  desk.root.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    scrollAtTheEdge(event.clientY);
    clear();
    target = placeAt(desk.root, event.clientX, event.clientY, dragged);
    if (target?.before) target.before.classList.add("is-before");
    else target?.list.classList.add("is-end");
  });

  const end = (event) => {
    if (!dragged) return;
    const story = dragged;
    dragged.classList.remove("is-dragged");
    dragged = null;
    clear();
    if (event.type === "pointerup" && target) drop(desk, story, target);
    else desk.showDeferred();
    target = null;
  };
  desk.root.addEventListener("pointerup", end);
  desk.root.addEventListener("pointercancel", end);

  function clear() {
    desk.root.querySelectorAll(".is-before").forEach((each) => each.classList.remove("is-before"));
    desk.root.querySelectorAll(".is-end").forEach((each) => each.classList.remove("is-end"));
  }
}

function drop(desk, story, { before, list }) {
  const pk = story.dataset.story;
  const section = list.dataset.section ?? "";
  const isNear = (before?.dataset.story ?? list.dataset.end) === pk || (before && before.previousElementSibling === story);
  const isSame = story.parentElement === list && (isNear || (!before && list.lastElementChild === story));
  if (isSame) return desk.showDeferred();
  desk.act(`move ${pk} ${before?.dataset.story || list.dataset.end || "end"} ${section}`.trim());
}

function placeAt(root, x, y, dragged) {
  const list = [...root.querySelectorAll("[data-drop]")].find((each) => {
    const box = each.getBoundingClientRect();
    return x >= box.left && x <= box.right && y >= box.top - 20 && y <= box.bottom + 20;
  });
  if (!list) return null;
  const stories = [...list.querySelectorAll("[data-story]")];
  const before = stories.find((each) => {
    const box = each.getBoundingClientRect();
    return y < box.top + box.height / 2;
  });
  return before === dragged ? { list, before: dragged } : { list, before };
}

function scrollAtTheEdge(y) {
  if (y < EDGE) scrollBy(0, -12);
  else if (y > innerHeight - EDGE) scrollBy(0, 12);
}

// For the pointer only: keyboards have keys and buttons, which say what they do.
function grips(root) {
  root.querySelectorAll('[data-drop] [data-story], [data-list="new"] [data-story], [data-list="carried"] [data-story], [data-list="expiring"] [data-story], [data-list="later"] [data-story], [data-list="dropped"] [data-story]').forEach((story) => {
    if (story.querySelector(":scope > .desk-story__grip")) return;
    const grip = document.createElement("span");
    Object.assign(grip, { className: "desk-story__grip material-symbols-outlined", title: words.grip, textContent: "drag_indicator" });
    grip.setAttribute("aria-hidden", "true");
    story.append(grip);
  });
}
