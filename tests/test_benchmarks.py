"""The speed comparisons: every table works in a tiny size, rivals are what they claim to be."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

# The tables are no part of the installed package.
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import operator_lab as lab  # noqa: E402
from benchmarks import __main__ as command  # noqa: E402
from benchmarks import long, orders, peers, record, report  # noqa: E402
from benchmarks.growth import Curve  # noqa: E402
from benchmarks.timing import Effort, Line, absolute, middle, ratio, take_turns  # noqa: E402
from operator_lab import dyson  # noqa: E402
from operator_lab.errors import LabError  # noqa: E402

pytestmark = pytest.mark.thorough

SMALL = Effort(rounds=1, small=True)
EVERYWHERE = ("floor", "orders", "jacobian", "pseudospectrum", "growth")  # nothing to install
LINE = Line("x: y", 1, 2.5, 2.25, 2.75, must=2, aim=4, times={"ours": 0.001, "theirs": 2.5})


def measured(name: str) -> list[Line]:
    module = importlib.import_module(f"benchmarks.{name}")
    if name == "growth":
        return [module.line(curve, SMALL) for curve in module.curves(SMALL)]
    return module.measure(SMALL)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_table_has_finite_lines_with_titles(name):
    lines = measured(name)
    assert importlib.import_module(f"benchmarks.{name}").TITLE
    assert len({line.work for line in lines}) == len(lines) > 0
    assert all(np.isfinite([line.value, line.low, line.high]).all() for line in lines)
    assert report.table(lines).count("\n") == len(lines) + 1
    json.dumps(list(map(asdict, lines)))


def test_the_slider_table_works_or_says_what_to_install():
    """In a process of its own: a browser driven in this one may have its event loop open."""
    code = (
        "from benchmarks import peers, slider\nfrom benchmarks.timing import Effort\n"
        "try:\n    print(len(slider.measure(Effort(rounds=1, small=True))))\n"
        "except peers.Missing as error:\n    print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "not installed" in run.stdout or int(run.stdout.split()[-1]) > 0


@pytest.mark.parametrize("name", ["step", "long", "record"])
def test_a_table_with_rivals_works_or_says_what_to_install(name, capsys):
    try:
        lines = measured(name)
    except peers.Missing as error:
        assert "is not installed" in str(error)
        return
    assert lines
    said = capsys.readouterr().out
    assert name != "record" or len(lines) == 4 or "is not installed" in said


def test_the_course_table_runs_a_notebook():
    whole, one = measured("course")
    assert 0 < one.value <= whole.value and whole.must == 8


def test_a_missing_rival_is_one_line_and_the_other_tables_go_on(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "transformers", None)
    assert command.child("step", SMALL) == {
        "lines": [],
        "missing": "transformers is not installed: pip install -e '.[bench]'",
    }
    monkeypatch.setattr(
        command, "apart",
        lambda name, threads, rounds: command.child("step", SMALL) if name == "step" else {
            "lines": [asdict(absolute("made", Effort(threads), [1.0, 2.0, 3.0], "ms", must=4))]
        },
    )  # fmt: skip
    assert command.measure(["step", "slider"], rounds=1, keep=False) == 0
    said = capsys.readouterr().out
    assert "transformers is not installed" in said and "2 ms (1.5 to 2.5), reached" in said


def test_an_unknown_table_is_named(capsys):
    with pytest.raises(SystemExit):
        command.main(["stp"])
    assert "there is no table 'stp'" in capsys.readouterr().err


@pytest.mark.parametrize("config", peers.CONFIGS.values(), ids=list(peers.CONFIGS))
def test_nanogpt_has_the_parameters_of_its_description(config):
    L, d, V, N = (config[k] for k in ("layers", "features", "vocabulary", "context"))
    torch.manual_seed(0)
    network = peers.NanoGPT(L, d, config["heads"], N, V)
    count = sum(p.numel() for p in network.parameters())
    assert count == (V + N) * d + L * (12 * d * d + 2 * d) + d  # embeddings, blocks, last gain
    tokens = torch.randint(V, (32, N))
    loss = F.cross_entropy(network(tokens).flatten(0, 1), tokens.flatten().roll(1))
    assert abs(loss.item() - math.log(V)) < 0.05
    written = [p for name, p in network.named_parameters() if "projection" in name]
    assert all(abs(p.std().item() - 0.02 / math.sqrt(2 * L)) < 5e-4 for p in written)


def test_nanogpt_reads_nothing_behind_it():
    network = peers.NanoGPT(2, 16, 2, 8, 11)
    tokens = torch.randint(11, (1, 8))
    other = tokens.clone()
    other[0, 5] = (other[0, 5] + 1) % 11
    same = network(tokens) == network(other)
    assert same[0, :5].all() and not same[0, 5:].all(-1).any()


def test_nanogpts_schedule_and_its_groups():
    rates = [peers.cosine(step, 500, 1e-3) for step in range(501)]
    assert rates[0] == pytest.approx(1e-3 / 101) and max(rates) == rates[100] == 1e-3
    assert rates[-1] == pytest.approx(1e-4) and rates[300] == pytest.approx(5.5e-4)
    matrices, gains = peers.decayed(peers.NanoGPT(2, 16, 2, 8, 11), 0.1)
    assert {p.ndim for p in matrices["params"]} == {2} and {p.ndim for p in gains["params"]} == {1}
    assert (matrices["weight_decay"], gains["weight_decay"]) == (0.1, 0.0)


def test_the_rivals_have_our_shape():
    pytest.importorskip("transformers")
    config = peers.CONFIGS["A"]
    L, d, V, N = (config[k] for k in ("layers", "features", "vocabulary", "context"))
    count = sum(p.numel() for p in peers.gpt2(config).parameters())
    assert count == (V + N) * d + L * (12 * d * d + 13 * d) + 2 * d  # with biases


def test_the_long_contenders_are_one_network(monkeypatch):
    """As many weights as GPT-2, and with maps or without the same logits."""
    config = peers.TINY | {"context": 300, "features": 8}
    mine = long.ours(config)
    L, d, V, N = 1, 8, config["vocabulary"], 300
    count = sum(p.numel() for p in mine.parameters())
    assert count == (V + N) * d + L * (12 * d * d + 13 * d) + 2 * d
    tokens = torch.randint(V, (1, N))
    assert (mine(tokens) - mine(tokens, long.Looking())).abs().max() < 1e-4


def test_the_kernels_of_the_record_are_those_of_the_pass():
    model = lab.reference().to("float32")
    tokens = torch.arange(9)
    with torch.inference_mode():
        flat = record.kernels(model.transformer, tokens)()
        assert (flat - model.transformer(tokens)).abs().max() < 1e-4


def test_the_sum_over_paths_is_what_the_recursion_saves():
    run = orders.stack(4).run(orders.SENTENCE)
    for summed in (orders.path_sum, orders.tree_sum):
        assert abs(summed(run, 4) - dyson.orders(run, by="layer")).max() < 1e-12


def test_contenders_take_turns():
    seen = []
    tasks = {name: (lambda name=name: seen.append(name)) for name in "ab"}
    times = take_turns(tasks, Effort(rounds=3, small=True))
    assert seen == ["a", "a", "b", "b", *"ababab"]
    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3}


def test_ratios_are_taken_round_by_round():
    times = {"slow": [2.0, 30.0, 4.0], "fast": [1.0, 10.0, 1.0]}
    line = ratio("w", SMALL, times, "slow", "fast", must=2.5)
    assert (line.value, line.low, line.high, line.verdict) == (3, 2.5, 3.5, "reached")
    assert line.times == {"slow": 4.0, "fast": 1.0}
    assert middle([7.0]) == (7.0, 7.0, 7.0)


@pytest.mark.parametrize(
    ("value", "lower", "verdict"),
    [(1, False, "missed"), (2, False, "reached"), (4, False, "aim reached"),
     (1, True, "aim reached"), (3, True, "reached"), (5, True, "missed"), (np.inf, True, "missed")],
)  # fmt: skip
def test_verdicts(value, lower, verdict):
    must, aim = (4, 2) if lower else (2, 4)
    assert Line("w", 1, value, value, value, must=must, aim=aim, lower=lower).verdict == verdict


def test_a_row_has_both_clocks():
    wall = Line("x: y", 2, 1.5, 1.25, 1.75, must=2, aim=4)
    assert report.table([LINE, wall]).splitlines()[2] == (
        "| x: y | at least 2x | at least 4x | 2.5x (2.25 to 2.75), reached | "
        "1.5x (1.25 to 1.75), missed |"
    )
    assert [report.number(v, "x") for v in (np.inf, np.nan)] == ["endless", "not measured"]
    assert report.medians([LINE]) == "Medians on one thread: x: ours 1 ms, x: theirs 2.5 s."


@pytest.fixture
def results() -> dict:
    curves = [Curve("training step", "L", [1, 2, 4], [1.0, 2.0, 4.0], 1, 1)]
    entry = report.stored([LINE], "A title")
    return {"tables": {"step": entry}, "curves": list(map(asdict, curves))}


def test_everything_written_comes_from_the_results(results, tmp_path):
    kept, readme, page, figure = (tmp_path / n for n in ("r.json", "README.md", "p.md", "i/g.svg"))
    report.save(results, kept)
    assert report.load(kept) == json.loads(json.dumps(results))
    readme.write_text(
        "before\n<!-- begin tables: x -->\nold\n<!-- end tables -->\nafter\n", encoding="utf-8"
    )
    report.write(report.load(kept), readme, page, figure)
    first = [path.read_bytes() for path in (readme, page, figure)]
    report.write(report.load(kept), readme, page, figure)
    assert first == [path.read_bytes() for path in (readme, page, figure)]
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    for written in (text, page.read_text(encoding="utf-8")):
        assert "2.5x (2.25 to 2.75), reached" in written and "A title" in written
    assert b"power 1.00" in first[2]


def test_a_readme_without_markers_is_left_alone():
    with pytest.raises(LabError, match="0 passages between 'begin tables"):
        report.told_in("no marks", {"tables": {}, "curves": []})


def test_what_is_committed_agrees_with_the_results():
    results = report.load()
    readme = report.README.read_text(encoding="utf-8")
    assert report.told_in(readme, results) == readme
    assert report.PAGE.read_text(encoding="utf-8") == report.page(results)
