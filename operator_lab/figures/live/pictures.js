// The figures of the living Transformer: panels whose words may change, the heads, the belief.
import { KEYS, PANELS, WIDTH, html, make, short, svg, tableOf, tell, text } from "./drawing.js";
import { button, press } from "./controls.js";
import { percent, quoted } from "./said.js";

// A panel of drawing.js whose words may change: it is built again only where they do.
export function figure(kind) {
  const caption = html("figcaption"), legend = html("div", { class: "legend" }), root = svg("svg", { role: "img" });
  const hint = html("p", { class: "hint", hidden: true }), node = html("figure", {}, caption, legend, root, hint);
  let key, made, arrays;
  return { node, root, show(title, panel, found, note = "") {
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
    tell(hint, note);
    hint.hidden = !note;
  }, tables: () => made ? [tableOf(caption.textContent, ...made.table(0, 0))] : [] };
}
export const heat = (rows, columns, more = {}) =>
  ({ rows, columns, low: 0, high: 1, mark: null, row_label: "", column_label: "", ...more });

// All mixing maps, small: a head is chosen by its map, and silenced by its box.
export function headGrid({ layers, heads }, ask) {
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
      const { data } = image;
      for (let k = 0; k < A.length; k++) {
        data[4 * k] = r;
        data[4 * k + 1] = g;
        data[4 * k + 2] = b;
        data[4 * k + 3] = 255 * Math.min(Math.abs(A[k]), 1);
      }
      if (canvas.width !== N) canvas.width = canvas.height = N;
      canvas.getContext("2d").putImageData(image, 0, 0);
      on.checked = !e.off.includes(name);
      canvas.style.opacity = on.checked ? 1 : 0.25;
      press(open, e.head === name);
    }
  } };
}

// The belief as a point between the senses and its way there, by Bayes' rule; in rings, what is read
// of it off the model's state, where the next word depends on it.
export function simplex(senses, read) {
  const root = svg("svg", { role: "img", viewBox: "-170 -150 340 300" }), way = svg("path", { class: "line s0" });
  const corner = (s) => [Math.sin(-2 * Math.PI * s / senses.length), -Math.cos(2 * Math.PI * s / senses.length)];
  const place = (belief) => [0, 1].map((k) => 105 * belief.reduce((sum, b, s) => sum + b * corner(s)[k], 0));
  const circle = (kind, belief, r) => {
    const [cx, cy] = place(belief);
    return svg("circle", { class: kind, cx, cy, r });
  };
  const marks = svg("g"), sample = (mark) => svg("svg", { class: "sample", viewBox: "-12 -6 24 12", "aria-hidden": "true" }, mark);
  root.append(svg("path", { class: "grid outline", d: `M${senses.map((_, s) => corner(s).map((x) => 105 * x)).join("L")}Z` }),
    ...senses.map((sense, s) => text(132 * corner(s)[0], 128 * corner(s)[1] + 4, sense, "middle")), way, marks);
  const legend = html("div", { class: "legend" }, html("span", {}, sample(svg("circle", { class: "dot s0", r: 5 })), "Bayes’ rule"),
    ...(read ? [html("span", {}, sample(svg("circle", { class: "ring", r: 5 })), "read off the model")] : []));
  const hint = html("p", { class: "hint" }, read
    ? `The dots are exact. The rings are what one linear read-out (a probe) finds in the model’s last state, at the places where the next word depends on the sense: on other texts ${percent(read.share)} of the belief’s variance.`
    : "This is the exact belief, not the model’s.");
  const caption = html("figcaption"), numbers = html("p", { class: "hint" }), node = html("figure", {}, caption, legend, root, numbers, hint);
  const listed = (belief) => [...senses.keys()].sort((s, t) => belief[t] - belief[s]).filter((s) => Math.abs(belief[s]) >= 0.05)
    .map((s) => `${senses[s]} ${belief[s].toFixed(2).replace("-", "−")}`).join(", ");
  return { node, show({ beliefs, held, at, words }) {
    const known = beliefs[at], now = held[at], before = (all) => all.slice(0, at).filter(Boolean);
    const path = beliefs.slice(0, at + 1).map(place);
    way.setAttribute("d", path.length ? `M${path.join("L")}` : "");
    marks.replaceChildren(...before(beliefs).map((b) => circle("dot s0", b, 3.5)), ...before(held).map((b) => circle("ring", b, 5)),
      ...(known ? [circle("dot s0", known, 7)] : []), ...(now ? [circle("ring", now, 10)] : []));
    tell(caption, known ? `The belief after ${quoted(words[at])}` : "Bayes’ rule has nothing to say here");
    const told = known ? `Bayes’ rule: ${listed(known)}${now ? `; read off the model: ${listed(now)}` : ""}.` : "";
    tell(numbers, told);
    root.setAttribute("aria-label", told || caption.textContent);
  }, tables: ({ beliefs, held, words }) => [["Belief after each word", beliefs], ["Belief read off the model", held]]
    .filter(([, all]) => all.some(Boolean)).map(([title, all]) => tableOf(title, ["word", ...senses],
      ...all.map((belief, n) => [words[n], ...senses.map((_, s) => belief ? short(belief[s]) : "–")]))) };
}
