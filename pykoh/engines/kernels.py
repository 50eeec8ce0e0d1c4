"""The two loops in which a CPU spends its time with a fast graph, compiled by numba.

As plain torch they write arrays of rows × channels to memory and read them again, once for each
operation. Here everything of a row (a pair of neighbours) happens while it is in the first cache.

The tables of the radial functions are larger than the second cache. So the rows of some atoms are
taken together, in the order of their places in the table: what one row has read serves the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

# Sums may be added in another order, but what is not a number has to stay so: no "nnan", "ninf".
_MATH = {"contract", "reassoc", "nsz", "arcp"}


@njit(cache=True, nogil=True, fastmath=_MATH, error_model="numpy", inline="always")
def _place(distance: float, n_intervals: int, cutoff: float) -> tuple[int, float]:
    """Return the interval of a distance below the cutoff, and the position in it (0 … 1)."""
    scaled = distance * (n_intervals / cutoff)
    # A distance that is not a number must not become an index; the position passes it on.
    interval = min(max(int(scaled), 0), n_intervals - 1)
    return interval, scaled - interval


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _atoms_together(n_numbers: int, item_size: int) -> int:
    """Return how many atoms, with ``n_numbers`` each, stay in the second cache together."""
    return max(2, min(16, 65536 // (n_numbers * item_size)))


@njit(cache=True, nogil=True, error_model="numpy")
def _most_rows(low: int, high: int, start: Indices, together: int) -> int:
    """Return the largest number of rows of atoms that are taken together."""
    most = 0
    for first in range(low, high, together):
        most = max(most, start[min(first + together, high)] - start[first])
    return most


@njit(cache=True, nogil=True, error_model="numpy")
def _in_order_of_table(
    first: int,
    last: int,
    start: Indices,
    distance: Array,
    pair: Indices,
    pair_table: Indices,
    n_intervals: int,
    cutoff: float,
    rows: Indices,
    atoms: Indices,
    ends: Indices,
) -> int:
    """Write the rows of atoms first to last by their places in the tables; return their number.

    Args:
        first: first atom.
        last: last atom, not included.
        start: ``[n + 1]`` first row of each atom.
        distance: ``[P]`` Å; rows at and beyond the cutoff are left out.
        pair: ``[P]`` index into ``pair_table``.
        pair_table: which table is that of a pair.
        n_intervals: of each table.
        cutoff: Å.
        rows: written to.
        atoms: which of the atoms each of ``rows`` belongs to, counted from ``first``; written to.
        ends: ``[T n_intervals]``, to work with.
    """
    ends[:] = 0
    for row in range(start[first], start[last]):
        if distance[row] >= cutoff:
            continue
        interval, _ = _place(distance[row], n_intervals, cutoff)
        ends[pair_table[pair[row]] * n_intervals + interval] += 1
    total = 0
    for k in range(len(ends)):
        number = ends[k]
        ends[k] = total
        total += number
    for atom in range(first, last):
        for row in range(start[atom], start[atom + 1]):
            if distance[row] >= cutoff:
                continue
            interval, _ = _place(distance[row], n_intervals, cutoff)
            k = pair_table[pair[row]] * n_intervals + interval
            rows[ends[k]], atoms[ends[k]] = row, atom - first
            ends[k] += 1
    return total


@njit(cache=True, nogil=True, fastmath=_MATH, error_model="numpy")
def sum_neighbours(
    low: int,
    high: int,
    start: Indices,
    y: Array,
    distance: Array,
    pair: Indices,
    sender: Indices,
    sent: Array,
    table: Array,
    pair_table: Indices,
    cutoff: float,
    sums: Array,
) -> None:
    """Add Y_m R_l(r) s_c over the rows of atoms low to high, l being that of m.

    Shapes: M = (max_ell + 1)² components, P rows, C channels, S senders, n atoms, T tables.

    Args:
        low: first atom.
        high: last atom, not included.
        start: ``[n + 1]`` first row of each atom.
        y: ``[M, P]`` spherical harmonics.
        distance: ``[P]`` Å; rows at and beyond the cutoff count for nothing.
        pair: ``[P]`` index into ``pair_table``.
        sender: ``[P]`` row of ``sent``.
        sent: ``[S, C]`` s.
        table: ``[T, n_intervals, max_ell + 1, 6, C]`` of R, on equal intervals from 0 to the
            cutoff: coefficients of the powers of the position in the interval.
        pair_table: which table is that of a pair.
        cutoff: Å.
        sums: ``[M, n, C]``, zero, written to.
    """
    n_tables, n_intervals, n_ell, n_channels = (
        table.shape[0], table.shape[1], table.shape[2], table.shape[4],
    )  # fmt: skip
    n_components = n_ell * n_ell
    together = _atoms_together(n_components * n_channels, sent.itemsize)
    most = _most_rows(low, high, start, together)
    rows, atoms = np.empty(most, np.int64), np.empty(most, np.int64)
    ends = np.empty(n_tables * n_intervals, np.int64)
    message = sent[0].copy()
    own_sums = np.empty((together, n_components, n_channels), sent.dtype)
    for first in range(low, high, together):
        last = min(first + together, high)
        n_rows = _in_order_of_table(
            first, last, start, distance, pair, pair_table, n_intervals, cutoff, rows, atoms, ends
        )
        own_sums[:] = 0.0
        for place in range(n_rows):
            row, of_atom = rows[place], own_sums[atoms[place]]
            interval, position = _place(distance[row], n_intervals, cutoff)
            t = y.dtype.type(position)
            s, own_table = sent[sender[row]], table[pair_table[pair[row]]]
            for ell in range(n_ell):
                w = own_table[interval, ell]
                for c in range(n_channels):
                    b = ((w[5, c] * t + w[4, c]) * t + w[3, c]) * t + w[2, c]
                    message[c] = ((b * t + w[1, c]) * t + w[0, c]) * s[c]
                for m in range(ell * ell, (ell + 1) * (ell + 1)):
                    of_m, y_m = of_atom[m], y[m, row]
                    for c in range(n_channels):
                        of_m[c] += y_m * message[c]
        for m in range(n_components):
            for k in range(last - first):
                for c in range(n_channels):
                    sums[m, first + k, c] += own_sums[k, m, c]


@njit(cache=True, nogil=True, fastmath=_MATH, error_model="numpy")
def sum_neighbours_back(
    low: int,
    high: int,
    start: Indices,
    y: Array,
    distance: Array,
    pair: Indices,
    sender: Indices,
    sent: Array,
    table: Array,
    pair_table: Indices,
    cutoff: float,
    upstream: Array,
    to_y: Array,
    to_distance: Array,
    to_sent: Array,
) -> None:
    """Add the derivatives of :func:`sum_neighbours`, whose arguments come first.

    Args:
        low: first atom.
        high: last atom, not included.
        start: ``[n + 1]``.
        y: ``[M, P]``.
        distance: ``[P]``.
        pair: ``[P]``.
        sender: ``[P]``.
        sent: ``[S, C]``.
        table: ``[T, n_intervals, max_ell + 1, 6, C]``.
        pair_table: which table is that of a pair.
        cutoff: Å.
        upstream: ``[M, n, C]``, with respect to the sums.
        to_y: ``[M, P]``, added to.
        to_distance: ``[P]``, added to; per Å.
        to_sent: ``[S, C]``, added to.
    """
    n_tables, n_intervals, n_ell, n_channels = (
        table.shape[0], table.shape[1], table.shape[2], table.shape[4],
    )  # fmt: skip
    n_components = n_ell * n_ell
    per_angstrom = n_intervals / cutoff
    together = _atoms_together(n_components * n_channels, sent.itemsize)
    most = _most_rows(low, high, start, together)
    rows, atoms = np.empty(most, np.int64), np.empty(most, np.int64)
    ends = np.empty(n_tables * n_intervals, np.int64)
    value, weighted = sent[0].copy(), sent[0].copy()
    slope, to_message = sent[0].copy(), sent[0].copy()
    own_upstream = np.empty((together, n_components, n_channels), sent.dtype)
    for first in range(low, high, together):
        last = min(first + together, high)
        n_rows = _in_order_of_table(
            first, last, start, distance, pair, pair_table, n_intervals, cutoff, rows, atoms, ends
        )
        for m in range(n_components):
            for k in range(last - first):
                for c in range(n_channels):
                    own_upstream[k, m, c] = upstream[m, first + k, c]
        for place in range(n_rows):
            row, of_atom = rows[place], own_upstream[atoms[place]]
            interval, position = _place(distance[row], n_intervals, cutoff)
            t = y.dtype.type(position)
            s, own_table = sent[sender[row]], table[pair_table[pair[row]]]
            to_s = to_sent[sender[row]]
            to_t = t - t
            for ell in range(n_ell):
                w = own_table[interval, ell]
                for c in range(n_channels):
                    # Horner's scheme, of the value and of the derivative.
                    b4 = w[5, c] * t + w[4, c]
                    b3 = b4 * t + w[3, c]
                    b2 = b3 * t + w[2, c]
                    b1 = b2 * t + w[1, c]
                    value[c] = b1 * t + w[0, c]
                    weighted[c] = value[c] * s[c]
                    slope[c] = ((((w[5, c] * t + b4) * t + b3) * t + b2) * t + b1) * s[c]
                    to_message[c] = 0.0
                for m in range(ell * ell, (ell + 1) * (ell + 1)):
                    of_m, y_m = of_atom[m], y[m, row]
                    to_y_m = t - t
                    for c in range(n_channels):
                        to_y_m += of_m[c] * weighted[c]
                        to_message[c] += y_m * of_m[c]
                    to_y[m, row] += to_y_m
                for c in range(n_channels):
                    to_t += to_message[c] * slope[c]
                    to_s[c] += to_message[c] * value[c]
            to_distance[row] += to_t * per_angstrom


@njit(cache=True, nogil=True, fastmath=_MATH, error_model="numpy")
def contract(
    low: int,
    high: int,
    x: Array,
    species: Indices,
    coefficients: Array,
    factors: Indices,
    n_cubic: int,
    n_quadratic: int,
    value: Array,
    derivative: Array,
) -> None:
    """Evaluate the polynomial of a symmetric contraction to a scalar, and its derivative.

    Args:
        low: first atom.
        high: last atom, not included.
        x: ``[M, n, C]``.
        species: ``[n]``.
        coefficients: ``[K, n_species, C]`` of the K terms of the derivative: those with two
            factors, then those with one, then those with none.
        factors: ``[K, 3]`` the component that a term is the derivative by, then its factors.
        n_cubic: terms with two factors.
        n_quadratic: terms with one.
        value: ``[n, C]``, zero, written to.
        derivative: ``[M, n, C]``, zero, written to.
    """
    n_channels = x.shape[2]
    end = n_cubic + n_quadratic
    half, third = x.dtype.type(1.0 / 2.0), x.dtype.type(1.0 / 3.0)
    for atom in range(low, high):
        kind = species[atom]
        f = value[atom]
        # By Euler's theorem x times a derivative of degree d - 1 is d times its part of f.
        for k in range(n_cubic):
            a, w = factors[k, 0], coefficients[k, kind]
            df, x_a = derivative[a, atom], x[a, atom]
            x_b, x_c = x[factors[k, 1], atom], x[factors[k, 2], atom]
            for c in range(n_channels):
                term = w[c] * x_b[c] * x_c[c]
                df[c] += term
                f[c] += third * term * x_a[c]
        for k in range(n_cubic, end):
            a, w = factors[k, 0], coefficients[k, kind]
            df, x_a, x_b = derivative[a, atom], x[a, atom], x[factors[k, 1], atom]
            for c in range(n_channels):
                term = w[c] * x_b[c]
                df[c] += term
                f[c] += half * term * x_a[c]
        for k in range(end, factors.shape[0]):
            a, w = factors[k, 0], coefficients[k, kind]
            df, x_a = derivative[a, atom], x[a, atom]
            for c in range(n_channels):
                df[c] += w[c]
                f[c] += w[c] * x_a[c]
