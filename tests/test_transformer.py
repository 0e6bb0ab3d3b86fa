"""The Transformer against an independent implementation built from torch.nn's own blocks."""

import itertools

import pytest
import torch
from torch import nn

from operator_lab.corpus import compound
from operator_lab.dyson import bare
from operator_lab.errors import LabError
from operator_lab.measurement import generate
from operator_lab.model import Model
from operator_lab.shape import check_temperature
from operator_lab.transformer import Note, Transformer

V, N, D, H, L = 11, 7, 12, 3, 3


def model(seed=0, **shape):
    """A small float64 model whose biases and gains are not at their initial values."""
    t = Transformer(
        V, context=N, features=D, heads=H, layers=L, hidden=20, seed=seed, **shape
    ).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for p in t.parameters():
            if p.ndim < 2:
                p += 0.3 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return t.requires_grad_(False)


def norm(ours, rms):
    if isinstance(ours, nn.Identity):
        return nn.Identity()
    if rms:
        core = nn.RMSNorm(D, eps=1e-5, dtype=torch.float64)
        core.weight.data = ours.gain
        return core if ours.bias is None else nn.Sequential(core, Shift(ours.bias))
    core = nn.LayerNorm(D, eps=1e-5, bias=ours.bias is not None, dtype=torch.float64)
    core.weight.data = ours.gain
    if ours.bias is not None:
        core.bias.data = ours.bias
    return core


class Shift(nn.Module):
    def __init__(self, b):
        super().__init__()
        self.b = b

    def forward(self, x):
        return x + self.b


def mixer(ours, tau, causal, bias):
    """nn.MultiheadAttention with our weights; the temperature goes into the queries."""
    theirs = nn.MultiheadAttention(D, H, bias=bias, batch_first=True, dtype=torch.float64)
    theirs.in_proj_weight.data = torch.cat(
        [ours.W_Q.weight / tau, ours.W_K.weight, ours.W_V.weight]
    )
    theirs.out_proj.weight.data = ours.W_O.weight
    if bias:
        theirs.in_proj_bias.data = torch.cat([ours.W_Q.bias / tau, ours.W_K.bias, ours.W_V.bias])
        theirs.out_proj.bias.data = ours.W_O.bias
    mask = nn.Transformer.generate_square_subsequent_mask(N, dtype=torch.float64)
    return lambda u: theirs(u, u, u, attn_mask=mask if causal else None, need_weights=False)[0]


def oracle(t, tokens):
    s = t.shape
    x = nn.Embedding.from_pretrained(t.W_E)(tokens) + t.W_P
    for layer in t.layers:
        act = nn.GELU() if s.activation == "gelu" else nn.ReLU()
        attend = mixer(layer.attention, s.tau, s.causal, s.bias)
        for f, n in (
            (attend, norm(layer.norm_1, s.rms)),
            (nn.Sequential(layer.mlp.W_1, act, layer.mlp.W_2), norm(layer.norm_2, s.rms)),
        ):
            x = n(x + f(x)) if s.norm == "post" else x + f(n(x))
    return t.W_U(norm(t.final_norm, s.rms)(x))


@pytest.mark.parametrize(
    ("placement", "activation", "tied", "bias", "rms"),
    list(itertools.product(("pre", "post", "none"), ("gelu", "relu"), *[(0, 1)] * 3)),
)
def test_agrees_with_torch_blocks(placement, activation, tied, bias, rms):
    choices = dict(tied=bool(tied), bias=bool(bias), rms=bool(rms))
    t = model(norm=placement, activation=activation, **choices)
    tokens = torch.randint(V, (3, N), generator=torch.Generator().manual_seed(2))
    ours, theirs = t(tokens), oracle(t, tokens)
    assert (ours - theirs).abs().max() < 1e-10 * theirs.abs().max().clamp(min=1)


@pytest.mark.parametrize(("tau", "causal"), [(0.3, True), (4.0, True), (1.0, False)])
def test_temperature_and_mask_agree_with_torch_blocks(tau, causal):
    t = model(tau=tau, causal=causal)
    tokens = torch.arange(N)[None]
    assert (t(tokens) - oracle(t, tokens)).abs().max() < 1e-10


