"""Grokking: a model that first learns by heart, then understands, and its heat capacity meanwhile.

The task is a + b modulo p (Power et al. 2022, arXiv 2201.02177): three positions, a, b and "=".
Heat capacities are those of the last position's attention, with three keys each.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.ndimage import median_filter
from tqdm.auto import tqdm

from .. import results
from ..errors import BROKEN, LabError, brief
from ..files import write_whole
from ..given import one_of, whole
from ..guard import guarded
from ..transformer import Note, Transformer
from .equilibrium import equilibrium

LOG = Path(__file__).parent.parent / "data" / "grokking.json"
SWEEP = LOG.with_name("grokking_sweep.json")
CURVES = ("train_loss", "test_loss", "train_right", "test_right", "mean_C", "max_C")


@dataclass(frozen=True)
class Task:
    """What fixes a grokking run: the modulus, the share of pairs shown, AdamW, the model's seed."""

    p: int = 41
    share: float = 0.4
    steps: int = 6000
    rate: float = 3e-3
    decay: float = 1.0
    features: int = 64
    heads: int = 4
    hidden: int = 256
    seed: int = 0
    every: int = 25

    def __post_init__(self):
        whole(self.p, "The modulus p", least=3)
        if not 0 < self.share < 1:
            raise LabError(
                f"The share of pairs to learn from is between 0 and 1, not {self.share!r}."
            )
        whole(self.steps, "steps", least=0)
        whole(self.every, "every")
        whole(self.seed, "The seed", 0, 2**63 - 1)


@dataclass(frozen=True, eq=False)
class Grokked:
    """The curves of one run, an entry every `task.every` steps, and each step's training loss."""

    task: Task
    step: Int[ndarray, "n"]
    train_loss: Float[ndarray, "n"]  # nats
    test_loss: Float[ndarray, "n"]
    train_right: Float[ndarray, "n"]  # share of pairs answered right (accuracy)
    test_right: Float[ndarray, "n"]
    mean_C: Float[ndarray, "n"]  # heat capacity, mean over heads and all pairs
    max_C: Float[ndarray, "n"]  # and the largest of them
    loss: Float[ndarray, "steps"]  # training loss at every step
    interrupted: bool = False

    def __repr__(self) -> str:
        p, done = self.task.p, len(self.loss)
        right = f"{self.test_right[-1]:.0%} right" if len(self.step) else "nothing measured"
        stopped = ", interrupted" if self.interrupted else ""
        return f"Grokked: a + b mod {p}, {done} steps, seed {self.task.seed}: {right}{stopped}"

    @guarded
    def reached(self, share: float, curve: str = "test_right") -> int | None:
        """The first logged step at which a share of the answers is right, or None."""
        one_of(curve, CURVES, "curve")
        above = np.flatnonzero(getattr(self, curve) >= share)
        return int(self.step[above[0]]) if len(above) else None

    @property
    def slingshots(self) -> Int[ndarray, "k"]:
        """Steps at which the training loss has climbed back tenfold, see `slingshots`."""
        return slingshots(self.loss)

    @guarded
    def spikes(self, above: float = 0.1, width: int = 25) -> Bool[ndarray, "n"]:
        """Where the mean heat capacity stands so much above its median over `width` entries."""
        median = median_filter(self.mean_C, size=whole(width, "width"), mode="nearest")
        return self.mean_C > (1 + above) * median

    def _climbed(self, within: int) -> int:
        """The end of the first climb of C: so long after the shown pairs are learned by heart."""
        learned = self.reached(0.99, "train_right")
        return int(self.step[-1]) if learned is None else learned + within

    @guarded
    def later_spikes(self, within: int = 150) -> Int[ndarray, "k"]:
        """The steps of the entries in spikes of C, without its first climb.

        What comes sooner than `within` steps after the shown pairs are learned by heart is left
        aside.
        """
        return self.step[self.spikes() & (self.step > self._climbed(within))]

    @guarded
    def echoes(self, within: int = 150) -> Echoes:
        """How many slingshots a spike of C follows within so many steps, and spikes elsewhere.

        The first climb is left aside, see `later_spikes`.
        """
        spikes = self.later_spikes(within)
        jumps = self.slingshots[self.slingshots > self._climbed(within)]
        near = (spikes[:, None] >= jumps) & (spikes[:, None] <= jumps + within)
        return Echoes(len(jumps), int(near.any(0).sum()), int((~near.any(1)).sum()))


class Echoes(NamedTuple):
    """Slingshots of a run, those with a spike of C behind them, and entries of C in spikes that
    stand behind none."""

    slingshots: int
    followed: int
    elsewhere: int


