"""One place for versions: pyproject.toml. Everything else has to agree with it."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
REQUIREMENTS = [
    Requirement(text)
    for text in PROJECT["dependencies"] + sum(PROJECT["optional-dependencies"].values(), [])
]
ON_REQUEST = {"convert", "bench", "field-trip"}  # by their own targets
BASE = """anywidget ipywidgets jaxtyping jupyterlab matplotlib nbval numpy safetensors torch tqdm"""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(content: str) -> dict[str, str]:
    lines = (line for line in content.splitlines() if line.strip() and not line.startswith("#"))
    return {canonicalize_name(name): pin for name, pin in (line.split("==") for line in lines)}


def disagreements(pinned: dict[str, str], requirements: list[Requirement]) -> list[str]:
    return [
        str(requirement)
        for requirement in requirements
        if canonicalize_name(requirement.name) not in pinned
        or pinned[canonicalize_name(requirement.name)] not in requirement.specifier
    ]


def make_targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))


def unknown_commands(page: str, makefile: str) -> set[str]:
    return set(re.findall(r"\bmake ([a-z-]+)\b", code_of(page))) - make_targets(makefile)


def code_of(page: str) -> str:
    """What stands in a fence or between backticks: "make sure" in a sentence is no command."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page, flags=re.DOTALL))


def test_the_base_is_what_the_course_needs():
    named = {Requirement(requirement).name for requirement in PROJECT["dependencies"]}
    assert set(BASE.split()) <= named
    assert set(PROJECT["optional-dependencies"]) == {"book", "test"} | ON_REQUEST


def test_every_requirement_states_the_oldest_version_tried():
    assert [str(r) for r in REQUIREMENTS if not any(s.operator == ">=" for s in r.specifier)] == []


def test_the_book_stays_with_jupyter_book_1():
    book = next(r for r in REQUIREMENTS if r.name == "jupyter-book")
    assert "1.0.4" in book.specifier and "2.0.0" not in book.specifier


def test_constraints_satisfy_pyproject():
    assert disagreements(pins(text("constraints.txt")), REQUIREMENTS) == []


def test_disagreement_is_seen():
    requirements = [Requirement("numpy>=2"), Requirement("torch>=2.13")]
    assert disagreements({"numpy": "1.26.4"}, requirements) == ["numpy>=2", "torch>=2.13"]


def test_torch_is_pinned_without_a_build():
    assert pins(text("constraints.txt"))["torch"] == "2.13.0"


def test_constraints_are_pins_of_public_releases():
    pinned = pins(text("constraints.txt"))
    assert all(not Version(pin).local for pin in pinned.values())
    assert not {"operator-lab", "jupytext"} & set(pinned)


def test_installed_versions_satisfy_pyproject():
    assert [
        f"{requirement}, installed {version(requirement.name)}"
        for requirement in REQUIREMENTS
        if requirement.name != "transformer_lens"  # a contender of the benchmarks alone
        and not requirement.specifier.contains(version(requirement.name), prereleases=True)
    ] == []


def test_environment_has_the_shape_conda_expects():
    assert list(ENVIRONMENT) == ["name", "channels", "dependencies"]
    assert ENVIRONMENT["name"] == PROJECT["name"]
    assert ENVIRONMENT["channels"] == ["conda-forge"]
    plain = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
    assert [re.split("[=<>]", entry)[0] for entry in plain] == ["python", "pip"]


def test_environment_installs_this_project_and_nothing_beside_it():
    (pip,) = (entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))
    (install,) = pip
    match = re.fullmatch(r"-e \.\[([\w,]+)\]", install)
    assert match and set(match[1].split(",")) == set(PROJECT["optional-dependencies"]) - ON_REQUEST


def test_environment_python_is_allowed():
    python = next(str(e) for e in ENVIRONMENT["dependencies"] if str(e).startswith("python"))
    assert python.split("=")[-1] in SpecifierSet(PROJECT["requires-python"])


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "course/index.md", ".ci/run"])
def test_commands_a_page_names_exist(page):
    content = text(page) if page.endswith(".md") else f"```{text(page)}```"
    assert re.search(r"\bmake [a-z]", code_of(content))
    assert unknown_commands(content, text("Makefile")) == set()


def test_an_unknown_command_is_seen():
    assert unknown_commands("make sure to run `make coffee`", "test:\n") == {"coffee"}


def test_every_target_is_explained_and_phony():
    makefile = text("Makefile")
    explained = set(re.findall(r"^([a-z-]+):.*## .", makefile, flags=re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)[1].split())
    assert make_targets(makefile) == explained == phony


def test_the_commands_stand_before_the_sizes_of_downloads():
    before, _, _ = text("README.md").partition("## What is downloaded")
    for command in ("make lab", "make test", "conda env create -f environment.yml", "-m venv"):
        assert command in before


def test_the_first_screen_shows_six_lines_that_run(capsys):
    first = "\n".join(text("README.md").splitlines()[:20])
    code = re.search(r"```python\n(.*?)```", first, re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line.strip()]) == 6 and "![" in first
    exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "0.81" in printed and re.search(r"\[0\.609 0\.001 ", printed)


@pytest.mark.skipif(os.name == "nt", reason="make is not part of Windows")
def test_setup_is_not_done_twice(tmp_path):
    """With the stamp in place `make` starts no installation; without it, it does."""
    (tmp_path / "Makefile").write_text(text("Makefile"), encoding="utf-8")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text(text(name), encoding="utf-8")

    def plan() -> str:
        run = subprocess.run(
            ["make", "--dry-run", "test"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return run.stdout

    assert "pip install" in plan()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").touch()
    assert "pip install" not in plan()
    os.utime(tmp_path / "constraints.txt", (2_000_000_000, 2_000_000_000))
    assert "pip install" in plan()


@pytest.mark.skipif(os.name == "nt", reason="make is not part of Windows")
def test_without_python_one_sentence(tmp_path):
    (tmp_path / "Makefile").write_text(text("Makefile"), encoding="utf-8")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text(text(name), encoding="utf-8")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "uname", "id", "touch"):
        (tools / tool).symlink_to(subprocess.check_output(["which", tool], text=True).strip())
    make = subprocess.check_output(["which", "make"], text=True).strip()
    run = subprocess.run(
        [make, "test"], cwd=tmp_path, env={"PATH": str(tools)}, capture_output=True, text=True
    )
    assert run.returncode != 0
    assert run.stdout.strip() == (
        "Operator Lab needs Python 3.11 or newer and found none; "
        "install it from https://www.python.org and try again."
    )


def test_the_project_is_installed():
    try:
        installed = version(PROJECT["name"])
    except PackageNotFoundError:
        pytest.fail("install the project first: pip install -e .")
    assert installed == PROJECT["version"]


def test_one_version_everywhere():
    import operator_lab

    citation = yaml.safe_load(text("CITATION.cff"))
    assert operator_lab.__version__ == PROJECT["version"] == citation["version"]


def test_citation_has_the_required_fields():
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "message", "authors", "type", "license"} <= set(citation)
    for author in citation["authors"]:
        assert "name" in author or {"family-names", "given-names"} <= set(author)


def test_licence_names_both_parts():
    licence = text("LICENSE")
    assert "MIT License" in licence and "CC BY 4.0" in licence
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
