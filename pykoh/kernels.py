"""Functions that numba compiles. Their machine code is kept (:mod:`pykoh.code_cache`).

The first call on a machine compiles for some time. :mod:`pykoh.compilation` lets other cores help.
"""

from __future__ import annotations

import hashlib
import importlib
import platform
from collections.abc import Callable
from functools import cache, partial
from types import FunctionType
from typing import Any, TypeVar

import llvmlite.binding
import numba
from numba.core.sigutils import normalize_signature
from numba.extending import register_jitable

from pykoh.code_cache import folder

F = TypeVar("F", bound=Callable[..., Any])

Signature = str | Callable[[], tuple[Any, ...]]
"""Types of the arguments of a kernel, in numba's words, or what returns numba's types."""

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
_config: Any = numba.config
_declared: dict[str, list[tuple[Any, Signature]]] = {}
"""Kernels and their usual signatures, by module."""


def kernel(signature: Signature = "", python: bool = True, **options: Any) -> Callable[[F], F]:
    """Compile a function that Python calls; its machine code is kept on disk.

    It runs without the global interpreter lock. A division by zero gives inf or nan.

    Args:
        signature: types of the arguments that it usually has; it can be compiled ahead for them.
            Others work too.
        python: Python calls it as well, not only other kernels by its address.
        options: more options of :func:`numba.njit`, such as ``fastmath``.
    """
    decorate = _kept(no_cpython_wrapper=not python, **options)

    def declare(function: F) -> F:
        made = decorate(function)
        if signature:
            _declared.setdefault(function.__module__, []).append((made, signature))
        return made

    return declare


def without_python(made: Any, module: str) -> Any:
    """Return a kernel for other kernels alone, which call it by its address.

    Without what Python needs to call it, a tenth to a third of the time of compilation is saved.

    Args:
        made: the kernel, which stays as it is.
        module: name of the module to which the new one belongs.
    """
    if not hasattr(made, "py_func"):  # NUMBA_DISABLE_JIT: nothing is compiled
        return made
    source = made.py_func
    function = FunctionType(source.__code__, source.__globals__, f"{source.__name__}_by_address")
    function.__qualname__, function.__module__ = function.__name__, module  # numba keeps it by both
    ((_, signature),) = (each for each in _declared[made.__module__] if each[0] is made)
    fastmath = made.targetoptions.get("fastmath", False)
    return kernel(signature, python=False, fastmath=fastmath)(function)


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
def machine_key() -> str:
    """Return a short hash of what machine code depends on besides its source: numba, the CPU."""
    features = llvmlite.binding.get_host_cpu_features().flatten()
    on = _config.CPU_NAME or llvmlite.binding.get_host_cpu_name(), _config.CPU_FEATURES or features
    text = " ".join((numba.__version__, llvmlite.__version__, platform.python_version(), *on))
    return hashlib.sha256(text.encode()).hexdigest()[:8]
