// The living Transformer's page: controls, figures and read-out of one experiment.
import { KEYS, PANELS, WIDTH, html, live, make, short, svg, tableOf, tell, text } from "./drawing.js";
import { machine } from "./machine.js";
import { answer } from "./answer.js";
import { PLAIN, readFrom, written } from "./experiment.js";

const SHOWN_WORDS = 8;
const percent = (p) => `${(100 * p).toFixed(p > 0 && p < 0.0995 ? 1 : 0)} %`;
const nats = (x) => `${Math.max(x, 0).toFixed(x < 0.0995 ? 3 : 2)} nats`;
const quoted = (word) => `‘${word}’`;
const best = (law, words, count = 3) => [...law.keys()].sort((a, b) => law[b] - law[a]).slice(0, count)
  .filter((i, k) => law[i] > 0.0005 || !k).map((i) => `${quoted(words[i])} ${percent(law[i])}`).join(", ");
const button = (words, act, more = {}) => {
  const made = html("button", { type: "button", ...KEYS, ...more }, words);
  made.addEventListener("click", act);
  return made;
};
const press = (node, down) => { if (node.ariaPressed !== String(down)) node.ariaPressed = down; };
const labelled = (words, input, more = {}) => html("label", more, words, input);
const stepNames = (layers) => ["start", ...Array.from({ length: 2 * layers }, (_, s) =>
  `${s % 2 ? "MLP" : "attention"} ${Math.floor(s / 2) + 1}`)];

// ---- figures -------------------------------------------------------------------------------------
// A panel of drawing.js whose words may change: it is built again only where they do.
function figure(kind) {
  const caption = html("figcaption"), legend = html("div", { class: "legend" }), root = svg("svg", { role: "img" });
  const node = html("figure", {}, caption, legend, root);
  let key, made, arrays;
  return { node, root, show(title, panel, found) {
    arrays = found;
    const now = JSON.stringify(panel);
    if (now !== key) {
      root.replaceChildren();
      legend.replaceChildren();
      made = PANELS[kind](panel, (name) => arrays[name], root, legend);
      root.setAttribute("viewBox", `0 0 ${WIDTH} ${Math.ceil(made.height)}`);
      key = now;
    }
    tell(caption, title);
    if (root.ariaLabel !== title) root.ariaLabel = title;
    made.show(0, 0);
  }, table: () => tableOf(caption.textContent, ...made.table(0, 0)) };
}
const heat = (rows, columns, more = {}) =>
  ({ rows, columns, low: 0, high: 1, mark: null, row_label: "", column_label: "", ...more });

// All mixing maps, small: a head is chosen by its map, and silenced by its box.
function headGrid({ layers, heads }, ask) {
  const grid = html("div", { class: "heads", role: "group", "aria-label": "All heads", style: `--heads: ${heads}` }), all = [];
  for (let l = 0; l < layers; l++) for (let h = 0; h < heads; h++) {
    const name = `${l + 1}.${h + 1}`, canvas = html("canvas", { "aria-hidden": "true" });
    const open = button(canvas, () => ask({ head: name }), { "aria-label": `Look at head ${name}` });
    const on = html("input", { type: "checkbox", "aria-label": `Head ${name} writes`, ...KEYS });
    on.addEventListener("change", () => ask(({ off }) => ({ off: on.checked ? off.filter((n) => n !== name) : [...off, name] })));
    grid.append(html("div", {}, open, html("label", {}, on, name)));
    all.push({ name, l, h, canvas, open, on });
  }
  const node = html("figure", {}, html("figcaption", {}, "All heads, layer by layer"), grid,
    html("p", { class: "hint" }, "The stronger the colour, the more is read. Choose a head to see it large; clear its box to silence it."));
  return { node, show({ e, N, mixing }) {
    const [r, g, b] = getComputedStyle(grid).color.match(/[\d.]+/g).map(Number);
    for (const { name, l, h, canvas, open, on } of all) {
      const image = new ImageData(N, N), A = mixing[l].subarray(h * N * N, (h + 1) * N * N);
      A.forEach((a, k) => image.data.set([r, g, b, 255 * Math.min(Math.abs(a), 1)], 4 * k));
      if (canvas.width !== N) canvas.width = canvas.height = N;
      canvas.getContext("2d").putImageData(image, 0, 0);
      on.checked = !e.off.includes(name);
      press(open, e.head === name);
    }
  } };
}

