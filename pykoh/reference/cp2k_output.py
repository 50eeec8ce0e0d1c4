"""Reading energy, forces and stress from CP2K's output."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import LabelError
from pykoh.reference.level import Label

# CODATA 2006, the constants of CP2K itself (src/common/physcon.F): its numbers in atomic units then
# become exactly the numbers that it would print in eV.
HARTREE_EV = 27.21138386
BOHR_A = 0.52917720859
_GPA_PER_EV_A3 = 160.217649
# GPa per unit of pressure of CP2K (src/common/cp_units.F). Versions up to 2023 print GPa, later
# ones bar, and STRESS_UNIT in the input chooses any of them.
GPA_PER_UNIT = {
    "bar": 1e-4,
    "kbar": 0.1,
    "Mbar": 100.0,
    "Pa": 1e-9,
    "MPa": 1e-3,
    "GPa": 1.0,
    "atm": 1.01325e-4,
    "au_p": HARTREE_EV / BOHR_A**3 * _GPA_PER_EV_A3,
}

_ENERGY = re.compile(r"ENERGY\| Total FORCE_EVAL .*?:?\s+(-?\d+\.\d+)\s*$", re.MULTILINE)
_VERSION = re.compile(r"CP2K\| version string:\s+CP2K version (\S.*?)\s*$", re.MULTILINE)
_STEP = re.compile(r"^\s+\d+ OT (?:DIIS|CG|LS|SD)\b", re.MULTILINE)
_TIME = re.compile(r"^ CP2K\s+1\s+1\.0\s+\S+\s+\S+\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)
_FORCES_OLD = re.compile(r"ATOMIC FORCES in \[a\.u\.\]\s*\n(.*?)SUM OF ATOMIC FORCES", re.DOTALL)
_FORCES_NEW = re.compile(
    r"FORCES\| Atomic forces \[hartree/bohr\]\s*\n(.*?)FORCES\| Sum", re.DOTALL | re.IGNORECASE
)
_STRESS = re.compile(
    r"(?:STRESS\| Analytical stress tensor|STRESS TENSOR) \[([^\]]*)\]\s*\n.*?\n((?:.*\n){3})"
)


def is_converged(text: str) -> bool:
    """Return whether the wavefunction is converged (in the outer loop, if there is one)."""
    if "outer SCF loop FAILED" in text:
        return False
    if "outer SCF iter" in text:
        return "outer SCF loop converged" in text
    return "SCF run converged" in text and "SCF run NOT converged" not in text


def _rows(block: str, prefix: str, n_columns: int) -> NDArray[np.float64]:
    rows = []
    for line in block.splitlines():
        words = line.replace(prefix, "").split()
        try:
            rows.append([float(word) for word in words[-n_columns:]])
        except ValueError:
            continue
    return np.array([row for row in rows if len(row) == n_columns])


def _stress(text: str, name: str | Path, wanted: bool) -> NDArray[np.float64] | None:
    """Return the stress, [3, 3], eV/Å³, or None if the output has none."""
    found = _STRESS.search(text)
    if found is None:
        if wanted:
            raise LabelError(
                f"{name}: no stress in CP2K's output, although it was requested; pykoh does not "
                "know the format of this CP2K: please report its version"
            )
        return None
    unit = next((u for u in GPA_PER_UNIT if u.lower() == found[1].strip().lower()), None)
    rows = _rows(found[2], "STRESS|", 3)
    if unit is None or rows.shape != (3, 3):
        raise LabelError(
            f"{name}: CP2K's stress [{found[1]}] cannot be read; known units are "
            f"{', '.join(GPA_PER_UNIT)}"
        )
    # CP2K uses the sign of a pressure; ASE and MACE use the opposite one.
    return -rows * (GPA_PER_UNIT[unit] / _GPA_PER_EV_A3)


def parse_output(
    text: str,
    name: str | Path,
    n_atoms: int,
    recipe: str,
    core_s: float,
    with_stress: bool = False,
) -> Label:
    """Return the label in a CP2K output of ``RUN_TYPE ENERGY_FORCE``.

    Args:
        text: the whole output.
        name: the file, for messages.
        n_atoms: atoms of the frame.
        recipe: name of the settings of convergence.
        core_s: processor seconds; 0: use the time that CP2K reports (wall, one core).
        with_stress: the input requested the stress, so it must be in the output.

    Raises:
        LabelError: CP2K stopped early or did not converge; energy, forces or a requested stress is
            missing; or the unit of the stress is unknown.
    """
    if "PROGRAM ENDED" not in text:
        found = re.search(r"\[ABORT\].*?\n.*?\\___/\s+(\S.*?)\s+\*", text, re.DOTALL)
        raise LabelError(f"{name}: CP2K stopped early{': ' + found[1] if found else ''}")
    if not is_converged(text):
        raise LabelError(f"{name}: the SCF was not converged")
    energy = _ENERGY.search(text)
    block, columns = _FORCES_OLD.search(text), 3
    if block is None:
        # Versions since 2024 print the norm after the three components.
        block, columns = _FORCES_NEW.search(text), 4
    if energy is None or block is None:
        missing = "energy" if energy is None else "forces"
        raise LabelError(f"{name}: no {missing} in CP2K's output; add &PRINT &FORCES to its input")
    forces = _rows(block[1], "FORCES|", columns)[:, :3]
    if forces.shape != (n_atoms, 3):
        raise LabelError(f"{name}: forces on {len(forces)} atoms, the frame has {n_atoms}")
    version = _VERSION.search(text)
    if not core_s:
        times = _TIME.search(text)
        core_s = float(times[2]) if times else 0.0
    return Label(
        energy_eV=float(energy[1]) * HARTREE_EV,
        forces=forces * (HARTREE_EV / BOHR_A),
        stress=_stress(text, name, with_stress),
        core_s=core_s,
        scf_steps=len(_STEP.findall(text)),
        recipe=recipe,
        code=f"CP2K {version[1]}" if version else "CP2K",
    )
