"""What can be said about a wrong answer without guessing: only what holds, where it holds.

`compare` decides whether two arrays agree; the facts describe how the answers of all cases differ
from the expected ones. Every sentence is a statement about numbers, never about intentions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]  # (yours, expected)


def tolerance(array: np.ndarray) -> float:
    """Return the relative tolerance the precision of an answer deserves."""
    # Not tighter: float64 numbers may have been float32 on the way. What catches a mistake is a
    # case that shows it, not a small tolerance.
    return 1e-3 if array.dtype == np.float32 else 1e-4


def off(yours: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return where two arrays of one shape differ, measured by the largest expected number.

    NaN agrees with NaN only. The tolerance is that of the answer's own precision.
    """
    finite = np.abs(expected[np.isfinite(expected)])
    scale = finite.max() if finite.size and finite.max() > 0 else 1.0
    allowed = tolerance(yours) * scale
    # an array also where both are single numbers
    return np.asarray(~np.isclose(yours, expected, rtol=0, atol=allowed, equal_nan=True))


def differ(
    yours: np.ndarray, right: np.ndarray | float, slack: float, size: np.ndarray | float = 0.0
) -> bool:
    """Whether the two sides of a law differ by more than `slack` of what they are made of.

    That is the right side, or the terms of the left, whose largest `size` is, where they cancel.
    """
    return bool(np.abs(yours - right).max() > slack * max(np.abs(right).max(), np.max(size)))


def same(yours: np.ndarray, expected: np.ndarray) -> bool:
    """Whether two arrays have one shape and agree everywhere."""
    return yours.shape == expected.shape and not off(yours, expected).any()


def everywhere(pairs: Sequence[Pair]) -> str | None:
    """Return a statement that holds on every case, or None."""
    if any(y.shape != e.shape for y, e in pairs):
        return _transpose(pairs)
    if not all(np.isfinite(y).all() for y, _ in pairs):
        return None
    return _transpose(pairs) or _factor(pairs) or _shift(pairs)


def somewhere(pairs: Sequence[Pair]) -> str | None:
    """Return where the answers differ: a part of the matrix, or the rows from one on."""
    if all(e.dtype.kind in "iu" and e.size < 3 for _, e in pairs):  # a pair of places has no rows
        return None
    wrong = [(off(y, e), y, e) for y, e in pairs if not same(y, e)]
    square = [w for w, _, _ in wrong if w.ndim == 2 and w.shape[0] == w.shape[1]]
    if len(square) == len(wrong) and any(len(w) > 1 for w in square):
        parts: tuple[tuple[str, Callable], ...] = (
            ("on the diagonal", lambda w: w & ~np.eye(len(w), dtype=bool)),
            ("above the diagonal", np.tril),
            ("below the diagonal", np.triu),
        )
        for where, rest in parts:
            if not any(rest(w).any() for w in square):
                return f"differs only {where}"
    if not wrong or any(w.ndim == 0 or w.all() for w, _, _ in wrong):
        return None
    rows = [np.flatnonzero(w.reshape(len(w), -1).any(axis=1)) for w, _, _ in wrong]
    starts, lengths = {int(r[0]) for r in rows}, [len(w) for w, _, _ in wrong]
    to_the_end = all(len(r) == n - r[0] for r, n in zip(rows, lengths, strict=True))
    if len(starts) == 1 and (start := starts.pop()) and to_the_end:
        return f"agrees up to row {start - 1} (rows count from 0), off from there on"
    if any(len(r) == n for r, n in zip(rows, lengths, strict=True)):
        return None
    if all(len(r) == 1 and r[0] == n - 1 for r, n in zip(rows, lengths, strict=True)):
        return "differs only in the last row"
    return f"differs only in {_rows(rows[0])}" if len(set(map(tuple, rows))) == 1 else None


def _rows(indices: np.ndarray) -> str:
    listed = ", ".join(str(i) for i in indices)
    return f"row {listed}" if len(indices) == 1 else f"rows {listed}"


def _transpose(pairs: Sequence[Pair]) -> str | None:
    flat = all(y.ndim == 2 for y, _ in pairs)
    if flat and all(same(y.T, e) for y, e in pairs):
        return "it is the transpose of what is expected"
    return None


def _factor(pairs: Sequence[Pair]) -> str | None:
    """State a factor that is the same everywhere, or one for each case."""
    if all(e.size == 1 for _, e in pairs):
        known = {y.item() / e.item() for y, e in pairs if e.any()}
        # one number is always some multiple of another: worth saying only if it is the same one
        if not known or np.ptp(list(known)) > 1e-3 * max(map(abs, known)):
            return None
    found = [_ratio(y, e) for y, e in pairs if e.any()]
    factors = [f for f in found if f is not None]
    zeros = [same(y, e) for y, e in pairs if not e.any()]
    if not factors or len(factors) < len(found) or not all(zeros):
        return None
    if not any(factors):
        return "it is zero everywhere"
    if np.ptp(factors) <= 1e-3 * np.abs(factors).max():
        return f"it is {short(float(np.mean(factors)))} x expected everywhere"
    if all(e.dtype.kind in "iu" for _, e in pairs):  # places and counts are no amounts
        return None
    listed = ", ".join(dict.fromkeys(short(f) for f in factors))
    return f"it is proportional to what is expected, with a factor that varies ({listed})"


def _ratio(yours: np.ndarray, expected: np.ndarray) -> float | None:
    at = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    unit = expected / expected[at]  # so that no square leaves the range of numbers
    factor = float((yours * unit).sum() / (unit**2).sum() / expected[at])
    return factor if same(yours, _as(factor * expected, yours)) else None


def _shift(pairs: Sequence[Pair]) -> str | None:
    shifts = [float((y - e).mean()) for y, e in pairs]
    size = max(abs(s) for s in shifts)
    moved = zip(pairs, shifts, strict=True)
    if np.ptp(shifts) > 1e-3 * size or any(not same(y, _as(e + s, y)) for (y, e), s in moved):
        return None
    return f"it is what is expected {'+' if shifts[0] > 0 else '-'} {short(size)} everywhere"


def _as(values: np.ndarray | float, like: np.ndarray) -> np.ndarray:
    # an array also where arithmetic made a plain number of a single one
    return np.asarray(values, dtype=like.dtype)


def short(number: float | np.number) -> str:
    """Return a number in three digits, but in more where three would print a plain 1."""
    value = float(number)
    return f"{value:.3g}" if abs(abs(value) - 1) > 5e-3 else f"{value:.6g}"
