"""Explorer: arrays survive the journey, words match numbers, a mistake is one clear sentence."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from operator_lab.errors import LabError
from operator_lab.figures import axes, readout
from operator_lab.figures.content import pack, unpack
from operator_lab.figures.explorer import Bars, Choice, Explorer, Heatmap, Lines, Points, Slider

RATIOS = np.geomspace(0.1, 10, 5)
WORDS = ["the", "man", "paid"]


def explorer(**changes) -> Explorer:
    """Five temperatures, two heads, one panel of each kind."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(3), size=(5, 2, 3))
    parts = {
        "title": "Temperature",
        "slider": Slider("T / T0", RATIOS, start=2, scale="log"),
        "choice": Choice("head", ["first", "second"], start=1),
        "panels": [
            Heatmap("Mixing", weights, WORDS, WORDS, "query", "key"),
            Bars("Row", WORDS, {"model": weights[:, :, 2], "exact": weights[2, 0, 2]}),
            Lines(
                "Excess",
                RATIOS,
                {"model": RATIOS, "exact": np.stack([RATIOS, RATIOS**2])},
                x_scale="log",
                y_scale="log",
                cursor=True,
                bands={"model": (RATIOS, 2 * RATIOS)},
            ),
            Points("Plane", rng.normal(size=(5, 1, 4, 2)), groups=[0, 1, 0, 1], names=["a", "b"]),
        ],
        "readout": "At T = {T:.2f} head {head} reads {best}: {share:.0%}.",
        "values": {
            "T": RATIOS,
            "head": [["first", "second"]],
            "share": weights.max(-1)[:, :, 2],
            "best": [[WORDS[k] for k in row] for row in weights[:, :, 2].argmax(-1)],
        },
        "alt": "Weights of one head.",
    }
    return Explorer(**(parts | changes))


# ---- arrays travel ----------------------------------------------------------------------------

FINITE = st.floats(-1e100, 1e100, allow_subnormal=False)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=4, max_side=4)


@given(
    hnp.arrays(float, SHAPES, elements=FINITE | st.just(np.nan)),
    hnp.arrays(float, SHAPES, elements=st.floats()),
)
def test_packed_arrays_come_back(coarse, fine):
    back = unpack(*pack({"coarse": coarse, "fine": fine}, exact={"fine"}))
    np.testing.assert_array_equal(back["fine"], fine)
    assert back["coarse"].shape == coarse.shape
    np.testing.assert_array_equal(np.isnan(back["coarse"]), np.isnan(coarse))
    span = np.nanmax(coarse) - np.nanmin(coarse) if np.isfinite(coarse).any() else 0.0
    error = np.nan_to_num(abs(back["coarse"] - coarse))
    assert (error <= 0.51 * span / 65534 + 1e-12 * np.nan_to_num(abs(coarse))).all()


@given(hnp.arrays(float, SHAPES, elements=st.floats(1e-12, 1e12)))
def test_on_a_log_scale_the_relative_error_is_small(array):
    back = unpack(*pack({"a": array}, log={"a"}))["a"]
    steps = np.log10(array.max() / array.min()) / 65534
    np.testing.assert_allclose(np.log10(back), np.log10(array), rtol=0, atol=0.51 * steps + 1e-12)


def test_header_places_arrays_one_after_the_other_and_aligned():
    arrays = {"odd": np.arange(3.0).reshape(1, 1, 3), "exact": np.ones((1, 1))}
    header, data = pack(arrays, exact={"exact"})
    assert [(e["name"], e["type"], e["offset"]) for e in header] == [
        ("exact", "f8", 0),
        ("odd", "u2", 8),
    ]
    assert len(data) == 8 + 3 * 2


def test_what_travels_is_what_was_given():
    shown = explorer()
    arrays = unpack(shown.header["arrays"], shown.data)
    mixing = shown._content.panels[0].arrays["array"]
    np.testing.assert_allclose(arrays["0/array"], mixing, atol=1e-5)
    np.testing.assert_array_equal(arrays["readout/T"][:, 0], RATIOS)
    assert shown.nbytes >= len(shown.data)


