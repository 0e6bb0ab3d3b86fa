"""The room that other people's code runs in: what the system offers, the strictest first.

"bubblewrap" and "namespaces" see the libraries and nothing else, have no network, and write only
into a small folder that is gone afterwards. "limits" has limits on memory, time, processes and
files, but sees what its user sees. Whoever grades as root has the answers run as nobody.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...errors import LabError
from . import wire

PACKAGE = Path(__file__).resolve().parents[2]
SECRET = PACKAGE / "exercises"  # right answers: nobody in the room may read them
SCRATCH = 64 * 2**20  # bytes that may be written
NOBODY = 65534
SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/alternatives")
DEVICES = ("null", "zero", "urandom", "random")


@dataclass(frozen=True)
class Room:
    """A way to run the inmate: its name, and the command that locks it in."""

    name: str
    command: tuple[str, ...]

    def enter(self) -> subprocess.Popen:
        """Start an inmate in a room of its own."""
        return subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd="/" if os.name == "posix" else None,
            start_new_session=True,
        )


@cache
def room(wish: str = "") -> Room:
    """Return the strictest room that opens here, or the one that is wished for.

    LabError if there is none: an unknown name, or root where nobody can read the package.
    """
    rooms = {"bubblewrap": _bubblewrap, "namespaces": _namespaces, "limits": _limits}
    if wish and wish not in rooms:
        raise LabError(f"There is no room {wish!r}; there are {', '.join(rooms)}.")
    for name in (wish,) if wish else rooms:
        found = Room(name, tuple(rooms[name]()))
        if found.command and _opens(found):
            return found
    which = f"room {wish!r}" if wish else "room for other people's code"
    reason = " (as root they run as nobody, who has to read the package)" if root() else ""
    raise LabError(f"The {which} does not open on this system{reason}; grade as another user.")


def root() -> bool:
    """Whether this process may do anything."""
    return os.name == "posix" and os.geteuid() == 0


def _opens(found: Room) -> bool:
    """Whether an inmate answers from within."""
    try:
        process = found.enter()
    except OSError:
        return False
    with process:
        try:
            assert process.stdin and process.stdout  # they are pipes
            wire.send(process.stdin, {"do": "limit", "limits": {}})
            return wire.receive(process.stdout) is not None
        except (OSError, wire.Garbled):
            return False
        finally:
            process.kill()


def _environment() -> dict[str, str]:
    """Nothing of ours: a path, a place to write, and one thread for each library."""
    kept = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    place = {"HOME": "/tmp", "TMPDIR": "/tmp"} if os.name == "posix" else {}
    ours = {name: os.environ[name] for name in kept if name in os.environ}
    return {**ours, **place, **dict.fromkeys(threads, "1"), "MPLBACKEND": "agg"}


def _inmate() -> list[str]:
    # Not `-m`: the paths are those of this process, without other copies of the package.
    start = (
        f"import sys; sys.path[:] = {_paths()!r}; sys.dont_write_bytecode = True; "
        "from operator_lab.course.grading.inmate import main; main()"
    )
    return [sys.executable, "-I", "-c", start]


def _paths() -> list[str]:
    """Where Python finds this package and libraries: no folder that holds anything else."""
    found = [str(PACKAGE.parent)]
    for path in (Path(p).resolve() for p in sys.path if p):
        library = path.name in ("site-packages", "dist-packages")
        if library or path.is_relative_to(Path(sys.base_prefix).resolve()):
            found.append(str(path))
    return list(dict.fromkeys(found))


def _visible() -> list[str]:
    """The folders with Python and its libraries: all that is to be seen of the disk."""
    wanted = [sys.prefix, sys.base_prefix, str(PACKAGE), *_paths()[1:], *SYSTEM]
    wanted += [str(Path(path).resolve()) for path in wanted]  # what links point to, too
    found: list[str] = []
    for path in dict.fromkeys(wanted):
        inside = any(Path(path).is_relative_to(other) for other in found)
        if os.path.exists(path) and not inside:
            found.append(path)
    return found


def _powerless() -> list[str]:
    """The command in front of another that leaves it no right beyond its user's; root's is gone."""
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if root() else []
    return ["setpriv", *user, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"]


def _limits() -> Sequence[str]:
    return _inmate() if not root() else [*_powerless(), *_inmate()]


def _bubblewrap() -> Sequence[str]:
    program = shutil.which("bwrap")
    if not program or (root() and not shutil.which("setpriv")):
        return ()
    command = [program, "--die-with-parent", "--new-session"]
    command += [f"--unshare-{what}" for what in ("pid", "net", "ipc", "uts", "cgroup-try")]
    rights = ("SETUID", "SETGID", "SETPCAP")  # to give up all others
    command += [w for r in rights for w in ("--cap-add", f"CAP_{r}")] if root() else []
    # Python itself may stand below /tmp, so that this comes first
    command += ["--perms", "1777", "--size", str(SCRATCH), "--tmpfs", "/tmp"]
    parents = {str(p) for path in _visible() for p in Path(path).parents}
    command += [w for p in sorted(parents - {"/"}) for w in ("--perms", "755", "--dir", p)]
    for path in _visible():
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind", path, path]
    command += ["--proc", "/proc", "--dev", "/dev", "--size", "4096", "--tmpfs", "/dev/shm"]
    command += ["--size", "4096", "--tmpfs", str(SECRET)]
    command += [w for path in (SECRET, "/dev", "/") for w in ("--remount-ro", str(path))]
    return [*command, "--chdir", "/tmp", "--", *_limits()]


def _namespaces() -> Sequence[str]:
    if not all(map(shutil.which, ("unshare", "setpriv", "mount", "pivot_root"))):
        return ()
    user = [] if root() else ["--user", "--map-root-user"]
    command = ["setpriv", "--pdeathsig=KILL", "unshare", *user]
    command += [f"--{what}" for what in ("mount", "pid", "net", "ipc", "uts", "fork")]
    command += ["--kill-child=KILL", "sh", "-c", _mounts(), "room"]
    return [*command, *_powerless(), *_inmate()]


def _mounts() -> str:
    """The script that builds the room inside its namespaces: read-only binds on an empty root."""
    from shlex import quote

    lines = ["set -e", "mount -t tmpfs -o size=1m,mode=755 room /mnt", "cd /mnt", "mkdir old tmp"]
    # Python itself may stand below /tmp, so that this comes first
    lines += [f"mount -t tmpfs -o size={SCRATCH},mode=1777 scratch tmp"]
    for path in _visible():
        at, here = quote("." + path), quote(path)
        parent = quote("." + os.path.dirname(path))
        if os.path.islink(path):
            lines += [f"mkdir -p {parent}", f"cp -P {here} {at}"]
            continue
        make = f"mkdir -p {at}" if os.path.isdir(path) else f"mkdir -p {parent}; : > {at}"
        lines += [make, f"mount --bind {here} {at}", f"mount -o remount,bind,ro {at}"]
    lines += ["mkdir -p dev proc"]
    lines += [f": > dev/{name}; mount --bind /dev/{name} dev/{name}" for name in DEVICES]
    secret = quote("." + str(SECRET))
    lines += [
        "mount -t proc proc proc",
        f"mount -t tmpfs -o size=4k,ro secret {secret}",
        "pivot_root . old",
        "umount -l /old",
        "mount -o remount,bind,ro /",
        "cd /tmp",
        'exec "$@"',
    ]
    return "\n".join(lines)
