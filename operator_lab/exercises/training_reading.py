"""The last exercise of notebook 08: reading learning curves, excess[training, measurement].

The excess in nats was measured after `steps` (positive, ascending; one row of it per training).
"""

from __future__ import annotations

import numpy as np

from .exercise import Exercise, Law, Probe, Wrong


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


def _reading_probes(rng):
    even, wide = 50 * np.arange(1, 11), np.array([10, 20, 40, 80, 120, 200])
    # Told apart by hand: back above both; above `low` only; never; never low; from the start on;
    # at the thresholds themselves; above again at the very end; both at once.
    told = [[3, 0.1, 2, 0.5, 0.1, 0.1], [3, 0.7, 0.1, 0.5, 0.1, 0.1], [3, 3, 2, 2, 2, 2],
            [3, 3, 0.8, 0.7, 0.6, 0.5], [0.9, 0.1, 0.1, 0.1, 0.1, 0.1],
            [2, 1, 0.5, 0.25, 0.125, 0.125], [2, 0.5, 0.1, 0.1, 0.1, 2], [3, 3, 3, 0.1, 0.1, 0.1]]
    rows = np.array(told)[rng.permutation(len(told))]
    yield Probe((wide, rows, 1.0, 0.25), "8 trainings, some of which never get there")
    yield Probe((even, _curves(rng, 4, 10), 1.0, 0.2), "4 trainings, 10 measurements")
    yield Probe((wide, _curves(rng, 6, 6), 0.5, 0.1), "6 trainings, 6 measurements, uneven steps")
    yield Probe((wide, _curves(rng, 1, 6), 1.5, 0.4), "a single training, uneven steps")
    yield Probe((even[:4], 2 + rng.uniform(size=(3, 4)), 1.5, 0.5), "3 trainings, none gets there")


def _reading_loop(steps, excess, high, low):
    rates, shares = [], []
    for curve in excess:
        at = []
        for level in (high, low):
            i = len(curve)
            while i > 0 and curve[i - 1] < level:
                i -= 1
            at.append(steps[i] if i < len(curve) else np.inf)
        rates.append(1 / at[0])
        shares.append(at[0] / at[1] if at[1] < np.inf else 0.0)
    return rates, shares


def _by_running_maximum(steps, excess, high, low):
    worst = np.maximum.accumulate(excess[:, ::-1], axis=1)[:, ::-1]  # of now and all that comes
    per_step = 1 / np.asarray(steps, dtype=float)
    rate, later = ((per_step * (worst < level)).max(axis=1) for level in (high, low))
    return rate, np.divide(later, rate, out=np.zeros_like(rate), where=rate > 0)


def _by_counting(steps, excess, high, low):
    below = [np.cumprod((excess < level)[:, ::-1], axis=1).sum(axis=1) for level in (high, low)]
    first, last = (np.array([steps[-k] if k else np.inf for k in count]) for count in below)
    return 1 / first, np.where(np.isinf(last), 0, first / np.where(np.isinf(last), 1, last))


def times(steps, excess, level):
    """Return the step from which on each curve is below the level, inf where there is none."""
    settled = np.where(excess >= level, np.arange(1, len(steps) + 1), 0).max(axis=1)
    return np.append(steps, np.inf)[settled]


def _once(steps, excess, level):
    below = excess < level
    return np.where(below.any(axis=1), steps[below.argmax(axis=1)], np.inf)


def _once_or_start(steps, excess, level):
    return steps[(excess < level).argmax(axis=1)]


def _last_above(steps, excess, level):
    return steps[len(steps) - 1 - (excess >= level)[:, ::-1].argmax(axis=1)]


def _one_before(steps, excess, level):
    before = dict(zip([*steps, np.inf], [steps[0], *steps[:-1], np.inf], strict=True))
    return np.array([before[t] for t in times(steps, excess, level)])


def _at_the_end(steps, excess, level):
    return np.minimum(times(steps, excess, level), steps[-1])


def _or_equal(steps, excess, level):
    return times(steps, excess, np.nextafter(level, np.inf))


def _counted(steps, excess, level):
    return times(np.arange(1, len(steps) + 1), excess, level)


def _read(time, pair=None):
    """Return a reading made of other times, `pair(first, last)` of them if that is given."""

    def changed(steps, excess, high, low):
        first, last = time(steps, excess, high), time(steps, excess, low)
        if pair:
            return pair(first, last)
        return 1 / first, np.where(np.isinf(last), 0, first / last)

    return changed


def _of_mean(steps, excess, high, low):
    rate, share = reading(steps, excess.mean(axis=0, keepdims=True), high, low)
    return rate[0], share[0]


