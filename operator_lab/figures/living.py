"""`Living`: a small Transformer that runs in the page itself, beside its language's exact law.

Its weights travel as bytes, its grammar as a table; the scripts in live/ do the rest, with no
kernel and no network.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from IPython.display import display
from numpy import ndarray

from ..corpus import Language
from ..errors import LabError
from ..given import index
from ..guard import guarded
from ..model import Model, divergence
from ..shape import Shape
from . import tour
from .content import Content
from .modules import joined
from .panels import Bars, Heatmap, Slider

MOST = 300_000  # weights; as text of a page they take 1.6 MB
ENGINE = ("transformer", "hops", "grammar", "machine")
# What real models choose, and the script does not know.
FOREIGN = (
    "first_norm", "windows", "parallel", "qk_norm", "score_cap", "logit_cap", "relative", "head",
)  # fmt: skip
PAGE = ("answer", "experiment", "living")


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


class Living(anywidget.AnyWidget):
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
    header = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)
    experiment = traitlets.Unicode("").tag(sync=True)
    still = traitlets.Unicode("").tag(sync=True)  # whose place the widget takes on a page

    def __init__(self, model: Model, sentence: str, head: tuple[int, int]) -> None:
        header, data = packed(model)
        self._first = first_frame(model, sentence, head)
        self._named = repr(model)
        start = {"text": sentence, "head": f"{head[0] + 1}.{head[1] + 1}"}
        more = {"title": self._first.title, "start": start, "tour": tour.steps(model)}
        super().__init__(header=header | more, data=data)
        self.still = self.model_id or ""

    def __repr__(self) -> str:
        return f"Living: {self._named}"

    def _ipython_display_(self, **_: Any) -> None:
        """Show the first frame, for where no widget lives, then the widget."""
        display({"text/html": self._still(), "text/plain": repr(self)}, raw=True)
        bundle, metadata = self._repr_mimebundle_() or ({}, {})
        display(bundle, metadata=metadata, raw=True)

    def _still(self) -> str:
        from .still import figure_of  # matplotlib only where a picture is displayed

        return figure_of(self._first, self.model_id, 0, 0)


@guarded(own=("sentence",))
def first_frame(model: Model, sentence: str, head: tuple[int, int]) -> Content:
    """What a reader without scripts sees: the law after the last word, and one head's mixing."""
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
        title=f"A living Transformer: {model.shape.layers} layers, {model.shape.heads} heads each",
        slider=Slider("T / T₀", [1.0]),
        choice=None,
        panels=(
            Bars(
                f"Which word follows '{run.words[-1]}'", [run.vocabulary[i] for i in shown],
                {"model": law[shown], "exact law": exact[shown]}, low=0, y_label="probability",
            ),
            Heatmap(
                f"Head {layer + 1}.{h + 1}: who reads whom", run.layers[layer].mixing(head=h),
                run.words, run.words, "who reads", "who is read",
            ),
        ),
        readout="After '{sentence}' the model's law is {excess:.3f} nats away from the exact one.",
        values={"sentence": sentence, "excess": divergence(exact, law)},
        alt=f"Bars: the model's law of the word after '{sentence}' beside the exact law. A map: "
        "which words one head lets each word read.",
        sentence=None,
    )  # fmt: skip


def live(
    model: Model,
    sentence: str = "the man paid the coin at the bank",
    head: tuple[int, int] | None = None,
) -> Living:
    """Show a small model at work on a sentence that can be changed, beside the exact law.

    The model runs in the page: in a notebook without a round trip to the kernel, in a book without
    a kernel. `head`, (layer, head) from 0, is the one shown large. LabError for a model of no
    language of the course, a large one, an encoder, a head that does not exist, and a sentence that
    the model or the grammar cannot read.
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
    return Living(model, sentence, (layer, h))