@guarded
def slingshots(loss: Float[ndarray, "steps"], factor: float = 10.0, low: float = 0.1) -> ndarray:
    """The steps at which a loss that was below `low` stands `factor` above its least so far.

    Each counts once: the next is looked for when the loss is again below twice that least
    (Thilak et al. 2022, arXiv 2206.04817).
    """
    loss, least, waiting, found = np.asarray(loss, dtype=float), np.inf, False, []
    for step, now in enumerate(loss):
        if waiting:
            waiting = now > 2 * least
        elif least < low and now > factor * least:
            found.append(step)
            waiting = True
        if now < least:
            least = now
    return np.array(found, dtype=int)


def pairs(task: Task) -> tuple[Int[ndarray, "n 3"], Int[ndarray, "n"], Int[ndarray, "k"]]:
    """All sentences (a, b, =) with their answers, and the places of the ones to learn from."""
    p = task.p
    a, b = np.divmod(np.arange(p * p), p)
    tokens = np.stack([a, b, np.full(p * p, p)], axis=1)
    order = np.random.default_rng(task.seed).permutation(p * p)
    return tokens, (a + b) % p, np.sort(order[: max(1, round(task.share * p * p))])


class _Scores(Note):
    """Keeps the interaction of the last position with all three."""

    def __init__(self):
        self.S = torch.empty(0)

    def __call__(self, name, index, value):
        if name == "interaction":
            self.S = value[..., -1, :]
        return value


@guarded
def grok(task: Task | None = None, progress: bool = True) -> Grokked:
    """Train one layer on modular addition and log losses, answers and heat capacities.

    About two minutes; a bar shows the share of unseen pairs that are answered right. The same
    seed gives the same run on the same machine. Ctrl-C ends it early with what it has.
    """
    task = Task() if task is None else task
    model = Transformer(
        task.p + 1, context=3, features=task.features, heads=task.heads, layers=1,
        hidden=task.hidden, norm="none", activation="relu", seed=task.seed,
    )  # fmt: skip
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=task.rate, weight_decay=task.decay, betas=(0.9, 0.98), fused=True
    )
    tokens, answers, known = pairs(task)
    seen = np.isin(np.arange(len(tokens)), known)
    x, y = torch.tensor(tokens[seen]), torch.tensor(answers[seen])
    log, loss, interrupted = [], [], False
    bar = tqdm(total=task.steps, disable=not progress, unit="step")
    try:
        for step in range(task.steps + 1):
            if step % task.every == 0 or step == task.steps:
                log.append((step, *_look(model, tokens, answers, seen)))
                bar.set_postfix_str(f"{log[-1][4]:.0%} of unseen pairs right")
            if step < task.steps:
                now = F.cross_entropy(model(x)[:, -1], y)
                optimiser.zero_grad(set_to_none=True)
                now.backward()
                optimiser.step()
                loss.append(now.item())
                bar.update()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bar.close()
    step, *curves = np.array(log).reshape(-1, 7).T
    named = dict(zip(CURVES, curves, strict=True))
    return Grokked(task, step.astype(int), **named, loss=np.array(loss), interrupted=interrupted)


@torch.inference_mode()
def _look(model, tokens, answers, seen) -> tuple[float, ...]:
    """Losses and shares of right answers, shown and unseen pairs; mean and largest C of all."""
    note, y = _Scores(), torch.tensor(answers)
    logits = model(torch.tensor(tokens), note)[:, -1]
    each = F.cross_entropy(logits, y, reduction="none").numpy()
    right = (logits.argmax(-1) == y).numpy()
    C = np.asarray(equilibrium(-note.S.double().numpy(), model.shape.T0).C)
    halves = [[v[seen].mean(), v[~seen].mean()] for v in (each, right)]
    return tuple(map(float, (*halves[0], *halves[1], C.mean(), C.max())))


