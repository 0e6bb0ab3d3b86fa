"""The script in the page against Python: one run, two languages, sentence by sentence."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import operator_lab as lab
from operator_lab.edits import put, silence
from operator_lab.figures.living import ENGINE, packed
from operator_lab.figures.modules import joined
from operator_lab.model import Model
from operator_lab.transformer import POINTS, Transformer

# What Python and the page hold side by side; read-only, so one page serves all draws.
SCRIPTS = "live/{}.js"
FEW = settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],  # to shrink asks the page for minutes
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ASK = """({ name, tokens, off, heat, put, orders }) => {
    const { shape } = one = machines[name];
    const flat = (value) => { // numbers as bytes as letters: JSON would take minutes
        const bytes = new Uint8Array(Float64Array.from(value).buffer);
        return btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));
    };
    const edits = {}, T = (l, h) => shape.T * (heat[l]?.[h] ?? 1);
    for (const [layer, heads] of Object.entries(off)) edits[`head_write ${layer}`] = (writes) => {
        const size = writes.length / shape.heads;
        for (const h of heads) writes.fill(0, h * size, (h + 1) * size);
        return writes;
    };
    if (put) edits[`state ${put.step}`] = (x) => (x.set(put.row, put.at * shape.features), x);
    const run = engine.run(one, tokens, edits, T), { law, tokens: _, ...kept } = run;
    const read = one.exact(tokens);
    return {
        law: flat(law), exact: read.map((place) => flat(place.law)),
        belief: read.map((place) => flat(place.belief)), node: read.map((place) => place.node),
        kept: Object.fromEntries(Object.entries(kept).flatMap(([k, v]) =>
            v.map((x, i) => [`${k} ${i}`, flat(x)]))),
        orders: orders ? engine.orders(one, run, orders).map(flat) : [],
        lens: run.state.map((x) => flat(engine.measure(one, x))),
    };
}"""


def small(language="compound", **shape) -> Model:
    """Random weights in float64 that float32 holds exactly, every bias and gain another number."""
    spoken = lab.corpus.language(language)
    made = Transformer(len(spoken.words), seed=3, **{"context": 32, "hidden": 40} | shape).double()
    rng = np.random.default_rng(5)
    for p in made.parameters():
        if p.ndim == 1:
            p.data += p.new_tensor(rng.normal(size=p.shape) * 0.3)
        p.data = p.data.float().double()
    return Model(made, spoken)


MODELS = {
    "reference": lambda: lab.reference(),
    "untrained": lambda: lab.reference(trained=False),
    "depth": lambda: lab.reference("depth"),
    "tied": lambda: lab.reference(tied=True),
    "post": lambda: small(norm="post", bias=True, layers=3, tau=0.5),
    "rms": lambda: small(rms=True, activation="silu", gated=True, key_heads=2, heads=4),
    "turned": lambda: small(rotation=[1.0 / 3**k for k in range(8)], activation="relu", bias=True),
    "bare": lambda: small(norm="none", mixing="raw", values=False, hidden=0, layers=2),
    "hermitian": lambda: small(coupling="hermitian", readout="born", activation="gelu_tanh"),
    "open": lambda: small("depth", causal=False, mixing="scaled", layers=2, start_norm=True),
    "hot": lambda: small(tau=float("inf"), layers=1, bias=["norm", "W_V", "W_O"]),
}


@pytest.fixture(scope="module")
def page(open_lasting_page, tmp_path_factory):
    blank = tmp_path_factory.mktemp("blank") / "page.html"
    blank.write_text("<!doctype html><title>engine</title>", encoding="utf-8")
    page = open_lasting_page(blank.as_uri())
    page.evaluate(
        """async (source) => {
        const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
        globalThis.engine = await import(url);
        globalThis.machines = {};
        globalThis.one = null;
    }""",
        joined(*map(SCRIPTS.format, ENGINE)),
    )
    return page


@pytest.fixture(scope="module")
def send(page):
    """Hand a model to the page, once; what is asked of it there comes back as arrays."""
    models = {}

    def send_(name: str) -> Model:
        if name not in models:
            models[name] = MODELS[name]()
            header, data = packed(models[name])
            page.evaluate(
                """([name, header, data]) => {
                const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
                machines[name] = engine.machine(JSON.parse(header), new DataView(bytes.buffer));
            }""",
                [name, json.dumps(header, allow_nan=False), b64encode(data).decode()],
            )
        return models[name]

    return send_


def asked(page, name, tokens, off=None, heat=None, put=None, orders=0) -> dict:
    question = {"off": off or {}, "heat": heat or {}, "put": put, "orders": orders}
    found = page.evaluate(ASK, {"name": name, "tokens": [int(t) for t in tokens], **question})
    node, numbers = found.pop("node"), decoded(found)
    return numbers | {"node": node}


def decoded(part):
    """The numbers of an answer, wherever in it they lie."""
    if isinstance(part, str):
        return np.frombuffer(b64decode(part))
    if isinstance(part, dict):
        return {name: decoded(value) for name, value in part.items()}
    return [decoded(value) for value in part]


def close(found, expected, atol):
    expected = np.asarray(expected)
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, rtol=atol, atol=atol)


def same(found: dict, run) -> None:
    """States and every other intermediate to 1e-5 of their size, laws to 1e-6."""
    for (name, index), value in run.kept.items():
        close(found["kept"][f"{name} {index}"], value, 1e-5)
    close(found["law"], run.law, 1e-6)


texts = st.tuples(st.integers(0, 2**32), st.integers(1, 32))


@pytest.mark.thorough
@FEW
@given(texts)
def test_the_page_is_the_reference_model(page, send, drawn):
    model, (seed, length) = send("reference"), drawn
    (tokens,) = model.language.sample(1, length, seed)
    run, found = model.run(tokens), asked(page, "reference", tokens)
    same(found, run)
    close(found["lens"], lab.measurement.lens(run), 1e-6)


@FEW
@given(st.lists(st.integers(0, 94), min_size=1, max_size=32))
def test_words_in_any_order(page, send, tokens):
    run = send("reference").run(np.array(tokens))
    same(asked(page, "reference", tokens), run)


@pytest.mark.thorough
@pytest.mark.parametrize("name", [name for name in MODELS if name != "reference"])
@settings(FEW, max_examples=4)
@given(drawn=texts)
def test_the_page_is_every_small_model(page, send, name, drawn):
    model, (seed, length) = send(name), drawn
    (tokens,) = model.language.sample(1, length, seed)
    run, found = model.run(tokens), asked(page, name, tokens, orders=2)
    same(found, run)
    if model.shape.causal or length > 1:
        hops = lab.dyson.orders(run, free="on_site")[:3]
        close(found["orders"][: len(hops)], hops, 1e-5)
        assert not np.any(found["orders"][len(hops) :])


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["reference", "depth"])
@settings(FEW, max_examples=30)
@given(drawn=texts)
def test_the_exact_law(page, send, name, drawn):
    model, (seed, length) = send(name), drawn
    (tokens,) = model.language.sample(1, length, seed)
    found = asked(page, name, tokens)
    close(found["exact"], model.language.law(tokens), 1e-12)
    close(found["belief"], model.language.posterior(tokens), 1e-12)
    assert found["node"] == model.language.place(tokens).tolist()


@FEW
@given(st.lists(st.integers(0, 94), min_size=1, max_size=12), st.integers(0, 2**32))
def test_the_exact_law_ends_where_the_grammar_does(page, send, tail, seed):
    language = send("reference").language
    tokens = np.concatenate([language.sample(1, 6, seed)[0], tail])
    inside = language.inside(tokens)
    assert len(asked(page, "reference", tokens)["exact"]) == inside.sum()


@FEW
@given(texts, st.integers(0, 3), st.sets(st.integers(0, 3), min_size=1))
def test_silent_heads(page, send, drawn, layer, heads):
    model, (seed, length) = send("reference"), drawn
    (tokens,) = model.language.sample(1, length, seed)
    run = model.run(tokens, edits=silence(model, layer, sorted(heads)))
    found = asked(page, "reference", tokens, off={layer: sorted(heads)})
    same(found, run)
    close(found["kept"][f"head_write {layer}"], run.kept["head_write", layer], 1e-5)


@pytest.mark.thorough
@FEW
@given(texts, st.floats(0.05, 20), st.integers(0, 3), st.integers(0, 3))
def test_temperature_of_all_heads_and_of_one(page, send, drawn, ratio, layer, head):
    model, (seed, length) = send("reference"), drawn
    (tokens,) = model.language.sample(1, length, seed)
    every = {i: [ratio] * 4 for i in range(4)}
    same(asked(page, "reference", tokens, heat=every), model.replace(tau=ratio).run(tokens))

    def heated(S):
        S[head] /= ratio
        return S

    run = model.run(tokens, edits={("interaction", layer): heated})
    found = asked(page, "reference", tokens, heat={layer: {head: ratio}})
    close([found["kept"][f"state {s}"] for s in range(9)], run.states, 1e-5)
    close(found["law"], run.law, 1e-6)


@FEW
@given(st.integers(0, 2**32), st.integers(2, 32), st.integers(0, 8), st.data())
def test_an_exchanged_row(page, send, seed, length, step, data):
    model = send("reference")
    first, second = model.language.sample(2, length, seed)
    at = data.draw(st.integers(0, length - 1))
    row = model.run(second).states[step, at]
    run = model.run(first, edits=put(model, step, at, row))
    there = {"step": step, "at": at, "row": row.tolist()}
    same(asked(page, "reference", first, put=there), run)


def test_one_table_of_names(page, send):
    """The script names what Python names, and hands out nothing without a name."""
    kept = set()
    for name in ("reference", "rms"):
        model = send(name)
        edits = silence(model, 0, [0])  # so that Python splits the writes by head, as the page does
        recorded = model.run(np.array([0, 1]), edits).kept
        named = {f"{point} {index}" for point, index in recorded}
        assert set(asked(page, name, [0, 1], off={0: [0]})["kept"]) == named
        kept |= {point for point, _ in recorded}
    assert page.evaluate("engine.POINTS") == list(POINTS)
    assert set(POINTS) == kept