def test_constant_axes_may_be_left_out():
    lines = Lines("L", [1, 2], {"one": [3, 4], "choice": [[1, 2], [3, 4], [5, 6]]})
    assert lines.arrays["one"].shape == (1, 1, 2)
    assert lines.arrays["choice"].shape == (1, 3, 2)
    assert Heatmap("H", np.eye(2), ["a", "b"], ["x", "y"]).arrays["array"].shape == (1, 1, 2, 2)


# ---- positions and words ------------------------------------------------------------------------


def test_a_bad_index_is_clamped_and_value_follows():
    shown = explorer()
    assert (shown.index, shown.choice_index, shown.value) == (2, 1, RATIOS[2])
    shown.index, shown.choice_index = 99, -3
    assert (shown.index, shown.choice_index, shown.value) == (4, 0, RATIOS[4])


def test_the_index_can_be_observed():
    shown, seen = explorer(), []
    shown.observe(lambda change: seen.append(change.new), "index")
    shown.index = 3
    assert seen == [3]


def test_text_follows_slider_and_choice():
    shown = explorer()
    content = shown._content
    for shown.index in range(5):
        for shown.choice_index in range(2):
            at = shown.index, shown.choice_index
            share = content.numbers["share"][at]
            word = WORDS[int(content.panels[1].arrays["model"][at].argmax())]
            head = ["first", "second"][at[1]]
            assert shown.text == (
                f"At T = {RATIOS[at[0]]:.2f} head {head} reads {word}: {share:.0%}."
            )


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("{a:.2f}", 0.125, "0.12"),
        ("{a:.2f}", -0.001, "0.00"),
        ("{a:.3g}", 1234.0, "1.23e+03"),
        ("{a}", 8.0, "8"),
        ("{a:.0%}", 0.254, "25%"),
        ("{a:.1f}", np.nan, "nan"),
        ("{a}", "bank", "bank"),
    ],
)
def test_formats(template, value, expected):
    assert readout.fill(template, {"a": value}) == expected


def test_repr_is_the_same_on_every_machine():
    assert repr(explorer()) == "Explorer: Temperature, 5 x 2 positions"
    assert explorer()._repr_mimebundle_()[0]["text/plain"] == repr(explorer())


# ---- axes -------------------------------------------------------------------------------------


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_are_few_even_and_inside(low, length):
    ticks = [at for at, _ in axes.ticks(low, low + length)]
    assert 2 <= len(ticks) <= 6
    assert low - 1e-6 * length <= ticks[0] and ticks[-1] <= low + length * (1 + 1e-6)
    np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-6)


def test_log_ticks_are_powers_of_ten():
    assert axes.ticks(0.005, 2000, log=True) == [
        (0.01, "0.01"),
        (0.1, "0.1"),
        (1.0, "1"),
        (10.0, "10"),
        (100.0, "100"),
        (1000.0, "1000"),
    ]
    assert axes.ticks(1e-6, 1e-4, log=True)[0] == (1e-6, "10⁻⁶")
    assert axes.ticks(1.5, 4, log=True)[0] == (1.5, "1.5")


