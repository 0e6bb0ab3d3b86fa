"""What several pages of the book need stands once, beside them."""

from __future__ import annotations

import json
import re
from base64 import b64encode

from operator_lab.course.shared import apart, script

HEAVY = b64encode(bytes(range(256)) * 2000).decode()  # half a megabyte


def page(*letters: str) -> str:
    buffers = [{"encoding": "base64", "path": ["data"], "data": one} for one in letters]
    return f"<script>{json.dumps({'state': {'a': {'buffers': buffers}}})}</script>"


def held(page: str) -> list[dict]:
    return json.loads(page.removeprefix("<script>").removesuffix("</script>"))["state"]["a"][
        "buffers"
    ]


def test_heavy_bytes_are_named_and_light_ones_stay():
    light = HEAVY[:1000]
    left, found = apart(page(HEAVY, light))
    ((name, letters),) = found.items()
    assert letters == HEAVY and re.fullmatch(r"weights-[0-9a-f]{12}\.js", name)
    first, second = held(left)
    assert first == {"encoding": "base64", "path": ["data"], "held": name}
    assert second["data"] == light


def test_the_same_bytes_have_one_name_and_others_another():
    _, same = apart(page(HEAVY, HEAVY))
    _, both = apart(page(HEAVY, HEAVY[:-4] + "AAAA"))
    assert len(same) == 1 and len(both) == 2 and set(same) < set(both)


def test_a_page_of_the_last_build_stays_as_it_is():
    left, _ = apart(page(HEAVY))
    assert apart(left) == (left, {})


def test_the_script_is_a_statement_with_the_letters():
    assert script("weights-1.js", "AAA=").endswith('["weights-1.js"] = "AAA=";\n')
