"""Embedding: a change of basis leaves the law alone, a cut in rank is the best there is."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from random_models import MONEY, random_model
from scipy.stats import ortho_group

import operator_lab as lab
from operator_lab import embedding as em
from operator_lab.corpus import AMBIGUOUS, compound, depth
from operator_lab.errors import LabError

matrices = st.tuples(st.integers(2, 7), st.integers(2, 6)).flatmap(
    lambda shape: arrays(float, shape, elements=st.floats(-5, 5).map(lambda x: round(x, 3)))
)
MATRICES = ("W_E", "W_U.weight")
ONE_SENSE = dict(money=["coin"], river=["shore"], music=["drum"], game=["ball"], wild=["owl"])


@pytest.fixture(scope="module")
def reference():
    return {trained: lab.reference(trained=trained) for trained in (True, False)}


def random_rotation(d, seed=0):
    return ortho_group.rvs(d, random_state=seed)


# ---- what the language knows of its words --------------------------------------------------------


@pytest.mark.parametrize("language", [compound(), depth()], ids=lambda x: x.name)
def test_senses_of_words(language):
    share = em.senses_of(language)
    assert share.sum(1) == pytest.approx(1, abs=1e-14)
    for word, senses in AMBIGUOUS.items():
        expected = [0.5 * (s in senses) for s in language.senses]
        assert share[language.index(word)] == pytest.approx(expected, abs=1e-14)
    assert share[language.index("paid")] == pytest.approx([1, 0, 0, 0, 0], abs=1e-14)
    assert share[language.index("the")] == pytest.approx(0.2, abs=1e-14)
    assert (share == 0.5).any(1).sum() == len(AMBIGUOUS)


def test_words_of_one_part_of_speech():
    language = compound()
    alike = em.alike(language)
    said_at = {
        w: {n for n, node in language.nodes.items() if any(w in by for by in node.says.values())}
        for w in language.words
    }
    same = [[said_at[v] == said_at[w] and v != w for w in language.words] for v in language.words]
    assert (alike == np.array(same)).all()
    i = language.index
    assert alike[i("paid"), i("sang")] and not alike[i("the"), i("a")]


# ---- lengths, angles, ranks ---------------------------------------------------------------------


def test_cosines_of_orthonormal_rows():
    near = em.cosines(random_rotation(6))
    assert np.diag(near) == pytest.approx(1)
    assert near[~np.eye(6, dtype=bool)] == pytest.approx(-1 / 5)  # 0, were the mean left in
    rows = np.vstack([np.eye(3), -np.eye(3)])  # whose mean is 0 already
    assert em.cosines(rows) == pytest.approx(rows @ rows.T)


@given(arrays(float, (5, 4), elements=st.floats(-5, 5)), st.floats(0.1, 10), st.floats(-3, 3))
def test_cosines_see_neither_place_nor_size_nor_axes(X, scale, shift):
    assume(np.linalg.norm(X - X.mean(0), axis=1).min() > 1e-2)
    moved = scale * X @ random_rotation(4).T + shift
    assert em.cosines(moved) == pytest.approx(em.cosines(X), abs=1e-8)


@given(matrices.filter(lambda X: abs(X).max() > 0.1), st.floats(0.01, 100))
def test_effective_rank_is_a_number_of_directions(X, scale):
    rank = em.effective_rank(X)
    assert 1 - 1e-12 <= rank <= np.linalg.matrix_rank(X) + 1e-9
    turned = scale * random_rotation(len(X)) @ X @ random_rotation(X.shape[1], 1)
    assert em.effective_rank(turned) == pytest.approx(rank, rel=1e-6)


@given(st.integers(1, 8), st.floats(0.01, 100))
def test_effective_rank_of_known_matrices(n, scale):
    assert em.effective_rank(scale * np.eye(n)) == pytest.approx(n)
    assert em.effective_rank(scale * np.outer(np.arange(1, n + 2), np.ones(3))) == pytest.approx(1)
    if n > 1:
        assert em.effective_rank(scale * np.eye(n) + 7.0, centred=True) == pytest.approx(n - 1)
    p = np.array([0.5, 0.25, 0.25])
    assert em.effective_rank(np.diag(p)) == pytest.approx(2**1.5)  # exp of 1.5 bits


@given(matrices.filter(lambda X: np.linalg.matrix_rank(X) > 1), st.integers(0, 10**6))
def test_no_matrix_of_that_rank_is_nearer(W, seed):
    sizes = np.linalg.svd(W, compute_uv=False)
    rng = np.random.default_rng(seed)
    for rank in range(1, min(W.shape) + 1):
        best = em.downfolded(W, rank)
        assert best.shape == W.shape
        assert np.linalg.matrix_rank(best, tol=1e-9 * sizes[0]) == min(rank, (sizes > 1e-9).sum())
        off = np.linalg.norm(W - best)
        assert off == pytest.approx(np.linalg.norm(sizes[rank:]), abs=1e-9)
        for _ in range(3):  # rows from a random subspace, as near as they come
            B = np.linalg.qr(rng.normal(size=(W.shape[1], rank)))[0]
            for _ in range(3):  # and improved by turns: rows, then columns
                A = np.linalg.qr(W @ B)[0]
                assert np.linalg.norm(W - A @ A.T @ W) >= off - 1e-9
                B = np.linalg.qr(W.T @ A)[0]
    assert abs(em.downfolded(W, min(W.shape)) - W).max() < 1e-12 * max(1, abs(W).max())


def test_principal_directions_carry_the_variances():
    X = np.random.default_rng(0).normal(size=(200, 5)) * [1, 5, 2, 0.5, 3] + 4
    P = em.principal(X, 5)
    assert abs(P.T @ P - np.eye(5)).max() < 1e-12
    spread = np.cov(X.T)
    assert np.diag(P.T @ spread @ P) == pytest.approx(np.linalg.eigvalsh(spread)[::-1])
    assert em.principal(X) == pytest.approx(P[:, :2])


# ---- what the model hears, what training added ---------------------------------------------------


@pytest.mark.parametrize("shape", [dict(), dict(rms=True), dict(norm="none")], ids=str)
def test_vectors_and_bras_are_what_the_model_hears(shape):
    """Replacing the weights by them changes no law; what they leave out is what LayerNorm drops."""
    model = random_model(**shape)
    W_E, W_U = em.vectors(model), em.bras(model)
    heard = {"W_E": W_E, "W_U.weight": W_U}
    if "final_norm.gain" in model.weights:
        heard["final_norm.gain"] = np.ones(16)
    found = model.with_weights(heard).run(MONEY).law
    assert abs(found - model.run(MONEY).law).max() < 1e-12
    centred = not shape
    assert (abs(W_E.mean(1)).max() < 1e-14) == centred == (abs(W_U.mean(1)).max() < 1e-14)
    W_E[:] = 0
    assert abs(model.weights["W_E"]).max() > 0  # only a copy was lent


@given(st.integers(0, 10**6), st.floats(-2, 2))
def test_what_training_left_and_what_it_added(seed, share):
    start, other = np.random.default_rng(seed).normal(size=(2, 6, 4))
    left, added = em.grown(share * start + other, start)
    assert abs((added * start).sum()) < 1e-9 and left * start + added == pytest.approx(
        share * start + other
    )
    shift = left - em.grown(other, start)[0]
    assert shift == pytest.approx(share, abs=1e-9)
    assert em.grown(share * start, start)[1] == pytest.approx(0, abs=1e-12)


# ---- a change of basis --------------------------------------------------------------------------


@given(st.integers(1, 9), st.integers(0, 10**6))
def test_a_rotation_is_orthogonal_and_keeps_what_it_should(d, seed):
    R = em.rotation(d, seed)
    assert abs(R @ R.T - np.eye(d)).max() < 1e-12 and (em.rotation(d, seed) == R).all()
    keep = np.random.default_rng(seed).normal(size=d)
    K = em.rotation(d, seed, keep)
    assert abs(K @ K.T - np.eye(d)).max() < 1e-12
    assert abs(K @ keep - keep).max() < 1e-12 * np.linalg.norm(keep)
    if d > 2:
        assert abs(K - np.eye(d)).max() > 1e-3 and abs(R - em.rotation(d, seed + 1)).max() > 1e-3


def test_rotations_have_no_preferred_axes():
    """Haar's measure on O(d): the trace has mean 0 and variance 1."""
    for keep, rest in ((None, 0.0), (np.ones(5), 1.0)):
        traces = np.array([np.trace(em.rotation(5, s, keep)) for s in range(500)]) - rest
        assert abs(traces.mean()) < 4 / 500**0.5 and abs(traces.var() - 1) < 4 * (2 / 500) ** 0.5


