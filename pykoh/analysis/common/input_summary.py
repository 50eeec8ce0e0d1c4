"""What was read, as every view of the results needs it."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate
from pykoh.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class InputSummary:
    """What was read.

    Attributes:
        files: the trajectory files, in the order in which they were read.
        cation: element of the cation, e.g. ``"K"``.
        n_frames: frames that were used.
        n_atoms: atoms in each.
        n_koh: cations in the box.
        n_hydroxide: net hydroxide ions by stoichiometry, 2 n(O) - n(H).
        n_h2o: water molecules, n(O) - n_hydroxide.
        frame_interval_ps: time between frames that follow each other; None for a single frame.
        start_ps: time of the first frame.
        duration_ps: from the first to the last frame.
        cell_A: [3, 3], Å, time-averaged cell vectors in rows.
        volume_A3: time-averaged volume, Å³.
        molarity_mol_per_L: n_koh per volume.
        temperature: K, given by the user, from velocities or from the pressure record; None if
            unknown.
        temperature_source: ``"option"``, ``"velocities"``, ``"record"`` or ``"unknown"``.
        notes: what happened while reading (a last frame cut off, repeated frames dropped ...).
        density_kg_per_m3: mass of all atoms per volume.
        drifts: what is not in equilibrium at the beginning, in words; empty if nothing is, None if
            the run is too short to tell.
        no_bulk: why the volume of the box is not that of a solution (a vacuum), or None.
    """

    files: tuple[str, ...]
    cation: str
    n_frames: int
    n_atoms: int
    n_koh: int
    n_hydroxide: int
    n_h2o: int
    frame_interval_ps: float | None
    start_ps: float
    duration_ps: float
    cell_A: FloatArray
    volume_A3: float
    molarity_mol_per_L: float
    temperature: Estimate | None
    temperature_source: str
    notes: tuple[str, ...]
    density_kg_per_m3: float | None = None
    drifts: tuple[str, ...] | None = None
    no_bulk: str | None = None

    @property
    def temperature_K(self) -> float | None:  # noqa: N802  (K, as in the fields)
        """The temperature without its error, K; None if unknown."""
        return None if self.temperature is None else self.temperature.value
