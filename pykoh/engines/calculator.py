"""An exported potential as an ASE calculator, for scripts and for labelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from pykoh.engines.periodic import PeriodicPotential
from pykoh.errors import ModelError
from pykoh.provenance import sha256

_VOIGT = (0, 4, 8, 5, 2, 1)  # xx yy zz yz xz xy of nine


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
        self._numbers = self._species = np.zeros(0, np.int64)

    def check_state(self, atoms: Any, tol: float = 0.0) -> list[str]:
        """Return what has changed since the last call, and matters to the potential.

        Positions, elements, cell and periodic directions are compared exactly, as ``tol`` is not
        used. ASE's own comparison also looks at charges and magnetic moments, on which nothing
        depends here.
        """
        before = self.atoms
        if before is None or len(before) != len(atoms):
            return list(all_changes)
        old, new = before.arrays, atoms.arrays
        same = {
            "positions": np.array_equal(old["positions"], new["positions"]),
            "numbers": np.array_equal(old["numbers"], new["numbers"]),
            "cell": np.array_equal(before.cell.array, atoms.cell.array),
            "pbc": np.array_equal(before.pbc, atoms.pbc),
        }
        return [name for name, equal in same.items() if not equal]

    def calculate(
        self,
        atoms: Any = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Evaluate the potential. Raises :class:`ModelError` unless all directions are periodic."""
        super().calculate(atoms, properties, system_changes)
        if not self.atoms.pbc.all():
            raise ModelError("the potential needs a box that is periodic in all directions")
        cell = self.atoms.cell.array
        if not np.array_equal(self.atoms.numbers, self._numbers):
            self._species = self.potential.species_of(self.atoms.get_chemical_symbols())
            self._numbers = self.atoms.numbers.copy()
        result = self.potential(self.atoms.positions, cell, self._species)
        energy = float(result.energies_eV.sum())
        stress = result.virial_eV / -self.atoms.get_volume()
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "energies": result.energies_eV,
            "forces": result.forces_eV_per_A,
            "stress": 0.5 * (stress + stress.T).take(_VOIGT),
        }
