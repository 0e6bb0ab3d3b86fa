"""On a GPU: the same numbers, every instrument, and a training step captured as a graph.

All but the first tests are skipped where there is no CUDA.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_models import MONEY, random_model

import operator_lab as lab
from operator_lab.course.shaken import shaken
from operator_lab.errors import LabError
from operator_lab.training import Recipe, train
from operator_lab.training.slope import Slope
from operator_lab.transformer import Transformer

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here")
SHAPE = dict(features=32, heads=4, layers=2, hidden=64, context=16)


def test_a_model_goes_where_it_is_told(tmp_path, as_a_learner):
    model = random_model()
    path = model.save(tmp_path / "mine")
    for here in (model.to(device="cpu"), lab.load(path, device="cpu"), model.to("float32", "cpu")):
        assert here.transformer.W_E.device.type == "cpu"
        assert abs(here.run(MONEY).law - model.run(MONEY, device="cpu").law).max() < 1e-5
    for call in (
        lambda: model.to(device="toaster"),
        lambda: model.run(MONEY, device="toaster"),
        lambda: lab.load(path, device="toaster"),
    ):
        with pytest.raises(LabError, match="The device 'toaster' cannot be used here"):
            call()
    if not torch.cuda.is_available():
        with pytest.raises(LabError, match="The device 'cuda' cannot be used here"):
            model.to(device="cuda")


def texts(seed: int, device: str = "cpu") -> torch.Tensor:
    return torch.randint(0, 95, (8, 17), generator=torch.Generator().manual_seed(seed)).to(device)


def test_a_slope_is_the_gradient_cut_to_length_one():
    transformer = Transformer(95, **SHAPE)
    length = Slope(transformer)(texts(0))
    slope = torch.cat([p.grad.flatten() for p in transformer.parameters()])
    logits = transformer(texts(0)[:, :-1]).flatten(0, 1)
    loss = torch.nn.functional.cross_entropy(logits, texts(0)[:, 1:].flatten())
    plain = torch.cat([g.flatten() for g in torch.autograd.grad(loss, [*transformer.parameters()])])
    assert length == pytest.approx(plain.norm().item(), rel=1e-5)
    assert torch.allclose(slope, plain / plain.norm().clamp(min=1.0), atol=1e-6)


CHANGES = [{}, {"rotation": (1.0, 0.5, 0.2, 0.1)}, {"coupling": "hermitian"}]


@cuda
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_captured_slope_follows_the_texts_and_the_weights(changes):
    """Replayed on new texts, and after the optimiser has moved the weights."""
    plain, other = (Transformer(95, seed=1, **SHAPE | changes) for _ in range(2))
    captured = Slope(other.cuda())
    for seed in range(4):
        Slope(plain)(texts(seed))
        captured(texts(seed, "cuda"))
        assert captured.graph is not None
        for (name, p), q in zip(plain.named_parameters(), other.parameters(), strict=True):
            assert torch.allclose(p.grad, q.grad.cpu(), atol=1e-4), (seed, name)
            with torch.no_grad():
                p -= 0.1 * p.grad
                q -= 0.1 * q.grad


@cuda
@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_training_on_cuda_is_that_on_the_cpu(changes):
    recipe = Recipe(shape=SHAPE | changes, steps=20, batch=16, warmup=5)
    here, there = (train(recipe, device=d, progress=False, every=20) for d in ("cpu", "cuda"))
    assert there.loss[-1] == pytest.approx(here.loss[-1], rel=1e-2)


@cuda
def test_a_diverging_training_on_cuda_keeps_the_last_finite_weights():
    with pytest.raises(lab.training.Diverged) as caught:
        train(Recipe(shape=SHAPE, steps=50, batch=16, rate=1e6, warmup=1), device="cuda",
              progress=False)  # fmt: skip
    assert all(np.isfinite(w).all() for w in caught.value.training.model.weights.values())


@cuda
def test_every_instrument_says_there_what_it_says_here(tmp_path):
    pytest.importorskip("tokenizers")
    import instruments
    import model_kinds

    for kind in model_kinds.kinds(tmp_path).values():
        there = model_kinds.Kind(kind.name, kind.model.to(device="cuda"))
        for name, call in instruments.instruments().items():
            assert instruments.outcome(call, there) == instruments.outcome(call, kind), name


@cuda
def test_a_run_on_cuda_is_that_on_the_cpu():
    model = random_model()
    there = model.run(MONEY, device="cuda")
    assert isinstance(there.states, np.ndarray)
    assert abs(there.states - model.run(MONEY).states).max() < 1e-10


@cuda
def test_a_shaken_model_is_shaken_alike_on_cuda():
    with shaken("rounding", 1):
        here = random_model().to("float64")
        there = here.to(device="cuda")
        assert abs(there.run(MONEY).states - here.run(MONEY).states).max() < 1e-10
