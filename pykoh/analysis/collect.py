"""What all observables of a run share, and the list of them: identities, drift, clock and cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pykoh.analysis.bulk import empty_layer, expected_density, no_bulk
from pykoh.analysis.checks import check_distances, check_solution, check_temperature, check_windows
from pykoh.analysis.common.constants import ATOMIC_MASS_KG, molarity
from pykoh.analysis.common.equilibration import Watched, drift_warnings, drifts
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.custom import custom_observables
from pykoh.analysis.default_observables import default_observables, results_of
from pykoh.analysis.hops.identity import HydroxideTracker
from pykoh.analysis.observable import Block, Factory, Outcome, Submit, System
from pykoh.analysis.per_frame import FoundInBlock, PerFrame
from pykoh.analysis.results import AnalysisResults, InputSummary
from pykoh.analysis.results.input_warnings import input_warnings
from pykoh.analysis.settings import Settings
from pykoh.analysis.structure.rdf import rdf_stride
from pykoh.analysis.transport.msd_fft import at_once
from pykoh.analysis.transport.observable import ShearViscosity, Temperature
from pykoh.arrays import FloatArray
from pykoh.trajectory.run import FrameBlock, Run


def _system(run: Run, settings: Settings, first: FrameBlock) -> System:
    """Return what is known of a run before its first frame is analysed."""
    check_solution(run, first)
    atoms = run.atoms
    interval = run.frame_interval_ps
    height = float((1.0 / np.linalg.norm(np.linalg.inv(first.cells), axis=1)).min())
    check_distances(settings, height)
    fits = height >= 2.0 * settings.criterion.max_distance_A
    is_part = run.options.start_ps is not None or run.options.stop_ps is not None
    stride = rdf_stride(interval or 1.0, len(atoms.ids))
    return System(atoms, interval, height, fits, stride, is_part)


class Clock:
    """Frames, times and cells of a run so far."""

    STATE = ("n_frames", "cell_sum", "volumes", "times", "empty_A")

    def __init__(self, first_ps: float) -> None:
        self.n_frames = 0
        self.cell_sum = np.zeros((3, 3))
        self.volumes = np.zeros(3)  # Σ, smallest, largest
        self.times = (first_ps, first_ps)
        self.empty_A = 0.0  # thickness of an empty layer in the first frame

    def add(self, frames: FrameBlock) -> None:
        """Take in frames that follow those before."""
        volumes = np.abs(np.linalg.det(frames.cells))
        if self.n_frames == 0:
            self.volumes[1:] = volumes[0]
            self.empty_A = empty_layer(frames.positions[0], frames.cells[0])
        self.volumes[0] += volumes.sum()
        self.volumes[1] = min(self.volumes[1], volumes.min())
        self.volumes[2] = max(self.volumes[2], volumes.max())
        self.cell_sum += frames.cells.sum(axis=0)
        self.n_frames += len(frames.positions)
        self.times = (self.times[0], float(frames.times_ps[-1]))


class Analysis:
    """All observables of a run; :meth:`add` takes blocks of frames, :meth:`results` closes it.

    Args:
        run: where the frames come from; its first block was read.
        settings: definitions.
        first: the first block (it sizes the analyses, and is not added).
        submit: runs a function, perhaps in another thread.
        custom: make observables of the user's own.

    Attributes:
        work: what can be done with each block by itself, anywhere and in any order.

    Raises:
        TrajectoryError: the atoms are no solution of a hydroxide.
        ObservableError: an observable of the user's own cannot be used.
    """

    STATE = ("_clock", "_tracker", "_centre", "_observables")

    def __init__(
        self,
        run: Run,
        settings: Settings,
        first: FrameBlock,
        submit: Submit = at_once,
        custom: Sequence[Factory] = (),
    ) -> None:
        self._run, self._settings, self._submit = run, settings, submit
        self._system = system = _system(run, settings, first)
        self._observables = default_observables(system, settings)
        self._check_temperature(float(first.times_ps[0]))
        self._observables += custom_observables(custom, system, self._observables)
        self.work = PerFrame(self._system, settings.criterion, self._observables)
        self._tracker = HydroxideTracker(run.atoms)
        self._clock = Clock(float(first.times_ps[0]))
        self._weights = run.atoms.masses / run.atoms.masses.sum()
        self._centre: FloatArray | None = None

    @property
    def names(self) -> list[str]:
        """Names of the observables, in the order of their states."""
        return [observable.name for observable in self._observables]

    def add(self, frames: FrameBlock, found: FoundInBlock) -> None:
        """Take in a block of frames that follows those before, and what :attr:`work` found."""
        shared, own = found
        centre = np.einsum("i,fik->fk", self._weights, frames.positions)
        if self._centre is None:
            self._centre = centre[0]
        positions = frames.positions - (centre - self._centre)[:, None]
        moved = self._tracker.add(positions, frames.cells, shared.owner)
        block = Block(
            frames.times_ps,
            positions,
            frames.cells,
            frames.velocities,
            shared,
            moved.carriers,
            moved.paths,
            moved.events,
            moved.vectors_A,
            self._tracker.n_multiple_transfers,
            self._tracker.n_ionised_frames,
            self._submit,
        )
        for observable, mine in zip(self._observables, own, strict=True):
            observable.add(block, mine)
        self._clock.add(frames)

    def settle(self) -> None:
        """Wait for what is being computed elsewhere."""
        for observable in self._observables:
            observable.settle()

    def results(self) -> AnalysisResults:
        """Return everything that was found; call it once, after the last block."""
        clock, interval = self._clock, None
        if clock.n_frames > 1:
            interval = (clock.times[1] - clock.times[0]) / (clock.n_frames - 1)
        check_windows(self._settings, clock.times[1] - clock.times[0])
        outcome = Outcome(self._observables, interval, clock.n_frames, self._submit)
        summary = self._summary(interval, outcome.of(Temperature))
        outcome.summary = replace(summary, drifts=self._drifts())
        warnings = input_warnings(outcome.summary, clock.volumes)
        warnings += drift_warnings(outcome.summary.drifts)
        return results_of(outcome, self._observables, warnings)

    def _summary(self, interval: float | None, measured: Estimate | None) -> InputSummary:
        clock, atoms = self._clock, self._run.atoms
        n_koh, n_o = len(self._system.cations), len(self._system.oxygens)
        net = self._system.n_hydroxides
        volume = float(clock.volumes[0] / clock.n_frames)
        temperature, source = measured, "unknown" if measured is None else "velocities"
        recorded = self._recorded(*clock.times) if measured is None else None
        if recorded is not None:
            temperature, source = recorded, "record"
        if self._settings.temperature_K is not None:
            temperature, source = Estimate.given(self._settings.temperature_K), "option"
        density = float(atoms.masses.sum() * ATOMIC_MASS_KG / (volume * 1e-30))
        kelvin = None if temperature is None else temperature.value
        expected = expected_density(atoms.cation, n_koh, n_o - net, kelvin)
        return InputSummary(
            files=tuple(self._run.paths),
            cation=atoms.cation,
            n_frames=clock.n_frames,
            n_atoms=len(atoms.ids),
            n_koh=n_koh,
            n_hydroxide=net,
            n_h2o=n_o - net,
            frame_interval_ps=interval,
            start_ps=clock.times[0],
            duration_ps=clock.times[1] - clock.times[0],
            cell_A=clock.cell_sum / clock.n_frames,
            volume_A3=volume,
            molarity_mol_per_L=molarity(n_koh, volume),
            temperature=temperature,
            temperature_source=source,
            notes=tuple(self._run.notes),
            density_kg_per_m3=density,
            no_bulk=no_bulk(density, expected, clock.empty_A),
        )

    def _recorded(self, start_ps: float, stop_ps: float) -> Estimate | None:
        """Return the temperature of the pressure record, K, or None."""
        of_pressure = next(each for each in self._observables if isinstance(each, ShearViscosity))
        return of_pressure.recorded(start_ps, stop_ps)

    def _check_temperature(self, first_ps: float) -> None:
        """Refuse a given temperature that is not that of the pressure record."""
        stop = self._run.options.stop_ps
        stop = np.inf if stop is None else stop
        check_temperature(self._settings, self._recorded(first_ps, stop), first_ps, stop)

    def _drifts(self) -> tuple[str, ...] | None:
        """Return whether the run began out of equilibrium; None if it is too short to tell."""
        # From structure to transport; a temperature of the records hides that of velocities.
        watched: dict[str, Watched] = {}
        for observable in reversed(self._observables):
            for each in observable.watched(*self._clock.times):
                watched.setdefault(each.name, each)
        return drifts(watched.values())
