"""Long texts: the plain pass stores no N x N map, and is the pass that a run records."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_models import random_model
from torch.utils._python_dispatch import TorchDispatchMode

from operator_lab import edits
from operator_lab.errors import LabError
from operator_lab.transformer import Note, Transformer
from operator_lab.transformer.attention import LONG

N = LONG + 17
KINDS = {
    "the course's": {},
    "GPT-2": dict(bias=True, activation="gelu_tanh", tau=0.7),
    "Llama": dict(rms=True, gated=True, activation="silu", key_heads=2, rotation=(0.9, 0.2)),
    "BERT": dict(norm="post", bias=True, causal=False, start_norm=True),
    "wide heads": dict(head_size=6, coupling="hermitian"),
}
TOKENS = np.random.default_rng(0).integers(0, 95, N)


class Largest(TorchDispatchMode):
    """Notes the largest tensor that any operation makes."""

    size = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor):
                self.size = max(self.size, tensor.untyped_storage().nbytes() // tensor.itemsize)
        return made


@pytest.fixture(params=KINDS)
def model(request):
    return random_model(**(KINDS[request.param] | {"context": N}))


@pytest.mark.thorough
@pytest.mark.parametrize(("precision", "within"), [("float64", 1e-10), ("float32", 2e-4)])
def test_the_plain_pass_is_the_recorded_one(model, precision, within):
    model = model.to(precision)
    exact = model.run(TOKENS).law
    assert abs(model.law(TOKENS) - exact).max() < within
    quiet = edits.silence(model, 1, [0])
    assert abs(model.law(TOKENS, quiet) - model.run(TOKENS, quiet).law).max() < within
    flat = edits.flatten(model, 1)  # looks at the maps, so they are made
    assert abs(model.law(TOKENS, flat) - model.run(TOKENS, flat).law).max() < within


def test_the_slopes_of_training_are_those_of_the_maps(model):
    slopes = []
    for maps in (False, True):
        transformer = Transformer.holding(model.shape, model.transformer.weights())
        transformer.requires_grad_(True)
        note = Note()
        note.maps = maps
        logits = transformer(torch.as_tensor(TOKENS), note)
        loss = torch.nn.functional.cross_entropy(logits, torch.as_tensor(TOKENS))
        slopes.append(torch.autograd.grad(loss, list(transformer.parameters())))
    for a, b in zip(*slopes, strict=True):
        assert (a - b).abs().max() < 1e-9


def test_no_map_is_stored_unless_somebody_looks(model):
    count = model.shape.heads * N**2
    with Largest() as plain:
        model.law(TOKENS)
    assert plain.size < count / 4
    with Largest() as edited:
        model.law(TOKENS, edits.put(model, 2, -1, np.zeros(16)))
    assert edited.size < count / 4
    with Largest() as looked:
        model.run(TOKENS)
    assert looked.size >= count


def test_a_short_text_has_one_way_only():
    """Its numbers do not depend on who looks: to the last bit."""
    model = random_model(context=LONG).to("float32")
    short = TOKENS[: LONG - 1]
    with torch.inference_mode():
        plain = model.transformer(torch.as_tensor(short)).numpy()
    assert np.array_equal(plain, model.run(short).logits)


def test_a_record_that_does_not_fit_says_what_does(monkeypatch, as_a_learner):
    model = random_model(context=64)
    monkeypatch.setattr("operator_lab.model.BATCH_ROOM", 10**6)
    with pytest.raises(LabError, match=r"of 64 tokens in each of 9 texts .* ask for the law alone"):
        model.run_batch(np.zeros((9, 64), int))
    assert model.law(np.zeros((9, 64), int)).shape == (9, 64, 95)
