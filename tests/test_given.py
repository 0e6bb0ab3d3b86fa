"""The room where input is checked: what fits comes back as meant, the rest is a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from operator_lab import given
from operator_lab.errors import LabError

NOT_WHOLE = [True, np.True_, 2.0, "2", None, [2], np.array([2]), 1j, float("nan")]


@drawn(st.integers(-(10**6), 10**6), st.sampled_from([int, np.int8, np.int64, np.uint16]))
def test_a_whole_number_is_one_in_every_integer_type(n, kind):
    n = n if kind is int else abs(n) % 100
    assert given.whole(kind(n), "n", least=n, most=n) == n
    assert type(given.whole(kind(n), "n", least=n)) is int


@pytest.mark.parametrize("value", NOT_WHOLE, ids=repr)
def test_what_is_no_whole_number_is_named(value):
    with pytest.raises(LabError, match="steps must be a whole number from 1 on; got"):
        given.whole(value, "steps")


@pytest.mark.parametrize("value", [0, 9, -1])
def test_limits_are_said(value):
    with pytest.raises(LabError, match=f"rank must be a whole number from 1 to 8; got {value}"):
        given.whole(value, "rank", most=8)


@drawn(st.integers(1, 50), st.data())
def test_an_index_counts_from_both_ends(count, data):
    i = data.draw(st.integers(-count, count - 1))
    assert given.index(np.int32(i), count, "head") == range(count)[i]


@pytest.mark.parametrize("value", [4, -5, True, 1.0, "a", None])
def test_an_index_that_does_not_exist_is_named(value):
    with pytest.raises(LabError, match="There is no head .*; they are counted from 0 to 3"):
        given.index(value, 4, "head")


@pytest.mark.parametrize("kind", [int, float, np.float32, np.float64, np.int8, np.array])
def test_a_number_is_one_in_every_real_type(kind):
    assert given.number(kind(3), "x", least=3, most=3) == 3.0


@pytest.mark.parametrize(
    "value", [True, float("nan"), np.inf, "3", None, [3.0], 1j, 10**400], ids=type
)
def test_what_is_no_finite_number_is_named(value):
    with pytest.raises(LabError, match="The x must be one finite number"):
        given.number(value, "x")


def test_limits_of_a_number_are_said():
    with pytest.raises(LabError, match="one finite number above 0; got 0"):
        given.number(0, "gap", above=0)
    with pytest.raises(LabError, match="of at least 0 and at most 1; got 2"):
        given.number(2, "share", least=0, most=1)


@drawn(arrays.arrays(st.sampled_from(["u1", "i4", "f4", "f8", "f2"]), arrays.array_shapes()))
def test_arrays_of_every_real_type_come_back_with_their_values(x):
    if not np.isfinite(x).all():
        with pytest.raises(LabError, match="holds NaN or infinity"):
            given.real(x, "state")
        return
    x.setflags(write=False)
    found = given.real(x, "state")
    assert found.dtype == (np.float32 if x.dtype == np.float32 else np.float64)
    assert (found == x).all()
    assert (given.real(x.tolist(), "state") == x).all()


@pytest.mark.parametrize(
    "value, message",
    [
        ([[1, 2], [3]], "must be an array of numbers"),
        ("abc", "must be an array of numbers; got str 'abc'"),
        (None, "must be an array of numbers"),
        ([1j], "must be an array of numbers"),
        ([], "is empty"),
        ([1, np.nan], "holds NaN or infinity"),
        ([1, 2], r"must have 2 axes; got shape \(2,\)"),
    ],
    ids=str,
)
def test_arrays_that_do_not_fit_are_named(value, message):
    with pytest.raises(LabError, match=f"The state {message}"):
        given.real(value, "state", 2 if value == [1, 2] else None)


def test_square_matrices():
    assert given.square([[1, 2], [3, 4j]]).dtype == complex
    assert given.square(np.ones((3, 2, 2)), stacked=True).shape == (3, 2, 2)
    for wrong in (np.ones((2, 3)), np.ones(4), np.ones((3, 2, 2)), 1.0):
        with pytest.raises(LabError, match="must be square"):
            given.square(wrong)


def test_a_word_is_one_of_those_known():
    assert given.one_of("pre", ("pre", "post"), "placement") == "pre"
    for wrong in ("prr", None, 3, ["pre"]):
        with pytest.raises(LabError, match="is no placement.*There are 'pre', 'post'"):
            given.one_of(wrong, ("pre", "post"), "placement")


def test_a_long_value_does_not_fill_the_page():
    with pytest.raises(LabError) as caught:
        given.whole("x" * 10_000, "steps")
    assert len(str(caught.value)) < 200 and "(str)" in str(caught.value)


def test_a_name_out_of_a_file_is_said_plainly_or_shortened():
    assert given.named("attention_sink") == "attention_sink"
    for name in ("a\x00b", "x" * 500):
        assert len(given.named(name)) < 60 and given.named(name).startswith("'")


@drawn(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(1, 3))
def test_a_row_is_alike_with_all_rows_of_its_length(shape, length):
    rows = np.ones((*shape, length))
    given.alike(rows, rows[(0,) * len(shape)], "Rows")
    with pytest.raises(LabError, match="Rows do not match: their shapes are"):
        given.alike(rows, np.ones((*shape, length + 1)), "Rows")
    with pytest.raises(LabError, match="Rows do not match"):
        given.alike(rows, np.ones((shape[0] + 1, *shape[1:], length)), "Rows")


def test_a_table_says_which_key_it_lacks():
    table = {"a": 1, "b": 2}
    assert given.keyed(table, ["b"], "table") is table
    with pytest.raises(LabError, match="table has no 'c'; it has 'a', 'b'"):
        given.keyed(table, ["a", "c"], "table")
    with pytest.raises(LabError, match="table has no 'a'; it has nothing"):
        given.keyed({}, ["a"], "table")
