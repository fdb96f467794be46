// The text of an article, edited as it will look. The textarea under it stays what the form sends; it changes only
// when somebody changes the text, so that opening and saving an article leaves a feed's own markup alone.
import {
  DOMParser as Reader, DOMSerializer, EditorState, EditorView, InputRule, NodeSelection, dropCursor, gapCursor,
  history, inputRules, keymap, textblockTypeInputRule, wrappingInputRule,
} from "../vendor/prosemirror.js";
import { asAddress, askForLink, askForPicture, upload } from "./dialogs.js";
import { cleaned } from "./pasting.js";
import { schema } from "./schema.js";
import { hasMark, keys, wireToolbar } from "./tools.js";

const { nodes, marks } = schema;
const words = document.getElementById("editor-words")?.dataset ?? {};
const BLOCK = /<(p|h[1-6]|ul|ol|blockquote|figure|pre|table|hr|img|br)\b/i;

export function read(html) {
  const page = new DOMParser().parseFromString(BLOCK.test(html) ? html : paragraphs(html), "text/html");
  return Reader.fromSchema(schema).parse(page.body);
}

// Plain text, as the field takes it, too: an empty line parts paragraphs.
function paragraphs(text) {
  const page = document.implementation.createHTMLDocument();
  for (const part of text.split(/\n\s*\n/)) {
    if (part.trim()) page.body.append(Object.assign(page.createElement("p"), { innerHTML: part.trim() }));
  }
  return page.body.innerHTML;
}

export function write(doc) {
  const holder = document.createElement("div");
  doc.forEach((node) => {
    if (node.type === nodes.paragraph && !node.content.size) return;
    holder.append(DOMSerializer.fromSchema(schema).serializeNode(node));
    holder.append("\n");
  });
  holder.querySelectorAll("li > p:only-child").forEach((only) => only.replaceWith(...only.childNodes));
  holder.querySelectorAll("figcaption:empty").forEach((caption) => caption.remove());
  return holder.innerHTML.trim();
}

