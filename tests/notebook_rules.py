"""The rules that every notebook keeps, and small notebooks to try them on."""

from __future__ import annotations

import re
import statistics
from decimal import Decimal

from operator_lab.course import notebooks

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
NUMBER = re.compile(r"(?<![\w.])([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?![\w]|\.\d)(\s?%)?", re.I)


def numbers(text: str) -> list[tuple[Decimal, bool]]:
    """Every number of a text with its stated precision, and whether it is a percentage."""
    text = text.replace("\N{MINUS SIGN}", "-")
    text = re.sub(r"(?<=\d)[\u2009\u202f,](?=\d{3}\b)", "", text)
    text = re.sub(
        r"\s?(?:×|\\times)\s?10(?:\^\{?([-+]?\d+)\}?|([⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹]+))",
        lambda power: "e" + (power[1] or power[2].translate(SUPERSCRIPTS)),
        text,
    )
    text = re.sub(r"(?<=\d)\s?×|×\s?(?=\d)", " ", text)
    return [(Decimal(number), bool(percent)) for number, percent in NUMBER.findall(text)]


def supports(printed: tuple[Decimal, bool], quoted: tuple[Decimal, bool]) -> bool:
    """Does the printed number, at least as precise as the quoted one, round to it?"""
    value, percent = printed
    claim, claims_percent = quoted
    if claims_percent and not percent:
        value, percent = value.scaleb(2), True
    place = claim.as_tuple().exponent
    close = abs(value - claim) <= Decimal(5).scaleb(place - 1)
    return percent == claims_percent and value.as_tuple().exponent <= place and close


def quoted_numbers(markdown: str) -> list[tuple[str, list[tuple[Decimal, bool]]]]:
    """Every bold passage with a digit in it, outside code and formulas, with its numbers."""
    prose = re.sub(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$", "", markdown, flags=re.DOTALL)
    passages = re.findall(r"\*\*([^*]+)\*\*|<(?:b|strong)>(.*?)</", prose)
    # the number of an exercise is no measurement
    bold = (re.sub(r"^\d+\. ", "", first or second) for first, second in passages)
    return [(passage, numbers(passage)) for passage in bold if re.search(r"\d", passage)]


def glued_formulas(markdown: str) -> list[str]:
    """Paragraphs with a displayed formula and something beside it: pages render those broken.

    A display stands between blank lines; at most a stop or comma follows its closing dollars.
    """
    text = re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)
    paragraphs = [p.strip() for p in re.split(r"\n[ \t]*\n", text) if "$$" in p]
    alone = re.compile(r"\$\$(?:(?!\$\$).)+\$\$\s?[.,;:]?", re.DOTALL)
    return [p for p in paragraphs if not alone.fullmatch(p)]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def code_lines(cell: dict) -> int:
    lines = map(str.strip, source(cell).splitlines())
    return sum(bool(line) and not line.startswith("#") for line in lines)


def printed(notebook: dict) -> str:
    """All that the marked cells have stored, as text."""
    outputs = [
        output
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and notebooks.is_marked(source(cell))
        for output in cell["outputs"]
    ]
    return "\n".join(
        "".join(output.get("text") or output.get("data", {}).get("text/plain", ""))
        for output in outputs
    )


def complaints(notebook: dict) -> list[str]:
    """What is against the rules for a notebook of this course, cell by cell."""
    found = []
    if notebook.get("metadata", {}).get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel is not python3")
    ids = [cell.get("id") for cell in notebook["cells"]]
    if None in ids or len(set(ids)) < len(ids):
        found.append("cell ids are missing or not unique")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in code:
        where = f"cell {notebook['cells'].index(cell) + 1}"
        outputs, count = cell.get("outputs"), cell.get("execution_count")
        if not source(cell).strip():
            found.append(f"{where} is empty")
        if code_lines(cell) > 15:
            found.append(f"{where} has {code_lines(cell)} lines of code")
        if notebooks.is_marked(source(cell)):
            if not outputs:
                found.append(f"{where} is marked and has no stored output")
            if count is None:
                found.append(f"{where} is marked and has no execution count")
        elif outputs or count is not None:
            found.append(f"{where} is not marked and has a stored output or a count")
    if code and statistics.median(map(code_lines, code)) > 4:
        found.append("the median cell has more than 4 lines of code")
    prose = [source(cell) for cell in notebook["cells"] if cell not in code]
    found += [
        f"{p[:40]!r}: no blank lines about $$" for text in prose for p in glued_formulas(text)
    ]
    available = numbers(printed(notebook))
    for cell in notebook["cells"]:
        for passage, quoted in quoted_numbers(source(cell) if cell not in code else ""):
            missing = [q for q in quoted if not any(supports(p, q) for p in available)]
            if missing or not quoted:
                found.append(f"**{passage}** is in no marked cell's output")
    return found


def markdown_cell(text: str, name: str = "m1") -> dict:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def code_cell(text: str, output: str | None = None, count: int | None = None, name="c1") -> dict:
    stream = {"output_type": "stream", "name": "stdout", "text": output}
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {},
        "source": text,
        "execution_count": count,
        "outputs": [] if output is None else [stream],
    }


def a_notebook(*cells: dict, kernel: str = "python3") -> dict:
    metadata = {"kernelspec": {"name": kernel, "display_name": "Python 3", "language": "python"}}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


MARKED = "# NBVAL_CHECK_OUTPUT\nprint(x)"