def _low_once(steps, excess, high, low):
    first, last = times(steps, excess, high), _once(steps, excess, low)
    return 1 / first, np.where(np.isinf(first), 0, first / last)


def _measured(args, answer, slack):
    steps, rates = args[0], answer[0]
    known = np.append(1 / steps, 0)
    gap = np.abs(rates[:, None] - known).min(axis=1)
    if gap.max() > slack * known.max():
        odd = rates[gap.argmax()]
        return f"its rate {odd:.3g} is neither 0 nor 1 / step of any of the measured steps"


def _stays_below(args, answer, slack):
    steps, excess, high, _ = args
    after = np.outer(answer[0], steps) > 1 - slack
    if (found := np.argwhere(after & (excess >= high))).size:
        seed, i = found[0]
        return (
            f"by its rate training {seed} is below {high:g} for good before step {steps[i]}, "
            f"where its excess is {excess[seed, i]:.3g}"
        )


def _from_0_to_1(args, answer, slack):
    low, high = answer[1].min(), answer[1].max()
    if low < -slack or high > 1 + slack:
        return f"its second item leaves 0 ... 1 ({low:.3g} ... {high:.3g}): `high` comes first"


def _none_is_0(args, answer, slack):
    open_end = args[1][:, -1] >= args[3]
    if np.abs(answer[1][open_end]).max(initial=0) > slack:
        return "a training that ends above `low` is not below it for good: its second item is 0"


READING = Exercise(
    name="training.reading",
    title="Gradually or suddenly",
    reference=reading,
    alternatives=(_reading_loop, _by_running_maximum, _by_counting),
    wrong=(
        Wrong("first crossing", _read(_once),
              "it takes the first time a curve is below: it may rise again, and only below for "
              "good counts"),
        Wrong("first crossing, argmax", _read(_once_or_start),
              "it takes the first time a curve is below, and the first measurement where there is "
              "none (argmax of nothing is 0): only below for good counts"),
        Wrong("last above", _read(_last_above),
              "it takes the last measurement above: the one after it is the first below for good"),
        Wrong("one before", _read(_one_before),
              "it is one measurement early: the last one above does not count yet"),
        Wrong("end for never", _read(_at_the_end),
              "a training that never gets there is given the last step: its rate is 0, the "
              "suddenness too"),
        Wrong("at the threshold", _read(_or_equal),
              "at the threshold counts as below: strictly below is asked, excess < level"),
        Wrong("index", _read(_counted),
              "it counts measurements: look their numbers up in `steps`"),
        Wrong("step for rate", _read(times, lambda first, last: (
              first, np.where(np.isinf(last), 0, first / last))),
              "its first item is the step itself, infinite if it never comes: the rate 1 / step "
              "is asked"),
        Wrong("step and multiple", _read(times, lambda first, last: (first, last / first)),
              "it gives step_high and step_low / step_high, neither of which exists for a training "
              "that never gets there: their inverses are asked"),
        Wrong("inf / inf", _read(times, lambda first, last: (1 / first, first / last)),
              "right unless a training never gets below `high`: inf / inf, or 0 / 0, is NaN, where "
              "its suddenness is 0"),
        Wrong("upside down", _read(times, lambda first, last: (1 / first, last / first)),
              "its second item is upside down: step_high / step_low, 1 if sudden"),
        Wrong("difference", _read(times, lambda first, last: (1 / first, last - first)),
              "its second item is a difference of steps: their ratio is asked"),
        Wrong("gradualness", _read(times, lambda first, last: (
              1 / first, np.where(np.isinf(last), 0, 1 - first / last))),
              "its second item is 1 - step_high / step_low, which is 0 if sudden: the ratio itself "
              "is asked"),
        Wrong("both of low", _read(times, lambda first, last: (
              1 / last, np.where(np.isinf(last), 0, first / last))),
              "its rate is that of `low`: of the two thresholds `high` is asked"),
        Wrong("low once", _low_once,
              "`low` is taken at its first crossing: below for good, as for `high`"),
        Wrong("mean first", _of_mean,
              "the curves are averaged first: trainings that jump at different times make a mean "
              "that falls gradually; read each by itself"),
        Wrong("mean after", lambda *args: tuple(item.mean() for item in reading(*args)),
              "it is averaged over the trainings: one number for each is asked"),
        Wrong("order", lambda *args: reading(*args)[::-1],
              "the two are right but in the wrong order: the rate comes first"),
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
    laws=(
        Law("from 0 to 1", _from_0_to_1),
        Law("stays below", _stays_below),
        Law("none is 0", _none_is_0),
        Law("a measured step", _measured),
    ),
    probes=_reading_probes,
    parts=2,
)  # fmt: skip

EXERCISES = (READING,)