def test_constrained_couplings_are_symmetric():
    for name, indefinite in (("hermitian", True), ("positive", False)):
        t = model(coupling=name)
        attention = t.layers[0].attention
        queries = attention.query(torch.eye(D, dtype=torch.float64))
        keys = attention.W_K(torch.eye(D, dtype=torch.float64))
        for head in range(H):
            block = slice(head * D // H, (head + 1) * D // H)
            form = queries[:, block] @ keys[:, block].T
            assert torch.allclose(form, form.T)
            assert (torch.linalg.eigvalsh(form).min() < -1e-3) == indefinite


def test_the_seed_fixes_the_weights_and_leaves_the_world_alone():
    state = torch.get_rng_state()
    same, other = Transformer(V, seed=3), Transformer(V, seed=4)
    assert (torch.get_rng_state() == state).all()
    assert (Transformer(V, seed=3).W_E == same.W_E).all() and (other.W_E != same.W_E).any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 5}, "12 features cannot be shared by 5 heads"),
        ({"layers": -1}, "layers = -1; it is a whole number of at least 0"),
        ({"heads": 0}, "heads = 0; it is a whole number of at least 1"),
        ({"norm": "batch"}, "norm = 'batch'; it is one of 'pre', 'post', 'write', 'both', 'none'"),
        ({"activation": "tanh"}, "activation = 'tanh'"),
        ({"coupling": "real"}, "coupling = 'real'; it is one of 'free', 'hermitian', 'positive'"),
        ({"tau": 0}, "T/T0 = 0 is not positive"),
        ({"tau": -1.0}, "T/T0 = -1 is not positive"),
        ({"tau": float("nan")}, "T/T0 = nan is not positive"),
        ({"tau": "hot"}, "'hot' is not a number"),
        ({"tau": 1e-30}, "colder than the arithmetic"),
    ],
)
def test_mistakes_get_one_sentence(change, message, as_a_learner):
    with pytest.raises(LabError, match=message):
        Transformer(V, **({"features": D, "heads": H} | change))


def test_infinite_temperature_is_allowed():
    assert check_temperature(float("inf")) == float("inf")
    t = model(tau=float("inf"))
    assert torch.isfinite(t(torch.arange(N))).all()


# ---- the block, taken down piece by piece (paper III.5) ------------------------------------------

BARE = dict(norm="none", hidden=0, heads=1, values=False, layers=1, features=8, context=6)


@pytest.mark.parametrize("mixing", ["raw", "scaled", "softmax"])
def test_the_bare_update_is_what_the_paper_writes(mixing):
    """x_i + sum over j <= i of w_ij x_j, with w the overlap q.k, its scaled form, or softmax."""
    t = Transformer(5, mixing=mixing, **BARE).double()
    tokens = torch.tensor([0, 3, 3, 1, 4])
    x = t.embed(tokens)
    layer = t.blocks[0].attention
    q, k = x @ layer.W_Q.weight.T, x @ layer.W_K.weight.T
    rows = []
    for i in range(5):
        w = torch.stack([q[i] @ k[j] for j in range(i + 1)])
        w = w if mixing == "raw" else w / 8**0.5
        w = w.softmax(0) if mixing == "softmax" else w
        rows.append(x[i] + sum(w[j] * x[j] for j in range(i + 1)))
    assert torch.allclose(t(tokens), torch.stack(rows) @ t.W_U.weight.T, atol=1e-12)
    assert not layer.W_V.weight.requires_grad and not layer.W_O.weight.requires_grad


def test_without_layers_a_position_knows_its_own_word_alone():
    t = Transformer(5, layers=0, norm="none", features=8, context=6).double()
    first, second = t(torch.tensor([0, 3, 2])), t(torch.tensor([4, 1, 2]))
    assert torch.equal(first[2], second[2])


def test_without_an_mlp_only_attention_writes():
    t = Transformer(5, hidden=0, layers=2, features=8, heads=2, context=6).double()
    kept = {}

    class Keep(Note):
        def __call__(self, name, index, value):
            kept[name, index] = value
            return value

    t(torch.tensor([0, 3, 2]), Keep())
    assert not kept["step_write", 1].any() and not kept["step_write", 3].any()
    assert kept["step_write", 0].any()


def test_what_needs_softmax_or_layers_says_so(as_a_learner):
    scaled = Model(Transformer(95, mixing="scaled", features=8, heads=2), compound())
    run = scaled.run("the man")
    with pytest.raises(LabError, match="mixes by softmax"):
        generate(scaled, "the man", 5)
    with pytest.raises(LabError, match="needs GELU, softmax"):
        bare.at(run, 0.5)
    empty = Model(Transformer(95, layers=0, features=8, heads=2), compound()).run("the man")
    assert empty.states.shape == (1, 3, 8)
    with pytest.raises(LabError, match="without layers has no mixing"):
        _ = empty.mixing
