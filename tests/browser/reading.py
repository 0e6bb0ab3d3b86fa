"""What an open page of the book does to those who see little, use keys, or hold a telephone."""

from __future__ import annotations

from importlib.resources import files

AXE = files("axe_playwright_python") / "axe.min.js"
GRAVE = ("serious", "critical")

MADE_READY = """() => {
    const still = document.createElement("style"), all = "*, *::before, *::after";
    still.textContent = `${all} { transition: none !important; animation: none !important }`;
    document.head.append(still);
    for (const fold of document.querySelectorAll("article details")) fold.open = true;
}"""

# Formulas, code in colour and tables are most of a page, and axe looks at every letter: of code one
# of a kind is enough, of a table's plain cells two rows, and a formula's inside is MathJax's own.
SLIM = """() => {
    for (const formula of document.querySelectorAll("mjx-container")) formula.replaceChildren();
    const seen = new Set();
    for (const span of document.querySelectorAll("article .highlight span")) {
        if (seen.has(span.className)) span.replaceWith(span.textContent);
        seen.add(span.className);
    }
    for (const cell of document.querySelectorAll("article tr:nth-of-type(n + 3) > *"))
        if (!cell.style.cssText && !cell.querySelector("[class], [style], a, button, input"))
            cell.replaceChildren();
}"""
VIOLATIONS = """async () => {
    const asked = { resultTypes: ["violations"], preload: false };  // a file may not fetch others
    const { violations } = await axe.run(document, asked);
    const where = (nodes) => nodes.map((node) => node.html.slice(0, 160));
    return violations.map(({ id, impact, nodes }) => ({ id, impact, where: where(nodes) }));
}"""

# Blocks that are wider within than without: they would be slid sideways. A table may be on a
# telephone, and a formula that is too wide there at two thirds of its size; a key moves both.
SLID = """(narrow) => {
    const tables = ".pst-scrollable-table-container", may = `mjx-container, ${tables}`;
    const blocks = `pre, .output, .cell_output, .highlight, mjx-container[display=true], table,
        ${tables}, .admonition, .operator-lab-explorer`;
    return [...document.querySelectorAll(`article :is(${blocks})`)]
        .filter((block) => block.clientWidth && block.scrollWidth > block.clientWidth + 1)
        .filter((block) => !(narrow && block.matches(may)))
        .map((block) => `slid by ${block.scrollWidth - block.clientWidth} px: `
            + block.outerHTML.slice(0, 120));
}"""


def make_ready(page) -> None:
    """Open all folds and stop what moves."""
    page.evaluate(MADE_READY)


def slid(page, width: int) -> list[str]:
    """The blocks of a page that must be slid sideways at this width."""
    return page.evaluate(SLID, width < 600)


def look_through(page) -> None:
    """Load axe into a page whose formulas and coloured code are no longer needed."""
    page.evaluate(SLIM)
    page.evaluate(f"{AXE.read_text(encoding='utf-8')};0")


def grave(page) -> list[str]:
    """What axe calls serious or critical about the page as it is shown now."""
    found = page.evaluate(VIOLATIONS)
    return [f"{one['id']}: {one['where'][:3]}" for one in found if one["impact"] in GRAVE]