// The belief as a point between the senses, and its way there.
function simplex(senses) {
  const root = svg("svg", { role: "img", viewBox: "-170 -150 340 300" }), way = svg("path", { class: "line s0" });
  const corner = (s) => [Math.sin(-2 * Math.PI * s / senses.length), -Math.cos(2 * Math.PI * s / senses.length)];
  const place = (belief) => [0, 1].map((k) => 105 * belief.reduce((sum, b, s) => sum + b * corner(s)[k], 0));
  const spot = svg("circle", { class: "dot s1", r: 7 }), dots = svg("g");
  root.append(svg("path", { class: "grid outline", d: `M${senses.map((_, s) => corner(s).map((x) => 105 * x)).join("L")}Z` }),
    ...senses.map((sense, s) => text(132 * corner(s)[0], 128 * corner(s)[1] + 4, sense, "middle")), way, dots, spot);
  const caption = html("figcaption"), node = html("figure", {}, caption, root);
  return { node, show({ beliefs, at, words }) {
    const path = beliefs.slice(0, at + 1).map(place), last = path.at(-1), known = beliefs[at];
    way.setAttribute("d", path.length ? `M${path.join("L")}` : "");
    dots.replaceChildren(...path.map(([cx, cy]) => svg("circle", { class: "dot s0", cx, cy, r: 3.5 })));
    make(spot, known ? { cx: last[0], cy: last[1], visibility: "visible" } : { visibility: "hidden" });
    caption.textContent = known ? `What Bayes’ rule believes after ${quoted(words[at])}` : "Bayes’ rule has nothing to say here";
    root.setAttribute("aria-label", known
      ? senses.map((sense, s) => `${sense} ${percent(known[s])}`).join(", ") : caption.textContent);
  }, table: (found) => tableOf("Belief after each word", ["word", ...senses],
    ...found.beliefs.map((belief, n) => [found.words[n], ...belief.map((b) => short(b))])) };
}

