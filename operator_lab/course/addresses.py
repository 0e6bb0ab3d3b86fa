"""Where the project is to be found, from one file, and every link that follows from it.

An address that does not exist yet is empty, and what needs it is left out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import quote, urlencode

from ..errors import LabError, near
from ..files import write_whole
from .marked import passage

FILE = "addresses.toml"
BRANCH = "learn"  # of the repository: notebooks as learners get them, written by `pages.yml`
READ = "Read the course"  # the link that the course itself does not need
COLAB, BINDER = "https://colab.research.google.com", "https://mybinder.org"
_FORM = {
    "repository": r"https://github\.com/[\w.-]+/[\w.-]+",
    "site": r"https://[\w.-]+(/[\w.-]+)*",
    "package": r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?",
    "hub": r"https://[\w.:-]+(/[\w.-]+)*",
}


@dataclass(frozen=True)
class Addresses:
    """What `addresses.toml` says; what is empty does not exist yet."""

    repository: str = ""
    site: str = ""
    package: str = ""
    hub: str = ""

    @property
    def name(self) -> str:
        """The repository's OWNER/NAME."""
        return self.repository.removeprefix("https://github.com/")

    @property
    def requirement(self) -> str:
        """What pip installs: the package, else the repository; empty where there is neither."""
        return self.package or (f"operator-lab @ git+{self.repository}" if self.repository else "")


def read(root: Path) -> Addresses:
    """Read the addresses of a tree, none where it has no such file.

    LabError for a file that is no TOML, and for a name or a value that is none.
    """
    path = Path(root) / FILE
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise LabError(f"{FILE} is not TOML: {error}.") from error
    known = [field.name for field in fields(Addresses)]
    for name, value in given.items():
        if name not in known:
            raise LabError(f"{FILE}: {name!r} is not an address{near(name, known)}")
        if value != "" and not (isinstance(value, str) and re.fullmatch(_FORM[name], value)):
            raise LabError(
                f"{FILE}: {name} = {value!r} is not of the form that its comment shows (without a "
                "slash at the end)."
            )
    return Addresses(**given)


def launches(at: Addresses, stem: str) -> dict[str, str]:
    """Return where a notebook can be opened without a clone: {"Colab": address, ...}."""
    file, found = f"{stem}.ipynb", {}
    if at.repository:
        found["Colab"] = f"{COLAB}/github/{at.name}/blob/{BRANCH}/{file}"
        found["Binder"] = f"{BINDER}/v2/gh/{at.name}/{BRANCH}?urlpath=lab/tree/{file}"
    if at.repository and at.hub:
        folder = at.name.split("/")[1]
        pulled = {"repo": at.repository, "urlpath": f"lab/tree/{folder}/{file}", "branch": BRANCH}
        found["JupyterHub"] = f"{at.hub}/hub/user-redirect/git-pull?{urlencode(pulled, safe='/')}"
    return found


def links(at: Addresses, first: str = "03_mixing") -> Iterator[tuple[str, str]]:
    """Yield what a reader may follow, as (words, address); nothing where nothing exists."""
    if at.site:
        yield READ, f"{at.site}/"
    for place, address in launches(at, first).items():
        yield f"Try it in {place}", address
    if at.repository:
        yield "Repository", at.repository
    if at.package:
        yield "Package", f"https://pypi.org/project/{quote(at.package)}/"


def theme(at: Addresses) -> dict:
    """Return the options of the book's theme that these addresses allow."""
    if not at.repository:
        return {}
    launch = {"colab_url": COLAB, "binderhub_url": BINDER, "notebook_interface": "jupyterlab"}
    return {
        "repository_url": at.repository,
        "repository_branch": BRANCH,  # of what is opened: the notebooks lie at its root
        "path_to_docs": "",
        "use_repository_button": True,
        "launch_buttons": launch | ({"jupyterhub_url": at.hub} if at.hub else {}),
    }


def write(root: Path) -> list[Path]:
    """Make the passages that state an address again in a tree's files; return these files."""
    root = Path(root)
    at = read(root)
    linked = {words: f"[{words}]({address})" for words, address in links(at)}
    line = " · ".join(linked.values())
    inside = " · ".join(link for words, link in linked.items() if words != READ)
    urls = [f'{words} = "{value}"' for words, value in _urls(at)]
    cited = [f'url: "{at.site}"'] * bool(at.site)
    cited += [f'repository-code: "{at.repository}"'] * bool(at.repository)
    passages = [
        ("README.md", "links", f"\n{line}\n\n" if line else ""),
        ("course/index.md", "links", f"\n{inside}\n\n" if inside else ""),
        ("course/index.md", "citation", citation(root / "CITATION.cff", at.site or at.repository)),
        ("pyproject.toml", "links", "\n".join(["[project.urls]", *urls]) if urls else ""),
        ("CITATION.cff", "links", "\n".join(cited)),
    ]
    for name, passed, inside in passages:
        path = root / name
        text = passage(path.read_text(encoding="utf-8"), passed, inside)
        write_whole(path, text.encode())
    return sorted({root / name for name, *_ in passages})


def absolute(text: str, at: Addresses) -> str:
    """Return a README for PyPI: links and pictures that lie in the repository by full address."""
    if not at.repository:
        return text
    raw = f"https://raw.githubusercontent.com/{at.name}/HEAD/"
    text = re.sub(r"(!\[[^\]]*\]\()(?!https?:|#)", rf"\g<1>{raw}", text)
    return re.sub(r"((?<!!)\[[^\]]*\]\()(?!https?:|#)", rf"\g<1>{at.repository}/blob/HEAD/", text)


def citation(path: Path, address: str = "") -> str:
    """Return how to cite the course, in BibTeX between fences, from its CITATION.cff."""
    import yaml  # the book's and the tests'; a learner's installation need not have it

    given = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    authors = " and ".join(f"{{{author['name']}}}" for author in given["authors"])
    entry = {"author": authors, "title": given["title"], "version": given["version"]}
    if released := given.get("date-released"):
        entry["year"] = str(released)[:4]
    if address:
        entry["url"] = address
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in entry.items())
    return f"```\n@software{{operator_lab,\n{lines}}}\n```"


def _urls(at: Addresses) -> Iterator[tuple[str, str]]:
    if at.site:
        yield "Homepage", at.site
    if at.repository:
        yield "Repository", at.repository
