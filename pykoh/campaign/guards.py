"""Guards of a running simulation: they detect that a potential has failed.

After each new restart file they check the last complete frame of the trajectory (every proton must
be bound, the number of hydroxides must be right) and the temperature; without a thermostat also
the energy, since the run began.
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pykoh.engines.resume import last_frame

if TYPE_CHECKING:
    from ase import Atoms

# A shared proton is 1.2 to 1.3 Å from both oxygens. Farther than this an H counts as unbound.
LOST_H_A = 1.6
# In concentrated solutions water ionises for some femtoseconds. Ion pairs accepted per O.
IONISED_PER_O = 0.05
# Limits of the mean temperature of the last rows, relative to the target.
TEMPERATURE_RANGE = (0.6, 1.6)
# Drift of the total energy without a thermostat, eV per atom over the whole run.
LARGEST_DRIFT_EV = 0.02
# Its mean is taken over so many bytes at the beginning and at the end of a run, about 1 ps.
_END_BYTES = 65536
_ROWS_OF_LOG = 20
_PRESSURE_COLUMNS = 11
_BOLTZMANN_EV = 8.617333262e-5  # per K (CODATA 2018, doi:10.1103/RevModPhys.93.025010)


@dataclass(frozen=True, slots=True)
class Alarm:
    """What is wrong with a run.

    Attributes:
        problem: a sentence.
        frame: the frame that shows it, or None.
    """

    problem: str
    frame: Atoms | None


def find_problem(
    dump: Path, log: Path, temperature_K: float, cation: str, constant_energy: bool
) -> Alarm | None:
    """Return what is wrong with a run, or None.

    Args:
        dump: its trajectory (``id type xu yu zu``; types 1 = H, 2 = O, 3 = cation).
        log: LAMMPS's log.
        temperature_K: target; 0: not checked.
        cation: element of type 3.
        constant_energy: whether there is no thermostat.
    """
    frame = newest_frame(dump, cation)
    problem = None if frame is None else broken_molecules(frame, cation)
    problem = problem or wrong_thermo(log, temperature_K)
    if problem is None and constant_energy and frame is not None:
        drift = energy_drift(dump.with_suffix(".pressure.txt"), log, len(frame))
        if abs(drift) > LARGEST_DRIFT_EV:
            problem = f"the energy has drifted by {1e3 * drift:.1f} meV/atom"
    return None if problem is None else Alarm(problem, frame)


def newest_frame(dump: Path, cation: str) -> Atoms | None:
    """Return the last complete frame of a LAMMPS text dump, or None if there is none yet."""
    from ase.io import read

    if not dump.exists():
        return None
    with dump.open("rb") as stream:
        end = stream.seek(0, 2)
        # The last one may be incomplete: try it, then the one before.
        for _ in range(2):
            found = last_frame(stream, end)
            if found is None:
                return None
            start, _step = found
            stream.seek(start)
            text = stream.read(end - start).decode(errors="replace")
            lines = text.splitlines()
            heads = [k for k, line in enumerate(lines) if line.startswith("ITEM: ATOMS")]
            whole = bool(heads) and len(lines) == heads[0] + 1 + _atoms_of(lines)
            if whole and text.endswith("\n"):
                order = ["H", "O", cation]
                atoms: Atoms = read(  # type: ignore[assignment]
                    io.StringIO(text), format="lammps-dump-text", specorder=order
                )
                return atoms
            end = start
    return None


def _atoms_of(lines: list[str]) -> int:
    for before, line in pairwise(lines):
        if before.startswith("ITEM: NUMBER OF ATOMS") and line.strip().isdigit():
            return int(line)
    return 0


def broken_molecules(frame: Atoms, cation: str) -> str | None:
    """Return what is wrong with the molecules of a frame, or None.

    There should be as many hydroxides as cations; a few more may come from ionised water.
    """
    from scipy.spatial import cKDTree

    if not np.isfinite(frame.positions).all():
        return "coordinates are not numbers"
    n_koh = frame.get_chemical_symbols().count(cation)
    lengths = frame.cell.lengths()
    inside = np.mod(frame.positions, lengths)
    inside[inside >= lengths] = 0.0
    oxygen, hydrogen = frame.numbers == 8, frame.numbers == 1
    distance, owner = cKDTree(inside[oxygen], boxsize=lengths).query(inside[hydrogen])
    if distance.max(initial=0.0) > LOST_H_A:
        atom = int(np.flatnonzero(hydrogen)[distance.argmax()]) + 1
        return f"H atom {atom} is {distance.max():.2f} Å from the nearest O: a molecule is broken"
    bound = np.bincount(owner, minlength=int(oxygen.sum()))
    n_hydroxides = int((bound == 1).sum())
    allowed = max(1, round(IONISED_PER_O * len(bound)))
    if abs(n_hydroxides - n_koh) > allowed or (bound == 0).sum() > allowed:
        return f"{n_hydroxides} hydroxides instead of {n_koh}: molecules are broken"
    return None


def wrong_thermo(log: Path, temperature_K: float) -> str | None:
    """Return what is wrong with temperature or energy in a LAMMPS log, or None."""
    rows = _thermo(log)
    if len(rows) < 3:
        return None
    recent = rows[-20:]
    if not np.isfinite(rows[["Temp", "TotEng"]].tolist()).all():
        return "temperature or energy is not a number"
    mean = float(recent["Temp"].mean())
    low, high = (factor * temperature_K for factor in TEMPERATURE_RANGE)
    if temperature_K and not low <= mean <= high:
        return f"the temperature is {mean:.0f} K instead of {temperature_K:g} K"
    return None


def energy_drift(pressure: Path, log: Path, n_atoms: int) -> float:
    """Return by how much the total energy has drifted since the run began, eV per atom.

    LAMMPS begins its log anew when a run is continued. NAME.pressure.txt goes on: it has the
    temperature and the potential energy from the first step to the last. Where a user has removed
    it, the log is better than nothing. 0 is returned if neither has two rows.

    Args:
        pressure: NAME.pressure.txt.
        log: LAMMPS's log.
        n_atoms: of the box, whose total momentum is zero.
    """
    ends = _ends_of(pressure, n_atoms)
    if any(len(each) == 0 for each in ends):
        rows = _thermo(log)["TotEng"]
        few = min(len(rows) // 2, _ROWS_OF_LOG)
        ends = (rows[:few], rows[len(rows) - few :])
    if any(len(each) == 0 for each in ends):
        return 0.0
    return float(ends[1].mean() - ends[0].mean()) / n_atoms


def _ends_of(pressure: Path, n_atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Return total energies of the first and of the last rows of a pressure file, eV."""
    try:
        with pressure.open("rb") as stream:
            first = stream.read(_END_BYTES)
            stream.seek(max(pressure.stat().st_size - _END_BYTES, 0))
            last = stream.read()
    except OSError:
        first = last = b""
    # The last row of the one part, and the first row of the other, may be cut off.
    return _energies(first[: first.rfind(b"\n") + 1], n_atoms), _energies(last, n_atoms)


