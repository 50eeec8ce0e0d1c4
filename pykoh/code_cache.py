"""Where the machine code of compiled functions is kept.

numba keeps compiled functions on disk. It sees when their own file has changed, but not when a
file has changed that they import from: the old code would then compute other numbers. So what is
kept lies in a folder that is named after the contents of all these files. The folder is outside
the package, so a new environment finds it too.

This module does not import numba, which takes some tenths of a second: a command first lets other
processes compile, and then imports what it needs itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

UNUSED_S = 90 * 86400.0
"""What has not been used for so long is removed."""

_IMPORT = re.compile(r"^from (pykoh[\w.]*) import", re.MULTILINE)
_KEY = re.compile("[0-9a-f]{16}")
_HAS_KERNELS = b"from pykoh.kernels import"
_SETTINGS = Path(".numba_config.yaml")
"""numba reads it in the working folder."""


@cache
def folder() -> Path | None:
    """Return where machine code is kept, or None where numba has to find a place.

    It is ``loops/`` in ``NUMBA_CACHE_DIR``, in ``PYKOH_CACHE`` or in ``~/.cache/pykoh``.
    """
    given = _setting("CACHE_DIR") or os.environ.get("PYKOH_CACHE")
    try:
        cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        found = Path(given or cached / "pykoh").absolute() / "loops" / contents_key()
        found.mkdir(parents=True, exist_ok=True)
        os.utime(found)
        _forget_old(found.parent)
    except (OSError, RuntimeError):  # no home folder, or one that cannot be written to
        return None
    return found if os.access(found, os.W_OK) else None


def is_off() -> bool:
    """Return whether the user has told numba to compile nothing (``NUMBA_DISABLE_JIT``)."""
    return bool(_setting("DISABLE_JIT"))


def _setting(name: str) -> Any:
    """Return a setting of numba, which is imported only where it has to be asked."""
    given = os.environ.get(f"NUMBA_{name}", "")
    plain = not given or name == "CACHE_DIR"  # other words are numba's to understand
    if plain and "numba" not in sys.modules and not _SETTINGS.exists():
        return given
    from numba import config

    return getattr(config, name)


def _forget_old(parent: Path) -> None:
    """Remove what other versions of pykoh kept and have not used for long."""
    for other in parent.iterdir():
        with suppress(OSError):  # another process may remove it at the same time
            old = time.time() - other.stat().st_mtime > UNUSED_S
            if old and _KEY.fullmatch(other.name):
                shutil.rmtree(other, ignore_errors=True)


def contents_key(package: Path = Path(__file__).parent) -> str:
    """Return a short hash of all files with compiled functions and of what they import.

    Args:
        package: folder of the package.
    """
    texts: dict[Path, bytes] = {}
    waiting = []
    for path in sorted(package.rglob("*.py")):
        text = path.read_bytes()
        if _HAS_KERNELS in text:
            waiting.append(path)
    while waiting:
        path = waiting.pop()
        if path not in texts:
            texts[path] = path.read_bytes()
            for module in _IMPORT.findall(texts[path].decode()):
                within = package.joinpath(*module.split(".")[1:])
                options = within.with_suffix(".py"), within / "__init__.py"
                waiting += [option for option in options if option.exists()]
    total = hashlib.sha256()
    for path in sorted(texts):
        total.update(path.relative_to(package).as_posix().encode() + b"\0" + texts[path])
    return total.hexdigest()[:16]
