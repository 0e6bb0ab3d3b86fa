"""A smoke of `damage.py`: every reader tells what is damaged, or reads what is whole."""

from __future__ import annotations

import pytest
from damage import READERS, trials


@pytest.mark.thorough
@pytest.mark.usefixtures("as_a_learner")
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_told(name, count=40):
    found = list(trials(name, count, seed=1))
    assert len(found) == count
    assert not [one for one in found if one[1] not in ("read", "sentence")]
