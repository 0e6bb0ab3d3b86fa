// A filter above the table of claims and above the dictionary. Without scripts all of it is there.
(() => {
  const article = document.querySelector("article.bd-article");
  const make = (tag, given = {}, ...inside) => {
    const node = Object.assign(document.createElement(tag), given);
    node.append(...inside);
    return node;
  };
  const plain = (text) => text.toLowerCase().replace(/\s+/g, " ").trim();
  const count = (all) => all.reduce((n, key) => n.set(key, (n.get(key) ?? 0) + 1), new Map());

  // The words of a node, a formula as it was printed.
  const words = (node) => {
    const copy = node.cloneNode(true);
    for (const formula of copy.querySelectorAll("[data-plain]")) formula.textContent = formula.dataset.plain;
    return plain(copy.textContent);
  };

  // What is filtered: items with a text and facets, and the boxes that hide when they are empty.
  const claims = () => [...article.querySelectorAll("table.ledger tbody tr")].map((row) => ({
    node: row, box: row.closest("section"),
    text: words(row),
    facets: { verdict: plain(row.cells[4].textContent), notebook: row.cells[5].textContent.slice(0, 2) },
  }));
  const entries = () => [...article.querySelectorAll("section.dictionary-entry")].map((entry) => ({
    node: entry, box: entry.parentElement, text: words(entry), facets: {},
  }));
  const rows = claims(), items = rows.length ? rows : entries(), what = rows.length ? "claims" : "entries";
  if (!items.length) return;

  const search = make("input", { type: "search", autocomplete: "off", spellcheck: false });
  const selects = Object.keys(items[0].facets).map((name) => {
    const found = count(items.map(({ facets }) => facets[name]));
    const order = name === "verdict" ? [...document.querySelectorAll("p > .verdict")].map((v) => plain(v.textContent)) : [...found.keys()].sort();
    const options = [...new Set(order)].filter((key) => found.has(key))
      .map((key) => make("option", { value: key }, `${key} (${found.get(key)})`));
    const select = make("select", { name }, make("option", { value: "" }, `all (${items.length})`), ...options);
    return [name, select];
  });
  const status = make("p", { role: "status" }), reset = make("button", { type: "reset" }, "Show all");
  const labelled = (text, control) => make("label", {}, make("span", {}, text), control);
  const form = make("form", { className: "operator-lab-filter" }, labelled("Text", search),
    ...selects.map(([name, select]) => labelled(name[0].toUpperCase() + name.slice(1), select)), reset, status);
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", `Filter the ${what}`);

  const show = () => {
    const asked = plain(search.value).split(" ");
    const fits = ({ text, facets }) => asked.every((word) => text.includes(word)) &&
      selects.every(([name, { value }]) => !value || facets[name] === value);
    const boxes = new Map();
    let shown = 0;
    for (const item of items) {
      const is = fits(item);
      item.node.hidden = !is;
      shown += is;
      boxes.set(item.box, (boxes.get(item.box) ?? false) || is);
    }
    for (const [box, full] of boxes) box.hidden = !full;
    status.textContent = `${shown} of ${items.length} ${what} shown`;
  };
  form.addEventListener("input", show);
  form.addEventListener("reset", () => requestAnimationFrame(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A link to an entry that is hidden shows all again, also the second time it is followed.
  const target = () => {
    const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!node?.closest("[hidden]")) return;
    form.reset();
    show();
    node.scrollIntoView();
  };
  addEventListener("hashchange", target);
  article.addEventListener("click", ({ target: link }) => link.closest("a[href^='#']") && requestAnimationFrame(target));
  article.querySelector(rows.length ? "section section:has(table.ledger)" : "section:has(> section.dictionary-entry)").before(form);
  show();
})();
