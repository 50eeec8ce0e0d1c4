"""The level of theory: labels can be compared only within one level."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import LabelError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, slots=True)
class Level:
    """A level of theory.

    Attributes:
        name: for people, e.g. ``"BLYP-D3/DZVP-MOLOPT-SR-GTH"``.
        settings: everything that the energy depends on (JSON values), but not the convergence.
        code: program and its version, e.g. ``"CP2K 2023.1"``.
    """

    name: str
    settings: dict[str, Any] = field(hash=False)
    code: str

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that differ when the settings do."""
        text = json.dumps(self.settings, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """Energy and forces of one frame.

    Attributes:
        energy_eV: total energy, eV.
        forces: [n_atoms, 3], eV/Å.
        stress: [3, 3], eV/Å³, positive when the cell tends to shrink, or None.
        core_s: seconds of processor time.
        scf_steps: steps to self-consistency, or None.
        recipe: settings of convergence.
        code: program and version.
    """

    energy_eV: float
    forces: NDArray[Any]
    stress: NDArray[Any] | None
    core_s: float
    scf_steps: int | None
    recipe: str
    code: str


def check_label(label: Label, n_atoms: int) -> None:
    """Raise :class:`LabelError` if a value is not a number, or the forces have a wrong shape."""
    if np.shape(label.forces) != (n_atoms, 3):
        raise LabelError(f"forces of the shape {np.shape(label.forces)}, not ({n_atoms}, 3)")
    values: dict[str, Any] = {
        "the energy": label.energy_eV,
        "a force": label.forces,
        "the stress": label.stress,
    }
    for name, value in values.items():
        if value is not None and not np.isfinite(value).all():
            raise LabelError(f"{name} is not a number")


class Labeller(Protocol):
    """A method to compute labels. A frame is tried with one recipe after another."""

    level: Level
    recipes: tuple[str, ...]

    def label(self, atoms: Atoms, folder: Path, recipe: int) -> Label:
        """Compute one frame.

        Args:
            atoms: the frame; ``info["run"]`` names its trajectory.
            folder: an empty folder for scratch files.
            recipe: index into :attr:`recipes`; later ones are slower and safer.

        Raises:
            LabelError: the calculation did not converge or did not run.
        """

    def atom(self, symbol: str, folder: Path) -> Label:
        """Compute one isolated atom at the same level.

        Raises:
            LabelError: it did not converge or did not run.
        """

    def stop(self) -> None:
        """End the running calculations, if possible; called from another thread."""
