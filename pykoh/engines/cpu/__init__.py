"""The fast graph on a CPU: compiled loops for what torch would do in many small steps.

The loops (:mod:`pykoh.engines.loops`) are compiled by numba at the first call and kept on disk.
Nothing of it is imported before a graph is opened on a CPU.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from pykoh.errors import EngineError


def compiled(name: str = "cpu.evaluation") -> ModuleType:
    """Return a module of :mod:`pykoh.engines` that has compiled loops or calls them.

    Raises:
        EngineError: numba finds no folder that it may write compiled code to.
    """
    try:
        return import_module(f"pykoh.engines.{name}")
    except RuntimeError as err:
        raise EngineError(
            "numba finds no folder to keep compiled code in (neither beside pykoh nor in the home "
            "folder); set NUMBA_CACHE_DIR to one that can be written to"
        ) from err


def force_call(*arguments: Any) -> Any:
    """Call :func:`pykoh.engines.cpu.evaluation.force_call`."""
    return compiled().force_call(*arguments)


def contract(*arguments: Any) -> Any:
    """Call :func:`pykoh.engines.cpu.prepared.contract`."""
    return compiled("cpu.prepared").contract(*arguments)


def contract_many(*arguments: Any) -> Any:
    """Call :func:`pykoh.engines.cpu.prepared.contract_many`."""
    return compiled("cpu.prepared").contract_many(*arguments)


def contract_many_backward(*arguments: Any) -> Any:
    """Call :func:`pykoh.engines.cpu.prepared.contract_many_backward`."""
    return compiled("cpu.prepared").contract_many_backward(*arguments)
