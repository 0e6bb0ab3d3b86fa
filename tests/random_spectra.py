"""Random spectra, distributions and states, and the temperatures they are tried at."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(2, 9)
temperatures = st.floats(0.05, 20)


def drawn(seed, n, rows=()):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(*rows, n)) * rng.uniform(0.2, 3), rng.dirichlet(np.ones(n), size=rows)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)
