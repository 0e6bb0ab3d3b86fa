"""What a picture holds a law against: the exact law where it is known, else the whole model's."""

from __future__ import annotations

from jaxtyping import Float
from numpy import ndarray

from ..model import Model
from ..run import Run


def standard(model: Model, text: str, run: Run) -> tuple[str, Float[ndarray, "N V"]]:
    """The name of the standard, and its law after each word of a text that was run.

    LabError for a sentence that the exact law cannot read, and for an encoder.
    """
    if model.knows_truth:
        return "exact law", model.language.law(text)
    return "whole model", run.law
