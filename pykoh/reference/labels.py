"""Label files: extended xyz with energies, forces, and their level of theory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pykoh.errors import LabelError
from pykoh.files import replacing
from pykoh.reference.frames import check_geometry, duplicates, molarity_of, read_extxyz
from pykoh.reference.label_checks import (
    LARGEST_EV_A,
    LARGEST_GPA,
    check_energies,
    check_forces,
    check_stresses,
)
from pykoh.reference.label_values import (
    ENERGY,
    FORCES,
    STRESS,
    UNITS,
    LabelKeys,
    take_results,
)
from pykoh.reference.level import Label, Level

if TYPE_CHECKING:
    from ase import Atoms

ISOLATED = "IsolatedAtom"
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
        level_key: key of the level, or its name if the labels have no key.
        notes: notes for the user: frames left out, single atoms, unusual stresses.
    """

    frames: tuple[Atoms, ...]
    atom_energies_eV: dict[str, float]
    level: str
    level_key: str
    notes: tuple[str, ...] = ()

    @property
    def core_hours(self) -> float | None:
        """Processor hours of the labels, or None if a frame does not record them."""
        cost = [frame.info.get("core_s") for frame in self.frames]
        if any(value is None for value in cost):
            return None
        return float(sum(float(value) for value in cost if value is not None)) / 3600


def labelled(atoms: Atoms, label: Label, level: Level, key: str) -> Atoms:
    """Return a frame with its label, as in a label file."""
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
    """Write a label file; after an interruption the old file is unchanged."""
    from ase.io import write

    with replacing(path) as temporary:
        write(temporary, list(frames), format="extxyz")


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read label files, and which labels to accept.

    Attributes:
        units: units of all values, a name of :data:`~pykoh.reference.label_values.UNITS`.
        keys: names of energy, forces and stress in the files.
        largest_force_eV_A: labels with a larger force are refused.
        largest_stress_GPa: labels with a larger component of the stress are refused.
        isolated_eV: energies of isolated atoms, eV; they replace those of the files.
    """

    units: str = "eV"
    keys: LabelKeys = field(default_factory=LabelKeys)
    largest_force_eV_A: float = LARGEST_EV_A
    largest_stress_GPa: float = LARGEST_GPA
    isolated_eV: Mapping[str, float] = field(default_factory=dict)


def read_labels(paths: Sequence[Path], reading: Reading | None = None) -> LabelSet:
    """Read and check label files.

    A frame with a single atom is an isolated atom, also with another ``config_type``.

    Args:
        paths: extended xyz, also compressed.
        reading: units, names and limits.

    Raises:
        LabelError: there are labels of several levels, a frame with two energies, a missing energy
            or force, an unfinished SCF, a frame that is damaged or not periodic, or energies,
            forces or stresses that are impossible in these units.
    """
    reading = reading or Reading()
    if reading.units not in UNITS:
        raise LabelError(f"--units {reading.units}: is unknown; choose from {', '.join(UNITS)}")
    frames: list[Atoms] = []
    places: list[str] = []
    notes: list[str] = []
    isolated = _Isolated()
    levels: dict[str, str] = {}
    for path in paths:
        first = len(frames)
        for number, atoms in enumerate(read_extxyz(Path(path), "label file"), start=1):
            where = f"{path}, frame {number}"
            take_results(atoms, where, UNITS[reading.units], reading.keys)
            key = str(atoms.info.get("level_key", atoms.info.get("level", "not named")))
            levels.setdefault(key, where)
            if len(levels) > 1:
                raise LabelError(_mixed_levels_message(levels, frames, atoms))
            if len(atoms) == 1:
                isolated.add(atoms, where)
                continue
            check_geometry(atoms, where)
            atoms.info.setdefault("run", Path(path).name.split(".")[0])
            atoms.info["molarity"] = round(molarity_of(atoms), 4)
            atoms.info["level"] = str(atoms.info.get("level", "not named"))
            frames.append(atoms)
            places.append(where)
        # One file at a time, because files may differ in units.
        check_forces(frames[first:], places[first:], reading.largest_force_eV_A)
        notes += check_stresses(frames[first:], places[first:], reading.largest_stress_GPa)
    if not frames:
        raise LabelError(f"{paths[0]}: has only isolated atoms and no frame of a liquid")
    alone = {**isolated.energies_eV, **reading.isolated_eV}
    check_energies(frames, places, alone)
    repeated = _repeated_frames(frames, places)
    kept = tuple(frame for k, frame in enumerate(frames) if k not in repeated)
    notes += [*isolated.notes, *repeated.values()]
    notes += [
        f"isolated {symbol} atom: the given {alone[symbol]:.10g} eV replace {energy:.10g} eV of "
        "the labels"
        for symbol, energy in isolated.energies_eV.items()
        if abs(alone[symbol] - energy) > 1e-4
    ]
    return LabelSet(kept, alone, kept[0].info["level"], next(iter(levels)), tuple(notes))


class _Isolated:
    """Energies of isolated atoms: of frames with this ``config_type``, else of any single atom."""

    def __init__(self) -> None:
        self.energies_eV: dict[str, float] = {}
        self.notes: list[str] = []
        self._named: set[str] = set()

    def add(self, atoms: Atoms, where: str) -> None:
        symbol, energy = atoms.get_chemical_symbols()[0], float(atoms.info[ENERGY])
        kind = atoms.info.get("config_type", "")
        named = str(kind).replace("_", "").lower() == ISOLATED.lower()
        known = self.energies_eV.get(symbol)
        if known is not None and abs(known - energy) > 1e-4:
            if named and symbol in self._named:
                raise LabelError(
                    f"{where}: its energy of the isolated {symbol} atom differs from that of an "
                    "earlier frame; keep one"
                )
            if not named:
                self.notes.append(
                    f"{where}: a single {symbol} atom (config_type {kind or 'missing'}) is left "
                    "out; the energy of the isolated atom comes from another frame"
                )
                return
        if named:
            self._named.add(symbol)
        else:
            self.notes.append(f"{where}: a single {symbol} atom is taken as the isolated atom (E0)")
        self.energies_eV[symbol] = energy


def _repeated_frames(frames: list[Atoms], places: list[str]) -> dict[int, str]:
    """Return the frames that repeat an earlier one, each with a sentence.

    Raises:
        LabelError: the two have different energies.
    """
    repeated = {}
    for i, j in duplicates(frames):
        if abs(frames[i].info[ENERGY] - frames[j].info[ENERGY]) > SAME_EV:
            raise LabelError(
                f"{places[j]}: is the same frame as {places[i]} with another energy "
                f"({frames[j].info[ENERGY]:.4f} and {frames[i].info[ENERGY]:.4f} eV); remove the "
                "wrong one"
            )
        repeated[j] = f"{places[j]}: left out, is the same as {places[i]}"
    return repeated


def _mixed_levels_message(levels: dict[str, str], frames: list[Atoms], atoms: Atoms) -> str:
    (_, first), (_, second) = levels.items()
    names = frames[0].info["level"] if frames else "another level", atoms.info.get("level")
    same = " (the names agree, the settings do not)" if names[0] == names[1] else ""
    return (
        f"{second}: is labelled at {names[1] or 'a level that it does not name'}, {first} at "
        f"{names[0]}{same}: energies of different levels do not mix; train on one level"
    )
