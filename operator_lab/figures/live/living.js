// The living Transformer's page: controls, figures and read-out of one experiment.
import { KEYS, html, live, short } from "./drawing.js";
import { machine } from "./machine.js";
import { answer, divergence } from "./answer.js";
import { PLAIN, readFrom, written } from "./experiment.js";
import { nats, quoted, said } from "./said.js";
import { button, guide, labelled, press, sentenceBox } from "./controls.js";
import { figure, headGrid, heat, simplex } from "./pictures.js";

const SHOWN_WORDS = 8, NAMED_WORDS = 3; // in bars, in the read-out
const stepNames = (layers) => ["start", ...Array.from({ length: 2 * layers }, (_, s) =>
  `${s % 2 ? "MLP" : "attention"} ${Math.floor(s / 2) + 1}`)];

const inLab = () => "jpThemeLight" in document.body.dataset; // there the address is not ours
const isOurs = () => location.hash.includes("="); // and not that of a heading of the page
function toAddress(words) {
  if (words || isOurs()) history.replaceState(null, "", words ? `#${words}` : location.pathname + location.search);
}

// Scrolls to a figure, so that it begins where the tour, which stays in sight, ends.
function under(tour, node, behavior) {
  if (!node || tour.hidden) return;
  node.style.scrollMarginTop = `${parseFloat(getComputedStyle(tour).top) + tour.offsetHeight + 16}px`;
  node.scrollIntoView({ block: "start", behavior });
}

