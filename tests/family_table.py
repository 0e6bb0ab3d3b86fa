"""The book's page of families, made of what the tests measure: `python tests/family_table.py`."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import oracle
import torch
from families import CASES, LONG, SHORT, Case, text
from safetensors.torch import load_file, save_file

from operator_lab import pretrained

PAGE = Path(__file__).parent.parent / "course" / "families.md"
WITHIN = {"float32": 2e-5, "float64": 1e-10}  # of the largest logit; float32 has 1e-7 a number
KINDS = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp8": torch.float8_e4m3fn}
HEAD = f"""# Families of real models

`lab.load(folder)` reads checkpoints of these families, in the layout in which they are published:
config.json, safetensors, and a tokenizer. Each is held against the forward pass of the package
transformers, on small random models: the largest difference of two logits (of an encoder without
its head, of two states), over the largest of them, stays below the bound. A *short* text has
{SHORT} tokens; a *long* one has {LONG}, several times each sliding window. The *kinds of weights*
give the same logits, bit for bit, as the numbers they stand for. What a folder says and nobody
here knows is refused by its name. Mixtures of experts, state-space models and encoder-decoders
are refused: they are other machines than the Transformer of this course.

This page is made by `python tests/family_table.py`; a test measures it anew.

| family | also tried | float64 | float32 | long text | kinds of weights |
|---|---|---|---|---|---|
"""


@cache
def folder(name: str) -> Path:
    """Where the random model of a case is saved; all are deleted with the process."""
    case, where = CASES[name], _place() / str(len(list(_place().iterdir())))
    return oracle.saved(where, case.model, case.config(**case.facts), seed=2)


@cache
def _room():
    return tempfile.TemporaryDirectory(prefix="families-")


def _place() -> Path:
    return Path(_room().name)


@cache
def gap(name: str, length: int, dtype: str) -> float:
    """The largest difference of our logits and the library's, over the largest of them."""
    case, tokens = CASES[name], text(length)
    ours = _answer(folder(name), tokens, dtype)
    theirs = oracle.answer(folder(name), tokens, dtype, case.model)
    assert ours.shape == theirs.shape and abs(theirs).max() > 0.2
    return abs(ours - theirs).max() / abs(theirs).max()


def _answer(place: Path, tokens, dtype: str = "float32"):
    run = pretrained.load(place, dtype).run(tokens)
    return run.logits if run.logits.size else run.states[-1]


@cache
def kinds(name: str) -> tuple[str, ...]:
    """The kinds of weights that give just the logits of the numbers they stand for."""
    made, weights = folder(name), load_file(folder(name) / "model.safetensors")
    found = []
    for kind, dtype in KINDS.items():
        low = {key: w.to(dtype) for key, w in weights.items()}
        wide = {key: w.float() for key, w in low.items()}
        one, other = (_rewritten(made, kept, f"{kind}-{i}") for i, kept in enumerate((low, wide)))
        if (_answer(one, text(SHORT)) == _answer(other, text(SHORT))).all():
            found.append(kind)
    several = _rewritten(made, weights, "several", files=3)
    if (_answer(several, text(SHORT)) == _answer(made, text(SHORT))).all():
        found.append("several files")
    return tuple(found)


def _rewritten(made: Path, weights: dict, suffix: str, files: int = 1) -> Path:
    place = made.with_name(f"{made.name}-{suffix}")
    place.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (place / name).write_bytes((made / name).read_bytes())
    if files == 1:
        save_file(weights, place / "model.safetensors")
        return place
    where = {key: f"part-{i % files}.safetensors" for i, key in enumerate(sorted(weights))}
    for file in set(where.values()):
        save_file({k: w for k, w in weights.items() if where[k] == file}, place / file)
    index = json.dumps({"weight_map": where})
    (place / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    return place


def page() -> str:
    """The page, every mark of it measured now."""
    families: dict[str, list[Case]] = {}
    for case in CASES.values():
        families.setdefault(case.family, []).append(case)
    return HEAD + "".join(map(_row, families.values()))


def _row(cases: list[Case]) -> str:
    also = "; ".join(case.what for case in cases if case.what)
    cells = [_below(cases, SHORT, "float64"), _below(cases, SHORT, "float32")]
    cells.append(_below(cases, LONG, "float64"))
    cells.append(", ".join(kinds(cases[0].name)))
    return f"| {cases[0].family} | {also} | {' | '.join(cells)} |\n"


def _below(cases: list[Case], length: int, dtype: str) -> str:
    bound = WITHIN[dtype]
    kept = all(gap(case.name, length, dtype) < bound for case in cases)
    return f"below {bound:.0e}" if kept else "**off**"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
