"""The public surface, walked mechanically, with one call of every function that works."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
import torch
from hard_pictures import GIVEN as PICTURES
from matplotlib import pyplot as plt
from random_models import MONEY, RIVER, random_model

from operator_lab import corpus, dyson, measurement, pseudospectra, resummation
from operator_lab import thermodynamics as td
from operator_lab.continuum import Integral, smooth_field
from operator_lab.course.progress import progress
from operator_lab.layernorm import growth
from operator_lab.training import Recipe
from operator_lab.transformer import Transformer

ROOT = Path(__file__).resolve().parent.parent
RNG = np.random.default_rng(0)


def table(*rows: int) -> np.ndarray:
    return RNG.normal(size=rows)


def chances(*rows: int) -> np.ndarray:
    p = RNG.random(rows) + 0.1
    return p / p.sum(-1, keepdims=True)


SMALL = dict(features=8, heads=2, hidden=8, layers=2)
MODEL, TIED = random_model(**SMALL), random_model(tied=True, **SMALL)
RUN = MODEL.run("the man paid the coin")
LANGUAGE = corpus.compound()
GATED = random_model(gated=True, **SMALL).run("the man paid")
TOKENS = LANGUAGE.sample(8, 9, 0)
TEXTS = LANGUAGE.sample(64, 9, 0)
RUNS = MODEL.run_batch(TEXTS)
SQUARE = table(6, 6)
MATRIX = table(6, 4)
P, Q = chances(5), chances(5)
CHAIN = chances(4, 4)
ENERGY = table(3, 5)
SPAN = np.linalg.qr(table(6, 2))[0]
AX = plt.figure().subplots()
SERIES = {"a": np.array([3.0, 2.0, 1.0]), "b": np.array([2.0, 1.5, 1.0])}
READ = measurement.probe(RUNS.states[:, 3], LANGUAGE.posterior(TEXTS))
GROKKED = td.grok(td.Task(p=3, steps=3, features=4, heads=2, hidden=4, every=1), progress=False)
RECIPE = Recipe(shape=dict(features=8, heads=2, layers=1, hidden=8), steps=1, batch=2, warmup=1)
FIELD, KERNEL = smooth_field(), Integral.random()
RATIOS = np.array([0.5, 1.0, 2.0])
STACKS = {"pre": growth(2, features=8, positions=4)}
EXPANSION = resummation.Expansion(RUN, -1, table(6, 8), 1.0)
HOPS = dyson.orders(RUN)


def halved(x, t=0.0):
    return -0.5 * x


def shrink(x):
    return 0.5 * x


# By the name of the function, or of function and parameter: what a call that works is given.
COMMON = {
    "model": MODEL, "run": RUN, "language": LANGUAGE, "sentence": MONEY, "first": MONEY,
    "second": RIVER, "word": "bank", "count": 2, "seed": 1, "head": 0, "ax": AX, "X": MATRIX,
    "S": table(2, 4, 4), "M": SQUARE, "A": SQUARE, "B": SQUARE.T, "T": 0.7, "E": ENERGY, "p": P,
    "q": Q, "layers": 2, "x": table(4, 6), "f": halved, "h": 0.1, "t": 0.0, "features": 6,
    "positions": 3, "heads": [0], "rank": 2, "step": 2, "points": 8, "times": [2, 2],
    "tokens": TOKENS,
    "texts": TOKENS, "title": "a title", "series": SERIES, "words": ("a", "b", "c", "d"),
    "name": "compound", "length": 8, "K": KERNEL, "u": FIELD, "time": 1.0,
    "parts": [halved, halved],
    "ratios": RATIOS, "rate": 0.1, "before": ENERGY, "after": ENERGY + 0.1, "levels": 3,
    "gap": 1.0, "start": np.ones(3), "depth": 2, "lengths": [1, 2], "order": 1, "names": ["a", "b"],
    "law": chances(3, 5), "reach": 2.0, "radius": 0.01, "temperature": 0.8, "share": 0.5,
    "progress": False, "factors": 1, "W": MATRIX, "poles": 1,
    "sequence": table(6, 3), "c": table(6),
    "labels": ["a", "b", "c"], "path": ROOT / "README.md", "layer": 0, "position": -1,
}  # fmt: skip
GIVEN: dict[str, dict] = {
    "channels.subspace": dict(layer=RUN.layers[0], which="query"),
    "channels.overlap": dict(A=SPAN, B=SPAN),
    "channels.overlaps": dict(layer=RUN.layers[0], which="query"),
    "channels.off_block": dict(blocks=2),
    "channels.operator": dict(layer=RUN.layers[0]),
    "channels.effective_count": dict(sizes=np.array([1.0, 0.5])),
    "channels.messages": dict(layer=RUN.layers[0]),
    "channels.scrambled": dict(A=chances(2, 4, 4)),
    "continuum.positions.Integral.causal": dict(self=KERNEL, at=np.array([0.5]), name="gauss"),
    "continuum.positions.Integral.prefix": dict(self=KERNEL, tokens=4),
    "continuum.positions.attend": dict(
        q=table(3, 4), k=table(2, 4), v=table(2, 5), weights=np.ones(2),
        visible=np.ones((3, 2), bool),
    ),
    "continuum.positions.causal_error": dict(tokens=[10]),
    "continuum.stack.displacement": dict(power=1.0),
    "continuum.trained.gap": dict(coarse=MODEL, fine=MODEL),
    "continuum.depth.integrate": dict(method="euler"),
    "continuum.depth.off": dict(exact=table(4, 6)),
    "continuum.projection.onto_tangent": dict(velocity=table(4, 6)),
    "continuum.depth.order": dict(layers=[1, 2], errors=np.array([1.0, 0.5])),
    "continuum.positions.quadrature_error": dict(points=[4], name="gauss", draws=1),
    "continuum.positions.rule": dict(name="gauss"),
    "continuum.stack.smooth_layers": dict(hidden=4),
    "continuum.projection.stretch": dict(project=shrink, pairs=5, size=0.3),
    "corpus.grammar.Language.index": dict(self=LANGUAGE),
    "corpus.grammar.Language.encode": dict(self=LANGUAGE),
    "corpus.grammar.Language.decode": dict(self=LANGUAGE, tokens=TOKENS[0]),
    "corpus.grammar.Language.posterior": dict(self=LANGUAGE),
    "corpus.grammar.Language.law": dict(self=LANGUAGE),
    "corpus.grammar.Language.inside": dict(self=LANGUAGE),
    "corpus.grammar.Language.place": dict(self=LANGUAGE),
    "corpus.grammar.Language.emissions": dict(self=LANGUAGE, node="verb"),
    "corpus.grammar.Language.after": dict(self=LANGUAGE, node="verb"),
    "corpus.grammar.Language.sample": dict(self=LANGUAGE),
    "corpus.texts.text": dict(context=8, most=50, unit="characters"),
    "dyson.series.Attribution.largest": dict(self=dyson.attribute(RUN, "bank")),
    "dyson.series.attribute": dict(against="box"),
    "dyson.bare.at": dict(strengths=np.array([0.1, 0.2j])),
    "dyson.bare.coefficients": dict(count=4),
    "dyson.bare.stable_coefficients": dict(count=4),
    "dyson.bare.radius_of_convergence": dict(c=HOPS + 1.0),
    "dyson.bare.singularities": dict(grid=8, keep=1, reach=1.0),
    "dyson.series.missing": dict(series=HOPS),
    "dyson.series.projections": dict(series=HOPS),
    "dyson.series.sizes": dict(series=HOPS),
    "dyson.series.law_of": dict(x=RUN.states[-1]),
    "dyson.series.reordered": dict(order=[1, 0]),
    "edits.swap": dict(first=RUN, second=MODEL.run("the man paid the box")),
    "edits.put": dict(where=-1, states=np.ones(8)),
    "edits.blind": dict(route="query", reader=1, writer=0),
    "edits.symmetrise": dict(sign=1),
    "edits.silence": dict(position=1),
    "embedding.grown": dict(trained=table(4), start=table(4)),
    "embedding.likeness": dict(X=table(95, 4)),
    "embedding.rotated": dict(R=np.eye(8)),
    "embedding.rotation": dict(keep=np.ones(6)),
    "embedding.centroids": dict(X=table(95, 4)),
    "embedding.between_senses": dict(X=table(95, 4)),
    "embedding.ring": dict(X=table(95, 8), of=table(95, 8)),
    "embedding.downfolded": dict(W=MATRIX),
    "layernorm.jacobian": dict(x=table(6)),
    "layernorm.growth": dict(features=8, positions=4, norm="pre"),
    "layernorm.iterated": dict(model=TIED),
    "measurement.generation.Cache.last": dict(self=measurement.Cache(0), columns=1),
    "measurement.beliefs.Probe.write": dict(self=READ, x=table(3, 8), belief=chances(3, 5)),
    "measurement.generation.advance": dict(token=np.array([3, 4])),
    "measurement.lenses.affine_lens": dict(run=RUNS),
    "measurement.readout.born": dict(z=table(2, 5)),
    "measurement.generation.boundary": dict(columns=[1]),
    "measurement.generation.cut": dict(u=0.5),
    "measurement.readout.effects": dict(bras=table(5, 3)),
    "measurement.beliefs.explained": dict(y=table(9, 2), found=table(9, 2)),
    "measurement.beliefs.found_by_place": dict(
        x=table(90, 4, 2), y=table(90, 4, 2), place=np.array([["a", "b", "a", "b"]] * 90)
    ),
    "measurement.generation.generate": dict(start=".", top_k=3),
    "measurement.lenses.mixed": dict(
        first=TOKENS, second=TOKENS, into=TOKENS
    ),
    "measurement.beliefs.probe": dict(x=table(9, 4), y=table(9, 2)),
    "measurement.generation.read": dict(tokens=TOKENS[:, :3]),
    "measurement.beliefs.replaced": dict(position=np.full(8, 3), state=table(8, 8)),
    "measurement.beliefs.rewritten": dict(
        tokens=TEXTS, states=RUNS.states[:, 4], belief=LANGUAGE.posterior(TEXTS),
        place=LANGUAGE.place(TEXTS), name="verb", step=4,
    ),
    "measurement.generation.tempered": dict(top_k=2),
    "measurement.lenses.translated": dict(run=RUNS, lens=measurement.affine_lens(RUNS)),
    "mixing.entropy": dict(p=P),
    "mixing.stationary": dict(A=CHAIN),
    "mixing.entropy_production": dict(A=CHAIN, p=chances(4)),
    "mixing.coupling": dict(layer=RUN.layers[0]),
    "mixing.transfer": dict(layer=RUN.layers[0]),
    "mixing.between_share": dict(step=RUN.steps[0]),
    "mixing.bare_update": dict(V=SQUARE),
    "mixing.regauged": dict(M=np.eye(4) + 0.1),
    "mixing.told_apart": dict(signs=np.arange(95.0)),
    "mixing.contrast": dict(model=MODEL),
    "mixing.temperature_scan": dict(ratios=[1.0]),
    "model.divergence": dict(exact=chances(3, 5), other=chances(3, 5)),
    "model.Model.tokens": dict(self=MODEL),
    "model.Model.run": dict(self=MODEL),
    "model.Model.run_batch": dict(self=MODEL, sentences=[MONEY]),
    "model.Model.law": dict(self=MODEL),
    "model.Model.excess": dict(self=MODEL),
    "model.Model.cross_entropy": dict(self=MODEL),
    "model.Model.with_transformer": dict(self=MODEL, transformer=MODEL.transformer),
    "model.Model.with_weights": dict(self=MODEL, weights={"W_E": np.ones((95, 8))}),
    "model.Model.mapped": dict(self=MODEL, change=torch.clone),
    "model.Model.to": dict(self=MODEL, precision="float32"),
    "run.Run.final_norm": dict(self=RUN, x=RUN.states[-1]),
    "run.Run.likely": dict(self=RUN),
    "run.Run.frozen": dict(self=RUN, gate="secant"),
    "run.LayerRun.interaction": dict(self=RUN.layers[0]),
    "run.LayerRun.mixing": dict(self=RUN.layers[0]),
    "run.LayerRun.weight": dict(self=RUN.layers[0], name="mlp.W_1.weight"),
    "run.LayerRun.potential": dict(self=RUN.layers[0], gate="secant"),
    "shape.Shape.biased": dict(self=MODEL.shape, part="query"),
    "shape.check_temperature": dict(tau=1.0),
    "references.reference": dict(language="compound", layers=None),
    "one_hot.one_hot": dict(vocabulary=95),
    "one_hot.relabelled": dict(p=np.arange(95)),
    "one_hot.window_law": dict(tokens=TOKENS[:, 1:3]),
    "one_hot.surprise": dict(truth=chances(3, 5), belief=chances(3, 5)),
    "one_hot.observers": dict(count=4),
    "one_hot.remaining": dict(count=8),
    "pretrained.measures.massive": dict(shift=np.zeros((4, 6))),
    "pretrained.measures.by_gate": dict(run=GATED),
    "pretrained.measures.reading": dict(states=RUN.states[1:3]),
    "pretrained.measures.sizes": dict(series=HOPS),
    "pretrained.measures.pooled": dict(x=RUN.states[-1]),
    "pretrained.trip.difference": dict(text=MONEY, word="bank", other="box"),
    "pretrained.trip.falls": dict(text=MONEY, word="bank", other="box"),
    "pretrained.trip.truncation": dict(most=2),
    "pretrained.packages.installed": dict(name="minilm"),
    "pseudospectra.growth.exponentials": dict(times=np.array([0.1, 0.2])),
    "pseudospectra.growth.kreiss": dict(A=0.1 * SQUARE),
    "pseudospectra.growth.products": dict(factors=[SQUARE, SQUARE]),
    "pseudospectra.growth.sensitivity": dict(distance=0.1),
    "pseudospectra.random_matrices.cumulated": dict(s=np.array([1.0]), rows=6, columns=4),
    "pseudospectra.random_matrices.density": dict(s=np.array([1.0]), rows=6, columns=4),
    "pseudospectra.random_matrices.edges": dict(rows=6, columns=4, chance=0.999),
    "pseudospectra.random_matrices.misfit": dict(W=table(12, 9)),
    "pseudospectra.random_matrices.product_law": dict(r=np.array([0.5])),
    "pseudospectra.resolvent.sigma_min": dict(z=np.array([0.5j])),
    "pseudospectra.resolvent.pseudospectrum": dict(window=(-1.0, 1.0, -1.0, 1.0)),
    "pseudospectra.layers.on_site": dict(positions=3),
    "resummation.fixed_points.anderson": dict(f=shrink, memory=2),
    "resummation.fixed_points.picard": dict(f=shrink),
    "resummation.series.borel": dict(x=0.1, poles=0),
    "resummation.series.pade": dict(c=table(6)),
    "resummation.maps.layer_map": dict(model=TIED),
    "resummation.maps.scaled": dict(gain=1.1),
    "resummation.expansion.tail": dict(layers=1),
    "resummation.expansion.expansion": dict(count=4),
    "resummation.expansion.felt": dict(series=EXPANSION, singularities=[]),
    "resummation.expansion.Expansion.sums": dict(self=EXPANSION),
    "resummation.expansion.Expansion.exact": dict(self=EXPANSION, strengths=np.array([0.1])),
    "pseudospectra.resolvent.Pseudospectrum.reach": dict(
        self=pseudospectra.pseudospectrum(SQUARE, 8), eps=2.0
    ),
    "arrays.softmax": dict(z=table(2, 3)),
    "model.Model.checked": dict(self=MODEL),
    "model.Model.replace": dict(self=MODEL),
    "thermodynamics.equilibrium.free_energy": dict(p=chances(3, 5)),
    "thermodynamics.equilibrium.minimised": dict(E=ENERGY[0], start=P),
    "thermodynamics.equilibrium.mirror_step": dict(p=chances(3, 5)),
    "thermodynamics.equilibrium.sparsemax": dict(z=table(2, 5)),
    "thermodynamics.work.balance": dict(path=table(4, 5)),
    "thermodynamics.work.straight": dict(steps=3),
    "thermodynamics.geometry.cooled": dict(E=ENERGY[0], t=0.5),
    "thermodynamics.geometry.geodesic": dict(s=0.5),
    "thermodynamics.geometry.length": dict(path=chances(4, 5)),
    "thermodynamics.geometry.natural_gradient": dict(slope=table(5)),
    "thermodynamics.simplex.contour": dict(E=np.array([0.0, 0.3, 1.0]), excess=0.1),
    "thermodynamics.simplex.placed": dict(p=chances(4, 3)),
    "thermodynamics.freezing.partition_zeros": dict(E=table(6), reach=3.0, height=3.0),
    "thermodynamics.heat.peaks": dict(curves=table(3, 2), ratios=RATIOS),
    "thermodynamics.heat.schottky": dict(T=0.5),
    "thermodynamics.rotary.frequencies": dict(base=10.0),
    "thermodynamics.rotary.interaction": dict(
        q=table(4, 6), k=table(4, 6), positions=np.arange(4.0)
    ),
    "thermodynamics.rotary.rotated": dict(positions=np.arange(4.0)),
    "thermodynamics.rotary.twisted": dict(positions=np.arange(4.0)),
    "thermodynamics.landscape.flat_directions": dict(
        layer=td.Layer(features=2, d_k=2, positions=2, classes=2)
    ),
    "thermodynamics.landscape.lifted": dict(breaking="decay", strengths=np.array([0.1])),
    "thermodynamics.grokking.Grokked.reached": dict(self=GROKKED),
    "thermodynamics.grokking.Grokked.spikes": dict(self=GROKKED),
    "thermodynamics.grokking.Grokked.echoes": dict(self=GROKKED),
    "thermodynamics.grokking.Grokked.later_spikes": dict(self=GROKKED),
    "thermodynamics.grokking.grok": dict(task=GROKKED.task),
    "thermodynamics.grokking.slingshots": dict(loss=np.array([1.0, 0.01, 1.0])),
    "training.recipe.Recipe.rate_at": dict(self=RECIPE, step=0),
    "training.loop.pick_device": dict(device="cpu"),
    "training.loop.texts": dict(recipe=RECIPE, first=0),
    "training.loop.train": dict(recipe=RECIPE, device="cpu"),
    "training.ranks.hold_ranks": dict(
        transformer=Transformer(95, features=8, heads=2, layers=1, hidden=8), ranks={"W_E": 2}
    ),
    "ensembles.engine.ensemble": dict(name="bank"),
    "model.Model.gradients": dict(self=MODEL, readout="bank", point=("head_write", 1)),
    "model.Model.loss": dict(self=MODEL, texts=None),
    "model.Model.rows": dict(self=MODEL, texts=["the man paid the coin"]),
    "shape.Shape.turning": dict(self=MODEL.shape), "shape.Shape.window": dict(self=MODEL.shape),
    "shape.Shape.without": dict(self=MODEL.shape, who="This picture"),
    "course.progress.Progress.page": dict(self=progress(), show=False),
    "device.pick_device": dict(device="cpu"),
} | PICTURES  # fmt: skip
# Not walked, each for its reason.
LEFT = {
    "figures.explorer.Explorer": "its own tests", "figures.living.Living": "its own tests",
    "figures.panels": "records",
    "exercises": "the judge's own tests try what it is given",
    "judge": "the judge's own tests try what it is given",
    "transformer": "torch modules, called by Model with tensors",
    "steps": "called by runs with their own arrays",
    "references": "trains or downloads", "ensembles.engine": "trains",
    "ensembles.measures": "minutes",
    "run.LayerRun.attend": "has no argument", "training.ranks.Factorised": "a torch module",
    "training.recipe.Recipe.stated": "has no argument",
    "thermodynamics.landscape.Layer.": "tensors",
    "corpus.lexicon": "a protocol", "corpus.tokens": "needs the package tokenizers",
    "corpus.texts.Text": "walked below, with a text of its own",
    "run.record": "called by Model", "arrays.read_only": "called by Model",
    "pretrained.packages.load": "files have tests of their own",
    "pretrained.packages.try_load": "files have tests of their own",
    "pretrained.trip": "needs a real model", "pretrained.controls": "needs a real model",
    "thermodynamics.grokking.grokking": "files have tests of their own",
    "model.Model.save": "files have tests of their own",
    "pretrained.families.family.Family.read": "files have tests of their own",
}  # fmt: skip


def modules() -> list[str]:
    """Every module with a page in the book's reference."""
    pages = sorted((ROOT / "course" / "reference").glob("*.md"))
    return [m for page in pages for m in re.findall(r"automodule:: (\S+)", page.read_text("utf-8"))]


