"""What the book adds to a page: each part on small texts, then on the built pages."""

from __future__ import annotations

import pytest

from operator_lab.course.rendering import formulas


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("W_E cut to rank 8", [("W_{E}", True), (" cut to rank 8", False)]),
        ("to 1e-12: True", [("to ", False), ("10^{-12}", True), (": True", False)]),
        ("6e-08 is left", [(r"6 \times 10^{-8}", True), (" is left", False)]),
        ("3.9e+27", [(r"3.9 \times 10^{27}", True)]),
        ("d^N = 10^58", [("d^{N}", True), (" = ", False), ("10^{58}", True)]),
        ("V_eff 0.71-0.80", [(r"V_{\rm eff}", True), (" 0.71-0.80", False)]),
        ("x = W_E e", [("x = W_E e", True)]),
        ("at T0 0.76", [("at ", False), ("T_0", True), (" 0.76", False)]),
        ("at N = 8 and 512", [("at ", False), ("N = 8", True), (" and 512", False)]),
        ("bare 0.44, 5 seeds", [("bare 0.44, 5 seeds", False)]),
        ("an_identifier, v2, T0x", [("an_identifier, v2, T0x", False)]),
        ("", []),
    ],
    ids=str,
)
def test_a_printed_formula_is_set_and_nothing_else(plain, expected):
    found = formulas.split(plain)
    assert "".join(piece for piece, _ in found) == plain
    assert [(formulas.tex(p) if formula else p, formula) for p, formula in found] == expected
