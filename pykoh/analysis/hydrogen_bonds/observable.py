"""Hydrogen bonds of a run."""

from __future__ import annotations

from typing import Any

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.equilibration import Watched, halves_warning
from pykoh.analysis.hydrogen_bonds.counter import HydrogenBondCounter, bond_warnings, no_bonds
from pykoh.analysis.hydrogen_bonds.criteria import Criterion
from pykoh.analysis.hydrogen_bonds.values import HydrogenBonds
from pykoh.analysis.observable import Block, Observable, Outcome, System


class Bonds(Observable[HydrogenBonds]):
    """Counts, distributions and lifetimes of hydrogen bonds between water and hydroxide.

    Args:
        system: what is known of the run.
        criterion: what the bonds are found by.
    """

    name = "hydrogen_bonds"
    STATE = ("_counter",)

    def __init__(self, system: System, criterion: Criterion) -> None:
        super().__init__(system)
        self._criterion = criterion
        n_h = len(system.hydrogens)
        self._counter = HydrogenBondCounter(n_h, criterion) if system.bonds else None

    def add(self, block: Block, found: Any) -> None:
        """Take in frames that follow those before."""
        if self._counter is not None:
            self._counter.add(block.found)

    def watched(self, start_ps: float, stop_ps: float) -> list[Watched]:
        """Return the bonds between water molecules."""
        if self._counter is None:
            return []
        name = "hydrogen bonds per water molecule"
        return [Watched(name, "", *self._counter.segments())]

    def result(self, outcome: Outcome) -> tuple[HydrogenBonds, list[AnalysisWarning]]:
        """Return the bonds of each class, and what is missing."""
        if self._counter is None:
            return no_bonds(self._criterion, self.system.height_A)
        found = self._counter.result(outcome.interval_ps)
        warnings = bond_warnings(found, outcome.interval_ps)
        for entry in found.classes:
            path = f"hydrogen_bonds.{entry.name}.fraction_of_donors_bonded"
            warnings += halves_warning(path, "of the donors", *self._counter.bonded(entry.name))
        return found, warnings

    def shown(self, result: HydrogenBonds) -> HydrogenBonds:
        """Return the bonds: they say how they are shown."""
        return result
