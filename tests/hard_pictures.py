"""One call of every picture that works, for the walk of the public surface."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from random_models import MONEY, random_model

from operator_lab import corpus, pretrained, pseudospectra
from operator_lab import thermodynamics as td
from operator_lab.layernorm import growth

RNG = np.random.default_rng(1)
AX = plt.figure().subplots()
MODEL = random_model(features=8, heads=2, hidden=8, layers=2)
LANGUAGE = corpus.compound()
GROKKED = td.grok(td.Task(p=3, steps=3, features=4, heads=2, hidden=4, every=1), progress=False)
RUN = MODEL.run(MONEY)
A = RNG.normal(size=(6, 6))
FOUND = pseudospectra.pseudospectrum(A, 12)
KREISS = pseudospectra.kreiss(0.1 * A)
LAWS = RNG.dirichlet(np.ones(5), size=(3, 4))
LOOKS = np.array([0.0, 1.0, 4.0])
HELD = {
    f"{name} {r}": np.array([0.1, 0.2]) for name in ("embedding", "unembedding") for r in (2, 4)
}
PICTURE = next(iter(pretrained.pictures()))
SUMMED = {"plain": {"truncated": np.ones((2, 4)), "reduced rank": np.ones((2, 4))}}
CURVES = {"a": np.array([3.0, 2.0, 1.0]), "b": np.array([2.0, 1.5, 1.0])}
ROWS = {"a": np.array([[0.1, 0.4, 0.5], [0.2, 0.3, 0.6]]), "b": np.array([[0.2, 0.4, 0.7]])}
SEEN = {
    "excess": RNG.random((2, 3)) + 0.1, "hop sizes": RNG.random((2, 3, 4)),
    "hop left": RNG.random((2, 3, 4)), "at T/T0": RNG.random((2, 3, 5)) + 0.1,
    "flip": RNG.random((2, 3)),
}  # fmt: skip


def halved(x, t=0.0):
    return -0.5 * x


def kept(x, velocity=None):
    return x if velocity is None else velocity


PICTURES: dict[str, dict] = {
    "channels.blocks": dict(M=A, heads=2),
    "channels.by_sense": dict(M=A[:3, :3], names=["a", "b", "c"], most=1.0),
    "channels.schmidt": dict(series={"a": abs(A[:2]), "b": abs(A[2:4])}),
    "channels.harm": dict(silenced=abs(A[:2]), carried=A[2:4]),
    "continuum.layers": dict(velocity=halved, x=A, counts=[1, 2], feature=0),
    "continuum.splitting": dict(
        parts=[halved, halved], x=A, constrain=kept, tangent=kept, counts=[1, 2, 4]
    ),
    "continuum.convergence": dict(series={"a": (np.array([1, 2]), np.array([0.1, 0.2]))}),
    "continuum.limits": dict(times=[1, 2], series={"a": np.array([0.1, 0.2])}),
    "dyson.strength": dict(runs={"a": RUN}, count=6, keep=4),
    "dyson.paths": dict(words=["a", "b", "c"], layers=2),
    "dyson.radii": dict(found={("model", "on_site"): [0.1, 0.2]}),
    "dyson.errors": dict(series=CURVES),
    "dyson.shares": dict(series=CURVES),
    "embedding.rank": dict(held=HELD, ranks=[2, 4]),
    "embedding.senses": dict(X=RNG.normal(size=(95, 8)), language=LANGUAGE),
    "embedding.ranks": dict(held=HELD, which=[2, 4]),
    "layernorm.depth": dict(stacks={"pre": growth(4, features=8, positions=4)}),
    "layernorm.curves": dict(series=CURVES),
    "layernorm.regulated": dict(found=abs(A[:2].reshape(2, 3, 2)), rates=[0.1, 0.2, 0.3],
                                names=["a", "b"], worst=0.5),
    "layernorm.settling": dict(moves=ROWS),
    "measurement.simplex": dict(
        found={"a": LAWS}, exact=LAWS[0], senses=LANGUAGE.senses, names=["a", "b", "c"]
    ),
    "measurement.beliefs": dict(belief=LAWS[0], exact=LAWS[1], senses=LANGUAGE.senses),
    "measurement.stakes": dict(at_stake={"x": 0.1, "y": 0.0}, shares={"a": {"x": 0.1, "y": 0.2}}),
    "measurement.generated": dict(
        left=AX, right=AX, temperatures=LOOKS, entropy=LOOKS + 1, inside=LOOKS / 4, floor=0.5
    ),
    "mixing.temperature": dict(ratios=np.array([0.5, 1.0])),
    "mixing.matrix": dict(A=abs(A), words=list("abcdef")),
    "mixing.flips": dict(series=CURVES),
    "mixing.spectrum": dict(eigenvalues=np.linalg.eigvals(A)),
    "mixing.seeds": dict(results=CURVES),
    "one_hot.memory": dict(lengths=[0, 1, 2], curves=CURVES, most=4.5),
    "pretrained.truncation": dict(picture=PICTURE),
    "pretrained.curves": dict(series=CURVES, at=[1.0, 2.0, 3.0]),
    "pretrained.levels": dict(names=["a", "b"], shares=[0.1, -0.2]),
    "pretrained.heads": dict(share=A),
    "pretrained.foretold": dict(share=A, effect=A),
    "pseudospectra.contour": dict(
        found={"a": FOUND}, growth={"a": np.array([1.0, 2.0])}, constants={"a": KREISS},
        levels=np.array([0.1, 0.2]),
    ),
    "pseudospectra.outline": dict(found=FOUND, eps=0.1),
    "pseudospectra.resolvent": dict(found=FOUND, levels=[0.1, 0.2]),
    "pseudospectra.growth": dict(series=CURVES, bound=1.0),
    "pseudospectra.bulk": dict(
        values=np.array([0.1, 0.2]), at=LOOKS, density=LOOKS, reach=2.0
    ),
    "resummation.plane": dict(model=random_model(features=8, heads=2, hidden=8),
                              layers=[2], count=18, words=3),
    "resummation.law_of": dict(x=RNG.normal(size=(2, 8)), position=-1, run=RUN),
    "resummation.singularities": dict(
        zeros=np.array([1 + 1j]), other=np.array([2j]), poles=np.array([1.0 + 0j]), radius=1.0
    ),
    "resummation.errors": dict(series=CURVES),
    "resummation.residuals": dict(series=CURVES),
    "resummation.helped": dict(summed=SUMMED, order=1),
    "thermodynamics.heat": dict(ratios=np.array([0.5, 1.0, 2.0])),
    "thermodynamics.lifted": dict(
        strengths=np.array([0.1, 1.0]), spectra={"a": np.sort(abs(RNG.normal(size=(2, 20))))},
        count=12,
    ),
    "thermodynamics.curves": dict(ratios=np.array([0.5, 1.0, 2.0]), series=CURVES),
    "thermodynamics.landings": dict(found=CURVES),
    "thermodynamics.simplex": dict(E=[0.0, 0.3, 1.0]),
    "thermodynamics.grokking": dict(top=AX, middle=AX, bottom=AX, run=GROKKED),
    "training.becoming": dict(steps=LOOKS, ratios=np.geomspace(0.5, 2, 5), seen=SEEN),
    "training.progress": dict(steps=LOOKS, curves=ROWS),
    "training.jump": dict(steps=LOOKS, rows=ROWS, exact=0.7),
    "training.ladder": dict(rungs=CURVES),
    "training.losses": dict(curves={"a": (LOOKS, LOOKS + 1)}, bounds={"floor": 0.5}),
    "look.line": dict(i=1), "look.hue": dict(i=1), "look.marker": dict(i=1),
    "look.plain": dict(text="$x"), "living.first_frame": dict(head=(0, 1)),
}  # fmt: skip
GIVEN = {f"figures.{name}": call for name, call in PICTURES.items()}
