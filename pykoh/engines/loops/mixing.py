"""Channels of messages times the matrix of their l."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import MATH, load, plus_product, spread, store, take, zeros
from pykoh.kernels import kernel

Array = NDArray[np.floating[Any]]


@kernel(
    "(int64, int64, int64, int64, float32[::1], float32[::1], float32[::1])",
    fastmath=MATH,
)
def mix(
    n_ell: int,
    n_atoms: int,
    width_in: int,
    width: int,
    x: Array,
    matrices: Array,
    found: Array,
) -> None:
    """Multiply the channels of each component by the matrix of its l.

    Some columns of a matrix stay in the first cache while all rows pass; sums stay in registers.

    Args:
        n_ell: L = max_ell + 1.
        n_atoms: n.
        width_in: V.
        width: W, a multiple of two groups (:data:`lanes.CHANNELS_TOGETHER`).
        x: ``[L², n, V]``.
        matrices: ``[L, V, W]``.
        found: ``[L², n, W]``, written to.
    """
    n, nothing = 64 // x.itemsize, zeros(x, 1)[0]
    for ell in range(n_ell):
        first, end = ell * ell * n_atoms, (ell + 1) * (ell + 1) * n_atoms
        for channel in range(0, width, 2 * n):
            # Three rows at a time, as many as AVX2 has registers for; at the end one comes again.
            for row in range(first, end, 3):
                second, third = min(row + 1, end - 1), min(row + 2, end - 1)
                of_first, of_second, of_third = row * width_in, second * width_in, third * width_in
                a, b, c, d, e, f = nothing, nothing, nothing, nothing, nothing, nothing
                place = ell * width_in * width + channel
                for k in range(width_in):
                    left, right = load(matrices, place), load(matrices, place + n)
                    factor = spread(take(x, of_first + k))
                    a, b = plus_product(a, factor, left), plus_product(b, factor, right)
                    factor = spread(take(x, of_second + k))
                    c, d = plus_product(c, factor, left), plus_product(d, factor, right)
                    factor = spread(take(x, of_third + k))
                    e, f = plus_product(e, factor, left), plus_product(f, factor, right)
                    place += width
                store(found, row * width + channel, a)
                store(found, row * width + channel + n, b)
                store(found, second * width + channel, c)
                store(found, second * width + channel + n, d)
                store(found, third * width + channel, e)
                store(found, third * width + channel + n, f)
