"""Compiling the kernels of a task before they are called, by several processes at once.

The first call on a machine compiles for some time (:mod:`pykoh.kernels`). Other cores help. All
processes take kernels from one list, and mark in the folder of the machine code which one they
compile. So none is compiled twice, and all processes have work until the last one is done.

:func:`compile_ahead` does not import numba on a machine where nothing was compiled, so that the
others begin at once.
"""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pykoh import code_cache
from pykoh.processes import available_cores, start

MOST_HELPERS = 3
"""Processes that compile ahead; the process that needs the kernels compiles as much as each."""

WAIT_S = 60.0
"""A kernel that another process has not compiled after so long is compiled here as well."""

_TURN_S = 0.01

_helpers: dict[tuple[str, ...], list[Any]] = {}
"""Processes that compile ahead, by modules; kept, because Python warns of a process that nobody
holds."""

_HELPER = """
import sys
sys.path[:] = {path!r}
from pykoh.compilation import compile_all
compile_all(sys.argv[1:])
"""


def compile_ahead(modules: Sequence[str]) -> None:
    """Let other processes compile the kernels of modules, unless that was done before.

    Nothing waits for them. A kernel that is called before it is there is compiled as usual.

    Args:
        modules: names, those whose kernels take longest first.
    """
    kept = _place(modules)
    if kept is None or tuple(modules) in _helpers:
        return
    command = [sys.executable, "-c", _HELPER.format(path=_import_path()), *modules]
    # Python imports from the folder it is started in: not from the user's.
    with suppress(OSError):
        _helpers[tuple(modules)] = [
            start(command, kept, subprocess.DEVNULL, NUMBA_CACHE_DIR=str(kept.parents[1]))
            for _ in range(min(available_cores() - 1, MOST_HELPERS))
        ]


def compile_all(modules: Sequence[str]) -> None:
    """Compile the kernels of modules together with other processes; return when all are there.

    This does nothing where it was done before, or where numba keeps its code at a place of its own.
    Where marks cannot be written, all is compiled here.

    Args:
        modules: names, as for :func:`compile_ahead`.
    """
    kept = _place(modules)
    if kept is None:
        return
    from pykoh import kernels

    marks = kept / f"marks-{kernels.machine_key()}"
    with suppress(OSError):
        marks.mkdir(exist_ok=True)
    wanted = [each for module in modules for each in kernels.declared(module)]
    taken = [each for each in wanted if not _once(marks / each[0], each[1], 0.0)]
    for name, compile_it in taken:  # by other processes
        _once(marks / name, compile_it, WAIT_S)
    with suppress(OSError):
        (kept / f"{_name(modules)}-{kernels.machine_key()}").touch()
    for helper in _helpers.get(tuple(modules), []):
        helper.poll()  # one that has ended is not kept by the system any longer


def _place(modules: Sequence[str]) -> Path | None:
    """Return the folder of the machine code, or None where nothing is to be done."""
    kept = code_cache.folder()
    if kept is None or code_cache.is_off() or _is_finished(kept, modules):
        return None
    return kept


def _is_finished(kept: Path, modules: Sequence[str]) -> bool:
    """Return whether all kernels of modules are there."""
    name = _name(modules)
    if not any(kept.glob(f"{name}-*")):
        return False
    from pykoh import kernels  # with numba, which tells what kind of processor this is

    return (kept / f"{name}-{kernels.machine_key()}").exists()


def _name(modules: Sequence[str]) -> str:
    """Return how the file begins that is there once all kernels of modules are."""
    return f"all-{hashlib.sha256(' '.join(modules).encode()).hexdigest()[:8]}"


def _import_path() -> list[str]:
    """Return where a helper looks for modules: as here, but not in the folder of the user."""
    here, own = Path.cwd(), Path(__file__).parents[1]
    places = [Path(place).absolute() for place in sys.path if place]
    return [str(place) for place in places if place != here or place == own]


def _once(mark: Path, compile_it: Callable[[], None], wait_s: float) -> bool:
    """Compile a kernel unless that was done; return False where another process does it.

    Args:
        mark: file whose lock is held by the process that compiles; empty until it is done. The
            lock ends with the process.
        compile_it: compiles the kernel.
        wait_s: how long to wait for another process, before the kernel is compiled all the same.
    """
    handle = _open(mark)
    if handle is None:
        _compile(compile_it)
        return True
    try:
        until = time.monotonic() + wait_s
        while not _is_done(handle) and not _lock(handle):
            if wait_s == 0.0:
                return False
            if time.monotonic() > until:
                break
            time.sleep(_TURN_S)
        if not _is_done(handle):
            _compile(compile_it)
            with suppress(OSError):
                os.write(handle, b"done\n")
    finally:
        os.close(handle)
    return True


def _open(mark: Path) -> int | None:
    """Open a mark; that of another user may be readable only."""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with suppress(OSError):
            return os.open(mark, flags, 0o666)
    return None


def _is_done(handle: int) -> bool:
    return os.fstat(handle).st_size > 0


def _lock(handle: int) -> bool:
    """Lock a file; return False where another process has locked it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _compile(compile_it: Callable[[], None]) -> None:
    """Compile a kernel, which then serves this process even if the disk is too full to keep it."""
    with _signals_afterwards(), _without_collection(), suppress(OSError):
        compile_it()


@contextmanager
def _signals_afterwards() -> Iterator[None]:
    """Let Ctrl-C wait for the end of a kernel.

    What a signal raises within LLVM is printed and lost, and the kernel may then have no code.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers: dict[int, Callable[..., Any]] = {}
    for number in map(int, (signal.SIGINT, signal.SIGTERM)):
        handler = signal.getsignal(number)
        if callable(handler):
            handlers[number] = handler
            signal.signal(number, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for number in came:
        handlers[number](number, None)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Leave Python's garbage alone: to look for it takes 10 to 30 % of the time of numba."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
