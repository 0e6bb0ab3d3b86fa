"""Every family against the forward passes of `transformers`: random weights, short and long."""

from __future__ import annotations

import pytest

pytest.importorskip("transformers")
pytest.importorskip("tokenizers")
from families import CASES, LONG, SHORT  # noqa: E402
from family_table import KINDS, PAGE, WITHIN, gap, kinds, page  # noqa: E402

from operator_lab import pretrained  # noqa: E402


@pytest.mark.parametrize("name", CASES)
def test_a_family_agrees_with_transformers(name):
    for dtype, bound in WITHIN.items():
        for length in (SHORT, LONG):
            assert gap(name, length, dtype) < bound


@pytest.mark.thorough
@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_weight_means_its_numbers(name):
    assert kinds(name) == (*KINDS, "several files")


def test_every_family_that_is_known_is_tried():
    tried = {case.config.model_type for case in CASES.values()}
    assert tried == set(pretrained.FAMILIES)


@pytest.mark.thorough
def test_the_page_of_the_book_is_what_is_measured():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python tests/family_table.py`"
