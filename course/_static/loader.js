// Draws every Explorer on a page without a kernel. Sphinx writes the state of the widgets and the
// place of each view as JSON into script tags; this decodes them and runs each widget's own module.
// A classic script, because a module does not load from a file.
(async () => {
  const MIME = "application/vnd.jupyter.widget-";
  const tags = (kind) => [...document.querySelectorAll(`script[type="${MIME}${kind}+json"]`)];
  const here = document.currentScript.src;

  function bytes(text) {
    if (Uint8Array.fromBase64) return new DataView(Uint8Array.fromBase64(text).buffer); // since 2025
    const letters = atob(text), found = new Uint8Array(letters.length);
    for (let k = 0; k < letters.length; k++) found[k] = letters.charCodeAt(k);
    return new DataView(found.buffer);
  }
  // What several pages need stands once, beside this script and as a script, for from a file nothing
  // else can be loaded. It lays its text down under its own name.
  const fetched = new Map();
  function text({ data, held }) {
    if (held && !fetched.has(held)) fetched.set(held, new Promise((done, failed) => {
      const script = Object.assign(document.createElement("script"), { src: new URL(held, here) });
      script.addEventListener("load", () => done(globalThis.operatorLabHeld[held]));
      script.addEventListener("error", () => failed(new Error(`${held} is not there`)));
      document.head.append(script);
    }));
    return held ? fetched.get(held) : data;
  }

  class Model {
    constructor(state) {
      this.state = structuredClone(state);
      this.handlers = new Map();
    }
    async filled(buffers) {
      for (const { path, ...where } of buffers) {
        const owner = path.slice(0, -1).reduce((node, key) => node[key], this.state);
        owner[path.at(-1)] = bytes(await text(where));
      }
      return this;
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
  async function show(tag) {
    const place = document.createElement("div");
    tag.after(place);
    let id, still;
    try {
      id = JSON.parse(tag.textContent).model_id;
      still = document.querySelector(`[data-model="${id}"]`);
      // A progress bar, which is over: all other controls became a note when the page was made.
      if (saved[id]?.model_module === "@jupyter-widgets/controls") {
        (place.closest(".output") ?? place).remove();
        return;
      }
      if (saved[id]?.model_module !== "anywidget") throw new Error("its kind is not known here");
      const { state, buffers = [] } = saved[id];
      if (!models.has(id)) models.set(id, new Model(state).filled(buffers));
      const model = await models.get(id);
      dress(model.get("_css"));
      await (await load(model.get("_esm"))).default.render({ model, el: place });
      const box = still?.parentElement; // the theme would draw an empty output
      (box?.children.length === 1 ? box : still)?.remove();
    } catch (error) {
      place.innerHTML = `<p role="note">This picture cannot move here.</p>`;
      console.error("operator-lab: a widget could not be drawn:", error);
    }
  }
  await Promise.all(tags("view").map(show)); // none waits for another's bytes
  document.documentElement.dataset.widgets = "ready";
})();
