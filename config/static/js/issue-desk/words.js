// Subject, preview line, introduction: measured and kept while they are typed. Who was slower is told, and loses nothing.
const words = document.getElementById("desk-words")?.dataset ?? {};
const SOON = 1200;
const PLACEHOLDER = /\bTK(?:TK)*\b|\blorem ipsum\b|\[(?:date|day|name|title|headline|link|url|todo|tk|insert[^\]]{0,40})\]|\{\{.*?\}\}|\*\|.*?\|\*/gi;

const isPlaceholder = (hit) => !/^(?:tk)+$/i.test(hit) || hit === hit.toUpperCase();

export function start(desk) {
  const form = document.getElementById("desk-words-form");
  const status = document.getElementById("desk-kept");
  const fields = form ? ["subject", "preheader", "intro", "body"].map((name) => form.elements[name]).filter(Boolean) : [];
  const was = (field) => form.elements[`was_${field.name}`];
  let timer = null;
  let running = null;
  fields.forEach((field) => {
    measure(field);
    field.addEventListener("input", () => {
      measure(field);
      clearTimeout(timer);
      timer = setTimeout(keep, SOON);
    });
  });
  addEventListener("beforeunload", (event) => {
    if (dirty().length) event.preventDefault();
  });

  const dirty = () => fields.filter((field) => !field.readOnly && field.value !== was(field).value);

  async function keep() {
    clearTimeout(timer);
    if (running) await running;
    const changed = dirty();
    if (!changed.length) return;
    running = send(changed).finally(() => (running = null));
    await running;
  }

  async function send(changed) {
    const data = new FormData();
    const sent = new Map(changed.map((field) => [field, field.value]));
    for (const [field, value] of sent) {
      data.set(field.name, value);
      data.set(`was_${field.name}`, was(field).value);
    }
    status.textContent = words.keeping;
    const answer = await desk.act("write", data, { isQuiet: true });
    if (!answer) {
      status.textContent = "";
      timer = setTimeout(keep, 5000);
    } else if (answer.isDone) {
      for (const [field, value] of sent) was(field).value = value;
      status.textContent = words.kept.replace("%(time)s", new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    } else {
      status.textContent = "";
      if (answer.isStale) disagree(changed, answer);
      else desk.alarm(answer.said);
    }
  }

  // Somebody else changed the same field: both texts are there, and one of them is chosen.
  function disagree(changed, answer) {
    const decide = (isMine) => {
      for (const field of changed) {
        was(field).value = answer.words[field.name];
        if (!isMine) renewed(field, answer.words[field.name]);
        measure(field);
      }
      desk.calm();
      if (isMine) keep();
    };
    const theirs = changed.map((field) => `“${answer.words[field.name]}”`).join(" · ");
    desk.alarm(`${answer.said} ${theirs}`, button(words.mine, () => decide(true)), button(words.theirs, () => decide(false)));
  }

  return {
    keep,
    // What others wrote appears where nothing is being typed.
    renew() {
      const fresh = desk.facts.words;
      if (!fresh) return;
      for (const field of fields) {
        if (field.name === "subject") field.placeholder = desk.facts.offeredSubject ?? "";
        if (field.value !== was(field).value || fresh[field.name] === field.value) continue;
        was(field).value = fresh[field.name];
        renewed(field, fresh[field.name]);
        measure(field);
      }
    },
  };
}

// The editor over the text of an announcement shows it, too.
function renewed(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("renew"));
}

function button(text, act) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "desk-button", textContent: text });
  made.addEventListener("click", act);
  return made;
}

function measure(field) {
  const meter = document.getElementById(`${field.id}-meter`);
  if (!meter) return;
  meter.dataset.empty ??= meter.textContent;
  const length = [...field.value].length;
  const { least = 0, best = 0 } = field.dataset;
  const hits = (field.value.match(PLACEHOLDER) ?? []).filter(isPlaceholder);
  const isOff = length > 0 && ((least && length < least) || (best && length > best));
  meter.classList.toggle("is-wrong", hits.length > 0);
  meter.classList.toggle("is-off", !hits.length && Boolean(isOff));
  if (hits.length) meter.textContent = words.placeholder.replace("%(hit)s", hits.join(", "));
  else if (!length) meter.textContent = meter.dataset.empty;
  else meter.textContent = `${length}${best ? ` / ${best}` : ""}${isOff ? ` · ${length < least ? words.short : words.long}` : ""}`;
}
