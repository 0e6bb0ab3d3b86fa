"""One step of AdamW (notebook 08).

Loshchilov and Hutter 2019; m and v are running means of the gradient and of its square.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


def adamw(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    """Weights and both running means after step t, counted from 1; all arrays have one shape."""
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return (1 - rate * decay) * w - rate * m_hat / (np.sqrt(v_hat) + eps), m, v


def _drawn(rng, *shape):
    w, g, m = rng.normal(size=(3, *shape))
    return w, g, 0.5 * m, rng.uniform(0.2, 2, size=shape)


def _adamw_cases(rng):
    w, g, m, v = _drawn(rng, 5, 2)
    yield Case(
        (w, 0.1 * g, 0.1 * m, 0.01 * v, 3, 0.2, 0.3, (0.8, 0.95), 0.05),
        "t = 3, small slopes, eps = 0.05",
    )
    yield Case((*_drawn(rng, 3, 4), 2, 0.3, 0.6), "t = 2, rate 0.3, decay 0.6")
    w, g, *_ = _drawn(rng, 2, 5)
    g[[0, 1], [2, 4]] = 0
    yield Case((w, g, 0 * w, 0 * w, 1, 0.1, 0.0), "the first step, no decay")
    w, g, *_ = _drawn(rng, 4)
    yield Case((w, 1e3 * g, 0 * w, 0 * w, 1, 0.3, 0.5), "the first step, steep, decay 0.5")
    yield Case((w, 0 * w, 0 * w, 0 * w, 4, 0.2, 0.5), "g = m = v = 0 at t = 4, decay 0.5")
    w, *others = _drawn(rng, 3)
    yield Case((0 * w, *others, 40, 0.2, 0.4, (0.6, 0.95)), "weights of 0 at t = 40")
    w, g, m, v = _drawn(rng, 1)
    yield Case((w, g, m, v, 10**6, 0.05, 0.2), "a single weight at t = 1e6")
    w, g, m, v = _drawn(rng, 45, 3)
    w[1], g[1], m[1], v[1] = w[0], g[0], m[0], v[0]
    yield Case((w, g, m, v, 7, 0.01, 0.1, (0.9, 0.95), 1e-8), "weights (45, 3), two rows alike")
    for size in (1e-9, 1e8):
        w, g, m, v = _drawn(rng, 3, 3)
        args = w, size * g, size * m, size**2 * v, 5, 2.0, 0.1
        yield Case((*args, (0.9, 0.98), 1e-13), f"slopes about {size:g}, eps = 1e-13")
    w, g, m, v = _drawn(rng, 4)
    yield Case((w, g, m, v, 1, 0.2, 0.0, (0.0, 0.0), 1e-8), "both betas 0: no memory")
    w, g, m = rng.integers(-2, 3, size=(3, 2, 20)) * 1.0
    yield Case((w, g, m, np.ones((2, 20)), 3, 0.1, 0.2), "weights (2, 20), whole numbers")
    w, g, m, v = _drawn(rng, 6)
    yield Case((1e8 * w, g, m, v, 2, 1e7, 1e-8), "6 weights about 1e8, rate 1e7")
    yield Case((1e-8 * w, g, m, v, 2, 1e-9, 0.3), "6 weights about 1e-8, rate 1e-9")


def _decay_alone(args, answer, slack):
    w, g, m, v, _, rate, decay = args[:7]
    if not (g.any() or m.any() or v.any()) and differ(answer[0], (1 - rate * decay) * w, slack):
        return "with g = m = v = 0 only the decay acts, but w does not become (1 - rate decay) w"


def _first_step(args, answer, slack):
    w, g, m, v, t, rate, decay = args[:7]
    steep = np.abs(g) > 1e-3  # far above eps
    if t == 1 and steep.any() and not (m.any() or v.any()):
        step = (answer[0] - (1 - rate * decay) * w)[steep]
        if differ(step, -rate * np.sign(g[steep]), slack, np.abs(w)):
            return (
                "from m = v = 0 the first step moves every weight by the rate against the sign of "
                f"its slope, beside the decay; here by {np.abs(step).min():.6g} ... "
                f"{np.abs(step).max():.6g}, where the rate is {rate:g}"
            )


def _between(args, answer, slack):
    g, m, v = args[1:4]
    for name, old, drawn, new in (("m", m, g, answer[1]), ("v", v, g**2, answer[2])):
        room = slack * np.abs([old, drawn]).max()
        if (new < np.minimum(old, drawn) - room).any() or (
            new > np.maximum(old, drawn) + room
        ).any():
            return f"its new {name} leaves the range between the old one and what g adds"


WRONG = """
no correction: m and v enter uncorrected: they begin at 0 and are too small by 1 - beta^t
    m / (1 - betas[0] ** t), v / (1 - betas[1] ** t) => m, v
m uncorrected: m enters uncorrected: divide it by 1 - beta_1^t, as v is by 1 - beta_2^t
    m / (1 - betas[0] ** t) => m
