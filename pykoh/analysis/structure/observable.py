"""Structure of a run: radial distribution functions, contacts of ions, pairs of hydroxides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.equilibration import Watched
from pykoh.analysis.common.geometry import inverses_of
from pykoh.analysis.common.statistics import SegmentedSums
from pykoh.analysis.observable import Block, Frames, Observable, Outcome, System
from pykoh.analysis.structure.contacts import CONTACT_A, N_CONTACTS, contacts, ion_contacts
from pykoh.analysis.structure.distributions import neighbours_within, structure
from pykoh.analysis.structure.hydroxide_pairs import PairCounter
from pykoh.analysis.structure.rdf import (
    BIN_A,
    KIND_CATION,
    KIND_OSTAR,
    KIND_OW,
    LARGEST_R_A,
    PairCounts,
    PairFinder,
    PairHistograms,
)
from pykoh.analysis.structure.shells import shells
from pykoh.analysis.structure.values import Structure
from pykoh.arrays import FloatArray


class Distributions(Observable[Structure]):
    """Radial distribution functions, contacts of ions, and pairs of hydroxides.

    Args:
        system: what is known of the run.
        contact_A: distance of a contact of cation and O*, Å; None: that of the cation.
        pair_A: O-O distance of a pair of hydroxides, Å.
    """

    name = "structure"
    STATE = ("_pairs", "_contacts", "_hydroxide_pairs")

    def __init__(self, system: System, contact_A: float | None, pair_A: float) -> None:
        super().__init__(system)
        atoms, n_id = system.atoms, system.n_identities
        r_max = max(min(LARGEST_R_A, 0.5 * system.height_A), BIN_A)
        self._finder = PairFinder(atoms, r_max)
        self._pairs = PairHistograms(atoms, r_max, system.structure_stride)
        self._contact_A = contact_A or CONTACT_A[atoms.cation]
        self._contacts = SegmentedSums(N_CONTACTS)
        self._hydroxide_pairs = PairCounter(n_id, pair_A) if n_id and system.bonds else None

    def per_frame(self, frames: Frames) -> tuple[PairCounts, FloatArray]:
        """Return the pairs and the contacts, [n_sampled, N_CONTACTS], of the sampled frames."""
        sampled, found, system = frames.sampled, frames.found, self.system
        positions = np.ascontiguousarray(frames.positions[sampled])
        cells = frames.cells[sampled]
        touching = np.zeros((len(positions), N_CONTACTS))
        if len(positions):
            ion_contacts(
                positions, np.ascontiguousarray(cells), inverses_of(cells), system.cations,
                system.oxygens,
                np.ascontiguousarray(found.counts[sampled]),
                np.ascontiguousarray(found.owner[sampled]),
                np.ascontiguousarray(found.partner[sampled]),
                np.ascontiguousarray(found.kinds[sampled]),
                self._contact_A, np.empty((len(system.cations), 3)),
                np.empty((len(system.oxygens), 3)), touching,
            )  # fmt: skip
        return self._finder.count(positions, cells, found.counts[sampled]), touching

    def add(self, block: Block, found: tuple[PairCounts, FloatArray]) -> None:
        """Take in frames that follow those before."""
        pairs, touching = found
        if self._hydroxide_pairs is not None:
            oxygens = block.positions[:, self.system.oxygens]
            self._hydroxide_pairs.add(oxygens, block.cells, block.carriers)
        self._contacts.add(touching)
        self._pairs.take(pairs)

    def watched(self, start_ps: float, stop_ps: float) -> list[Watched]:
        """Return the neighbours in the first shells."""
        return shells(self._pairs, self.system.atoms.cation)

    def result(self, outcome: Outcome) -> tuple[Structure, list[AnalysisWarning]]:
        """Return the structure, and what is missing from it."""
        found, warnings = structure(self._pairs, self.system.atoms.cation, outcome.interval_ps)
        pairs = None
        if self._hydroxide_pairs is not None:
            pairs = self._hydroxide_pairs.result(outcome.interval_ps)
        if pairs is not None and pairs.lifetime_ps is None:
            reason = "no pair of hydroxides was seen to part, so its lifetime is unknown"
            warnings.append(AnalysisWarning("structure.hydroxide_pairs.lifetime_ps", reason))
        touching = contacts(self._contacts, self._contact_A)
        if touching is not None:
            hydroxides, water = (
                neighbours_within(self._pairs, KIND_CATION, kind, self._contact_A)
                for kind in (KIND_OSTAR, KIND_OW)
            )
            touching = replace(
                touching, mean_hydroxides_per_cation=hydroxides, mean_water_per_cation=water
            )
        return replace(found, contacts=touching, hydroxide_pairs=pairs), warnings

    def shown(self, result: Structure) -> Structure:
        """Return the structure: it says how it is shown."""
        return result
