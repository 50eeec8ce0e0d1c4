"""Compiling the kernels of a task before they are called, by several processes at once.

The first call on a machine compiles for some time (:mod:`pykoh.kernels`). Other cores help. All
processes take kernels from one list, and mark in the folder of the machine code which one they
compile. So none is compiled twice, and all processes have work until the last one is done.
"""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pykoh import kernels
from pykoh.processes import available_cores

MOST_HELPERS = 3
"""Processes that compile ahead; the process that needs the kernels compiles as much as each."""

WAIT_S = 60.0
"""A kernel that another process has not compiled after so long is compiled here as well."""

_TURN_S = 0.01

_helpers: dict[tuple[str, ...], list[Any]] = {}
"""Processes that compile ahead, by modules; kept, because Python warns of a process that nobody
holds."""


def compile_ahead(modules: Sequence[str]) -> None:
    """Let other processes compile the kernels of modules, unless that was done before.

    Nothing waits for them. A kernel that is called before it is there is compiled as usual.

    Args:
        modules: names, those whose kernels take longest first.
    """
    kept = kernels.folder()
    if kept is None or _finished(kept, modules).exists() or tuple(modules) in _helpers:
        return
    _helpers[tuple(modules)] = [
        subprocess.Popen(
            [sys.executable, "-m", "pykoh.compilation", *modules],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=kept,  # Python imports from the folder it is started in: not from the user's
        )
        for _ in range(min(available_cores() - 1, MOST_HELPERS))
    ]


def compile_all(modules: Sequence[str]) -> None:
    """Compile the kernels of modules together with other processes; return when all are there.

    This does nothing where it was done before, or where numba keeps its code at a place of its own.

    Args:
        modules: names, as for :func:`compile_ahead`.
    """
    kept = kernels.folder()
    if kept is None or _finished(kept, modules).exists():
        return
    wanted = [each for module in modules for each in kernels.declared(module)]
    taken = [each for each in wanted if not _once(kept / each[0], each[1], 0.0)]
    for name, compile_it in taken:  # by other processes
        _once(kept / name, compile_it, WAIT_S)
    _finished(kept, modules).touch()


def _once(mark: Path, compile_it: Callable[[], None], wait_s: float) -> bool:
    """Compile a kernel unless that was done; return False where another process does it.

    Args:
        mark: file whose lock is held by the process that compiles; empty until it is done. The
            lock ends with the process.
        compile_it: compiles the kernel.
        wait_s: how long to wait for another process, before the kernel is compiled all the same.
    """
    with mark.open("ab") as stream:
        until = time.monotonic() + wait_s
        while not _lock(stream.fileno()):
            if wait_s == 0.0:
                return False
            if time.monotonic() > until:
                break
            time.sleep(_TURN_S)
        if os.fstat(stream.fileno()).st_size == 0:
            with _without_collection():
                compile_it()
            stream.write(b"done\n")
    return True


def _lock(handle: int) -> bool:
    """Lock a file; return False where another process has locked it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def _without_collection() -> Iterator[None]:
    """Leave Python's garbage alone: to look for it takes a sixth of the time of numba."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _finished(kept: Path, modules: Sequence[str]) -> Path:
    """Return the file that is there once all kernels of modules are."""
    return kept / f"all-{hashlib.sha256(' '.join(modules).encode()).hexdigest()[:8]}"


if __name__ == "__main__":
    compile_all(sys.argv[1:])
