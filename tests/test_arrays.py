"""Sizes of arrays: exact powers of two, and lengths of the smallest and the largest numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from operator_lab.arrays import length, unit

finite = st.floats(-1e300, 1e300, allow_nan=False)
tables = hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=3, max_side=4), elements=finite)


@given(tables, st.sampled_from([None, 0, -1, (0, -1)]))
def test_a_unit_and_its_power_are_the_array(x, axis):
    y, power = unit(x, axis)
    most = abs(y).max(axis)
    assert ((most == 0) | ((most >= 1) & (most < 2))).all()
    assert (np.log2(power) % 1 == 0).all()
    kept = abs(y) > 2.0**-1000  # what is so far below the largest may lose its last digits
    np.testing.assert_array_equal(np.where(kept, y * power, 0), np.where(kept, x, 0))


@pytest.mark.parametrize("power", [-1074, -1060, -540, 0, 540, 1020])
def test_a_length_of_any_size(power):
    x = np.ldexp([[3.0, 4.0], [0.0, 0.0]], power)
    assert length(x, 1).tolist() == [np.ldexp(5.0, power), 0.0]
    assert length(x) == np.ldexp(5.0, power)
    y, _ = unit(x + 1j * x)
    assert np.isfinite(y).all() and abs(y).max() < 2


def test_single_precision_stays():
    x = np.array([3e30, 4e30], np.float32)
    assert length(x).dtype == unit(x)[0].dtype == np.float32
    assert length(x) == pytest.approx(5e30)