v uncorrected: v enters uncorrected: divide it by 1 - beta_2^t, as m is by 1 - beta_1^t
    v / (1 - betas[1] ** t) => v
power forgotten: it divides by 1 - beta at every step: the correction is 1 - beta^t, which grows \
    towards 1
    betas[0] ** t => betas[0]
    betas[1] ** t => betas[1]
t from 0: it corrects with t - 1: t counts from 1 already, and 1 - beta^0 is 0
    m_hat, v_hat = => t = t - 1; m_hat, v_hat =
t + 1: it corrects with t + 1: t counts from 1 already
    m_hat, v_hat = => t = t + 1; m_hat, v_hat =
Adam: decay w is added to the gradient, and is rescaled with it (Adam with an L2 term): AdamW \
    shrinks w beside the step, by 1 - rate decay
    m = betas[0] => g = g + decay * w; m = betas[0]
    (1 - rate * decay) * w => w
decay after: the new weights are shrunk: it is the old w that is multiplied by 1 - rate decay
    w - rate * m_hat / (np.sqrt(v_hat) + eps) => (w - rate * m_hat / (np.sqrt(v_hat) + eps))
decay without rate: w is multiplied by 1 - decay: it is 1 - rate decay
    rate * decay => decay
no decay: the decay is left out: w is multiplied by 1 - rate decay first
    (1 - rate * decay) * w => w
eps in the root: eps stands inside the root: it is added to sqrt(v_hat)
    np.sqrt(v_hat) + eps => np.sqrt(v_hat + eps)
eps as a bound: it divides by the larger of sqrt(v_hat) and eps: eps is added, whatever the root is
    np.sqrt(v_hat) + eps => np.maximum(np.sqrt(v_hat), eps)
eps early: eps is added to sqrt(v) before the correction: it is added to sqrt(v_hat)
    np.sqrt(v_hat) + eps => np.sqrt(v_hat) + eps / np.sqrt(1 - betas[1] ** t)
no root: it divides by v_hat itself: its root has the unit of a slope
    np.sqrt(v_hat) => v_hat
g not squared: v takes up g as it is: v is the running mean of g^2
    g**2 => g
beta exchanged with its rest: beta and 1 - beta are exchanged: beta is the share of the old
    betas[0] * m + (1 - betas[0]) * g => (1 - betas[0]) * m + betas[0] * g
    betas[1] * v + (1 - betas[1]) * g**2 => (1 - betas[1]) * v + betas[1] * g**2
betas exchanged: the two betas are exchanged: the first belongs to m, the second to v
    m = betas[0] => betas = betas[::-1]; m = betas[0]
g whole: g is added whole: a running mean takes up 1 - beta of it
    (1 - betas[0]) * g => g
    (1 - betas[1]) * g**2 => g**2
betas fixed: its betas are 0.9 and 0.98 whatever is given: use the argument
    m = betas[0] => betas = (0.9, 0.98); m = betas[0]
other betas: its betas are 0.9 and 0.999 whatever is given: use the argument
    m = betas[0] => betas = (0.9, 0.999); m = betas[0]
no memory: its m and v are those of this g alone: a running mean keeps beta of the old one
    m = betas[0] => betas = (0.0, 0.0); m = betas[0]
other default: its betas are (0.9, 0.999) where none are given: here they are (0.9, 0.98)
    0.98 => 0.999
eps fixed: its eps is 1e-8 whatever is given: use the argument
    + eps) => + 1e-8)
up: it climbs: the step goes against the gradient, minus rate m_hat / ...
    - rate * m_hat => + rate * m_hat
old means: the step is made of the old m and v: take up g first, then step
    m = betas[0] => new_m = betas[0]
    v = betas[1] => new_v = betas[1]
    eps), m, v => eps), new_m, new_v
no momentum: the step goes along g: it goes along m_hat, the mean of the slopes
    rate * m_hat => rate * g
corrected means kept: it returns m_hat and v_hat: what is carried on are m and v, uncorrected
    eps), m, v => eps), m_hat, v_hat
order: the three are right but in the wrong order: w first, then m and v
    return => return m, v,
    eps), m, v => eps)
"""

EXERCISE = Exercise(
    title="One step of AdamW",
    reference=adamw,
    cases=_adamw_cases,
    wrong=mistakes(adamw, WRONG),
    laws=(
        Law("decay alone", _decay_alone),
        Law("first step", _first_step),
        Law("between", _between),
    ),
    hints=(
        "Each weight carries two running means: of its slope, and of the slope's square. Their "
        "quotient has no unit, so that every weight moves by about the rate. What makes it exact "
        "at the first step?",
        "m' = b1 m + (1 - b1) g, v' = b2 v + (1 - b2) g^2, hats divide by 1 - b^t, and "
        "w' = (1 - rate decay) w - rate m_hat / (sqrt(v_hat) + eps).",
        "m = betas[0] * m + (1 - betas[0]) * g",
    ),
    minutes=12,
    level="core",
    parts=3,
    spared=PLAIN,
)
