// The commands of the text, its toolbar and its keys.
import {
  baseKeymap, chainCommands, exitCode, lift, liftListItem, redo, setBlockType, sinkListItem, splitListItem, toggleMark,
  undo, wrapIn, wrapInList,
} from "../vendor/prosemirror.js";
import { schema } from "./schema.js";

const { nodes, marks } = schema;

const toggleBlock = (type) => (state, dispatch) =>
  setBlockType(holds(state, type) ? nodes.paragraph : type)(state, dispatch);

const toggleWrap = (type, wrap) => (state, dispatch, view) =>
  within(state, type) ? (liftListItem(nodes.list_item)(state, dispatch) || lift(state, dispatch, view)) : wrap(state, dispatch);

const lineBreak = chainCommands(exitCode, (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.line_break.create()).scrollIntoView());
  return true;
});

export const commands = {
  paragraph: setBlockType(nodes.paragraph),
  heading2: toggleBlock(nodes.heading2),
  heading3: toggleBlock(nodes.heading3),
  strong: toggleMark(marks.strong),
  em: toggleMark(marks.em),
  bullets: toggleWrap(nodes.bullet_list, wrapInList(nodes.bullet_list)),
  numbers: toggleWrap(nodes.ordered_list, wrapInList(nodes.ordered_list)),
  quote: toggleWrap(nodes.blockquote, wrapIn(nodes.blockquote)),
  rule: (state, dispatch) => {
    dispatch?.(state.tr.replaceSelectionWith(nodes.rule.create()).scrollIntoView());
    return true;
  },
  undo,
  redo,
};

const pressed = {
  paragraph: (state) => holds(state, nodes.paragraph),
  heading2: (state) => holds(state, nodes.heading2),
  heading3: (state) => holds(state, nodes.heading3),
  strong: (state) => hasMark(state, marks.strong),
  em: (state) => hasMark(state, marks.em),
  link: (state) => hasMark(state, marks.link),
  bullets: (state) => within(state, nodes.bullet_list),
  numbers: (state) => within(state, nodes.ordered_list),
  quote: (state) => within(state, nodes.blockquote),
};

export const keys = (extra) => ({
  ...baseKeymap,
  "Mod-b": commands.strong,
  "Mod-i": commands.em,
  "Mod-z": undo,
  "Shift-Mod-z": redo,
  "Mod-y": redo,
  "Mod-Alt-0": commands.paragraph,
  "Mod-Alt-2": commands.heading2,
  "Mod-Alt-3": commands.heading3,
  "Shift-Enter": lineBreak,
  Enter: chainCommands(splitListItem(nodes.list_item), leaveFigure, baseKeymap.Enter),
  "Mod-]": sinkListItem(nodes.list_item), // Tab stays what it is: it leads out of the field
  "Mod-[": liftListItem(nodes.list_item),
  ...extra,
});

// Enter in a caption begins the paragraph after the picture.
function leaveFigure(state, dispatch) {
  const { $head } = state.selection;
  if ($head.parent.type !== nodes.figure) return false;
  if (dispatch) {
    const after = $head.after();
    const tr = state.tr.insert(after, nodes.paragraph.create());
    dispatch(tr.setSelection(state.selection.constructor.near(tr.doc.resolve(after + 1))).scrollIntoView());
  }
  return true;
}

function holds(state, type) {
  return state.selection.$from.parent.type === type;
}

function within(state, type) {
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth--) if ($from.node(depth).type === type) return true;
  return false;
}

export function hasMark(state, type) {
  const { from, $from, to, empty } = state.selection;
  return empty ? Boolean(type.isInSet(state.storedMarks || $from.marks())) : state.doc.rangeHasMark(from, to, type);
}

// One stop for Tab, arrows within (as the ARIA practices have it), and back to the text with Escape.
export function wireToolbar(bar, view, extra) {
  const buttons = [...bar.querySelectorAll("button")];
  let current = buttons[0];
  const focus = (button) => {
    current = button;
    buttons.forEach((each) => (each.tabIndex = each === current ? 0 : -1));
  };
  focus(current);
  buttons.forEach((button) =>
    button.addEventListener("click", () => {
      focus(button);
      const name = button.dataset.do;
      if (extra[name]) return extra[name](button);
      commands[name](view.state, view.dispatch, view);
      view.focus();
    }),
  );
  bar.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays in the text
  bar.addEventListener("keydown", (event) => {
    const isRtl = getComputedStyle(bar).direction === "rtl";
    const step = { ArrowRight: isRtl ? -1 : 1, ArrowLeft: isRtl ? 1 : -1 }[event.key];
    const at = buttons.indexOf(current);
    let next = null;
    if (step) next = buttons[(at + step + buttons.length) % buttons.length];
    if (event.key === "Home") next = buttons[0];
    if (event.key === "End") next = buttons.at(-1);
    if (event.key === "Escape") view.focus();
    if (!next) return;
    event.preventDefault();
    focus(next);
    next.focus();
  });
  return {
    focus: () => current.focus(),
    update: (state) =>
      buttons.forEach((button) => {
        const test = pressed[button.dataset.do];
        if (test) button.setAttribute("aria-pressed", String(test(state)));
      }),
  };
}