def _energies(rows: bytes, n_atoms: int) -> np.ndarray:
    """Return the total energy of each complete row of a pressure file, eV."""
    found = []
    for line in rows.decode("ascii", errors="replace").splitlines():
        words = line.split()
        if len(words) == _PRESSURE_COLUMNS and not line.startswith("#"):
            with suppress(ValueError):
                found.append((float(words[8]), float(words[10])))
    temperature, potential = np.array(found).reshape(-1, 2).T
    energies: np.ndarray = potential + 1.5 * (n_atoms - 1) * _BOLTZMANN_EV * temperature
    return energies


def _thermo(log: Path) -> np.ndarray:
    """Return Temp and TotEng of the last thermo table of a log."""
    kind = [("Temp", float), ("TotEng", float)]
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return np.zeros(0, dtype=kind)
    columns: list[str] = []
    rows: list[tuple[float, float]] = []
    for line in lines:
        words = line.split()
        if words[:1] == ["Step"] and {"Temp", "TotEng"} <= set(words):
            columns, rows = words, []
        elif columns and len(words) == len(columns):
            try:
                values = dict(zip(columns, map(float, words), strict=True))
            except ValueError:
                continue
            rows.append((values["Temp"], values["TotEng"]))
    return np.array(rows, dtype=kind)
