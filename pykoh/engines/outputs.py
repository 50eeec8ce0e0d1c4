"""The files of a run: one process writes them, and none is left that holds nothing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pykoh.errors import EngineError

GROWING = (".dump", ".transport.dump", ".pressure.txt")
"""What a run appends to. A run that begins refuses to append to the files of another one."""


def refuse_stale(name: str) -> None:
    """Refuse to begin where files of another run lie that cannot be continued.

    Raises:
        EngineError: there is such a file.
    """
    found = [f"{name}{end}" for end in GROWING if Path(f"{name}{end}").exists()]
    if found:
        there, it = ("is", "it") if len(found) == 1 else ("are", "them")
        raise EngineError(
            f"{', '.join(found)}: {there} left from a run without a {name}.restart to continue "
            f"from; move {it} away or choose another --var name"
        )


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the files of a run; afterwards remove those that hold nothing.

    Two runs of the same name would both write to its trajectory.

    Raises:
        EngineError: another process has them.
    """
    lock = Path(f"{name}.lock")
    handle = _lock(lock)
    if handle == _BUSY:
        raise EngineError(
            f"{name}: another pykoh run works on it; wait for its end, or set another --var name"
        )
    try:
        yield
    finally:
        if not Path(f"{name}.restart").exists():
            for end in GROWING:
                _remove_if_empty(Path(f"{name}{end}"))
        if handle is not None:
            with suppress(OSError):
                lock.unlink()
            os.close(handle)


_BUSY = -1


def _lock(path: Path) -> int | None:
    """Lock a file; return its handle, None where that is not possible, or _BUSY."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:  # LAMMPS says soon what is wrong with the folder
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return _BUSY
        except OSError:  # a file system without locks
            return handle
        with suppress(OSError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)  # the process that had it has removed it just now


def _remove_if_empty(path: Path) -> None:
    """Remove a file that holds no frame and no row, as after Ctrl-C in a minimisation."""
    with suppress(OSError), path.open("rb") as stream:
        if all(line.startswith(b"#") for line in stream.readlines(1 << 16)):
            path.unlink()