# ---- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Slider("T", [1, np.nan]), "values must be numbers that increase"),
        (lambda: Slider("T", [1, np.inf]), "values holds an infinity"),
        (lambda: Slider("T", [2, 1]), "values must be numbers that increase"),
        (lambda: Slider("T", [1, 1]), "values must be numbers that increase"),
        (lambda: Slider("T", [[1, 2]]), r"values has shape \(1, 2\); give a list of numbers"),
        (lambda: Slider("T", []), r"values has shape \(0,\)"),
        (lambda: Slider("T"), "neither values nor labels"),
        (lambda: Slider("T", [1, 2], labels=["a"]), "2 values and 1 labels"),
        (lambda: Slider("T", labels=[]), "give a list of at least one string"),
        (lambda: Slider("T", [0, 1], scale="log"), "holds 0, which a log scale cannot show"),
        (
            lambda: Slider("T", [1, 2], scale="cubic"),
            "scale 'cubic' is unknown; use 'linear' or 'log'",
        ),
        (lambda: Slider("T", [1, 2], start=2), "start=2 is no position; they run from 0 to 1"),
        (lambda: Slider("T", [1, 2], digits=0), "digits=0; give 1 to 15"),
        (lambda: Slider("T", [1, 2], said="layers"), "said='layers' needs one {}, for the value"),
        (lambda: Choice("head", []), "give a list of at least one string"),
        (lambda: Choice("head", ["a"], start=-1), "start=-1 is no position"),
        (
            lambda: Heatmap("A", np.ones((2, 3)), ["a", "b"], ["c"]),
            r"array has shape \(2, 3\); expected \[slider or 1, choice or 1, 2, 1\] or \[2, 1\]",
        ),
        (lambda: Heatmap("A", [["x"]], ["a"], ["b"]), "array is not a regular array of numbers"),
        (lambda: Heatmap("A", [[np.inf]], ["a"], ["b"]), "holds an infinity; use NaN for a gap"),
        (lambda: Heatmap("A", [[1]], [], ["b"]), "rows is .*; give a list of at least one"),
        (lambda: Heatmap("A", [[1]], ["a"], ["b"], low=1, high=0), "low must be below high"),
        (lambda: Heatmap("A", [[1]], ["a"], ["b"], mark=1), "mark=1 is no position"),
        (lambda: Bars("B", ["a"], {}), "one to three named arrays"),
        (lambda: Bars("B", ["a"], dict.fromkeys("abcd", [1])), "one to three named arrays"),
        (lambda: Bars("B", ["a"], {"m": np.ones((5, 1))}), r"m has shape \(5, 1\)"),
        (lambda: Lines("L", [1, 2], {"m": [0, 1]}, y_scale="log"), "m holds 0, which a log scale"),
        (lambda: Lines("L", [0, 2], {"m": [1, 1]}, x_scale="log"), "x holds 0, which a log scale"),
        (lambda: Lines("L", [2, 1], {"m": [1, 1]}), "x must be numbers that increase"),
        (lambda: Lines("L", [1, 2], {"m": [1, 1]}, x_scale="lin"), "scale 'lin' is unknown"),
        (
            lambda: Lines("L", [1, 2], {"model": [1, 1]}, bands={"modle": ([1, 1], [2, 2])}),
            "a band names 'modle', the series are model; near: 'model'.",
        ),
        (lambda: Lines("L", [1, 2], {"m": [1, 1]}, bands={"m": ([1, 1],)}), "takes two arrays"),
        (lambda: Points("P", np.ones((4, 3))), r"xy has shape \(4, 3\)"),
        (lambda: Points("P", np.ones((2, 2)), groups=[0, 2], names=["a", "b"]), "each below 2"),
        (lambda: Points("P", np.ones((2, 2)), groups=[0]), "one index per point"),
        (lambda: Points("P", np.ones((2, 2)), labels=["a"]), "2 points and 1 labels"),
        (lambda: Points("P", np.ones((2, 2)), names=list("abcdefgh")), "at most 7"),
        (lambda: explorer(panels=[]), "has no panels"),
        (lambda: explorer(alt=""), "has no alt="),
        (
            lambda: explorer(panels=[Heatmap("A", np.ones((4, 1, 1, 1)), ["a"], ["b"])]),
            "array has 4 entries along the slider, which has 5; give 5 or 1",
        ),
        (
            lambda: explorer(panels=[Bars("B", ["a"], {"m": np.ones((5, 3, 1))})]),
            "m has 3 entries along the choice, which has 2; give 2 or 1",
        ),
        (
            lambda: explorer(readout="{Temp}", values={"Temp_": 1}),
            "names 'Temp', values= has Temp_; near: 'Temp_'.",
        ),
        (lambda: explorer(readout="{T:+.2f}", values={"T": 1}), r"formats 'T' as '\+.2f'; write"),
        (lambda: explorer(readout="{T", values={"T": 1}), "brace outside a field"),
        (
            lambda: explorer(readout="", values={"T": np.ones(4)}),
            "T has 4 entries along the slider",
        ),
        (lambda: explorer(readout="", values={"T": np.ones((5, 2, 1))}), r"expected \[slider, ch"),
        (lambda: explorer(readout="", values={"T": [object()]}), "neither numbers nor words"),
    ],
)
def test_a_mistake_is_one_sentence(make, sentence):
    with pytest.raises(LabError, match=sentence) as caught:
        make()
    message = str(caught.value)
    assert "\n" not in message and len(message) < 250
    assert re.search(r"[.:]", message[-1])