FREE = [dict(rms=True), dict(norm="none"), dict(norm="none", tied=True)]
MEANS = [dict(), dict(activation="relu"), dict(tied=True), dict(coupling="hermitian"),
         dict(tau=0.3), dict(causal=False), dict(readout="born")]  # fmt: skip


@pytest.mark.parametrize("shape", FREE + MEANS, ids=str)
def test_a_rotated_model_says_the_same(shape):
    """States turn; laws stay: for every R without means, else for those that keep (1, ..., 1)."""
    model = random_model(seed=3, **shape)
    before = model.run(MONEY)
    keep = None if shape in FREE else np.ones(16)
    for seed in range(3):
        R = em.rotation(16, seed, keep)
        after = em.rotated(model, R).run(MONEY)
        assert abs(after.law - before.law).max() < 1e-12
        assert abs(after.states - before.states @ R.T).max() < 1e-11
    minus = em.rotated(model, -np.eye(16)).run(MONEY)  # the direction of (1, ..., 1), turned round
    assert abs(minus.law - before.law).max() < 1e-12


def test_layernorm_has_axes_of_its_own():
    for seed in range(3):
        model = random_model(seed=seed)
        R = em.rotation(16, seed)
        moved = em.rotated(model, R).run(MONEY).law - model.run(MONEY).law
        assert abs(moved).max() > 1e-3  # mean and (1, ..., 1) part ways
    gains = lab.reference()
    naive = gains.with_weights({"W_E": gains.weights["W_E"] @ em.rotation(64).T})
    assert abs(naive.run(MONEY).law - gains.run(MONEY).law).max() > 0.1  # one matrix is not enough


