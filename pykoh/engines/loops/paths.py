"""Sums over neighbours for features of any l, one path of the tensor product after the other.

A path goes from the sender's features of l1 over the harmonics of l2 to messages of l3. Before the
loops the harmonics are coupled: of each row

    g[m1, m3] = sum over m2 of C[m1, m2, m3] Y[m2],

which no channel depends on. A loop then sums ``g[m1, m3] R(r) s[m1]`` over the rows of an atom and
over m1, for some channels at a time, in registers. Layouts are those of
:mod:`pykoh.engines.loops.messages`, and:

* g: ``[rows, 2 l1 + 1, 2 l3 + 1]``.
* grad_g: ``[rows, 2 l1 + 1, GRAD_G_WIDTHS[l3]]``. Derivatives with respect to g; behind them a part
  of that with respect to the distance, per Å.
* sent: ``[S, F]``; a row has for each l1 ``[2 l1 + 1, W]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import (
    CHANNELS_TOGETHER,
    MATH,
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

# By l3: a power of two that is more than 2 l3 + 1.
GRAD_G_WIDTHS = (2, 4, 8, 8)


@step(fastmath=MATH)
def _sum_of_channels(
    low: int,
    high: int,
    start: Indices,
    g: Array,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    n_sent: int,
    channel: int,
    width: int,
    table: Array,
    base: int,
    sums: Array,
    nothing: Value,
) -> None:
    first = start[low]
    for atom in range(low, high):
        found = nothing
        for row in range(start[atom], start[atom + 1]):
            f = polynomial(table, base + take(at, row), spread(take(position, row)))
            own, place = take(sender, row) + channel, (row - first) * n_sent * len(nothing)
            for _ in range(n_sent):
                found = plus_products(found, g, place, times(f, load(sent, own)))
                own, place = own + width, place + len(nothing)
        store_many(sums, (atom - low) * width + channel, (high - low) * width, found)


@kernel(
    "(int64, int64, int64[::1], int32[::1], float32[::1], int32[::1], float32[::1], "
    "int64, int64, int64, float32[::1], float32[::1], int64, float32[::1])",
    fastmath=MATH,
)
def sum_path(
    low: int,
    high: int,
    start: Indices,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    n_sent: int,
    first_sent: int,
    width: int,
    table: Array,
    g: Array,
    n_message: int,
    sums: Array,
) -> None:
    """Write the messages of one path, summed over the rows of atoms low to high.

    Args:
        low: first atom.
        high: last atom, not included.
        start: ``[n + 1]`` first row of each atom.
        at: ``[P]`` from :func:`messages.place_rows`.
        position: ``[P]``, likewise.
        sender: ``[P]`` row of ``sent`` times F.
        sent: ``[S, F]``.
        n_sent: 2 l1 + 1.
        first_sent: where l1 begins in a row of ``sent``.
        width: W.
        table: ``[W / 16, intervals, 6, 16]``: R.
        g: of the rows of atoms low to high.
        n_message: 2 l3 + 1, at most 7.
        sums: ``[2 l3 + 1, high - low, W]``, written to.
    """
    group = len(table) // (width // CHANNELS_TOGETHER)
    own = sent[first_sent:]
    for channel in range(0, width, 64 // sent.itemsize):
        base = channel // CHANNELS_TOGETHER * group + channel % CHANNELS_TOGETHER
        if n_message == 1:
            _sum_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table,
                base, sums, zeros(sent, 1),
            )  # fmt: skip
        elif n_message == 3:
            _sum_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table,
                base, sums, zeros(sent, 3),
            )  # fmt: skip
        elif n_message == 5:
            _sum_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table,
                base, sums, zeros(sent, 5),
            )  # fmt: skip
        else:
            _sum_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table,
                base, sums, zeros(sent, 7),
            )  # fmt: skip


@step(fastmath=MATH)
def _backward_of_channels(
    low: int,
    high: int,
    start: Indices,
    g: Array,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    n_sent: int,
    channel: int,
    width: int,
    table: Array,
    base: int,
    next_base: int,
    per_angstrom: float,
    upstream: Array,
    grad_g: Array,
    g_width: int,
    grad_sent: Array,
    like: Value,
) -> None:
    """Do the backward pass for two times the channels of a value: their sums are added together."""
    first, step = start[low], 64 // sent.itemsize
    scale = spread(sent.dtype.type(per_angstrom))
    for atom in range(low, high):
        place = (atom - low) * width + channel
        up = load_many(upstream, place, (high - low) * width, like)
        next_up = load_many(upstream, place + step, (high - low) * width, like)
        for row in range(start[atom], start[atom + 1]):
            t, here = spread(take(position, row)), take(at, row)
            value, slope = polynomial_and_slope(table, base + here, t)
            next_value, next_slope = polynomial_and_slope(table, next_base + here, t)
            own, of_row = take(sender, row) + channel, (row - first) * n_sent
            for k in range(of_row, of_row + n_sent):
                s, next_s = load(sent, own), load(sent, own + step)
                of_message = combine(up, g, k * len(like))
                next_of_message = combine(next_up, g, k * len(like))
                store(grad_sent, own, plus_product(load(grad_sent, own), of_message, value))
                more = plus_product(load(grad_sent, own + step), next_of_message, next_value)
                store(grad_sent, own + step, more)
                of_distance = times(times(of_message, slope), s)
                of_distance = plus_product(of_distance, times(next_of_message, next_slope), next_s)
                of_g = two_products(up, times(value, s), next_up, times(next_value, next_s))
                add_sums(of_g, times(of_distance, scale), grad_g, k * g_width)
                own += width


@kernel(
    "(int64, int64, int64[::1], int32[::1], float32[::1], int32[::1], float32[::1], "
    "int64, int64, int64, float32[::1], float32[::1], int64, float64, float32[::1], "
    "float32[::1], float32[::1])",
    fastmath=MATH,
)
def sum_path_backward(
    low: int,
    high: int,
    start: Indices,
    at: Places,
    position: Array,
    sender: Places,
    sent: Array,
    n_sent: int,
    first_sent: int,
    width: int,
    table: Array,
    g: Array,
    n_message: int,
    per_angstrom: float,
    upstream: Array,
    grad_g: Array,
    grad_sent: Array,
) -> None:
    """Add the derivatives of :func:`sum_path`, whose arguments come first.

    Args:
        low: first atom.
        high: last atom, not included.
        start: ``[n + 1]``.
        at: ``[P]``.
        position: ``[P]``.
        sender: ``[P]``.
        sent: ``[S, F]``.
        n_sent: 2 l1 + 1.
        first_sent: where l1 begins.
        width: W, a multiple of two groups of channels.
        table: of R.
        g: of the rows of atoms low to high.
        n_message: 2 l3 + 1, at most 7.
        per_angstrom: intervals of the table per Å.
        upstream: ``[2 l3 + 1, high - low, W]`` with respect to the sums.
        grad_g: of the same rows as g; added to.
        grad_sent: ``[S, F]``, added to.
    """
    group, step = len(table) // (width // CHANNELS_TOGETHER), 64 // sent.itemsize
    own, grad_own = sent[first_sent:], grad_sent[first_sent:]
    for channel in range(0, width, 2 * step):
        behind = channel + step
        base = channel // CHANNELS_TOGETHER * group + channel % CHANNELS_TOGETHER
        next_base = behind // CHANNELS_TOGETHER * group + behind % CHANNELS_TOGETHER
        if n_message == 1:
            _backward_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table, base,
                next_base, per_angstrom, upstream, grad_g, GRAD_G_WIDTHS[0], grad_own, zeros(sent,
                1),
            )  # fmt: skip
        elif n_message == 3:
            _backward_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table, base,
                next_base, per_angstrom, upstream, grad_g, GRAD_G_WIDTHS[1], grad_own, zeros(sent,
                3),
            )  # fmt: skip
        elif n_message == 5:
            _backward_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table, base,
                next_base, per_angstrom, upstream, grad_g, GRAD_G_WIDTHS[2], grad_own, zeros(sent,
                5),
            )  # fmt: skip
        else:
            _backward_of_channels(
                low, high, start, g, at, position, sender, own, n_sent, channel, width, table, base,
                next_base, per_angstrom, upstream, grad_g, GRAD_G_WIDTHS[3], grad_own, zeros(sent,
                7),
            )  # fmt: skip
