"""The loops of :mod:`pykoh.engines.operators` as Triton kernels: sums over neighbours, contraction.

One program has the rows of one atom: nobody else writes its sums. It takes ROWS rows at a time,
as a tile of rows × channels. What the tile reads (table, sender) does not wait for the tile before
it, and the sums of all (l, m) stay in registers until the atom's last row. Neighbouring threads
have neighbouring channels, so that each row of the table is read in whole memory lines.

Loops over components and terms are unrolled when a kernel is compiled; a tuple of tiles stands for
an array in registers.
"""

from __future__ import annotations

import triton
import triton.language as tl

# They change from step to step: no kernel is compiled anew because one is a multiple of 16.
SIZES = ("n_atoms", "n_rows")


@triton.jit
def _places(row, is_row, distance, pair, pair_table, CUTOFF: tl.constexpr, N: tl.constexpr):
    """Return of rows: whether they count, the first place of their interval, the position in it.

    As in the loops for a CPU, a distance that is not a number counts, and the position passes it
    on; it must not become an index.
    """
    r = tl.load(distance + row, mask=is_row, other=2.0 * CUTOFF)
    counts = is_row & ((r < CUTOFF) | (r != r))
    scaled = r * (N / CUTOFF)
    inside = tl.where(counts & (r == r), scaled, 0.0)
    interval = tl.minimum(tl.maximum(inside.to(tl.int32), 0), N - 1)
    own_pair = tl.load(pair + row, mask=counts, other=0)
    which = tl.load(pair_table + own_pair, mask=counts, other=0)
    return counts, which * N + interval, scaled - interval


@triton.jit(do_not_specialize=SIZES)
def sum_neighbours(
    start,  # [n + 1] int64
    y,  # [M, P]
    distance,  # [P]
    pair,  # [P] int64
    sender,  # [P] int64
    sent,  # [S, C]
    table,  # [T, N_INTERVALS, N_ELL, 6, C]
    pair_table,  # int64
    sums,  # [M, n, C], written to
    n_atoms,
    n_rows,  # P
    CUTOFF: tl.constexpr,
    N_INTERVALS: tl.constexpr,
    N_ELL: tl.constexpr,
    N_CHANNELS: tl.constexpr,
    ROWS: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """Write the sums of the operator of that name, of one atom and CHANNELS."""
    atom = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    is_channel = channel < N_CHANNELS
    last = tl.load(start + atom + 1)
    sums_of = ()
    for _ in tl.static_range(N_ELL * N_ELL):
        sums_of = sums_of + (tl.zeros((ROWS, CHANNELS), sums.dtype.element_ty),)
    for low in range(tl.load(start + atom), last, ROWS):
        row = low + tl.arange(0, ROWS)
        counts, place, t = _places(row, row < last, distance, pair, pair_table, CUTOFF, N_INTERVALS)
        t = tl.expand_dims(t, 1)
        here = tl.expand_dims(counts, 1) & tl.expand_dims(is_channel, 0)
        source = tl.expand_dims(tl.load(sender + row, mask=counts, other=0), 1)
        s = tl.load(sent + source * N_CHANNELS + tl.expand_dims(channel, 0), mask=here, other=0.0)
        w = table + tl.expand_dims(place * (N_ELL * 6 * N_CHANNELS), 1)
        w = w + tl.expand_dims(channel, 0)
        new = ()
        for ell in tl.static_range(N_ELL):
            value = tl.load(w + (6 * ell + 5) * N_CHANNELS, mask=here, other=0.0)
            for k in tl.static_range(5):
                value = value * t + tl.load(w + (6 * ell + 4 - k) * N_CHANNELS, here, other=0.0)
            message = tl.where(here, value * s, 0.0)
            for m in tl.static_range(ell * ell, (ell + 1) * (ell + 1)):
                y_m = tl.load(y + m * n_rows + row, mask=counts, other=0.0)
                new = new + (sums_of[m] + tl.expand_dims(y_m, 1) * message,)
        sums_of = new
    for m in tl.static_range(N_ELL * N_ELL):
        target = sums + (m * n_atoms + atom) * N_CHANNELS + channel
        tl.store(target, tl.sum(sums_of[m], 0), mask=is_channel)


@triton.jit(do_not_specialize=SIZES)
def sum_neighbours_back(
    upstream,  # [M, n, C]
    start,
    y,
    distance,
    pair,
    sender,
    sent,
    table,
    pair_table,
    grad_y,  # [M, P]
    grad_distance,  # [P]
    grad_sent,  # [S, C], added to
    n_atoms,
    n_rows,
    CUTOFF: tl.constexpr,
    N_INTERVALS: tl.constexpr,
    N_ELL: tl.constexpr,
    N_CHANNELS: tl.constexpr,
    ROWS: tl.constexpr,
    CHANNELS: tl.constexpr,
    ADDS: tl.constexpr,
    GRAD_SENT: tl.constexpr,
):
    """Do the backward pass of :func:`sum_neighbours` for one atom, all channels at once.

    Args (beyond those of the forward pass):
        upstream: derivative with respect to the sums.
        grad_y: added to if ADDS, else written to, in all rows of the atom.
        grad_distance: the same.
        grad_sent: added to if GRAD_SENT, atomically: the rows of a sender belong to many atoms.
            Sums then differ in the last digit from call to call, as they do with torch's
            index_add_ and with LAMMPS's own sum of pair forces on a GPU. A list of the rows of
            each sender would have to be sorted anew each step.
    """
    atom = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, CHANNELS)
    is_channel = channel < N_CHANNELS
    last = tl.load(start + atom + 1)
    up = ()
    for m in tl.static_range(N_ELL * N_ELL):
        own = tl.load(
            upstream + (m * n_atoms + atom) * N_CHANNELS + channel, mask=is_channel, other=0.0
        )
        up = up + (tl.expand_dims(own, 0),)
    for low in range(tl.load(start + atom), last, ROWS):
        row = low + tl.arange(0, ROWS)
        is_row = row < last
        counts, place, t = _places(row, is_row, distance, pair, pair_table, CUTOFF, N_INTERVALS)
        t = tl.expand_dims(t, 1)
        here = tl.expand_dims(counts, 1) & tl.expand_dims(is_channel, 0)
        source = tl.expand_dims(tl.load(sender + row, mask=counts, other=0), 1)
        source = source * N_CHANNELS + tl.expand_dims(channel, 0)
        s = tl.load(sent + source, mask=here, other=0.0)
        w = table + tl.expand_dims(place * (N_ELL * 6 * N_CHANNELS), 1)
        w = w + tl.expand_dims(channel, 0)
        grad_s = tl.zeros((ROWS, CHANNELS), sent.dtype.element_ty)
        grad_t = tl.zeros((ROWS, CHANNELS), sent.dtype.element_ty)
        for ell in tl.static_range(N_ELL):
            # Horner's scheme, of the value and of the derivative.
            value = tl.load(w + (6 * ell + 5) * N_CHANNELS, mask=here, other=0.0)
            slope = tl.zeros((ROWS, CHANNELS), sent.dtype.element_ty)
            for k in tl.static_range(5):
                slope = slope * t + value
                value = value * t + tl.load(w + (6 * ell + 4 - k) * N_CHANNELS, here, other=0.0)
            weighted = tl.where(here, value * s, 0.0)
            grad_message = tl.zeros((ROWS, CHANNELS), sent.dtype.element_ty)
            for m in tl.static_range(ell * ell, (ell + 1) * (ell + 1)):
                y_m = tl.load(y + m * n_rows + row, mask=counts, other=0.0)
                grad_message += tl.expand_dims(y_m, 1) * up[m]
                to_y_m = tl.sum(up[m] * weighted, 1)
                target = grad_y + m * n_rows + row
                if ADDS:
                    to_y_m += tl.load(target, mask=is_row, other=0.0)
                tl.store(target, to_y_m, mask=is_row)
            grad_t += grad_message * slope * s
            grad_s += grad_message * value
        slopes = tl.sum(tl.where(here, grad_t, 0.0), 1) * (N_INTERVALS / CUTOFF)
        if ADDS:
            slopes += tl.load(grad_distance + row, mask=is_row, other=0.0)
        tl.store(grad_distance + row, slopes, mask=is_row)
        if GRAD_SENT:
            tl.atomic_add(grad_sent + source, grad_s, mask=here, sem="relaxed")


