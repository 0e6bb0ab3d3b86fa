"""The command line: `python -m benchmarks [names] [--quick]`.

Every table is measured in a process of its own, once for each number of threads, because NumPy and
PyTorch settle theirs when they are loaded.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict

from .timing import Effort, Line

TABLES = ("floor", "step", "long", "record", "orders", "jacobian", "pseudospectrum", "slider",
          "course", "growth")  # fmt: skip
FULL, QUICK = 31, 5  # rounds


def main(arguments: list[str] | None = None) -> int:
    """Measure the named tables (all by default), print them, and keep them unless quick."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="table", help=", ".join(TABLES))
    parser.add_argument("--quick", action="store_true", help="few rounds, print only")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    parser.add_argument("--child", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    rounds = options.rounds or (QUICK if options.quick else FULL)
    unknown = sorted(set(options.names) - set(TABLES))
    if unknown:
        parser.error(f"there is no table {unknown[0]!r}; there are {', '.join(TABLES)}")
    if options.child:
        print(json.dumps(child(options.names[0], Effort(options.child, rounds))))
        return 0
    return measure(options.names or TABLES, rounds, keep=not options.quick)


def child(name: str, effort: Effort) -> dict:
    """One table at one number of threads: lines and curves, or what is missing for it."""
    import torch

    from .peers import Missing

    torch.set_num_threads(effort.threads)
    module = importlib.import_module(f".{name}", __package__)
    try:
        if name == "growth":
            found = module.curves(effort)
            lines = [module.line(curve, effort) for curve in found]
            return {"lines": list(map(asdict, lines)), "curves": list(map(asdict, found))}
        return {"lines": list(map(asdict, module.measure(effort)))}
    except Missing as error:
        return {"lines": [], "missing": str(error)}


def measure(names, rounds: int, keep: bool) -> int:
    """Print the tables as they come; with `keep` write them down, each as soon as it is whole."""
    from . import report

    failed = 0
    for name in names:
        if importlib.util.find_spec(f"{__package__}.{name}") is None:
            print(f"## {name}\n\nnot there yet\n")
            continue
        module = importlib.import_module(f".{name}", __package__)
        lines, curves = [], []
        for threads in getattr(module, "THREADS", (1, 2)):
            answer = apart(name, threads, rounds)
            failed += answer is None
            answer = answer or {"lines": []}
            lines += [Line(**line) for line in answer["lines"]]
            curves += answer.get("curves", [])
            if "missing" in answer:
                print(answer["missing"])
        if not lines:
            continue
        parts = f"## {module.TITLE}", report.table(lines), report.medians(lines)
        print("\n\n".join(filter(None, parts)) + "\n", flush=True)
        if keep:
            results = report.load()
            results["tables"][name] = report.stored(lines, module.TITLE)
            results["tables"] = {n: results["tables"][n] for n in TABLES if n in results["tables"]}
            results["curves"] = curves or results["curves"]
            report.save(results)
            report.write(results)
    return 1 if failed else 0


def apart(name: str, threads: int, rounds: int) -> dict | None:
    """What `child` says from a process of its own; None, and its last words, if it fails."""
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    command = [sys.executable, "-m", "benchmarks", name, "--child", str(threads)]
    done = subprocess.run(
        [*command, "--rounds", str(rounds)],
        env=os.environ | dict.fromkeys(limits, str(threads)),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    *said, answer = done.stdout.strip().splitlines() or [""]
    for line in said:
        print(line)
    if done.returncode:
        print(f"{name} on {threads} threads failed: {(done.stderr.strip() or 'no word')[-600:]}")
        return None
    return json.loads(answer)


if __name__ == "__main__":
    sys.exit(main())
