"""The type checker that runs behind every annotated function of the package under pytest."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

# As type checkers read it: where a float is asked for, an int is welcome.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
