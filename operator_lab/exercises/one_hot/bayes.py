"""What the words so far say of the sense (notebook 01; paper II).

One sense stands behind all words and stays; beliefs are rows, one after each word.
"""

from __future__ import annotations

import numpy as np

from ...judge import PLAIN, Case, Exercise, Law, differ, mistakes, short


def bayes(prior, likelihood):
    """What is believed of S senses after each of n words: likelihood[t, s] = P(word t | sense s).

    `prior` [S] is the belief before the first word; returns [n, S].
    """
    with np.errstate(divide="ignore"):  # log 0 = -inf: what is impossible stays so
        belief, beliefs = np.log(prior), []
        for word in np.log(likelihood):  # as a number, a belief below 1e-324 would be lost for good
            belief = belief + word
            belief = belief - np.logaddexp.reduce(belief)
            beliefs.append(np.exp(belief))
    return np.array(beliefs)


def _bayes_cases(rng):
    for n, S in ((4, 3), (1, 2), (3, 3)):
        prior, likelihood = rng.dirichlet(np.ones(S)), rng.uniform(0.05, 0.9, size=(n, S))
        yield Case((prior, likelihood), f"n = {n} words, S = {S} senses")
    likelihood = rng.uniform(0.1, 0.6, size=(5, 4))
    likelihood[[1, 3], [0, 2]] = 0  # sense 0 cannot say word 1, sense 2 cannot say word 3
    yield Case((np.array([0.4, 0.3, 0.2, 0.1]), likelihood), "5 words, 4 senses, two zeros")
    prior = np.array([0.98, 0.015, 0.005])
    yield Case((prior, rng.uniform(0.1, 0.9, size=(6, 3))), "a prior that is nearly certain")
    rare = 1e-3 * np.exp(0.15 * rng.normal(size=(200, 3)))
    yield Case((np.array([0.2, 0.5, 0.3]), rare), "200 words, all likelihoods about 0.001")
    # Whatever small number stands for the zero, one word brings sense 0 back to almost one.
    strong = rng.uniform(2e-3, 4e-3, size=(20, 3))
    strong[:, 0] = 0.9
    strong[9] = 0, 0.3, 0.2
    label = "20 words, all but one speak for sense 0, which cannot say the tenth"
    yield Case((np.array([0.5, 0.2, 0.3]), strong), label)
    against = np.tile([0.1, 1.0], (400, 1))  # sense 0 falls to 1e-400, and comes back
    turned = np.vstack([against, against[:, ::-1]])
    yield Case((np.array([0.6, 0.4]), turned), "800 words, half against sense 0, then half for it")
    yield Case((np.array([1.0]), np.array([[0.3], [0.2]])), "a single sense")
    prior, often = rng.dirichlet(np.ones(50)), rng.uniform(0.2, 0.9, size=(50, 50))
    often[7], often[:, 9] = often[3], often[:, 8]
    yield Case((prior, often), "50 words, one of them twice, 50 senses, two of them alike")
    rare = 1e-8 * rng.uniform(0.1, 1, size=(60, 3))
    yield Case((np.array([0.2, 0.5, 0.3]), rare), "60 words, all likelihoods below 1e-8")
    # Neither 1e-300 in the place of a zero nor a guess that is forgotten survives these.
    never = np.tile([1.0, 1e-3], (400, 1))
    never[5, 0] = 0
    yield Case((np.array([0.9, 0.1]), never), "400 words for sense 0, which cannot say the sixth")
    against = np.tile([1.0, 1e-3, 2e-3], (300, 1))
    yield Case((np.array([0.0, 0.4, 0.6]), against), "300 words for sense 0, whose prior is 0")


def _certain(args, answer, slack):
    total = answer.sum(axis=1)
    if differ(total, 1.0, slack):
        return (
            f"the beliefs after a word do not add up to one ({short(total.min())} ... "
            f"{short(total.max())})"
        )


def _impossible(args, answer, slack):
    dead = np.cumsum(args[1] == 0, axis=0) > 0
    if np.abs(answer[dead]).max(initial=0) > slack:
        return "it still believes in a sense that cannot have said one of the words so far"


def _odds(args, answer, slack):
    prior, likelihood = args
    right = np.vstack([prior, answer[:-1]]) * likelihood
    crossed = answer[:, :, None] * right[:, None, :]
    gap = np.abs(crossed - crossed.swapaxes(1, 2)).max(axis=(1, 2))
    size = np.abs(answer).max(axis=1) * np.abs(right).max(axis=1)
    if (gap > slack * size).any():
        t = int((gap > slack * size).argmax())
        return f"word {t} (counted from 0) does not multiply the odds by its likelihood ratio"


