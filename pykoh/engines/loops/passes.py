"""The forward and the backward pass of a layer for some atoms, as parts of a whole force call.

Arguments that all of them have:

* low, high: first atom, and the last one, which is not included.
* layer: its number.
* n_ell: max_ell + 1.
* entries: addresses of ``LOOPS``.
* layout, room, indices, weights, work: see :mod:`pykoh.engines.loops.layout`.
* species, start, at, position, place, y, grad_y: of all atoms and of the layer's rows, see
  :mod:`pykoh.engines.loops.messages`.
* scratch: numbers that the caller does not need.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops import layout as fields
from pykoh.engines.loops.contraction import contract
from pykoh.engines.loops.entries import Addresses, by_address
from pykoh.engines.loops.lanes import load, plus, store, zeros
from pykoh.engines.loops.layout import N_FIELDS, N_VALUES
from pykoh.engines.loops.messages import place_rows, sum_neighbours, sum_neighbours_backward
from pykoh.engines.loops.mixing import mix
from pykoh.engines.loops.rows import gradient_of_pairs, harmonics, near_rows
from pykoh.engines.loops.update import update, update_backward
from pykoh.engines.loops.views import between, field, rows_of
from pykoh.kernels import kernel, step, without_python

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]

# What takes longest to compile first.
_LOOPS = tuple(
    without_python(loop, __name__)
    for loop in (
        gradient_of_pairs, contract, harmonics, update, sum_neighbours_backward, update_backward,
        sum_neighbours, mix, near_rows, place_rows,
    )
)  # fmt: skip
(
    fill_gradient, _contract, fill_harmonics, _update, _sum_neighbours_backward, _update_backward,
    _sum_neighbours, _mix, fill_rows, fill_places,
) = (by_address(loop, number) for number, loop in enumerate(_LOOPS))  # fmt: skip


@step()
def sent_to(layer: int, layout: Indices, room: Indices, weights: Array, work: Array) -> Array:
    """Return what is sent in a layer, of elements or of atoms."""
    if layer == 0:
        return field(weights, layout, fields.SENT)
    value = layer * N_VALUES
    return between(work, room[value + fields.SENT_BY_ATOMS], room[value + fields.GRAD_SENT])


@step()
def grad_sent_of(
    part: int, layer: int, n_atoms: int, layout: Indices, room: Indices, work: Array
) -> Array:
    """Return where a thread adds the derivatives by what is sent; nothing in the first layer."""
    width = layout[layer * N_FIELDS + fields.WIDTH_SUMS] if layer > 0 else 0
    place = room[layer * N_VALUES + fields.GRAD_SENT]
    return rows_of(work, place, n_atoms * width, part, part + 1)


@kernel(
    "(int64, int64, int64, int64, int64[::1], int64[::1], int64[::1], int64[::1], float32[::1], "
    "int64[::1], int64[::1], int32[::1], float32[::1], int32[::1], float32[::1], float32[::1], "
    "float32[::1], float32[::1])",
    python=False,
)
def _forward(
    low: int, high: int, layer: int, n_ell: int, entries: Addresses, layout: Indices, room: Indices,
    indices: Indices, weights: Array, species: Indices, start: Indices, at: Places, position: Array,
    place: Places, y: Array, work: Array, scratch: Array, energies: Array,
) -> None:  # fmt: skip
    """From what is sent to the scalars, the energies and what is sent in the next layer."""
    of, value, n, n_components = layer * N_FIELDS, layer * N_VALUES, high - low, n_ell * n_ell
    u, v = layout[of + fields.WIDTH_SUMS], layout[of + fields.WIDTH_IN]
    w = layout[of + fields.WIDTH]
    first, end = n_components * n * u, n_components * n * (u + v)
    sums, x = between(scratch, 0, first), between(scratch, first, end)
    contracted = between(scratch, end, end + n * v)
    derivative = rows_of(work, room[value + fields.DERIVATIVE], n_components * v, low, high)
    before, features = 0, between(work, 0, 0)
    if layer > 0:
        before = layout[of - N_FIELDS + fields.WIDTH]
        features = rows_of(work, room[value - N_VALUES + fields.SCALARS], before, low, high)
    _sum_neighbours(
        entries, low, high, n_ell, start, y, at, position, place,
        sent_to(layer, layout, room, weights, work), u, field(weights, layout, of + fields.TABLE),
        sums,
    )  # fmt: skip
    _mix(entries, n_ell, n, u, v, sums, field(weights, layout, of + fields.MIX), x)
    own, kinds = field(weights, layout, of + fields.OWN), between(species, low, high)
    _contract(
        entries, n, v, x, kinds, len(own) // w, field(weights, layout, of + fields.COEFFICIENTS),
        field(indices, layout, of + fields.FACTORS), field(indices, layout, of + fields.RUNS),
        contracted, derivative,
    )  # fmt: skip
    scalars = rows_of(work, room[value + fields.SCALARS], w, low, high)
    of_energies = layer * len(species)
    _update(
        entries, n, v, w, contracted, layout[of + fields.N_BEFORE], before, features, kinds,
        field(weights, layout, of + fields.LINEAR), own, field(weights, layout, of + fields.SKIP),
        layout[of + fields.N_HIDDEN], field(weights, layout, of + fields.READ_IN),
        field(weights, layout, of + fields.READ_BACK), field(weights, layout, of + fields.READ_OUT),
        scalars, between(energies, of_energies + low, of_energies + high),
        rows_of(work, room[value + fields.SLOPE], w, low, high),
    )  # fmt: skip
    if of + 2 * N_FIELDS < len(layout):
        following = layout[of + N_FIELDS + fields.WIDTH_SUMS]
        place_sent = room[value + N_VALUES + fields.SENT_BY_ATOMS]
        _mix(
            entries, 1, n, w, following, scalars,
            field(weights, layout, of + N_FIELDS + fields.SENDER),
            rows_of(work, place_sent, following, low, high),
        )  # fmt: skip


@kernel(
    "(int64, int64, int64, int64, int64[::1], int64[::1], int64[::1], float32[::1], int64, "
    "float32[::1], float32[::1], float32[::1])",
    python=False,
)
def _upstream(
    low: int, high: int, layer: int, n_parts: int, entries: Addresses, layout: Indices,
    room: Indices, weights: Array, n_atoms: int, work: Array, total: Array, found: Array,
) -> None:  # fmt: skip
    """Write the derivatives by the scalars of some atoms that a layer, not the first, has taken.

    ``total`` is for what all threads have found of the derivatives by what the atoms send.
    """
    of, value, n = layer * N_FIELDS, layer * N_VALUES, high - low
    u, b = layout[of + fields.WIDTH_SUMS], layout[of + fields.WIDTH_BEFORE]
    before = layout[of - N_FIELDS + fields.WIDTH]
    lanes, nothing = 64 // total.itemsize, zeros(total, 1)[0]
    for part in range(n_parts):
        own = between(grad_sent_of(part, layer, n_atoms, layout, room, work), low * u, high * u)
        for k in range(0, n * u, lanes):
            so_far = nothing if part == 0 else load(total, k)
            store(total, k, plus(so_far, load(own, k)))
    matrix = field(weights, layout, of + fields.SENDER_BACK)
    _mix(entries, 1, n, u, before, total, matrix, found)
    own = rows_of(work, room[value + fields.GRAD_FEATURES], b, low, high)
    for atom in range(n):
        for k in range(0, min(before, b), lanes):
            at = atom * before + k
            store(found, at, plus(load(found, at), load(own, atom * b + k)))


@kernel(
    "(int64, int64, int64, int64, int64, float64, float64, int64[::1], int64[::1], int64[::1], "
    "float32[::1], int64[::1], int64[::1], int32[::1], float32[::1], int32[::1], float32[::1], "
    "float32[::1], float32[::1], float32[::1], float32[::1])",
    python=False,
)
def _backward(
    low: int, high: int, part: int, layer: int, n_ell: int, scale: float, cutoff: float,
    entries: Addresses, layout: Indices, room: Indices, weights: Array, species: Indices,
    start: Indices, at: Places, position: Array, place: Places, y: Array, grad_y: Array,
    work: Array, by_scalars: Array, scratch: Array,
) -> None:  # fmt: skip
    """From the derivatives by the scalars to those by rows and by what is sent.

    ``part`` is the number of the thread, ``scale`` that of the energies.
    """
    of, value, n, n_components = layer * N_FIELDS, layer * N_VALUES, high - low, n_ell * n_ell
    u, v = layout[of + fields.WIDTH_SUMS], layout[of + fields.WIDTH_IN]
    w, b = layout[of + fields.WIDTH], layout[of + fields.WIDTH_BEFORE]
    derivative = rows_of(work, room[value + fields.DERIVATIVE], n_components * v, low, high)
    _update_backward(
        entries, n, v, w, n_components, by_scalars, scale,
        rows_of(work, room[value + fields.SLOPE], w, low, high), between(species, low, high),
        field(weights, layout, of + fields.LINEAR_BACK), b,
        field(weights, layout, of + fields.SKIP_BACK), derivative,
        rows_of(work, room[value + fields.GRAD_FEATURES], b, low, high),
    )  # fmt: skip
    grad_sums = between(scratch, 0, n_components * n * u)
    matrices = field(weights, layout, of + fields.MIX_BACK)
    _mix(entries, n_ell, n, v, u, derivative, matrices, grad_sums)
    _sum_neighbours_backward(
        entries, low, high, n_ell, start, y, at, position, place,
        sent_to(layer, layout, room, weights, work), u, field(weights, layout, of + fields.TABLE),
        layout[of + fields.N_INTERVALS] / cutoff, grad_sums, grad_y,
        grad_sent_of(part, layer, len(species), layout, room, work),
    )  # fmt: skip


LOOPS = (*_LOOPS, _forward, _upstream, _backward)
"""What is called through an address, in the order of the addresses."""

forward, upstream, backward = (
    by_address(loop, number) for number, loop in enumerate(LOOPS) if number >= len(_LOOPS)
)
