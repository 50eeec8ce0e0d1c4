"""Temperature, viscosity, diffusion and conductivity of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.equilibration import Watched, halves_warning, record
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.msd_order_n import DEPTH, Displacements, n_levels
from pykoh.analysis.common.statistics import ratio_stderr
from pykoh.analysis.hops.lasting import LastingMoves
from pykoh.analysis.hops.observable import ProtonHops
from pykoh.analysis.observable import Block, Observable, Outcome, System
from pykoh.analysis.transport import diffusion as of_diffusion
from pykoh.analysis.transport.conductivity import conductivity, ion_tracks
from pykoh.analysis.transport.fitting import DEFAULT_EARLIEST_PS
from pykoh.analysis.transport.hop_walk import hop_walk, too_few_hops
from pykoh.analysis.transport.msd_fft import MeanSquares, chunk_frames
from pykoh.analysis.transport.temperature import Thermometer
from pykoh.analysis.transport.values import Conductivity, Diffusion, ViscosityFound
from pykoh.analysis.transport.viscosity import read_pressure, viscosity
from pykoh.analysis.transport.waypoints import Waypoints
from pykoh.arrays import FloatArray
from pykoh.errors import TrajectoryError

_SHORTEST_RECORD_PS = 1.0
"""A shorter pressure record says nothing about the temperature: the box may be heating up."""

_RINGS_BYTES = 200e6
"""Memory for positions at earlier times, in single precision; 8 levels for 108,000 atoms."""


class Temperature(Observable["Estimate | None"]):
    """Mean kinetic temperature (K); None without velocities."""

    name = "temperature"
    STATE = ("_thermometer",)

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self._thermometer = Thermometer(system.atoms.masses)

    def add(self, block: Block, found: Any) -> None:
        """Take in frames that follow those before."""
        if block.velocities is not None:
            self._thermometer.add(block.velocities)

    def watched(self, start_ps: float, stop_ps: float) -> list[Watched]:
        """Return the temperature over the run."""
        return [Watched("temperature", " K", *self._thermometer.segments())]

    def result(self, outcome: Outcome) -> tuple[Estimate | None, list[AnalysisWarning]]:
        """Return the temperature."""
        return self._thermometer.result(), []


class ShearViscosity(Observable[ViscosityFound]):
    """Viscosity from the pressure records of a run, and why it is missing or doubtful.

    Args:
        system: what is known of the run.
        files: NAME.pressure.txt of the run, in order of time; may be empty.
        given: the user named them; if not, a record that cannot be used is a warning.

    Raises:
        TrajectoryError: a record that the user named cannot be used.
    """

    name = "viscosity"

    def __init__(self, system: System, files: Sequence[str], given: bool) -> None:
        super().__init__(system)
        self._files = files
        self._pressure: tuple[FloatArray, FloatArray, FloatArray] | None = None
        self._reason: str | None = None
        if not files:
            return
        try:
            self._pressure = read_pressure(files)
        except TrajectoryError as error:
            if given:
                raise
            self._reason = str(error)

    def add(self, block: Block, found: Any) -> None:
        """Take in nothing: the record was read before."""

    def watched(self, start_ps: float, stop_ps: float) -> list[Watched]:
        """Return temperature and potential energy of the records."""
        return [] if self._pressure is None else record(self._files, start_ps, stop_ps)

    def recorded(self, start_ps: float, stop_ps: float) -> Estimate | None:
        """Return the mean temperature of the records, K; None if they have none or are short."""
        if self._pressure is None:
            return None
        times = self._pressure[0]
        times = times[(times >= start_ps) & (times <= stop_ps)]
        if not len(times) or times[-1] - times[0] < _SHORTEST_RECORD_PS:
            return None
        for each in self.watched(start_ps, stop_ps):
            if each.name == "temperature" and each.denominator.sum() > 0:
                mean = float(each.numerator.sum() / each.denominator.sum())
                return Estimate.number(mean, ratio_stderr(each.numerator, each.denominator))
        return None

    def result(self, outcome: Outcome) -> tuple[ViscosityFound, list[AnalysisWarning]]:
        """Return the viscosity and the reason; the warning is that of :class:`Transport`."""
        if self._pressure is None:
            return ViscosityFound(None, self._reason), []
        kelvin = outcome.summary.temperature_K
        if kelvin is None:
            reason = "needs the temperature: --temperature K, or velocities in the dump"
            return ViscosityFound(None, reason), []
        rows = self._pressure
        if self.system.is_part:
            rows = _within(rows, outcome.summary)
        times, pressure, volume = rows
        return ViscosityFound(*viscosity(times, pressure, float(volume.mean()), kelvin)), []

    def shown(self, result: ViscosityFound) -> ViscosityFound:
        """Return the viscosity: it says how it is shown."""
        return result


_HYDROXIDE = ("OH-", "OH-_vehicular", "OH-_structural")


def _shared(waypoints_of: dict[str, Waypoints], interval_ps: float | None) -> dict[str, float]:
    """Return by species the error of the slope that particles share; hydrogen goes with oxygen."""
    if interval_ps is None:
        return {}
    found = {
        name: each.shared(interval_ps, DEFAULT_EARLIEST_PS) for name, each in waypoints_of.items()
    }
    return found | dict.fromkeys(("H", "H2O"), found["O"])


def _within(
    record: tuple[FloatArray, FloatArray, FloatArray], summary: InputSummary
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the rows of a pressure record that are of the time of the frames.

    A record that begins to count at another time, as after a reset of the step, is taken whole.
    """
    times = record[0]
    start, stop = summary.start_ps, summary.start_ps + summary.duration_ps
    inside = (times >= start - 1e-6) & (times <= stop + 1e-6)
    if inside.sum() < 3:
        return record
    return times[inside], record[1][inside], record[2][inside]


