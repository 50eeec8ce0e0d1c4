"""Pairs of neighbours as rows: which are near, their harmonics, and from derivatives back to pairs.

Rows are those pairs that are closer than the cutoff, atom by atom. Harmonics are polynomials of the
unit vector (:mod:`pykoh.engines.graph.harmonics`), computed for some rows together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.messages import GRAD_Y_STARTS, GRAD_Y_WIDTHS
from pykoh.kernels import kernel, step

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

_TOGETHER = 64


@kernel(
    "(float32[:,::1], int64[::1], int64[::1], int64[::1], int64, float64, int64[::1], "
    "int64[::1], int64[::1], int64[::1], float32[::1], float32[:,::1])",
)
def near_rows(
    rij: Array,
    sender: Indices,
    receiver: Indices,
    species: Indices,
    n_species: int,
    cutoff: float,
    start: Indices,
    pair_of_row: Indices,
    neighbour: Indices,
    kinds: Indices,
    distance: Array,
    unit: Array,
) -> int:
    """Write the pairs that are closer than the cutoff, in the order of their receivers.

    Args:
        rij: ``[E, 3]`` Å, sender minus receiver.
        sender: ``[E]``.
        receiver: ``[E]``, in any order.
        species: ``[n_total]``.
        n_species: S.
        cutoff: Å.
        start: ``[n_local + 1]``, zero; written to: first row of each receiver.
        pair_of_row: ``[E]``, written to.
        neighbour: ``[E]``, written to: the sender.
        kinds: ``[E]``, written to: the receiver's species times S plus the sender's.
        distance: ``[E]`` Å, written to.
        unit: ``[3, E]``, written to: from the sender to the receiver (MACE's sign).

    Returns:
        The number of rows.
    """
    for e in range(len(rij)):
        x, y, z = rij[e, 0], rij[e, 1], rij[e, 2]
        # What is not a number has to be seen: it is kept.
        if not (x * x + y * y + z * z >= cutoff * cutoff):
            start[receiver[e] + 1] += 1
    for atom in range(len(start) - 1):
        start[atom + 1] += start[atom]
    following = start.copy()
    for e in range(len(rij)):
        x, y, z = rij[e, 0], rij[e, 1], rij[e, 2]
        square = x * x + y * y + z * z
        if square >= cutoff * cutoff:
            continue
        atom = receiver[e]
        row = following[atom]
        following[atom] += 1
        r = np.sqrt(square)
        distance[row] = r
        unit[0, row], unit[1, row], unit[2, row] = -x / r, -y / r, -z / r
        pair_of_row[row], neighbour[row] = e, sender[e]
        kinds[row] = species[atom] * n_species + species[sender[e]]
    return start[-1]


@step(fastmath={"contract"})
def _monomials(
    unit: Array, first: int, last: int, lower: Indices, axis: Indices, monomials: Array
) -> None:
    """Write the monomials of some rows: 1, x, y, z, then each one before times a component."""
    for i in range(last - first):
        monomials[0, i] = 1.0
    for k in range(min(3, len(monomials) - 1)):
        for i in range(last - first):
            monomials[1 + k, i] = unit[k, first + i]
    for k in range(len(lower)):
        for i in range(last - first):
            monomials[4 + k, i] = monomials[lower[k], i] * unit[axis[k], first + i]


@kernel(
    "(int64, int64, int64, int64, float32[:,::1], int64[::1], int64[::1], int64[:], "
    "int64[:], float32[::1], float32[::1])",
    fastmath={"contract"},
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
) -> None:
    """Write the spherical harmonics of rows low to high.

    Args:
        low: first row.
        high: last row, not included.
        n_rows: P.
        n_ell: max_ell + 1.
        unit: ``[3, P]``.
        lower: of each monomial of degree 2 and 3 the monomial that it is a multiple of.
        axis: the component that it is multiplied with.
        components: of each coefficient.
        of_monomial: of each coefficient.
        coefficients: those that are not zero.
        y: written to, in the layout of :mod:`pykoh.engines.loops.messages`.
    """
    n_components = n_ell * n_ell
    monomials = np.empty((max(4, 4 + len(lower)), _TOGETHER), unit.dtype)
    values = np.empty((n_components, _TOGETHER), unit.dtype)
    for first in range(low, high, _TOGETHER):
        last = min(first + _TOGETHER, high)
        _monomials(unit, first, last, lower, axis, monomials)
        values[:] = 0.0
        for k in range(len(coefficients)):
            value, monomial, factor = (
                values[components[k]],
                monomials[of_monomial[k]],
                coefficients[k],
            )
            for i in range(_TOGETHER):
                value[i] += factor * monomial[i]
        for ell in range(n_ell):
            width = 2 * ell + 1
            for i in range(last - first):
                place = n_rows * ell * ell + (first + i) * width
                for m in range(width):
                    y[place + m] = values[ell * ell + m, i]


@kernel(
    "(int64, int64, int64, int64, float32[:,::1], float32[::1], int64[::1], int64[::1], "
    "int64[:], int64[:], int64[:], float32[::1], float32[::1], int64[::1], "
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
        directions: of each coefficient of the derivatives of the harmonics: by which component.
        components: of each coefficient: which harmonic.
        of_monomial: of each coefficient.
        coefficients: those that are not zero.
        grad_y: derivatives, in the layout of :mod:`pykoh.engines.loops.messages`.
        pair_of_row: ``[P]``.
        gradient: ``[E, 3]`` written to: dE/dr, r from the receiver to the sender, eV/Å.
    """
    monomials = np.empty((max(4, 4 + len(lower)), _TOGETHER), unit.dtype)
    upstream = np.zeros((n_ell * n_ell, _TOGETHER), unit.dtype)
    grad_unit = np.empty((3, _TOGETHER), unit.dtype)
    radial = np.empty(_TOGETHER, unit.dtype)
    for first in range(low, high, _TOGETHER):
        last = min(first + _TOGETHER, high)
        _monomials(unit, first, last, lower, axis, monomials)
        for i in range(last - first):
            radial[i] = grad_y[first + i]
        for ell in range(1, n_ell):
            n_numbers = 2 * ell + 1
            for i in range(last - first):
                place = n_rows * GRAD_Y_STARTS[ell] + (first + i) * GRAD_Y_WIDTHS[ell]
                for m in range(n_numbers):
                    upstream[ell * ell + m, i] = grad_y[place + m]
                radial[i] += grad_y[place + n_numbers]
        grad_unit[:] = 0.0
        for k in range(len(coefficients)):
            found, factor = grad_unit[directions[k]], coefficients[k]
            of_y, monomial = upstream[components[k]], monomials[of_monomial[k]]
            for i in range(_TOGETHER):
                found[i] += factor * of_y[i] * monomial[i]
        for i in range(last - first):
            row = first + i
            along = 0.0 * radial[i]
            for a in range(3):
                along += grad_unit[a, i] * unit[a, row]
            for a in range(3):
                across = (grad_unit[a, i] - along * unit[a, row]) / distance[row]
                gradient[pair_of_row[row], a] = -(radial[i] * unit[a, row] + across)
