// Draws every Explorer on a page without a kernel. Sphinx writes the state of the widgets and the
// place of each view as JSON into script tags; this decodes them and runs each widget's own module.
// A classic script, because a module does not load from a file.
(async () => {
  const MIME = "application/vnd.jupyter.widget-";
  const tags = (kind) => [...document.querySelectorAll(`script[type="${MIME}${kind}+json"]`)];
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

  class Model {
    constructor({ state, buffers = [] }) {
      this.state = structuredClone(state);
      this.handlers = new Map();
      for (const { path, data } of buffers) {
        const owner = path.slice(0, -1).reduce((node, key) => node[key], this.state);
        owner[path.at(-1)] = bytes(data);
      }
    }
    get(name) { return this.state[name]; }
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = value;
      for (const f of this.handlers.get(`change:${name}`) ?? []) f();
    }
    on(name, f) { this.handlers.set(name, [...(this.handlers.get(name) ?? []), f]); }
    off(name, f) { this.handlers.set(name, (this.handlers.get(name) ?? []).filter((g) => g !== f)); }
    save_changes() {} // no kernel to save to
    send() {} // and none to answer
  }

  const modules = new Map(); // one import for all widgets of a kind
  function load(source) {
    if (!modules.has(source)) {
      const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
      modules.set(source, import(url).finally(() => URL.revokeObjectURL(url)));
    }
    return modules.get(source);
  }
  const styles = new Set();
  function dress(css) {
    if (css && !styles.has(css)) document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    styles.add(css);
  }

  const saved = Object.assign({}, ...tags("state").map((tag) => JSON.parse(tag.textContent).state));
  const models = new Map();
  for (const tag of tags("view")) {
    const place = document.createElement("div");
    tag.after(place);
    let id, still;
    try {
      id = JSON.parse(tag.textContent).model_id;
      still = document.querySelector(`[data-model="${id}"]`);
      // A progress bar, which is over: all other controls became a note when the page was made.
      if (saved[id]?.model_module === "@jupyter-widgets/controls") {
        (place.closest(".output") ?? place).remove();
        continue;
      }
      if (saved[id]?.model_module !== "anywidget") throw new Error("its kind is not known here");
      if (!models.has(id)) models.set(id, new Model(saved[id]));
      const model = models.get(id);
      dress(model.get("_css"));
      await (await load(model.get("_esm"))).default.render({ model, el: place });
      const box = still?.parentElement; // the theme would draw an empty output
      (box?.children.length === 1 ? box : still)?.remove();
    } catch (error) {
      place.innerHTML = `<p role="note">This picture cannot move here.</p>`;
      console.error("operator-lab: a widget could not be drawn:", error);
    }
  }
  document.documentElement.dataset.widgets = "ready";
})();
