"""Waiting for another thread without the global interpreter lock, and without sleeping at once."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import Made, intrinsic
from pykoh.kernels import kernel, step

Counts = NDArray[np.int64]

FAR = 8
"""Numbers from one count to the next: each is in a cache line of its own."""

STAGES = 64
"""More than the times that threads wait for each other in one task."""

_YIELD = "SwitchToThread" if sys.platform == "win32" else "sched_yield"


@intrinsic
def _look(_: Any, array: Any, at: Any) -> Made:
    """Return a number of an array, which another thread may have written just now."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "acquire", 8)

    return types.int64(array, types.intp), make


@intrinsic
def _tell(_: Any, array: Any, at: Any, number: Any) -> Made:
    """Write a number to an array for another thread, after all that was written before."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        builder.store_atomic(args[2], builder.gep(data, [args[1]]), "release", 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), make


@intrinsic
def _let_others_run(_: Any) -> Made:
    """Let the operating system give the core to another thread that waits for it."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, _YIELD), [])
        return context.get_dummy_value()

    return types.void(), make


@kernel("(int64[::1], int64, int64, int64)")
def wait(counts: Counts, at: int, wanted: int, turns: int) -> bool:
    """Wait until a number of an array is at least ``wanted``; return whether it is.

    Args:
        counts: another thread writes to it.
        at: which of its numbers.
        wanted: what it is waited for.
        turns: at most so many looks. After each one, other threads may have the core.
    """
    for _ in range(turns):
        if _look(counts, at) >= wanted:
            return True
        _let_others_run()
    return _look(counts, at) >= wanted


@step()
def begin(part: int, given: Counts, task: int) -> None:
    """Let the other threads begin with a task, if this is the first one.

    Args:
        part: number of the thread.
        given: ``[FAR]``; its first number is that of the last task that all may begin.
        task: number of the task, larger than that of the one before.
    """
    if part == 0:
        _tell(given, 0, task)


@step()
def arrive(part: int, arrived: Counts, task: int, stage: int) -> None:
    """Tell the other threads that this one has reached a stage of a task.

    Args:
        part: number of the thread.
        arrived: ``[n FAR]`` of each thread, ``task * STAGES`` plus the stage.
        task: number of the task.
        stage: less than ``STAGES``.
    """
    _tell(arrived, part * FAR, task * STAGES + stage)


@step()
def meet(part: int, n_parts: int, arrived: Counts, task: int, stage: int) -> None:
    """Wait until all threads have reached a stage, or have ended.

    Args:
        part: number of the thread.
        n_parts: threads.
        arrived: as for :func:`arrive`.
        task: likewise.
        stage: likewise.
    """
    arrive(part, arrived, task, stage)
    for other in range(n_parts):
        while _look(arrived, other * FAR) < task * STAGES + stage:
            _let_others_run()
