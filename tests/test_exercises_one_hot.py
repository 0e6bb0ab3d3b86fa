"""The exercises of notebook 01: right answers pass, wrong ones are told their reason."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from exercise_laws import ExerciseLaws, close, references
from hypothesis import given
from hypothesis import strategies as st

from operator_lab.exercises import find, judge

relabel, bayes, conditional_entropy, dimensions = references(
    "one_hot", "relabel", "bayes", "conditional_entropy", "dimensions"
)


def entropy(p):
    return sum(-a * math.log(a) for a in np.ravel(p) if a > 0)


def unlike(found, args, answer, right):
    tokens, z, _ = args
    new = answer[0].round().astype(int)
    return any(
        not np.isclose(answer[1][n, w], z[n, v])
        for n in range(len(z))
        for w, v in zip(tokens, new, strict=True)
    )


def out_of_range(found, args, answer, right):
    return not set(np.rint(answer[0])) <= set(range(args[1].shape[1]))


def other_numbers(found, args, answer, right):
    return any(not close(sorted(a), sorted(z)) for a, z in zip(answer[1], args[1], strict=True))


def totals_off(found, args, answer, right):
    ends = answer[0].sum(axis=1).min(), answer[0].sum(axis=1).max()
    return close(ends, [float(g) for g in found.groups()], rtol=1e-2, atol=1e-30)


def believes(found, args, answer, right):
    return any(a > 0 and r == 0 for a, r in zip(answer[0].flat, right[0].flat, strict=True))


def odds_off(found, args, answer, right):
    t = int(found[1])
    before = answer[0][t - 1] if t else args[0]
    joint = before * args[1][t]
    return not close(joint / joint.sum(), answer[0][t] / answer[0][t].sum(), rtol=1e-3)


def outside(found, args, answer, right):
    words = entropy(args[0].sum(axis=0))
    given = close([answer[0], words], [float(g) for g in found.groups()], rtol=1e-2)
    return given and not -1e-9 <= answer[0] <= words + 1e-9


def left_over(found, args, answer, right):
    return np.isclose(right[0], 0) and np.isclose(answer[0], float(found[1]), rtol=1e-2)


def no_logarithm_for_one(found, args, answer, right):
    N = np.broadcast_arrays(*args)[0]
    pairs = zip(N.flat, answer[0].flat, answer[1].flat, strict=True)
    return any(n == 1 and not np.isclose(one, 10**many) for n, one, many in pairs)


def grows_otherwise(found, args, answer, right):
    N, d = np.broadcast_arrays(*args)
    return np.abs(answer[1] / N - np.log10(d)).max() > 1e-4


class TestOneHot(ExerciseLaws):
    stem = "one_hot"
    said = {
        r"a word of the sentence has one logit under .*": unlike,
        r"some of its labels are not between 0 and V - 1": out_of_range,
        r"the logits of a position are no longer .*": other_numbers,
        r"the beliefs after a word do not add up to one \((\S+) \.\.\. (\S+)\)": totals_off,
        r"it still believes in a sense .*": believes,
        r"word (\d+) \(counted from 0\) does not multiply .*": odds_off,
        r"it gives (\S+), but what is left .* between 0 and (\S+), .*": outside,
        r"it gives (\S+) where every context settles .*": left_over,
        r"for N = 1 its second item is not log10 of its first, .*": no_logarithm_for_one,
        r"its second item does not grow by log10\(d\) .*": grows_otherwise,
    }


# --- answers written for torch -----------------------------------------------------------------


def relabel_torch(tokens, z, p):
    return torch.take(p, tokens), torch.index_select(z, 1, p)


def bayes_torch(prior, likelihood):
    logs = torch.cumsum(torch.log(likelihood), dim=0) + torch.log(prior)
    return torch.softmax(logs, dim=1)


def conditional_entropy_torch(joint):
    return torch.special.entr(joint).sum() - torch.special.entr(joint.sum(dim=1)).sum()


def dimensions_torch(N, d):
    return torch.mul(N, d), N * torch.log10(d)


@pytest.mark.parametrize(
    "function", [relabel_torch, bayes_torch, conditional_entropy_torch, dimensions_torch]
)
def test_an_answer_written_for_torch_passes(function):
    verdict = judge(find(f"one_hot.{function.__name__.removesuffix('_torch')}"), function)
    assert verdict.passed, (verdict.line, verdict.help)


def test_a_mistake_written_for_torch_is_named():
    def inverted(tokens, z, p):
        return torch.take(p, tokens), z[:, torch.argsort(p)]

    def underflow(prior, likelihood):
        joint = prior * torch.cumprod(likelihood, dim=0)
        return joint / joint.sum(dim=1, keepdim=True)

    assert "moved by the inverse of p" in judge(find("one_hot.relabel"), inverted).reason
    assert "after hundreds of them" in judge(find("one_hot.bayes"), underflow).reason


@pytest.mark.parametrize(
    "floored",
    [
        lambda likelihood: likelihood + 1e-9,
        lambda likelihood: likelihood + 1e-12,
        lambda likelihood: np.maximum(likelihood, 1e-6),
        lambda likelihood: np.where(likelihood == 0, 1e-16, likelihood),
    ],
)
def test_a_small_number_does_not_stand_for_an_impossible_word(floored):
    def plain(prior, likelihood):
        return bayes(prior, floored(likelihood))

    def logarithms(prior, likelihood):
        small = floored(np.zeros(1))
        logs = np.log(prior + small) + np.cumsum(np.log(floored(likelihood)), axis=0)
        return np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])

    for answer in (plain, logarithms):
        said = judge(find("one_hot.bayes"), answer).reason
        assert "excludes it for good" in said or "cannot have said one of the words" in said


@pytest.mark.parametrize("n", [10, 330, 1000])
def test_a_belief_that_fell_below_every_number_comes_back(n):
    """n words against a sense and n for it leave the prior, exactly."""
    against = np.tile([0.1, 1.0], (n, 1))
    prior = np.array([0.3, 0.7])
    assert close(bayes(prior, np.vstack([against, against[:, ::-1]]))[-1], prior, rtol=1e-9)


def test_a_probe_brings_an_impossible_sense_back_if_there_is_any_way():
    n = 0
    for probe in find("one_hot.bayes").draw():
        prior, likelihood = probe.args
        dead = (likelihood == 0).any(axis=0)
        never = bayes(prior, likelihood)[-1][dead]
        tiny = bayes(prior, np.where(likelihood == 0, 1e-25, likelihood))[-1][dead]
        assert (never == 0).all()
        n += int((tiny > 0.99).any())
    assert n >= 2  # once for each seed, at least


def test_the_full_stop_of_the_course_is_told_apart():
    def by_the_book(prior, likelihood):
        b, rows = prior, []
        for word in likelihood:
            b = b * word / sum(b * word)
            rows.append(b)
            b = 0.85 * b + 0.15 / 5
        return np.array(rows)

    said = judge(find("one_hot.bayes"), by_the_book).reason
    assert said.endswith("here the sense stays the same from word to word")


def test_the_digits_of_a_dimension_are_told_from_its_logarithm():
    def digits(N, d):
        pairs = np.broadcast(N, d)
        return N * d, np.array([len(str(int(b) ** int(a))) for a, b in pairs]).reshape(pairs.shape)

    assert "number of digits" in judge(find("one_hot.dimensions"), digits).reason


# --- where the judge says an answer is off ------------------------------------------------------


def test_a_single_number_has_no_place():
    def off_once(joint):
        return conditional_entropy(joint) + (joint.size == 15)

    told = judge(find("one_hot.conditional_entropy"), off_once).help
    assert any(h.startswith("It gives ") and ", expected " in h for h in told)
    told = judge(find("one_hot.conditional_entropy"), lambda joint: np.nan).help
    assert len(told) == 1 and told[0].startswith("Tried with ")  # nothing to add to "is NaN"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (-5.0, "At [1] of the second item it gives -5, exp"),
        (np.nan, "The first NaN is at [1] of the second"),
    ],
)
def test_a_place_names_its_item(value, told):
    def off(N, d):
        one, many = dimensions(N, d)
        many.flat[1] = value
        return one, many

    assert judge(find("one_hot.dimensions"), off).help[-1].startswith(told)


def test_the_first_number_that_is_not_finite_is_called_what_it_is():
    def last(value):
        def answer(prior, likelihood):
            belief = bayes(prior, likelihood)
            belief[-1, 0] = value
            return belief

        return judge(find("one_hot.bayes"), answer).help

    assert "The first NaN is at [3, 0]." in last(np.nan)
    assert "The first infinite number is at [3, 0]." in last(-np.inf)


def test_integers_reach_torch_as_integers_and_as_numbers_only_if_need_be():
    seen = []

    def indexing(tokens, z, p):
        seen.append((tokens.dtype, z.dtype, p.dtype))
        return torch.take(p, tokens), z[:, p]

    def averaging(N, d):  # torch refuses the mean of integers
        seen.append((N.dtype, d.dtype))
        pairs = torch.stack(torch.broadcast_tensors(N, torch.log10(d)))
        return N * d, 2 * pairs[1] * torch.mean(N[..., None], dim=-1) / 2

    assert judge(find("one_hot.relabel"), indexing).passed
    assert set(seen[-10:]) == {(torch.int64, torch.float64, torch.int64)}
    assert judge(find("one_hot.dimensions"), averaging).passed
    assert seen[-1] == (torch.float64, torch.float64)


# --- what the statements say beyond the probes -------------------------------------------------

numbers = st.integers(0, 2**32 - 1)


@given(numbers, st.integers(1, 6), st.integers(2, 9))
def test_a_model_relabelled_by_its_inverse_is_the_model_again(seed, N, V):
    rng = np.random.default_rng(seed)
    tokens, z, p = rng.integers(V, size=N), rng.normal(size=(N, V)), rng.permutation(V)
    new, old = relabel(tokens, z, p)
    again, z_again = relabel(new, old, np.argsort(p))
    assert (again == tokens).all() and (z_again == z).all()


@given(numbers, st.integers(1, 8), st.integers(2, 5))
def test_the_order_of_the_words_does_not_matter_to_the_last_belief(seed, n, S):
    rng = np.random.default_rng(seed)
    prior, likelihood = rng.dirichlet(np.ones(S)), rng.uniform(0.01, 1, size=(n, S))
    at_once = prior * likelihood.prod(axis=0)
    for order in (np.arange(n), rng.permutation(n)):
        last = bayes(prior, likelihood[order])[-1]
        np.testing.assert_allclose(last, at_once / at_once.sum(), atol=1e-12)


def test_the_probe_of_many_words_leaves_the_senses_undecided():
    long = [p.args for p in find("one_hot.bayes").draw() if len(p.args[1]) == 200]
    assert long and all(bayes(*args)[-1].max() < 0.999 for args in long)
    assert all((args[1].prod(axis=0) == 0).all() for args in long)


@given(numbers, st.integers(1, 5), st.integers(1, 6))
def test_a_context_never_adds_uncertainty(seed, C, V):
    joint = np.random.default_rng(seed).dirichlet(np.full(C * V, 0.3)).reshape(C, V)
    left = conditional_entropy(joint)
    assert -1e-12 <= left <= entropy(joint.sum(axis=0)) + 1e-12
    assert left == pytest.approx(entropy(joint) - entropy(joint.sum(axis=1)), abs=1e-9)
    alone = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    assert conditional_entropy(alone) == pytest.approx(entropy(joint.sum(axis=0)), abs=1e-9)


@given(st.integers(1, 40), st.integers(1, 40))
def test_dimensions_are_those_of_a_sum_and_of_a_product_of_spaces(N, d):
    one, many = dimensions(np.array([N]), np.array([d]))
    assert one == sum(len(np.eye(d)) for _ in range(N))
    assert many == pytest.approx(math.log10(math.prod([d] * N)))
