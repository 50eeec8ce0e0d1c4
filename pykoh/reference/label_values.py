"""Energy, forces and stress of a labelled frame, under any names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import LabelError

if TYPE_CHECKING:
    from ase import Atoms

ENERGY, FORCES, STRESS = "REF_energy", "REF_forces", "REF_stress"
# Data in an extended-xyz file that are not labels.
_GEOMETRY = {"positions", "momenta", "velocities", "velo", "numbers", "masses"}
_NOT_ENERGIES = {"molarity", "temperature_K", "core_s", "scf_steps", "charge", "spin"}
_FLAGS = ("converged", "scf_converged", "is_converged")


@dataclass(frozen=True, slots=True)
class LabelUnits:
    """Factors for the numbers of a label file.

    Attributes:
        energy: eV per unit of energy.
        forces: eV/Å per unit of force.
        stress: eV/Å³ per unit of stress.
    """

    energy: float
    forces: float
    stress: float


_HARTREE_EV, _BOHR_A = 27.211386245988, 0.529177210903  # CODATA 2018
UNITS = {
    "eV": LabelUnits(1.0, 1.0, 1.0),
    "hartree": LabelUnits(_HARTREE_EV, _HARTREE_EV / _BOHR_A, _HARTREE_EV / _BOHR_A**3),
    "kcal/mol": LabelUnits(0.0433641042418, 0.0433641042418, 0.0433641042418),
}
"""Units of other programs. Lengths are in Å; with ``hartree`` forces are per bohr and stresses per
bohr³."""


@dataclass(frozen=True, slots=True)
class LabelKeys:
    """Names of energy, forces and stress in a file; None: one of the usual names.

    Attributes:
        energy: usual names are ``REF_energy`` and ``energy``.
        forces: ``REF_forces`` and ``forces``.
        stress: ``REF_stress`` and ``stress``.
    """

    energy: str | None = None
    forces: str | None = None
    stress: str | None = None


def take_results(atoms: Atoms, where: str, units: LabelUnits, keys: LabelKeys) -> None:
    """Move the labels of a frame to REF_energy, REF_forces, REF_stress.

    Args:
        atoms: the frame as ASE read it; afterwards ``info`` holds REF_energy (eV) and REF_stress
            ([3, 3], eV/Å³, positive when the cell tends to shrink) if there is one, ``arrays``
            REF_forces ([n_atoms, 3], eV/Å). A single atom without forces gets zeros, because an
            isolated atom has no force and MACE's own files leave it out.
        where: file and frame, for messages.
        units: of the file.
        keys: names in the file.

    Raises:
        LabelError: an energy or forces are missing, are not numbers or have a wrong shape, or the
            SCF was not converged.
    """
    calculated: dict[str, Any] = dict(atoms.calc.results) if atoms.calc is not None else {}
    atoms.calc = None
    found = {**calculated, **atoms.arrays, **atoms.info}
    _refuse_unconverged(atoms.info, where)
    energy = _pick(found, keys.energy, (ENERGY, "energy"))
    forces = _pick(found, keys.forces, (FORCES, "forces"))
    stress = _pick(found, keys.stress, (STRESS, "stress"))
    if forces is None and len(atoms) == 1 and keys.forces is None:
        forces = np.zeros((1, 3))
    if energy is None or forces is None or (keys.stress is not None and stress is None):
        raise LabelError(
            _missing_message(where, found, keys, energy is None, forces is None, len(atoms))
        )
    energy, forces = _numbers(energy), _numbers(forces)
    if energy.size != 1 or forces.shape != (len(atoms), 3):
        raise LabelError(
            f"{where}: its energy has {energy.size} values and its forces the shape "
            f"{forces.shape}; one energy and forces of {len(atoms)} × 3 are needed; name them "
            "with --energy-key and --forces-key"
        )
    if not (np.isfinite(energy).all() and np.isfinite(forces).all()):
        raise LabelError(f"{where}: its energy or a force is not a number; remove this frame")
    for name in (keys.energy, keys.stress, STRESS, "stress"):
        atoms.info.pop(str(name), None)
    for name in (keys.forces, "forces"):
        atoms.arrays.pop(str(name), None)
    atoms.info[ENERGY] = float(energy.reshape(())) * units.energy
    atoms.arrays[FORCES] = forces * units.forces
    if stress is not None:
        atoms.info[STRESS] = _full_stress(stress, where) * units.stress


def _pick(found: dict[str, Any], chosen: str | None, usual: tuple[str, ...]) -> Any:
    names = usual if chosen is None else (chosen,)
    return next((found[name] for name in names if found.get(name) is not None), None)


def _numbers(value: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return np.array(np.nan)


def _full_stress(value: Any, where: str) -> NDArray[np.float64]:
    """Return a [3, 3] stress from 9 numbers, or from 6 in ASE's order xx yy zz yz xz xy."""
    stress = _numbers(value).ravel()
    if stress.size not in (6, 9) or not np.isfinite(stress).all():
        raise LabelError(
            f"{where}: its stress is not 6 or 9 numbers; correct it, or remove it from the frame"
        )
    return stress[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3) if stress.size == 6 else (
        stress.reshape(3, 3)
    )  # fmt: skip


def _refuse_unconverged(info: dict[str, Any], where: str) -> None:
    for name, value in info.items():
        if name.lower() in _FLAGS and str(value).strip().lower() in ("f", "false", "0", "no", "n"):
            raise LabelError(
                f"{where}: {name}={value}: its SCF was not converged; remove the frame or label "
                "it again: pykoh label"
            )


def _missing_message(
    where: str,
    found: dict[str, Any],
    keys: LabelKeys,
    energy: bool,
    forces: bool,
    n_atoms: int,
) -> str:
    """Return a message with the missing labels, the data of the frame, and the option."""
    for option, key in (("energy", keys.energy), ("forces", keys.forces), ("stress", keys.stress)):
        if key is not None and key not in found:
            there = ", ".join(sorted(found.keys() - _GEOMETRY)) or "nothing but positions"
            return f"{where}: --{option}-key {key}: the frame has no such key; it has {there}"
    scalars, vectors = [], []
    for name, value in found.items():
        array = _numbers(value)
        if name in _GEOMETRY | _NOT_ENERGIES or isinstance(value, bool) or not np.any(array):
            continue
        if array.shape == () and np.isfinite(array):
            scalars.append(name)
        elif array.shape == (n_atoms, 3):
            vectors.append(name)
    wanted = []
    if energy:
        wanted.append((ENERGY, "energy", "--energy-key", scalars))
    if forces:
        wanted.append((FORCES, "forces", "--forces-key", vectors))
    names = " and ".join(f"{key} (or {short})" for key, short, _, _ in wanted)
    if not all(candidates for *_, candidates in wanted):
        return f"{where}: has no {names}; label it first: pykoh label"
    seen = "; ".join(
        f"{'the numbers' if option == '--energy-key' else 'columns of three numbers'} "
        f"{', '.join(candidates)}"
        for *_, option, candidates in wanted
    )
    remedy = " ".join(f"{option} {candidates[0]}" for *_, option, candidates in wanted)
    return f"{where}: has no {names}, but {seen}; say which it is, e.g. {remedy}"
