"""Label files: extended xyz with energies, forces, and the level that they were computed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pykoh.errors import LabelError
from pykoh.files import replacing
from pykoh.reference.frames import duplicates, molarity_of, read_extxyz
from pykoh.reference.level import Label, Level

if TYPE_CHECKING:
    from ase import Atoms

ENERGY, FORCES, STRESS = "REF_energy", "REF_forces", "REF_stress"
ISOLATED = "IsolatedAtom"
# eV and eV/Å in one unit of each name, for labels of other programs (CODATA 2018).
UNITS = {
    "eV": (1.0, 1.0),
    "hartree": (27.211386245988, 51.422067476326),
    "kcal/mol": (0.0433641042418, 0.0433641042418),
}
# Forces of a liquid at 300-400 K: the root mean square is 0.5 to 1 eV/Å.
LARGEST_EV_A = 100.0
SMALLEST_RMS_EV_A = 0.1
# Two labels of the same frame agree to this, eV.
SAME_EV = 1e-3


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labelled frames of one level of theory.

    Attributes:
        frames: ``info`` holds REF_energy (eV), level, run, molarity (mol/L), core_s (s, or
            missing); ``arrays`` REF_forces (eV/Å, [n_atoms, 3]).
        atom_energies_eV: energy of each isolated atom; empty where the files have none.
        level: name of the level of theory.
        level_key: what tells levels apart, or the name where the labels carry no key.
        notes: a sentence for each frame that was left out.
    """

    frames: tuple[Atoms, ...]
    atom_energies_eV: dict[str, float]
    level: str
    level_key: str
    notes: tuple[str, ...] = ()

    @property
    def core_hours(self) -> float | None:
        """Processor hours that the labels of the frames cost, None if one does not say."""
        cost = [frame.info.get("core_s") for frame in self.frames]
        if any(value is None for value in cost):
            return None
        return float(sum(float(value) for value in cost if value is not None)) / 3600


def labelled(atoms: Atoms, label: Label, level: Level, key: str) -> Atoms:
    """Return a frame with its label, as it is written to a label file."""
    frame = atoms.copy()
    frame.info[ENERGY] = label.energy_eV
    frame.arrays[FORCES] = np.asarray(label.forces)
    if label.stress is not None:
        frame.info[STRESS] = np.asarray(label.stress)
    frame.info.update(
        level=level.name,
        level_key=level.key,
        code=label.code,
        recipe=label.recipe,
        core_s=round(label.core_s, 1),
        frame=key,
    )
    if label.scf_steps is not None:
        frame.info["scf_steps"] = label.scf_steps
    return frame


def write_labels(path: Path, frames: Sequence[Atoms]) -> None:
    """Write a label file at once or not at all."""
    from ase.io import write

    with replacing(path) as temporary:
        write(temporary, list(frames), format="extxyz")


