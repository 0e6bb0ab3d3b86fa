"""Addresses stand in one file: empty, nothing shows; filled in, every link appears by itself."""

from __future__ import annotations

import ast
import json
import re
import shutil
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from built_book import build
from test_book import outside, resources

from operator_lab.course import addresses, online
from operator_lab.course.addresses import Addresses
from operator_lab.errors import LabError

ROOT = Path(__file__).resolve().parent.parent
FILES = ("README.md", "course/index.md", "pyproject.toml", "CITATION.cff")
FILLED = Addresses(
    "https://github.com/someone/lab", "https://someone.example/lab", "", "https://hub.example"
)
GIVEN = "".join(f'{name} = "{getattr(FILLED, name)}"\n' for name in ("repository", "site", "hub"))


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "course").mkdir()
    for name in (addresses.FILE, *FILES):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def texts(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text(encoding="utf-8") for name in FILES}


def test_what_the_files_show_is_what_the_addresses_say(tree):
    addresses.write(tree)
    assert texts(tree) == texts(ROOT), "say make addresses"


def test_filled_in_the_links_appear_and_emptied_they_go(tree):
    (tree / addresses.FILE).write_text("", encoding="utf-8")
    addresses.write(tree)
    empty = texts(tree)
    assert not re.search(r"mybinder|colab|github\.com|pypi\.org/project", "".join(empty.values()))
    assert "urls" not in tomllib.loads(empty["pyproject.toml"])["project"]

    (tree / addresses.FILE).write_text(GIVEN + 'package = "operator-lab"\n', encoding="utf-8")
    assert len(addresses.write(tree)) == len(FILES)
    full = texts(tree)
    for page in ("README.md", "course/index.md"):
        assert (f"[Read the course]({FILLED.site}/)" in full[page]) == (page == "README.md")
        for place in ("Colab", "Binder", "JupyterHub"):
            assert f"[Try it in {place}](https://" in full[page]
        assert f"[Repository]({FILLED.repository})" in full[page]
        assert "[Package](https://pypi.org/project/operator-lab/)" in full[page]
    assert f"url = {{{FILLED.site}}}" in full["course/index.md"]
    urls = tomllib.loads(full["pyproject.toml"])["project"]["urls"]
    assert urls == {"Homepage": FILLED.site, "Repository": FILLED.repository}
    cited = yaml.safe_load(full["CITATION.cff"])
    assert (cited["url"], cited["repository-code"]) == (FILLED.site, FILLED.repository)

    (tree / addresses.FILE).write_text("", encoding="utf-8")
    addresses.write(tree)
    assert texts(tree) == empty


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('repository = "https://example.org/a/b"', "repository = 'https://example.org/a/b'"),
        ('repository = "https://github.com/a/b/"', "without a slash at the end"),
        ('site = "http://plain.example"', "site = 'http://plain.example'"),
        ('package = "not a name"', "package = 'not a name'"),
        ("hub = 3", "hub = 3 is not"),
        ('repo = ""', "'repo' is not an address; near: 'repository'"),
        ("repository = ", "addresses.toml is not TOML"),
    ],
)
def test_a_mistake_gets_one_sentence(tmp_path, given, message):
    (tmp_path / addresses.FILE).write_text(given, encoding="utf-8")
    with pytest.raises(LabError, match=re.escape(message)):
        addresses.read(tmp_path)


def test_a_tree_without_the_file_has_no_addresses(tmp_path):
    assert addresses.read(tmp_path) == Addresses()
    assert addresses.launches(Addresses(), "01_one_hot") == {} == addresses.theme(Addresses())
    assert list(addresses.links(Addresses(hub="https://hub.example"))) == []


def test_a_notebook_is_opened_from_the_learners_branch():
    found = addresses.launches(FILLED, "05_dyson")
    assert found["Colab"].endswith("/github/someone/lab/blob/learn/05_dyson.ipynb")
    assert found["Binder"].endswith("/v2/gh/someone/lab/learn?urlpath=lab/tree/05_dyson.ipynb")
    hub = urlsplit(found["JupyterHub"])
    assert hub.hostname == "hub.example" and hub.path == "/hub/user-redirect/git-pull"
    asked = {"repo": FILLED.repository, "branch": "learn", "urlpath": "lab/tree/lab/05_dyson.ipynb"}
    assert {name: one for name, (one,) in parse_qs(hub.query).items()} == asked


def test_a_readme_for_pypi_has_full_addresses():
    text = "![p](course/a.png) [C](C.md) [w](https://w.example) [s](#s)"
    assert addresses.absolute(text, Addresses()) == text
    full = addresses.absolute(text, FILLED)
    at = "someone/lab"
    assert f"![p](https://raw.githubusercontent.com/{at}/HEAD/course/a.png)" in full
    assert f"[C](https://github.com/{at}/blob/HEAD/C.md) [w](https://w.example) [s](#s)" in full


# --- the notebooks that install the course themselves ---