def test_too_heavy_names_the_largest_array():
    large = Heatmap("Large", np.ones((5, 2, 130, 130)), list(map(str, range(130))), ["c"] * 130)
    with pytest.raises(LabError, match=r"\d+ kB, at most 300 .*'array' of Heatmap 'Large'"):
        explorer(panels=[Bars("B", ["a"], {"m": [1]}), large])


# ---- the learner's own sentence, live ------------------------------------------------------------


def answers(shown: Explorer, message: dict) -> list[dict]:
    sent: list[dict] = []
    shown.send = lambda content, buffers=None: sent.append(content)
    shown._answer(shown, message, [])
    return sent


def test_without_recompute_no_text_box_is_offered():
    shown = explorer()
    assert shown.header["sentence"] is None
    assert answers(shown, {"hello": True}) == [{"live": False}]
    with pytest.raises(LabError, match="has no recompute="):
        shown.ask("the man")


def test_another_sentence_replaces_the_picture_in_one_step():
    def recompute(sentence):
        words = sentence.split()
        bars = Bars("Row", words, {"model": np.ones(len(words))})
        values = {"n": len(words)}
        return {"panels": [bars], "choice": None, "values": values, "readout": "{n} words"}

    shown = explorer(sentence="the man", recompute=recompute)
    assert answers(shown, {"hello": True}) == [{"live": True}]
    seen = []
    shown.observe(lambda new: seen.append((new.new["panels"][0]["labels"], shown.data)), "header")
    assert answers(shown, {"sentence": "a b c d"}) == [{"error": ""}]
    assert seen == [(("a", "b", "c", "d"), shown.data)]
    assert shown.text == "4 words" and shown.choice_index == 0
    assert shown.header["sentence"] == "a b c d" and shown.header["revision"] == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (LabError("'dog' is not one of the words."), "'dog' is not one of the words."),
        (KeyError("dog"), "KeyError: 'dog'"),
    ],
)
def test_a_failed_sentence_is_said_and_the_picture_kept(fault, message):
    def recompute(sentence):
        raise fault

    shown = explorer(sentence="the", recompute=recompute)
    before = shown.header, shown.data, shown.text
    assert answers(shown, {"sentence": "dog"}) == [{"error": message}]
    assert (shown.header, shown.data, shown.text) == before


def test_an_unknown_part_from_recompute_is_named():
    shown = explorer(sentence="the", recompute=lambda sentence: {"slider": 1})
    with pytest.raises(LabError, match="recompute returned 'slider'; it may return panels, values"):
        shown.ask("the")


# ---- the first frame ------------------------------------------------------------------------


def test_the_still_comes_before_the_widget(monkeypatch):
    shown, sent = explorer(alt='Weights of "one" head.'), []
    monkeypatch.setattr(
        "operator_lab.figures.drawn.display", lambda bundle, **_: sent.append(bundle)
    )
    shown._ipython_display_()
    still, view = sent
    assert list(still) == ["text/html", "text/plain"]
    assert 'alt="Weights of &quot;one&quot; head."' in still["text/html"]
    assert shown.text in still["text/html"]
    assert len(still["text/html"]) < 80_000  # 60 kB as base64
    assert view["application/vnd.jupyter.widget-view+json"]["model_id"] == shown.model_id
    assert f'data-model="{shown.model_id}"' in still["text/html"]
