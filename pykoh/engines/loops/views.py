"""Parts of one-dimensional arrays, and small arrays on the stack, for compiled loops.

numba takes long to compile a slice, or anything that allocates memory for an array. These take a
few instructions each. Nothing looks at bounds.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array

from pykoh.engines.loops.lanes import Made, intrinsic

_CACHE_LINE = 64


def _view(context: Any, builder: Any, array: Any, data: Any, length: Any) -> Any:
    """Return an array of a type that has no memory of its own."""
    made = context.make_array(array)(context, builder)
    itemsize = context.get_constant(types.intp, array.dtype.bitwidth // 8)
    populate_array(made, data, [length], [itemsize], itemsize, None)
    return made._getvalue()


def _between(context: Any, builder: Any, array: Any, whole: Any, first: Any, end: Any) -> Any:
    data = context.make_array(array)(context, builder, whole).data
    return _view(context, builder, array, builder.gep(data, [first]), builder.sub(end, first))


@intrinsic
def between(_: Any, array: Any, first: Any, end: Any) -> Made:
    """Return a part of an array, which has to outlive it."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _between(context, builder, array, *args)

    return array(array, types.intp, types.intp), make


@intrinsic
def field(_: Any, array: Any, places: Any, number: Any) -> Made:
    """Return a part of an array, from one of the places to the next one."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(places)(context, builder, args[1]).data
        at = builder.gep(data, [args[2]])
        after = builder.gep(at, [context.get_constant(types.intp, 1)])
        return _between(context, builder, array, args[0], builder.load(at), builder.load(after))

    return array(array, places, types.intp), make


@intrinsic
def rows_of(_: Any, array: Any, place: Any, width: Any, low: Any, high: Any) -> Made:
    """Return rows low to high of an array with so many columns that begins at a place."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole, begin, columns, *rows = args
        first, end = (builder.add(begin, builder.mul(row, columns)) for row in rows)
        return _between(context, builder, array, whole, first, end)

    return array(array, *[types.intp] * 4), make


@intrinsic
def on_stack(_: Any, like: Any, count: Any) -> Made:
    """Return an array of zeros of the type of another one, for some thousand numbers at most.

    It ends with the function. To call it in a loop takes new memory each time.
    """
    kind = types.Array(like.dtype, 1, "C")

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = builder.alloca(context.get_data_type(like.dtype), size=args[1])
        data.align = _CACHE_LINE
        size = builder.mul(args[1], context.get_constant(types.intp, like.dtype.bitwidth // 8))
        cgutils.memset(builder, data, size, ir.Constant(ir.IntType(8), 0))
        return _view(context, builder, kind, data, args[1])

    return kind(like, types.intp), make
