// How long a headline or a summary is, beside what an inbox shows of it.
const words = document.getElementById("editor-words")?.dataset ?? {};

export function start(field) {
  const { shortest, longest } = field.dataset;
  const output = document.createElement("p");
  output.className = "desk-meter";
  output.id = `${field.id}_meter`;
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), output.id].filter(Boolean).join(" "));
  const bar = document.createElement("meter");
  Object.assign(bar, { min: 0, max: longest * 1.25, low: Number(shortest), high: Number(longest) });
  bar.optimum = (Number(shortest) + Number(longest)) / 2;
  bar.setAttribute("aria-hidden", "true");
  const said = document.createElement("span");
  output.append(bar, said);
  field.after(output);
  const update = () => {
    const count = [...field.value.trim()].length;
    output.hidden = count === 0;
    bar.value = count;
    const sentence = count < shortest ? words.short : count > longest ? words.long : words.good;
    said.textContent = sentence.replace("%(count)s", count);
  };
  field.addEventListener("input", update);
  update();
}
