"""`Living`: a small Transformer that runs in the page itself, beside its language's exact law.

Its weights travel as bytes, its grammar as a table; the scripts in live/ do the rest, with no
kernel and no network.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import traitlets
from numpy import ndarray

from ..corpus import Language, grammar_of
from ..dyson import law_of, orders
from ..errors import LabError
from ..given import index, one_of
from ..guard import guarded
from ..measurement import at_stake, explained, lens, probe
from ..model import Model, divergence
from ..run import Run
from ..shape import Shape
from . import tour
from .content import Content
from .drawn import Drawn
from .measurement import step_names
from .modules import joined
from .panels import Bars, Heatmap, Slider
from .views import VIEWS

MOST = 300_000  # weights; as text of a page they take 1.6 MB
ENGINE = ("transformer", "hops", "grammar", "machine")
# What real models choose, and the script does not know.
FOREIGN = (
    "first_norm", "windows", "parallel", "qk_norm", "score_cap", "logit_cap", "relative", "head",
)  # fmt: skip
PAGE = ("answer", "experiment", "said", "controls", "pictures", "living")
TEXTS = 512  # of 32 words: half of them fix the read-out of the belief, half judge it


@guarded
def weights_of(model: Model) -> dict[str, ndarray]:
    """The weights of a model by name; where the coupling is constrained, with W_Q written out."""
    found = dict(model.weights)
    if model.shape.coupling != "free":
        layers = model.run(np.zeros(1, int)).layers[: 1 if model.shape.tied else None]
        for i, layer in enumerate(layers):
            at = f"blocks.{i}.attention.W_Q"
            found[f"{at}.weight"] = layer.W_Q.reshape(-1, model.shape.features)
            found |= {} if layer.b_Q is None else {f"{at}.bias": layer.b_Q.ravel()}
    return found


@guarded
def packed(model: Model) -> tuple[dict[str, Any], bytes]:
    """A model and its grammar for the page: a header, and the weights as float32.

    LabError for a model that speaks no language of the course, and for a large one.
    """
    language, shape = model.language, model.shape
    if not isinstance(language, Language):
        raise LabError(
            f"Nobody knows the exact law of {language.name}, so nothing can stand beside the "
            "model; a living Transformer speaks 'compound' or 'depth'."
        )
    plain = Shape(shape.vocabulary)
    foreign = next((n for n in FOREIGN if getattr(shape, n) != getattr(plain, n)), None)
    turned = shape.rotation and 2 * np.size(shape.rotation) != shape.d_k
    if foreign or turned or shape.norm in ("write", "both"):
        raise LabError(
            f"The page cannot run this model's {foreign or ('rotation' if turned else 'norm')}; it "
            "runs the shapes that the course trains."
        )
    weights = weights_of(model)
    count = sum(w.size for w in weights.values())
    if count > MOST:
        raise LabError(
            f"This model has {count} weights; a page holds at most {MOST}. Train a smaller one."
        )
    entries, offset = [], 0
    for name, w in weights.items():
        entries.append({"name": name, "shape": list(w.shape), "offset": offset})
        offset += 4 * w.size
    # JSON knows no infinity; at 1e300 S / T is 0 all the same.
    heat = {"d_k": shape.d_k, "T": min(shape.T, 1e300)}
    header = {
        "shape": {k: v for k, v in asdict(shape).items() if k != "tau"} | heat,
        "weights": entries,
        "grammar": {
            "words": language.words,
            "senses": language.senses,
            "holders": language.holders,
            "stay": language.stay,
            "nodes": {
                name: {"says": {s: node.says[s] for s in language.senses}, "then": node.then}
                for name, node in language.nodes.items()
            },
        },
    }
    return header, b"".join(w.astype("<f4").tobytes() for w in weights.values())


class Living(Drawn):
    """A small Transformer in the page: type, heat, silence, exchange, and see its law turn.

    `experiment` is what a reader has asked for, as an address holds it (a synced trait, for
    `observe`): text, at, T, one, head, off, other, step, row, each only where it is not that of
    the start. In the book the address of the page follows it.
    """

    _esm = joined("drawing.js", *(f"live/{name}.js" for name in (*ENGINE, *PAGE)))
    _css = "".join(
        (Path(__file__).parent / name).read_text(encoding="utf-8")
        for name in ("explorer.css", "live/living.css")
    )
    experiment = traitlets.Unicode("").tag(sync=True)

    def __init__(self, model: Model, sentence: str, head: tuple[int, int], view: str) -> None:
        header, data = packed(model)
        self._first = first_frame(model, sentence, head, view)
        self._named, parts = repr(model), VIEWS[view].parts
        more = {
            "title": self._first.title,
            "start": {"text": sentence, "head": f"{head[0] + 1}.{head[1] + 1}"},
            "parts": parts,
            "tour": tour.steps(model) if "tour" in parts else [],
            "belief": _read_out(model) if "belief" in parts else None,
        }
        super().__init__(header=header | more, data=data)

    def __repr__(self) -> str:
        return f"Living: {self._named}"

    def _frame(self) -> tuple[Content, int, int]:
        return self._first, 0, 0


def _read_out(model: Model) -> dict[str, Any] | None:
    """One affine map of the last states to the exact belief, where the next word depends on it.

    Fitted on one half of some texts, judged on the other; none where states or texts do not do.
    """
    language = grammar_of(model.language)
    stake = at_stake(language)
    tokens = language.sample(TEXTS, min(32, model.shape.context), seed=5)
    x = model.to("float32").run_batch(tokens).states[:, -1].astype(float)
    belief = language.posterior(tokens)
    nodes = [name for name, nats in stake.items() if nats > 0]
    known, half = np.isin(language.place(tokens), nodes), TEXTS // 2
    if not np.isfinite(x).all() or known[:half].sum() <= 2 * x.shape[-1]:
        return None
    read = probe(x[:half][known[:half]], belief[:half][known[:half]])
    judged = known[half:]
    share = explained(belief[half:][judged], read(x[half:][judged]))
    found = {"weights": read.weights.tolist(), "offset": read.offset.tolist()}
    return found | {"nodes": nodes, "share": max(share, 0.0)}


def _map(view: str, run: Run, head: tuple[int, int], shown: list[int]) -> Heatmap:
    """The map of a view's still: hops or steps against words, or one head's mixing."""
    layer, h = head
    words = [run.vocabulary[i] for i in shown]
    if view == "hops":
        hops = law_of(run, np.cumsum(orders(run, free="on_site")[:3], 0))
        laws = np.concatenate([hops[:, -1], run.law[-1:]])
        names = [*["no hop", "up to 1", "up to 2"][: len(hops)], "all hops"]
        return Heatmap("Counted by hops between words", laws[:, shown], names, words)
    if view == "lens":
        laws, names = lens(run)[:, -1, shown], step_names(run.shape.layers)
        return Heatmap("As if the model stopped here", laws, names, words, "read after")
    return Heatmap(
        f"Head {layer + 1}.{h + 1}: who reads whom", run.layers[layer].mixing(head=h),
        run.words, run.words, "who reads", "who is read",
    )  # fmt: skip


_SHOWN = {"hops": "the law from words without a hop, with up to one, two and all",
          "lens": "the law as read after each step"}  # fmt: skip


@guarded(own=("sentence",))
def first_frame(model: Model, sentence: str, head: tuple[int, int], view: str = "all") -> Content:
    """What a reader without scripts sees: the law after the last word, and the view's map.

    LabError for a view that does not exist, a head, or a sentence that cannot be read.
    """
    view = one_of(view, VIEWS, "view")
    language = model.language
    if not isinstance(language, Language):
        raise LabError(
            "The living page needs a language whose exact law is known; this is a text's."
        )
    run = model.run(language.encode(sentence))
    law, exact = run.law[-1], language.law(sentence)[-1]
    shown = np.argsort(-np.maximum(law, exact), kind="stable")[:8]
    layer, h = index(head[0], run.shape.layers, "layer"), index(head[1], run.shape.heads, "head")
    return Content(
        title=VIEWS[view].title.format(layers=model.shape.layers, heads=model.shape.heads),
        slider=Slider("T / T₀", [1.0]),
        choice=None,
        panels=(
            Bars(
                f"Which word follows '{run.words[-1]}'", [run.vocabulary[i] for i in shown],
                {"model": law[shown], "exact law": exact[shown]}, low=0, y_label="probability",
            ),
            _map(view, run, (layer, h), shown.tolist()),
        ),
        readout="After '{sentence}' the model's law is {excess:.3f} nats away from the exact one.",
        values={"sentence": sentence, "excess": divergence(exact, law)},
        alt=f"Bars: the model's law of the word after '{sentence}' beside the exact law. A map: "
        f"{_SHOWN.get(view, 'which words one head lets each word read')}.",
        sentence=None,
    )  # fmt: skip


def live(
    model: Model,
    sentence: str = "the man paid the coin at the bank",
    head: tuple[int, int] | None = None,
    view: str = "all",
) -> Living:
    """Show a small model at work on a sentence that can be changed, beside the exact law.

    The model runs in the page: in a notebook without a round trip to the kernel, in a book without
    a kernel. `head`, (layer, head) from 0, is the one shown large. `view` is what is shown beside
    the law: "all" of it, or one instrument ("temperature", "heads", "hops" between positions, the
    logit "lens" with the belief). LabError for a model of no language of the course, a large one,
    an encoder, a head or a view that does not exist, and a sentence that the model or the grammar
    cannot read.
    """
    if not isinstance(model, Model):
        raise LabError(f"Give a model, such as lab.reference(); got {type(model).__name__}.")
    shape = model.shape
    if not shape.layers:
        raise LabError("A model without layers has no head to look at; give one with layers.")
    chosen = (min(1, shape.layers - 1), min(2, shape.heads - 1)) if head is None else head
    if not isinstance(chosen, tuple | list) or len(chosen) != 2:
        raise LabError(f"A head is named by a pair (layer, head), such as (1, 2); got {head!r}.")
    layer, h = index(chosen[0], shape.layers, "layer"), index(chosen[1], shape.heads, "head")
    return Living(model, sentence, (layer, h), one_of(view, VIEWS, "view"))