@dataclass(frozen=True, slots=True, eq=False)
class TransportFound:
    """Diffusion, and what a conductivity is made of.

    Attributes:
        diffusion: of each species.
        charge: moments of :func:`pykoh.analysis.transport.conductivity.ion_tracks`, or None.
    """

    diffusion: Diffusion
    charge: tuple[Displacements, ...] | None


class Transport(Observable[TransportFound]):
    """Mean-square displacements of all species and of the charge, and the diffusion they give.

    Args:
        system: what is known of the run.
        viscosity_mPa_s: for the Yeh-Hummer correction, or None: that of the pressure records.
        fit_window_ps: first and last lag of the fits, or None: chosen.
        rattle_window_ps: a transfer that leads back within this time is a rattle.
    """

    name = "diffusion"
    STATE = ("_cations", "_hydrogens", "_oxygens", "_hydroxides", "_charge", "_waypoints", "_moves")

    def __init__(
        self,
        system: System,
        viscosity_mPa_s: float | None,
        fit_window_ps: tuple[float, float] | None,
        rattle_window_ps: float,
    ) -> None:
        super().__init__(system)
        self._viscosity, self._window = viscosity_mPa_s, fit_window_ps
        n_id = system.n_identities
        n_tracks = len(system.atoms.ids) + 3 * n_id + 3
        levels = n_levels(12.0 * DEPTH * n_tracks, _RINGS_BYTES)
        chunk = chunk_frames(n_tracks)
        self._cations = MeanSquares(len(system.cations), levels, chunk)
        self._hydrogens = MeanSquares(len(system.hydrogens), levels, chunk)
        self._oxygens = MeanSquares(len(system.oxygens), levels, chunk, subset=True)
        # Total, vehicular and structural displacement.
        self._hydroxides = [MeanSquares(n_id, levels, chunk) for _ in range(3)]
        self._moves = LastingMoves(n_id, system.interval_ps or 1.0, rattle_window_ps)
        # Cations minus hydroxides; cations; hydroxides.
        self._charge = [MeanSquares(1, levels, chunk) for _ in range(3)]
        groups = len(system.cations), len(system.oxygens), n_id, n_id, n_id
        self._waypoints = [Waypoints(n) for n in groups]

    def add(self, block: Block, found: Any) -> None:
        """Take in frames that follow those before."""
        system, positions, submit = self.system, block.positions, block.submit
        cations, oxygens = system.cations, system.oxygens
        self._cations.add(positions, cations, submit=submit)
        self._hydrogens.add(positions, system.hydrogens, submit=submit)
        self._oxygens.add(positions, oxygens, block.found.counts == 2, submit)
        total = block.paths[0]
        paths = total, *self._moves.add(total, block.events, block.vectors_A)
        for correlator, path in zip(self._hydroxides, paths, strict=True):
            correlator.add(path, submit=submit)
        groups = positions[:, cations], positions[:, oxygens], *paths
        for waypoints, path in zip(self._waypoints, groups, strict=True):
            waypoints.add(path)
        tracks = ion_tracks(groups[0], total)
        for correlator, path in zip(self._charge, tracks, strict=True):
            correlator.add(path, submit=submit)

    def _correlators(self) -> tuple[MeanSquares, ...]:
        groups = (self._cations, self._hydrogens, self._oxygens)
        return *groups, *self._hydroxides, *self._charge

    def settle(self) -> None:
        """Wait for the chunks that other threads compute."""
        for correlator in self._correlators():
            correlator.settle()

    def _moments(self) -> dict[str, Displacements | None]:
        def of(correlator: MeanSquares, n: int, subset: bool = False) -> Displacements | None:
            return correlator.result(subset) if n else None

        system = self.system
        n_id, n_o = system.n_identities, len(system.oxygens)
        cation = f"{system.atoms.cation}+"
        total, vehicular, structural = self._hydroxides
        return {
            cation: of(self._cations, len(system.cations)),
            "OH-": of(total, n_id),
            "OH-_vehicular": of(vehicular, n_id),
            "OH-_structural": of(structural, n_id),
            "H2O": of(self._oxygens, n_o - n_id, subset=True),
            "H": of(self._hydrogens, len(system.hydrogens)),
            "O": of(self._oxygens, n_o),
        }

    def _charge_moments(self, interval_ps: float | None) -> tuple[Displacements, ...] | None:
        if interval_ps is None or not self.system.n_identities or not len(self.system.cations):
            return None
        return tuple(correlator.result() for correlator in self._charge)

    def result(self, outcome: Outcome) -> tuple[TransportFound, list[AnalysisWarning]]:
        """Return the diffusion of each species, and what is missing."""
        for k, path in enumerate(self._moves.finish(), 1):
            self._hydroxides[k].add(path, submit=outcome.submit)
            self._waypoints[k - 3].add(path)
        for wait in [correlator.finish(outcome.submit) for correlator in self._correlators()]:
            wait()
        summary, interval = outcome.summary, outcome.interval_ps
        of_pressure = outcome.of(ShearViscosity)
        measured = of_pressure.viscosity
        eta = None if measured is None else measured.viscosity_mPa_s
        if self._viscosity is not None:
            eta = Estimate.given(self._viscosity)
        correction = of_diffusion.finite_size_correction(summary.cell_A, summary.temperature_K, eta)
        hops = outcome.of(ProtonHops)
        charge = self._charge_moments(interval)
        cation = f"{self.system.atoms.cation}+"
        waypoints_of = dict(zip((cation, "O", *_HYDROXIDE), self._waypoints, strict=True))
        run = of_diffusion.DiffusionInput(
            interval, outcome.n_frames, self._window,
            hop_walk(hops.counter, hops.grotthuss.directionality),
            charge, _shared(waypoints_of, interval), hops.grotthuss.rattle_window_ps,
            float(hops.grotthuss.n_hops) if hops.grotthuss.n_transfers else math.inf,
            hop_walk(self._moves.hops, self._moves.directionality()),
        )  # fmt: skip
        found, warnings = of_diffusion.diffusion(self._moments(), run, correction)
        for name in (cation, "OH-", "O"):
            waypoints = waypoints_of[name]
            entry = found.of(name)
            if entry is not None and entry.fit is not None and interval is not None:
                way = waypoints.squares(interval, entry.fit.start_ps)
                warnings += halves_warning(f"diffusion.{name}", "Å²/ps", *way)
        if of_pressure.reason is not None:
            warnings.append(AnalysisWarning("diffusion.viscosity", of_pressure.reason))
        return TransportFound(replace(found, viscosity=measured), charge), warnings

    def shown(self, result: TransportFound) -> Diffusion:
        """Return what is shown of diffusion."""
        return result.diffusion


