"""Sums over neighbours of products of radial functions, harmonics and features; derivatives.

The components of one l and some channels are summed for all rows (pairs of neighbours) of an atom
in registers, then those of the next l or channels, over the same rows. What is read again and
again by that, the radial table of one l and few channels, stays in the second cache.

Layouts, all one-dimensional (P rows, L = max_ell + 1, W channels, a multiple of two groups):

* y: by l, then ``[P, 2 l + 1]``; starts at l² P.
* grad_y: by l, then ``[P, GRAD_Y_WIDTHS[l]]``; starts at GRAD_Y_STARTS[l] P. Derivatives with
  respect to y, then a part of that with respect to the distance, per Å. Y_00 is constant: it has
  the latter only.
* table: ``[L, W / 16, intervals, 6, 16]``, coefficients of the powers of the position (0 … 1): the
  intervals of all tables one after the other, then one of zeros for rows at and beyond the cutoff.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import (
    CHANNELS_TOGETHER,
    MATH,
    N_COEFFICIENTS,
    add_sum,
    add_sums,
    combine,
    load,
    load_many,
    plus_product,
    plus_products,
    polynomial,
    polynomial_and_slope,
    spread,
    store,
    store_many,
    take,
    times,
    two_products,
    zeros,
)
from pykoh.kernels import kernel, step

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]
Value = Any

MAX_ELL = 3
# A power of two that is more than 2 l + 1.
GRAD_Y_WIDTHS = (1, 4, 8, 8)
GRAD_Y_STARTS = (0, 1, 5, 13, 21)


@kernel(
    "(int64, int64, float32[::1], int64[::1], int64[::1], int64, int64, float64, int64[::1], "
    "int64, int64, int32[::1], float32[::1], int32[::1])",
)
def place_rows(
    low: int,
    high: int,
    distance: Array,
    pair: Indices,
    pair_table: Indices,
    n_tables: int,
    n_intervals: int,
    cutoff: float,
    sends: Indices,
    n_species: int,
    width: int,
    at: Places,
    position: Array,
    sender: Places,
) -> None:
    """Write where rows low to high are in a table, and where what is sent to them begins.

    Args:
        low: first row.
        high: last row, not included.
        distance: ``[P]`` Å.
        pair: ``[P]`` index into ``pair_table``.
        pair_table: which table is that of a pair.
        n_tables: how many there are.
        n_intervals: of each table.
        cutoff: Å.
        sends: ``[P]`` which row of what is sent belongs to a row: the neighbour's.
        n_species: 0, or where elements send: how many. Then ``sends`` is a pair of elements, the
            receiver's times ``n_species`` plus the sender's.
        width: numbers in a row of what is sent.
        at: ``[P]`` written to: where the coefficients of the row's interval begin.
        position: ``[P]`` written to: where in the interval the row is, 0 … 1.
        sender: ``[P]`` written to.
    """
    size = N_COEFFICIENTS * CHANNELS_TOGETHER
    for row in range(low, high):
        sender[row] = (sends[row] % n_species if n_species > 0 else sends[row]) * width
        if distance[row] >= cutoff:
            at[row], position[row] = n_tables * n_intervals * size, 0.0
            continue
        scaled = distance[row] * (n_intervals / cutoff)
        # A distance that is not a number must not become an index; the position passes it on.
        interval = min(max(int(scaled), 0), n_intervals - 1)
        at[row] = (pair_table[pair[row]] * n_intervals + interval) * size
        position[row] = scaled - interval


@step(fastmath=MATH)
def _sum_of_ell(
    low: int,
    high: int,
    start: Indices,
    y: Array,
    first_y: int,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    channel: int,
    width: int,
    table: Array,
    base: int,
    sums: Array,
    component: int,
    nothing: Value,
) -> None:
    n_atoms = high - low
    for atom in range(low, high):
        found = nothing
        for row in range(start[atom], start[atom + 1]):
            f = polynomial(table, base + take(at, row), spread(take(position, row)))
            f = times(f, load(sent, take(sender, row) + channel))
            found = plus_products(found, y, first_y + row * len(nothing), f)
        place = (component * n_atoms + atom - low) * width + channel
        store_many(sums, place, n_atoms * width, found)


@kernel(
    "(int64, int64, int64, int64[::1], float32[::1], int32[::1], float32[::1], "
    "int32[::1], float32[::1], int64, float32[::1], float32[::1])",
    fastmath=MATH,
)
def sum_neighbours(
    low: int,
    high: int,
    n_ell: int,
    start: Indices,
    y: Array,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    width: int,
    table: Array,
    sums: Array,
) -> None:
    """Write Y_m R_l(r) s_c, summed over the rows of atoms low to high, l being that of m.

    Args:
        low: first atom.
        high: last atom, not included.
        n_ell: L, at most ``MAX_ELL + 1``.
        start: ``[n + 1]`` first row of each atom.
        y: spherical harmonics.
        at: ``[P]`` from :func:`place_rows`.
        position: ``[P]``, likewise.
        sender: ``[P]`` row of ``sent`` times W.
        sent: ``[S, W]`` s.
        width: W.
        table: of R.
        sums: ``[L², high - low, W]``, written to.
    """
    group = len(table) // (n_ell * (width // CHANNELS_TOGETHER))
    n = len(at)
    for ell in range(n_ell):
        for channel in range(0, width, 64 // sent.itemsize):
            block = ell * (width // CHANNELS_TOGETHER) + channel // CHANNELS_TOGETHER
            base = block * group + channel % CHANNELS_TOGETHER
            if ell == 0:
                _sum_of_ell(
                    low, high, start, y, 0, at, position, sender, sent, channel, width, table,
                    base, sums, 0, zeros(sent, 1),
                )  # fmt: skip
            elif ell == 1:
                _sum_of_ell(
                    low, high, start, y, n, at, position, sender, sent, channel, width, table,
                    base, sums, 1, zeros(sent, 3),
                )  # fmt: skip
            elif ell == 2:
                _sum_of_ell(
                    low, high, start, y, 4 * n, at, position, sender, sent, channel, width, table,
                    base, sums, 4, zeros(sent, 5),
                )  # fmt: skip
            else:
                _sum_of_ell(
                    low, high, start, y, 9 * n, at, position, sender, sent, channel, width, table,
                    base, sums, 9, zeros(sent, 7),
                )  # fmt: skip


@step(fastmath=MATH)
def _backward_of_ell(
    low: int,
    high: int,
    start: Indices,
    y: Array,
    first_y: int,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    channel: int,
    width: int,
    table: Array,
    base: int,
    next_base: int,
    per_angstrom: float,
    upstream: Array,
    component: int,
    grad_y: Array,
    first_to_y: int,
    y_width: int,
    grad_sent: Array,
    like: Value,
) -> None:
    """Do the backward pass for one l and two values of channels, whose sums are added together."""
    n_atoms, step = high - low, 64 // sent.itemsize
    scale = spread(sent.dtype.type(per_angstrom))
    for atom in range(low, high):
        place = (component * n_atoms + atom - low) * width + channel
        up = load_many(upstream, place, n_atoms * width, like)
        next_up = load_many(upstream, place + step, n_atoms * width, like)
        for row in range(start[atom], start[atom + 1]):
            t, here = spread(take(position, row)), take(at, row)
            value, slope = polynomial_and_slope(table, base + here, t)
            next_value, next_slope = polynomial_and_slope(table, next_base + here, t)
            own = take(sender, row) + channel
            s, next_s = load(sent, own), load(sent, own + step)
            of_message = combine(up, y, first_y + row * len(like))
            next_of_message = combine(next_up, y, first_y + row * len(like))
            if len(grad_sent) > 0:
                store(grad_sent, own, plus_product(load(grad_sent, own), of_message, value))
                more = plus_product(load(grad_sent, own + step), next_of_message, next_value)
                store(grad_sent, own + step, more)
            of_distance = times(times(of_message, slope), s)
            of_distance = plus_product(of_distance, times(next_of_message, next_slope), next_s)
            of_distance = times(of_distance, scale)
            if component == 0:
                add_sum(of_distance, grad_y, first_to_y + row)
            else:
                of_y = two_products(up, times(value, s), next_up, times(next_value, next_s))
                add_sums(of_y, of_distance, grad_y, first_to_y + row * y_width)


@kernel(
    "(int64, int64, int64, int64[::1], float32[::1], int32[::1], float32[::1], "
    "int32[::1], float32[::1], int64, float32[::1], float64, float32[::1], float32[::1], "
    "float32[::1])",
    fastmath=MATH,
)
def sum_neighbours_backward(
    low: int,
    high: int,
    n_ell: int,
    start: Indices,
    y: Array,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    width: int,
    table: Array,
    per_angstrom: float,
    upstream: Array,
    grad_y: Array,
    grad_sent: Array,
) -> None:
    """Add the derivatives of :func:`sum_neighbours`, whose arguments come first.

    Args:
        low: first atom.
        high: last atom, not included.
        n_ell: L.
        start: ``[n + 1]``.
        y: spherical harmonics.
        at: ``[P]``.
        position: ``[P]``.
        sender: ``[P]``.
        sent: ``[S, W]``.
        width: W.
        table: of R.
        per_angstrom: intervals of the table per Å.
        upstream: ``[L², high - low, W]`` with respect to the sums.
        grad_y: added to.
        grad_sent: ``[S, W]``, added to; ``[0]`` where nobody asks for it.
    """
    n_blocks = width // CHANNELS_TOGETHER
    group = len(table) // (n_ell * n_blocks)
    n, step = len(at), 64 // sent.itemsize
    for ell in range(n_ell):
        for channel in range(0, width, 2 * step):
            behind = channel + step
            block = ell * n_blocks + channel // CHANNELS_TOGETHER
            base = block * group + channel % CHANNELS_TOGETHER
            block = ell * n_blocks + behind // CHANNELS_TOGETHER
            next_base = block * group + behind % CHANNELS_TOGETHER
            if ell == 0:
                _backward_of_ell(
                    low, high, start, y, 0, at, position, sender, sent, channel, width, table, base,
                    next_base, per_angstrom, upstream, 0, grad_y, 0, 1, grad_sent, zeros(sent, 1),
                )  # fmt: skip
            elif ell == 1:
                _backward_of_ell(
                    low, high, start, y, n, at, position, sender, sent, channel, width, table, base,
                    next_base, per_angstrom, upstream, 1, grad_y, n * GRAD_Y_STARTS[1],
                    GRAD_Y_WIDTHS[1], grad_sent, zeros(sent, 3),
                )  # fmt: skip
            elif ell == 2:
                _backward_of_ell(
                    low, high, start, y, 4 * n, at, position, sender, sent, channel, width, table,
                    base, next_base, per_angstrom, upstream, 4, grad_y, n * GRAD_Y_STARTS[2],
                    GRAD_Y_WIDTHS[2], grad_sent, zeros(sent, 5),
                )  # fmt: skip
            else:
                _backward_of_ell(
                    low, high, start, y, 9 * n, at, position, sender, sent, channel, width, table,
                    base, next_base, per_angstrom, upstream, 9, grad_y, n * GRAD_Y_STARTS[3],
                    GRAD_Y_WIDTHS[3], grad_sent, zeros(sent, 7),
                )  # fmt: skip