WRONG = """
underflow: right for few words, but after hundreds of them what is divided by its sum has become \
    0, and 0/0 is NaN: add logarithms, and subtract each row's largest before exp
    return (j := prior * np.cumprod(likelihood, axis=0)) / j.sum(axis=1, keepdims=True)
lost for good: right until a belief is too small for a number and becomes 0: no later word brings \
    it back, though it may speak for that sense: add logarithms
    np.log(prior) => prior
    np.log(likelihood) => likelihood
    belief + word => belief * word
    belief - np.logaddexp.reduce(belief) => belief / belief.sum()
    np.exp(belief) => belief
prior forgotten, underflow: the prior is left out, and after hundreds of words what is divided by \
    its sum has become 0, and 0/0 is NaN: begin with the prior, add logarithms, and subtract each \
    row's largest before exp
    return (j := np.cumprod(likelihood, axis=0)) / j.sum(axis=1, keepdims=True)
prior forgotten, lost for good: the prior is left out, and a belief that has become 0 never comes \
    back: begin with the prior, add logarithms
    np.log(prior) => np.ones(len(prior))
    np.log(likelihood) => likelihood
    belief + word => belief * word
    belief - np.logaddexp.reduce(belief) => belief / belief.sum()
    np.exp(belief) => belief
prior forgotten: the prior is left out: before the first word the belief is not uniform
    np.log(prior) => np.zeros(len(prior))
prior every time: the prior is multiplied in again with every word: it counts once, then the last \
    posterior is the next prior
    np.log(prior) => np.zeros(len(prior))
    belief + word => np.log(prior) + belief + word
latest word: each row knows the prior and its own word only: the words before it count too
    belief + word => np.log(prior) + word
latest word alone: each row is its own word's likelihood, normalised: prior and earlier words are \
    left out
    belief + word => word
sum: likelihoods are added: one word and the next is a product (given the sense, words are \
    independent)
    return (j := prior * np.cumsum(likelihood, axis=0)) / j.sum(axis=1, keepdims=True)
averaged: it averages what each word says on its own: evidence multiplies, many weak hints make \
    one strong belief
    np.log(prior) => 0
    np.log(likelihood) => likelihood
    belief + word => belief + word / word.sum()
    belief = belief - np.logaddexp.reduce(belief) =>
    np.exp(belief) => belief / (len(beliefs) + 1)
not normalised: it is the joint probability of sense and words: divide each row by its sum
    belief = belief - np.logaddexp.reduce(belief) =>
over words: it normalises over the words (axis 0): after each word the senses share one
    return prior * likelihood / (prior * likelihood).sum(axis=0)
last row only: it is the belief after the last word alone: one row after each word is asked
    np.array(beliefs) => np.exp(belief)
prior as a row: it has one row too many, the prior: row 0 is the belief after the first word
    np.log(prior), [] => np.log(prior), [prior]
zero replaced: it puts a small number in the place of 0: a word that a sense never says excludes \
    it for good, whatever is said afterwards
    np.log(likelihood) => np.log(likelihood + 1e-9)
loosened: it loosens the belief after every word, as at a full stop: here the sense stays the \
    same from word to word
    .append(np.exp(belief)) => .append(b := np.exp(belief)); \
        belief = np.log(0.85 * b + 0.15 / len(prior))
loosened, five senses: it loosens the belief after every word, as at a full stop with 5 senses: \
    here the sense stays the same from word to word
    .append(np.exp(belief)) => .append(b := np.exp(belief)); belief = np.log(0.85 * b + 0.15 / 5)
loosened and shown: each row is the belief as a full stop would leave it, loosened: here the \
    sense stays the same from word to word
    belief = belief - np.logaddexp.reduce(belief) => \
        belief = np.log(0.85 * np.exp(belief - np.logaddexp.reduce(belief)) + 0.15 / len(prior))
"""

EXERCISE = Exercise(
    title="What the words so far say of the sense",
    reference=bayes,
    cases=_bayes_cases,
    wrong=mistakes(bayes, WRONG),
    laws=(
        Law("adds up to one", _certain),
        Law("what is impossible stays so", _impossible),
        Law("odds", _odds),
    ),
    hints=(
        "After a word each sense has as much belief as before, times how well it foretold the "
        "word, in shares that add up to one. What is believed then is the prior of the next word.",
        "posterior(s) = prior(s) P(word | s) / sum over senses of the same; repeat, word by word, "
        "in logarithms: a belief may fall below any number and come back.",
        "log = np.log(prior) + np.log(likelihood[0]); log -= np.logaddexp.reduce(log)  # of row 0",
    ),
    minutes=10,
    level="core",
    spared={
        "huge": "probabilities lie between 0 and 1",
        "spread": "probabilities lie between 0 and 1; hundreds of words make beliefs e^2000 apart",
        **PLAIN,
    },
)
