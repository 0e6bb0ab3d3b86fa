"""Other right answers to continuum.heun."""

from __future__ import annotations


def _as_a_mean(f, x, t, h):
    once = x + h * f(x, t)
    return (x + once + h * f(once, t + h)) / 2


RIGHT = (
    _as_a_mean,
    lambda f, x, t, h: x + h * sum(f(x + s * f(x, t), t + s) for s in (0, h)) / 2,
)
