"""The angles of RoPE as config.json states them, and the kinds in which they are stretched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import LabError
from .facts import Facts

KINDS = ("default", "linear", "dynamic", "yarn", "longrope", "llama3")
NAMES = {"su": "longrope"}  # what older files call them


class Turning(NamedTuple):
    """Angles in radians per position, the factor of cos and sin, and how far they hold."""

    angles: tuple[float, ...]
    factor: float
    context: int


def turning(c: Facts, d_k: int, theta: float, part: float = 1.0) -> Turning:
    """The rotation that config.json describes; `theta` and `part` where it does not say.

    `part` is the share of a head's features that turn. LabError for a kind that is not known.
    """
    if c.get("rope_scaling") and c.get("rope_parameters"):
        raise LabError(f"{c.place} says rope_scaling and rope_parameters; one of them is enough.")
    rope = c.inner("rope_parameters" if c.get("rope_parameters") else "rope_scaling")
    theta = rope.number("rope_theta", c.number("rope_theta", theta))
    part = rope.number("partial_rotary_factor", c.number("partial_rotary_factor", part))
    return of(rope, c, d_k, theta, part)


def of(rope: Facts, c: Facts, d_k: int, theta: float, part: float = 1.0) -> Turning:
    """The rotation of one set of facts; the rest of config.json is `c`."""
    kind = rope.get("rope_type") or rope.get("type") or "default"
    rope.get("type")
    kind, context = NAMES.get(kind, kind), c.count("max_position_embeddings")
    size = int(d_k * part)
    if kind not in KINDS or size % 2 or not 0 < size <= d_k:
        known = ", ".join(KINDS)
        what = f"The rotation {kind!r}" if kind not in KINDS else f"RoPE of {size} features"
        raise LabError(f"{what} is not known ({rope.place}); known: {known}, of pairs of features.")
    plain = [theta ** (-2 * m / size) for m in range(size // 2)]
    if kind == "default":
        return Turning(tuple(plain), 1.0, context)
    if (
        kind == "dynamic"
    ):  # longer texts than the context, which are not read here, turn more slowly
        rope.number("factor")
        rope.get("original_max_position_embeddings")
        return Turning(tuple(plain), 1.0, context)
    before = rope.get("original_max_position_embeddings", context)
    if kind != "linear":
        before = c.get("original_max_position_embeddings", before)
        if not isinstance(before, int) or before < 2:
            raise rope.wrong("original_max_position_embeddings", before, "a number of positions")
    stretch = {"linear": _linear, "yarn": _yarn, "longrope": _longrope, "llama3": _llama3}[kind]
    return stretch(rope, plain, theta, before, context)


def _linear(rope, plain, theta, before, context) -> Turning:
    return Turning(tuple(f / rope.number("factor") for f in plain), 1.0, context)


def _llama3(rope, plain, theta, before, context) -> Turning:
    """The slowest turns slowed by the factor, the fastest kept, the middle in between."""
    low, high = rope.number("low_freq_factor"), rope.number("high_freq_factor")
    factor = rope.number("factor")

    def slowed(f):
        turns = before * f / (2 * math.pi)  # in the context it was first trained on
        smooth = min(1.0, max(0.0, (turns - low) / (high - low)))
        return f * (smooth + (1 - smooth) / factor)

    return Turning(tuple(map(slowed, plain)), 1.0, context)


def _yarn(rope, plain, theta, before, context) -> Turning:
    """Slowed pair by pair, and the scores sharpened (Peng et al. 2023, arXiv 2309.00071)."""
    null = "factor" in rope.given and rope.get("factor") is None
    factor = context / before if null else rope.number("factor")
    size = 2 * len(plain)

    def pair(turns):  # the pair that turns so often in the context of training
        return size * math.log(before / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low, high = pair(rope.number("beta_fast", 32.0)), pair(rope.number("beta_slow", 1.0))
    if rope.flag("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, size - 1)
    width = high - low or 0.001
    slow = [min(1.0, max(0.0, (m - low) / width)) for m in range(len(plain))]
    angles = [f * (1 - s) + f / factor * s for f, s in zip(plain, slow, strict=True)]

    def sharper(scale):
        return 0.1 * scale * math.log(factor) + 1 if factor > 1 else 1.0

    one, all_ = rope.get("mscale"), rope.get("mscale_all_dim")
    usual = sharper(one) / sharper(all_) if one and all_ else sharper(1.0)
    return Turning(tuple(angles), rope.number("attention_factor", usual), context)


def _longrope(rope, plain, theta, before, context) -> Turning:
    """The angles of texts up to the first context; those of longer ones are other networks."""
    short, long = (_factors(rope, name, len(plain)) for name in ("short_factor", "long_factor"))
    factor = rope.number("factor", context / before)
    usual = math.sqrt(1 + math.log(factor) / math.log(before)) if factor > 1 else 1.0
    reach = context if short == long else min(context, before)
    angles = tuple(f / s for f, s in zip(plain, short, strict=True))
    return Turning(angles, rope.number("attention_factor", usual), reach)


def _factors(rope: Facts, name: str, count: int) -> Sequence[float]:
    found = rope.listed(name, count)
    if not found or not all(isinstance(f, int | float) and f > 0 for f in found):
        raise rope.wrong(name, found, f"a list of {count} numbers above 0")
    return found
