"""Thousands of damaged files for every reader: what comes of each, counted.

    python tests/damage.py [--count 300] [--seed 0] [reader ...]

A clear sentence and a file that is still read are right; silent (numbers that are none), a foreign
error, a hang and much memory are not, and end in exit status 1. A smoke of it runs in the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import random_gguf
from random_checkpoints import checkpoint
from safetensors.torch import load_file, save_file
from test_damaged_files import (
    WRONG,
    a_model,
    a_notebook,
    a_training,
    an_ensemble,
    changed,
    damaged,
    places,
    taken_up,
)

from operator_lab.course import notebooks
from operator_lab.course.grading import folder as grading
from operator_lab.course.grading import found
from operator_lab.course.grading.visit import Grade
from operator_lab.course.grading.warden import Limits
from operator_lab.ensembles import file
from operator_lab.errors import LabError
from operator_lab.exercises import record
from operator_lab.model import Model
from operator_lab.pretrained import load
from operator_lab.thermodynamics import grokking

SECONDS, GIGABYTES = 20, 2.0


class Reader(NamedTuple):
    """How a good file is made, and how a damaged one is read."""

    make: Callable[[Path], Path]
    read: Callable[[Path], object]


def the_log(path: Path) -> Path:
    """That of the package: one of another recipe is refused whatever is in it."""
    return Path(shutil.copy(grokking.LOG, path / "log.json"))


def of_folder(name: str, shards: bool = False) -> Callable[[Path], Path]:
    """A checkpoint's folder of which one file is damaged."""

    def make(path: Path) -> Path:
        folder = checkpoint(path / "real")
        if shards:
            whole = folder / "model.safetensors"
            weights = load_file(whole)
            half = sorted(weights)[: len(weights) // 2]
            where = {n: f"model-0000{1 + (n not in half)}-of-00002.safetensors" for n in weights}
            for part in set(where.values()):
                save_file({n: w for n, w in weights.items() if where[n] == part}, folder / part)
            whole.unlink()
            index = {"metadata": {}, "weight_map": where}
            (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        return folder / name

    return make


def a_gguf(path: Path) -> Path:
    random_gguf.write(path / "a.gguf", {"attn_q": "Q8_0", "ffn_up": "Q4_1"})
    return path / "a.gguf"


def a_grade(path: Path) -> Path:
    """What is kept of a graded student, so that nobody is run again."""
    (path / "class" / "ann").mkdir(parents=True)
    a_notebook(path / "class" / "ann")
    own = grading.submissions(path / "class")[0]
    order = an_order(path)
    grades = [asdict(Grade("mixing.mixing", "passed"))]
    ids = {"a.ipynb": ["1"]}
    kept = {"of": grading._fingerprint(own, order), "grades": grades, "refused": {}, "ids": ids}
    place = grading._place(own, order)
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(kept))
    return place


def an_order(path: Path) -> grading.Order:
    return grading.Order("limits", Limits(), 7, path / "kept")


def graded(path: Path) -> object:
    handed = grading.submissions(path.parent.parent / "class")
    order = an_order(path.parent.parent)
    return grading._marks(handed, [grading._kept(own, order) or {} for own in handed], ())


def a_secret(path: Path) -> Path:
    grading._secret(path)
    return path / "secret"


def a_progress(path: Path) -> Path:
    (path / "mixing.mixing.json").write_text('{"passed": "2026-01-01T10:00:00+00:00"}')
    return path / "mixing.mixing.json"


def come_so_far(path: Path) -> object:
    os.environ[record.VARIABLE] = str(path.parent)
    return record.recorded()


def notebook(path: Path) -> object:
    return notebooks.clean(notebooks.read(path))


def answers(path: Path) -> object:
    try:
        return found.look(grading._content(path), frozenset({"mixing.mixing"}))
    except OSError:
        return "it cannot be read"  # as the grader notes it


def of_real(path: Path) -> object:
    model = load(path.parent)
    return model.run("the man paid", None).law


def of_gguf(path: Path) -> object:
    return load(path).weights


READERS = {
    "model": Reader(a_model, lambda path: Model.load(path).weights),
    "training": Reader(a_training, taken_up),
    "gguf": Reader(a_gguf, of_gguf),
    "config.json": Reader(of_folder("config.json"), of_real),
    "tokenizer.json": Reader(of_folder("tokenizer.json"), of_real),
    "safetensors": Reader(of_folder("model.safetensors"), of_real),
    "shard": Reader(of_folder("model-00001-of-00002.safetensors", True), of_real),
    "index of shards": Reader(of_folder("model.safetensors.index.json", True), of_real),
    "ensemble": Reader(an_ensemble, file.read),
    "grokking": Reader(the_log, grokking.grokking_log),
    "notebook": Reader(a_notebook, notebook),
    "answers": Reader(a_notebook, answers),
    "gradebook": Reader(a_grade, graded),
    "secret": Reader(a_secret, lambda path: grading._secret(path.parent)),
    "progress": Reader(a_progress, come_so_far),
}


def versions(name: str, good: bytes, rng: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """So many damaged versions of a file, each with what was done to it."""
    yield "empty", b""
    yield "not UTF-8", good.replace(b"a", b"\xff")
    yield "UTF-16", good.decode("latin-1").encode("utf-16")
    yield "a mark before", b"\xef\xbb\xbf" + good
    yield "deep", b"[" * 200_000
    yield "deep and closed", b"[" * 200_000 + b"]" * 200_000
    yield "deep dicts", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "a number without end", b"9" * 5000
    yield "twice", good + good
    yield "zeros", bytes(len(good))
    yield "NaN", b"NaN"
    yield "null", b"null"
    for size in (0, 1, 2**31, 2**62, 2**64 - 1):
        yield f"declared size {size}", size.to_bytes(8, "little") + good[8:]
        yield f"declared count {size}", good[:8] + size.to_bytes(8, "little") + good[16:]
    if good[:1] in b"{[":
        text = json.loads(good)
        cases = [(place, wrong) for place in places(text) for wrong in WRONG]
        for place, wrong in rng.sample(cases, min(len(cases), count // 2)):
            yield f"{place} = {wrong!r:.30}", json.dumps(changed(text, place, wrong)).encode()
    elif b'"data_offsets"' in good[:20000]:
        yield from headers(good, rng, count // 2)
    while True:
        yield "bytes", several(good, rng)


def several(good: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 5))):
        good = damaged(good, rng) if good else b""
    return good


def headers(good: bytes, rng: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """A safetensors file with other dtypes, shapes and offsets, or with numbers that are none."""
    length = int.from_bytes(good[:8], "little")
    header, body = json.loads(good[8 : 8 + length]), good[8 + length :]
    tensors = [n for n in header if n != "__metadata__"]

    def whole(head: dict, body: bytes = body) -> bytes:
        text = json.dumps(head).encode()
        return len(text).to_bytes(8, "little") + text + body

    for k in range(count):
        name, head = rng.choice(tensors), json.loads(json.dumps(header))
        kind = k % 5
        if kind == 0:
            new = rng.choice(("F16", "BF16", "I64", "BOOL", "F64", "F8_E4M3", "U8", "X", 3, None))
            head[name]["dtype"] = new
        elif kind == 1:
            shape = rng.choice(([], [0], [2**40], [-1], [2**31, 2**31], ["a"], 3, None))
            head[name]["shape"] = rng.choice((shape, head[name]["shape"][::-1] + [1]))
        elif kind == 2:
            head[name]["data_offsets"] = rng.choice(([0, 0], [-1, 4], [2**62, 2**63], [4], None))
        elif kind == 3:
            other = rng.choice(tensors)
            head[name], head[other] = head[other], head[name]
        else:
            numbers = np.frombuffer(body[: len(body) // 4 * 4], "<f4").copy()
            numbers[rng.randrange(len(numbers))] = rng.choice((np.nan, np.inf, -np.inf))
            yield "a number that is none", whole(header, numbers.tobytes())
            continue
        yield f"{name}: {head[name]!r:.60}", whole(head)


def none_at_all(value: object) -> bool:
    """Whether numbers that are none came out without a word."""
    if isinstance(value, dict):
        return any(map(none_at_all, value.values()))
    return (
        isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all()
    )


def outcome(read: Callable[[Path], object], path: Path) -> str:
    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = read(path)
        said = "silent" if none_at_all(value) else "read"
    except LabError as error:
        said = "sentence" if len(str(error)) < 700 else f"foreign: {len(str(error))} characters"
    except TimeoutError:
        said = "hang"
    except BaseException as error:  # noqa: BLE001 - it is what is looked for
        said = f"foreign: {type(error).__name__}: {str(error)[:100]}"
    finally:
        signal.alarm(0)
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > GIGABYTES * 2**20:
        return "memory"
    return said


def put(path: Path, content: bytes | None) -> None:
    """Lay it down; None is a folder where a file should be."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.mkdir() if content is None else path.write_bytes(content)


def trials(name: str, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """What was done to each file of a reader, and what came of it."""
    reader, rng = READERS[name], random.Random(f"{name} {seed}")
    with tempfile.TemporaryDirectory() as place:
        path = reader.make(Path(place))
        good = path.read_bytes()
        assert outcome(reader.read, path) == "read", name
        put(path, None)
        yield "a folder", outcome(reader.read, path)
        for (label, content), _ in zip(
            versions(name, good, rng, count), range(count - 1), strict=False
        ):
            put(path, content)
            yield label, outcome(reader.read, path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("readers", nargs="*")
    wish = parser.parse_args()
    whole: Counter[str] = Counter()
    for name in wish.readers or READERS:
        counts: Counter[str] = Counter()
        for label, said in trials(name, wish.count, wish.seed):
            kind = said.partition(":")[0]
            counts[kind] += 1
            if kind not in ("read", "sentence"):
                print(f"  {name}, {label}: {said}", flush=True)
        print(f"{name:16} {dict(counts)}", flush=True)
        whole += counts
    print(f"{'all':16} {dict(whole)} of {whole.total()}")
    return int(bool(set(whole) - {"read", "sentence"}))


if __name__ == "__main__":
    sys.exit(main())
