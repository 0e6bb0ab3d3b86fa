"""The PDF of the book: reading order, numbers, bookmarks, and links that stay within it."""

from __future__ import annotations

import ast
import io
import subprocess
import sys

import pytest
from pypdf import PdfWriter
from pypdf.annotations import Link

from operator_lab.course.browser import chromium
from operator_lab.course.printed import join, order
from operator_lab.errors import LabError


def page(after: str = "") -> str:
    return f'<a class="right-next"\n   href="{after}"\n   title="next page">' if after else "<p>end"


def test_pages_come_in_reading_order(tmp_path):
    (tmp_path / "reference").mkdir()
    (tmp_path / "index.html").write_text(page("b.html"), encoding="utf-8")
    (tmp_path / "b.html").write_text(page("reference/a.html"), encoding="utf-8")
    (tmp_path / "reference" / "a.html").write_text(page("../c.html"), encoding="utf-8")
    (tmp_path / "c.html").write_text(page(), encoding="utf-8")
    assert order(tmp_path) == ["index.html", "b.html", "reference/a.html", "c.html"]
    (tmp_path / "c.html").unlink()
    with pytest.raises(LabError, match="c.html is missing; build the book first"):
        order(tmp_path)


def sheet(count: int, *addresses: str) -> bytes:
    writer = PdfWriter()
    for _ in range(count):
        writer.add_blank_page(200, 200)
    for address in addresses:
        writer.add_annotation(0, Link(rect=(0, 0, 9, 9), url=address))
    writer.add_outline_item(title="a title", page_number=0)
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


def test_links_between_pages_go_to_sheets_and_none_to_this_computer(tmp_path):
    root = tmp_path.resolve().as_uri()
    links = (f"{root}/b.html#word", f"{root}/_sources/b.ipynb", "https://doi.org/10.1/x")
    whole = join(tmp_path, ["index.html", "b.html"], [sheet(3, *links), sheet(2)])
    assert len(whole.pages) == 5
    actions = [note.get_object()["/A"] for note in whole.pages[0]["/Annots"]]
    assert [action["/S"] for action in actions] == ["/GoTo", "/URI"]
    assert actions[0]["/D"][0] == whole.pages[3].indirect_reference
    assert actions[1]["/URI"] == "https://doi.org/10.1/x"
    assert [whole.get_destination_page_number(mark) for mark in whole.outline] == [0, 3]


NUMBERED = """
from pypdf import PdfWriter
from operator_lab.course.printed import number
whole = PdfWriter()
for _ in range(3):
    whole.add_blank_page(595, 842)
number(whole)
print([sheet.extract_text().strip() for sheet in whole.pages])
"""


def test_every_sheet_carries_its_number():
    pytest.importorskip("playwright")
    try:
        chromium()
    except LabError as error:
        pytest.skip(str(error))
    # A process of its own: another test's browser may be open in this one.
    done = subprocess.run([sys.executable, "-c", NUMBERED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ast.literal_eval(done.stdout) == [f"Operator Lab · {n} of 3" for n in (1, 2, 3)]
