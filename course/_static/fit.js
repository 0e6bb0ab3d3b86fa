// A formula wider than the page is set smaller, down to two thirds; beyond that it is slid sideways.
(() => {
  const LEAST = 0.66;
  function fit() {
    for (const formula of document.querySelectorAll("mjx-container[display=true]")) {
      formula.style.fontSize = "";
      const ratio = formula.clientWidth / formula.scrollWidth;
      if (ratio < 1) formula.style.fontSize = `${Math.max(LEAST, ratio * 0.99) * 100}%`;
    }
    // Keys slide a table that is too wide; the theme says so some time later.
    for (const table of document.querySelectorAll(".pst-scrollable-table-container")) {
      table.tabIndex = table.scrollWidth > table.clientWidth ? 0 : -1;
      table.onscroll = () => table.classList.toggle("goes-on", table.scrollLeft + table.clientWidth < table.scrollWidth - 1);
      table.onscroll();
    }
  }
  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    fit();
    document.documentElement.dataset.formulas = "fit";
    let width = innerWidth;
    addEventListener("resize", () => {
      if (width !== innerWidth) fit();
      width = innerWidth;
    });
  });
  addEventListener("beforeprint", fit);
})();
