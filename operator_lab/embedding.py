"""A change of basis: from labels to vectors, and the geometry that training gives them (paper II).

Vectors are rows: the vector of word w is row w of W_E [V, d], its bra in the read-out row w of
W_U [V, d].
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from .arrays import unit
from .corpus import Language, grammar_of
from .errors import LabError
from .given import real, whole
from .guard import guarded
from .mixing import entropy
from .model import Model

_READS = ("attention.W_Q", "attention.W_K", "attention.W_V", "mlp.W_1", "mlp.W_3")
_WRITES = ("attention.W_O", "mlp.W_2")


@guarded
def vectors(model: Model) -> Float[ndarray, "V d"]:
    """What W_E says to the model: its rows without the part along (1, ..., 1), which no LayerNorm
    hands on. With RMSNorm or none, W_E as it is.
    """
    return _heard(model, model.weights["W_E"])


@guarded
def bras(model: Model) -> Float[ndarray, "V d"]:
    """The rows of W_U as the normed state meets them, the final gain inside, as in `vectors`."""
    return _heard(model, model.weights["W_U.weight"] * model.weights.get("final_norm.gain", 1.0))


def _heard(model: Model, W):
    shape = model.transformer.shape
    centring = shape.norm == "pre" and not shape.rms
    return W - W.mean(1, keepdims=True) if centring else W.copy()


@guarded(finite=True)
def grown(trained: Float[ndarray, "*n"], start: Float[ndarray, "*m"]) -> tuple[float, ndarray]:
    """What training has left of the initial weights, a share, and what it has added: (a, D).

    trained = a start + D with D orthogonal to the start. LabError for different shapes.
    """
    trained, start = np.asarray(trained, float), np.asarray(start, float)
    if trained.shape != start.shape or not start.any():
        raise LabError(f"Weights of one shape are needed, the start not zero; got {trained.shape}, "
                       f"{start.shape}.")  # fmt: skip
    (a, size), (b, other) = unit(trained), unit(start)
    left = float((a * b).sum() / (b**2).sum() * (size / other))
    return left, trained - left * start


@guarded
def senses_of(language: Language) -> Float[ndarray, "V senses"]:
    """P(sense | word) where the word is said, all senses alike beforehand: rows sum to 1.

    1 for a word of one sense only, 1/2 and 1/2 for an ambiguous one, equal shares for the rest.
    """
    language = grammar_of(language)
    said = np.sum([language.emissions(node) for node in language.nodes], axis=0).T
    return said / said.sum(1, keepdims=True)


@guarded
def alike(language: Language) -> Bool[ndarray, "V V"]:
    """Pairs of different words that the same nodes of the grammar say (the same part of speech)."""
    language = grammar_of(language)
    roles = np.stack([language.emissions(node).sum(0) > 0 for node in language.nodes], axis=1)
    return (roles[:, None] == roles[None]).all(-1) & ~np.eye(len(roles), dtype=bool)


@guarded(own=("X",))
def cosines(X: Float[ndarray, "n d"]) -> Float[ndarray, "n n"]:
    """Cosine of the angle between every two rows, the mean of all rows taken off first."""
    X = real(X, "matrix", 2)
    X, _ = unit(X)
    Y, _ = unit(X - X.mean(0), 1)
    sizes = np.linalg.norm(Y, axis=1, keepdims=True)
    if (sizes == 0).any():
        raise LabError("A row that equals the mean has no direction; leave it out.")
    Y = Y / sizes
    return Y @ Y.T


@guarded
def likeness(X: Float[ndarray, "V d"], language: Language) -> dict[str, float]:
    """Mean cosine of words that one sense says: same or other sense, same or other part of speech.

    Parts of speech as in `alike`. All four are near 0 for vectors that know nothing.
    """
    share, near = senses_of(language), alike(language)
    if len(X) != len(share):
        raise LabError(f"X has {len(X)} rows; give one for each of the {len(share)} words.")
    own = share.max(1) == 1
    pairs = own[:, None] & own & ~np.eye(len(own), dtype=bool)
    same = share.argmax(1)[:, None] == share.argmax(1)
    found = cosines(X)
    return {
        f"{sense} sense, {part} part of speech": float(found[pairs & a & b].mean())
        for sense, a in (("same", same), ("other", ~same))
        for part, b in (("same", near), ("other", ~near))
    }


@guarded(own=("X",))
def effective_rank(X: Float[ndarray, "n d"], centred: bool = False) -> float:
    """exp of the entropy of the singular values' shares (effective rank; Roy and Vetterli 2007).

    Between 1 and the rank; `centred` takes the mean row off first. LabError for a zero matrix.
    """
    X = real(X, "matrix", 2)
    sizes = np.linalg.svd(X - X.mean(0) if centred else X, compute_uv=False)
    if not sizes.any():
        raise LabError("A matrix of zeros has no effective rank.")
    return float(np.exp(entropy(sizes / sizes.sum())))


@guarded(own=("W", "rank"))
def downfolded(W: Float[ndarray, "n d"], rank: int) -> Float[ndarray, "n d"]:
    """The best approximation of W by a matrix of this rank (truncated SVD; Eckart-Young).

    LabError for a rank of 0 or beyond the smaller side.
    """
    W = real(W, "matrix", 2)
    rank = whole(rank, "The rank", most=min(W.shape))
    U, sizes, Vh = np.linalg.svd(W, full_matrices=False)
    return (U[:, :rank] * sizes[:rank]) @ Vh[:rank]


@guarded(own=("X", "count"))
def principal(X: Float[ndarray, "n d"], count: int = 2) -> Float[ndarray, "d count"]:
    """The directions in which the rows differ most (principal components of the centred rows)."""
    X = real(X, "matrix", 2)
    count = whole(count, "The number of principal directions", most=min(X.shape))
    return np.linalg.svd(X - X.mean(0), full_matrices=False)[2][:count].T


@guarded(own=("R",))
def rotated(model: Model, R: Float[ndarray, "d d"]) -> Model:
    """The same model with every state x turned into R x, and every weight compensated.

    The gains of the norms go into the matrices that read them first, since a gain is tied to the
    axes; so a gain of 0 has no place where a norm adds a bias. Where LayerNorm takes means, the law
    is unchanged exactly if R keeps the direction of (1, ..., 1); with `rms` or no norm for every R.
    LabError for a matrix that is not orthogonal, and for norm="post" or a normed embedding, whose
    gains stand in the stream and cannot be moved.
    """
    R, s = real(R, "rotation R", 2), model.transformer.shape
    if R.shape != (s.features, s.features) or abs(R @ R.T - np.eye(s.features)).max() > 1e-8:
        raise LabError(
            f"A rotation of this model is an orthogonal {s.features} x {s.features} matrix, "
            f"R R^T = 1; got shape {R.shape}, off by {_off(R):.2g}."
        )
    s.without("A rotated basis", "norm", "head")
    if s.norm == "post" or s.start_norm:
        raise LabError("Only models whose norms stand before the steps are rotated (pre-LN).")
    w = model.weights
    if s.biased("norm") and not all(w[n].all() for n in w if n.endswith("gain")):
        raise LabError("A norm of this model has a gain of 0 beside its bias and is not rotated.")
    new = {name: w[name] @ R.T for name in ("W_E", "W_P") if name in w}
    for name, value in w.items():
        block, _, part = name.removeprefix("blocks.").partition(".")
        part = part.removesuffix(".weight")
        if part in _READS:
            norm = f"blocks.{block}.norm_{2 if part.startswith('mlp') else 1}.gain"
            new[name] = (value * w.get(norm, 1.0)) @ R.T
        elif part in _WRITES:
            new[name] = R @ value
        elif part.removesuffix(".bias") in _WRITES:
            new[name] = R @ value
        elif ".norm_" in name and name.endswith("bias") or name == "final_norm.bias":
            new[name] = R @ (value / w[name.removesuffix("bias") + "gain"])
        elif name == "W_U.weight":
            new[name] = (value * w.get("final_norm.gain", 1.0)) @ R.T
        elif name.endswith("gain"):
            new[name] = np.ones_like(value)
    return model.with_weights(new)


@guarded
def rotation(
    features: int, seed: int = 0, keep: Float[ndarray, "d"] | None = None
) -> Float[ndarray, "d d"]:
    """A random rotation (Haar); with `keep`, one that leaves that direction where it is."""
    rng = np.random.default_rng(seed)
    if keep is None:
        return _haar(features, rng)
    keep = np.asarray(keep, float)
    if keep.shape != (features,) or not keep.any():
        raise LabError(f"The direction to keep is a vector of {features} numbers, not all zero.")
    basis = np.linalg.qr(np.column_stack([keep, rng.normal(size=(features, features - 1))]))[0]
    inner = np.eye(features)
    inner[1:, 1:] = _haar(features - 1, rng)
    return basis @ inner @ basis.T


def _haar(n: int, rng) -> ndarray:
    Q, upper = np.linalg.qr(rng.normal(size=(n, n)))
    return Q * np.sign(np.diag(upper))


def _off(R) -> float:
    square = R.shape[0] == R.shape[1]
    return float(abs(R @ R.T - np.eye(len(R))).max()) if square else float("nan")


@guarded(own=("X",))
def centroids(X: Float[ndarray, "V d"], language: Language) -> Float[ndarray, "senses d"]:
    """The mean vector of the words that only one sense says, for each sense."""
    X, share = real(X, "matrix", 2), senses_of(language)
    if len(X) != len(share):
        raise LabError(f"{len(X)} vectors for the {len(share)} words of this language.")
    return np.stack([X[share[:, k] == 1].mean(0) for k in range(share.shape[1])])


@guarded(finite=True)
def between_senses(X: Float[ndarray, "V d"], language: Language) -> Float[ndarray, "words senses"]:
    """Cosine of each ambiguous word with each sense's centroid, the centroids' mean taken off.

    Rows are the words of two senses, in the order of the vocabulary.
    """
    C, share = centroids(X, language), senses_of(language)
    x = real(X, "matrix", 2)[(share == 0.5).any(1)] - C.mean(0)
    (x, _), (C, _) = unit(x, 1), unit(C - C.mean(0), 1)
    return (x @ C.T) / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(C, axis=1)


@guarded(finite=True)
def ring(
    X: Float[ndarray, "V d"], language: Language, of: Float[ndarray, "V d"] | None = None
) -> Float[ndarray, "V 2"]:
    """The words in the plane that shows the senses in their ring (first Fourier mode).

    The plane spans sum_k cos(2 pi k / n) c_k and sum_k sin(2 pi k / n) c_k of the centroids c_k,
    those of the vectors `of` where given; lengths are in units of the centroids' mean distance
    from their middle. The projection alone puts any n centroids on a ring; what it cannot know is
    where the words of two senses fall.
    """
    C = centroids(X if of is None else of, language)
    angle = 2 * np.pi * np.arange(len(C)) / len(C)
    middle, (C, size) = C.mean(0), unit(C - C.mean(0))
    plane = np.linalg.qr(np.stack([np.cos(angle) @ C, np.sin(angle) @ C], axis=1))[0]
    plane = plane * np.sign((np.stack([np.cos(angle), np.sin(angle)]) * (C @ plane).T).sum(1))
    scale = np.linalg.norm(C @ plane, axis=1).mean()
    return ((real(X, "matrix", 2) - middle) / size) @ plane / scale