function build(model, root) {
  const header = model.get("header"), one = machine(header, model.get("data")), { shape, words } = one;
  const steps = stepNames(shape.layers), start = { ...PLAIN, ...header.start }, shows = (part) => header.parts.includes(part);
  let asked = readFrom(model.get("experiment") || (inLab() ? "" : location.hash.slice(1)), start), found, frame, drawn, job = 0;

  const ask = (change) => {
    asked = { ...asked, ...(typeof change === "function" ? change(asked) : change) };
    model.set("experiment", written(asked, start));
    model.save_changes();
    frame ??= requestAnimationFrame(show);
  };
  const slider = (low, high, act) => {
    const range = html("input", { type: "range", min: low, max: high, step: 1, value: 0, ...KEYS });
    range.addEventListener("input", () => act(range.valueAsNumber));
    return range;
  };
  const select = (options, act) => {
    const node = html("select", KEYS);
    node.addEventListener("change", () => act(node.value));
    return Object.assign(node, { fill: (names, value) => {
      if (node.dataset.names === String(names)) return (node.value = value);
      node.replaceChildren(...names.map((name, k) => html("option", { value: k }, name)));
      node.dataset.names = String(names);
      node.value = value;
    } });
  };

  // controls
  const sentence = sentenceBox(words, "Your sentence", ask, (value) => ({ text: value, at: null, row: null, step: null }));
  const strip = html("div", { class: "strip", role: "group", "aria-label": "After which word?" });
  const asRead = html("p", { class: "hint" }, "As the model reads it, from the full stop before; choose a word to see what follows there:");
  const temperature = slider(-40, 40, (value) => ask({ T: 10 ** (value / 40) }));
  const heated = html("output", { "aria-hidden": "true" });
  const scope = select([], (value) => ask({ one: value === "1" }));
  const reset = button("As it was trained, nothing exchanged", () => ask({ T: 1, one: false, off: [], step: null }));
  const status = html("p", { class: "readout", role: "status", "aria-live": "polite" });
  const link = html("a", { class: "link" }, "Link to this experiment");

  // speaking: a draw from the law, once or up to the full stop
  const loud = slider(-20, 20, () => show()), loudness = html("output", { "aria-hidden": "true" });
  const speak = (whole) => {
    if (!found || found.at + 1 >= shape.context) return;
    const p = Array.from(found.law, (q) => q ** (1 / 10 ** (loud.valueAsNumber / 20)));
    let left = Math.random() * p.reduce((a, b) => a + b, 0);
    const word = words[Math.max(p.findIndex((q) => (left -= q) <= 0), 0)];
    ask({ text: `${[...found.words.slice(1, found.at + 1), word].join(" ")} `, at: null, row: null, step: null });
    if (!whole || word === ".") return;
    const { text } = asked, more = () => asked.text === text && speak(true); // unless somebody else writes
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) (show(), more());
    else setTimeout(more, 350);
  };
  const says = [button("One word", () => speak(false)), button("To the full stop", () => speak(true))];
  const saying = html("div", { class: "controls" }, labelled("Let it speak; temperature of the draw", loud), loudness, ...says);

  // exchange
  const second = sentenceBox(words, "Second sentence, as many words", ask, (value) => ({ other: value }));
  const row = select([], (value) => ask(({ step }) => ({ row: Number(value), step: step ?? shape.layers })));
  const depth = select([], (value) => ask({ step: value === "0" ? null : Number(value) - 1 }));
  const map = figure("heatmap");
  map.root.addEventListener("click", ({ target }) => {
    const k = [...map.root.querySelectorAll(".cell")].indexOf(target);
    if (k >= 0) ask({ step: Math.floor(k / found.N), row: k % found.N });
  });
  const exchange = html("details", { class: "exchange" }, html("summary", KEYS, "Exchange a row with a second sentence"), second.node,
    html("div", { class: "controls" }, labelled("take the row of", row), labelled("after the step", depth)), map.node);

  const law = figure("bars"), large = figure("heatmap"), lens = figure("heatmap"), hops = figure("heatmap");
  const grid = headGrid(shape, ask), belief = simplex(one.senses, header.belief);
  const data = html("details", {}, html("summary", KEYS, "Data"));
  const fill = () => data.replaceChildren(data.firstChild,
    ...header.parts.flatMap((part) => figures[part]?.tables?.(found) ?? []));
  data.addEventListener("toggle", () => data.open && fill());
  exchange.open = Boolean(asked.other);
  exchange.addEventListener("toggle", () => show());
  const figures = { law, large, lens, hops, belief, grid, exchange: { node: exchange } };
  const tour = guide(header.tour, (experiment, look) => {
    for (const [name, { node }] of Object.entries(figures)) node.classList.toggle("looked", look.includes(name));
    if (experiment?.other) exchange.open = true;
    ask(experiment ? { ...start, ...experiment } : { step: null, other: "" });
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    setTimeout(() => under(root.querySelector(".tour"), figures[look[0]]?.node, behavior), 300); // when it is drawn
  });
  const all = html("details", {}, html("summary", KEYS, `All ${words.length} words`), html("p", { class: "hint" }, words.join(" ")));
  const parts = (of) => Object.entries(of).flatMap(([part, nodes]) => shows(part) ? nodes : []);
  const controls = html("div", { class: "controls" }, ...parts({ temperature:
    [labelled("temperature of attention, T / T₀", temperature, { class: "slide" }), heated, labelled("in which heads", scope)] }), reset);
  const panels = header.parts.filter((part) => part in figures && part !== "exchange").map((part) => figures[part].node);
  root.append(tour, sentence.node, ...parts({ speak: saying }), all, asRead, strip, status,
    ...(shows("temperature") || shows("grid") ? [controls] : []), html("div", { class: "panels" }, ...panels),
    ...parts({ exchange }), data, link);

  // The first answer does not wait for the maps, which a frame later are drawn for the first time;
  // from then on all move together.
  function show() {
    frame = cancelAnimationFrame(frame);
    if (!root.isConnected) return; // JupyterLab attaches it later: then it has a size, and colours
    const begun = performance.now();
    found = answer(one, asked);
    drawAnswer();
    if (drawn) drawMaps();
    root.dataset.milliseconds = (performance.now() - begun).toFixed(1); // for whoever measures
    later(drawRest);
  }

  function drawAnswer() {
    const { e, N, at, exact } = found;
    sentence.show(asked.text, found.first.complaint, at === N - 1 ? exact?.law ?? found.law : null, found.first.growing);
    if (strip.dataset.words !== found.words.join(" ")) strip.replaceChildren(...found.words.map((word, n) =>
      button(word, () => ask({ at: n, row: null }))));
    strip.dataset.words = found.words.join(" ");
    [...strip.children].forEach((word, n) => press(word, n === at));

    temperature.value = Math.round(40 * Math.log10(e.T));
    temperature.setAttribute("aria-valuetext", `${short(e.T)} times the usual temperature`);
    heated.textContent = short(e.T);
    scope.fill(["all heads", `head ${e.head} alone`], e.one ? 1 : 0);
    for (const act of says) act.disabled = at + 1 >= shape.context;
    loudness.textContent = short(10 ** (loud.value / 20));
    loud.setAttribute("aria-valuetext", `temperature ${loudness.textContent}`);

    const { names, pick } = chosen();
    const series = { model: pick(found.law), ...(exact && { "exact law": pick(exact.law) }),
      ...(found.turned !== null ? { "before the exchange": pick(found.before) }
        : (e.T !== 1 || e.off.length) && { "as it was trained": pick(found.usual) }) };
    const high = Math.max(...Object.values(series).flat()) > 0.5 ? 1 : 0.5;
    law.show(`Which word follows ${quoted(found.words[at])}`, { labels: names, series: Object.keys(series), low: 0, high, x_label: "",
      y_ticks: [0, 1, 2, 3, 4, 5].map((k) => [k * high / 5, short(k * high / 5)]), y_label: "probability" }, series);
    status.textContent = said(found, words);
    link.href = `#${written(asked, start)}`;
    if (shows("exchange")) showExchange();
  }
  // The words that are drawn: those of the read-out, and others that stay while a slider moves.
  function chosen() {
    const weight = words.map((_, i) => Math.max(found.usual[i], found.exact?.law[i] ?? 0, found.other?.[i] ?? 0));
    const by = (p) => [...words.keys()].sort((a, b) => p[b] - p[a]), now = by(found.law).slice(0, NAMED_WORDS);
    const kept = by(weight).slice(0, SHOWN_WORDS).filter((i) => !now.includes(i)).slice(0, SHOWN_WORDS - NAMED_WORDS);
    const shown = [...kept, ...now].sort((a, b) => weight[b] - weight[a]);
    return { names: shown.map((i) => words[i]), pick: (p) => shown.map((i) => p[i]) };
  }

  function drawMaps() {
    const { e, N, at, exact } = found, [l, h] = e.head.split(".").map((n) => n - 1);
    if (shows("large")) large.show(`Head ${e.head}: who reads whom${e.off.includes(e.head) ? " (silent)" : ""}`, heat(found.words, found.words,
      { mark: at, row_label: "who reads", column_label: "who is read" }), { array: found.mixing[l].subarray(h * N * N, (h + 1) * N * N) });
    if (shows("lens")) drawLens(exact ? exact.law : found.law, exact ? "the exact law" : "the law at the end");
    if (shows("grid")) grid.show(found);
    if (shows("belief")) belief.show(found);
    drawn = true;
  }
  const away = (laws, from) => laws.map((p) => nats(divergence(from, p)).replace(" nats", ""));
  function drawLens(from, whose) {
    const { names, pick } = chosen(), laws = found.lens();
    lens.show("As if the model stopped here", heat(steps, names, { row_label: "read after" }),
      { array: laws.flatMap(pick) }, `Nats away from ${whose} after each step: ${away(laws, from).join(", ")}.`);
  }
  function drawHops() {
    const { names, pick } = chosen(), laws = found.hops(), rows = ["no hop", "up to 1", "up to 2", "all hops"];
    hops.show(`Counted by hops between words${found.turned === null ? "" : ", before the exchange"}`, heat(rows, names), { array: [...laws, found.before].flatMap(pick) },
      `Away from the whole model: ${away(laws, found.before).map((left, n) => `${left} nats with ${rows[n].replace("up to ", "at most ")}`).join(", ")}.`);
  }
  function drawRest(mine) {
    if (!drawn) drawMaps();
    if (shows("hops")) drawHops();
    if (data.open) fill();
    if (found.turn && shows("exchange") && exchange.open) turnAll(found, mine);
  }

  // What takes longer comes after the frame, unless something else was asked by then; the address
  // when the hand rests, for browsers refuse to write it too often.
  function later(act) {
    const mine = ++job, rest = () => setTimeout(() => mine === job && act(mine));
    if (drawn) rest(); else requestAnimationFrame(rest); // a first answer is seen first
    if (!inLab()) setTimeout(() => mine === job && toAddress(written(asked, start)), 200);
  }

  function showExchange() {
    const { second: other, turn } = found;
    second.show(asked.other, other?.complaint || found.complaint, turn ? null : other?.law, other?.growing);
    row.fill(found.words.map((word, n) => `${word} (${n})`), found.row);
    depth.fill(["not exchanged", ...steps], asked.step === null ? 0 : Math.min(asked.step, steps.length - 1) + 1);
    map.node.hidden = !turn;
  }
  // Every row at every step, a few at a time, so that nothing else waits.
  function turnAll({ N, at, turn, words }, mine) {
    const array = new Float64Array(steps.length * N).fill(NaN), cells = [...array.keys()];
    const panel = heat(steps, words, { row_label: "after the step", column_label: "row of" });
    const chosen = asked.step === null ? -1 : Math.min(asked.step, steps.length - 1) * N + found.row;
    (function more() {
      if (mine !== job) return;
      for (const end = performance.now() + 8; cells.length && performance.now() < end;) {
        const k = cells.shift();
        array[k] = Math.min(Math.max(turn(Math.floor(k / N), k % N), 0), 1);
      }
      map.show(`How far the law after ${quoted(words[at])} turns`, panel, { array },
        "Choose a cell: that word’s row, after that step, is taken from the second sentence.");
      map.root.querySelectorAll(".cell").forEach((cell, k) => cell.classList.toggle("chosen", k === chosen));
      if (cells.length) setTimeout(more);
    })();
  }

  const onExperiment = () => {
    if (model.get("experiment") === written(asked, start)) return;
    asked = readFrom(model.get("experiment"), start);
    show();
  };
  const onAddress = () => inLab() || !(isOurs() || !location.hash) || (asked = readFrom(location.hash.slice(1), start), show());
  const repaint = () => drawn && shows("grid") && grid.show(found), theme = new MutationObserver(repaint);
  for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
  const night = matchMedia("(prefers-color-scheme: dark)");
  night.addEventListener("change", repaint);
  addEventListener("hashchange", onAddress);
  model.on("change:experiment", onExperiment);
  const attached = new ResizeObserver(() => found || show());
  attached.observe(root);
  show();
  if (!inLab() && isOurs() && !shows("tour")) root.scrollIntoView(); // a link to this experiment, amid a long page
  return () => {
    job++;
    attached.disconnect();
    theme.disconnect();
    night.removeEventListener("change", repaint);
    removeEventListener("hashchange", onAddress);
    model.off("change:experiment", onExperiment);
  };
}

export default { render({ model, el }) {
  const root = html("div", { class: "operator-lab-explorer living", role: "group", "aria-label": model.get("header").title });
  root.append(html("div", { class: "title" }, model.get("header").title));
  el.append(root);
  live(model);
  return build(model, root);
} };