// ---- the sentence --------------------------------------------------------------------------------
// A box for a sentence, with the words that may come next as buttons.
function sentenceBox(words, label, ask, take) {
  const input = html("input", { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false", ...KEYS });
  const alert = html("p", { role: "alert" }), chips = html("div", { class: "chips", role: "group", "aria-label": `Words for: ${label}` });
  input.addEventListener("input", () => ask(take(input.value)));
  const choose = (word, growing) => {
    const start = growing ? input.value.slice(0, input.value.length - growing.length) : input.value.trimEnd() + " ";
    input.value = `${start.trimStart()}${word} `;
    ask(take(input.value));
    input.focus({ preventScroll: true });
  };
  return { input, node: html("div", { class: "sentence" }, labelled(label, input), alert, chips), show(text, complaint, law, growing) {
    if (input.value !== text) input.value = text;
    if (alert.textContent !== complaint) alert.textContent = complaint;
    const fitting = words.map((word, i) => [word, law?.[i] ?? 0]).filter(([word, p]) => growing ? word.startsWith(growing) : p > 0);
    const next = fitting.sort((a, b) => b[1] - a[1]).slice(0, SHOWN_WORDS).map(([word]) => word);
    if (chips.dataset.words === (chips.dataset.words = `${next} ${growing}`)) return;
    chips.replaceChildren(...next.map((word) => button(word, () => choose(word, growing))));
  } };
}

// ---- the whole -----------------------------------------------------------------------------------
const inLab = () => "jpThemeLight" in document.body.dataset; // there the address is not ours
const isOurs = () => location.hash.includes("="); // and not that of a heading of the page
function toAddress(words) {
  if (words || isOurs()) history.replaceState(null, "", words ? `#${words}` : location.pathname + location.search);
}

function build(model, root) {
  const header = model.get("header"), one = machine(header, model.get("data")), { shape, words } = one;
  const steps = stepNames(shape.layers), start = { ...PLAIN, ...header.start };
  let asked = readFrom(model.get("experiment") || (inLab() ? "" : location.hash.slice(1)), start), found, frame, job = 0;

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
  const sentence = sentenceBox(words, "Your sentence", ask, (value) => ({ text: value, at: null, row: null }));
  const strip = html("div", { class: "strip", role: "group", "aria-label": "After which word?" });
  const temperature = slider(-40, 40, (value) => ask({ T: 10 ** (value / 40) }));
  const heated = html("output", { "aria-hidden": "true" });
  const scope = select([], (value) => ask({ one: value === "1" }));
  const reset = button("As it was trained", () => ask({ T: 1, one: false, off: [], step: null }));
  const status = html("p", { class: "readout", role: "status", "aria-live": "polite" });
  const link = html("a", { class: "link" }, "Link to this experiment");

  // speaking: a draw from the law, once or up to the full stop
  const loud = slider(-20, 20, () => show()), loudness = html("output", { "aria-hidden": "true" });
  const speak = (whole) => {
    if (!found || found.at + 1 >= shape.context) return;
    const p = Array.from(found.law, (q) => q ** (1 / 10 ** (loud.valueAsNumber / 20)));
    let left = Math.random() * p.reduce((a, b) => a + b, 0);
    const word = words[Math.max(p.findIndex((q) => (left -= q) <= 0), 0)];
    ask({ text: `${[...found.words.slice(1, found.at + 1), word].join(" ")} `, at: null, row: null });
    if (!whole || word === ".") return;
    const { text } = asked, more = () => asked.text === text && speak(true); // unless somebody else writes
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) (show(), more());
    else setTimeout(more, 350);
  };
  const says = [button("One word", () => speak(false)), button("To the full stop", () => speak(true))];
  const saying = html("div", { class: "controls" }, labelled("Let it speak at temperature", loud), loudness, ...says);

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
    html("div", { class: "controls" }, labelled("row of", row), labelled("exchanged after", depth)), map.node);

  const law = figure("bars"), large = figure("heatmap"), lens = figure("heatmap"), hops = figure("heatmap");
  const grid = headGrid(shape, ask), belief = simplex(one.senses);
  const data = html("details", {}, html("summary", KEYS, "Data"));
  const fill = () => data.replaceChildren(data.firstChild,
    ...[law, large, lens, hops].map((drawn) => drawn.table()), belief.table(found));
  data.addEventListener("toggle", () => data.open && fill());
  exchange.open = Boolean(asked.other);
  exchange.addEventListener("toggle", () => show());
  const figures = { law, grid, large, belief, lens, hops, exchange: { node: exchange } };
  const tour = guide(header.tour, (experiment, look) => {
    for (const [name, { node }] of Object.entries(figures)) node.classList.toggle("looked", look.includes(name));
    if (experiment?.other) exchange.open = true;
    if (experiment) ask({ ...start, ...experiment });
  });
  const all = html("details", {}, html("summary", KEYS, `All ${words.length} words`), html("p", { class: "hint" }, words.join(" ")));
  root.append(tour, sentence.node, saying, all, strip, status,
    html("div", { class: "controls" }, labelled("temperature of attention, T / T₀", temperature, { class: "slide" }), heated,
      labelled("in which heads", scope), reset),
    html("div", { class: "panels" }, law.node, grid.node, large.node, belief.node, lens.node, hops.node), exchange, data, link);

  function show() {
    frame = cancelAnimationFrame(frame);
    if (!root.isConnected) return; // JupyterLab attaches it later: then it has a size, and colours
    const begun = performance.now();
    found = answer(one, asked);
    draw();
    root.dataset.milliseconds = (performance.now() - begun).toFixed(1); // for whoever measures
  }

  function draw() {
    const { e, N, at, exact } = found, [l, h] = e.head.split(".").map((n) => n - 1);
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

    // the same words as long as only a slider moves
    const weight = words.map((_, i) => Math.max(found.usual[i], exact?.law[i] ?? 0, found.other?.[i] ?? 0));
    const shown = [...words.keys()].sort((a, b) => weight[b] - weight[a]).slice(0, SHOWN_WORDS), names = shown.map((i) => words[i]);
    const pick = (p) => shown.map((i) => p[i]), last = quoted(found.words[at]);
    const series = { model: pick(found.law), ...(exact && { "exact law": pick(exact.law) }),
      ...(found.turned !== null && { "before the exchange": pick(found.before) }) };
    const high = Math.max(...Object.values(series).flat()) > 0.5 ? 1 : 0.5;
    law.show(`Which word follows ${last}`, { labels: names, series: Object.keys(series), low: 0, high, x_label: "",
      y_ticks: [0, 1, 2, 3, 4, 5].map((k) => [k * high / 5, short(k * high / 5)]), y_label: "probability" }, series);
    large.show(`Head ${e.head}: who reads whom`, heat(found.words, found.words,
      { mark: at, row_label: "who reads", column_label: "who is read" }), { array: found.mixing[l].subarray(h * N * N, (h + 1) * N * N) });
    lens.show("As if the model stopped here", heat(steps, names, { row_label: "read after" }), { array: found.lens.flatMap(pick) });
    grid.show(found);
    belief.show(found);
    status.textContent = said(found, words);
    link.href = `#${written(asked, start)}`;
    showExchange();
    later((mine) => {
      hops.show("Counted by hops between words", heat(["no hop", "up to 1", "up to 2", "all hops"], names),
        { array: [...found.hops(), found.before].flatMap(pick) });
      if (data.open) fill();
      if (found.turn && exchange.open) turnAll(found, mine);
    });
  }

  // What takes longer comes after the frame, unless something else was asked by then; the address
  // when the hand rests, for browsers refuse to write it too often.
  function later(act) {
    const mine = ++job;
    setTimeout(() => mine === job && act(mine));
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
    const panel = heat(steps, words, { row_label: "exchanged after", column_label: "row of" });
    (function more() {
      if (mine !== job) return;
      for (const end = performance.now() + 8; cells.length && performance.now() < end;) {
        const k = cells.shift();
        array[k] = Math.min(Math.max(turn(Math.floor(k / N), k % N), 0), 1);
      }
      map.show(`How far the law after ${quoted(words[at])} turns`, panel, { array });
      if (cells.length) setTimeout(more);
    })();
  }

  const onExperiment = () => {
    if (model.get("experiment") === written(asked, start)) return;
    asked = readFrom(model.get("experiment"), start);
    show();
  };
  const onAddress = () => inLab() || !(isOurs() || !location.hash) || (asked = readFrom(location.hash.slice(1), start), show());
  const theme = new MutationObserver(() => found && grid.show(found));
  for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
  const night = matchMedia("(prefers-color-scheme: dark)"), repaint = () => found && grid.show(found);
  night.addEventListener("change", repaint);
  addEventListener("hashchange", onAddress);
  model.on("change:experiment", onExperiment);
  const attached = new ResizeObserver(() => found || show());
  attached.observe(root);
  show();
  return () => {
    job++;
    attached.disconnect();
    theme.disconnect();
    night.removeEventListener("change", repaint);
    removeEventListener("hashchange", onAddress);
    model.off("change:experiment", onExperiment);
  };
}

