"""Whether the times of a trajectory can be right, from how far its atoms move.

A dump without ``ITEM: UNITS`` does not say whether its times are ps or fs; ``--timestep`` and
``--interval`` are typed by hand. What the atoms do tells:

- Velocities have a temperature, 3 kT/2 = m <v²>/2 per atom. In the wrong unit it is off by 10⁶.
- From one frame to the next atoms cannot move farther than at their thermal velocity,
  <Δr²> ≤ 3 kT τ²/m, at any temperature and any interval τ. (It is ∫∫ of the autocorrelation of
  the velocity, which is nowhere above its value at time 0.)
- While <Δr²> of the oxygens still grows with the square of time (below some 30 fs), their velocity
  is their displacement over τ. It must agree with the velocities of the file and a temperature.

Only what no liquid does is refused: thresholds are orders of magnitude, or 15 % where displacements
and velocities are the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory.blocks import Frames
from pykoh.trajectory.species import HYDROGEN, OXYGEN, Atoms

_K_PER_U_A2_PER_PS2 = 1.6605390666e-23 / 1.380649e-23  # CODATA 2018: u Å²/ps² over kB
_MEDIAN = 2.366  # of χ² with three degrees of freedom: median of |v|² in units of kT/m
_FRAMES = 64  # that are looked at

_COLD_K, _HOT_K = 1.0, 1e5  # no liquid is below or above
_LIQUID_K = (30.0, 5000.0)  # what a wrong unit is told by
_WRONG_UNIT = 1e6  # factor in temperature of a factor 1000 in time
_BALLISTIC = 3.0  # growth of <Δr²> over twice the time: 4 ballistic, 2 diffusive, 1 at rest
_SAME_THING = 0.95  # correlation of displacement and velocity of frames that are near in time
_FURTHEST = 0.15  # by which they may then differ
# Å²/ps: water has 0.2 at 25 °C, KOH of 18 mol/L at 0 °C some 0.01. What is slower is a glass.
_SLOWEST = 1e-3
_STILL_MOVING = 1.5  # growth of <Δr²> of H from one frame to half of them; in a solid it is 1
_FEWEST_FRAMES = 16
_FROM_TEMPERATURE = (0.02, 6.0)  # share of the given temperature; a box may be cold or hot at first


@dataclass(frozen=True, slots=True)
class TimeSource:
    """Where the times of a run come from.

    Attributes:
        source: ``units`` (the unit of the file's times is taken from ``--units``), ``timestep``,
            ``interval``, ``file`` (the file says times and unit) or ``lammps`` (LAMMPS wrote both
            into the dump, which is never doubted).
        units: ``metal`` or ``real``, as taken.
        timestep_fs: as given, or None.
        interval_ps: as given, or None.
    """

    source: str
    units: str
    timestep_fs: float | None
    interval_ps: float | None

    def remedy(self, factor: float | None) -> str:
        """Return what to do if times are to be multiplied by ``factor`` (None: not known)."""

        def fits(value: float | None, unit: str) -> str:
            if factor is None or value is None:
                return ""
            return f"; about {factor * value:.2g} {unit} would fit"

        if self.source == "timestep":
            return (
                f"give the MD step, --timestep {self.timestep_fs:g} is taken as fs"
                f"{fits(self.timestep_fs, 'fs')}"
            )
        if self.source == "interval":
            return (
                f"give the time between frames, --interval {self.interval_ps:g} is taken as ps"
                f"{fits(self.interval_ps, 'ps')}"
            )
        if self.source == "units" and (factor is None or not 0.03 < factor < 30.0):
            other = "real" if self.units == "metal" else "metal"
            return f"the file does not say its units, {self.units} was taken: give --units {other}"
        if self.source == "units":
            return f"the times of the file do not fit, {factor:.2g} times as long ones would"
        return "the times of the file do not fit; give the time between frames with --interval PS"


def _median_kelvin(squares: NDArray[np.float64], mass: float) -> float:
    """Return K of squared velocities, Å²/ps²; the median, as protons that hop jump."""
    return float(_K_PER_U_A2_PER_PS2 * mass * np.median(squares) / _MEDIAN)


def check_clock(
    frames: Frames, atoms: Atoms, time_source: TimeSource, temperature_K: float | None
) -> None:
    """Refuse times, or units, that no liquid can have.

    Args:
        frames: the first ones of a run, evenly spaced.
        atoms: the atoms.
        time_source: where their times come from.
        temperature_K: the temperature that was given, or None.

    Raises:
        TrajectoryError: what is wrong and which option mends it.
    """
    if time_source.source == "lammps":
        return
    last = min(len(frames.times_ps), _FRAMES)
    velocities = None if frames.velocities is None else frames.velocities[:last]
    if velocities is not None and not np.isfinite(velocities).all():
        velocities = None
    if velocities is not None and time_source.source in ("units", "timestep"):
        _check_unit(velocities, atoms, time_source)
    oxygens = atoms.indices(OXYGEN)
    if last < 3 or len(oxygens) == 0:
        return
    tau = float(frames.times_ps[1] - frames.times_ps[0])
    positions = frames.positions[:last]
    weights = atoms.masses / atoms.masses.sum()
    centre = np.einsum("i,fik->fk", weights, positions)[:, None]
    oxygen = positions[:, oxygens] - centre
    if velocities is not None:
        _compare_velocities(
            np.diff(positions[:, oxygens], axis=0), velocities[:, oxygens], tau, time_source
        )
    hydrogen = positions[:, atoms.indices(HYDROGEN)] - centre
    _check_displacements(oxygen, hydrogen, atoms, tau, time_source, temperature_K)
    _check_that_protons_get_away(hydrogen, tau, time_source)


def _check_unit(velocities: NDArray[np.float64], atoms: Atoms, time_source: TimeSource) -> None:
    """Refuse velocities whose temperature is that of a liquid in the other unit of LAMMPS."""
    squares = (velocities**2).sum(axis=2)
    kelvin = float(_K_PER_U_A2_PER_PS2 * (atoms.masses * squares).mean() / 3.0)
    other = kelvin * _WRONG_UNIT if time_source.units == "metal" else kelvin / _WRONG_UNIT
    off = kelvin < _COLD_K if time_source.units == "metal" else kelvin > _HOT_K
    if off and _LIQUID_K[0] <= other <= _LIQUID_K[1]:
        right = "real" if time_source.units == "metal" else "metal"
        raise TrajectoryError(
            f"read in LAMMPS units {time_source.units}, its velocities are those of "
            f"{kelvin:.2g} K; in units {right} those of {other:.0f} K; give --units {right}"
        )


def _compare_velocities(
    steps: NDArray[np.float64], velocities: NDArray[np.float64], tau: float, time_source: TimeSource
) -> None:
    """Refuse an interval that is not the time in which atoms at these velocities move so far.

    Args:
        steps: [n - 1, n_o, 3], Å, displacements of the oxygens from frame to frame.
        velocities: [n, n_o, 3], Å/ps.
        tau: ps between frames.
        time_source: where it comes from.
    """
    mean = 0.5 * (velocities[1:] + velocities[:-1])
    along, speed, moved = (steps * mean).sum(), (mean**2).sum(), (steps**2).sum()
    if speed == 0.0 or moved == 0.0 or along < _SAME_THING * np.sqrt(speed * moved):
        return
    found = float(along / speed)  # ps
    if abs(found / tau - 1.0) > _FURTHEST:
        raise TrajectoryError(
            f"its frames are {tau:g} ps apart by its times, but atoms at its velocities move as "
            f"far as they do in {found:.3g} ps; {time_source.remedy(found / tau)}"
        )


def _check_displacements(
    oxygen: NDArray[np.float64],
    hydrogen: NDArray[np.float64],
    atoms: Atoms,
    tau: float,
    time_source: TimeSource,
    temperature_K: float | None,
) -> None:
    """Refuse displacements that are too long for any temperature, or far too short for one."""
    squares = {}
    for element, x in (("O", oxygen), ("H", hydrogen)):
        squares[element] = (np.diff(x, axis=0) ** 2).sum(axis=2) / tau**2
    mass = float(atoms.masses[atoms.indices(OXYGEN)[0]])
    kelvin = _median_kelvin(squares["O"], mass)
    of_hydrogen = kelvin
    if hydrogen.size:
        mass_h = float(atoms.masses[atoms.indices(HYDROGEN)[0]])
        of_hydrogen = _median_kelvin(squares["H"], mass_h)
    moves = f"its atoms move as at {kelvin:.2g} K in the {tau:g} ps between frames"
    if min(kelvin, of_hydrogen) > _HOT_K:
        raise TrajectoryError(f"{moves}; {time_source.remedy(None)}")
    once = squares["O"].mean() * tau**2
    twice = float(((oxygen[2:] - oxygen[:-2]) ** 2).sum(axis=2).mean())
    if once == 0.0 or twice < _BALLISTIC * once:
        return  # too far apart in time for their displacement to be a velocity
    wanted = temperature_K or 300.0
    factor = float(np.sqrt(kelvin / wanted))
    if kelvin < _COLD_K and _LIQUID_K[0] <= kelvin * _WRONG_UNIT <= _LIQUID_K[1]:
        raise TrajectoryError(f"{moves}; {time_source.remedy(factor)}")
    low, high = _FROM_TEMPERATURE
    if temperature_K is not None and not low < kelvin / temperature_K < high:
        raise TrajectoryError(
            f"{moves}, --temperature is {temperature_K:g} K; {time_source.remedy(factor)}"
        )


def _check_that_protons_get_away(
    hydrogen: NDArray[np.float64], tau: float, time_source: TimeSource
) -> None:
    """Refuse an interval in which the H atoms of any liquid would have moved much farther."""
    half = len(hydrogen) // 2
    if 2 * half < _FEWEST_FRAMES or hydrogen.size == 0:
        return
    once = float(((hydrogen[1:] - hydrogen[:-1]) ** 2).sum(axis=2).mean())
    later = float(((hydrogen[half:] - hydrogen[:-half]) ** 2).sum(axis=2).mean())
    apparent = later / (6.0 * half * tau)  # Å²/ps
    if later > _STILL_MOVING * once and apparent < _SLOWEST:
        raise TrajectoryError(
            f"its H atoms move {later**0.5:.2g} Å while {half * tau:.3g} ps pass by its times, "
            f"less than a hundredth of what they do in water; {time_source.remedy(None)}"
        )
