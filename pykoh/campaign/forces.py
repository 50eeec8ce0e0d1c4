"""Forces of a running simulation: are they too large, and does a committee agree on them?

A committee is a set of potentials of the same kind, trained on the same data. They differ in the
seed or in the frames that were left out. They agree on configurations that the data cover, and
disagree on others. The measure of disagreement is the largest
:func:`~pykoh.engines.committee.disagreement` of all atoms, in eV/Å.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pykoh.engines.committee import disagreement
from pykoh.errors import ModelError

if TYPE_CHECKING:
    from ase import Atoms

    from pykoh.engines.periodic import PeriodicPotential

# Share of the time that these checks may take. Checks that come too early are skipped.
SHARE_OF_TIME = 0.05


@dataclass(frozen=True, slots=True)
class Judgement:
    """The forces of one frame.

    Attributes:
        largest_eV_per_A: the largest force.
        disagreement_eV_per_A: largest over atoms of the committee's standard deviation, or None
            without a committee.
        atom: number in the frame, from 1: the atom with the largest disagreement, or without a
            committee the one with the largest force.
    """

    largest_eV_per_A: float
    disagreement_eV_per_A: float | None
    atom: int


class ForceGuard:
    """Computes the forces of frames with one potential, or with a committee.

    Args:
        paths: artifacts of ``pykoh export``; the first one runs the simulation.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._potentials: list[PeriodicPotential] = []
        self._next = 0.0

    def judge(self, frame: Atoms) -> Judgement:
        """Evaluate all potentials on a frame.

        Raises:
            ModelError: a force is not a number, or a potential does not know an element.
        """
        import torch

        from pykoh.engines.periodic import PeriodicPotential

        if not self._potentials:
            # Leave the cores to the simulation.
            torch.set_num_threads(1)
            self._potentials = [PeriodicPotential.from_file(path) for path in self._paths]
        symbols = frame.get_chemical_symbols()
        cell = np.asarray(frame.cell)
        forces = np.array(
            [
                potential(frame.positions, cell, potential.species_of(symbols)).forces_eV_per_A
                for potential in self._potentials
            ]
        )
        size = np.linalg.norm(forces[0], axis=1)
        if len(forces) == 1:
            return Judgement(float(size.max()), None, int(size.argmax()) + 1)
        sigma = disagreement(forces)
        return Judgement(float(size.max()), float(sigma.max()), int(sigma.argmax()) + 1)

    def judge_if_due(self, frame: Atoms) -> Judgement | None:
        """Judge a frame, or return None if the last check was too recent.

        A force that is not a number counts as infinite.
        """
        began = time.monotonic()
        if began < self._next:
            return None
        try:
            found = self.judge(frame)
        except ModelError as error:
            if "not number" not in str(error) and "not a number" not in str(error):
                raise
            found = Judgement(float("inf"), None, 0)
        ended = time.monotonic()
        self._next = ended + (ended - began) / SHARE_OF_TIME
        return found
