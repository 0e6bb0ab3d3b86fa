// The board of verdicts: below it stands the claim whose tile is pointed at, focused or tapped. A line
// of tiles is one stop of the Tab key, and arrows go through it. Without scripts a tile is a link with
// a title, and leads to the same row of the ledger.
(() => {
  const board = document.querySelector("figure.verdicts");
  if (!board) return;
  const told = board.querySelector(".verdicts-told");
  const lines = [...board.querySelectorAll(".tiles")].map((line) => [...line.children]);
  let shown;

  const tell = (tile) => {
    if (tile === shown) return;
    shown?.classList.remove("is-told");
    shown = tile;
    tile.classList.add("is-told");
    const more = Object.assign(document.createElement("a"), { href: tile.href, textContent: "What was measured" });
    told.replaceChildren(tile.firstElementChild.cloneNode(true), `${tile.getAttribute("aria-label")} `, more);
  };

  const go = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0], Home: [0, -Infinity], End: [0, Infinity] };
  const within = (k, { length }) => Math.max(0, Math.min(k, length - 1));
  lines.forEach((line, i) => line.forEach((tile, k) => {
    tile.setAttribute("aria-label", tile.title); // the browser's own hint would come late, and cover other tiles
    tile.removeAttribute("title");
    tile.tabIndex = k ? -1 : 0;
    tile.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && tell(tile));
    tile.addEventListener("focus", () => {
      for (const other of line) other.tabIndex = other === tile ? 0 : -1;
      if (tile.matches(":focus-visible")) tell(tile);
    });
    tile.addEventListener("click", (event) => {
      // A finger reads first, and follows when it taps again.
      if (tile === shown) return;
      event.preventDefault();
      tell(tile);
    });
    tile.addEventListener("keydown", (event) => {
      if (!(event.key in go)) return;
      event.preventDefault();
      const [down, right] = go[event.key], next = lines[within(i + down, lines)];
      next[within(k + right, next)].focus();
    });
  }));
})();
