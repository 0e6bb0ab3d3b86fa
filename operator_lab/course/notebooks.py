"""The course's notebooks as files: run them, and keep only the outputs that are compared.

A cell that contains `# NBVAL_CHECK_OUTPUT` keeps its output, so that the numbers in the prose can
be read and compared with an execution. Every other output is taken out: a change reads well.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ..errors import LabError
from ..files import write_whole

MARK = "NBVAL_CHECK_OUTPUT"
KEPT = ("mystnb", "tags")  # what a cell says about itself: alternative text, hidden input
_LANGUAGE = {"file_extension": ".py", "name": "python"}  # a script of it ends in .py
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def is_marked(source: str) -> bool:
    """Tell whether a cell's output is stored and compared, by nbval's own rule for its comments."""
    comments = (line.strip() for line in source.splitlines() if line.strip().startswith("#"))
    return any(comment.lstrip("#").strip() == MARK for comment in comments)


def read(path: Path) -> dict:
    """Read a notebook as plain dictionaries, with its cells' ids (given here where it has none).

    Raises LabError if the file is missing or is no notebook of format 4.
    """
    path = Path(path)
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(notebook, ensure_ascii=False).encode()  # half a letter is none
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path} is not a notebook: it does not hold JSON in UTF-8.") from error
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4 or "cells" not in notebook:
        raise LabError(f"{path} is not a notebook of format 4; open and save it in JupyterLab.")
    cells = notebook["cells"]
    whole = isinstance(cells, list) and all(map(_is_cell, cells))
    if not whole:
        raise LabError(f"{path} is not a whole notebook: a cell has no type or no source.")
    cells = [_with_id(cell, number) for number, cell in enumerate(notebook["cells"])]
    return {**notebook, "cells": cells, "nbformat_minor": 5}


def clean(notebook: dict) -> dict:
    """Return the notebook as it is stored: outputs in marked cells only, nothing that varies.

    Raises LabError if a marked cell printed nothing, or anything but plain text on its output:
    only plain text can be compared on every machine.
    """
    cells = [_clean_cell(cell, number) for number, cell in enumerate(notebook["cells"], start=1)]
    metadata = {"kernelspec": _KERNEL, "language_info": _LANGUAGE}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def unrun(notebook: dict) -> dict:
    """Return the notebook as nobody has run it yet: no outputs, no counts, all else as it is.

    nbval compares nothing with a cell that was never run.
    """
    nothing: dict = {"execution_count": None, "outputs": []}
    cells = [{**cell, **nothing} if _is_code(cell) else cell for cell in notebook["cells"]]
    return {**notebook, "cells": cells}


def content(notebook: dict) -> bytes:
    """Return a notebook as the bytes of its file, always written in the same way."""
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    return text.encode("utf-8")


def write(path: Path, notebook: dict) -> None:
    """Write a notebook in one step: an interruption leaves the file as it was."""
    write_whole(path, content(notebook))


def execute(
    notebook: dict,
    folder: Path,
    timeout: int = 600,
    each: Callable[[], object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict:
    """Run a notebook from top to bottom in a kernel of its own, and return it with its outputs.

    The exercises are checked gently, so that an untouched notebook runs to its end; `each` is
    called after every cell that was run; `environment` is added to the kernel's. Raises LabError
    at the first cell that fails.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    node = nbformat.reads(json.dumps(notebook), as_version=4)
    client = NotebookClient(
        node,
        timeout=timeout,
        kernel_name=_KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        on_cell_executed=(lambda **_: each()) if each else None,
    )
    try:
        client.execute(env={**os.environ, "OPERATOR_LAB_CHECKS": "gentle", **(environment or {})})
    except CellExecutionError as error:
        cell = _failed_cell(node)
        raise LabError(f"cell {cell} raised {error.ename}: {error.evalue}") from error
    except CellTimeoutError as error:
        raise LabError(f"a cell ran for more than {timeout} seconds.") from error
    except DeadKernelError as error:
        raise LabError("the kernel died, perhaps for lack of memory.") from error
    except RuntimeError as error:  # the kernel's first answer never came
        atexit.unregister(client._cleanup_kernel)  # nbclient forgets to: an error at exit
        raise LabError(f"the kernel did not start ({error}); is ipykernel installed?") from error
    return json.loads(nbformat.writes(node))


def refresh(paths: Iterable[Path], progress: bool = True) -> list[Path]:
    """Run each notebook and store its compared outputs again; return those that changed.

    Raises LabError, naming the notebook, if one fails; that notebook is left as it was.
    """
    from tqdm import tqdm

    changed = []
    for path in map(Path, paths):
        source = read(path)
        count = sum(bool(_is_code(cell) and _text(cell).strip()) for cell in source["cells"])
        try:
            with tqdm(total=count, desc=path.stem, unit="cell", disable=not progress) as bar:
                after = clean(execute(source, path.parent, each=bar.update))
        except LabError as error:
            raise LabError(f"{path.name} is left as it was: {error}") from error
        if after != json.loads(path.read_text(encoding="utf-8")):
            write(path, after)
            changed.append(path)
    return changed


def _clean_cell(cell: dict, number: int) -> dict:
    metadata = cell.get("metadata", {})
    kept = {
        "cell_type": cell["cell_type"],
        "id": cell["id"],
        "metadata": {name: metadata[name] for name in KEPT if metadata.get(name)},
        "source": _text(cell).splitlines(keepends=True),
    }
    if "attachments" in cell:
        kept["attachments"] = cell["attachments"]
    if not _is_code(cell):
        return kept
    if not is_marked(_text(cell)):
        return {**kept, "execution_count": None, "outputs": []}
    outputs = [_plain(output, number) for output in cell["outputs"]]
    if not outputs:
        raise LabError(f"cell {number} is marked {MARK} but printed nothing to compare.")
    return {**kept, "execution_count": cell["execution_count"], "outputs": outputs}


def _plain(output: dict, number: int) -> dict:
    kind = output["output_type"]
    if kind == "stream" and output["name"] == "stdout":
        return {**output, "text": "".join(output["text"]).splitlines(keepends=True)}
    if kind in ("execute_result", "display_data") and set(output["data"]) == {"text/plain"}:
        text = "".join(output["data"]["text/plain"]).splitlines(keepends=True)
        return {**output, "data": {"text/plain": text}, "metadata": {}}
    what = output.get("name") or ", ".join(sorted(output.get("data", [kind])))
    raise LabError(
        f"cell {number} is marked {MARK} but made {what}; a compared cell prints plain text only."
    )


def _failed_cell(notebook: dict) -> int:
    failed = (
        number
        for number, cell in enumerate(notebook["cells"], start=1)
        if any(output["output_type"] == "error" for output in cell.get("outputs", []))
    )
    return next(failed, 0)


def _is_cell(cell: object) -> bool:
    """Whether it is a cell as format 4 has them: what is read of it is there, and of its type."""
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata", {}), dict):
        return False
    source, outputs = cell.get("source"), cell.get("outputs", [])
    lines = source if isinstance(source, list) else [source]
    return (
        cell.get("cell_type") in ("code", "markdown", "raw")
        and all(isinstance(line, str) for line in lines)
        and isinstance(outputs, list)
        and all(isinstance(output, dict) for output in outputs)
    )


def _with_id(cell: dict, number: int) -> dict:
    if cell.get("id"):
        return cell
    digest = hashlib.sha256(f"{number}\n{_text(cell)}".encode()).hexdigest()
    return {**cell, "id": digest[:8]}


def _is_code(cell: dict) -> bool:
    return cell["cell_type"] == "code"


def _text(cell: dict) -> str:
    return "".join(cell["source"])