def surface() -> dict[str, object]:
    """Public functions and methods by their dotted name below the package."""
    found = {}
    for name in modules():
        module = importlib.import_module(name)
        names = getattr(module, "__all__", None)
        for one in names or [n for n in vars(module) if not n.startswith("_")]:
            thing = getattr(module, one)
            if names is None and getattr(thing, "__module__", None) != name:
                continue
            home = getattr(thing, "__module__", name).removeprefix("operator_lab.")
            if inspect.isfunction(thing):
                found[f"{home}.{one}"] = thing
            elif inspect.isclass(thing):
                methods = {k: f for k, f in vars(thing).items() if not k.startswith("_")}
                found |= {
                    f"{home}.{one}.{k}": f for k, f in methods.items() if inspect.isfunction(f)
                }
    return {
        name: f for name, f in sorted(found.items())
        if not any(name == left or name.startswith((f"{left}.", left)) for left in LEFT)
        and inspect.signature(f).parameters
    }  # fmt: skip


def call_of(name: str, function) -> dict:
    """The arguments of a call that works."""
    found = dict(GIVEN.get(name, {}))
    for key, parameter in inspect.signature(function).parameters.items():
        if key not in found and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            if key in COMMON and (parameter.default is parameter.empty or key in ("count", "seed")):
                found[key] = COMMON[key]
            elif parameter.default is not parameter.empty:
                found[key] = parameter.default
    return found
