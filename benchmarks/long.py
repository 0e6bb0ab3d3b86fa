"""GPT-2's size (124M) at 1,024 positions against Hugging Face's GPT-2: time and memory.

A plain pass and a training step, both from random weights, embedding and read-out tied, without
dropout, with PyTorch's tanh GELU; theirs computes attention by the same scaled dot product as ours.
Memory is what the largest resident size grows by during a call, each contender in a process of its
own. On CUDA in tf32 and in bf16, else in float32.

On CUDA `train` replays its step as a captured graph, so that is our step there; taken one kernel
after the other, as theirs, it is a contender of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import nn

from operator_lab.training.slope import Slope
from operator_lab.transformer import Note, Transformer

from . import peers
from .step import stepping
from .timing import Effort, Line, ratio, take_turns

TITLE = "GPT-2's size at 1,024 positions"
THREADS = (2,) if torch.cuda.is_available() else (1,)  # a GPU's work costs no CPU time
GPT2 = dict(layers=12, features=768, heads=12, context=1024, vocabulary=50257, batch=1)
ROUNDS = 5  # a step takes many seconds
OURS, THEIRS, MAPS = "ours", "GPT-2", "ours, maps stored"
LAUNCHED = "ours, not captured"
WORK = ("plain pass", "training step")
PEAK = Path("/proc/self/clear_refs")  # of Linux; elsewhere memory is not measured


class Looking(Note):
    """A note that looks at S and A, as a record does, and keeps nothing."""

    maps = True


def ours(config: dict) -> Transformer:
    """Our Transformer of that shape, as GPT-2 is: biases, tanh GELU, one matrix for both ends."""
    shape = {k: v for k, v in config.items() if k not in ("batch", "vocabulary")}
    made = Transformer(config["vocabulary"], hidden=4 * config["features"], bias=True,
                       activation="gelu_tanh", **shape)  # fmt: skip
    made.W_U = nn.Linear(config["features"], config["vocabulary"], bias=False, device="meta")
    made.W_U.weight = made.W_E
    return made


def task(name: str, work: str, config: dict, precision: str = "float32") -> Callable[[], object]:
    """One contender at one kind of work."""
    device = "cpu" if precision == "float32" else "cuda"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    tokens = torch.randint(config["vocabulary"], (config["batch"], config["context"]))
    tokens = tokens.to(device)
    if name == THEIRS:
        network, read = peers.gpt2(config, activation="gelu_pytorch_tanh"), lambda out: out.logits
    else:
        network, read = ours(config), lambda out: out
    network = network.to(device)
    options = {"note": Looking()} if name == MAPS else {}
    captured = name == OURS and device == "cuda" and work == "training step"

    def called(given):
        # a captured pass casts its weights anew at every replay
        half = dict(enabled=precision == "bf16", cache_enabled=not captured)
        with torch.autocast(device, torch.bfloat16, **half):
            return read(network(given, **options))

    @torch.inference_mode()
    def plain():
        return called(tokens)

    if work == "plain pass":
        step = plain
    elif captured:
        step = replaying(_Called(network, called), tokens)
    else:
        step = stepping(_Called(network, called), lambda z: z, tokens)

    def done():
        step()
        if device == "cuda":
            torch.cuda.synchronize()

    return done


class _Called(nn.Module):
    """A network with the way it is called, as `stepping` wants it."""

    def __init__(self, network: nn.Module, called: Callable):
        super().__init__()
        self.network, self.called = network, called

    def forward(self, tokens):
        return self.called(tokens)


def replaying(network: nn.Module, tokens: torch.Tensor) -> Callable[[], None]:
    """One training step as `train` takes it on CUDA: a captured slope, then the optimiser."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    slope = Slope(network)
    texts = torch.cat([tokens, tokens[:, :1]], -1)  # the word after the last one

    def step():
        slope(texts)
        optimiser.step()

    return step


def grown(name: str, work: str, config: dict, precision: str, threads: int) -> float:
    """By how much one call lets the largest memory grow: on CUDA bytes, else kilobytes."""
    torch.set_num_threads(threads)
    call = task(name, work, config, precision)
    if precision != "float32":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return float(torch.cuda.max_memory_allocated() - before)
    PEAK.write_text("5")  # the peak is counted from here on
    before = _status("VmRSS")
    call()
    return max(1.0, _status("VmHWM") - before)


def _status(name: str) -> float:
    """A size of this process as Linux knows it, in kilobytes."""
    said = Path("/proc/self/status").read_text()
    return float(next(line.split()[1] for line in said.splitlines() if line.startswith(name)))


def memory(name: str, work: str, config: dict, precision: str, effort: Effort) -> float:
    """`grown`, in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(grown, name, work, config, precision, effort.threads).result()


def measure(effort: Effort) -> list[Line]:
    """Time and memory of both kinds of work, against GPT-2 and against stored maps."""
    peers.imported("transformers")
    config = peers.TINY if effort.small else GPT2
    lines = []
    for precision in ("tf32", "bf16") if torch.cuda.is_available() else ("float32",):
        for work in WORK:
            lines += compare(work, config, precision, effort)
    return lines


def compare(work: str, config: dict, precision: str, effort: Effort) -> list[Line]:
    """The lines of one kind of work in one precision."""
    few = Effort(effort.threads, min(ROUNDS, effort.rounds), effort.small)
    captured = precision != "float32" and work == "training step"
    names = (OURS, THEIRS, LAUNCHED) if captured else (OURS, THEIRS)
    times = take_turns({name: task(name, work, config, precision) for name in names}, few)
    what = f"{work}, {precision}"
    timed = [ratio(f"{what}: {THEIRS}", few, times, THEIRS, OURS, must=1)]
    if captured:
        timed.append(ratio(f"{what}, not captured: {THEIRS}", few, times, THEIRS, LAUNCHED))
    if precision == "float32" and not PEAK.exists():
        return timed
    held = {n: memory(n, work, config, precision, few) for n in (OURS, THEIRS, MAPS)}
    sizes = [
        Line(f"{what}, memory: {name}", few.threads, *[held[name] / held[OURS]] * 3)
        for name in (THEIRS, MAPS)
    ]
    return [*timed, *sizes]
