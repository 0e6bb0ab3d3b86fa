"""The sentence under a picture: a template with named numbers, filled alike here and in a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..errors import LabError, near

_FIELD = re.compile(r"\{([A-Za-z_]\w*)(?::([^{}]*))?\}", re.ASCII)
_SPEC = re.compile(r"\.\d[fg%]", re.ASCII)


def check(template: str, known: Iterable[str]) -> None:
    """Raise `LabError` unless every field of `template` is one of the `known` names.

    A field reads {name}, {name:.2f}, {name:.3g} or {name:.0%}, the forms that explorer.js knows.
    """
    known = sorted(known)
    for name, spec in _FIELD.findall(template):
        if name not in known:
            raise LabError(
                f"The read-out names {name!r}, values= has {', '.join(known) or 'nothing'}"
                f"{near(name, known)}"
            )
        if spec and not _SPEC.fullmatch(spec):
            raise LabError(
                f"The read-out formats {name!r} as {spec!r}; write it like .2f, .3g or .0%."
            )
    rest = _FIELD.sub("", template)
    if "{" in rest or "}" in rest:
        raise LabError(
            f"The read-out has a brace outside a field: {rest.strip()!r}; "
            "a field reads {name} or {name:.2f}."
        )


def fill(template: str, values: Mapping[str, float | str]) -> str:
    """Put `values` into `template`; a bare {name} shows a number to six significant digits."""

    def field(match: re.Match) -> str:
        value = values[match[1]]
        # z: a number that rounds to zero is "0.00", never "-0.00"
        return value if isinstance(value, str) else format(float(value), "z" + (match[2] or "g"))

    return _FIELD.sub(field, template)
