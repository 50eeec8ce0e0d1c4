"""From the contraction of one layer to new scalars and energies, and back, atom by atom.

The matrices are small (64 or 128 channels). A loop of its own saves the time between a dozen of
torch's operations, in which only one thread of Python can run.

Widths are multiples of two groups (:data:`lanes.CHANNELS_TOGETHER`): V channels of the contraction
and W of the scalars are filled up with zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import (
    MATH,
    load,
    plus,
    plus_product,
    spread,
    store,
    take,
    times,
    zeros,
)
from pykoh.engines.loops.views import on_stack
from pykoh.kernels import kernel, step

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


@step(fastmath=MATH)
def _add_product(
    row: Array, first: int, n_in: int, matrix: Array, begin: int, found: Array, at: int, n_out: int
) -> None:
    """Add to ``n_out`` numbers of ``found`` the product of ``n_in`` of a row with a matrix."""
    n = 64 // row.itemsize
    for channel in range(0, n_out, 2 * n):
        total, next_total = load(found, at + channel), load(found, at + channel + n)
        place = begin + channel
        for k in range(n_in):
            factor = spread(take(row, first + k))
            total = plus_product(total, factor, load(matrix, place))
            next_total = plus_product(next_total, factor, load(matrix, place + n))
            place += n_out
        store(found, at + channel, total)
        store(found, at + channel + n, next_total)


@kernel(
    "(int64, int64, int64, float32[::1], int64, int64, float32[::1], int64[::1], float32[::1], "
    "float32[::1], float32[::1], int64, float32[::1], float32[::1], float32[::1], float32[::1], "
    "float32[::1], float32[::1])",
    fastmath=MATH,
)
def update(
    n_atoms: int,
    width_in: int,
    width: int,
    contracted: Array,
    n_before: int,
    width_before: int,
    features: Array,
    species: Indices,
    linear: Array,
    own: Array,
    skip: Array,
    n_hidden: int,
    read_in: Array,
    read_back: Array,
    read_out: Array,
    updated: Array,
    energy: Array,
    slope: Array,
) -> None:
    """Write new scalars, energies, and the derivatives of the energies by the scalars.

    Args:
        n_atoms: n.
        width_in: V.
        width: W.
        contracted: ``[n, V]``.
        n_before: F features of the layer before that the self-connection takes.
        width_before: numbers in a row of ``features``.
        features: ``[n, width_before]``.
        species: ``[n]``.
        linear: ``[V, W]``.
        own: ``[S, W]`` what is added to the scalars of each element.
        skip: ``[S, F, W]`` of the self-connection.
        n_hidden: H neurons of the readout, filled up to a multiple of two groups; 0 if it has none.
        read_in: ``[W, H]``.
        read_back: ``[H, W]``, the same transposed.
        read_out: ``[H]``, or ``[W]`` without neurons.
        updated: ``[n, W]``, written to.
        energy: ``[n]``, written to.
        slope: ``[n, W]``, written to.
    """
    n, nothing = 64 // contracted.itemsize, zeros(contracted, 1)[0]
    one = contracted.dtype.type(1.0)
    z = on_stack(contracted, n_hidden)
    for atom in range(n_atoms):
        here, kind = atom * width, species[atom]
        for channel in range(0, width, n):
            store(updated, here + channel, load(own, kind * width + channel))
            store(slope, here + channel, nothing)
        _add_product(contracted, atom * width_in, width_in, linear, 0, updated, here, width)
        if n_before > 0:
            begin = kind * n_before * width
            _add_product(features, atom * width_before, n_before, skip, begin, updated, here, width)
        total = contracted.dtype.type(0.0)
        if n_hidden == 0:
            for c in range(width):
                total += updated[here + c] * read_out[c]
            for channel in range(0, width, n):
                store(slope, here + channel, load(read_out, channel))
        else:
            for channel in range(0, n_hidden, n):
                store(z, channel, nothing)
            _add_product(updated, here, width, read_in, 0, z, 0, n_hidden)
            for h in range(n_hidden):
                s = one / (one + np.exp(-z[h]))
                total += z[h] * s * read_out[h]
                z[h] = s * (one + z[h] * (one - s)) * read_out[h]
            _add_product(z, 0, n_hidden, read_back, 0, slope, here, width)
        energy[atom] = total


@kernel(
    "(int64, int64, int64, int64, float32[::1], float64, float32[::1], int64[::1], float32[::1], "
    "int64, float32[::1], float32[::1], float32[::1])",
    fastmath=MATH,
)
def update_backward(
    n_atoms: int,
    width_in: int,
    width: int,
    n_components: int,
    upstream: Array,
    scale: float,
    slope: Array,
    species: Indices,
    linear_back: Array,
    width_before: int,
    skip_back: Array,
    derivative: Array,
    grad_features: Array,
) -> None:
    """Write the derivatives of upstream · scalars + scale · energy.

    Args:
        n_atoms: n.
        width_in: V.
        width: W.
        n_components: M.
        upstream: ``[n, W]``; ``[0]`` in the last layer, whose scalars are for its energy only.
        scale: of the energies.
        slope: ``[n, W]`` from :func:`update`.
        species: ``[n]``.
        linear_back: ``[W, V]``, transposed.
        width_before: F filled up; 0 where nobody asks for derivatives by the features.
        skip_back: ``[S, W, F]``.
        derivative: ``[M, n, V]`` of the contraction; it is multiplied with that by the contracted.
        grad_features: ``[n, F]``, written to.
    """
    n, nothing = 64 // slope.itemsize, zeros(slope, 1)[0]
    factor = spread(slope.dtype.type(scale))
    up, grad = on_stack(slope, width), on_stack(slope, width_in)
    for atom in range(n_atoms):
        here = atom * width
        for channel in range(0, width, n):
            own = times(factor, load(slope, here + channel))
            if len(upstream) > 0:
                own = plus(own, load(upstream, here + channel))
            store(up, channel, own)
        for channel in range(0, width_in, n):
            store(grad, channel, nothing)
        _add_product(up, 0, width, linear_back, 0, grad, 0, width_in)
        if width_before > 0:
            for channel in range(0, width_before, n):
                store(grad_features, atom * width_before + channel, nothing)
            begin = species[atom] * width * width_before
            at = atom * width_before
            _add_product(up, 0, width, skip_back, begin, grad_features, at, width_before)
        for component in range(n_components):
            place = (component * n_atoms + atom) * width_in
            for channel in range(0, width_in, n):
                product = times(load(derivative, place + channel), load(grad, channel))
                store(derivative, place + channel, product)
