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
from pykoh.kernels import kernel

Counts = NDArray[np.int64]

_YIELD = "SwitchToThread" if sys.platform == "win32" else "sched_yield"


@intrinsic
def _look(_: Any, array: Any, at: Any) -> Made:
    """Return a number of an array, which another thread may have written just now."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "acquire", 8)

    return types.int64(array, types.intp), make


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
