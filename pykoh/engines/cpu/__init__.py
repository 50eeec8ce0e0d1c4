"""The fast graph on a CPU: compiled loops for what torch would do in many small steps.

The loops (:mod:`pykoh.engines.loops`) are compiled by numba at the first call and kept on disk.
Nothing of it is imported before a graph is opened on a CPU.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from pykoh.engines.loops import kernels_of
from pykoh.errors import EngineError

_SINGLE = 4  # bytes


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


def begin_compiling(graph: Any) -> None:
    """Let other processes compile the loops that a graph calls, as :func:`compile_loops`."""
    if _is_single(graph):
        from pykoh.compilation import compile_ahead

        compile_ahead(kernels_of(graph, ghosts=False))


def compile_loops(graph: Any, ghosts: bool) -> None:
    """Compile the loops that a graph calls, unless that was done before on this machine.

    It is done for single precision; in double precision each loop is compiled at its first call.

    Args:
        graph: :class:`pykoh.engines.graph.graph.FastGraph`, or another module, of which nothing is
            compiled.
        ghosts: some atoms will be copies of others.
    """
    if _is_single(graph):
        from pykoh.compilation import compile_all

        compile_all(kernels_of(graph, ghosts))


def _is_single(graph: Any) -> bool:
    return hasattr(graph, "layers") and graph.embedding.element_size() == _SINGLE


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
