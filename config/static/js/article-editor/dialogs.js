// The questions that the editor asks: where a link leads, what a picture shows. Each resolves to an answer or null.
const words = document.getElementById("editor-words")?.dataset ?? {};

const element = (id) => document.getElementById(id);

function ask(dialog, { onOpen, onSubmit }) {
  const form = dialog.querySelector("form");
  return new Promise((resolve) => {
    const close = (answer) => {
      form.removeEventListener("submit", submit);
      dialog.removeEventListener("cancel", cancel);
      dialog.close();
      resolve(answer);
    };
    const cancel = () => close(null);
    const submit = async (event) => {
      event.preventDefault();
      const verb = event.submitter?.value ?? "set";
      if (!verb) return close(null);
      const answer = await onSubmit(verb);
      if (answer !== undefined) close(answer);
    };
    form.addEventListener("submit", submit);
    dialog.addEventListener("cancel", cancel);
    dialog.querySelector("[role=alert]").textContent = "";
    onOpen();
    dialog.showModal();
  });
}

export function asAddress(typed) {
  const text = typed.trim();
  if (/^[^\s@/]+@[^\s@/]+\.[^\s@/]+$/.test(text)) return `mailto:${text}`;
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`);
    if (url.protocol === "mailto:") return url.href;
    return /^https?:$/.test(url.protocol) && url.hostname.includes(".") ? url.href : null;
  } catch {
    return null;
  }
}

// Resolves to {href}, {href: ""} to remove the link, or null.
export function askForLink(href) {
  const input = element("link-href");
  return ask(element("link-dialog"), {
    onOpen: () => (input.value = href),
    onSubmit: (verb) => {
      if (verb === "remove" || !input.value.trim()) return { href: "" };
      const address = asAddress(input.value);
      if (address) return { href: address };
      element("link-error").textContent = words.badLink;
      input.focus();
    },
  });
}

// Resolves to {src, alt, width, height, caption}, or null. A known picture is only described anew.
export function askForPicture({ known = null, file = null, upload, caption = "" }) {
  const [chosen, alt, plain, text] = ["file", "alt", "plain", "caption"].map((name) => element(`picture-${name}`));
  const say = (sentence) => (element("picture-error").textContent = sentence);
  const dialog = element("picture-dialog");
  return ask(dialog, {
    onOpen: () => {
      dialog.querySelector("[data-new]").hidden = Boolean(known || file);
      chosen.value = "";
      alt.value = known?.alt ?? "";
      plain.checked = Boolean(known) && !known.alt;
      text.value = caption;
    },
    onSubmit: async () => {
      const picture = file ?? chosen.files[0];
      if (!known && !picture) return void say(words.needsFile);
      if (!alt.value.trim() && !plain.checked) {
        alt.focus();
        return void say(words.needsAlt);
      }
      const described = { alt: plain.checked ? "" : alt.value.trim(), caption: text.value.trim() };
      if (known) return { ...known, ...described };
      say(words.uploading);
      const stored = await upload(picture);
      if (stored.error) return void say(stored.error);
      return { src: stored.url, width: String(stored.width), height: String(stored.height), ...described };
    },
  });
}

export async function upload(url, file) {
  const data = new FormData();
  data.append("picture", file);
  try {
    const response = await fetch(url, { method: "POST", body: data, headers: { "X-CSRFToken": csrfToken() } });
    if (response.headers.get("Content-Type")?.includes("json")) return await response.json();
  } catch {
    // offline: said below
  }
  return { error: words.failed };
}

export function csrfToken() {
  return document.querySelector("[name=csrfmiddlewaretoken]").value;
}