// What is drawn, in words.
function said({ e, N, at, words: read, law, exact, excess, moved, turned, row, second }, words) {
  const parts = [`After ${quoted(read[at])} the model expects ${best(law, words)}.`];
  parts.push(exact ? `The exact law says ${best(exact.law, words)}; the model is ${nats(excess)} away from it (its excess).`
    : "The grammar does not allow this sentence, so there is no exact law to compare with.");
  if (e.T !== 1 || e.off.length) parts.push(`What you changed (${[e.T !== 1 && `T = ${short(e.T)} T₀ in ${e.one ? `head ${e.head}` : "all heads"}`,
    e.off.length && `silent: ${e.off.join(", ")}`].filter(Boolean).join("; ")}) moved the law by ${nats(moved)}.`);
  if (turned !== null) parts.push(`With the row of ${quoted(read[row])} taken from the second sentence the law has gone ${percent(Math.max(turned, 0))} of the way to that sentence’s.`);
  return parts.join(" ");
}

// Six steps that set the machine up and say what to look at.
function guide(steps, go) {
  const words = html("p"), title = html("b"), where = html("span", { class: "hint" });
  let now = 0;
  const turn = (to) => {
    now = to;
    title.textContent = steps[now].title;
    words.textContent = steps[now].text;
    where.textContent = `${now + 1} of ${steps.length}`;
    back.disabled = now === 0;
    next.textContent = now === steps.length - 1 ? "End" : "Next";
    go(steps[now].experiment, steps[now].look);
  };
  const back = button("Back", () => turn(now - 1));
  const next = button("Next", () => now < steps.length - 1 ? turn(now + 1) : leave());
  const leave = () => (box.hidden = true, begin.hidden = false, begin.focus(), go(null, []));
  const begin = button(`A tour of ${steps?.length} steps, two minutes`, () => {
    box.hidden = false;
    begin.hidden = true;
    turn(0);
    next.focus();
  }, { class: "begin" });
  const box = html("div", { class: "tour", role: "region", "aria-label": "Tour", "aria-live": "polite", hidden: true },
    html("div", {}, title, where), words, html("div", { class: "chips" }, back, next, button("Leave the tour", leave)));
  return steps?.length ? html("div", {}, begin, box) : html("div");
}

export default { render({ model, el }) {
  const root = html("div", { class: "operator-lab-explorer living", role: "group", "aria-label": model.get("header").title });
  root.append(html("div", { class: "title" }, model.get("header").title));
  el.append(root);
  live(model);
  return build(model, root);
} };
