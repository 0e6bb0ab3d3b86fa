"""The dictionary: every name, test, link and number on the page exists, in both directions."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import operator_lab
from operator_lab import channels, mixing, one_hot

ROOT = Path(__file__).resolve().parent.parent
COURSE = ROOT / "course"
PAGE = (COURSE / "dictionary.md").read_text(encoding="utf-8")
ENTRY = re.compile(
    r"^### (?P<word>.+)\n\n\*\*(?P<learning>.+?)\*\*(?P<where>.*)\\\n(?P<text>.+)\\\n"
    r"\*(?P<kind>\w+)\*: (?P<evidence>.+)\.$",
    re.MULTILINE,
)
INDEX = re.compile(r"^- (?P<learning>.+): \[(?P<word>.+)\]\(#(?P<slug>.+)\)$", re.MULTILINE)
LINK = re.compile(r"\]\((?P<file>[^)#]*)#?(?P<anchor>[^)]*)\)")
NUMBER = re.compile(r"(?<![\w.{/])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w/])")
KINDS = ("exact", "approximate", "analogy")


class Entry(NamedTuple):
    word: str
    learning: str  # machine-learning words, separated by semicolons
    where: str  # section of the paper, name in the package
    text: str
    kind: str
    evidence: str

    @property
    def files(self) -> list[str]:
        return [found["file"] for found in LINK.finditer(self.evidence) if found["file"]]

    @property
    def names(self) -> list[str]:
        return [name.strip() for name in self.learning.split(";")]


def entries(page: str) -> list[Entry]:
    return [Entry(**found.groupdict()) for found in ENTRY.finditer(page)]


ENTRIES = entries(PAGE)


def slug(heading: str) -> str:
    """The anchor that Sphinx and GitHub both give a heading."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))


def plain(text: str) -> str:
    """Letters and digits alone, singular, without articles: what a reader looks for."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return " ".join(w.removesuffix("s") if len(w) > 3 else w for w in words if w not in ARTICLES)


ARTICLES = {"a", "an", "the"}


def resolve(path: str):
    """What a dotted path below operator_lab names; a field of a dataclass counts."""
    owner, names = operator_lab, path.split(".")
    assert names[0] in operator_lab.__all__, f"lab.{names[0]} is not public"
    for name in names:
        fields = dataclasses.fields(owner) if dataclasses.is_dataclass(owner) else ()
        owner = name if name in {f.name for f in fields} else getattr(owner, name)
    return owner


def stored(name: str) -> str:
    """What a page has measured: the rows of the ledger, or a notebook's stored outputs."""
    text = (COURSE / name).read_text(encoding="utf-8")
    if name.endswith(".md"):
        rows = [line.split("|") for line in text.splitlines() if line.startswith("|")]
        column = [cell.strip() for cell in rows[0]].index("measured")
        return "\n".join(row[column] for row in rows)
    found = []
    for cell in json.loads(text)["cells"]:
        for output in cell.get("outputs", ()):
            found += output.get("text", ())
            found += output.get("data", {}).get("text/plain", ())
    return "".join(found)


def numbers(text: str) -> set[str]:
    return {number.group() for number in NUMBER.finditer(text)}


def claimed(evidence: str) -> set[str]:
    """The numbers of an evidence line, outside of links and formulas."""
    return numbers(re.sub(r"\[.*?\]\(.*?\)|\$.*?\$", " ", evidence))


# ---- the page -------------------------------------------------------------------------------


def test_every_heading_is_an_entry_of_one_of_three_kinds():
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert [e.word for e in ENTRIES] == headings and len(headings) >= 60
    assert {e.kind.lower() for e in ENTRIES} == set(KINDS)


def test_no_word_stands_twice_in_either_trade():
    for words in ([slug(e.word) for e in ENTRIES], [plain(n) for e in ENTRIES for n in e.names]):
        assert sorted(words) == sorted(set(words))


def test_the_index_is_the_entries_read_from_the_other_side():
    index = [(f["learning"], f["word"]) for f in INDEX.finditer(PAGE)]
    assert sorted(index) == sorted((name, e.word) for e in ENTRIES for name in e.names)