class IonicConductivity(Observable[Conductivity]):
    """Conductivity, from what :class:`Transport` and :class:`ProtonHops` found.

    Args:
        system: what is known of the run.
        fit_window_ps: first and last lag of the fit, or None: chosen.
    """

    name = "conductivity"

    def __init__(self, system: System, fit_window_ps: tuple[float, float] | None) -> None:
        super().__init__(system)
        self._window = fit_window_ps

    def add(self, block: Block, found: Any) -> None:
        """Take in nothing."""

    def result(self, outcome: Outcome) -> tuple[Conductivity, list[AnalysisWarning]]:
        """Return the conductivity, and what is missing."""
        transport, hops = outcome.of(Transport), outcome.of(ProtonHops)
        found = transport.diffusion
        ions = [found.of(name) for name in (f"{outcome.summary.cation}+", "OH-")]
        earliest = max([DEFAULT_EARLIEST_PS, *(ion.memory_ps or 0.0 for ion in ions if ion)])
        walk = hop_walk(hops.counter, hops.grotthuss.directionality)
        hydroxide = found.of("OH-")
        few = None
        if hydroxide is not None and hops.grotthuss.n_transfers:
            remembered = hydroxide.memory_ps or 0.0
            few = too_few_hops(hops.grotthuss.n_hops, remembered) if walk else None
            few = few or too_few_hops(hops.grotthuss.n_hops, hops.grotthuss.rattle_window_ps)
        return conductivity(outcome.summary, ions, transport.charge, self._window, earliest, few)

    def shown(self, result: Conductivity) -> Conductivity:
        """Return the conductivity: it says how it is shown."""
        return result
