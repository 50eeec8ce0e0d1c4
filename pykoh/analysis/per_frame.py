"""What frames tell by themselves, of a block of frames; blocks may be looked at side by side.

What depends on the order of frames (identities, displacements, lifetimes) is made of these findings
afterwards, one block after the other, by :mod:`pykoh.analysis.collect`. So the numbers do not
depend on how many workers there are, or where they run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pykoh.analysis.common import survey as s
from pykoh.analysis.common.findings import Findings
from pykoh.analysis.hydrogen_bonds.criteria import Criterion
from pykoh.analysis.observable import Frames, Observable, System
from pykoh.arrays import FloatArray

_ROOM = 32

FoundInBlock = tuple[Findings, list[Any]]
"""What all observables have in common, and what each found by itself."""


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
    reach = max(s.REACH_A, criterion.max_distance_A) if system.bonds else 0.0
    n_frames, n_h, n_o = len(positions), len(hydrogens), len(oxygens)
    mapped = np.zeros(n_frames, dtype=np.bool_)
    mapped[-first_frame % system.structure_stride :: system.structure_stride] = True
    room = _ROOM
    while True:
        owner = np.zeros((n_frames, n_h), dtype=np.int64)
        counts = np.zeros((n_frames, n_o), dtype=np.int64)
        partner = np.full((n_frames, n_h, s.MOST_BONDS), -1, dtype=np.int32)
        kinds = np.zeros((n_frames, n_h, s.MOST_BONDS), dtype=np.int8)
        accepted = np.zeros((n_frames, n_o), dtype=np.uint8)
        donated = np.zeros((n_frames, n_o), dtype=np.uint8)
        sums = np.zeros((n_frames, s.N_SUMS))
        shares = np.zeros((2, 4, s.MOST_COUNTED))
        angle_map = np.zeros((4, *s.MAP_SHAPE))
        transfer = np.zeros((n_frames, *s.TRANSFER_SHAPE))
        if s.survey(
            positions, cells, hydrogens, oxygens, criterion.parameters(), reach,
            min(room, n_o), mapped, owner, counts, partner, kinds, accepted, donated, sums,
            shares[0], shares[1], angle_map, transfer,
        ):  # fmt: skip
            break
        room *= 2
    return Findings(
        owner, counts, partner, kinds, accepted, donated, sums, shares[0], shares[1],
        angle_map, transfer, int(mapped.sum()),
    )  # fmt: skip


class PerFrame:
    """Looks at blocks of frames; can be sent to another process.

    Args:
        system: what is known of the run.
        criterion: of hydrogen bonds.
        observables: all of them.
    """

    def __init__(
        self, system: System, criterion: Criterion, observables: Sequence[Observable[Any]]
    ) -> None:
        self._system, self._criterion = system, criterion
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
