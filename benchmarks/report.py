"""Results in words: the tables of `benchmarks/README.md`, the page of the book, the figure."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path

import numpy as np
import torch

from operator_lab.course.marked import passage
from operator_lab.files import write_whole

from .growth import Curve
from .timing import Line

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results.json")
README = Path(__file__).with_name("README.md")
PAGE = ROOT / "course" / "benchmarks.md"
FIGURE = ROOT / "course" / "images" / "growth.svg"
PASSAGE = "tables"  # of the README, between two marks
ALT = (
    "Three log-log panels, cost against depth L, length N and width d: a training step, the bytes "
    "of a record and all orders of a run, each with its measured power; dashed lines of slope 1 "
    "and 2 beside them."
)


def machine() -> dict[str, str]:
    """What the numbers were measured on and with."""
    versions = {}
    for name in ("torch", "numpy", "transformers", "transformer_lens"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return (
        {
            "processor": _processor(),
            "cores": str(os.cpu_count()),
            "system": platform.system(),
            "python": platform.python_version(),
        }
        | versions
        | ({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {})
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = (s for s in info.read_text(encoding="utf-8").splitlines() if "model name" in s)
        return next(named, ": unknown").partition(":")[2].strip()
    return platform.processor() or platform.machine()


def stored(lines: Sequence[Line], title: str) -> dict:
    """A table as the results file keeps it."""
    return {"title": title, "machine": machine(), "lines": [asdict(line) for line in lines]}


def load(path: Path = RESULTS) -> dict:
    """The results kept so far."""
    if not path.exists():
        return {"tables": {}, "curves": []}
    return json.loads(path.read_text(encoding="utf-8"))


def save(results: Mapping, path: Path = RESULTS) -> None:
    """Keep the results."""
    write_whole(path, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())


def number(value: float, unit: str) -> str:
    """A value with its unit, three digits."""
    if not np.isfinite(value):
        return "not measured" if np.isnan(value) else "endless"
    text = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return text + {"x": "x", "power": ""}.get(unit, f" {unit}")


def measured(line: Line) -> str:
    """The value with the middle half of its rounds and the verdict."""
    text = number(line.value, line.unit)
    if line.low != line.high:
        text += f" ({number(line.low, '')}to {number(line.high, '').strip()})"
    return f"{text}, {line.verdict}" if line.verdict else text


def _bound(value: float | None, line: Line) -> str:
    if value is None:
        return ""
    return f"at {'most' if line.lower else 'least'} {number(value, line.unit)}"


def table(lines: Sequence[Line]) -> str:
    """One table in Markdown; a row has CPU time on one thread and wall time on two."""
    rows = ["| against | must | aim | CPU time, one thread | wall time, two threads |",
            "|---|---|---|---|---|"]  # fmt: skip
    for work in dict.fromkeys(line.work for line in lines):
        by_threads = {line.threads: line for line in lines if line.work == work}
        any_line = next(iter(by_threads.values()))
        cells = [measured(by_threads[n]) if n in by_threads else "" for n in (1, 2)]
        bounds = [_bound(any_line.must, any_line), _bound(any_line.aim, any_line)]
        rows.append("| " + " | ".join([work, *bounds, *cells]) + " |")
    return "\n".join(rows)


def medians(lines: Sequence[Line]) -> str:
    """The medians behind the ratios, on the fewest threads, in a sentence."""
    found: dict[str, float] = {}
    fewest = min((line.threads for line in lines), default=1)
    for line in lines:
        of, colon, _ = line.work.rpartition(": ")
        if line.threads == fewest and line.times:
            found |= {f"{of}{colon}{name}": value for name, value in line.times.items()}
    times = ", ".join(f"{name} {seconds(s)}" for name, s in found.items())
    threads = "one thread" if fewest == 1 else f"{fewest} threads"
    return f"Medians on {threads}: {times}." if times else ""


def seconds(value: float) -> str:
    """A time in the unit it reads best in."""
    return number(value, "s") if value >= 1 else number(1e3 * value, "ms")


def tables(results: Mapping) -> str:
    """Every table that has been measured, with the machine it was measured on."""
    parts = [] if results["tables"] else ["Nothing has been measured yet: `make bench`."]
    for entry in results["tables"].values():
        lines = [Line(**line) for line in entry["lines"]]
        parts += [f"## {entry['title']}", table(lines), medians(lines)]
        if "gpu" in entry["machine"]:
            parts.append(f"Measured on: {told(entry['machine'])}.")
    machines = (entry["machine"] for entry in results["tables"].values())
    every = sorted({told(machine) for machine in machines if "gpu" not in machine})
    parts += [f"Measured on: {machine}." for machine in every]
    return "\n\n".join(part for part in parts if part)


def told(machine: Mapping[str, str]) -> str:
    """A machine and its versions in words."""
    return ", ".join(f"{name} {value}" for name, value in machine.items())


def page(results: Mapping) -> str:
    """The book's page."""
    figure = f"![{ALT}](images/{FIGURE.name})\n" if results["curves"] else ""
    return (
        "# Benchmarks\n\nWhat the course's instruments cost, against what one would use instead. "
        "Contenders take turns in one process, so only the ratios mean anything; each is the "
        "median over the rounds, with the middle half of them in brackets. CPU time on one thread "
        "leaves out what other programs did meanwhile. `make bench` measures all of it again.\n\n"
        f"{tables(results)}\n" + (f"\n{figure}" if figure else "")
    )


def told_in(text: str, results: Mapping) -> str:
    """The README's text with these tables; LabError if it has lost its marks."""
    return passage(text, PASSAGE, f"\n{tables(results)}\n")


def write(results: Mapping, readme: Path = README, page_at: Path = PAGE, figure: Path = FIGURE):
    """Write the README's tables, the book's page and the figure from the same results."""
    write_whole(readme, told_in(readme.read_text(encoding="utf-8"), results).encode())
    if results["curves"]:
        write_whole(figure, drawn([Curve(**curve) for curve in results["curves"]]))
    write_whole(page_at, page(results).encode())


def drawn(curves: Sequence[Curve]) -> bytes:
    """The growth figure as SVG, the same bytes for the same results."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    axes_names = list(dict.fromkeys(curve.axis for curve in curves))
    with plt.rc_context({"svg.hashsalt": "operator-lab", "svg.fonttype": "none", "font.size": 9}):
        figure, all_axes = plt.subplots(1, len(axes_names), figsize=(9, 3.2), sharey=True)
        for axes, name in zip(np.atleast_1d(all_axes), axes_names, strict=True):
            own = [curve for curve in curves if curve.axis == name]
            for marker, curve in zip("os^", own, strict=False):
                relative = np.array(curve.costs) / curve.costs[0]
                label = f"{curve.work}, power {curve.power:.2f}"
                axes.loglog(curve.sizes, relative, marker=marker, label=label)
            sizes = np.array(own[0].sizes, float)
            for power in (1, 2):
                axes.loglog(sizes, (sizes / sizes[0]) ** power, "--", color="0.6", lw=1)
            axes.set_xticks(own[0].sizes, [str(n) for n in own[0].sizes])
            axes.minorticks_off()
            axes.set_xlabel(name)
            axes.legend(fontsize=7)
        np.atleast_1d(all_axes)[0].set_ylabel("cost, in units of the first")
        figure.tight_layout()
        content = BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
        plt.close(figure)
    return content.getvalue()
