"""Two ways to freeze a GELU (notebook 05; paper IV, frozen steps).

A frozen step is a line through the curve at this run's point: GELU(z) = a z + b. That fixes one
of its two numbers only, so there is a choice, and it changes the orders.
"""

from __future__ import annotations

from math import erf, erfc

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes


# The import inside makes the printed solution complete.
def freezings(z):
    """Lines through GELU(z) at z: gate and constant of the secant, slope and intercept."""
    from math import erf

    Phi = (1 + np.vectorize(erf)(z / np.sqrt(2))) / 2
    phi = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    slope = Phi + z * phi
    return Phi, np.zeros_like(z), slope, z * Phi - slope * z


def _freezings_cases(rng):
    yield Case((np.array([0.0, 1.0, -1.0, 0.3, 6.0, -6.0]),), "z = 0, 1, -1, 0.3, 6, -6")
    for shape in ((5,), (3, 4), (2, 3, 2)):
        yield Case((1.5 * rng.normal(size=shape),), f"z of shape {shape}")
    # Here the approximations of Phi in use are off by percents of Phi, elsewhere by less than 1e-3.
    yield Case((rng.uniform(-3.5, -2, size=7),), "7 values of z between -3.5 and -2")
    yield Case((np.array([0.7]),), "a single z")
    far = np.array([-40.0, 40.0, 1e-8, -1e-8, 0.0, 1.0, 1.0, -0.5])
    yield Case((far,), "z from -40 to 40, some of them twice")
    yield Case((rng.normal(size=(45, 45)),), "z of shape (45, 45)")


def _Phi(z):
    return (1 + np.vectorize(erf)(z / np.sqrt(2))) / 2


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


WRONG = """
tanh: it freezes the tanh approximation of GELU: exact GELU is z Phi(z), Phi by erf
    np.vectorize(erf)(z / np.sqrt(2)) => np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))
    z * phi => 2 * z * Phi * (1 - Phi) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)
tanh and phi: its Phi is the tanh approximation: take the exact one, (1 + erf(z / sqrt 2)) / 2
    np.vectorize(erf)(z / np.sqrt(2)) => np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))
sigmoid: it freezes the sigmoid approximation z sigmoid(1.702 z): exact GELU is z Phi(z)
    (1 + np.vectorize(erf)(z / np.sqrt(2))) / 2 => 1 / (1 + np.exp(-1.702 * z))
    Phi + z * phi => Phi * (1 + 1.702 * z * (1 - Phi))
erf without root: its Phi is (1 + erf(z)) / 2: the argument of erf is z / sqrt 2
    z / np.sqrt(2) => z
phi not normalised: its phi lacks 1 / sqrt(2 pi): Phi' is the normalised Gaussian
    / np.sqrt(2 * np.pi) =>
phi without z: its slope is Phi + phi: in the derivative of z Phi(z) phi is multiplied by z
    z * phi => phi
Phi lost: its slope is z phi: the derivative of z Phi(z) also has the term Phi
    Phi + z * phi => z * phi
Phi for slope: both lines are the secant: the slope of GELU is Phi + z phi, since the gate moves \
    with z
    Phi + z * phi => Phi
intercept negative: its intercept has the wrong sign: slope z + intercept = GELU(z)
    z * Phi - slope * z => slope * z - z * Phi
no intercept: its intercept is zero: the tangent at z does not pass through the origin
    z * Phi - slope * z => 0 * z
intercept is GELU: its intercept is GELU(z): subtract slope z, so that the line is right at z
    z * Phi - slope * z => z * Phi
swapped: the two freezings are exchanged: gate and constant first, slope and intercept last
    Phi, np.zeros_like(z), slope, z * Phi - slope * z => \
        slope, z * Phi - slope * z, Phi, np.zeros_like(z)
GELU for gate: its gate is GELU(z): the gate is what z is multiplied by, Phi(z)
    return Phi => return z * Phi
0/0: right except at z = 0, where the gate GELU(z) / z is 0/0: it is Phi(z)
    return Phi => return z * Phi / z
one number: its constant is a single number: return an array like z, np.zeros_like(z)
    np.zeros_like(z) => 0.0
"""

EXERCISE = Exercise(
    title="Two ways to freeze a GELU",
    reference=freezings,
    cases=_freezings_cases,
    wrong=mistakes(freezings, WRONG),
    laws=(Law("both meet", _meet), Law("on GELU", _on_gelu), Law("tangent", _touches)),
    hints=(
        "GELU multiplies z by a gate that depends on z. Hold the gate, and you have a line through "
        "the origin; follow the curve, and you have its tangent. Both meet the curve at z.",
        "GELU(z) = z Phi(z), Phi(z) = (1 + erf(z / sqrt 2)) / 2, Phi' = phi = exp(-z^2/2) / "
        "sqrt(2 pi): the slope is Phi + z phi, the intercept GELU(z) - slope z.",
        "Phi = (1 + np.vectorize(math.erf)(z / np.sqrt(2))) / 2",
    ),
    minutes=15,
    level="stretch",
    parts=4,
    spared={
        "tiny": "alone they leave an intercept of -z^2 phi that float32 cannot hold; beside "
        "larger z they are tried",
        "huge": "beyond 40 the curve is a straight line, and nothing more can happen",
        "spread": "from -40 to 40 is all of the curve that is not straight",
        "repeated": "z is taken number by number; equal numbers are tried",
        **PLAIN,
    },
)
