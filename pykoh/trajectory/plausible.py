"""Check of the times of a trajectory: its atoms must move as in a liquid.

A dump without ``ITEM: UNITS`` may have times in ps or in fs, and users type ``--timestep`` and
``--interval``. The motion of the atoms shows wrong values:

- Velocities have a temperature, 3 kT/2 = m <v²>/2 per atom. A wrong unit changes it by 10⁶.
- From one frame to the next, atoms cannot move farther than with their thermal velocity,
  <Δr²> ≤ 3 kT τ²/m, at any temperature and any interval τ. (<Δr²> is ∫∫ of the autocorrelation of
  the velocity, which is largest at time 0.)
- While <Δr²> of the oxygens still grows with the square of time (below some 30 fs), their velocity
  is their displacement over τ. It must agree with the velocities of the file and a temperature.

Only motions that are impossible in a liquid are refused. Thresholds are orders of magnitude, or
15 % where displacements and velocities are directly proportional.

A given temperature (``--temperature``) must fit the same motion, also where LAMMPS wrote times and
units. Frames of a new box may be colder or hotter, so that it must fit within factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory.blocks import FrameBlock
from pykoh.trajectory.species import HYDROGEN, OXYGEN, Atoms

_K_PER_U_A2_PER_PS2 = 1.6605390666e-23 / 1.380649e-23  # CODATA 2018: u Å²/ps² over kB
_MEDIAN = 2.366  # of χ² with three degrees of freedom: median of |v|² in units of kT/m
_FRAMES = 64  # frames that are checked

_COLD_K, _HOT_K = 1.0, 1e5  # no liquid is below or above
_LIQUID_K = (30.0, 5000.0)  # temperatures that show that the other unit is right
_WRONG_UNIT = 1e6  # factor in temperature of a factor 1000 in time
_BALLISTIC = 3.0  # growth of <Δr²> over twice the time: 4 ballistic, 2 diffusive, 1 at rest
_SAME_THING = 0.95  # correlation of displacement and velocity if frames are close in time
_FURTHEST = 0.15  # relative difference that is then accepted
# Å²/ps: water has 0.2 at 25 °C, KOH of 18 mol/L at 0 °C about 0.01. A slower system is a glass.
_SLOWEST = 1e-3
_STILL_MOVING = 1.5  # growth of <Δr²> of H from one frame to half of them; in a solid it is 1
_FEWEST_FRAMES = 16
_FROM_TEMPERATURE = (0.05, 3.0)  # relative to the given temperature; a new box may be cold or hot
_CELSIUS = (-20.0, 100.0)  # a given temperature in this range may be meant in °C


@dataclass(frozen=True, slots=True)
class TimeSource:
    """The source of the times of a run.

    Attributes:
        source: ``units`` (the file holds times, ``--units`` gives their unit), ``timestep``,
            ``interval``, ``file`` (the file holds times and unit) or ``lammps`` (a dump with times
            and unit from LAMMPS, which are not doubted).
        units: ``metal`` or ``real``, as used.
        timestep_fs: the given time step, or None.
        interval_ps: the given interval, or None.
    """

    source: str
    units: str
    timestep_fs: float | None
    interval_ps: float | None

    def remedy(self, factor: float | None) -> str:
        """Return a remedy if times must be multiplied by ``factor`` (None: unknown)."""

        def fits(value: float | None, unit: str) -> str:
            if factor is None or value is None:
                return ""
            return f"; the motion of the atoms fits about {factor * value:.2g} {unit}"

        if self.source == "timestep":
            return (
                f"correct the MD step: you gave --timestep {self.timestep_fs:g} fs"
                f"{fits(self.timestep_fs, 'fs')}"
            )
        if self.source == "interval":
            return (
                f"correct the time between frames: you gave --interval {self.interval_ps:g} ps"
                f"{fits(self.interval_ps, 'ps')}"
            )
        if self.source == "units" and (factor is None or not 0.03 < factor < 30.0):
            other = "real" if self.units == "metal" else "metal"
            return (
                f"the file does not name its units, {self.units} was assumed: give --units {other}"
            )
        if self.source == "units":
            return f"the times of the file are wrong: they should be {factor:.2g} times as long"
        return "the times of the file are wrong; give the time between frames with --interval PS"

    def not_at(self, given_K: float, shown_K: float, factor: float) -> str:
        """Return a remedy if the motion does not fit the given temperature.

        Args:
            given_K: of ``--temperature``.
            shown_K: what the motion shows.
            factor: by which times could be wrong instead.
        """
        said = f"--temperature is {given_K:g} K"
        zero = 273.15
        low, high = _FROM_TEMPERATURE
        if _CELSIUS[0] <= given_K <= _CELSIUS[1] and low < shown_K / (given_K + zero) < high:
            return f"{said}; {given_K:g} °C are --temperature {given_K + zero:.5g}"
        if self.source == "lammps":
            return f"{said}; give the temperature of the run in kelvin"
        return f"{said}; {self.remedy(factor)}"


def _median_kelvin(squares: NDArray[np.float64], mass: float) -> float:
    """Return K from squared velocities, Å²/ps²; with the median, because hops are jumps."""
    return float(_K_PER_U_A2_PER_PS2 * mass * np.median(squares) / _MEDIAN)


def check_clock(
    frames: FrameBlock, atoms: Atoms, time_source: TimeSource, temperature_K: float | None
) -> None:
    """Refuse times or units that are impossible for a liquid.

    Args:
        frames: the first frames of a run, evenly spaced.
        atoms: the atoms.
        time_source: source of the times.
        temperature_K: the given temperature, or None.

    Raises:
        TrajectoryError: names the problem and the option that corrects it.
    """
    trusted = time_source.source == "lammps"
    if trusted and temperature_K is None:
        return
    last = min(len(frames.times_ps), _FRAMES)
    velocities = None if frames.velocities is None else frames.velocities[:last]
    if velocities is not None and not np.isfinite(velocities).all():
        velocities = None
    if velocities is not None and time_source.source in ("units", "timestep"):
        _check_unit(velocities, atoms, time_source)
    if velocities is not None and temperature_K is not None:
        _compare_temperature(velocities, atoms, time_source, temperature_K)
    oxygens = atoms.indices(OXYGEN)
    if last < 3 or len(oxygens) == 0:
        return
    tau = float(frames.times_ps[1] - frames.times_ps[0])
    positions = frames.positions[:last]
    weights = atoms.masses / atoms.masses.sum()
    centre = np.einsum("i,fik->fk", weights, positions)[:, None]
    oxygen = positions[:, oxygens] - centre
    if velocities is not None and not trusted:
        _compare_velocities(
            np.diff(positions[:, oxygens], axis=0), velocities[:, oxygens], tau, time_source
        )
    hydrogen = positions[:, atoms.indices(HYDROGEN)] - centre
    _check_displacements(oxygen, hydrogen, atoms, tau, time_source, temperature_K)
    if not trusted:
        _check_that_protons_get_away(hydrogen, tau, time_source)


def _kinetic_kelvin(velocities: NDArray[np.float64], atoms: Atoms) -> float:
    squares = (velocities**2).sum(axis=2)
    return float(_K_PER_U_A2_PER_PS2 * (atoms.masses * squares).mean() / 3.0)


def _compare_temperature(
    velocities: NDArray[np.float64], atoms: Atoms, time_source: TimeSource, temperature_K: float
) -> None:
    """Refuse a given temperature that is far from that of the velocities."""
    kelvin = _kinetic_kelvin(velocities, atoms)
    low, high = _FROM_TEMPERATURE
    if time_source.source == "lammps" and not _LIQUID_K[0] <= kelvin <= _LIQUID_K[1]:
        return
    if not low < kelvin / temperature_K < high:
        factor = float(np.sqrt(kelvin / temperature_K))
        raise TrajectoryError(
            f"its velocities are those of {kelvin:.3g} K, "
            f"{time_source.not_at(temperature_K, kelvin, factor)}"
        )


def _check_unit(velocities: NDArray[np.float64], atoms: Atoms, time_source: TimeSource) -> None:
    """Refuse velocities whose temperature fits a liquid only in the other LAMMPS unit."""
    kelvin = _kinetic_kelvin(velocities, atoms)
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
    """Refuse an interval that does not fit the velocities and the displacements.

    Args:
        steps: [n - 1, n_o, 3], Å, displacements of the oxygens from frame to frame.
        velocities: [n, n_o, 3], Å/ps.
        tau: ps between frames.
        time_source: source of the times.
    """
    mean = 0.5 * (velocities[1:] + velocities[:-1])
    along, speed, moved = (steps * mean).sum(), (mean**2).sum(), (steps**2).sum()
    if speed == 0.0 or moved == 0.0 or along < _SAME_THING * np.sqrt(speed * moved):
        return
    found = float(along / speed)  # ps
    if abs(found / tau - 1.0) > _FURTHEST:
        raise TrajectoryError(
            f"by its times its frames are {tau:g} ps apart, but with its velocities the atoms "
            f"need {found:.3g} ps for their displacements; {time_source.remedy(found / tau)}"
        )


def _check_displacements(
    oxygen: NDArray[np.float64],
    hydrogen: NDArray[np.float64],
    atoms: Atoms,
    tau: float,
    time_source: TimeSource,
    temperature_K: float | None,
) -> None:
    """Refuse displacements that are too long for any temperature, or far too short."""
    squares = {}
    for element, x in (("O", oxygen), ("H", hydrogen)):
        squares[element] = (np.diff(x, axis=0) ** 2).sum(axis=2) / tau**2
    mass = float(atoms.masses[atoms.indices(OXYGEN)[0]])
    kelvin = _median_kelvin(squares["O"], mass)
    of_hydrogen = kelvin
    if hydrogen.size:
        mass_h = float(atoms.masses[atoms.indices(HYDROGEN)[0]])
        of_hydrogen = _median_kelvin(squares["H"], mass_h)
    moves = f"its atoms move as at {kelvin:.3g} K in the {tau:g} ps between frames"
    trusted = time_source.source == "lammps"
    if not trusted and min(kelvin, of_hydrogen) > _HOT_K:
        raise TrajectoryError(f"{moves}; {time_source.remedy(None)}")
    once = squares["O"].mean() * tau**2
    twice = float(((oxygen[2:] - oxygen[:-2]) ** 2).sum(axis=2).mean())
    # Farther apart in time, their velocity is larger than their displacement says.
    close = once > 0.0 and twice >= _BALLISTIC * once
    wanted = temperature_K or 300.0
    factor = float(np.sqrt(kelvin / wanted))
    cold = kelvin < _COLD_K and _LIQUID_K[0] <= kelvin * _WRONG_UNIT <= _LIQUID_K[1]
    if close and cold and not trusted:
        raise TrajectoryError(f"{moves}; {time_source.remedy(factor)}")
    low, high = _FROM_TEMPERATURE
    # Where LAMMPS wrote the times, only the temperature can be wrong.
    if temperature_K is None or (trusted and not _LIQUID_K[0] <= kelvin <= _LIQUID_K[1]):
        return
    ratio = (kelvin if close else min(kelvin, of_hydrogen)) / temperature_K
    if ratio > high or (close and kelvin < low * temperature_K):
        raise TrajectoryError(f"{moves}, {time_source.not_at(temperature_K, kelvin, factor)}")


def _check_that_protons_get_away(
    hydrogen: NDArray[np.float64], tau: float, time_source: TimeSource
) -> None:
    """Refuse an interval in which the H atoms of any liquid would move much farther."""
    half = len(hydrogen) // 2
    if 2 * half < _FEWEST_FRAMES or hydrogen.size == 0:
        return
    once = float(((hydrogen[1:] - hydrogen[:-1]) ** 2).sum(axis=2).mean())
    later = float(((hydrogen[half:] - hydrogen[:-half]) ** 2).sum(axis=2).mean())
    apparent = later / (6.0 * half * tau)  # Å²/ps
    if later > _STILL_MOVING * once and apparent < _SLOWEST:
        raise TrajectoryError(
            f"its H atoms move {later**0.5:.2g} Å in {half * tau:.3g} ps (by its times), "
            f"less than a hundredth of the distance in water; {time_source.remedy(None)}"
        )
