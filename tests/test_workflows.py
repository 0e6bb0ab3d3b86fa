"""The files for public continuous integration: valid, no more rights than needed, and complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from operator_lab.course.addresses import BRANCH

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github" / "workflows"
NAMES = ("pages", "release", "test")
SCHEMAS = {
    "vendor.github-workflows": sorted(FOLDER.glob("*.yml")),
    "vendor.dependabot": [ROOT / ".github" / "dependabot.yml"],
    "vendor.citation-file-format": [ROOT / "CITATION.cff"],
}


def schema(name: str, paths: list[Path]) -> subprocess.CompletedProcess:
    """The schemas lie in the package: nothing is fetched."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name]
    return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)


def text(name: str) -> str:
    return (FOLDER / f"{name}.yml").read_text(encoding="utf-8")


def workflow(name: str) -> dict:
    found = yaml.safe_load(text(name))
    found["on"] = found.pop(True)  # to YAML 1.1 "on" is a truth
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_files_obey_their_schemas(name):
    run = schema(name, SCHEMAS[name])
    assert SCHEMAS[name] and run.returncode == 0, run.stdout + run.stderr


def test_what_disobeys_is_seen(tmp_path):
    path = tmp_path / "w.yml"
    path.write_text(text("test").replace("runs-on:", "run-on:"), encoding="utf-8")
    assert schema("vendor.github-workflows", [path]).returncode


def test_every_workflow_is_known():
    assert sorted(path.stem for path in FOLDER.glob("*")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_rights_are_given_to_the_job_that_needs_them(name):
    found = workflow(name)
    assert found["permissions"] == {"contents": "read"}
    writing = {
        job: sorted(
            right for right, level in one.get("permissions", {}).items() if level == "write"
        )
        for job, one in found["jobs"].items()
        if "permissions" in one
    }
    assert (
        writing
        == {
            "test": {},
            "pages": {"publish": ["id-token", "pages"], "learners": ["contents"]},
            "release": {
                "attest": ["attestations", "id-token"],
                "pypi": ["id-token"],
                "notes": ["contents"],
            },
        }[name]
    )
    assert "secrets." not in text(name)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_others_is_run_and_every_action_has_a_version(name):
    for job in workflow(name)["jobs"].values():
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v1)", step.get("uses", "a/a@v1"))


def test_three_systems_three_pythons_and_once_a_week_the_newest():
    found = workflow("test")
    matrix = found["jobs"]["pinned"]["strategy"]["matrix"]
    assert [system.split("-")[0] for system in matrix["system"]] == ["ubuntu", "macos", "windows"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = SpecifierSet(project["requires-python"])
    assert len(matrix["python"]) == 3 and all(python in allowed for python in matrix["python"])
    assert "schedule" in found["on"]
    newest = str(found["jobs"]["newest"])
    assert "--upgrade-strategy eager" in newest and "constraints.txt" not in newest
    files = found["jobs"]["conda"]["strategy"]["matrix"]["file"]
    assert all((ROOT / file).is_file() for file in files)


def test_extras_and_programs_that_are_named_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    whole = "".join(map(text, NAMES))
    extras = re.findall(r"-e '\.\[([\w,]+)\]'", whole)
    assert extras and set(",".join(extras).split(",")) <= set(project["optional-dependencies"])
    commands = set(re.findall(r"\boperator-lab ([a-z]+)", whole))
    from operator_lab import __main__ as command_line

    assert commands and commands <= set(command_line.commands.commands)


def test_pages_wait_for_an_address_and_write_the_branch_that_links_name():
    jobs = workflow("pages")["jobs"]
    assert jobs["book"]["if"] == "needs.addresses.outputs.site != ''"
    assert jobs["learners"]["if"] == "needs.addresses.outputs.repository != ''"
    assert f'push "$address" {BRANCH}\n' in jobs["learners"]["steps"][-1]["run"]


def scripts() -> list[tuple[str, str]]:
    """Every script in Python that a workflow holds, by its step."""
    steps = (s for name in NAMES for job in workflow(name)["jobs"].values() for s in job["steps"])
    return [
        (step.get("name") or step["id"], step["run"])
        for step in steps
        if step.get("shell") == "python"
    ]


def run(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_the_scripts_of_the_workflows_do_what_they_say(tmp_path):
    found = dict(scripts())
    assert set(found) == {
        "read",
        "The tag is the version",
        "On PyPI the README's pictures and links need full addresses",
    }
    (tmp_path / "addresses.toml").write_text('site = "https://a.example"\nhub = ""\n')
    told = run(found["read"], tmp_path, GITHUB_OUTPUT=str(tmp_path / "out"))
    assert told.returncode == 0, told.stderr
    assert (tmp_path / "out").read_text() == "site=https://a.example\nhub=\n"

    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    assert run(found["The tag is the version"], tmp_path, GITHUB_REF_NAME="v1.2.0").returncode == 0
    told = run(found["The tag is the version"], tmp_path, GITHUB_REF_NAME="v1.2.1")
    assert told.returncode and "The tag is v1.2.1 and the version 1.2.0." in told.stderr

    (tmp_path / "README.md").write_text("![a](b.png)\n")
    (tmp_path / "addresses.toml").write_text('repository = "https://github.com/a/b"\n')
    told = run(
        found["On PyPI the README's pictures and links need full addresses"],
        tmp_path,
        PYTHONPATH=str(ROOT),
    )
    assert told.returncode == 0, told.stderr
    assert (
        "(https://raw.githubusercontent.com/a/b/HEAD/b.png)" in (tmp_path / "README.md").read_text()
    )
