"""Functions that numba compiles, and where their machine code is kept.

numba keeps compiled functions on disk. It sees when their own file has changed, but not when a
file has changed that they import from: the old code would then compute other numbers. So what is
kept lies in a folder that is named after the contents of all these files. The folder is outside
the package, so a new environment finds it too.

The first call on a machine compiles for some time. :mod:`pykoh.compilation` lets other cores help.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import llvmlite.binding
import numba
from numba.core.sigutils import normalize_signature
from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])

Signature = str | Callable[[], tuple[Any, ...]]
"""Types of the arguments of a kernel, in numba's words, or what returns numba's types."""

UNUSED_S = 90 * 86400.0
"""What has not been used for so long is removed."""

_IMPORT = re.compile(r"^from (pykoh[\w.]*) import", re.MULTILINE)
_KEY = re.compile("[0-9a-f]{16}")
_HAS_KERNELS = b"from pykoh.kernels import"

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_config: Any = numba.config
_declared: dict[str, list[tuple[Any, Signature]]] = {}
"""Kernels and their usual signatures, by module."""


def kernel(signature: Signature = "", **options: Any) -> Callable[[F], F]:
    """Compile a function that Python calls; its machine code is kept on disk.

    It runs without the global interpreter lock. A division by zero gives inf or nan.

    Args:
        signature: types of the arguments that it usually has; it can be compiled ahead for them.
            Others work too.
        options: more options of :func:`numba.njit`, such as ``fastmath``.
    """
    decorate = _kept(**options)

    def declare(function: F) -> F:
        made = decorate(function)
        if signature:
            _declared.setdefault(function.__module__, []).append((made, signature))
        return made

    return declare


def step(**options: Any) -> Callable[[F], F]:
    """Let kernels call a function, which is compiled into them. For Python it stays as it is.

    Args:
        options: as for :func:`kernel`.
    """
    make: Any = register_jitable
    decorate: Callable[[F], F] = make(**_OPTIONS, **options)
    return decorate


def _kept(**options: Any) -> Callable[[F], F]:
    given: dict[str, Any] = {"cache": True, **_OPTIONS, **options}
    make: Any = numba.njit(**given)

    def decorate(function: F) -> F:
        before = _config.CACHE_DIR
        _config.CACHE_DIR = str(folder() or before)
        try:
            made: F = make(function)
        finally:
            _config.CACHE_DIR = before
        return made

    return decorate


def declared(module: str) -> list[tuple[str, Callable[[], None]]]:
    """Return the kernels of a module that can be compiled ahead: a name, and what compiles it.

    Args:
        module: its name.
    """
    importlib.import_module(module)
    return [
        (f"{module}.{made.py_func.__name__}", partial(_compile, made, signature))
        for made, signature in _declared.get(module, [])
    ]


def _compile(made: Any, signature: Signature) -> None:
    """Compile a kernel for its usual arguments, unless that is kept."""
    made.compile(_usual(signature))


def usual(made: Any, double: bool) -> Any:
    """Return numba's signature of a kernel for its usual arguments, in single or double precision.

    It returns nothing.

    Args:
        made: a kernel that was declared with a text.
        double: with double precision where single precision was declared.
    """
    ((_, text),) = (each for each in _declared[made.__module__] if each[0] is made)
    given = str(text).replace("float32", "float64") if double else str(text)
    return numba.void(*normalize_signature(given)[0])


def _usual(signature: Signature) -> tuple[Any, ...]:
    """Return a signature as the tuple of types that a call gives."""
    return tuple(normalize_signature(signature)[0] if isinstance(signature, str) else signature())


@cache
def folder() -> Path | None:
    """Return where machine code is kept, or None where numba has to find a place.

    It is ``loops/`` in ``NUMBA_CACHE_DIR``, in ``PYKOH_CACHE`` or in ``~/.cache/pykoh``.
    """
    given = _config.CACHE_DIR or os.environ.get("PYKOH_CACHE")
    try:
        cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        found = Path(given or cached / "pykoh").absolute() / "loops" / contents_key()
        found.mkdir(parents=True, exist_ok=True)
        os.utime(found)
        _forget_old(found.parent)
    except (OSError, RuntimeError):  # no home folder, or one that cannot be written to
        return None
    return found if os.access(found, os.W_OK) else None


def _forget_old(parent: Path) -> None:
    """Remove what other versions of pykoh kept and have not used for long."""
    for other in parent.iterdir():
        with suppress(OSError):  # another process may remove it at the same time
            old = time.time() - other.stat().st_mtime > UNUSED_S
            if old and _KEY.fullmatch(other.name):
                shutil.rmtree(other, ignore_errors=True)


def is_off() -> bool:
    """Return whether the user has told numba to compile nothing (``NUMBA_DISABLE_JIT``)."""
    return bool(_config.DISABLE_JIT)


@cache
def machine_key() -> str:
    """Return a short hash of what machine code depends on besides its source: numba, the CPU."""
    features = llvmlite.binding.get_host_cpu_features().flatten()
    on = _config.CPU_NAME or llvmlite.binding.get_host_cpu_name(), _config.CPU_FEATURES or features
    text = " ".join((numba.__version__, llvmlite.__version__, platform.python_version(), *on))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


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
