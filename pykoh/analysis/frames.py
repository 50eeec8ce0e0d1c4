"""All that can be said of a frame by itself; blocks of frames may be looked at side by side.

What depends on the order of frames (identities, displacements, lifetimes) is made of these
findings afterwards, one block after the other, by :mod:`pykoh.analysis.pipeline`. So the numbers do
not depend on how many workers there are, or where they run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common import survey as s
from pykoh.analysis.hydrogen_bonds.criteria import Criterion
from pykoh.analysis.structure.contacts import N_CONTACTS, ion_contacts
from pykoh.analysis.structure.rdf import PairCounts, PairFinder
from pykoh.arrays import FloatArray
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN, Atoms

_ROOM = 32


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What was found in a block of frames.

    Attributes:
        owner: [n_frames, n_h], oxygen (index among the oxygens) of each H.
        counts: [n_frames, n_o], H of each oxygen.
        partner: [n_frames, n_h, 4], acceptors of each H, or -1.
        kinds: [n_frames, n_h, 4], class of each bond.
        accepted: [n_frames, n_o], bonds that each oxygen accepts.
        donated: [n_frames, n_o], bonds that it donates.
        sums: [n_frames, survey.N_SUMS].
        donated_shares: [4, survey.MOST_COUNTED], molecules by donated bonds.
        accepted_shares: [4, survey.MOST_COUNTED], molecules by accepted bonds.
        angle_map: [4, *survey.MAP_SHAPE].
        transfer: [n_frames, *survey.TRANSFER_SHAPE], hydroxides by δ and r(OO).
        pairs: of the sampled frames.
        contacts: [n_sampled, contacts.N_CONTACTS].
        n_mapped: frames that were sampled.
    """

    owner: NDArray[np.int64]
    counts: NDArray[np.int64]
    partner: NDArray[np.int32]
    kinds: NDArray[np.int8]
    accepted: NDArray[np.uint8]
    donated: NDArray[np.uint8]
    sums: FloatArray
    donated_shares: FloatArray
    accepted_shares: FloatArray
    angle_map: FloatArray
    transfer: FloatArray
    pairs: PairCounts
    contacts: FloatArray
    n_mapped: int


class FrameWork:
    """Looks at blocks of frames; can be sent to another process.

    Args:
        atoms: the atoms; at least one oxygen and one hydrogen.
        criterion: of hydrogen bonds, or None: the box is too small for any.
        r_max_A: largest distance of the pair histograms, Å.
        stride: every n-th frame is sampled for structure.
        contact_A: distance of a contact of cation and O*, Å.
    """

    def __init__(
        self,
        atoms: Atoms,
        criterion: Criterion | None,
        r_max_A: float,
        stride: int,
        contact_A: float,
    ) -> None:
        self._hydrogens, self._oxygens, self._cations = (
            atoms.indices(species) for species in (HYDROGEN, OXYGEN, CATION)
        )
        self._parameters = np.zeros(4) if criterion is None else criterion.parameters()
        self._reach = 0.0
        if criterion is not None:
            self._reach = max(s.REACH_A, criterion.max_distance_A)
        self._finder = PairFinder(atoms, r_max_A)
        self._stride = stride
        self._contact = contact_A

    def __call__(self, first_frame: int, positions: FloatArray, cells: FloatArray) -> Findings:
        """Return what is found in frames of which the first is number ``first_frame`` of the run.

        Args:
            first_frame: 0 for the first frame.
            positions: [n_frames, n_atoms, 3], Å.
            cells: [n_frames, 3, 3], Å.
        """
        n_frames, n_h, n_o = len(positions), len(self._hydrogens), len(self._oxygens)
        sampled = slice(-first_frame % self._stride, None, self._stride)
        mapped = np.zeros(n_frames, dtype=np.bool_)
        mapped[sampled] = True
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
                positions, cells, self._hydrogens, self._oxygens, self._parameters, self._reach,
                min(room, n_o), mapped, owner, counts, partner, kinds, accepted, donated, sums,
                shares[0], shares[1], angle_map, transfer,
            ):  # fmt: skip
                break
            room *= 2
        picked, cells_picked = np.ascontiguousarray(positions[sampled]), cells[sampled]
        touching = np.zeros((len(picked), N_CONTACTS))
        if len(picked):
            ion_contacts(
                picked, np.ascontiguousarray(cells_picked), self._cations, self._oxygens,
                np.ascontiguousarray(counts[sampled]), np.ascontiguousarray(owner[sampled]),
                np.ascontiguousarray(partner[sampled]), np.ascontiguousarray(kinds[sampled]),
                self._contact, touching,
            )  # fmt: skip
        return Findings(
            owner, counts, partner, kinds, accepted, donated, sums, shares[0], shares[1],
            angle_map, transfer, self._finder.count(picked, cells_picked, counts[sampled]),
            touching, len(picked),
        )  # fmt: skip
