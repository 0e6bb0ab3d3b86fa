"""Every family against the forward passes of `transformers`: random weights, short and long."""

from __future__ import annotations

import pytest

pytest.importorskip("transformers")
pytest.importorskip("tokenizers")
import oracle  # noqa: E402
from families import CASES, LONG, SHORT, text  # noqa: E402

from operator_lab import pretrained  # noqa: E402

WITHIN = {"float32": 2e-5, "float64": 1e-10}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place, made = tmp_path_factory.mktemp("families"), {}

    def folder(name):
        if name not in made:
            case = CASES[name]
            where = place / str(len(made))
            made[name] = oracle.saved(where, case.model, case.config(**case.facts), seed=2)
        return made[name]

    return folder


def gap(folder, case, tokens, dtype):
    run = pretrained.load(folder, dtype).run(tokens)
    ours = run.logits if run.logits.size else run.states[-1]
    theirs = oracle.answer(folder, tokens, dtype, case.model)
    assert ours.shape == theirs.shape and abs(theirs).max() > 0.2
    return abs(ours - theirs).max() / abs(theirs).max()


@pytest.mark.parametrize("dtype", WITHIN)
@pytest.mark.parametrize("length", [SHORT, LONG])
@pytest.mark.parametrize("name", CASES)
def test_a_family_agrees_with_transformers(name, length, dtype, folders):
    assert gap(folders(name), CASES[name], text(length), dtype) < WITHIN[dtype]
