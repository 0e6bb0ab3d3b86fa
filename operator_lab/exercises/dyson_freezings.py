"""The last exercise of notebook 05: two ways to freeze a GELU (paper IV, frozen steps).

A frozen step is a line through the curve at this run's point: GELU(z) = a z + b. That fixes one
of its two numbers only, so there is a choice, and it changes the orders.
"""

from __future__ import annotations

from math import erf, erfc
from statistics import NormalDist

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong
from .facts import differ


# The import inside makes the printed solution complete.
def freezings(z):
    """Lines through GELU(z) at z: gate and constant of the secant, slope and intercept."""
    from math import erf

    Phi = (1 + np.vectorize(erf)(z / np.sqrt(2))) / 2
    phi = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    slope = Phi + z * phi
    return Phi, np.zeros_like(z), slope, z * Phi - slope * z


def _freezings_probes(rng):
    yield Probe((np.array([0.0, 1.0, -1.0, 0.3, 6.0, -6.0]),), "z = 0, 1, -1, 0.3, 6, -6")
    for shape in ((5,), (3, 4), (2, 3, 2)):
        yield Probe((1.5 * rng.normal(size=shape),), f"z of shape {shape}")
    # Here the approximations of Phi in use are off by percents of Phi, elsewhere by less than 1e-3.
    yield Probe((rng.uniform(-3.5, -2, size=7),), "7 values of z between -3.5 and -2")


def _Phi(z):
    return (1 + np.vectorize(erf)(z / np.sqrt(2))) / 2


