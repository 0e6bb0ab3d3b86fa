"""All that an `Explorer` holds, checked once: panels and a sentence, as numbers, not pixels."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..errors import LabError
from . import readout
from .panels import Choice, Panel, Slider

LIMIT = 300_000  # bytes in one page for one picture; a third more once written as base64
_GAP = 65535


def pack(
    arrays: Mapping[str, np.ndarray], exact: Collection[str] = (), log: Collection[str] = ()
) -> tuple[list[dict[str, Any]], bytes]:
    """Lay arrays end to end in one block of bytes, with a header that says where each one lies.

    The `exact` ones travel as float64; all others as 65535 equal steps between their least and
    largest number, in the logarithm for those named in `log`. NaN survives.
    """
    header, blocks, offset = [], [], 0
    for name in sorted(arrays, key=lambda name: name not in exact):  # eights first: all aligned
        array = arrays[name]
        entry = {"name": name, "shape": list(array.shape), "offset": offset}
        if name in exact:
            block = array.astype("<f8")
            entry["type"] = "f8"
        else:
            scaled = np.log10(array) if name in log else array
            finite = scaled[np.isfinite(scaled)]
            low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
            steps = (scaled - low) / ((high - low) or 1.0) * (_GAP - 1)
            block = np.where(np.isnan(scaled), _GAP, np.rint(steps)).astype("<u2")
            entry |= {"type": "u2", "low": low, "high": high, "log": name in log}
        header.append(entry)
        blocks.append(block.tobytes())
        offset += block.nbytes
    return header, b"".join(blocks)


def unpack(header: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, np.ndarray]:
    """Undo `pack`, as drawing.js does."""
    arrays = {}
    for entry in header:
        count = int(np.prod(entry["shape"], dtype=int))
        block = np.frombuffer(data, "<" + entry["type"], count, entry["offset"])
        if entry["type"] == "u2":
            low, high = entry["low"], entry["high"]
            values = low + block / (_GAP - 1) * (high - low)
            block = np.where(block == _GAP, np.nan, 10**values if entry["log"] else values)
        arrays[entry["name"]] = block.reshape(entry["shape"])
    return arrays


@dataclass(frozen=True, eq=False, kw_only=True)
class Content:
    """One picture: a title, what moves, what is drawn, what is said.

    Raises `LabError` where the panels, the slider and the read-out do not fit together.
    """

    title: str
    slider: Slider
    choice: Choice | None
    panels: Sequence[Panel]
    readout: str
    values: Mapping[str, Any]
    alt: str
    sentence: str | None
    numbers: dict[str, np.ndarray] = field(init=False, repr=False)
    words: dict[str, list[list[str]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.panels:
            raise LabError(f"Explorer {self.title!r} has no panels; give at least one.")
        if not self.alt:
            raise LabError(f"Explorer {self.title!r} has no alt=; say in a sentence what it shows.")
        for panel in self.panels:
            for name, array in panel.arrays.items():
                self._fits(array.shape, panel.owner, name)
        numbers, words = {}, {}
        for name, values in self.values.items():
            array = np.asarray(values)
            if array.dtype.kind in "US":
                words[name] = self._spread(array, name).tolist()
            else:
                numbers[name] = self._spread(_real(array, name), name)
        readout.check(self.readout, self.values)
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "words", words)

    @property
    def shape(self) -> tuple[int, int]:
        """Positions of the slider, options of the choice."""
        return self.slider.values.size, len(self.choice.options) if self.choice else 1

    def _fits(self, shape: tuple[int, ...], owner: str, name: str) -> None:
        for given, count, what in zip(shape, self.shape, ("slider", "choice"), strict=False):
            if given not in (1, count):
                raise LabError(
                    f"{owner}: {name} has {given} entries along the {what}, which has {count}; "
                    f"give {count} or 1."
                )

    def _spread(self, array: np.ndarray, name: str) -> np.ndarray:
        if array.ndim > 2:
            raise LabError(f"Value {name!r} has shape {array.shape}; expected [slider, choice].")
        array = array.reshape(array.shape + (1,) * (2 - array.ndim))
        self._fits(array.shape, "The read-out", name)
        return array

    def text(self, i: int, j: int) -> str:
        """The read-out at slider position `i` and option `j`."""

        def at(table):
            return table[i if len(table) > 1 else 0][j if len(table[0]) > 1 else 0]

        tables = {**self.numbers, **self.words}
        return readout.fill(self.readout, {name: at(table) for name, table in tables.items()})

    def packed(self) -> tuple[dict[str, Any], bytes]:
        """The picture as a JSON header and a block of bytes; raises `LabError` above 300 kB."""
        arrays = {
            f"{k}/{name}": array
            for k, panel in enumerate(self.panels)
            for name, array in panel.arrays.items()
        }
        log = {
            f"{k}/{name}"
            for k, panel in enumerate(self.panels)
            if panel.log
            for name in panel.arrays
        }
        spoken = {f"readout/{name}": array for name, array in self.numbers.items()}
        entries, data = pack(arrays | spoken, exact=spoken, log=log)
        header = {
            "title": self.title,
            "slider": asdict(self.slider)
            | {"values": self.slider.values.tolist(), "numeric": self.slider.labels is None},
            "choice": self.choice and asdict(self.choice),
            "panels": [panel.header for panel in self.panels],
            "readout": self.readout,
            "words": self.words,
            "arrays": entries,
            "sentence": self.sentence,
        }
        header = _harmless(header)
        size = len(data) + len(json.dumps(header).encode())
        if size > LIMIT:
            name, largest = max(arrays.items(), key=lambda item: item[1].size)
            k, name = name.split("/", 1)
            raise LabError(
                f"Explorer {self.title!r} takes {size / 1000:.0f} kB, at most {LIMIT // 1000} fit "
                f"a page; the largest array is {name!r} of {self.panels[int(k)].owner}, "
                f"{largest.shape}: take fewer slider positions."
            )
        return header, data


def _harmless(value: Any) -> Any:
    """The header without what would end, or comment out, the script of the page that holds it.

    A word joiner, which nobody sees, parts "<" from what follows it.
    """
    if isinstance(value, str):
        return re.sub(r"<(?=!--|/?script)", "<\N{WORD JOINER}", value, flags=re.IGNORECASE)
    if isinstance(value, Mapping):
        return {_harmless(k): _harmless(v) for k, v in value.items()}
    return type(value)(map(_harmless, value)) if isinstance(value, list | tuple) else value


def _real(array: np.ndarray, name: str) -> np.ndarray:
    """Numbers of the read-out, which may be infinite: a perplexity is."""
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise LabError(f"Value {name!r} is neither numbers nor words.") from None