@pytest.mark.parametrize("shape", [dict(), dict(rms=True), dict(norm="none")], ids=str)
def test_two_rotations_are_one(shape):
    model = random_model(**shape)
    R, Q = em.rotation(16, 1), em.rotation(16, 2)
    twice, once = em.rotated(em.rotated(model, R), Q), em.rotated(model, Q @ R)
    assert all(abs(twice.weights[n] - once.weights[n]).max() < 1e-12 for n in model.weights)
    there_and_back = em.rotated(em.rotated(model, R), R.T)
    identity = em.rotated(model, np.eye(16))
    for n in model.weights:
        assert abs(there_and_back.weights[n] - identity.weights[n]).max() < 1e-12


# ---- senses in a plane --------------------------------------------------------------------------


def pentagon(language, d=7, seed=0):
    """Vectors whose centroids are a regular pentagon in a plane, somewhere in d dimensions."""
    angle = 2 * np.pi * np.arange(5) / 5
    corners = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    plane = np.linalg.qr(np.random.default_rng(seed).normal(size=(d, 2)))[0]
    flat = em.senses_of(language) @ corners
    return flat, 3.0 * flat @ plane.T + np.arange(d)


def test_the_plane_shows_a_regular_pentagon_as_it_is():
    language = compound()
    flat, X = pentagon(language)
    assert abs(em.ring(X, language) - flat).max() < 1e-12
    for word, senses in AMBIGUOUS.items():  # halfway between its own two
        ends = [flat[language.index(w)] for s in senses for w in ONE_SENSE[s]]
        assert em.ring(X, language)[language.index(word)] == pytest.approx(np.mean(ends, axis=0))


def test_a_plane_may_be_borrowed():
    """The places of other vectors in the plane of X: linear in them, and X's own for X."""
    language, rng = compound(), np.random.default_rng(1)
    X, Y = rng.normal(size=(2, 95, 7))
    own = em.ring(X, language)
    assert em.ring(X, language, of=X) == pytest.approx(own)
    half = em.ring(0.5 * (X + Y), language, of=X)
    assert half == pytest.approx(0.5 * (own + em.ring(Y, language, of=X)))


@given(st.integers(0, 10**6), st.floats(0.1, 10), st.floats(-3, 3))
def test_the_plane_sees_neither_place_nor_size_nor_axes(seed, scale, shift):
    language = compound()
    X = np.random.default_rng(seed).normal(size=(95, 6))
    moved = scale * X @ random_rotation(6).T + shift
    assert em.ring(moved, language) == pytest.approx(em.ring(X, language), abs=1e-8)
    assert em.between_senses(moved, language) == pytest.approx(
        em.between_senses(X, language), abs=1e-8
    )


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("name", MATRICES)
def test_the_senses_stand_in_their_order(name, trained, reference):
    """As in a pentagon, up to its sense of rotation: trained or not, by what the plane is."""
    language, X = compound(), reference[trained].weights[name]
    places = em.ring(X, language)
    middle = np.stack([places[em.senses_of(language)[:, k] == 1].mean(0) for k in range(5)])
    angles = np.angle(middle[:, 0] + 1j * middle[:, 1])
    steps = np.angle(np.exp(1j * np.diff(np.append(angles, angles[0]))))
    assert abs(steps.sum()) == pytest.approx(2 * np.pi) and len(set(np.sign(steps))) == 1
    assert abs(np.degrees(abs(steps)) - 72).max() < 30  # trained at most 13, untrained 25
    assert np.linalg.norm(middle, axis=1).mean() == pytest.approx(1)


def test_centroids_are_means_of_words_with_one_sense():
    language = compound()
    X = np.random.default_rng(0).normal(size=(95, 4))
    said = {
        w: {s for node in language.nodes.values() for s, by in node.says.items() if w in by}
        for w in language.words
    }
    for k, sense in enumerate(language.senses):
        own = [i for i, w in enumerate(language.words) if said[w] == {sense}]
        assert em.centroids(X, language)[k] == pytest.approx(X[own].mean(0))


