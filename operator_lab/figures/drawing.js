// Draws panels: arrays in, SVG out. Nodes are made once; a move only changes their attributes.
// Colours are in explorer.css.

export const WIDTH = 320; // units of every panel's viewBox, about one pixel each
const [LEFT, TOP, BOTTOM] = [44, 34, 234]; // the frame of bars and lines, words and ticks outside
const LETTER = 6.4; // units, the mean width of a letter at the font size of the CSS

export const make = (node, attributes, children = []) => {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
};
export const html = (name, attributes = {}, ...children) => make(document.createElement(name), attributes, children);
// The figure that stands for a widget until it lives; a rule, for a notebook may draw it again.
export const live = (model) => document.head.append(
  html("style", {}, `.operator-lab-still[data-model="${model.get("still")}"] { display: none }`));
export const svg = (name, attributes = {}, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

// ---- numbers: the bytes of content.pack, and the formats of readout.fill -----------------------
export function unpack(entries, bytes) {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const arrays = {};
  for (const { name, shape, offset, type, low, high, log } of entries) {
    const size = shape.reduce((a, b) => a * b, 1);
    const decode = (code) => {
      const value = low + (code / 65534) * (high - low);
      return code === 65535 ? NaN : log ? 10 ** value : value;
    };
    const data = type === "f8" ? new Float64Array(buffer, offset, size)
      : Float64Array.from(new Uint16Array(buffer, offset, size), decode);
    const [sliders, choices] = shape, block = size / (sliders * choices);
    const start = (i, j) => ((sliders > 1 ? i : 0) * choices + (choices > 1 ? j : 0)) * block;
    arrays[name] = (i, j) => data.subarray(start(i, j), start(i, j) + block);
  }
  return arrays;
}

// Python rounds an exact tie to the even digit, JavaScript away from zero.
const even = (text, exact) => /50{39}$/.test(exact) && "13579".includes(text.at(-1))
  ? exact.slice(0, -40).replace(/\.$/, "") : text;
export const fixed = (x, digits) => even(x.toFixed(digits), x.toFixed(digits + 40));
function general(x, digits) {
  let [mantissa, power] = x.toExponential(digits - 1).split("e");
  const [exact, same] = x.toExponential(digits + 39).split("e");
  if (power === same) mantissa = even(mantissa, exact);
  const p = Number(power), trim = (text) => text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  if (p >= -4 && p < digits) return trim(Number(`${mantissa}e${power}`).toFixed(digits - 1 - p));
  return `${trim(mantissa)}e${p < 0 ? "-" : "+"}${String(Math.abs(p)).padStart(2, "0")}`;
}
function format(value, spec = ".6g") {
  if (typeof value === "string") return value;
  const digits = Number(spec.slice(1, -1)), kind = spec.at(-1), end = kind === "%" ? "%" : "";
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").toLowerCase() + end;
  const text = kind === "g" ? general(value, Math.max(digits, 1))
    : fixed(kind === "%" ? value * 100 : value, digits);
  return (Number(text) === 0 ? text.replace("-", "") : text) + end;
}
export const phrase = (template, value) => template.replace(
  /\{([A-Za-z_]\w*)(?::([^{}]*))?\}/g, (_, name, spec) => format(value(name), spec || undefined));
export const short = (x, digits = 3) => Number.isNaN(x) ? "–" : String(Number(x.toPrecision(digits)));

// What is said already is not laid out again.
export const tell = (node, words) => { if (node.textContent !== words) node.textContent = words; };

// ---- axes --------------------------------------------------------------------------------------
function scaling([low, high], from, to, ticks, kind) {
  const f = kind === "log" ? Math.log10 : (x) => x, a = f(low), b = f(high);
  return Object.assign((x) => from + ((f(x) - a) / (b - a)) * (to - from), { from, to, ticks });
}
const HIDDEN = { visibility: "hidden" }, SHOWN = { visibility: "visible" };
export const text = (x, y, words, kind, more = {}) => svg("text", { x, y, class: kind, ...more }, words);

function verticalAxis(root, y, label) {
  root.append(text(0, y.to - 12, label, "name"), ...y.ticks.flatMap(([at, words]) => [
    svg("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y(at), y2: y(at) }),
    text(LEFT - 6, y(at) + 4, words, "tick end")]));
}
function horizontalAxis(root, x, bottom, label) {
  root.append(svg("line", { class: "axis", x1: x.from, x2: x.to, y1: bottom, y2: bottom }),
    ...x.ticks.map(([at, words]) => text(x(at), bottom + 17, words, "tick middle")),
    text((x.from + x.to) / 2, bottom + 36, label, "name middle"));
}
const cut = (word, letters = 13) => word.length > letters ? word.slice(0, letters - 1) + "…" : word;
const longest = (words) => Math.max(...words.map((word) => cut(word).length)) * LETTER;

// Words below a row of cells or bars, slanted when they are wider than their place.
function wordsBelow(root, words, left, width, top) {
  const slanted = longest(words) > width - 4, every = Math.ceil(12 / width);
  words.forEach((word, k) => {
    if (k % every) return;
    const x = left + (k + 0.5) * width + (slanted ? 4 : 0), y = top + (slanted ? 12 : 17);
    root.append(text(x, y, cut(word), slanted ? "tick end" : "tick middle",
      slanted ? { transform: `rotate(-45 ${x} ${y})` } : {}));
  });
  return top + (slanted ? 0.71 * longest(words) + 14 : 22);
}

// ---- panels: each takes its part of the header and returns show(i, j, value) and table(i, j) -----
function heatmap(panel, at, root, legend) {
  const { rows, columns, low, high, mark } = panel;
  const left = longest(rows) + 8, top = 24;
  const width = Math.min(56, (WIDTH - left) / columns.length), height = Math.min(width, 480 / rows.length);
  const digits = high - low <= 2 ? 2 : high - low <= 20 ? 1 : 0;
  const written = width >= 27 && height >= 17, cells = [], numbers = [], drawn = [];
  rows.forEach((row, r) => {
    const y = top + r * height, box = { y: y + 0.75, width: width - 1.5, height: height - 1.5, rx: 2 };
    if (r % Math.ceil(13 / height) === 0) root.append(text(left - 7, y + height / 2 + 4, cut(row), "tick end"));
    columns.forEach((_, c) => {
      cells.push(svg("rect", { class: "cell", x: left + c * width + 0.75, ...box }));
      if (written) numbers.push(text(left + (c + 0.5) * width, y + height / 2 + 3.8, "", ""));
    });
  });
  const bottom = wordsBelow(root, columns, left, width, top + rows.length * height);
  root.append(...cells, ...numbers, text(0, 13, panel.row_label, "name"),
    text(left + (width * columns.length) / 2, bottom + 14, panel.column_label, "name middle"));
  const outline = { x: left - 1, width: columns.length * width + 2, height: height + 2, rx: 3 };
  if (mark !== null) root.append(svg("rect", { class: "mark", y: top + mark * height - 1, ...outline }));
  legend.append(html("span", {}, short(low), html("i", { class: "ramp" }), short(high)));
  const show = (i, j) => {
    at("array", i, j).forEach((value, k) => {
      const part = Math.min(Math.max((value - low) / (high - low), 0), 1), gap = Number.isNaN(value);
      const strength = gap ? 0 : 0.05 + 0.95 * part;
      if (strength !== drawn[k]) cells[k].setAttribute("fill-opacity", drawn[k] = strength);
      if (!written) return;
      const words = gap ? "" : fixed(value, digits);
      tell(numbers[k], Number(words) === 0 ? "" : words.replace("-", "−"));
      const shade = part < 0.47 ? "number" : part < 0.635 ? "number mid" : "number high";
      if (numbers[k].getAttribute("class") !== shade) numbers[k].setAttribute("class", shade);
    });
  };
  const table = (i, j) => [["", ...columns],
    ...rows.map((row, r) => [row, ...columns.map((_, c) => short(at("array", i, j)[r * columns.length + c]))])];
  return { show, table, height: bottom + (panel.column_label ? 22 : 4) };
}

const seriesTable = (head, places, series, at) => (i, j) =>
  [[head, ...series], ...places.map((place, n) => [place, ...series.map((name) => short(at(name, i, j)[n]))])];
function name(legend, names, mark) {
  const frame = { class: "sample", viewBox: "-12 -6 24 12", "aria-hidden": "true" };
  if (names.length > 1) legend.append(...names.map((word, k) => html("span", {}, svg("svg", frame, mark(k)), word)));
}

function bars(panel, at, root, legend) {
  const { labels, series, low, high } = panel, step = (WIDTH - LEFT) / labels.length;
  const width = (step * 0.78) / series.length;
  const y = scaling([low, high], BOTTOM, TOP, panel.y_ticks), foot = y(Math.min(Math.max(0, low), high));
  verticalAxis(root, y, panel.y_label);
  const rects = series.map((_, k) => labels.map((_, n) => svg("rect", { class: `bar b${k}`, rx: 1.5,
    x: LEFT + (n + 0.11) * step + (k + 0.08) * width, width: width * 0.84 })));
  root.append(...rects.flat(), svg("line", { class: "axis", x1: LEFT, x2: WIDTH, y1: foot, y2: foot }));
  const end = wordsBelow(root, labels, LEFT, step, BOTTOM);
  root.append(text((LEFT + WIDTH) / 2, end + 14, panel.x_label, "name middle"));
  name(legend, series, (k) => svg("rect", { class: `bar b${k}`, x: -7, y: -5, width: 14, height: 10, rx: 1.5 }));
  const show = (i, j) => series.forEach((name, k) => at(name, i, j).forEach((value, n) => {
    const tip = Number.isNaN(value) ? foot : y(Math.min(Math.max(value, low), high));
    rects[k][n].setAttribute("y", Math.min(tip, foot));
    rects[k][n].setAttribute("height", Math.abs(tip - foot));
  }));
  return { show, table: seriesTable(panel.x_label, labels, series, at), height: end + (panel.x_label ? 22 : 4) };
}

const spot = (x, y) => `${x.toFixed(1)} ${y.toFixed(1)}`;
const path = (x, y, xs, values) => xs.map((at, n) => Number.isNaN(values[n]) ? ""
  : (n && !Number.isNaN(values[n - 1]) ? "L" : "M") + spot(x(at), y(values[n]))).join("");
function band(x, y, xs, low, high) {
  const there = xs.map((_, n) => n).filter((n) => !Number.isNaN(low[n] + high[n]));
  const edge = (values, order) => order.map((n) => spot(x(xs[n]), y(values[n])));
  return there.length ? `M${[...edge(low, there), ...edge(high, there.reverse())].join("L")}Z` : "";
}
// The height of a curve at a place between its points.
function between(x, y, xs, values, at) {
  const n = xs.findIndex((v) => v >= at);
  if (xs[n] === at) return y(values[n]);
  const part = (x(at) - x(xs[n - 1])) / (x(xs[n]) - x(xs[n - 1]));
  return y(values[n - 1]) + (y(values[n]) - y(values[n - 1])) * part;
}

function lines(panel, at, root, legend) {
  const { x: xs, series, low, high, cursor } = panel;
  const x = scaling(panel.x_ends, LEFT, WIDTH - 8, panel.x_ticks, panel.x_scale);
  const y = scaling([low, high], BOTTOM, TOP, panel.y_ticks, panel.y_scale);
  verticalAxis(root, y, panel.y_label);
  horizontalAxis(root, x, BOTTOM, panel.x_label);
  const width = WIDTH - LEFT + 6, tall = BOTTOM - TOP + 12; // room for a dot at the edge
  const inside = svg("svg", { x: LEFT - 6, y: TOP - 6, width, height: tall,
    viewBox: `${LEFT - 6} ${TOP - 6} ${width} ${tall}` });
  const areas = panel.bands.map((name) => svg("path", { class: `band s${series.indexOf(name)}` }));
  const curves = series.map((_, k) => svg("path", { class: `line s${k}` }));
  const rule = svg("line", { class: "cursor", y1: TOP, y2: BOTTOM });
  const dots = series.map((_, k) => svg("circle", { class: `dot s${k}`, r: 4.5 }));
  inside.append(...areas, ...(cursor ? [rule] : []), ...curves, ...(cursor ? dots : []));
  root.append(inside);
  name(legend, series, (k) => svg("path", { class: `line s${k}`, d: "M-12 0H12" }));
  const drawn = []; // where each curve's numbers lay when it was drawn: most never move
  const show = (i, j, value) => {
    const here = cursor && value >= xs[0] && value <= xs.at(-1);
    make(rule, here ? { ...SHOWN, x1: x(value), x2: x(value) } : HIDDEN);
    series.forEach((name, k) => {
      const values = at(name, i, j), height = here ? between(x, y, xs, values, value) : NaN;
      if (drawn[k] !== values.byteOffset) curves[k].setAttribute("d", path(x, y, xs, values));
      drawn[k] = values.byteOffset;
      make(dots[k], Number.isNaN(height) ? HIDDEN : { ...SHOWN, cx: x(value), cy: height });
    });
    panel.bands.forEach((name, k) => areas[k].setAttribute("d",
      band(x, y, xs, at(`${name} (low)`, i, j), at(`${name} (high)`, i, j))));
  };
  return { show, height: BOTTOM + (panel.x_label ? 44 : 26),
    table: seriesTable(panel.x_label || "x", xs.map((v) => short(v, 4)), series, at) };
}

const SHAPES = ["M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0", "M-4-4h8v8h-8z", "M0-5L5 4H-5z",
  "M0-5.5L5.5 0L0 5.5L-5.5 0z", "M-2-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z", "M-5-5L0-2L5-5L2 0L5 5L0 2L-5 5L-2 0z",
  "M0 5L5-4H-5z"];

function points(panel, at, root, legend) {
  const { groups, names, labels } = panel, side = 246; // a square, with room for words on its right
  const x = scaling(panel.x_ends, LEFT, LEFT + side, panel.x_ticks);
  const y = scaling(panel.y_ends, TOP + side, TOP, panel.y_ticks);
  verticalAxis(root, y, panel.y_label);
  horizontalAxis(root, x, TOP + side, panel.x_label);
  const marks = groups.map((g, n) => svg("g", {}, svg("path", { class: `point g${g}`, d: SHAPES[g] }),
    ...(labels ? [text(7, -5, labels[n], "word")] : [])));
  root.append(...marks);
  name(legend, names, (g) => svg("path", { class: `point g${g}`, d: SHAPES[g] }));
  const show = (i, j) => {
    const xy = at("xy", i, j);
    marks.forEach((mark, n) => {
      const gap = Number.isNaN(xy[2 * n] + xy[2 * n + 1]);
      const place = `translate(${x(xy[2 * n])} ${y(xy[2 * n + 1])})`;
      make(mark, gap ? HIDDEN : { ...SHOWN, transform: place });
    });
  };
  const table = (i, j) => [["point", "group", panel.x_label || "x", panel.y_label || "y"], ...groups.map((g, n) =>
    [labels?.[n] ?? n, names[g], short(at("xy", i, j)[2 * n]), short(at("xy", i, j)[2 * n + 1])])];
  return { show, table, height: TOP + side + (panel.x_label ? 44 : 26) };
}

export const PANELS = { heatmap, bars, lines, points };
export const KEYS = { "data-lm-suppress-shortcuts": "true" }; // JupyterLab would take the arrow keys
export const onEnter = (input, act) => input.addEventListener("keydown", (event) => { // and it does take Enter
  if (event.key === "Enter") (event.preventDefault(), act());
});

export function tableOf(title, head, ...rows) {
  const cell = (kind, scope, word) => html(kind, { scope }, word);
  const body = rows.map(([first, ...rest]) =>
    html("tr", {}, cell("th", "row", first), ...rest.map((word) => cell("td", null, word))));
  return html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title, ...KEYS },
    html("table", {}, html("caption", {}, title),
      html("thead", {}, html("tr", {}, ...head.map((word) => cell("th", "col", word)))), html("tbody", {}, ...body)));
}
