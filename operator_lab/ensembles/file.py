"""The file of an ensemble: the recipes beside what was found, and one text for one content."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import results
from ..errors import BROKEN, LabError, brief
from ..given import shown
from ..training import Recipe

Found = dict[tuple[str, int], dict | None]
"""What was measured, by row and seed; None where the training diverged."""


class Kept(NamedTuple):
    """What a file holds: the recipe of each row as stated there, and what was found with it."""

    recipes: dict[str, dict]
    found: Found


def text(rows: Mapping[str, Recipe], found: Found) -> bytes:
    """The whole file: rows as in the catalogue, seeds ascending, in whatever order they came."""
    seeds = sorted({seed for _, seed in found})
    content = {
        "recipes": {row: recipe.stated() for row, recipe in rows.items()},
        "found": {
            row: {str(seed): found[row, seed] for seed in seeds if (row, seed) in found}
            for row in rows
        },
    }
    return json.dumps(content, indent=1, allow_nan=False).encode()


def plain(measured: Mapping[str, Any]) -> dict:
    """A measurement as the file keeps it: numbers and lists, None for what is not finite.

    TypeError for anything that JSON cannot hold.
    """
    return json.loads(json.dumps(_finite(dict(measured)), allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _finite(value.tolist())
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read(path: Path) -> Kept:
    """What a file holds, of this version or another; LabError if it is missing or not whole."""
    try:
        kept = results.table(results.content(path), "the file")
        stated = results.table(kept["recipes"], "'recipes'").items()
        recipes = {
            row: dict(results.table(terms, f"the recipe of {row!r}")) for row, terms in stated
        }
        found = {
            (row, _seed(seed)): _measured(measured, f"seed {seed} of {row!r}")
            for row, by_seed in results.table(kept["found"], "'found'").items()
            for seed, measured in results.table(by_seed, f"'found' of {row!r}").items()
        }
    except FileNotFoundError:
        raise LabError(f"There is no {path.name} yet; run {command(path)} to make it.") from None
    except KeyError as missing:
        raise broken(path, f"it has no {missing}") from None
    except BROKEN as error:
        raise broken(path, brief(error)) from None
    return Kept(recipes, found)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is no seed")
    return int(text)


def _measured(value: Any, key: str) -> dict | None:
    return None if value is None else dict(results.table(value, key))


def difference(stated: Mapping[str, Any], recipe: Recipe) -> str:
    """The first term in which a recipe stated in a file differs from this one, or ""."""
    # What a file does not state was not there to be chosen: it stood at today's default.
    theirs, ours = (_terms(r) for r in (Recipe().stated() | dict(stated), recipe.stated()))
    for term in theirs | ours:
        there, here = theirs.get(term), ours.get(term)
        alike = there == here and isinstance(there, bool) == isinstance(here, bool)  # True == 1
        if (term in theirs) != (term in ours) or not alike:
            said = [_shown(terms, term) for terms in (theirs, ours)]
            return f"{term} is {said[0]} there and {said[1]} here"
    return ""


def _terms(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with the entries of its shape and its ranks one by one."""
    terms: dict[str, Any] = {}
    for name, value in recipe.items():
        inner = {f"{name} {k}": v for k, v in value.items()} if isinstance(value, dict) else None
        terms |= {name: value} if inner is None else inner
    return terms


def _shown(terms: Mapping[str, Any], term: str) -> str:
    return shown(terms[term]) if term in terms else "not stated"


def check(path: Path, recipes: Mapping[str, dict], rows: Mapping[str, Recipe]) -> None:
    """LabError, with the row and the term, where the recipes of a file are not these rows'."""
    here = [f"row {row!r} is missing" for row in rows if row not in recipes]
    there = [f"row {row!r} is not in this version" for row in recipes if row not in rows]
    both = [
        f"in row {row!r}, {term}"
        for row in rows
        if row in recipes and (term := difference(recipes[row], rows[row]))
    ]
    if both or here or there:
        raise LabError(
            f"{path.name} was made with another recipe than this version's: "
            f"{(both or here or there)[0]}; run {command(path)} to make it again."
        )


def broken(path: Path, why: str) -> LabError:
    """The sentence about a file that cannot be read as the file of an ensemble."""
    return LabError(
        f"{path.name} is not the whole file of an ensemble ({why}); remove it, "
        f"then run {command(path)} to make it again."
    )


def command(path: Path) -> str:
    """The command that makes a file, in quotes."""
    return f"'operator-lab ensemble {path.stem} --to \"{path.parent}\"'"
