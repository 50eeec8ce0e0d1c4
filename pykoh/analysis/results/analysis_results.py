"""What an analysis finds, as frozen values.

A number that has an error is an :class:`pykoh.analysis.common.estimate.Estimate`: value, standard
error, interval, and how the error was obtained. ``results.json`` and the CSVs
(:mod:`pykoh.analysis.results.write`), the terminal and the report are views of it. A number that
the trajectory cannot give is None, and :attr:`AnalysisResults.warnings` says why. A standard error
is one standard deviation of the estimate. Lengths are in Å and times in ps (LAMMPS ``metal``)
unless a name says otherwise; diffusion coefficients and conductivities are in SI, with the unit in
the name.

Two kinds of oxygen are told apart: ``O*`` is the oxygen of a hydroxide ion (the O that is nearest
to exactly one H), ``Ow`` that of a water molecule (exactly two H).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Output, Showable
from pykoh.analysis.hops.hop_scene import HopScene
from pykoh.analysis.hops.values import Grotthuss
from pykoh.analysis.hydrogen_bonds.values import HydrogenBonds
from pykoh.analysis.results.custom import CustomResult
from pykoh.analysis.structure.values import Structure
from pykoh.analysis.transport.values import Conductivity, Diffusion, ViscosityFound


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisResults:
    """Everything that ``pykoh analyze`` finds in a trajectory.

    Attributes:
        input: what was read.
        diffusion: of each species, with the viscosity.
        grotthuss: proton hops.
        hydrogen_bonds: between water and hydroxide.
        structure: radial distribution functions and contacts of ions.
        conductivity: of the ions.
        warnings: what is missing or doubtful.
        custom: of a user's observables.
        scene: one hop, frame by frame, or None.
        more: of observables of pykoh that have no attribute of their own here, by their names.
    """

    input: InputSummary
    diffusion: Diffusion
    grotthuss: Grotthuss
    hydrogen_bonds: HydrogenBonds
    structure: Structure
    conductivity: Conductivity
    warnings: tuple[AnalysisWarning, ...]
    custom: tuple[CustomResult, ...] = ()
    scene: HopScene | None = None
    more: Mapping[str, Showable] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, Showable]:
        """What pykoh's observables found, by their names, in the order in which it is shown."""
        return {
            "diffusion": self.diffusion,
            "grotthuss": self.grotthuss,
            "hydrogen_bonds": self.hydrogen_bonds,
            "structure": self.structure,
            "conductivity": self.conductivity,
            "viscosity": ViscosityFound(self.diffusion.viscosity),
            **self.more,
        }

    def outputs(self) -> dict[str, Output]:
        """Return what is written and printed of each of pykoh's observables, by their names."""
        return {name: found.output(name, self.input) for name, found in self.shown.items()}

    def custom_outputs(self) -> dict[str, Output]:
        """Return what is written and printed of each of a user's observables, by their names."""
        return {
            each.name: each.shown.output(f"custom_{each.name}", self.input) for each in self.custom
        }

    def reasons(self, quantity: str) -> tuple[str, ...]:
        """Return the reasons given for ``quantity`` and for everything below it."""
        below = quantity + "."
        return tuple(
            warning.reason
            for warning in self.warnings
            if warning.quantity == quantity or warning.quantity.startswith(below)
        )