def read_labels(
    paths: Sequence[Path], units: str = "eV", largest_force_eV_A: float = LARGEST_EV_A
) -> LabelSet:
    """Read and check label files.

    Args:
        paths: extended xyz, also compressed.
        units: a name of :data:`UNITS`, of the files' energies and forces; lengths are in Å but
            for ``hartree``, whose forces are per Bohr.
        largest_force_eV_A: labels with a larger force are refused.

    Raises:
        LabelError: labels of several levels, a frame with two energies, a missing energy or
            force, an unfinished SCF, or forces that cannot be in these units.
    """
    if units not in UNITS:
        raise LabelError(f"--units {units}: is unknown; choose from {', '.join(UNITS)}")
    frames: list[Atoms] = []
    places: list[str] = []
    alone: dict[str, float] = {}
    levels: dict[str, str] = {}
    for path in paths:
        for number, atoms in enumerate(read_extxyz(Path(path), "label file"), start=1):
            where = f"{path}, frame {number}"
            _take_results(atoms, where, UNITS[units])
            key = str(atoms.info.get("level_key", atoms.info.get("level", "not named")))
            levels.setdefault(key, where)
            if len(levels) > 1:
                raise LabelError(_mixed(levels, frames, atoms))
            if len(atoms) == 1 and atoms.info.get("config_type") == ISOLATED:
                symbol = atoms.get_chemical_symbols()[0]
                if abs(alone.setdefault(symbol, atoms.info[ENERGY]) - atoms.info[ENERGY]) > 1e-4:
                    raise LabelError(f"{where}: another energy of the isolated {symbol} atom than "
                                     "an earlier frame has; keep one")  # fmt: skip
                continue
            atoms.info.setdefault("run", Path(path).name.split(".")[0])
            atoms.info["molarity"] = round(molarity_of(atoms), 4)
            atoms.info["level"] = str(atoms.info.get("level", "not named"))
            frames.append(atoms)
            places.append(where)
    if not frames:
        raise LabelError(f"{paths[0]}: has isolated atoms only, no frame of a liquid")
    _check_forces(frames, places, largest_force_eV_A)
    twice = {}
    for i, j in duplicates(frames):
        if abs(frames[i].info[ENERGY] - frames[j].info[ENERGY]) > SAME_EV:
            raise LabelError(
                f"{places[j]}: is the same frame as {places[i]} with another energy "
                f"({frames[j].info[ENERGY]:.4f} and {frames[i].info[ENERGY]:.4f} eV); remove the "
                "wrong one"
            )
        twice[j] = f"{places[j]}: left out, is the same as {places[i]}"
    kept = tuple(frame for k, frame in enumerate(frames) if k not in twice)
    return LabelSet(kept, alone, kept[0].info["level"], next(iter(levels)), tuple(twice.values()))


def _take_results(atoms: Atoms, where: str, unit: tuple[float, float]) -> None:
    """Move energy and forces to REF_energy and REF_forces, in eV and eV/Å."""
    found: dict[str, Any] = dict(atoms.calc.results) if atoms.calc is not None else {}
    atoms.calc = None
    energy = atoms.info.get(ENERGY, atoms.info.get("energy", found.get("energy")))
    forces = atoms.arrays.get(FORCES, atoms.arrays.get("forces", found.get("forces")))
    if energy is None:
        raise LabelError(f"{where}: has no {ENERGY} (or energy); label it first: pykoh label")
    if forces is None:
        raise LabelError(f"{where}: has no {FORCES} (or forces); label it first: pykoh label")
    if not (np.isfinite(energy) and np.isfinite(forces).all()):
        raise LabelError(f"{where}: its energy or a force is not a number; remove this frame")
    for name in ("converged", "scf_converged"):
        if str(atoms.info.get(name, True)).upper() in ("F", "FALSE", "0"):
            raise LabelError(f"{where}: its SCF was not converged; label it again: pykoh label")
    atoms.info[ENERGY] = float(energy) * unit[0]
    atoms.arrays[FORCES] = np.asarray(forces, dtype=float) * unit[1]


def _mixed(levels: dict[str, str], frames: list[Atoms], atoms: Atoms) -> str:
    (_, first), (_, second) = levels.items()
    names = frames[0].info["level"] if frames else "another level", atoms.info.get("level")
    same = " (the names agree, the settings do not)" if names[0] == names[1] else ""
    return (
        f"{second}: is labelled at {names[1] or 'a level that it does not name'}, {first} at "
        f"{names[0]}{same}: energies of different levels do not mix; train on one of them"
    )


def _check_forces(frames: list[Atoms], places: list[str], largest: float) -> None:
    if len(frames[0]) < 2:
        return
    peaks = [float(np.linalg.norm(f.arrays[FORCES], axis=1).max()) for f in frames]
    worst = int(np.argmax(peaks))
    if peaks[worst] > largest:
        raise LabelError(
            f"{places[worst]}: a force of {peaks[worst]:.4g} eV/Å; if the file is not in eV and "
            "eV/Å, say --units hartree or --units kcal/mol; if it is, remove the frame or say "
            f"--max-force {np.ceil(peaks[worst]):.0f}"
        )
    rms = float(np.sqrt(np.mean(np.concatenate([f.arrays[FORCES].ravel() for f in frames]) ** 2)))
    if rms < SMALLEST_RMS_EV_A:
        raise LabelError(
            f"{places[0]}: the forces are {rms:.3g} eV/Å (root mean square), too small for a "
            "liquid; Hartree/Bohr? then say --units hartree"
        )