@pytest.mark.parametrize("name", MATRICES)
def test_training_brings_words_of_one_sense_together(name, reference):
    trained = em.likeness(reference[True].weights[name], compound())
    untrained = em.likeness(reference[False].weights[name], compound())
    both, sense, part, neither = trained.values()
    assert both > 0.3 and both > max(sense, part) and min(sense, part) > neither
    assert max(abs(v) for v in untrained.values()) < 0.05  # seen: 0.017


def test_likeness_of_known_vectors():
    """Vectors that are their senses' axes, then their parts of speech: 1 where it should be."""
    language = compound()
    senses = em.likeness(em.senses_of(language), language)
    assert senses["same sense, same part of speech"] == pytest.approx(1)
    assert senses["same sense, other part of speech"] == pytest.approx(1)
    assert senses["other sense, same part of speech"] == pytest.approx(-0.25, abs=0.05)
    roles = np.stack([language.emissions(n).sum(0) > 0 for n in language.nodes], axis=1) * 1.0
    parts = em.likeness(roles, language)
    assert parts["other sense, same part of speech"] == pytest.approx(1)
    assert parts["same sense, other part of speech"] < 0.1


@pytest.mark.parametrize("name", MATRICES)
def test_a_word_of_two_senses_stands_between_them_once_trained(name, reference):
    language = compound()
    share = em.senses_of(language)
    own = share[(share == 0.5).any(1)] == 0.5
    assert own.shape == (5, 5) and (own.sum(1) == 2).all()
    trained = em.between_senses(reference[True].weights[name], language)
    assert trained[own].min() > trained[~own].max()
    untrained = em.between_senses(reference[False].weights[name], language)
    assert untrained[own].min() < untrained[~own].max()
    assert abs(untrained).max() < 0.5 and (trained[own] > 0).all()


def test_cutting_down_what_was_trained_wide_costs_dearly(reference):
    model = reference[True].to("float32")
    cut = {r: model.with_weights({"W_E": em.downfolded(model.weights["W_E"], r)}).excess(48)
           for r in (8, 32, 64)}  # fmt: skip
    assert cut[64] == pytest.approx(model.excess(48), abs=1e-4)
    assert cut[8] > 1 > cut[32] > cut[64]


SQUARE = np.eye(16)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: em.rotated(random_model(), 2 * SQUARE),
         r"orthogonal 16 x 16 matrix, R R\^T = 1; got shape \(16, 16\), off by 3"),
        (lambda: em.rotated(random_model(), np.eye(4)), r"16 x 16 .* got shape \(4, 4\), off by 0"),
        (lambda: em.rotated(random_model(), SQUARE[:4]), r"got shape \(4, 16\), off by nan"),
        (lambda: em.rotated(random_model(), np.full((16, 16), np.nan)),
         "rotation R holds NaN or infinity"),
        (lambda: em.rotated(random_model(norm="post"), SQUARE), "whose norms stand before the"),
        (lambda: em.rotated(random_model(start_norm=True), SQUARE), "whose norms stand before the"),
        (lambda: em.rotated(random_model(bias=True).mapped(lambda w: 0 * w), SQUARE),
         "a gain of 0 beside its bias"),
        (lambda: em.rotation(4, keep=np.ones(3)), "direction to keep is a vector of 4 numbers"),
        (lambda: em.rotation(4, keep=np.zeros(4)), "not all zero"),
        (lambda: em.downfolded(np.ones((80, 64)), 0), "a whole number from 1 to 64; got 0"),
        (lambda: em.downfolded(np.ones((80, 64)), 65), "a whole number from 1 to 64; got 65"),
        (lambda: em.downfolded(np.ones((80, 64)), 2.5), "a whole number from 1 to 64; got 2.5"),
        (lambda: em.downfolded(np.ones(4), 1), r"matrix must have 2 axes"),
        (lambda: em.effective_rank(np.zeros((3, 3))), "A matrix of zeros has no effective rank"),
        (lambda: em.effective_rank(np.ones((3, 3)), centred=True), "A matrix of zeros"),
        (lambda: em.effective_rank(np.array([[np.inf]])), "holds NaN or infinity"),
        (lambda: em.effective_rank(np.ones((0, 3))), "is empty, of shape"),
        (lambda: em.cosines(np.ones((3, 2))), "A row that equals the mean has no direction"),
        (lambda: em.grown(np.ones((2, 2)), np.ones((2, 3))), "Weights of one shape are needed"),
        (lambda: em.grown(np.ones((2, 2)), np.zeros((2, 2))), "the start not zero"),
        (lambda: em.principal(np.eye(3), 4), "principal directions must be .* from 1 to 3; got 4"),
    ],
)  # fmt: skip
def test_mistakes_get_one_sentence(call, message, as_a_learner):
    with pytest.raises(LabError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
