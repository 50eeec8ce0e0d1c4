"""An exported potential as an ASE calculator, for scripts and for labelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from pykoh.engines.periodic import PeriodicPotential
from pykoh.errors import ModelError
from pykoh.provenance import sha256


class PykohCalculator(Calculator):
    """ASE calculator of ``koh.pt``: energy, energies, forces, stress of a fully periodic box.

    Args:
        path: artifact made by ``pykoh export``.
        dtype: ``float32`` or ``float64``; by default the artifact's.
    """

    implemented_properties = ["energy", "free_energy", "energies", "forces", "stress"]  # noqa: RUF012

    def __init__(self, path: str | Path, dtype: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.potential = PeriodicPotential.from_file(path, dtype=dtype)
        # Two potentials are two levels of theory for whoever compares parameters, as pykoh label.
        self.parameters["potential_sha256"] = sha256(path)
        self.parameters["dtype"] = str(self.potential.dtype).removeprefix("torch.")

    def calculate(
        self,
        atoms: Any = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Evaluate the potential. Raises :class:`ModelError` unless all directions are periodic."""
        super().calculate(atoms, properties, system_changes)
        if not all(self.atoms.pbc):
            raise ModelError("the potential needs a box that is periodic in all directions")
        result = self.potential(
            self.atoms.positions,
            np.asarray(self.atoms.cell),
            self.potential.species_of(self.atoms.get_chemical_symbols()),
        )
        energy = float(result.energies_eV.sum())
        stress = -result.virial_eV / self.atoms.get_volume()
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "energies": result.energies_eV,
            "forces": result.forces_eV_per_A,
            "stress": 0.5 * (stress + stress.T)[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],
        }
