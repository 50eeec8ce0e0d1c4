"""Checks of labels that find wrong units, wrong signs and damage.

Each check compares labels with known properties of aqueous solutions, and names a remedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pykoh.errors import LabelError
from pykoh.reference.frames import periodic_differences
from pykoh.reference.label_values import ENERGY, FORCES, STRESS

if TYPE_CHECKING:
    from ase import Atoms

# Forces of a liquid at 300-400 K: the root mean square is 0.5 to 1 eV/Å.
LARGEST_EV_A = 100.0
SMALLEST_RMS_EV_A = 0.1
# Stresses of a box of about 100 atoms: 1.5 GPa (root mean square), 5 GPa at most in the shipped
# labels; a box with 3 % shorter edges adds about 3 GPa.
LARGEST_GPA = 10.0
GPA_PER_EV_A3 = 160.2176634
# Energy of the liquid relative to isolated atoms: -4.1 to -4.0 eV/atom in the shipped labels. With
# isolated energies that were fitted instead of computed it is about 0.
BINDING_EV = (-10.0, 1.0)
# Slope of the stress over the contribution of the O-H bonds; 0.94 in the shipped labels.
SLOPES = (0.2, 5.0)
SMALLEST_CORRELATION = 0.4
FRAMES_FOR_SLOPE = 4


def check_forces(frames: Sequence[Atoms], places: Sequence[str], largest_eV_A: float) -> None:
    """Raise :class:`LabelError` if forces are all zero, too large, or too small for a liquid.

    Args:
        frames: frames of one file, each with two atoms or more.
        places: file and frame of each.
        largest_eV_A: the largest force that is accepted.
    """
    if not frames:
        return
    peaks = [float(np.linalg.norm(f.arrays[FORCES], axis=1).max()) for f in frames]
    worst = int(np.argmax(peaks))
    if peaks[worst] > largest_eV_A:
        raise LabelError(
            f"{places[worst]}: a force of {peaks[worst]:.4g} eV/Å; if the file is not in eV and "
            "eV/Å, say --units hartree or --units kcal/mol; else remove the frame or say "
            f"--max-force {np.ceil(peaks[worst]):.0f}"
        )
    if min(peaks) == 0.0:
        raise LabelError(
            f"{places[peaks.index(0.0)]}: all its forces are zero, which is impossible in a "
            "liquid: remove the frame or label it again"
        )
    rms = float(np.sqrt(np.mean(np.concatenate([f.arrays[FORCES].ravel() for f in frames]) ** 2)))
    if rms < SMALLEST_RMS_EV_A:
        raise LabelError(
            f"{places[0]}: the forces are {rms:.3g} eV/Å (root mean square), too small for a "
            "liquid; if they are in hartree/bohr, say --units hartree (if the structures are "
            "relaxed, put them into one file with frames of a liquid)"
        )


def check_stresses(frames: Sequence[Atoms], places: Sequence[str], largest_GPa: float) -> list[str]:
    """Refuse stresses that are too large or that contradict the forces.

    An O-H vector d with the force F on its H contributes -d⊗F to V·σ. O-H vibrations cause most
    of the fluctuations of V·σ: in the shipped labels a straight line through the traceless parts
    has the slope 0.94 (correlation 0.78). A wrong sign or unit of the stress changes the slope.

    Args:
        frames: of one file.
        places: file and frame of each.
        largest_GPa: the largest component that is accepted.

    Returns:
        A sentence if the stresses are not correlated with the forces; else nothing.

    Raises:
        LabelError: a component is too large, or the slope shows a wrong sign or unit.
    """
    pairs = [(f, p) for f, p in zip(frames, places, strict=True) if STRESS in f.info]
    for frame, place in pairs:
        peak = float(np.abs(frame.info[STRESS]).max()) * GPA_PER_EV_A3
        if peak > largest_GPa:
            raise LabelError(
                f"{place}: a stress of {peak:.3g} GPa; stresses are read in eV/Å³ (with --units "
                "hartree in hartree/bohr³), convert bar and GPa first (1 GPa = "
                f"0.00624151 eV/Å³); if it is correct, say --max-stress {np.ceil(peak):.0f}"
            )
    known = [_stress_and_bonds(frame) for frame, _ in pairs if _has_water(frame)]
    if len(known) < FRAMES_FOR_SLOPE:
        return []
    stress, bonds = (np.array(column) for column in zip(*known, strict=True))
    slope = float((stress * bonds).sum() / (bonds * bonds).sum())
    correlation = slope * np.sqrt((bonds * bonds).sum() / max((stress * stress).sum(), 1e-300))
    place = pairs[0][1]
    if abs(correlation) < SMALLEST_CORRELATION:
        return [
            f"{place}: the stresses do not follow the forces on the hydrogens (correlation "
            f"{correlation:.2f}, about 0.8 is usual); check that they belong to these frames"
        ]
    if SLOPES[0] < slope < SLOPES[1]:
        return []
    if -SLOPES[1] < slope < -SLOPES[0]:
        raise LabelError(
            f"{place}: the stresses have the opposite sign of what the forces on the hydrogens "
            "give; a stress is positive when the cell tends to shrink (a pressure is minus the "
            "stress): change the sign"
        )
    raise LabelError(
        f"{place}: the stresses are {slope:.2g} times what the forces on the hydrogens give; their "
        "unit is not eV/Å³ (with --units hartree: hartree/bohr³): convert them, or remove them"
    )


def _has_water(frame: Atoms) -> bool:
    symbols = frame.get_chemical_symbols()
    return "O" in symbols and symbols.count("H") > 1


def _stress_and_bonds(frame: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Return the traceless V·σ and the part of the bonds of H to the nearest O, [6] each, eV."""
    symbols = np.array(frame.get_chemical_symbols())
    hydrogens, oxygens = np.flatnonzero(symbols == "H"), np.flatnonzero(symbols == "O")
    vectors = periodic_differences(
        frame.positions[hydrogens][:, None] - frame.positions[oxygens][None], frame.cell.array
    )
    nearest = (vectors**2).sum(-1).argmin(1)
    bonds = vectors[np.arange(len(hydrogens)), nearest]
    tensors = (
        frame.info[STRESS] * frame.get_volume(),
        -bonds.T @ frame.arrays[FORCES][hydrogens],
    )
    upper = np.triu_indices(3)
    parts = []
    for tensor in tensors:
        symmetric = 0.5 * (tensor + tensor.T)
        parts.append((symmetric - np.trace(symmetric) / 3 * np.eye(3))[upper])
    return parts[0], parts[1]


def check_energies(
    frames: Sequence[Atoms], places: Sequence[str], isolated_eV: Mapping[str, float]
) -> None:
    """Raise :class:`LabelError` if the energy of a frame is not that of a liquid.

    Args:
        frames: frames of the liquid.
        places: file and frame of each.
        isolated_eV: energy of each isolated atom. Frames with other elements are not checked.
    """
    for frame, place in zip(frames, places, strict=True):
        symbols = frame.get_chemical_symbols()
        if any(symbol not in isolated_eV for symbol in symbols):
            continue
        total = float(frame.info[ENERGY])
        binding = (total - sum(isolated_eV[symbol] for symbol in symbols)) / len(frame)
        if not BINDING_EV[0] <= binding <= BINDING_EV[1]:
            raise LabelError(
                f"{place}: its energy against isolated atoms (E0) is {binding:+.4g} eV/atom, "
                f"outside {BINDING_EV[0]:g} to {BINDING_EV[1]:+g} (about -4 in aqueous KOH): "
                "the energies are not in the units of --units, or are per atom, or the E0 have "
                "another level of theory or unit"
            )
