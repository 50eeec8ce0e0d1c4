"""Pairs of neighbours in a periodic box; looked for rarely, although atoms move at each step.

There are two lists (as in GROMACS: Páll et al., J. Chem. Phys. 153 (2020) 134110,
doi:10.1063/5.0018516). The outer one comes from a search through the box. The inner one is chosen
from it, and the pairs within the cutoff are chosen from the inner one at each step. In a box of 165
atoms a search takes as long as half a force call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines import cpu
from pykoh.errors import ModelError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

OUTER_SKIN_A = 2.0
"""How much farther the outer list reaches than the inner one, Å."""


@dataclass(frozen=True, slots=True)
class _List:
    """All pairs up to a distance, at some moment.

    Attributes:
        reach_A: the distance, Å.
        sender: ``[L]``.
        receiver: ``[L]``, ascending.
        images: ``[L, 3]``, lattice vectors from the sender to its image.
        positions: ``[n, 3]`` Å, at that moment.
        cell: ``[3, 3]`` Å, at that moment.
    """

    reach_A: float
    sender: Indices
    receiver: Indices
    images: Array
    positions: Array
    cell: Array

    def holds(self, up_to_A: float, moved2: float, positions: Array, cell: Array) -> bool:
        """Return whether all pairs up to a distance are surely in the list.

        A distance has changed by no more than both atoms have moved, and by what the cell has done
        to the lattice vector between them.

        Args:
            up_to_A: Å.
            moved2: Å², the largest squared displacement since the list was made.
            positions: ``[n, 3]`` Å, now.
            cell: ``[3, 3]`` Å, now.
        """
        change = 2.0 * np.sqrt(moved2)
        if not np.array_equal(cell, self.cell):
            strain = np.linalg.norm(np.linalg.solve(cell, cell - self.cell), ord=2)
            extent = np.linalg.norm(np.ptp(positions, axis=0)) if len(positions) else 0.0
            change += strain * (up_to_A + extent)
        return bool(change <= self.reach_A - up_to_A)


@dataclass(frozen=True, slots=True)
class NearPairs:
    """Pairs within the cutoff; the arrays are overwritten at the next step.

    Attributes:
        rij: ``[P, 3]`` Å, position of the sender minus that of the receiver.
        vectors: the same in the precision of the potential.
        sender: ``[P]``.
        receiver: ``[P]``, ascending.
    """

    rij: Array
    vectors: NDArray[np.floating[Any]]
    sender: Indices
    receiver: Indices


class PairList:
    """The pairs within a cutoff, step after step.

    Args:
        cutoff_A: Å.
        skin_A: how much farther the inner list reaches, Å.
        dtype: of :attr:`NearPairs.vectors`.

    Attributes:
        rebuilds: how often the inner list was made.
        searches: how often the box was searched.
    """

    def __init__(self, cutoff_A: float, skin_A: float, dtype: Any) -> None:
        self._cutoff, self._skin, self._dtype = cutoff_A, skin_A, dtype
        self._outer: _List | None = None
        self._inner: _List | None = None
        # By how many lattice vectors atoms have jumped since the search, the same in Å, and where
        # the atoms are without their jumps.
        self._turns = self._jumps = self._now = np.zeros((0, 3))
        # The cell at the last step, and the lattice vectors of the inner list, Å.
        self._cell, self._shifts = np.full((3, 3), np.nan), np.zeros((0, 3))
        self._calls_since_search = 0
        self._room = self._room_for(0)
        self._loops = cpu.compiled("loops.pairs")
        self.rebuilds = self.searches = 0

    def __call__(self, positions: Array, cell: Array) -> NearPairs:
        """Return the pairs within the cutoff.

        Args:
            positions: ``[n, 3]`` Å, wrapped or not.
            cell: ``[3, 3]`` Å, lattice vectors as rows.

        Raises:
            ModelError: the cell has no volume, or is not a number.
        """
        inner, self._inner = self._inner, None  # none, if this call is interrupted
        strained = not np.array_equal(cell, self._cell)
        if strained:
            _check_cell(cell)
            self._cell, self._jumps = cell.copy(), self._turns @ cell
        if inner is None or not self._serves(inner, self._cutoff, positions, cell):
            inner = self._choose(positions, cell)
            strained = True
        if strained:
            self._shifts = inner.images @ cell
        self._inner = inner
        self._calls_since_search += 1
        room = self._room
        n = self._loops.select_pairs(
            self._now, self._shifts, inner.sender, inner.receiver, self._cutoff, room.rij,
            room.vectors, room.sender, room.receiver,
        )  # fmt: skip
        return NearPairs(room.rij[:n], room.vectors[:n], room.sender[:n], room.receiver[:n])

    def _serves(self, made: _List, up_to_A: float, positions: Array, cell: Array) -> bool:
        """Return whether a list holds all pairs up to a distance; bring ``_now`` up to date."""
        if made.positions.shape != positions.shape:
            return False
        for turn in range(2):
            moved2 = self._loops.move(positions, self._jumps, made.positions, self._now)
            if made.holds(up_to_A, moved2, self._now, cell):
                return True
            if turn == 0:  # perhaps an atom was only put back into the box
                moved = positions - made.positions
                self._turns = np.rint(np.linalg.solve(cell.T, moved.T).T)
                self._jumps = self._turns @ cell
        return False

    def _choose(self, positions: Array, cell: Array) -> _List:
        """Return a new inner list."""
        reach, outer = self._cutoff + self._skin, self._outer
        if outer is None or not self._serves(outer, reach, positions, cell):
            # Whoever evaluates one structure after another has no use of the outer list.
            spare = 0.0 if self._calls_since_search == 1 else OUTER_SKIN_A
            self._outer = None
            self._turns = np.floor(np.linalg.solve(cell.T, positions.T).T)
            self._jumps = self._turns @ cell
            self._now = np.ascontiguousarray(positions - self._jumps)
            outer = self._outer = self._search(reach + spare, self._now, cell)
            self._calls_since_search = 0
        kept = np.empty(len(outer.sender), np.int64)
        shifts = outer.images @ cell
        n = self._loops.pairs_within(self._now, shifts, outer.sender, outer.receiver, reach, kept)
        pairs = outer.sender[kept[:n]], outer.receiver[kept[:n]], outer.images[kept[:n]]
        self.rebuilds += 1
        if n > len(self._room.rij):
            self._room = self._room_for(n * 9 // 8)
        return _List(reach, *pairs, self._now.copy(), cell.copy())

    def _room_for(self, n: int) -> NearPairs:
        return NearPairs(
            np.empty((n, 3)), np.empty((n, 3), self._dtype), np.empty(n, int), np.empty(n, int)
        )

    def _search(self, reach: float, positions: Array, cell: Array) -> _List:
        from vesin import NeighborList

        finder = NeighborList(cutoff=reach, full_list=True, sorted=True)
        i, j, images = finder.compute(points=positions, box=cell, periodic=True, quantities="ijS")
        self.searches += 1
        sender, receiver = j.astype(np.int64), i.astype(np.int64)
        return _List(
            reach, sender, receiver, images.astype(np.float64), positions.copy(), cell.copy()
        )


def _check_cell(cell: Array) -> None:
    if not np.isfinite(cell).all() or np.linalg.det(cell) == 0.0:
        raise ModelError(
            "the cell has no volume or is not a number; a periodic box needs three lattice vectors"
        )