const typing = inputRules({
  rules: [
    textblockTypeInputRule(/^##\s$/, nodes.heading2),
    textblockTypeInputRule(/^###\s$/, nodes.heading3),
    wrappingInputRule(/^>\s$/, nodes.blockquote),
    wrappingInputRule(/^[-*]\s$/, nodes.bullet_list),
    wrappingInputRule(/^1\.\s$/, nodes.ordered_list),
    new InputRule(/\.\.\.$/, "…"),
    new InputRule(/ -- $/, " – "),
  ],
});

// Where pictures are not taken, nothing offers to put one in, and what is dropped or pasted is left to the browser.
export function start(textarea, { takesPictures = true, takesButtons = false } = {}) {
  const shell = document.getElementById("editor-tools").content.firstElementChild.cloneNode(true);
  if (!takesPictures) shell.querySelector('[data-do="picture"]').remove();
  if (!takesButtons) shell.querySelector('[data-do="action"]').remove();
  if (!document.getElementById("keys")) shell.querySelector('[data-do="keys"]').remove();
  textarea.before(shell);
  const text = document.createElement("div");
  shell.append(text);
  const label = document.querySelector(`label[for="${textarea.id}"]`);
  const uploadTo = (file) => upload(shell.dataset.upload, file);
  let toolbar;

  const view = new EditorView({ mount: text }, {
    state: EditorState.create({ doc: read(textarea.value), plugins: plugins() }),
    attributes: {
      role: "textbox", "aria-multiline": "true", "aria-label": label?.textContent.trim() || words.text, dir: "auto",
      class: "editor__text", id: "editor-text",
    },
    transformPastedHTML: cleaned,
    handlePaste: (_view, event) => takePictures(event.clipboardData?.files) || linkSelection(event),
    handleDrop: (_view, event, _slice, isMoved) => !isMoved && takePictures(event.dataTransfer?.files),
    handleDoubleClickOn: (_view, _pos, node, at) => node.type === nodes.figure && (describe(node, at), true),
    dispatchTransaction(transaction) {
      view.updateState(view.state.apply(transaction));
      toolbar?.update(view.state);
      if (!transaction.docChanged || transaction.getMeta("renewed")) return;
      textarea.value = write(view.state.doc);
      textarea.dispatchEvent(new Event("input", { bubbles: true }));
    },
  });

  function plugins() {
    const extra = { "Mod-k": () => (setLink(), true), "Alt-F10": () => (toolbar.focus(), true) };
    return [history(), typing, keymap(keys(extra)), dropCursor(), gapCursor()];
  }

  async function setLink() {
    const { state } = view;
    const range = linkRange(state);
    const answer = await askForLink(range.href);
    view.focus();
    if (!answer) return;
    const change = state.tr.removeMark(range.from, range.to, marks.link);
    if (answer.href) {
      if (range.from === range.to) change.insertText(answer.href.replace(/^mailto:/, ""), range.from);
      const to = range.from === range.to ? range.from + answer.href.replace(/^mailto:/, "").length : range.to;
      change.addMark(range.from, to, marks.link.create({ href: answer.href }));
    }
    view.dispatch(change);
  }

  // What is selected becomes a button; in a button, where it leads is asked again.
  async function setAction() {
    const { $from, from, to, empty } = view.state.selection;
    const isKnown = $from.parent.type === nodes.action;
    const answer = await askForLink(isKnown ? $from.parent.attrs.href : "");
    view.focus();
    if (!answer) return;
    const { tr } = view.state;
    if (isKnown && answer.href) return view.dispatch(tr.setNodeMarkup($from.before(), null, { href: answer.href }));
    if (isKnown) return view.dispatch(tr.setNodeMarkup($from.before(), nodes.paragraph));
    if (!answer.href) return;
    const name = (empty ? "" : view.state.doc.textBetween(from, to, " ").trim()) || words.action;
    view.dispatch(tr.replaceSelectionWith(nodes.action.create({ href: answer.href }, schema.text(name))).scrollIntoView());
  }

  // An address that is pasted over words makes them a link.
  function linkSelection(event) {
    const pasted = event.clipboardData?.getData("text/plain").trim() ?? "";
    const { from, to, empty } = view.state.selection;
    if (empty || /\s/.test(pasted) || !/^https?:\/\//i.test(pasted) || !asAddress(pasted)) return false;
    view.dispatch(view.state.tr.addMark(from, to, marks.link.create({ href: asAddress(pasted) })));
    return true;
  }

  function takePictures(files) {
    const pictures = [...(files ?? [])].filter((file) => file.type.startsWith("image/"));
    if (!takesPictures || !pictures.length) return false;
    (async () => {
      for (const file of pictures) await putPicture(file);
    })();
    return true;
  }

  async function putPicture(file = null) {
    const { selection } = view.state;
    if (selection instanceof NodeSelection && selection.node.type === nodes.figure) {
      return describe(selection.node, selection.from);
    }
    if (selection.$from.parent.type === nodes.figure) return describe(selection.$from.parent, selection.$from.before());
    const picture = await askForPicture({ file, upload: uploadTo });
    view.focus();
    if (!picture) return;
    view.dispatch(view.state.tr.replaceSelectionWith(figureOf(picture)).scrollIntoView());
  }

  async function describe(node, at) {
    const known = { ...node.attrs };
    const picture = await askForPicture({ known, caption: node.textContent, upload: uploadTo });
    view.focus();
    if (!picture) return;
    const kept = picture.caption === node.textContent ? node.content : figureOf(picture).content;
    const { src, alt, width, height } = picture;
    const changed = nodes.figure.create({ src, alt, width, height }, kept);
    view.dispatch(view.state.tr.replaceWith(at, at + node.nodeSize, changed));
  }

  function showSource(button) {
    const isSource = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isSource));
    textarea.hidden = !isSource;
    text.hidden = isSource;
    if (isSource) return textarea.focus();
    const { state } = view;
    if (write(state.doc) !== textarea.value) {
      const doc = read(textarea.value);
      view.dispatch(state.tr.replaceWith(0, state.doc.content.size, doc.content));
    }
    view.focus();
  }

  toolbar = wireToolbar(shell.querySelector("[role=toolbar]"), view, {
    link: setLink,
    action: setAction,
    picture: () => putPicture(),
    source: showSource,
    keys: () => document.getElementById("keys").showModal(),
  });
  toolbar.update(view.state);
  textarea.hidden = true;
  // Somebody else changed the text: it is shown, and is not taken for typed.
  textarea.addEventListener("renew", () => {
    const { state } = view;
    view.dispatch(state.tr.replaceWith(0, state.doc.content.size, read(textarea.value).content).setMeta("renewed", true));
  });
  label?.addEventListener("click", () => view.focus());
  return view;
}

function figureOf({ caption, src, alt, width, height }) {
  return nodes.figure.create({ src, alt, width, height }, caption ? schema.text(caption) : null);
}

function linkRange(state) {
  const { from, to, empty, $from } = state.selection;
  const known = hasMark(state, marks.link);
  if (!empty || !known) {
    let href = "";
    state.doc.nodesBetween(from, to, (node) => void (href ||= marks.link.isInSet(node.marks)?.attrs.href ?? ""));
    return { from, to, href };
  }
  const mark = marks.link.isInSet($from.marks());
  let [start, end] = [from, from];
  $from.parent.forEach((node, offset) => {
    const at = $from.start() + offset;
    if (mark.isInSet(node.marks) && at <= from && from <= at + node.nodeSize) [start, end] = [at, at + node.nodeSize];
  });
  return { from: start, to: end, href: mark.attrs.href };
}
