"""Formulas in the plain text of a printed claim, as TeX.

A notebook prints "W_E cut to rank 8" and "6e-08 is left"; a page can set them. What is not known
here stays as it is printed: a formula is never guessed.
"""

from __future__ import annotations

import re

# Whole formulas as the claims print them, then the signs and numbers of which others are made.
WHOLE = {
    "x = W_E e": "x = W_E e",
    "V_eff = W_Q^T W_K": r"V_{\rm eff} = W_Q^T W_K",
    "W_Q / sqrt(d_k)": r"W_Q / \sqrt{d_k}",
    "1/sqrt(d_k)": r"1/\sqrt{d_k}",
    "sqrt(d_k)": r"\sqrt{d_k}",
    "psi = exp(z/2)": r"\psi = e^{z/2}",
    "dU = Q + W": "dU = Q + W",
    "-dF/dq": r"-\partial F / \partial q",
    "Cov(k)/T": r"{\rm Cov}(k)/T",
    "C / ln n": r"C / \ln n",
    "kappa = theta": r"\kappa = \theta",
    "d / V": "d / V",
    "N d": "N d",
    "T*/T0": "T^*/T_0",
    "W_O W_V": "W_O W_V",
    "(1, ..., 1)": r"(1, \dots, 1)",
    "T0": "T_0",
    "T_c": "T_c",
}
PARTS = (
    "|".join(re.escape(plain) for plain in sorted(WHOLE, key=len, reverse=True)),
    r"\d+(?:\.\d+)?e[+-]\d+|\d+(?:\.\d+)?e\d+",  # 6e-08
    r"10\^-?\d+",
    r"[A-Zd]_(?:eff|\d+|[A-Zk])(?![A-Za-z])",  # W_E, A_00
    r"[A-Za-z]\^[A-Z](?![A-Za-z])",  # d^N
)
PART = re.compile(rf"(?<![\w.])(?:{'|'.join(PARTS)})(?![\w])")
EQUATION = re.compile(r"(?<![\w.])[A-Za-z] = \d+(?:\.\d+)?(?!\w)(?!\.\d)")  # N = 8


def split(text: str) -> list[tuple[str, bool]]:
    """The pieces of a text in order, each with whether it is a formula."""
    found, end = [], 0
    for match in re.finditer(rf"{PART.pattern}|{EQUATION.pattern}", text):
        found += [(text[end : match.start()], False), (match.group(), True)]
        end = match.end()
    return [(piece, formula) for piece, formula in [*found, (text[end:], False)] if piece]


def tex(plain: str) -> str:
    """One formula as TeX."""
    if plain in WHOLE:
        return WHOLE[plain]
    if match := re.fullmatch(r"([\d.]+)e([+-]?\d+)", plain):
        times = "" if match[1] == "1" else rf"{match[1]} \times "
        return f"{times}10^{{{int(match[2])}}}"
    return re.sub(r"([_^])(eff|-?\w+)", _script, plain)


def _script(match: re.Match) -> str:
    inside = r"\rm eff" if match[2] == "eff" else match[2]
    return f"{match[1]}{{{inside}}}"
