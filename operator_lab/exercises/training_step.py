"""The fourth exercise of notebook 08: one step of AdamW.

Loshchilov and Hutter 2019; m and v are running means of the gradient and of its square.
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


def adamw(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    """Weights and both running means after step t, counted from 1; all arrays have one shape."""
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return (1 - rate * decay) * w - rate * m_hat / (np.sqrt(v_hat) + eps), m, v


def _drawn(rng, *shape):
    w, g, m = rng.normal(size=(3, *shape))
    return w, g, 0.5 * m, rng.uniform(0.2, 2, size=shape)


def _adamw_probes(rng):
    w, g, m, v = _drawn(rng, 5, 2)
    yield Probe((w, 0.1 * g, 0.1 * m, 0.01 * v, 3, 0.2, 0.3, (0.8, 0.95), 0.05),
                "t = 3, small slopes, eps = 0.05")  # fmt: skip
    yield Probe((*_drawn(rng, 3, 4), 2, 0.3, 0.6), "t = 2, rate 0.3, decay 0.6")
    w, g, *_ = _drawn(rng, 2, 5)
    g[[0, 1], [2, 4]] = 0
    yield Probe((w, g, 0 * w, 0 * w, 1, 0.1, 0.0), "the first step, no decay")
    w, g, *_ = _drawn(rng, 4)
    yield Probe((w, 1e3 * g, 0 * w, 0 * w, 1, 0.3, 0.5), "the first step, steep, decay 0.5")
    yield Probe((w, 0 * w, 0 * w, 0 * w, 4, 0.2, 0.5), "g = m = v = 0 at t = 4, decay 0.5")
    w, *others = _drawn(rng, 3)
    yield Probe((0 * w, *others, 40, 0.2, 0.4, (0.6, 0.95)), "weights of 0 at t = 40")


def _adamw_loop(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    new = [np.array(a, dtype=float) for a in (w, m, v)]
    (a, b), (W, M, V) = betas, new
    for i in np.ndindex(w.shape):
        M[i] += (1 - a) * (g[i] - m[i])
        V[i] += (1 - b) * (g[i] * g[i] - v[i])
        W[i] -= rate * (decay * w[i] + M[i] / (1 - a**t) / ((V[i] / (1 - b**t)) ** 0.5 + eps))
    return W, M, V


def _adamw_torch(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    import torch  # only here: exercises are judged without it

    weight, g, m, v = (torch.tensor(a) for a in (w, g, m, v))
    weight.grad = g
    step = torch.optim.AdamW([weight], lr=rate, betas=betas, eps=eps, weight_decay=decay)
    step.state[weight] = {"step": torch.tensor(t - 1.0), "exp_avg": m, "exp_avg_sq": v}
    step.step()
    return weight.numpy(), m.numpy(), v.numpy()


def _corrected_rate(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    a, b = betas
    m, v = m * a + g * (1 - a), v * b + g * g * (1 - b)
    root = np.sqrt(1 - b**t)
    return w - rate * decay * w - rate * root / (1 - a**t) * m / (np.sqrt(v) + eps * root), m, v


def _step(change):
    """Return a step whose new weights are `change(w, m', v', t, rate, decay, betas, eps)`."""

    def changed(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
        _, m, v = adamw(w, g, m, v, t, rate, decay, betas, eps)
        return change(w, m, v, t, rate, decay, betas, eps), m, v

    return changed


def _other(change):
    """Return the step of other arguments: `change` maps a dictionary of them to another."""

    def changed(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
        given = dict(w=w, g=g, m=m, v=v, t=t, rate=rate, decay=decay, betas=betas, eps=eps)
        return adamw(**given | change(given))

    return changed


def _hats(m, v, t, betas):
    return m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)


def _moved(w, m_hat, v_hat, rate, decay, eps):
    return (1 - rate * decay) * w - rate * m_hat / (np.sqrt(v_hat) + eps)


def _means(change):
    """Return a step with running means made of `change(g, m, v, betas)`."""

    def changed(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
        m, v = change(g, m, v, betas)
        return _moved(w, *_hats(m, v, t, betas), rate, decay, eps), m, v

    return changed


def _decay_after(w, m, v, t, rate, decay, betas, eps):
    return (1 - rate * decay) * _moved(w, *_hats(m, v, t, betas), rate, 0, eps)


def _hats_kept(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    w, m, v = adamw(w, g, m, v, t, rate, decay, betas, eps)
    return w, *_hats(m, v, t, betas)


def _old_means(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    new = adamw(w, g, m, v, t, rate, decay, betas, eps)
    return _moved(w, *_hats(m, v, t, betas), rate, decay, eps), *new[1:]


def _no_momentum(w, g, m, v, t, rate, decay, betas=(0.9, 0.98), eps=1e-8):
    new = adamw(w, g, m, v, t, rate, decay, betas, eps)
    return _moved(w, g, _hats(*new[1:], t, betas)[1], rate, decay, eps), *new[1:]


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
                f"its slope, beside the decay; here by {np.abs(step).min():.3g} ... "
                f"{np.abs(step).max():.3g}, where the rate is {rate:g}"
            )


def _between(args, answer, slack):
    g, m, v = args[1:4]
    for name, old, drawn, new in (("m", m, g, answer[1]), ("v", v, g**2, answer[2])):
        room = slack * np.abs([old, drawn]).max()
        if (new < np.minimum(old, drawn) - room).any() or (
            new > np.maximum(old, drawn) + room
        ).any():
            return f"its new {name} leaves the range between the old one and what g adds"


ADAMW = Exercise(
    name="training.adamw",
    title="One step of AdamW",
    reference=adamw,
    alternatives=(_adamw_loop, _corrected_rate, _adamw_torch),
    wrong=(
        Wrong("no correction", _step(lambda w, m, v, t, rate, decay, betas, eps:
              _moved(w, m, v, rate, decay, eps)),
              "m and v enter uncorrected: they begin at 0 and are too small by 1 - beta^t"),
        Wrong("m uncorrected", _step(lambda w, m, v, t, rate, decay, betas, eps:
              _moved(w, m, _hats(m, v, t, betas)[1], rate, decay, eps)),
              "m enters uncorrected: divide it by 1 - beta_1^t, as v is by 1 - beta_2^t"),
        Wrong("v uncorrected", _step(lambda w, m, v, t, rate, decay, betas, eps:
              _moved(w, _hats(m, v, t, betas)[0], v, rate, decay, eps)),
              "v enters uncorrected: divide it by 1 - beta_2^t, as m is by 1 - beta_1^t"),
        Wrong("power forgotten", _step(lambda w, m, v, t, rate, decay, betas, eps:
              _moved(w, *_hats(m, v, 1, betas), rate, decay, eps)),
              "it divides by 1 - beta at every step: the correction is 1 - beta^t, which grows "
              "towards 1"),
        Wrong("t from 0", _other(lambda a: {"t": a["t"] - 1}),
              "it corrects with t - 1: t counts from 1 already, and 1 - beta^0 is 0"),
        Wrong("t + 1", _other(lambda a: {"t": a["t"] + 1}),
              "it corrects with t + 1: t counts from 1 already"),
        Wrong("Adam", _other(lambda a: {"g": a["g"] + a["decay"] * a["w"], "decay": 0}),
              "decay w is added to the gradient, and is rescaled with it (Adam with an L2 term): "
              "AdamW shrinks w beside the step, by 1 - rate decay"),
        Wrong("decay after", _step(_decay_after),
              "the new weights are shrunk: it is the old w that is multiplied by 1 - rate decay"),
        Wrong("decay without rate", _other(lambda a: {"decay": a["decay"] / a["rate"]}),
              "w is multiplied by 1 - decay: it is 1 - rate decay"),
        Wrong("no decay", _other(lambda a: {"decay": 0}),
              "the decay is left out: w is multiplied by 1 - rate decay first"),
        Wrong("eps in the root", _step(lambda w, m, v, t, rate, decay, betas, eps:
              _moved(w, m / (1 - betas[0] ** t), _hats(m, v, t, betas)[1] + eps, rate, decay, 0)),
              "eps stands inside the root: it is added to sqrt(v_hat)"),
        Wrong("eps early", _step(lambda w, m, v, t, rate, decay, betas, eps: _moved(
              w, *_hats(m, v, t, betas), rate, decay, eps / np.sqrt(1 - betas[1] ** t))),
              "eps is added to sqrt(v) before the correction: it is added to sqrt(v_hat)"),
        Wrong("no root", _step(lambda w, m, v, t, rate, decay, betas, eps:
              _moved(w, m / (1 - betas[0] ** t), _hats(m, v, t, betas)[1] ** 2, rate, decay, eps)),
              "it divides by v_hat itself: its root has the unit of a slope"),
        Wrong("g not squared", _means(lambda g, m, v, betas: (
              betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g)),
              "v takes up g as it is: v is the running mean of g^2"),
        Wrong("beta exchanged with its rest", _means(lambda g, m, v, betas: (
              (1 - betas[0]) * m + betas[0] * g, (1 - betas[1]) * v + betas[1] * g**2)),
              "beta and 1 - beta are exchanged: beta is the share of the old"),
        Wrong("betas exchanged", _other(lambda a: {"betas": a["betas"][::-1]}),
              "the two betas are exchanged: the first belongs to m, the second to v"),
        Wrong("g whole", _means(lambda g, m, v, betas: (
              betas[0] * m + g, betas[1] * v + g**2)),
              "g is added whole: a running mean takes up 1 - beta of it"),
        Wrong("betas fixed", _other(lambda a: {"betas": (0.9, 0.98)}),
              "its betas are 0.9 and 0.98 whatever is given: use the argument"),
        Wrong("other default", lambda w, g, m, v, t, rate, decay, betas=(0.9, 0.999), eps=1e-8:
              adamw(w, g, m, v, t, rate, decay, betas, eps),
              "its betas are (0.9, 0.999) where none are given: here they are (0.9, 0.98)"),
        Wrong("eps fixed", _other(lambda a: {"eps": 1e-8}),
              "its eps is 1e-8 whatever is given: use the argument"),
        Wrong("up", _step(lambda w, m, v, t, rate, decay, betas, eps:
              _moved(w, *_hats(-m, v, t, betas), rate, decay, eps)),
              "it climbs: the step goes against the gradient, minus rate m_hat / ..."),
        Wrong("old means", _old_means,
              "the step is made of the old m and v: take up g first, then step"),
        Wrong("no momentum", _no_momentum,
              "the step goes along g: it goes along m_hat, the mean of the slopes"),
        Wrong("corrected means kept", _hats_kept,
              "it returns m_hat and v_hat: what is carried on are m and v, uncorrected"),
        Wrong("order", lambda *args: adamw(*args)[1:] + adamw(*args)[:1],
              "the three are right but in the wrong order: w first, then m and v"),
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
    laws=(
        Law("decay alone", _decay_alone),
        Law("first step", _first_step),
        Law("between", _between),
    ),
    probes=_adamw_probes,
    parts=3,
)  # fmt: skip

EXERCISES = (ADAMW,)
