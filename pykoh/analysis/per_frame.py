"""What frames tell by themselves, of a block of frames; blocks may be looked at side by side.

What depends on the order of frames (identities, displacements, lifetimes) is made of these findings
afterwards, one block after the other, by :mod:`pykoh.analysis.collect`. So the numbers do not
depend on how many workers there are, or where they run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import typeof
from numpy.typing import NDArray

from pykoh.analysis.common.findings import Findings
from pykoh.analysis.common.geometry import height, inverses_of, nearest_oxygen, wrap
from pykoh.analysis.common.speciation import (
    MOST_H,
    REACH_A,
    SURPLUS_A,
    Neighbours,
    assign_protons,
    lists_are_old,
    measure,
    near_lists,
)
from pykoh.analysis.hops.transfer_kernel import TRANSFER_SHAPE, nearest_to_transfer
from pykoh.analysis.hydrogen_bonds.criteria import Criterion, compiled
from pykoh.analysis.hydrogen_bonds.kernel import (
    MAP_SHAPE,
    MOST_BONDS,
    MOST_COUNTED,
    N_CLASSES,
    N_SUMS,
    find_bonds,
)
from pykoh.analysis.observable import Frames, Observable, System
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step

_ROOM = 32
"""Oxygens near one that there is room for; doubled where that is too little."""

FoundInBlock = tuple[Findings, list[Any]]
"""What all observables have in common, and what each found by itself."""


class _Room(NamedTuple):
    """Room for what is known of one frame; numba compiles faster what takes no memory itself.

    Attributes:
        h: [n_h, 3], fractional places.
        o: [n_o, 3], fractional places.
        listed: [n_o, 3], those that the oxygens had when the lists were made.
        neighbours: of the oxygens.
    """

    h: FloatArray
    o: FloatArray
    listed: FloatArray
    neighbours: Neighbours


def _room(n_h: int, n_o: int, most: int) -> _Room:
    """Take room for lists of up to ``most`` oxygens near one."""
    near, between = np.empty((n_o, most), dtype=np.int32), np.empty((n_o, most, 4))
    n_near, n_held = np.empty(n_o, dtype=np.int64), np.empty(n_o, dtype=np.int64)
    held = np.empty((n_o, MOST_H), dtype=np.int64)
    donates, accepts = np.empty((2, n_o, N_CLASSES), dtype=np.int64)
    neighbours = Neighbours(near, n_near, between, held, n_held, donates, accepts)
    return _Room(np.empty((n_h, 3)), np.empty((n_o, 3)), np.empty((n_o, 3)), neighbours)


@step()
def _known_distance2(inverse: FloatArray, reach: float) -> float:
    """Return the square of the distance up to which the lists know every oxygen, Å².

    Beyond half of the cell an image may be nearer than the one that was looked at.
    """
    known = reach
    for k in range(3):
        known = min(known, 0.5 * height(inverse, k))
    return known * known


@step()
def _same(a: FloatArray, b: FloatArray) -> bool:
    """Return whether two cells are the same."""
    for k in range(3):
        for m in range(3):
            if a[k, m] != b[k, m]:
                return False
    return True


def _usual_types() -> tuple[Any, ...]:
    """Return the types of the arguments of :func:`_pass`, as :func:`find` calls it."""
    vectors, atoms, mapped = np.empty((1, 1, 3)), np.empty(1, np.int64), np.empty(1, np.bool_)
    usual = (
        vectors, vectors, vectors, atoms, atoms, atoms, np.empty(4), compiled(None), False, 0.0,
        mapped, _room(1, 1, 1), _empty(1, 1, 1, 0),
    )  # fmt: skip
    return tuple(typeof(each) for each in usual)


@kernel(_usual_types)
def _pass(
    positions: FloatArray,
    cells: FloatArray,
    inverses: FloatArray,
    hydrogens: NDArray[np.int64],
    oxygens: NDArray[np.int64],
    before: NDArray[np.int64],
    criterion: FloatArray,
    rule: Callable[[float, float, float, float], bool],
    ruled: bool,
    reach: float,
    mapped: NDArray[np.bool_],
    room: _Room,
    found: Findings,
) -> bool:
    """Look at a block of frames once: owners of the protons, hydrogen bonds, proton transfers.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        inverses: [n_frames, 3, 3], 1/Å, of the cells.
        hydrogens: [n_h], atoms.
        oxygens: [n_o], atoms; at least one.
        before: [n_h], owner of each H in the frame before the first.
        criterion: [4], see :meth:`pykoh.analysis.hydrogen_bonds.criteria.Criterion.parameters`.
        rule: of :func:`pykoh.analysis.hydrogen_bonds.criteria.compiled`.
        ruled: the rule must hold too.
        reach: Å, how far oxygens are looked for; 0: hydrogen bonds are left out.
        mapped: [n_frames], frames that are added to ``found.angle_map``.
        room: scratch.
        found: out, comes in as zeros, ``partner`` as -1.

    Returns:
        Whether there was room for the lists; if not, nothing that was written holds.
    """
    h, o, listed, neighbours = room
    near, n_near = neighbours.near, neighbours.n_near
    for f in range(positions.shape[0]):
        cell, inverse = cells[f], inverses[f]
        wrap(positions[f], hydrogens, inverse, h)
        wrap(positions[f], oxygens, inverse, o)
        sure = 0.0
        if reach > 0.0:
            if f == 0 or not _same(cell, cells[f - 1]) or lists_are_old(o, listed, cell):
                if not near_lists(o, cell, inverse, reach + SURPLUS_A, near, n_near):
                    return False
                for a in range(o.shape[0]):
                    for k in range(3):
                        listed[a, k] = o[a, k]
            sure = _known_distance2(inverse, reach)
            measure(o, cell, neighbours)
        last = before if f == 0 else found.owner[f - 1]
        assign_protons(h, o, cell, last, sure, neighbours, found.owner[f], found.counts[f])
        if reach > 0.0:
            find_bonds(f, h, o, cell, neighbours, criterion, rule, ruled, reach, mapped[f], found)
            nearest_to_transfer(f, h, o, cell, neighbours, found)
    return True


def _empty(n_frames: int, n_h: int, n_o: int, n_mapped: int) -> Findings:
    """Return findings of nothing."""
    return Findings(
        owner=np.zeros((n_frames, n_h), dtype=np.int64),
        counts=np.zeros((n_frames, n_o), dtype=np.int64),
        partner=np.full((n_frames, n_h, MOST_BONDS), -1, dtype=np.int32),
        kinds=np.zeros((n_frames, n_h, MOST_BONDS), dtype=np.int8),
        accepted=np.zeros((n_frames, n_o), dtype=np.uint8),
        donated=np.zeros((n_frames, n_o), dtype=np.uint8),
        sums=np.zeros((n_frames, N_SUMS)),
        donated_shares=np.zeros((N_CLASSES, MOST_COUNTED)),
        accepted_shares=np.zeros((N_CLASSES, MOST_COUNTED)),
        angle_map=np.zeros((N_CLASSES, *MAP_SHAPE)),
        transfer=np.zeros((n_frames, *TRANSFER_SHAPE)),
        n_mapped=n_mapped,
    )


def find(
    positions: FloatArray,
    cells: FloatArray,
    system: System,
    criterion: Criterion,
    first_frame: int = 0,
) -> Findings:
    """Return owners of the protons, hydrogen bonds and proton transfers of a block of frames.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        system: the atoms, and whether hydrogen bonds are looked for.
        criterion: of hydrogen bonds.
        first_frame: number of the first frame in the run.
    """
    hydrogens, oxygens = system.hydrogens, system.oxygens
    reach = max(REACH_A, criterion.max_distance_A) if system.bonds else 0.0
    n_frames, n_o = len(positions), len(oxygens)
    mapped = np.zeros(n_frames, dtype=np.bool_)
    mapped[-first_frame % system.structure_stride :: system.structure_stride] = True
    # The owners in the first frame stand for those in the frame before it.
    before = np.empty((1, len(hydrogens)), dtype=np.int64)
    nearest_oxygen(positions[:1], cells[:1], hydrogens, oxygens, before)
    inverses = inverses_of(cells)
    most = _ROOM
    while True:
        found = _empty(n_frames, len(hydrogens), n_o, int(mapped.sum()))
        parameters = criterion.parameters()
        if _pass(
            positions, cells, inverses, hydrogens, oxygens, before[0], parameters,
            compiled(criterion.rule), criterion.rule is not None, reach, mapped,
            _room(len(hydrogens), n_o, min(most, n_o)), found,
        ):  # fmt: skip
            return found
        most *= 2


class PerFrame:
    """Looks at blocks of frames; can be sent to another process.

    Args:
        system: what is known of the run.
        criterion: of hydrogen bonds.
        observables: all of them.

    Raises:
        ObservableError: the rule of the criterion cannot be compiled.
    """

    def __init__(
        self, system: System, criterion: Criterion, observables: Sequence[Observable[Any]]
    ) -> None:
        self._system, self._criterion = system, criterion
        compiled(criterion.rule)  # an error comes before the first frame
        self._n = len(observables)
        self._looking = [
            (index, each)
            for index, each in enumerate(observables)
            if type(each).per_frame is not Observable.per_frame
        ]

    def __call__(self, first_frame: int, positions: FloatArray, cells: FloatArray) -> FoundInBlock:
        """Return what all observables have in common, and what each finds by itself.

        Args:
            first_frame: number of the first frame in the run; 0 for the first frame.
            positions: [n_frames, n_atoms, 3], Å.
            cells: [n_frames, 3, 3], Å.
        """
        found = find(positions, cells, self._system, self._criterion, first_frame)
        frames = Frames(first_frame, positions, cells, found, self._system.structure_stride)
        own: list[Any] = [None] * self._n
        for index, observable in self._looking:
            own[index] = observable.per_frame(frames)
        return found, own
