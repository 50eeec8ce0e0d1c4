"""Pairs of neighbours as rows: which are near, their harmonics, and from derivatives back to pairs.

Rows are those pairs that are closer than the cutoff, atom by atom. Harmonics are polynomials of the
unit vector (:mod:`pykoh.engines.graph.harmonics`), computed for as many rows together as a value
of :mod:`pykoh.engines.loops.lanes` has numbers. Places are unsigned numbers where it counts: a
signed one may count from the end of an array, and numba looks at each whether it does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import MATH, load, plus_product, spread, store, times, zeros
from pykoh.engines.loops.messages import GRAD_Y_STARTS, GRAD_Y_WIDTHS
from pykoh.engines.loops.views import on_stack
from pykoh.kernels import kernel, step

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


@kernel(
    "(int64, int64, float32[:,::1], int64[::1], int64[::1], int64[::1], int64, float64, "
    "int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], float32[::1], float32[:,::1])",
)
def near_rows(
    low: int,
    high: int,
    rij: Array,
    sender: Indices,
    receiver: Indices,
    species: Indices,
    n_species: int,
    cutoff: float,
    first_pair: Indices,
    start: Indices,
    pair_of_row: Indices,
    neighbour: Indices,
    kinds: Indices,
    distance: Array,
    unit: Array,
) -> None:
    """Write the pairs of some atoms that are closer than the cutoff.

    Args:
        low: first atom.
        high: last atom, not included.
        rij: ``[E, 3]`` Å, sender minus receiver.
        sender: ``[E]``.
        receiver: ``[E]``, ascending.
        species: ``[n_total]``.
        n_species: S.
        cutoff: Å.
        first_pair: ``[n_local + 1]`` from :func:`pykoh.engines.loops.totals.count_rows`.
        start: likewise.
        pair_of_row: ``[P]``, written to.
        neighbour: ``[P]``, written to: the sender.
        kinds: ``[P]``, written to: the receiver's species times S plus the sender's.
        distance: ``[P]`` Å, written to.
        unit: ``[3, P]``, written to: from the sender to the receiver (MACE's sign).
    """
    row = np.uint64(start[low])
    for e in range(np.uint64(first_pair[low]), np.uint64(first_pair[high])):
        x, y, z = rij[e, 0], rij[e, 1], rij[e, 2]
        square = x * x + y * y + z * z
        if square >= cutoff * cutoff:
            continue
        distance[row] = square
        unit[0, row], unit[1, row], unit[2, row] = -x, -y, -z
        pair_of_row[row], neighbour[row] = e, sender[e]
        kinds[row] = species[receiver[e]] * n_species + species[sender[e]]
        row += np.uint64(1)
    # In a loop of its own, roots and quotients are computed for many rows at a time.
    for row in range(np.uint64(start[low]), np.uint64(start[high])):
        distance[row] = np.sqrt(distance[row])
        for k in range(3):
            unit[k, row] /= distance[row]


@step(fastmath=MATH)
def _monomials(
    unit: Array, first: int, last: int, lower: Indices, axis: Indices, monomials: Array
) -> None:
    """Write the monomials of some rows: 1, x, y, z, then each one before times a component."""
    n = 64 // unit.itemsize
    for i in range(last - first):
        monomials[i] = 1.0
    for k in range(3):
        own = np.uint64((1 + k) * n)
        for i in range(last - first):
            monomials[own + np.uint64(i)] = unit[k, np.uint64(first + i)]
    for k in range(len(lower)):
        component = load(monomials, (1 + axis[k]) * n)
        store(monomials, (4 + k) * n, times(load(monomials, lower[k] * n), component))


@kernel(
    "(int64, int64, int64, int64, float32[:,::1], int64[::1], int64[::1], int64[::1], "
    "int64[::1], float32[::1], float32[::1], float32[::1])",
    fastmath=MATH,
)
def harmonics(
    low: int,
    high: int,
    n_rows: int,
    n_ell: int,
    unit: Array,
    lower: Indices,
    axis: Indices,
    components: Indices,
    of_monomial: Indices,
    coefficients: Array,
    y: Array,
    grad_y: Array,
) -> None:
    """Write the spherical harmonics of rows low to high, and zeros for derivatives by them.

    Args:
        low: first row.
        high: last row, not included.
        n_rows: P.
        n_ell: max_ell + 1.
        unit: ``[3, P]``.
        lower: of each monomial of degree 2 and 3 the monomial that it is a multiple of.
        axis: the component that it is multiplied with.
        components: of each coefficient, ascending.
        of_monomial: of each coefficient.
        coefficients: those that are not zero.
        y: written to, in the layout of :mod:`pykoh.engines.loops.messages`.
        grad_y: likewise; zeros are written to it.
    """
    for ell in range(n_ell):
        begin, width = n_rows * GRAD_Y_STARTS[ell], GRAD_Y_WIDTHS[ell]
        for place in range(begin + low * width, begin + high * width):
            grad_y[place] = 0.0
    n, n_components, nothing = 64 // unit.itemsize, n_ell * n_ell, zeros(y, 1)[0]
    monomials, values = on_stack(y, (4 + len(lower)) * n), on_stack(y, n_components * n)
    for first in range(low, high, n):
        last = min(first + n, high)
        _monomials(unit, first, last, lower, axis, monomials)
        k = np.uint64(0)
        for component in range(n_components):
            total = nothing
            while k < len(coefficients) and components[k] == component:
                monomial = load(monomials, of_monomial[k] * n)
                total = plus_product(total, monomial, spread(coefficients[k]))
                k += np.uint64(1)
            store(values, component * n, total)
        for ell in range(n_ell):
            width = 2 * ell + 1
            place = np.uint64(n_rows * ell * ell + first * width)
            for m in range(width):
                own = np.uint64((ell * ell + m) * n)
                for i in range(last - first):
                    y[place + np.uint64(i * width + m)] = values[own + np.uint64(i)]


@kernel(
    "(int64, int64, int64, int64, float32[:,::1], float32[::1], int64[::1], int64[::1], "
    "int64[::1], int64[::1], int64[::1], float32[::1], float32[::1], int64[::1], "
    "float32[:,::1])",
    fastmath={"contract"},
)
def gradient_of_pairs(
    low: int,
    high: int,
    n_rows: int,
    n_ell: int,
    unit: Array,
    distance: Array,
    lower: Indices,
    axis: Indices,
    directions: Indices,
    components: Indices,
    of_monomial: Indices,
    coefficients: Array,
    grad_y: Array,
    pair_of_row: Indices,
    gradient: Array,
) -> None:
    """Write the derivatives with respect to the vectors of pairs.

    Args:
        low: first row.
        high: last row, not included.
        n_rows: P.
        n_ell: max_ell + 1.
        unit: ``[3, P]``.
        distance: ``[P]`` Å.
        lower: as :func:`harmonics`.
        axis: likewise.
        directions: of each coefficient of the derivatives of the harmonics: by which component,
            ascending.
        components: of each coefficient: which harmonic.
        of_monomial: of each coefficient.
        coefficients: those that are not zero.
        grad_y: derivatives, in the layout of :mod:`pykoh.engines.loops.messages`.
        pair_of_row: ``[P]``.
        gradient: ``[E, 3]`` written to: dE/dr, r from the receiver to the sender, eV/Å.
    """
    n, nothing = 64 // unit.itemsize, zeros(grad_y, 1)[0]
    monomials, upstream = on_stack(unit, (4 + len(lower)) * n), on_stack(unit, n_ell * n_ell * n)
    grad_unit, radial = on_stack(unit, 3 * n), on_stack(unit, n)
    inverse, minus = on_stack(unit, n), spread(unit.dtype.type(-1.0))
    for first in range(low, high, n):
        last = min(first + n, high)
        _monomials(unit, first, last, lower, axis, monomials)
        for i in range(last - first):
            radial[i] = grad_y[np.uint64(first + i)]
        for ell in range(1, n_ell):
            n_numbers, width = 2 * ell + 1, GRAD_Y_WIDTHS[ell]
            place = np.uint64(n_rows * GRAD_Y_STARTS[ell] + first * width)
            for m in range(n_numbers):
                own = np.uint64((ell * ell + m) * n)
                for i in range(last - first):
                    upstream[own + np.uint64(i)] = grad_y[place + np.uint64(i * width + m)]
            for i in range(last - first):
                radial[i] += grad_y[place + np.uint64(i * width + n_numbers)]
        k = np.uint64(0)
        for direction in range(3):
            total = nothing
            while k < len(coefficients) and directions[k] == direction:
                of_y = load(upstream, components[k] * n)
                both = times(of_y, load(monomials, of_monomial[k] * n))
                total = plus_product(total, both, spread(coefficients[k]))
                k += np.uint64(1)
            store(grad_unit, direction * n, total)
        for i in range(last - first):
            inverse[i] = 1.0 / distance[np.uint64(first + i)]
        along = nothing
        for a in range(3):
            component = load(monomials, (1 + a) * n)
            along = plus_product(along, load(grad_unit, a * n), component)
        less_along, less_inverse = times(minus, along), times(minus, load(inverse, 0))
        less_radial = times(minus, load(radial, 0))
        for a in range(3):
            component = load(monomials, (1 + a) * n)
            across = plus_product(load(grad_unit, a * n), less_along, component)
            along_unit = times(less_radial, component)
            store(grad_unit, a * n, plus_product(along_unit, across, less_inverse))
        for i in range(last - first):
            pair = np.uint64(pair_of_row[np.uint64(first + i)])
            for a in range(3):
                gradient[pair, a] = grad_unit[np.uint64(a * n + i)]
