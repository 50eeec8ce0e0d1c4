"""Collects what is found in blocks of frames, in order, and makes results of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pykoh.analysis.common.constants import ATOMIC_MASS_KG, molarity
from pykoh.analysis.common.equilibration import (
    Watched,
    drift_warnings,
    drifts,
    halves_warning,
    record,
)
from pykoh.analysis.common.msd_order_n import DEPTH, Displacements, n_levels
from pykoh.analysis.common.statistics import SegmentedSums
from pykoh.analysis.common.survey import TRANSFER_SHAPE
from pykoh.analysis.common.survival import Continuous, Intermittent, survival_curve, too_few_spells
from pykoh.analysis.frames import Findings, FrameWork
from pykoh.analysis.hops.counter import HopCounter, window_grid
from pykoh.analysis.hops.events import HopEvents
from pykoh.analysis.hops.free_energy import transfer_profile
from pykoh.analysis.hops.grotthuss import grotthuss
from pykoh.analysis.hops.identity import HydroxideTracker
from pykoh.analysis.hops.intervals import CoarserFrames
from pykoh.analysis.hydrogen_bonds.counter import HydrogenBondCounter, bond_warnings, no_bonds
from pykoh.analysis.results import (
    AnalysisResults,
    AnalysisWarning,
    Conductivity,
    Diffusion,
    FloatArray,
    Grotthuss,
    HydrogenBonds,
    InputSummary,
    Structure,
)
from pykoh.analysis.results.input_warnings import input_warnings
from pykoh.analysis.settings import Settings
from pykoh.analysis.structure.contacts import CONTACT_A, N_CONTACTS, contacts
from pykoh.analysis.structure.distributions import structure
from pykoh.analysis.structure.hydroxide_pairs import PairCounter
from pykoh.analysis.structure.rdf import BIN_A, LARGEST_R_A, PairHistograms, rdf_stride
from pykoh.analysis.structure.shells import shells
from pykoh.analysis.transport import diffusion as of_diffusion
from pykoh.analysis.transport.conductivity import conductivity, ion_tracks
from pykoh.analysis.transport.fitting import DEFAULT_EARLIEST_PS
from pykoh.analysis.transport.hop_walk import hop_walk
from pykoh.analysis.transport.msd_fft import MeanSquares, Submit, chunk_frames, here
from pykoh.analysis.transport.temperature import Thermometer
from pykoh.analysis.transport.viscosity import read_pressure, viscosity
from pykoh.analysis.transport.waypoints import Waypoints
from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import Frames, Run
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN

_RINGS_BYTES = 200e6
"""Memory for positions at earlier times, in single precision; 8 levels for 108,000 atoms."""


class Analysis:
    """All analyses of a run; :meth:`add` takes blocks of frames, :meth:`results` closes it.

    Attributes:
        work: what can be done with each block by itself, anywhere and in any order.

    Args:
        run: where the frames come from; its first block was read.
        settings: definitions.
        first: the first block (it sizes the analyses, and is not added).
        submit: runs a function, perhaps in another thread.

    Raises:
        TrajectoryError: there is no oxygen, no hydrogen, or more O than H.
    """

    def __init__(self, run: Run, settings: Settings, first: Frames, submit: Submit = here) -> None:
        self._run = run
        self._submit = submit
        self._settings = settings
        atoms = run.atoms
        for species, element in ((OXYGEN, "O"), (HYDROGEN, "H")):
            if not (atoms.species == species).any():
                raise TrajectoryError(
                    f"{run.paths[0]}: has no {element} atoms; is --types right "
                    f"(now {','.join(run.options.species_map.types)})?"
                )
        if (atoms.species == OXYGEN).sum() > (atoms.species == HYDROGEN).sum():
            raise TrajectoryError(
                f"{run.paths[0]}: has more O than H atoms, which no water or hydroxide has; is "
                f"--types right (now {','.join(run.options.species_map.types)})?"
            )
        self._atoms = atoms
        self._interval = run.frame_interval_ps
        self._pressure: tuple[FloatArray, FloatArray, FloatArray] | None = None
        self._pressure_reason: str | None = None
        self._read_pressure()
        self._tracker = HydroxideTracker(atoms)
        n_id = self._tracker.n_identities
        self._cations, self._hydrogens, self._oxygens = (
            atoms.indices(species) for species in (CATION, HYDROGEN, OXYGEN)
        )
        n_tracks = len(atoms.ids) + 3 * n_id + 3
        levels = n_levels(12.0 * DEPTH * n_tracks, _RINGS_BYTES)
        chunk = chunk_frames(n_tracks)
        self._of_cations, self._of_hydrogens, self._of_oxygens = (
            MeanSquares(len(group), levels, chunk, subset=group is self._oxygens)
            for group in (self._cations, self._hydrogens, self._oxygens)
        )
        self._of_hydroxides = [MeanSquares(n_id, levels, chunk) for _ in range(3)]
        # Cations minus hydroxides; cations; hydroxides.
        self._of_charge = [MeanSquares(1, levels, chunk) for _ in range(3)]
        self._waypoints = [Waypoints(n) for n in (len(self._cations), n_id, len(self._oxygens))]
        interval = self._interval or 1.0
        window = settings.rattle_window_ps
        self._hops = HopCounter(n_id, interval, window, window_grid(interval)) if n_id else None
        self._coarser = CoarserFrames(atoms, interval, window)
        heights = 1.0 / np.linalg.norm(np.linalg.inv(first.cells), axis=1)
        self._smallest_height = float(heights.min())
        criterion = settings.criterion
        fits = self._smallest_height >= 2.0 * criterion.max_distance_A
        n_h, n_o = len(self._hydrogens), len(self._oxygens)
        self._bonds = HydrogenBondCounter(n_h, criterion) if fits else None
        self._events = HopEvents(n_id, n_o, interval, window, bonds=fits)
        self._together = PairCounter(n_id, criterion.max_distance_A) if n_id and fits else None
        self._residence = Intermittent(n_id, 1, 1), Continuous(n_id, 1, 1)
        self._transfer = SegmentedSums(*TRANSFER_SHAPE)
        self._contacts = SegmentedSums(N_CONTACTS)
        self._contact_A = settings.contact_A or CONTACT_A[atoms.cation]
        r_max = max(min(LARGEST_R_A, 0.5 * self._smallest_height), BIN_A)
        self._pairs = PairHistograms(atoms, r_max, rdf_stride(interval, len(atoms.ids)))
        self.work = FrameWork(
            atoms, criterion if fits else None, r_max, self._pairs.stride, self._contact_A
        )
        self._thermometer = Thermometer(atoms.masses)
        self._weights = atoms.masses / atoms.masses.sum()
        self._centre: FloatArray | None = None
        self._n_frames = 0
        self._cell_sum = np.zeros((3, 3))
        self._volumes = np.zeros(3)  # Σ, smallest, largest
        self._times = (float(first.times_ps[0]), float(first.times_ps[0]))

    def _read_pressure(self) -> None:
        """Read the pressure records, before the frames: a broken one is said at once."""
        if not self._settings.pressure_files:
            return
        try:
            self._pressure = read_pressure(self._settings.pressure_files)
        except TrajectoryError as error:
            if self._settings.pressure_given:
                raise
            self._pressure_reason = str(error)

    def add(self, frames: Frames, found: Findings) -> None:
        """Take in a block of frames that follows those before, and what :attr:`work` found."""
        centre = np.einsum("i,fik->fk", self._weights, frames.positions)
        if self._centre is None:
            self._centre = centre[0]
        positions = frames.positions - (centre - self._centre)[:, None]
        cells = frames.cells
        transfers = self._tracker.add(positions, cells, found.owner)
        submit = self._submit
        self._of_cations.add(positions, self._cations, submit=submit)
        self._of_hydrogens.add(positions, self._hydrogens, submit=submit)
        self._of_oxygens.add(positions, self._oxygens, found.counts == 2, submit)
        for correlator, path in zip(self._of_hydroxides, transfers.paths, strict=True):
            correlator.add(path, submit=submit)
        groups = positions[:, self._cations], transfers.paths[0], positions[:, self._oxygens]
        for waypoints, path in zip(self._waypoints, groups, strict=True):
            waypoints.add(path)
        tracks = ion_tracks(*groups[:2])
        for correlator, path in zip(self._of_charge, tracks, strict=True):
            correlator.add(path, submit=submit)
        if self._hops is not None:
            hops = self._hops.add(transfers.events, transfers.vectors_A, len(positions))
            self._coarser.add(positions, cells, found.owner)
            self._events.add(hops, transfers.carriers, found.accepted, found.donated)
            carrier = np.ascontiguousarray(transfers.carriers[:, :, None], dtype=np.int32)
            one = np.zeros(carrier.shape, dtype=np.int8)
            self._residence[0].add(carrier, one)
            self._residence[1].add(carrier, one, np.zeros(carrier.shape[:2], dtype=np.int64))
        if self._together is not None:
            self._together.add(positions[:, self._oxygens], cells, transfers.carriers)
        if self._bonds is not None:
            self._bonds.add(found)
            self._transfer.add(found.transfer)
        self._contacts.add(found.contacts)
        self._pairs.take(found.pairs)
        if frames.velocities is not None:
            self._thermometer.add(frames.velocities)
        volumes = np.abs(np.linalg.det(cells))
        if self._n_frames == 0:
            self._volumes[1:] = volumes[0]
        self._volumes[0] += volumes.sum()
        self._volumes[1] = min(self._volumes[1], volumes.min())
        self._volumes[2] = max(self._volumes[2], volumes.max())
        self._cell_sum += cells.sum(axis=0)
        self._n_frames += len(positions)
        self._times = (self._times[0], float(frames.times_ps[-1]))

    def _correlators(self) -> tuple[MeanSquares, ...]:
        groups = (self._of_cations, self._of_hydrogens, self._of_oxygens)
        return *groups, *self._of_hydroxides, *self._of_charge

    def settle(self) -> None:
        """Wait for what is being computed elsewhere."""
        for correlator in self._correlators():
            correlator.settle()

    def results(self) -> AnalysisResults:
        """Return everything that was found; call it once, after the last block."""
        for wait in [correlator.finish(self._submit) for correlator in self._correlators()]:
            wait()
        if self._n_frames > 1:
            self._interval = (self._times[1] - self._times[0]) / (self._n_frames - 1)
        summary = self._summary()
        summary = replace(summary, drifts=self._drifts())
        warnings = input_warnings(summary, self._volumes) + drift_warnings(summary.drifts)
        found_grotthuss, of_hops = self._grotthuss()
        found_diffusion, more = self._diffusion(summary, found_grotthuss)
        warnings += more + of_hops
        found_bonds, more = self._hydrogen_bonds()
        warnings += more
        found_structure, more = self._structure()
        warnings += more
        found_conductivity, more = self._conductivity(summary, found_diffusion, found_grotthuss)
        warnings += more
        return AnalysisResults(
            summary,
            found_diffusion,
            found_grotthuss,
            found_bonds,
            found_structure,
            found_conductivity,
            tuple(warnings),
        )

    def _grotthuss(self) -> tuple[Grotthuss, list[AnalysisWarning]]:
        n_id = self._tracker.n_identities
        intervals = residence = None
        if self._hops is not None:
            nothing = np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3))
            hops = self._hops.add(*nothing, 0, last_block=True)
            empty = np.zeros((0, len(self._oxygens)), dtype=np.uint8)
            self._events.add(hops, np.zeros((0, n_id), dtype=np.int64), empty, empty)
            intervals = self._coarser.result(self._hops, n_id)
            if self._interval is not None:
                residence = survival_curve(*self._residence, 0, self._interval)
        few = residence is not None and residence.continuous_ps is None
        found, warnings = grotthuss(
            self._hops,
            n_id,
            self._settings.rattle_window_ps,
            self._interval,
            self._tracker.n_multiple_transfers,
            self._tracker.n_ionised_frames,
            self._n_frames,
            intervals,
        )
        if few:
            reason = too_few_spells("stays on an oxygen")
            warnings.append(AnalysisWarning("grotthuss.residence", reason))
        if self._interval is not None and self._hops is not None:
            rate = "grotthuss.hop_rate_per_ps"
            warnings += halves_warning(rate, "per ps", *self._hops.segments())
            found = replace(
                found,
                residence=residence,
                directionality=self._events.directionality(),
                presolvation=self._events.presolvation(),
                transfer=transfer_profile(self._transfer),
                intervals=intervals,
            )
        return found, warnings

    def _summary(self) -> InputSummary:
        n_o, n_h = len(self._oxygens), len(self._hydrogens)
        net = 2 * n_o - n_h
        volume = self._volumes[0] / self._n_frames
        measured = self._thermometer.result()
        temperature, error, source = None, None, "unknown"
        if self._settings.temperature_K is not None:
            temperature, source = self._settings.temperature_K, "option"
        elif measured is not None:
            (temperature, error), source = measured, "velocities"
        return InputSummary(
            files=tuple(self._run.paths),
            cation=self._atoms.cation,
            n_frames=self._n_frames,
            n_atoms=len(self._atoms.ids),
            n_koh=len(self._cations),
            n_hydroxide=net,
            n_h2o=n_o - net,
            frame_interval_ps=self._interval,
            start_ps=self._times[0],
            duration_ps=self._times[1] - self._times[0],
            cell_A=self._cell_sum / self._n_frames,
            volume_A3=float(volume),
            molarity_mol_per_L=molarity(len(self._cations), float(volume)),
            temperature_K=temperature,
            temperature_stderr_K=error,
            temperature_source=source,
            notes=tuple(self._run.notes),
            density_kg_per_m3=float(self._atoms.masses.sum() * ATOMIC_MASS_KG / (volume * 1e-30)),
        )

    def _drifts(self) -> tuple[str, ...] | None:
        """Return whether the run began out of equilibrium; None if it is too short to tell."""
        watched = shells(self._pairs, self._atoms.cation)
        if self._pressure is not None:
            watched += record(self._settings.pressure_files, *self._times)
        if not any(each.name == "temperature" for each in watched):
            watched.append(Watched("temperature", " K", *self._thermometer.segments()))
        if self._bonds is not None:
            name = "hydrogen bonds per water molecule"
            watched.append(Watched(name, "", *self._bonds.segments()))
        return drifts(watched)

    def _moments(self) -> dict[str, Displacements | None]:
        def of(correlator: MeanSquares, n: int, subset: bool = False) -> Displacements | None:
            return correlator.result(subset) if n else None

        n_id, net = self._tracker.n_identities, 2 * len(self._oxygens) - len(self._hydrogens)
        total, vehicular, structural = self._of_hydroxides
        return {
            f"{self._atoms.cation}+": of(self._of_cations, len(self._cations)),
            "OH-": of(total, n_id),
            "OH-_vehicular": of(vehicular, n_id),
            "OH-_structural": of(structural, n_id),
            "H2O": of(self._of_oxygens, len(self._oxygens) - max(net, 0), subset=True),
            "H": of(self._of_hydrogens, len(self._hydrogens)),
            "O": of(self._of_oxygens, len(self._oxygens)),
        }

    def _diffusion(
        self, summary: InputSummary, hops: Grotthuss
    ) -> tuple[Diffusion, list[AnalysisWarning]]:
        settings = self._settings
        value, stderr = settings.viscosity_mPa_s, None
        measured, reason = None, self._pressure_reason
        if self._pressure is not None and summary.temperature_K is None:
            reason = "needs the temperature: --temperature K, or velocities in the dump"
        elif self._pressure is not None and summary.temperature_K is not None:
            times, pressure, volume = self._pressure
            measured, reason = viscosity(
                times, pressure, float(volume.mean()), summary.temperature_K
            )
            if value is None:
                value, stderr = measured.viscosity_mPa_s, measured.stderr_mPa_s
        correction = of_diffusion.finite_size_correction(
            summary.cell_A, summary.temperature_K, value, stderr
        )
        run = of_diffusion.Run(
            self._interval,
            self._n_frames,
            settings.fit_window_ps,
            hop_walk(self._hops, hops),
            self._charge(),
        )
        found, warnings = of_diffusion.diffusion(self._moments(), run, correction)
        species = (f"{self._atoms.cation}+", "OH-", "O")
        for name, waypoints in zip(species, self._waypoints, strict=True):
            entry = found.of(name)
            if entry is not None and entry.fit is not None and self._interval is not None:
                way = waypoints.squares(self._interval, entry.fit.start_ps)
                warnings += halves_warning(f"diffusion.{name}", "Å²/ps", *way)
        if reason is not None:
            warnings.append(AnalysisWarning("diffusion.viscosity", reason))
        return replace(found, viscosity=measured), warnings

    def _hydrogen_bonds(self) -> tuple[HydrogenBonds, list[AnalysisWarning]]:
        rule = self._settings.criterion
        if self._bonds is None:
            return no_bonds(rule, self._smallest_height)
        found = self._bonds.result(self._interval)
        warnings = bond_warnings(found, self._interval)
        for entry in found.classes:
            path = f"hydrogen_bonds.{entry.name}.fraction_of_donors_bonded"
            warnings += halves_warning(path, "of the donors", *self._bonds.bonded(entry.name))
        return found, warnings

    def _structure(self) -> tuple[Structure, list[AnalysisWarning]]:
        found, warnings = structure(self._pairs, self._atoms.cation, self._interval)
        together = None if self._together is None else self._together.result(self._interval)
        if together is not None and together.lifetime_ps is None:
            reason = "no pair of hydroxides was seen to part, so its lifetime is unknown"
            warnings.append(AnalysisWarning("structure.hydroxide_pairs.lifetime_ps", reason))
        touching = contacts(self._contacts, self._contact_A)
        return replace(found, contacts=touching, hydroxide_pairs=together), warnings

    def _charge(self) -> tuple[Displacements, ...] | None:
        if self._interval is None or not self._tracker.n_identities or not len(self._cations):
            return None
        return tuple(correlator.result() for correlator in self._of_charge)

    def _conductivity(
        self, summary: InputSummary, found: Diffusion, hops: Grotthuss
    ) -> tuple[Conductivity, list[AnalysisWarning]]:
        ions = [found.of(name) for name in (f"{summary.cation}+", "OH-")]
        moments = self._charge()
        earliest = max([DEFAULT_EARLIEST_PS, *(ion.memory_ps or 0.0 for ion in ions if ion)])
        walk = hop_walk(self._hops, hops)
        hydroxide = found.of("OH-")
        few = None
        if walk is not None and hydroxide is not None:
            few = walk.too_few(hydroxide.memory_ps or 0.0)
        return conductivity(summary, ions, moments, self._settings.fit_window_ps, earliest, few)
