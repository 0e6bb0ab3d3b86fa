"""A coverage-guided search for files that a reader neither reads nor tells in a sentence.

    python tests/fuzz.py [--minutes 10] [--seed 1] [--to FOLDER] READER ...

The readers and the verdict are those of damage.py; what to try next is chosen by the lines of the
package that a file has reached (atheris, on libFuzzer). It is no part of the tests and asks for
atheris, `pip install atheris` on Linux. What is found is kept in the folder, with what was said.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("tests/fuzz.py needs atheris: pip install atheris (Linux); tests/damage.py does not.")

RIGHT = ("read", "sentence")
FEW = 120  # damaged files to begin with, beside the good one
GUIDES = ["operator_lab", "gguf", "json", "nbformat"]  # whose lines guide the search


def words(good: bytes) -> str:
    """The words of a file, as a dictionary of libFuzzer."""
    found = sorted(set(re.findall(rb"[A-Za-z_.]{3,40}", good[:20000])))[:400]
    return "".join(f'"{word.decode()}"\n' for word in found)


def search(name: str, minutes: float, seed: int, to: Path) -> None:
    """Try files on one reader for so many minutes; this process ends with it."""
    with atheris.instrument_imports(include=GUIDES):
        from damage import READERS, WRONG, changed, outcome, places, put, versions

    counts: Counter[str] = Counter()
    seen: set[str] = set()
    place = Path(tempfile.mkdtemp())
    reader = READERS[name]
    path = reader.make(place)
    good, corpus = path.read_bytes(), place / "corpus"
    corpus.mkdir()
    damaged = itertools.islice(versions(name, good, random.Random(seed), FEW), FEW)
    for k, content in enumerate((good, *(content for _, content in damaged))):
        (corpus / str(k)).write_bytes(content)
    (place / "words").write_text(words(good))
    until = time.monotonic() + 60 * minutes

    def tried(content: bytes) -> None:
        put(path, content)
        said = outcome(reader.read, path)
        kind = said.partition(":")[0]
        counts[kind] += 1
        if kind not in RIGHT and said not in seen:
            seen.add(said)
            to.mkdir(parents=True, exist_ok=True)
            kept = to / f"{name.replace(' ', '_')}-{hashlib.sha1(content).hexdigest()[:12]}"
            kept.write_bytes(content)
            print(f"  {name}: {said} ({kept})", flush=True)
        if time.monotonic() > until:
            print(f"{name:16} {dict(counts)} of {counts.total()}", flush=True)
            os._exit(int(not set(counts) <= set(RIGHT)))

    def mutated(content: bytes, most: int, number: int) -> bytes:
        """Of a JSON text every other time one value by another; else what libFuzzer does."""
        rng = random.Random(number)
        try:
            text = json.loads(content) if number % 2 else None
        except (ValueError, RecursionError):
            text = None
        if isinstance(text, dict | list):
            where = rng.choice(list(places(text)))
            return json.dumps(changed(text, where, rng.choice(WRONG))).encode()[:most]
        return atheris.Mutate(content, most)

    options = [
        f"-max_len={max(4096, 2 * len(good))}", f"-dict={place / 'words'}", f"-seed={seed}",
        "-rss_limit_mb=0", "-timeout=0", "-verbosity=0", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], tried, custom_mutator=mutated)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=Path("findings"))
    parser.add_argument("readers", nargs="+")
    wish = parser.parse_args()
    if len(wish.readers) == 1:
        search(wish.readers[0], wish.minutes, wish.seed, wish.to)
    often = ["--minutes", str(wish.minutes), "--seed", str(wish.seed), "--to", str(wish.to)]
    each = (subprocess.run([sys.executable, __file__, *often, r]) for r in wish.readers)
    return int(any([run.returncode for run in each]))


if __name__ == "__main__":
    sys.exit(main())