def test_online_every_notebook_begins_by_installing(tmp_path):
    done = online.write(ROOT / "course", tmp_path / "learn", FILLED)
    notebooks = sorted(done.target.glob("*.ipynb"))
    assert [p.name for p in notebooks] == [p.name for p in sorted(ROOT.glob("course/*.ipynb"))]
    for path in notebooks:
        code = [c for c in json.loads(path.read_bytes())["cells"] if c["cell_type"] == "code"]
        first = "".join(code[0]["source"])
        assert f'%pip install --quiet "operator-lab @ git+{FILLED.repository}"' in first
        assert not any(cell["outputs"] for cell in code)
        ids = [cell["id"] for cell in code]
        assert len(set(ids)) == len(ids)
    environment = yaml.safe_load((done.target / "binder" / "environment.yml").read_text())
    assert environment["dependencies"][-1]["pip"] == [FILLED.requirement]
    own = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"][:-1] == own["dependencies"]
    assert (done.target / "binder" / "start").read_bytes() == (ROOT / "binder/start").read_bytes()


@pytest.mark.parametrize("where", ["installed", "missing", "colab"])
def test_the_first_cell_installs_where_the_course_is_missing(where):
    """The cell as IPython runs it, with the two magics of Colab and pip taken by witnesses."""
    asked = []
    source = re.sub(r'%pip install --quiet "(.*)"', r'asked.append("\1")', online.INSTALL).format(
        requirement=FILLED.requirement
    )
    ast.parse(source)

    class Output:
        @staticmethod
        def enable_custom_widget_manager():
            asked.append("widgets")

    class Util:
        @staticmethod
        def find_spec(name):
            assert name == "operator_lab"
            return where == "installed" or None

    body = source.replace("import importlib.util\nimport sys\n", "")
    body = body.replace("    from google.colab import output\n", "")

    class Here:
        modules = {"google.colab": None} if where == "colab" else {}
        util = Util

    exec(body, {"asked": asked, "importlib": Here, "sys": Here, "output": Output})
    expected = [] if where == "installed" else [FILLED.requirement]
    assert asked == expected + (["widgets"] if where == "colab" else [])


def test_without_an_address_nothing_is_written(tmp_path):
    with pytest.raises(LabError, match="neither a repository nor a package"):
        online.write(ROOT / "course", tmp_path / "learn", Addresses())
    assert not (tmp_path / "learn").exists()
    assert Addresses(package="operator-lab").requirement == "operator-lab"


# --- in the book ---


def small_book(root: Path) -> Path:
    """A page in Markdown and a notebook that runs nothing, under the course's own settings."""
    for name in ("operator_lab", "course/_static"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("book.yml", "constraints.txt"):
        shutil.copyfile(ROOT / name, root / name)
    opening = "# 01 · Labels\n\n**What?**\n\nWords.\n\n*Time*: about 5 minutes, exercises 3 more."
    head = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": opening}
    told = "[claim] II a: 1 {no chance in it} -> exact\n"
    code = {
        "cell_type": "code", "id": "b", "metadata": {}, "execution_count": 1,
        "source": f"print({told.strip()!r})",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": [told]}],
    }  # fmt: skip
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = {"cells": [head, code], "nbformat": 4, "nbformat_minor": 5}
    notebook["metadata"] = {"kernelspec": kernel}
    (root / "course" / "01_one_hot.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    kernelspec = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n\n"
    board = "<!-- The board of verdicts stands here in the book. -->"
    for name, text in (("index", f"# Front\n\nText.\n\n{board}\n"), ("claims", "# Claims\n")):
        (root / "course" / f"{name}.md").write_text(kernelspec + text, encoding="utf-8")
    toc = "format: jb-book\nroot: index\nchapters:\n- file: 01_one_hot\n- file: claims\n"
    (root / "course" / "_toc.yml").write_text(toc, encoding="utf-8")
    return root


@pytest.mark.thorough
def test_the_book_shows_links_once_there_are_addresses(tmp_path):
    root = small_book(tmp_path)
    html = root / "course" / "_build" / "html"

    def pages():
        run = build(root)
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
        read = {
            n: (html / f"{n}.html").read_text(encoding="utf-8") for n in ("index", "01_one_hot")
        }
        assert not [a for page in read.values() for a in resources(page) if outside(a)]
        return read["index"], read["01_one_hot"]

    front, notebook = pages()
    for page in (front, notebook):
        assert not re.search(r"mybinder|colab\.research|og:|twitter:|rel=\"canonical\"", page)
        assert "launch-buttons" not in page
    assert len(re.findall(r'href="claims.html#[^"]+" title="II: a. Exact."', front)) == 1
    assert (html / "_static" / "card.png").is_file()

    (root / addresses.FILE).write_text(GIVEN, encoding="utf-8")
    front, notebook = pages()
    for address in addresses.launches(FILLED, "01_one_hot").values():
        assert address.replace("&", "&amp;") in notebook or address in notebook
    assert f'href="{FILLED.repository}"' in notebook and f'href="{FILLED.repository}"' in front
    assert "mybinder" not in front and "colab.research" not in front  # nobody can run a page
    for page in (front, notebook):
        assert f'property="og:image" content="{FILLED.site}/_static/card.png"' in page
        assert 'property="og:site_name" content="Operator Lab"' in page
        assert '<meta name="twitter:card" content="summary_large_image"' in page
    assert f'property="og:url" content="{FILLED.site}/01_one_hot.html"' in notebook
