"""Gradually or suddenly (notebook 08).

The excess in nats was measured after `steps` (positive, ascending; one row of it per training).
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, mistakes


def reading(steps, excess, high, low):
    """When curves [seed, measurement] fall below `high` for good, and how suddenly below `low`.

    The rate 1 / step_high and the suddenness step_high / step_low, both [seed]; 0 where it never
    happens.
    """
    rates = np.append(1 / steps, 0)  # one after the last measurement: never
    after = np.arange(1, len(steps) + 1)  # the measurement that follows
    settled = [np.where(excess >= level, after, 0).max(axis=1) for level in (high, low)]
    first, last = rates[settled[0]], rates[settled[1]]
    return first, last / np.where(first > 0, first, 1)


def _curves(rng, S, n):
    """Return curves that fall, each at its own time, with noise that makes them rise again."""
    fall = 3.0 / (1 + np.exp(1.5 * (np.arange(n) - rng.uniform(0.2, 0.8, size=(S, 1)) * n)))
    return fall * np.exp(0.5 * rng.normal(size=(S, n))) + 0.01


def _reading_cases(rng):
    even, wide = 50 * np.arange(1, 11), np.array([10, 20, 40, 80, 120, 200])
    # Told apart by hand: back above both; above `low` only; never; never low; from the start on;
    # at the thresholds themselves; above again at the very end; both at once.
    told = [
        [3, 0.1, 2, 0.5, 0.1, 0.1],
        [3, 0.7, 0.1, 0.5, 0.1, 0.1],
        [3, 3, 2, 2, 2, 2],
        [3, 3, 0.8, 0.7, 0.6, 0.5],
        [0.9, 0.1, 0.1, 0.1, 0.1, 0.1],
        [2, 1, 0.5, 0.25, 0.125, 0.125],
        [2, 0.5, 0.1, 0.1, 0.1, 2],
        [3, 3, 3, 0.1, 0.1, 0.1],
    ]
    rows = np.array(told)[rng.permutation(len(told))]
    yield Case((wide, rows, 1.0, 0.25), "8 trainings, some of which never get there")
    yield Case((even, _curves(rng, 4, 10), 1.0, 0.2), "4 trainings, 10 measurements")
    yield Case((wide, _curves(rng, 6, 6), 0.5, 0.1), "6 trainings, 6 measurements, uneven steps")
    yield Case((wide, _curves(rng, 1, 6), 1.5, 0.4), "a single training, uneven steps")
    yield Case((even[:4], 2 + rng.uniform(size=(3, 4)), 1.5, 0.5), "3 trainings, none gets there")
    yield Case((np.array([30]), np.array([[0.1], [2.0]]), 1.0, 0.5), "2 trainings, one measurement")
    many, long = 10 * np.arange(1, 61), _curves(rng, 50, 60)
    long[3] = long[2]
    yield Case((many, long, 1.0, 0.2), "50 trainings, two of them alike, 60 measurements")
    square = _curves(rng, 6, 6)
    for size in (1e-8, 1e8):
        label = f"6 trainings, 6 measurements, an excess of about {size:g}"
        yield Case((wide, size * square, size, 0.2 * size), label)
    yield Case((10**8 * even, _curves(rng, 5, 10), 1.0, 0.2), "5 trainings, steps of about 1e10")
    level = np.array([[2.0, 0.5, 0.5, 0.5], [2.0, 2.0, 2.0, 0.4], [0.5, 0.5, 0.5, 0.5]])
    yield Case((even[:4], level, 2.0, 0.5), "3 trainings that stay at a threshold")
    whole = np.array([[4.0, 2.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0]])
    yield Case((even[:4], whole, 2.0, 1.0), "2 trainings of whole numbers")


def _measured(args, answer, slack):
    steps, rates = args[0], answer[0]
    known = np.append(1 / steps, 0)
    gap = np.abs(rates[:, None] - known).min(axis=1)
    if gap.max() > slack * known.max():
        odd = rates[gap.argmax()]
        return f"its rate {odd:.6g} is neither 0 nor 1 / step of any of the measured steps"


def _stays_below(args, answer, slack):
    steps, excess, high, _ = args
    after = np.outer(answer[0], steps) > 1 - slack
    if (found := np.argwhere(after & (excess >= high))).size:
        seed, i = found[0]
        return (
            f"by its rate training {seed} is below {high:g} for good before step {steps[i]}, "
            f"where its excess is {excess[seed, i]:.6g}"
        )


def _from_0_to_1(args, answer, slack):
    low, high = answer[1].min(), answer[1].max()
    if low < -slack or high > 1 + slack:
        return f"its second item leaves 0 ... 1 ({low:.6g} ... {high:.6g}): `high` comes first"


def _none_is_0(args, answer, slack):
    open_end = args[1][:, -1] >= args[3]
    if np.abs(answer[1][open_end]).max(initial=0) > slack:
        return "a training that ends above `low` is not below it for good: its second item is 0"


WRONG = """
first crossing: it takes the first time a curve is below: it may rise again, and only below for \
    good counts
    np.where(excess >= level, after, 0).max(axis=1) => \
        np.cumprod(excess >= level, axis=1).sum(axis=1)
