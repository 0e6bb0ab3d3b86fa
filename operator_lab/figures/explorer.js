// An Explorer: controls, panels, read-out. One module for a notebook and for a page without a kernel.
import { KEYS, PANELS, WIDTH, html, live, onEnter, phrase, short, svg, tableOf, unpack } from "./drawing.js";

function controls(model, { slider, choice }) {
  const { values, labels, numeric, unit, digits, said } = slider, log = slider.scale === "log";
  const set = (name, value) => (model.set(name, value), model.save_changes());
  const range = html("input", { type: "range", min: 0, max: values.length - 1, step: 1, ...KEYS });
  const box = html("input", { type: "number", step: "any", "aria-label": `${slider.label}, value`, ...KEYS });
  const options = (choice?.options ?? []).map((option, k) => html("option", { value: k }, option));
  const select = html("select", KEYS, ...options);
  const bar = html("div", { class: "controls" }, html("label", { class: "slide" }, slider.label, range),
    numeric ? html("span", { class: "box" }, box, unit)
      : html("output", { "aria-hidden": "true" }),  // the slider's own aria-valuetext says it
    ...(choice ? [html("label", {}, choice.label, select)] : []));
  const aloud = (value) => !numeric ? value
    : (said || `{} ${unit}`).replace("{}", value).replace("(s)", value === "1" ? "" : "s").trim();
  const distance = (v, given) => Math.abs(log ? Math.log(v / given) : v - given);
  range.addEventListener("input", () => set("index", range.valueAsNumber));
  select.addEventListener("change", () => set("choice_index", Number(select.value)));
  const show = (i, j) => {
    const value = numeric ? short(values[i], digits) : (labels ?? values)[i];
    range.value = i;
    range.setAttribute("aria-valuetext", aloud(value));
    if (numeric) box.value = value; else bar.querySelector("output").textContent = value;
    if (choice) select.value = j;
  };
  const take = () => {
    const given = log ? Math.max(box.valueAsNumber, values[0]) : box.valueAsNumber;
    const nearest = values.reduce((best, v, k) =>
      distance(v, given) < distance(values[best], given) ? k : best, model.get("index"));
    set("index", nearest);
    show(nearest, model.get("choice_index"));
  };
  box.addEventListener("change", take);
  onEnter(box, take);
  return { bar, show };
}

function assemble(model, open) {
  const header = model.get("header"), arrays = unpack(header.arrays, model.get("data"));
  const { bar, show: showControls } = controls(model, header);
  const drawn = header.panels.map((panel, k) => {
    const at = (name, i, j) => arrays[`${k}/${name}`](i, j);
    const legend = html("div", { class: "legend" });
    const root = svg("svg", { role: "img", "aria-label": `${panel.title} (${panel.kind})` });
    const made = PANELS[panel.kind](panel, at, root, legend);
    root.setAttribute("viewBox", `0 0 ${WIDTH} ${Math.ceil(made.height)}`);
    const figure = html("figure", {}, html("figcaption", {}, panel.title), legend, root);
    return { ...made, figure, title: panel.title };
  });
  const status = html("p", { class: "readout", role: "status", "aria-live": "polite" });
  const details = html("details", { open }, html("summary", KEYS, "Data"));
  const pick = (table, i, j) => (table[i] ?? table[0])[j] ?? (table[i] ?? table[0])[0];
  const fill = (i, j) => details.replaceChildren(details.firstChild,
    ...drawn.map(({ title, table }) => tableOf(title, ...table(i, j))));
  const here = () => [model.get("index"), model.get("choice_index")];
  const show = () => {
    const [i, j] = here();
    for (const panel of drawn) panel.show(i, j, header.slider.values[i]);
    showControls(i, j);
    status.textContent = phrase(header.readout, (name) =>
      Object.hasOwn(header.words, name) ? pick(header.words[name], i, j) : arrays[`readout/${name}`](i, j)[0]);
    if (details.open) fill(i, j);
  };
  details.addEventListener("toggle", () => details.open && fill(...here()));
  show();
  const panels = html("div", { class: "panels" }, ...drawn.map(({ figure }) => figure));
  return { show, details, nodes: [bar, panels, status, details] };
}

// The text box appears only when a kernel answers: without one nothing can be computed again.
function question(model, sentence, place) {
  const input = html("input", { type: "text", value: sentence, autocomplete: "off", spellcheck: "false", ...KEYS });
  const button = html("button", { type: "submit" }, "Draw");
  const alert = html("p", { role: "alert", "aria-live": "assertive" });
  const form = html("form", { hidden: true }, html("label", {}, "Your sentence", input), button, alert);
  place.append(form);
  const send = () => {
    button.disabled = true;
    alert.textContent = "";
    model.send({ sentence: input.value });
  };
  form.addEventListener("submit", (event) => (event.preventDefault(), send()));
  onEnter(input, send);
  return (answer) => {
    if ("live" in answer) return (form.hidden = !answer.live);
    button.disabled = false;
    alert.textContent = answer.error;
  };
}

export default { render({ model, el }) {
  const { title, sentence } = model.get("header"), body = html("div"), box = html("div");
  let picture;
  const show = () => picture.show();
  const build = () => {
    picture = assemble(model, picture?.details.open ?? false);
    body.replaceChildren(...picture.nodes);
  };
  const events = { "change:header": build, "change:index": show, "change:choice_index": show };
  if (sentence !== null) events["msg:custom"] = question(model, sentence, box);
  for (const [name, f] of Object.entries(events)) model.on(name, f);
  build();
  el.append(html("div", { class: "operator-lab-explorer", role: "group", "aria-label": title },
    html("div", { class: "title" }, title), box, body));
  live(model);
  model.send({ hello: true });
  return () => { for (const [name, f] of Object.entries(events)) model.off(name, f); };
} };