def test_every_link_ends_somewhere():
    here = {slug(heading) for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    for found in LINK.finditer(PAGE):
        if found["file"].startswith("https://arxiv.org/abs/"):
            continue
        if found["file"]:
            assert (COURSE / found["file"]).is_file() and not found["anchor"], found.group()
        else:
            assert found["anchor"] in here, found.group()
    # Without this line in the page's head Sphinx gives no heading an anchor.
    assert re.match(r"---\nmyst:\n  heading_anchors: 3\n---\n", PAGE)


@pytest.mark.parametrize("entry", ENTRIES, ids=[slug(e.word) for e in ENTRIES])
def test_what_an_entry_names_exists_and_its_numbers_were_measured(entry):
    for name in re.findall(r"`lab\.([\w.]+)`", entry.where):
        assert resolve(name) is not None
    assert "`" not in re.sub(r"`lab\.[\w.]+`", "", entry.where)
    if entry.kind == "Exact":
        file, test = re.fullmatch(r"`(tests/\w+\.py)::(test_\w+)`", entry.evidence).groups()
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.M)
        return
    assert entry.files and (entry.kind == "Analogy" or claimed(entry.evidence))
    measured = set().union(*(numbers(stored(file)) for file in entry.files))
    assert claimed(entry.evidence) <= measured


def strip(notebook: Path) -> list[dict[str, str]]:
    """The table that opens a notebook, a dictionary a row."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    lines = [s for s in "".join(cells[0]["source"]).splitlines() if s.startswith("|")]
    rows = [re.split(r"\s*(?<!\\)\|\s*", line.replace(r"\|", "")) for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


@pytest.mark.parametrize("notebook", sorted(COURSE.glob("[01][0-9]_*.ipynb")), ids=lambda p: p.stem)
def test_the_words_of_a_notebooks_opening_table_are_found(notebook):
    rows = strip(notebook)
    assert rows
    learning = {plain(name) for e in ENTRIES for name in e.names}
    physics = {plain(word) for e in ENTRIES for word in [e.word, *e.word.split(", ")]}
    for row in rows:
        entry = re.sub(r"\(.*?\)", "", row["in machine learning"])
        parts = [plain(part) for part in [entry, *re.split("[,;]", entry)]]
        known = [part in learning for part in parts]
        # Either the phrase as a whole, or each of its parts.
        assert known[0] or all(known[1:]) or parts[0] in ("", "same"), row
        for quoted in re.findall(r'"(.+?)"', row["symbol"]):
            assert any(plain(quoted) in word for word in physics), row


# ---- the tests can fail ---------------------------------------------------------------------

GOOD = "### hop\n\n**move** · `lab.dyson`\\\nText.\\\n*Analogy*: 0.70 nats: [claims](claims.md).\n"


def test_an_entry_is_read_as_it_is_written():
    (entry,) = entries(GOOD)
    assert (entry.names, entry.files) == (["move"], ["claims.md"])
    assert claimed(entry.evidence) == {"0.70"}
    assert claimed("by 365%, 6e-08 left, $x^2$, +- 0.04, 45-58: [03](03_mixing.ipynb)") >= {
        "365", "6e-08", "0.04", "45",
    }  # fmt: skip
    with pytest.raises(AttributeError):
        resolve("dyson.ordres")
    with pytest.raises(AssertionError, match="not public"):
        resolve("transformer.EPS")


# ---- words that no other test shows -----------------------------------------------------------


@given(st.integers(2, 200))
def test_perplexity_counts_equal_choices(k):
    even = np.full((1, k), 1 / k)
    assert np.exp(one_hot.surprise(even, even)) == pytest.approx(k)


@given(st.integers(1, 4), st.integers(0, 99))
def test_schmidt_values_count_products(heads, seed):
    rng = np.random.default_rng(seed)
    A, W = rng.normal(size=(heads, 5, 5)), rng.normal(size=(heads, 3, 3))
    values = channels.schmidt(sum(map(np.kron, A, W)), positions=5)
    assert (values > 1e-8 * values[0]).sum() == heads
    single = channels.schmidt(np.kron(A[0], W[0]), positions=5)
    assert single == pytest.approx(np.eye(len(single))[0], abs=1e-12)


@given(st.integers(3, 6), st.integers(0, 99))
def test_detailed_balance_needs_symmetry_and_no_mask(N, seed):
    S = np.random.default_rng(seed).normal(size=(N, N))

    def imbalance(S, causal):
        A = mixing.mixing(S, 1.0, causal=causal)
        seen = np.tril(np.exp(S)) if causal else np.exp(S)
        flow = seen.sum(-1, keepdims=True) * A
        return abs(flow - flow.T).max() / flow.max()

    assert imbalance(S + S.T, causal=False) < 1e-12
    assert imbalance(S, causal=False) > 1e-3 and imbalance(S + S.T, causal=True) > 1e-3