first crossing, argmax: it takes the first time a curve is below, and the first measurement where \
    there is none (argmax of nothing is 0): only below for good counts
    np.where(excess >= level, after, 0).max(axis=1) => (excess < level).argmax(axis=1)
last above: it takes the last measurement above: the one after it is the first below for good
    np.where(excess >= level, after, 0).max(axis=1) => \
        len(steps) - 1 - (excess >= level)[:, ::-1].argmax(axis=1)
one before: it is one measurement early: the last one above does not count yet
    np.append(1 / steps, 0) => np.append(1 / np.append(steps[0], steps[:-1]), 0)
end for never: a training that never gets there is given the last step: its rate is 0, the \
    suddenness too
    np.append(1 / steps, 0) => np.append(1 / steps, 1 / steps[-1])
at the threshold: at the threshold counts as below: strictly below is asked, excess < level
    excess >= level => excess > level
index: it counts measurements: look their numbers up in `steps`
    np.append(1 / steps, 0) => np.append(1 / np.arange(1, len(steps) + 1), 0)
step for rate: its first item is the step itself, infinite if it never comes: the rate 1 / step \
    is asked
    return first => return 1 / first
step and multiple: it gives step_high and step_low / step_high, neither of which exists for a \
    training that never gets there: their inverses are asked
    first, last / np.where(first > 0, first, 1) => 1 / first, first / last
inf / inf: right unless a training never gets below `high`: inf / inf, or 0 / 0, is NaN, where \
    its suddenness is 0
    np.where(first > 0, first, 1) => first
upside down: its second item is upside down: step_high / step_low, 1 if sudden
    last / np.where(first > 0, first, 1) => first / last
difference: its second item is a difference of steps: their ratio is asked
    last / np.where(first > 0, first, 1) => 1 / last - 1 / first
gradualness: its second item is 1 - step_high / step_low, which is 0 if sudden: the ratio itself \
    is asked
    last / np.where(first > 0, first, 1) => np.where(last > 0, 1 - last / first, 0)
exchanged: `low` and `high` are exchanged: `high` is reached first, and its rate is asked
    first, last / np.where(first > 0, first, 1) => last, first / last
both of low: its rate is that of `low`: of the two thresholds `high` is asked
    return first => return last
low once: `low` is taken at its first crossing: below for good, as for `high`
    rates[settled[1]] => rates[np.cumprod(excess >= low, axis=1).sum(axis=1)]
    np.where(first > 0, first, 1) => np.where(first > 0, first, np.inf)
mean first: the curves are averaged first: trainings that jump at different times make a mean \
    that falls gradually; read each by itself
    rates = => excess = excess.mean(axis=0, keepdims=True); rates =
    first, last / np.where(first > 0, first, 1) => \
        first[0], (last / np.where(first > 0, first, 1))[0]
mean after: it is averaged over the trainings: one number for each is asked
    first, last / np.where(first > 0, first, 1) => \
        first.mean(), (last / np.where(first > 0, first, 1)).mean()
order: the two are right but in the wrong order: the rate comes first
    return first, last / np.where(first > 0, first, 1) => \
        return last / np.where(first > 0, first, 1), first
"""

EXERCISE = Exercise(
    title="Gradually or suddenly",
    reference=reading,
    cases=_reading_cases,
    wrong=mistakes(reading, WRONG),
    laws=(
        Law("from 0 to 1", _from_0_to_1),
        Law("stays below", _stays_below),
        Law("none is 0", _none_is_0),
        Law("a measured step", _measured),
    ),
    hints=(
        "Begin at the end of a curve: going back, where does it rise above the threshold for the "
        "first time? What follows that measurement is below for good.",
        "step = the one after the last measurement with excess >= level; none before it: the "
        "first; none after it: never, rate 0. Suddenness = rate_low / rate_high, 0 / 0 is 0.",
        "settled = np.where(excess >= high, np.arange(1, len(steps) + 1), 0).max(axis=1)",
    ),
    minutes=10,
    level="stretch",
    parts=2,
    spared=PLAIN,
)