@triton.jit(do_not_specialize=SIZES)
def contract(
    x,  # [M, n, C]
    species,  # [n] int64
    coefficients,  # [K, n_species, C]
    value,  # [n, C], written to
    derivative,  # [M, n, C], written to
    n_atoms,
    N_SPECIES: tl.constexpr,
    TERMS: tl.constexpr,
    BEGINS: tl.constexpr,
    N_COMPONENTS: tl.constexpr,
    N_CHANNELS: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """Write what the operator of that name gives, of one atom and CHANNELS.

    Args (beyond those of the loop for a CPU):
        TERMS: of the derivatives by each component a: ``(k, b, c)`` is coefficient k times
            components b and c, ``(k, b, -1)`` times b, ``(k, -1, -1)`` alone.
        BEGINS: first term of each a, and their number.
    """
    atom = tl.program_id(0).to(tl.int64)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    is_channel = channel < N_CHANNELS
    kind = tl.load(species + atom)
    own = coefficients + kind * N_CHANNELS + channel
    x_of = ()
    for m in tl.static_range(N_COMPONENTS):
        x_m = tl.load(x + (m * n_atoms + atom) * N_CHANNELS + channel, mask=is_channel, other=0.0)
        x_of = x_of + (x_m,)
    f = tl.zeros((CHANNELS,), x.dtype.element_ty)
    for a in tl.static_range(N_COMPONENTS):
        # By Euler's theorem x times a derivative of degree d - 1 is d times its part of f.
        cubic = tl.zeros((CHANNELS,), x.dtype.element_ty)
        quadratic = tl.zeros((CHANNELS,), x.dtype.element_ty)
        alone = tl.zeros((CHANNELS,), x.dtype.element_ty)
        for i in tl.static_range(tl.constexpr(BEGINS[a]), tl.constexpr(BEGINS[a + 1])):
            w = tl.load(own + TERMS[i][0] * N_SPECIES * N_CHANNELS, mask=is_channel, other=0.0)
            if TERMS[i][2] >= 0:
                cubic += w * x_of[TERMS[i][1]] * x_of[TERMS[i][2]]
            elif TERMS[i][1] >= 0:
                quadratic += w * x_of[TERMS[i][1]]
            else:
                alone += w
        f += x_of[a] * (cubic * (1.0 / 3.0) + quadratic * 0.5 + alone)
        target = derivative + (a * n_atoms + atom) * N_CHANNELS + channel
        tl.store(target, cubic + quadratic + alone, mask=is_channel)
    tl.store(value + atom * N_CHANNELS + channel, f, mask=is_channel)
