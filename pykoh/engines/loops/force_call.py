"""A whole force call, for potentials whose layers are sums over neighbours of scalars.

Between two loops that Python calls, a thread needs Python's lock. If another one has it, it sleeps,
and to wake up takes longer than some of the loops. So here each thread enters compiled code once,
and the threads wait for each other there. What belongs to one atom is computed by the thread that
has the atom.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops import layout as fields
from pykoh.engines.loops import passes
from pykoh.engines.loops.entries import Addresses
from pykoh.engines.loops.lanes import store, zeros
from pykoh.engines.loops.layout import ATOMS_TOGETHER, N_FIELDS, N_VALUES
from pykoh.engines.loops.views import between, field, rows_of
from pykoh.engines.loops.waiting import arrive, begin, meet
from pykoh.kernels import kernel, step

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]
Places = NDArray[np.int32]


@step()
def _first_of(group: int, low: int, high: int) -> int:
    """Return the first atom of a group of the atoms low to high."""
    n_groups = _n_groups(low, high)
    return low + (high - low) * group // n_groups


@step()
def _n_groups(low: int, high: int) -> int:
    """Return in how many groups atoms go through a layer."""
    return 1 + (high - low - 1) // ATOMS_TOGETHER


@kernel(
    "(int64, int64, int64, int64, int64, int64[::1], int64[::1], int64, int64, float64, float64, "
    "int64[::1], int64[::1], int64[::1], int64[::1], float32[::1], float32[:,::1], int64[::1], "
    "int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], int64[::1], "
    "float32[::1], float32[:,::1], int32[::1], float32[::1], int32[::1], float32[::1], "
    "float32[::1], float32[::1], float32[::1], float32[:,::1])"
)
def force_call(
    part: int,
    n_parts: int,
    low: int,
    high: int,
    task: int,
    given: Indices,
    arrived: Indices,
    n_species: int,
    n_ell: int,
    scale: float,
    cutoff: float,
    entries: Addresses,
    layout: Indices,
    room: Indices,
    indices: Indices,
    weights: Array,
    rij: Array,
    sender: Indices,
    receiver: Indices,
    species: Indices,
    first_pair: Indices,
    start: Indices,
    pair: Indices,
    neighbour: Indices,
    kinds: Indices,
    distance: Array,
    unit: Array,
    at: Places,
    position: Array,
    place: Places,
    y: Array,
    grad_y: Array,
    work: Array,
    energies: Array,
    gradient: Array,
) -> None:
    """Write the energies of atoms and dE/dr of pairs.

    Args:
        part: number of this thread; that of the one that waits for all others is 0.
        n_parts: threads.
        low: first atom of this thread.
        high: last atom, not included.
        task: :mod:`pykoh.engines.loops.waiting`.
        given: likewise.
        arrived: likewise.
        n_species: elements of the potential.
        n_ell: max_ell + 1.
        scale: of the energies.
        cutoff: Å.
        entries: addresses of :data:`pykoh.engines.loops.passes.LOOPS`.
        layout: :mod:`pykoh.engines.loops.layout`.
        room: likewise.
        indices: likewise.
        weights: likewise.
        rij: ``[E, 3]`` Å (:func:`pykoh.engines.loops.rows.near_rows`, also for what follows).
        sender: ``[E]``.
        receiver: ``[E]``, ascending.
        species: ``[n]``.
        first_pair: ``[n + 1]``.
        start: ``[n + 1]``.
        pair: ``[P]``, written to.
        neighbour: ``[P]``, written to.
        kinds: ``[P]``, written to.
        distance: ``[P]`` Å, written to.
        unit: ``[3, P]``, written to.
        at: ``[layers, P]``, written to (:func:`pykoh.engines.loops.messages.place_rows`).
        position: ``[layers, P]``, likewise.
        place: ``[layers, P]``, likewise.
        y: harmonics (:mod:`pykoh.engines.loops.messages`), written to.
        grad_y: likewise.
        work: written to.
        energies: ``[layers, n]``, written to.
        gradient: ``[E, 3]`` dE/dr, eV/Å, zero where pairs are not near; written to.
    """
    begin(part, given, task)
    n_rows, first_row, end_row = len(distance), start[low], start[high]
    passes.fill_rows(
        entries, low, high, rij, sender, receiver, species, n_species, cutoff, first_pair, start,
        pair, neighbour, kinds, distance, unit,
    )  # fmt: skip
    n_layers, stage, n_groups = len(layout) // N_FIELDS - 1, 0, _n_groups(low, high)
    base = n_layers * N_FIELDS
    lower, axis = (
        field(indices, layout, base + fields.LOWER),
        field(indices, layout, base + fields.AXIS),
    )
    passes.fill_harmonics(
        entries, first_row, end_row, n_rows, n_ell, unit, lower, axis,
        field(indices, layout, base + fields.COMPONENTS),
        field(indices, layout, base + fields.OF_MONOMIAL),
        field(weights, layout, base + fields.OF_Y), y, grad_y,
    )  # fmt: skip
    size = room[n_layers * N_VALUES + 1]
    scratch = rows_of(work, room[n_layers * N_VALUES], size, part, part + 1)
    rest, nothing = between(scratch, size // 2, size), between(work, 0, 0)
    for layer in range(n_layers):
        of, sends, n_sending = layer * N_FIELDS, kinds, n_species
        if layer > 0:
            sends, n_sending = neighbour, 0
            zero = passes.grad_sent_of(part, layer, len(species), layout, room, work)
            for k in range(0, len(zero), 64 // zero.itemsize):
                store(zero, k, zeros(zero, 1)[0])
            stage += 1
            meet(part, n_parts, arrived, task, stage)
        own_at = rows_of(at, 0, n_rows, layer, layer + 1)
        own_position = rows_of(position, 0, n_rows, layer, layer + 1)
        own_place = rows_of(place, 0, n_rows, layer, layer + 1)
        passes.fill_places(
            entries, first_row, end_row, distance, kinds,
            field(indices, layout, of + fields.PAIR_TABLE), layout[of + fields.N_TABLES],
            layout[of + fields.N_INTERVALS], cutoff, sends, n_sending,
            layout[of + fields.WIDTH_SUMS], own_at, own_position, own_place,
        )  # fmt: skip
        for group in range(n_groups):
            first, end = _first_of(group, low, high), _first_of(group + 1, low, high)
            passes.forward(
                entries, first, end, layer, n_ell, entries, layout, room, indices, weights,
                species, start, own_at, own_position, own_place, y, work, scratch, energies,
            )  # fmt: skip
            if layer == n_layers - 1:
                passes.backward(
                    entries, first, end, part, layer, n_ell, scale, cutoff, entries, layout, room,
                    weights, species, start, own_at, own_position, own_place, y, grad_y, work,
                    nothing, scratch,
                )  # fmt: skip
    for layer in range(n_layers - 2, -1, -1):
        stage += 1
        meet(part, n_parts, arrived, task, stage)
        for group in range(n_groups):
            first, end = _first_of(group, low, high), _first_of(group + 1, low, high)
            sent = (end - first) * layout[(layer + 1) * N_FIELDS + fields.WIDTH_SUMS]
            taken = (end - first) * layout[layer * N_FIELDS + fields.WIDTH]
            by_scalars = between(scratch, sent, sent + taken)
            passes.upstream(
                entries, first, end, layer + 1, n_parts, entries, layout, room, weights,
                len(species), work, between(scratch, 0, sent), by_scalars,
            )  # fmt: skip
            passes.backward(
                entries, first, end, part, layer, n_ell, scale, cutoff, entries, layout, room,
                weights, species, start, rows_of(at, 0, n_rows, layer, layer + 1),
                rows_of(position, 0, n_rows, layer, layer + 1),
                rows_of(place, 0, n_rows, layer, layer + 1), y, grad_y, work, by_scalars, rest,
            )  # fmt: skip
    passes.fill_gradient(
        entries, first_row, end_row, n_rows, n_ell, unit, distance, lower, axis,
        field(indices, layout, base + fields.DIRECTIONS),
        field(indices, layout, base + fields.SLOPE_COMPONENTS),
        field(indices, layout, base + fields.SLOPE_OF_MONOMIAL),
        field(weights, layout, base + fields.OF_SLOPES), grad_y, pair, gradient,
    )  # fmt: skip
    stage += 1
    if part == 0:
        meet(part, n_parts, arrived, task, stage)
    else:
        arrive(part, arrived, task, stage)