def save(runs: list[Grokked], path: Path = LOG) -> Path:
    """Write runs with their recipes and the versions that made them (rounded to five digits)."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    text = {"versions": versions, "runs": [_plain(run) for run in runs]}
    write_whole(Path(path), (json.dumps(text, separators=(",", ":")) + "\n").encode())
    return Path(path)


def _plain(run: Grokked) -> dict:
    curves = {name: [float(f"{v:.5g}") for v in getattr(run, name)] for name in (*CURVES, "loss")}
    return {"task": asdict(run.task), "step": run.step.tolist()} | curves


@guarded
def grokking_log(path: Path = LOG) -> tuple[Grokked, ...]:
    """The runs that ship with the package, one for each seed; `grok(run.task)` makes one again.

    LabError for a missing or broken file, or one made by another recipe than today's.
    """
    try:
        found = results.table(results.content(path), "the file")["runs"]
        runs = tuple(_read(results.table(run, f"run {k}"), k) for k, run in enumerate(found))
    except BROKEN as error:
        raise LabError(
            f"The grokking log {Path(path).name} is missing or broken ({type(error).__name__}: "
            f"{brief(error)}); grok() makes a run again."
        ) from None
    for run in runs:
        today = asdict(Task(seed=run.task.seed))
        if asdict(run.task) != today:
            changed = next(k for k, v in asdict(run.task).items() if v != today[k])
            raise LabError(
                f"The grokking log was made with another {changed} than today's recipe; "
                "grok() makes a run again."
            )
    return runs


def _read(entry: Mapping[str, Any], k: int) -> Grokked:
    task = results.table(entry["task"], f"the task of run {k}")
    task = Task(**{f.name: task[f.name] for f in fields(Task)})
    curves = {name: _curve(entry, name, k) for name in ("step", *CURVES, "loss")}
    step = curves.pop("step")
    if (step % 1).any():
        raise ValueError(f"'step' of run {k} holds a number that is not whole")
    if any(len(curves[name]) != len(step) for name in CURVES) or len(curves["loss"]) < step[-1]:
        raise ValueError("curves of different length")
    loss = curves.pop("loss")
    return Grokked(task, step.astype(int), **curves, loss=loss, interrupted=False)


def _curve(entry: Mapping[str, Any], name: str, k: int) -> Float[ndarray, "n"]:
    found = results.numbers(entry[name], f"{name!r} of run {k}")
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError(f"{name!r} of run {k} holds numbers that are not finite, or no list")
    return found


def _check_summary(row: Mapping[str, Any], k: int) -> None:
    for name in ("p", "rate", "seed", "learned", "understood", "right", *Echoes._fields, "largest"):
        if results.numbers(row[name], f"{name!r} of run {k}").ndim:
            raise ValueError(f"{name!r} of run {k} is a list, no number")


def sweep_tasks() -> tuple[Task, ...]:
    """The runs of the sweep: three moduli at three rates, in a model of half the width."""
    small: dict[str, Any] = {"share": 0.6, "steps": 4000, "features": 32, "hidden": 128}
    return tuple(Task(p=p, rate=rate, **small) for rate in (1e-3, 3e-3, 1e-2) for p in (17, 23, 29))


def summary(run: Grokked) -> dict:
    """A run in a few plain numbers: when it learned what, its slingshots and spikes, its C.

    "learned" and "understood": the steps at which 99 % of the shown and 95 % of the other pairs
    are right, or None; "right": the others at the end; "spikes": the steps of the entries in
    spikes of C, without its first climb; "largest": the largest C of any row.
    """
    task = run.task
    return {
        "p": task.p, "rate": task.rate, "seed": task.seed,
        "learned": run.reached(0.99, "train_right"), "understood": run.reached(0.95),
        "spikes": run.later_spikes().tolist(),
        "right": round(float(run.test_right[-1]), 3), **run.echoes()._asdict(),
        "largest": round(float(run.max_C.max()), 4),
    }  # fmt: skip


def ship_sweep(path: Path = SWEEP, progress: bool = True) -> Path:
    """Make every run of the sweep and write its summary (about four minutes on an idle core)."""
    tasks = sweep_tasks()
    rows = [summary(grok(task, False)) for task in tqdm(tasks, disable=not progress, unit="run")]
    recipe = asdict(tasks[0]) | {"p": "each", "rate": "each"}
    text = {"recipe": recipe, "runs": rows}
    write_whole(Path(path), (json.dumps(text, indent=1) + "\n").encode())
    return Path(path)


@guarded
def grokking_sweep(path: Path = SWEEP) -> list[dict]:
    """The sweep that ships with the package, one `summary` a run.

    `python -m operator_lab.thermodynamics` makes it again. LabError for a missing or broken file.
    """
    try:
        rows = list(results.table(results.content(path), "the file")["runs"])
        for k, row in enumerate(rows):
            _check_summary(results.table(row, f"run {k}"), k)
        return rows
    except BROKEN as error:
        raise LabError(
            f"The sweep {Path(path).name} is missing or broken ({type(error).__name__}: "
            f"{brief(error)}); "
            "`python -m operator_lab.thermodynamics` makes it again."
        ) from None
