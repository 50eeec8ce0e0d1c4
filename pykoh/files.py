"""Writing of files: a kill never leaves an incomplete file."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pykoh.errors import OutputError, PykohError

# A younger file may belong to a process that has not locked it yet, s.
_YOUNG_S = 60.0


def remove_abandoned(path: Path) -> None:
    """Remove temporary files of processes that were killed while they wrote ``path``.

    Each process locks its temporary files and folders; the lock ends with the process. On a file
    system without locks nothing is removed.
    """
    pattern = f".{glob.escape(path.name)}.*.part"
    for left in path.parent.glob(pattern):
        with suppress(OSError):
            handle = os.open(left, os.O_RDONLY if left.is_dir() else os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - left.stat().st_mtime > _YOUNG_S:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()
            finally:
                os.close(handle)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a temporary file or folder, so that :func:`remove_abandoned` keeps it."""
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock of the file ``path``; hold it in the block.

    The file is made if it does not exist, and stays. On a file system without locks the block is
    entered at once.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        stream = path.open("a")
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); ask for permission to write there"
        ) from error
    with stream:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    A reader sees the old file or the complete new one. If the block raises, the
    temporary file is removed and ``path`` stays as it was.

    Raises:
        OutputError: the folder of ``path`` does not exist or cannot be written to.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise OutputError(f"{path}: its folder {path.parent} does not exist; create it first")
    remove_abandoned(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    temporary = Path(name)
    try:
        with locked(temporary):
            yield temporary
        # mkstemp makes files private; give the result the mode of a plain open().
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"{path}: {error.strerror or error}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` (UTF-8) to ``path``; after an interruption the old file is unchanged."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def require_file(path: str | Path, what: str, error: type[PykohError] = PykohError) -> Path:
    """Return ``path`` if it is a readable, non-empty file.

    Args:
        path: the file.
        what: expected kind of file, for the message, e.g. ``"LAMMPS dump"``.
        error: the error type to raise.
    """
    path = Path(path)
    if not path.exists():
        raise error(f"{path}: no such file; give the path of a {what}")
    if path.is_dir():
        raise error(f"{path}: is a folder, not a {what}; name the file in it")
    if not os.access(path, os.R_OK):
        raise error(f"{path}: no permission to read this {what}")
    if path.stat().st_size == 0:
        raise error(f"{path}: is empty; a {what} was expected")
    return path


def refuse_overwrite(paths: list[Path], force: bool) -> None:
    """Raise OutputError if one of ``paths`` exists and ``force`` is off."""
    if force:
        return
    for path in paths:
        if path.exists():
            raise OutputError(f"{path}: exists already; choose another name or add --force")
