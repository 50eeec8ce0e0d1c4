r"""Multiple time steps: a fast potential at each MD step, the accurate one at every n-th.

The accurate potential is U = u + (U - u), with u a small potential that was trained to follow it.
u has the fast motions, e.g. O-H stretching; the difference is small and changes slowly. F and f are
the forces of U and u.
Tuckerman, Berne and Martyna (J. Chem. Phys. 97 (1992) 1990, doi:10.1063/1.463137) derive from this
a reversible and symplectic integrator (r-RESPA). With a step δt and n of them together, one outer
step is

    exp(n δt/2 (F - f) ∂/∂p)  [velocity Verlet with f and δt]ⁿ  exp(n δt/2 (F - f) ∂/∂p).

Two kicks meet at each outer step. So velocity Verlet with the force

    f + n (F - f)   at every n-th step,   f   at the others

is this integrator exactly, and LAMMPS needs no other fix. Cattin et al. (arXiv:2510.06562) use it
with a distilled potential, as here, and find static and dynamic properties unchanged.

Energy and virial are those of the accurate potential at every n-th step. Between these steps they
are those of u, plus the difference when it was last computed: good for a barostat, not for results.
A run that begins between them computes the difference at its first step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.periodic import Evaluation, PeriodicPotential
from pykoh.errors import EngineError, ModelError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forces:
    """What LAMMPS is given at one MD step.

    Attributes:
        forces_eV_per_A: ``[n_atoms, 3]`` eV/Å, as the integrator needs them.
        energy_eV: potential energy, eV.
        virial_eV: ``[3, 3]`` eV.
    """

    forces_eV_per_A: Array
    energy_eV: float
    virial_eV: Array


class EachStep:
    """The potential at each MD step.

    Args:
        potential: the potential.
    """

    def __init__(self, potential: PeriodicPotential) -> None:
        self.potential = potential

    def __call__(
        self, step: int, minimising: bool, x: Array, cell: Array, species: NDArray[np.int64]
    ) -> Forces:
        """Return the forces at an MD step.

        Args:
            step: number of the MD step.
            minimising: LAMMPS minimises the energy and does no MD.
            x: ``[n_atoms, 3]`` Å.
            cell: ``[3, 3]`` Å, vectors as rows.
            species: ``[n_atoms]`` of the potential.

        Raises:
            ModelError: the potential cannot be evaluated.
        """
        return _forces(self.potential(x, cell, species))


class MultipleSteps(EachStep):
    """A fast potential at each MD step, the accurate one at every n-th.

    Args:
        potential: the accurate one.
        inner: the fast one.
        every: n.

    Raises:
        EngineError: n is below 2.
        ModelError: the fast potential lacks an element of the accurate one.
    """

    def __init__(self, potential: PeriodicPotential, inner: PeriodicPotential, every: int) -> None:
        super().__init__(potential)
        if every < 2:
            raise EngineError(f"--every {every}: must be at least 2")
        self.inner, self.every = inner, every
        try:
            self._inner_species = inner.species_of(list(potential.metadata.elements))
        except ModelError as error:
            raise ModelError(f"--inner {inner.metadata.source}: {error}") from None
        # The difference of energies and virials when it was last computed.
        self._difference: tuple[float, Array] | None = None

    def __call__(
        self, step: int, minimising: bool, x: Array, cell: Array, species: NDArray[np.int64]
    ) -> Forces:
        """Return the forces at an MD step, as :class:`EachStep`."""
        if minimising:
            return super().__call__(step, minimising, x, cell, species)
        fast = _forces(self.inner(x, cell, self._inner_species[species]))
        if step % self.every and self._difference is not None:
            energy, virial = self._difference
            return Forces(fast.forces_eV_per_A, fast.energy_eV + energy, fast.virial_eV + virial)
        accurate = super().__call__(step, minimising, x, cell, species)
        self._difference = (
            accurate.energy_eV - fast.energy_eV,
            accurate.virial_eV - fast.virial_eV,
        )
        if step % self.every:  # the run begins here
            return Forces(fast.forces_eV_per_A, accurate.energy_eV, accurate.virial_eV)
        kick = self.every * (accurate.forces_eV_per_A - fast.forces_eV_per_A)
        return Forces(fast.forces_eV_per_A + kick, accurate.energy_eV, accurate.virial_eV)


def _forces(found: Evaluation) -> Forces:
    return Forces(found.forces_eV_per_A, float(found.energies_eV.sum()), found.virial_eV)
