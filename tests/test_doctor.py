"""The doctor: each thing that may be missing is told with its mend."""

from __future__ import annotations

import shutil
import webbrowser
from collections import namedtuple

import pytest

from operator_lab import __main__ as command_line
from operator_lab.course import doctor


def lines():
    return {line.what: line for line in doctor.examine()}


def test_this_machine_is_ready(capsys):
    assert command_line.main(["doctor"]) == 0
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[1:])
    assert rows["torch"].startswith("2.") and rows["device"].split()[0] in ("cpu", "cuda", "mps")
    assert "GB free" in rows["disk"] and rows["kernel"].startswith("python3")


def test_a_missing_package_has_its_mend(monkeypatch, capsys):
    def absent(name):
        raise doctor.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", absent)
    assert command_line.main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "missing" in printed and "python -m pip install torch" in printed


def test_an_old_package_has_its_mend(monkeypatch):
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "0.0.1")
    found = lines()["numpy"]
    assert not found.ready and "needed >=" in found.found and "numpy>=" in found.mend


def test_a_kernel_of_another_python_is_told(monkeypatch):
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    other = KernelSpec(argv=["/elsewhere/bin/python", "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: other)
    found = lines()["kernel"]
    assert not found.ready and "ipykernel install --sys-prefix" in found.mend


def test_a_full_disk_is_told(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 10**6))
    assert not lines()["disk"].ready and "1 GB" in lines()["disk"].mend


def test_no_browser_is_advice_only(monkeypatch):
    def none():
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", none)
    assert lines()["browser"].ready and "address" in lines()["browser"].mend


@pytest.mark.parametrize("package", doctor.WIDGETS)
def test_a_widget_without_its_half_in_jupyterlab_is_told(monkeypatch, tmp_path, package):
    monkeypatch.setattr(doctor.sys, "prefix", str(tmp_path))
    assert "JupyterLab is missing" in lines()[package].found and package in lines()[package].mend
