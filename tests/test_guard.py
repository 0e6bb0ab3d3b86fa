"""The guard: a call is held to its signature, and what fits is passed on as it was meant."""

# ruff: noqa: F722, F821, UP037 - the names of axes are no names of Python
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from jaxtyping import Float, Int
from numpy import ndarray

from operator_lab.errors import LabError
from operator_lab.guard import guarded


@guarded(holes=("mask",), empty=("later",), own=("free",))
def example(
    x: Float[ndarray, "*n d"],
    W: Float[ndarray, "d k"] | None = None,
    tokens: Int[ndarray, "N"] | int = 0,
    count: int = 1,
    share: float = 0.5,
    causal: bool = True,
    names: Sequence[str] = ("a",),
    later: Sequence[int] = (),
    table: Mapping[str, float] | None = None,
    f: Callable[[ndarray], ndarray] = np.sin,
    mask: Float[ndarray, "..."] | None = None,
    free: int = 0,
    seed: int | Sequence[int] = 0,
):
    return locals()


X = np.ones((2, 3))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_an_array_that_fits_is_passed_on_itself(kind):
    x = X.astype(kind)
    assert example(x)["x"] is x


def test_what_means_the_same_comes_as_one_kind():
    found = example([[1, 2]], tokens=np.array([3], np.uint8), count=np.int8(4), share=np.float32(1))
    assert found["x"].dtype == float and found["tokens"].dtype == np.int64
    assert type(found["count"]) is int and type(found["share"]) is float
    assert example(X, names=np.array(["a", "b"]), later=range(3))["later"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (dict(x="x"), "x must be an array of numbers; got 'x'"),
        (dict(x=X * np.nan), "x holds NaN or infinity"),
        (dict(x=1.0), r"x must be an array \[..., d\]; got shape \(\)"),
        (
            dict(x=X, W=np.ones((4, 2))),
            r"W is \[d, k\] of shape \(4, 2\); its d must be 3, as in x",
        ),
        (dict(x=X, tokens=[1.5]), "tokens must be a whole number|whole numbers"),
        (dict(x=X, tokens=True), "tokens must be a"),
        (dict(x=X, count=0), "count must be a whole number from 1 on; got 0"),
        (dict(x=X, count=10**30), "count is at most"),
        (dict(x=X, share=1j), "share must be one finite number"),
        (dict(x=X, causal=1), "causal is True or False; got 1"),
        (dict(x=X, names="ab"), "names must be a list; got 'ab'"),
        (dict(x=X, names=[]), "names is empty"),
        (dict(x=X, names=["a", 3]), r"names\[1\] must be a string; got 3"),
        (dict(x=X, table=[1]), "table must be a dict"),
        (dict(x=X, table={"a": "b"}), r"table\['a'\] must be one finite number"),
        (dict(x=X, f=3), "f must be a function; got 3"),
        (dict(x=X, seed=-1), "seed must be a whole number from 0"),
        (dict(x=X, seed=[1, -1]), "seed must be a whole number from 0"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(LabError, match=message):
        example(**call)


def test_exceptions_are_asked_for():
    found = example(X, mask=[np.inf, np.nan], free="anything", later=[])
    assert np.isinf(found["mask"][0]) and found["free"] == "anything" and found["later"] == []


def test_a_missing_argument_is_pythons_own_sentence():
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        example()


@guarded(finite=True)
def ratio(x: Float[ndarray, "n"], deep: bool = False):
    found = {"rows": [x / x[::-1]], "sum": float((x * x).sum())}
    return found if deep else found["sum"]


def test_a_finite_result_is_refused_where_it_is_not(as_a_learner):
    assert ratio(np.array([1.0, 2.0])) == 5
    assert ratio(np.array([1.0, 2.0]), deep=True)["sum"] == 5
    for x, deep in (([1e200, 1.0], False), ([1.0, 0.0], True), ([0.0, 0.0], True)):
        with pytest.raises(LabError, match="ratio leaves the numbers that float64 holds"):
            ratio(np.array(x), deep)


@guarded
def mean_of(x: Float[ndarray, "*n d"], weight: Float[ndarray, "*n d"]):
    return x * weight


@pytest.mark.parametrize("shapes", [((2, 3), (3, 3)), ((4, 2, 3), (3, 2, 3)), ((2, 3), (2, 2, 3))])
def test_axes_of_one_name_fit_together_as_numpy_has_it(shapes, as_a_learner):
    x, weight = map(np.ones, shapes)
    try:
        wanted = x * weight
    except ValueError:
        with pytest.raises(LabError, match=r"what stands for \.\.\. must be .*, as in x"):
            mean_of(x, weight)
    else:
        assert mean_of(x, weight).shape == wanted.shape
