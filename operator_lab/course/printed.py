"""The book as one PDF: Chromium prints each page, and they are joined, numbered and marked.

The reference stays on the screen: a fourth of all sheets, and read by searching.

`python -m operator_lab.course.printed` after the book is built; `make pdf` does both.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from ..errors import LabError
from . import browser

# Folds are opened, pictures that wait for a reader are fetched; paper is white. Pictures
# get the same area, 90 square centimetres, where the sheet is wide enough.
_READY = """async () => {
    document.documentElement.dataset.theme = "light";
    for (const fold of document.querySelectorAll("article details")) fold.open = true;
    for (const image of document.images) image.loading = "eager";
    await Promise.all([...document.images].map((image) => image.decode()));
    for (const image of document.querySelectorAll(".cell_output img")) {
        const shape = image.naturalWidth / image.naturalHeight;
        image.style.width = `${Math.sqrt(90 * shape)}cm`;
    }
}"""
PAPER = {"format": "A4", "prefer_css_page_size": True, "print_background": True}
ASIDE = "reference/"
_NEXT = re.compile(r'<a class="right-next"\s+href="([^"#]+)"')


def order(book: Path) -> list[str]:
    """Return the addresses of the book's pages in reading order, following each page's "next".

    Raises LabError if there is no built book.
    """
    name, found = "index.html", []
    while name and name not in found:
        path = book / name
        if not path.is_file():
            raise LabError(f"{path} is missing; build the book first, with make book.")
        found.append(name)
        after = _NEXT.search(path.read_text(encoding="utf-8"))
        target = (path.parent / unquote(after[1])).resolve() if after else None
        name = target.relative_to(book.resolve()).as_posix() if target else ""
    return found


def sheets(book: Path, names: Sequence[str]) -> list[bytes]:
    """Print each page of the book on its own, in black on white, everything open; PDF files."""
    with browser.opened() as context:
        return [_sheet(context, book / name) for name in names]


def join(book: Path, names: Sequence[str], prints: Sequence[bytes]):
    """Join prints to one document with numbered sheets; links between pages stay within it."""
    from pypdf import PdfReader, PdfWriter

    whole, first = PdfWriter(), {}
    for name, content in zip(names, prints, strict=True):
        first[(book / name).resolve().as_uri()] = len(whole.pages)
        whole.append(PdfReader(io.BytesIO(content)), import_outline=True)
    _keep_links_inside(whole, first, book.resolve().as_uri())
    whole.page_layout, whole.page_mode = "/SinglePage", "/UseOutlines"
    return whole


def number(whole) -> None:
    """Write its number below each sheet."""
    from pypdf import PdfReader

    count = len(whole.pages)
    with browser.opened() as context, tempfile.TemporaryDirectory() as folder:
        blank = Path(folder) / "numbers.html"
        rule = "<style>@page{size:A4;margin:0}body,p{margin:0}p{height:296.9mm;break-after:page;"
        rule += "position:relative;font:9pt sans-serif;color:#444}b{position:absolute;bottom:9mm;"
        rule += "width:100%;text-align:center;font-weight:400}</style>"
        lines = [f"<p><b>Operator Lab · {n} of {count}</b></p>" for n in range(1, count + 1)]
        blank.write_text(f"<meta charset=utf-8>{rule}{''.join(lines)}", encoding="utf-8")
        page = context.new_page()
        page.goto(blank.as_uri())
        numbers = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
    for sheet, written in zip(whole.pages, numbers.pages, strict=True):
        sheet.merge_page(written)
        sheet.compress_content_streams()  # merging has unpacked them


def _sheet(context, path: Path) -> bytes:
    page = browser.visit(context, path)
    page.emulate_media(media="print", color_scheme="light")
    page.evaluate(_READY)
    content = page.pdf(**PAPER, outline=True, tagged=True)
    page.close()
    return content


def _keep_links_inside(whole, first: dict[str, int], root: str) -> None:
    # A link to another page of the book goes to that page's first sheet; one to a file that only
    # this computer has goes nowhere.
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject

    for sheet in whole.pages:
        notes = sheet.get("/Annots")
        kept = ArrayObject()
        for note in notes.get_object() if notes is not None else ():
            action = note.get_object().get("/A")
            address = str(action.get_object().get("/URI", "")) if action is not None else ""
            if urlsplit(address).scheme != "file":
                kept.append(note)
            elif (target := first.get(address.split("#")[0].split("?")[0])) is not None:
                goal = ArrayObject([whole.pages[target].indirect_reference, NameObject("/Fit")])
                go = {NameObject("/S"): NameObject("/GoTo"), NameObject("/D"): goal}
                note.get_object()[NameObject("/A")] = DictionaryObject(go)
                kept.append(note)
        if notes is not None:
            sheet[NameObject("/Annots")] = kept


@click.command()
@click.argument("book", default="course/_build/html", type=click.Path(path_type=Path))
@click.option("--to", default="course/_build/operator-lab.pdf", type=click.Path(path_type=Path))
def main(book: Path, to: Path) -> None:
    """Print the built BOOK into one PDF, without its reference."""
    try:
        names = [name for name in order(book) if not name.startswith(ASIDE)]
        whole = join(book, names, sheets(book, names))
        number(whole)
    except LabError as error:
        sys.exit(str(error))
    whole.add_metadata({"/Title": "Operator Lab", "/Author": "The Operator Lab authors"})
    whole.compress_identical_objects()
    whole.write(to)
    size = to.stat().st_size / 1e6
    print(f"{to}: {len(names)} pages of the book on {len(whole.pages)} sheets, {size:.1f} MB")


if __name__ == "__main__":
    main()
