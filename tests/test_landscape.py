"""Flat directions of the weights, and what lifts them."""

import numpy as np
import pytest

from operator_lab import thermodynamics as td


@pytest.mark.parametrize(("features", "d_k", "heads"), [(6, 4, 1), (8, 4, 2), (5, 2, 2)])
@pytest.mark.parametrize("rotary", [0.0, 1.0])
def test_flat_directions_are_counted(features, d_k, heads, rotary):
    layer = td.Layer(features, d_k, heads, rotary)
    count, values = td.flat_directions(layer)
    coupling = d_k if rotary else d_k**2
    assert count == heads * (coupling + d_k**2)
    values = np.sort(values)
    assert values[count - 1] < 1e-13 and values[count] > 1e-5  # no doubt where zero ends


@pytest.mark.thorough
def test_a_breaking_lifts_in_proportion_to_its_strength():
    for kind, strengths, up in (("decay", [1e-5, 2e-5], 6), ("rotary", [1e-3, 2e-3], 4)):
        spectra = td.lifted(kind, np.array(strengths), seed=2)
        flat = 12 - up  # O(4) for the coupling and O(4) for the values: six directions each
        assert abs(spectra[:, :flat]).max() < 1e-10 and (spectra[:, flat] > 1e-7).all()
        ratio = spectra[1, flat:12] / spectra[0, flat:12]
        assert ratio == pytest.approx(2.0, rel=0.05)
        assert spectra[1, 13:] == pytest.approx(spectra[0, 13:], rel=0.05)  # the others stay
