"""The built book as one file to carry away: unpack it anywhere and open index.html, no network.

`python -m operator_lab.course.archive` after the book is built; `make archive` does both.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import click

from ..errors import LabError

ROOT = "operator-lab"
_WHEN = (2026, 1, 1, 0, 0, 0)  # the same pages make the same file, whenever they are packed
_LEFT_OUT = (".buildinfo", "objects.inv")  # for programs, not for readers


def archive(book: Path, target: Path) -> list[Path]:
    """Pack the built book under one folder, `operator-lab/`; return the files packed.

    Raises LabError if there is no built book.
    """
    book = Path(book)
    if not (book / "index.html").is_file():
        raise LabError(f"{book / 'index.html'} is missing; build the book first, with make book.")
    files = [path for path in sorted(book.rglob("*")) if path.is_file()]
    files = [path for path in files if path.name not in _LEFT_OUT]
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in files:
            entry = zipfile.ZipInfo(f"{ROOT}/{path.relative_to(book).as_posix()}", _WHEN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, path.read_bytes())
    return files


@click.command()
@click.argument("book", default="course/_build/html", type=click.Path(path_type=Path))
@click.option("--to", default="course/_build/operator-lab.zip", type=click.Path(path_type=Path))
def main(book: Path, to: Path) -> None:
    """Pack the built BOOK into one zip file."""
    try:
        files = archive(book, to)
    except LabError as error:
        sys.exit(str(error))
    whole = sum(path.stat().st_size for path in files) / 1e6
    size = to.stat().st_size / 1e6
    print(f"{to}: {len(files)} files, {whole:.1f} MB, packed {size:.1f} MB; open index.html")


if __name__ == "__main__":
    main()
