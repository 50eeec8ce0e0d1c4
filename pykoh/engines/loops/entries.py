"""Calls from one compiled function to another through its address.

numba would compile the called function once more, into the calling one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import Made, intrinsic
from pykoh.kernels import usual

Addresses = NDArray[np.int64]


def by_address(made: Any, number: int) -> Any:
    """Return what kernels can call: it takes addresses, then the arguments of another kernel.

    Args:
        made: the other kernel.
        number: of its address among the addresses.
    """

    @intrinsic
    def call(_: Any, addresses: Any, *given: Any) -> Made:
        found = usual(made, double=any(_is_double(kind) for kind in given))
        if len(given) != len(found.args):
            raise TypingError(f"{made.__name__} takes {len(found.args)} arguments")
        for kind, wanted in zip(given, found.args, strict=True):
            if isinstance(wanted, types.Array) and kind != wanted:
                raise TypingError(f"{made.__name__} takes {wanted}, not {kind}")

        def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            data = context.make_array(addresses)(context, builder, args[0]).data
            place = context.get_constant(types.intp, number)
            address = builder.load(builder.gep(data, [place]))
            kind = context.call_conv.get_function_type(found.return_type, found.args)
            status, result = context.call_conv.call_function(
                builder, builder.inttoptr(address, kind.as_pointer()), found.return_type,
                found.args, cgutils.unpack_tuple(builder, args[1]),
            )  # fmt: skip
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return result

        return found.return_type(addresses, types.Tuple(found.args)), make

    return call


def _is_double(kind: Any) -> bool:
    return isinstance(kind, types.Array) and kind.dtype == types.float64


@cache
def addresses(loops: tuple[Any, ...], double: bool) -> Addresses:
    """Return the addresses of kernels, which are compiled if they are not.

    Args:
        loops: the kernels.
        double: those in double precision, not those in single precision.
    """
    return np.array([_address(made, usual(made, double).args) for made in loops])


def _address(made: Any, arguments: tuple[Any, ...]) -> int:
    made.compile(arguments)
    compiled = made.overloads[arguments]
    found: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return found
