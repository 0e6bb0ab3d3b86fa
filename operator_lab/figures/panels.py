"""What an `Explorer` shows: its slider, its choice, and the panels drawn side by side.

A panel carries arrays over a grid, [slider, choice, ...]; an axis that does not matter has length
1 or, with the other, is left out. NaN is a gap. Nothing is drawn here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from ..errors import LabError, near
from . import axes, grid


def _settle(panel: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(panel, name, value)


@dataclass(frozen=True, eq=False)
class Slider:
    """The one parameter that moves: increasing `values`, or `labels` where a number says nothing.

    `said` is what is read aloud, {} the value and (s) a plural: "{} layer(s)"; without it the value
    and its `unit`, which also stands beside the box. `start` is an index; the key that goes on
    from there must find something, so it is not the last.
    """

    label: str
    values: Any = None
    start: int = 0
    scale: str = "linear"
    unit: str = ""
    digits: int = 3
    labels: Sequence[str] | None = None
    said: str = ""

    def __post_init__(self) -> None:
        owner = f"Slider {self.label!r}"
        grid.scale(self.scale, owner)
        labels = None if self.labels is None else grid.words(self.labels, owner, "labels")
        if self.values is None and labels is None:
            raise LabError(f"{owner} has neither values nor labels; give one of them.")
        values = range(1, len(labels or ()) + 1) if self.values is None else self.values
        values = grid.increasing(values, owner, "values", self.scale == "log")
        if labels is not None and len(labels) != values.size:
            raise LabError(f"{owner} has {values.size} values and {len(labels)} labels.")
        if not 1 <= self.digits <= 15:
            raise LabError(f"{owner}: digits={self.digits}; give 1 to 15 significant digits.")
        start = grid.position(self.start, values.size, owner)
        if self.said.count("{}") != bool(self.said):
            raise LabError(f"{owner}: said={self.said!r} needs one {{}}, for the value.")
        _settle(self, values=values, labels=labels, start=start)


@dataclass(frozen=True, eq=False)
class Choice:
    """A small list to choose from (heads, placements), beside the slider; `start` is an index."""

    label: str
    options: Sequence[str]
    start: int = 0

    def __post_init__(self) -> None:
        owner = f"Choice {self.label!r}"
        options = grid.words(self.options, owner, "options")
        _settle(self, options=options, start=grid.position(self.start, len(options), owner))


@dataclass(frozen=True, eq=False)
class Panel:
    """One of the pictures: `arrays` move with the slider, `header` is all the rest."""

    kind: ClassVar[str]
    title: str
    arrays: dict[str, np.ndarray] = field(init=False, repr=False)

    @property
    def log(self) -> bool:
        """Whether the arrays are drawn on a logarithmic scale."""
        return False

    @property
    def owner(self) -> str:
        return f"{type(self).__name__} {self.title!r}"

    @property
    def header(self) -> dict[str, Any]:
        rest = {f.name: getattr(self, f.name) for f in fields(self)}
        arrays = rest.pop("arrays")
        plain = {
            name: value.tolist()
            if isinstance(value, np.ndarray)
            else list(value)
            if isinstance(value, Mapping)
            else value
            for name, value in rest.items()
            if not (name in arrays and value is arrays[name])
        }
        return {"kind": self.kind, **plain}


@dataclass(frozen=True, eq=False)
class Heatmap(Panel):
    """A matrix as shaded cells: `array[slider, choice, row, column]`; `mark` outlines one row."""

    kind: ClassVar[str] = "heatmap"
    array: Any
    rows: Sequence[str]
    columns: Sequence[str]
    row_label: str = ""
    column_label: str = ""
    low: float | None = 0.0
    high: float | None = 1.0
    mark: int | None = None
    arrays: dict[str, np.ndarray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = grid.words(self.rows, self.owner, "rows")
        columns = grid.words(self.columns, self.owner, "columns")
        array = grid.grid(self.array, (len(rows), len(columns)), self.owner, "array")
        if self.mark is not None:
            grid.position(self.mark, len(rows), self.owner, "mark")
        low, high = axes.ends([array], self.owner, self.low, self.high)
        arrays = {"array": array}
        _settle(self, array=array, arrays=arrays, rows=rows, columns=columns, low=low, high=high)


@dataclass(frozen=True, eq=False)
class Bars(Panel):
    """Bars side by side: one to three `series` of [slider, choice, label]."""

    kind: ClassVar[str] = "bars"
    labels: Sequence[str]
    series: Mapping[str, Any]
    low: float | None = None
    high: float | None = None
    x_label: str = ""
    y_label: str = ""
    arrays: dict[str, np.ndarray] = field(init=False, repr=False)
    y_ticks: list[tuple[float, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        labels = grid.words(self.labels, self.owner, "labels")
        arrays = {
            name: grid.grid(values, (len(labels),), self.owner, name)
            for name, values in grid.series(self.series, self.owner).items()
        }
        zero = np.zeros(1)  # a bar is read by its length, so its foot is always in sight
        low, high = axes.ends([zero, *arrays.values()], self.owner, self.low, self.high)
        _settle(
            self,
            labels=labels,
            series=arrays,
            arrays=arrays,
            low=low,
            high=high,
            y_ticks=axes.ticks(low, high),
        )


@dataclass(frozen=True, eq=False)
class Lines(Panel):
    """Curves over `x`: one to three `series` of [n], [choice, n] or [slider, choice, n].

    `bands[name] = (low, high)` shades a margin about the series of that name. `cursor=True` marks
    the slider's value, for curves whose x is the slider's parameter.
    """

    kind: ClassVar[str] = "lines"
    x: Any
    series: Mapping[str, Any]
    x_label: str = ""
    y_label: str = ""
    x_scale: str = "linear"
    y_scale: str = "linear"
    low: float | None = None
    high: float | None = None
    cursor: bool = False
    bands: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(init=False, repr=False)
    x_ends: tuple[float, float] = field(init=False, repr=False)
    x_ticks: list[tuple[float, str]] = field(init=False, repr=False)
    y_ticks: list[tuple[float, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        grid.scale(self.x_scale, self.owner)
        grid.scale(self.y_scale, self.owner)
        x = grid.increasing(self.x, self.owner, "x", self.x_scale == "log")
        curves = dict(grid.series(self.series, self.owner))
        for name, band in self.bands.items():
            if name not in self.series:
                known = ", ".join(self.series)
                raise LabError(
                    f"{self.owner}: a band names {name!r}, the series are {known}"
                    f"{near(name, self.series)}"
                )
            if len(band) != 2:
                raise LabError(f"{self.owner}: the band of {name!r} takes two arrays: low, high.")
            curves[f"{name} (low)"], curves[f"{name} (high)"] = band
        arrays = {name: self._curve(values, name, x.size) for name, values in curves.items()}
        margin = 0.04 if self.low is None and self.high is None else 0.0
        low, high = axes.ends([*arrays.values()], self.owner, self.low, self.high, self.log, margin)
        log = self.x_scale == "log"
        x_ends = axes.ends([x], self.owner, log=log)
        _settle(
            self,
            x=x,
            arrays=arrays,
            low=low,
            high=high,
            x_ends=x_ends,
            x_ticks=axes.ticks(*x_ends, log),
            y_ticks=axes.ticks(low, high, self.log),
        )

    def _curve(self, values: Any, name: str, n: int) -> np.ndarray:
        values = [values] if np.ndim(values) == 2 else values
        return grid.grid(values, (n,), self.owner, name, self.log)

    @property
    def log(self) -> bool:
        return self.y_scale == "log"


@dataclass(frozen=True, eq=False)
class Points(Panel):
    """Points in a plane: `xy[slider, choice, point, 2]`; `groups[point]` counts into `names`.

    `within` shows the square from -within to within; points beyond it are left out.
    """

    kind: ClassVar[str] = "points"
    xy: Any
    groups: Sequence[int] | np.ndarray | None = None
    names: Sequence[str] = ("points",)
    labels: Sequence[str] | None = None
    x_label: str = ""
    y_label: str = ""
    equal: bool = True
    within: float | None = None
    arrays: dict[str, np.ndarray] = field(init=False, repr=False)
    x_ends: tuple[float, float] = field(init=False, repr=False)
    y_ends: tuple[float, float] = field(init=False, repr=False)
    x_ticks: list[tuple[float, str]] = field(init=False, repr=False)
    y_ticks: list[tuple[float, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n = np.shape(self.xy)[-2] if np.ndim(self.xy) in (2, 4) else 0
        xy = grid.grid(self.xy, (n, 2), self.owner, "xy")
        names = grid.words(self.names, self.owner, "names")
        groups = (0,) * n if self.groups is None else tuple(map(int, self.groups))
        labels = None if self.labels is None else grid.words(self.labels, self.owner, "labels")
        if len(names) > 7:
            raise LabError(f"{self.owner} has {len(names)} groups; at most 7 can be told apart.")
        if len(groups) != n or not all(0 <= group < len(names) for group in groups):
            raise LabError(
                f"{self.owner}: groups= takes one index per point ({n}), each below {len(names)}."
            )
        if labels is not None and len(labels) != n:
            raise LabError(f"{self.owner} has {n} points and {len(labels)} labels.")
        x_ends, y_ends = (axes.ends([xy[..., k]], self.owner, margin=0.08) for k in (0, 1))
        if self.within is not None:
            x_ends = y_ends = (-self.within, self.within)
            xy = np.where((abs(xy) <= self.within).all(-1, keepdims=True), xy, np.nan)
        elif self.equal:
            x_ends, y_ends = axes.square(x_ends, y_ends)
        _settle(
            self,
            xy=xy,
            arrays={"xy": xy},
            groups=groups,
            names=names,
            labels=labels,
            x_ends=x_ends,
            y_ends=y_ends,
            x_ticks=axes.ticks(*x_ends),
            y_ticks=axes.ticks(*y_ends),
        )
