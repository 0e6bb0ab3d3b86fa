"""One particle on N sites, or N particles (notebook 01).

Entropies in nats. The state space is one particle's: R^N (x) R^d, not a product over tokens.
"""

from __future__ import annotations

import numpy as np

from ...judge import Case, Exercise, Law, mistakes


def dimensions(N, d):
    """Dimension N d of one particle on N sites; log10 of that of N particles with d states each.

    N and d are arrays of integers, of one shape or broadcast.
    """
    return 1.0 * N * d, N * np.log10(d)


def _dimensions_cases(rng):
    yield Case((np.array([1, 2, 3, 8]), np.array([3, 2, 4, 5])), "N = 1, 2, 3, 8; d = 3, 2, 4, 5")
    yield Case((np.array([7, 5, 2, 1]), np.array([1, 6, 9, 4])), "N = 7, 5, 2, 1; d = 1, 6, 9, 4")
    columns = np.array([[4], [16], [1024]]), np.array([64, 2, 7, 10])
    yield Case(columns, "N = 4, 16, 1024 down, d = 64, 2, 7, 10 across")
    few, many = rng.integers(2, 12, size=5), rng.integers(12, 40, size=5)
    yield Case((few, many), f"N = {few.tolist()}, d = {many.tolist()}")
    large = np.array([600, 4000, 3, 1]), np.array([10**7, 7, 10**6, 1])
    yield Case(large, "N = 600, 4000, 3, 1; d = 1e7, 7, 1e6, 1")
    yield Case((np.array([6]), np.array([6])), "N = d = 6, alone")
    yield Case((np.arange(1, 61), np.array(5)), "N = 1 ... 60, d = 5 for all")
    square = np.array([[2], [5], [9]]), np.array([3, 4, 2])
    yield Case(square, "N = 2, 5, 9 down, d = 3, 4, 2 across")


def _one_alone(args, answer, slack):
    alone = np.broadcast_to(args[0] == 1, answer[0].shape)
    one, many = answer[0][alone], answer[1][alone]
    if alone.any() and np.abs(np.log10(np.abs(one) + 1e-300) - many).max() > slack:
        return (
            "for N = 1 its second item is not log10 of its first, though one particle is all "
            "there is"
        )


def _another_particle(args, answer, slack):
    N, d = np.broadcast_arrays(*args)
    if np.abs(answer[1] / N - np.log10(d)).max() > slack:
        return "its second item does not grow by log10(d) with every particle"


WRONG = """
integers overflow: d**N leaves the range of 64-bit integers, silently, and the logarithm of what \
    is left is nonsense: take it first, log10(d^N) = N log10(d)
    N * np.log10(d) => np.log10(d**N)
floats overflow: d**N exceeds the largest float (about 1e308) and becomes infinite: take the \
    logarithm first, log10(d^N) = N log10(d)
    N * np.log10(d) => np.log10(np.power(1.0 * d, N))
log of N d: its second item is log10(N d), one particle again: dimensions of N particles \
    multiply, d^N
    N * np.log10(d) => np.log10(N * d)
N^d: its second item is the logarithm of N^d: N particles of d states each make d^N
    N * np.log10(d) => d * np.log10(N)
natural: its second item is a natural logarithm: log10 is asked
    np.log10(d) => np.log(d)
bits: its second item is log2: log10 is asked
    np.log10(d) => np.log2(d)
log10 forgotten: its second item is d^N itself, which leaves the range of 64-bit integers, \
    silently: its logarithm is asked, N log10(d)
    N * np.log10(d) => d**N
log10 forgotten, floats: its second item is d^N itself, which exceeds the largest float (about \
    1e308): its logarithm is asked, N log10(d)
    N * np.log10(d) => np.power(1.0 * d, N)
rounded: its second item is rounded to the nearest whole number: leave log10(d^N) as it is
    N * np.log10(d) => np.rint(N * np.log10(d))
cut off: its second item is rounded down to a whole number: leave log10(d^N) as it is
    N * np.log10(d) => np.floor(N * np.log10(d))
digits: its second item is the number of digits of d^N, a whole number: log10(d^N) is asked, \
    which rarely is one
    N * np.log10(d) => np.floor(N * np.log10(d)) + 1
any site: its second item lets every particle sit on any site, (N d)^N: here each has a site of \
    its own and d states there
    np.log10(d) => np.log10(N * d)
d for one: its first item is d, a single site: one particle may sit on any of N, N d
    1.0 * N * d => N**0 * d
sum: its first item is N + d: every site has its own d orbitals, N d
    1.0 * N * d => N + d
first as logarithm: its first item is a logarithm too: the dimension N d itself is asked
    1.0 * N * d => np.log10(N * d)
order: the two are right but in the wrong order: return the one particle's first
    1.0 * N * d, N * np.log10(d) => N * np.log10(d), 1.0 * N * d
"""

EXERCISE = Exercise(
    title="One particle on N sites, or N particles",
    reference=dimensions,
    cases=_dimensions_cases,
    wrong=mistakes(dimensions, WRONG),
    laws=(Law("one alone", _one_alone), Law("another particle", _another_particle)),
    hints=(
        "Of one particle, say where it is and in which orbital; of N particles, say for each of "
        "them what it does. When do possibilities add, when do they multiply?",
        "One particle: N d. N particles: d^N, whose logarithm is N log10(d).",
        "one = 1.0 * N * d",
    ),
    minutes=5,
    level="stretch",
    parts=2,
)
