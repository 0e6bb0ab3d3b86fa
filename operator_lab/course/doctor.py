"""Is this machine ready for the course? What was found, and the mend where something is missing."""

from __future__ import annotations

import re
import shutil
import sys
import webbrowser
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

GIGABYTE = 10**9
SHOWN = ("operator-lab", "torch", "numpy", "matplotlib", "jupyterlab", "ipykernel")
WIDGETS = {
    "anywidget": "anywidget",
    "jupyterlab-widgets": "@jupyter-widgets/jupyterlab-manager",
}  # package: its folder among JupyterLab's extensions


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do if that is not enough.

    `ready` is false where the course cannot run; a mend of what is ready is only advice.
    """

    what: str
    found: str
    mend: str = ""
    ready: bool = True


def examine() -> list[Finding]:
    """Look at versions, kernel, widgets, disk, browser and device; nothing is changed."""
    found = [Finding("Python", sys.version.split()[0])]
    found += [_package(name) for name in SHOWN]
    found += [_kernel(), *_widgets(), _disk(Path.cwd()), _browser(), _device()]
    return found


def _package(name: str) -> Finding:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", f"python -m pip install {name}", ready=False)
    for wanted in _ranges(name):
        if not _inside(version, wanted):
            mend = f"python -m pip install '{name}{wanted}'"
            return Finding(name, f"{version}, needed {wanted}", mend, ready=False)
    return Finding(name, version)


def _ranges(name: str) -> Iterator[str]:
    """Yield the versions that this package asks for: `>=2.0`."""
    try:
        required = metadata.requires("operator-lab") or []
    except metadata.PackageNotFoundError:
        return
    for line in required:
        match = re.match(r"([\w.-]+)([<>=!~][^;]*)", line)
        if match and match[1].lower() == name and "extra ==" not in line:
            yield match[2].strip()


def _inside(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def _kernel() -> Finding:
    """The kernel of the notebooks has to run this very Python."""
    mend = "python -m ipykernel install --sys-prefix --name python3"
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    except ImportError:
        return Finding("kernel", "missing", "python -m pip install jupyterlab", ready=False)
    try:
        runs = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding("kernel", "missing: no python3", mend, ready=False)
    if Path(runs).name == runs or Path(runs) == Path(sys.executable):
        return Finding("kernel", "python3, this Python")
    return Finding("kernel", f"python3 runs {runs}, not this Python", mend, ready=False)


def _widgets() -> Iterator[Finding]:
    for package, folder in WIDGETS.items():
        found = _package(package)
        built = Path(sys.prefix, "share", "jupyter", "labextensions", folder)
        if found.ready and not built.is_dir():
            mend = f"python -m pip install --force-reinstall --no-deps {package}"
            found = Finding(package, f"{found.found}, its part of JupyterLab is missing", mend)
        yield found


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free / GIGABYTE
    if free < 1:
        mend = "make room: notebooks, pictures and caches need about 1 GB"
        return Finding("disk", f"{free:.1f} GB free", mend, ready=False)
    return Finding("disk", f"{free:.0f} GB free")


def _browser() -> Finding:
    try:
        return Finding("browser", getattr(webbrowser.get(), "name", "") or "the system's own")
    except webbrowser.Error:
        return Finding("browser", "none here", "open the address that JupyterLab prints")


def _device() -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:  # a broken library raises OSError on Windows
        return Finding("device", f"missing ({error})", "python -m pip install torch", ready=False)
    if torch.cuda.is_available():
        return Finding("device", f"cuda ({torch.cuda.get_device_name()})")
    return Finding("device", "mps" if torch.backends.mps.is_available() else "cpu")