def _phi(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def _lines(gate, slope):
    """Return freezings with these two slopes, each of its lines through gate(z) z."""

    def lines(z):
        a, b = gate(z), slope(z)
        return a, 0 * a, b, (a - b) * z

    return lines


def _tanh(z):
    return (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2


def _tanh_slope(z):
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)
    return _tanh(z) + 2 * z * _tanh(z) * (1 - _tanh(z)) * inner


def _sigmoid(z):
    return 1 / (1 + np.exp(-1.702 * z))


def _sigmoid_slope(z):
    return _sigmoid(z) * (1 + 1.702 * z * (1 - _sigmoid(z)))


def _half_erf(z):
    return (1 + np.vectorize(erf)(z)) / 2


def _gauss_legendre(z):
    nodes, weights = np.polynomial.legendre.leggauss(40)
    inside = [_phi(z / 2 * (1 + node)) * z / 2 for node in nodes]
    return 0.5 + sum(w * f for w, f in zip(weights, inside, strict=True))


def _swapped(z):
    gate, constant, slope, intercept = freezings(z)
    return slope, intercept, gate, constant


def _meet(args, answer, slack):
    (z,), (gate, constant, slope, intercept) = args, answer
    secant, tangent = gate * z + constant, slope * z + intercept
    if differ(secant, tangent, slack, np.abs(slope * z) + np.abs(intercept)):
        return "its two lines do not give the same number at z"


def _on_gelu(args, answer, slack):
    (z,), (gate, constant, slope, intercept) = args, answer
    gelu = z * np.vectorize(erfc)(-z / np.sqrt(2)) / 2
    pairs = ((gate, constant, "gate z + constant"), (slope, intercept, "slope z + intercept"))
    for a, b, line in pairs:
        if differ(a * z + b, gelu, slack, np.abs(a * z) + np.abs(b)):
            return f"its {line} is not GELU(z)"


def _touches(args, answer, slack):
    (z,), h = args, 1e-4
    rise = sum(s * (z + s * h) * _Phi(z + s * h) for s in (1, -1)) / (2 * h)
    if differ(answer[2], rise, slack):
        return "its slope is not that of GELU at z"


FREEZINGS = Exercise(
    name="dyson.freezings",
    title="Two ways to freeze a GELU",
    reference=freezings,
    alternatives=(
        _lines(lambda z: np.vectorize(erfc)(-z / np.sqrt(2)) / 2, lambda z: _Phi(z) + z * _phi(z)),
        _lines(_gauss_legendre, lambda z: _gauss_legendre(z) + z * _phi(z)),
        lambda z: (np.vectorize(NormalDist().cdf)(z), z * 0.0, _Phi(z)
                   + z * np.vectorize(NormalDist().pdf)(z), -(z**2) * _phi(z)),
    ),
    wrong=(
        Wrong("tanh", _lines(_tanh, _tanh_slope),
              "it freezes the tanh approximation of GELU: exact GELU is z Phi(z), Phi by erf"),
        Wrong("tanh and phi", _lines(_tanh, lambda z: _tanh(z) + z * _phi(z)),
              "its Phi is the tanh approximation: take the exact one, (1 + erf(z / sqrt 2)) / 2"),
        Wrong("sigmoid", _lines(_sigmoid, _sigmoid_slope),
              "it freezes the sigmoid approximation z sigmoid(1.702 z): exact GELU is z Phi(z)"),
        Wrong("erf without root", _lines(_half_erf, lambda z: _half_erf(z) + z * _phi(z)),
              "its Phi is (1 + erf(z)) / 2: the argument of erf is z / sqrt 2"),
        Wrong("phi not normalised", _lines(_Phi, lambda z: _Phi(z) + z * np.exp(-(z**2) / 2)),
              "its phi lacks 1 / sqrt(2 pi): Phi' is the normalised Gaussian"),
        Wrong("phi without z", _lines(_Phi, lambda z: _Phi(z) + _phi(z)),
              "its slope is Phi + phi: in the derivative of z Phi(z) phi is multiplied by z"),
        Wrong("Phi lost", _lines(_Phi, lambda z: z * _phi(z)),
              "its slope is z phi: the derivative of z Phi(z) also has the term Phi"),
        Wrong("Phi for slope", _lines(_Phi, _Phi),
              "both lines are the secant: the slope of GELU is Phi + z phi, since the gate moves "
              "with z"),
        Wrong("intercept negative", lambda z: (*freezings(z)[:3], -freezings(z)[3]),
              "its intercept has the wrong sign: slope z + intercept = GELU(z)"),
        Wrong("no intercept", lambda z: (*freezings(z)[:3], 0 * z),
              "its intercept is zero: the tangent at z does not pass through the origin"),
        Wrong("intercept is GELU", lambda z: (*freezings(z)[:3], z * _Phi(z)),
              "its intercept is GELU(z): subtract slope z, so that the line is right at z"),
        Wrong("swapped", _swapped,
              "the two freezings are exchanged: gate and constant first, slope and intercept last"),
        Wrong("GELU for gate", lambda z: (z * _Phi(z), *freezings(z)[1:]),
              "its gate is GELU(z): the gate is what z is multiplied by, Phi(z)"),
        Wrong("0/0", lambda z: (z * _Phi(z) / z, *freezings(z)[1:]),
              "right except at z = 0, where the gate GELU(z) / z is 0/0: it is Phi(z)"),
        Wrong("one number", lambda z: (_Phi(z), 0.0, *freezings(z)[2:]),
              "its constant is a single number: return an array like z, np.zeros_like(z)"),
    ),
    hints=(
        "GELU multiplies z by a gate that depends on z. Hold the gate, and you have a line through "
        "the origin; follow the curve, and you have its tangent. Both meet the curve at z.",
        "GELU(z) = z Phi(z), Phi(z) = (1 + erf(z / sqrt 2)) / 2, Phi' = phi = exp(-z^2/2) / "
        "sqrt(2 pi): the slope is Phi + z phi, the intercept GELU(z) - slope z.",
        "Phi = (1 + np.vectorize(math.erf)(z / np.sqrt(2))) / 2",
    ),
    minutes=15,
    level="stretch",
    laws=(Law("both meet", _meet), Law("on GELU", _on_gelu), Law("tangent", _touches)),
    probes=_freezings_probes,
    parts=4,
)

EXERCISES = (FREEZINGS,)
