"""The identity of hydroxide ions through proton transfers.

Each H belongs to its nearest O. An O with n H can carry 2 - n hydroxide identities: one H makes a
hydroxide; no H (an oxide ion, which an exchange between two hydroxides may pass through) carries
two; a water molecule or H3O+ none. The number of identities is that of the stoichiometry,
2 n(O) - n(H), and constant.

From frame to frame an identity stays on its oxygen while that can carry it; of two that compete,
the one that arrived first stays. Otherwise it follows the protons: its oxygen received an H from
a donor, and if the donor can carry it, it moves there; else on to the donor's donors. What is
left (an H3O+ that gave its proton to a hydroxide while the hydroxide it had been split from is
elsewhere) goes to the nearest oxygen with room. Water that splits into H3O+ and OH- for a moment
leaves the identities alone: the new hydroxide is no identity's, and every old one still has its
oxygen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.geometry import count_hydrogens, inverses_of, nearest_oxygen
from pykoh.analysis.hops.identity_kernel import follow, room_for_events
from pykoh.arrays import FloatArray
from pykoh.trajectory.species import HYDROGEN, OXYGEN, Atoms


@dataclass(frozen=True, slots=True, eq=False)
class Transfers:
    """What happened to protons in a block of frames.

    Attributes:
        owner: [n_frames, n_h], oxygen (index among the oxygens) of each H.
        n_hydrogens: [n_frames, n_o], H of each oxygen.
        carriers: [n_frames, n_identities], oxygen of each hydroxide identity.
        paths: [3, n_frames, n_identities, 3], Å: total, vehicular and structural displacement of
            each identity since the first frame.
        events: [n_events, 4], frame, identity, oxygen that it left, oxygen that it came to.
        vectors_A: [n_events, 3], Å, from the one to the other.
    """

    owner: NDArray[np.int64]
    n_hydrogens: NDArray[np.int64]
    carriers: NDArray[np.int64]
    paths: FloatArray
    events: NDArray[np.int64]
    vectors_A: FloatArray


class HydroxideTracker:
    """Follows hydroxide identities through a trajectory.

    Args:
        atoms: the atoms; at least one oxygen.

    Attributes:
        n_identities: hydroxide ions by stoichiometry, at least 0.
    """

    STATE = (
        "_n_frames",
        "_owner",
        "_oxygen",
        "_carrier",
        "_arrived",
        "_vehicular",
        "_structural",
        "_tally",
    )

    def __init__(self, atoms: Atoms) -> None:
        self.hydrogens = atoms.indices(HYDROGEN)
        self.oxygens = atoms.indices(OXYGEN)
        n_o, n_h = len(self.oxygens), len(self.hydrogens)
        n_id = max(0, 2 * n_o - n_h)
        self.n_identities = n_id
        self._n_frames = 0
        self._owner = np.zeros(n_h, dtype=np.int64)
        self._oxygen = np.zeros((n_o, 3))
        self._carrier = np.zeros(n_id, dtype=np.int64)
        self._arrived = np.zeros(n_id, dtype=np.int64)
        self._vehicular = np.zeros((n_id, 3))
        self._structural = np.zeros((n_id, 3))
        self._tally = np.zeros(2, dtype=np.int64)

    @property
    def n_ionised_frames(self) -> int:
        """Frames with an oxygen that had neither one nor two H."""
        return int(self._tally[0])

    @property
    def n_multiple_transfers(self) -> int:
        """Moves of an identity over more than one proton between two frames."""
        return int(self._tally[1])

    def assign(self, positions: FloatArray, cells: FloatArray) -> NDArray[np.int64]:
        """Return [n_frames, n_h], the nearest oxygen of each H, each frame by itself.

        Args:
            positions: [n_frames, n_atoms, 3], Å.
            cells: [n_frames, 3, 3], Å.
        """
        owner = np.zeros((len(positions), len(self.hydrogens)), dtype=np.int64)
        nearest_oxygen(positions, cells, self.hydrogens, self.oxygens, owner)
        return owner

    def add(
        self, positions: FloatArray, cells: FloatArray, owner: NDArray[np.int64] | None = None
    ) -> Transfers:
        """Follow the identities through frames that come after those before.

        Args:
            positions: [n_frames, n_atoms, 3], Å, unwrapped.
            cells: [n_frames, 3, 3], Å.
            owner: [n_frames, n_h], from :meth:`assign`, if it is known already.
        """
        n_frames = len(positions)
        if owner is None:
            owner = self.assign(positions, cells)
        counts = count_hydrogens(owner, len(self.oxygens))
        carriers = np.zeros((n_frames, self.n_identities), dtype=np.int64)
        paths = np.zeros((3, n_frames, self.n_identities, 3))
        oxygen, inverses = np.ascontiguousarray(positions[:, self.oxygens]), inverses_of(cells)
        room = room_for_events(self.n_identities)
        events, vectors = np.empty((room, 4), dtype=np.int64), np.empty((room, 3))
        parts: list[tuple[NDArray[np.int64], FloatArray]] = []
        begin = 0
        while begin < n_frames or not parts:
            n_events, begin = follow(
                begin, oxygen, cells, inverses, owner, counts, self._n_frames, self._owner,
                self._oxygen, self._carrier, self._arrived, self._vehicular, self._structural,
                carriers, paths, self._tally, events, vectors,
            )  # fmt: skip
            parts.append((events[:n_events].copy(), vectors[:n_events].copy()))
        self._n_frames += n_frames
        all_events, all_vectors = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Transfers(owner, counts, carriers, paths, all_events, all_vectors)
