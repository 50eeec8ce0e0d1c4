"""The rows of benchmarks/calibration.py: runs with known answers, and the results of pykoh.

The generators are in tests/exact.py and share no code with the analysis.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import exact
from pykoh.analysis.common.confidence import Interval, positive, share, student
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.estimate_views import columns, interval_of
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.common.statistics import SegmentedSums, ratio_stderr, share_stderr
from pykoh.analysis.common.survival import Continuous, Intermittent, survival_curve
from pykoh.analysis.hops.free_energy import proton_transfer_profile
from pykoh.analysis.hops.transfer_kernel import DELTA_MAX_A, TRANSFER_SHAPE
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results import AnalysisResults, Conductivity, Diffusion
from pykoh.analysis.series import replicas
from pykoh.analysis.structure.distributions import structure
from pykoh.analysis.structure.hydroxide_pairs import PairCounter
from pykoh.analysis.structure.rdf import BIN_A, PairHistograms
from pykoh.analysis.transport import diffusion as of_diffusion
from pykoh.analysis.transport.fitting import choose_fit
from pykoh.analysis.transport.hop_walk import HopWalk
from pykoh.analysis.transport.msd_fft import MeanSquares, chunk_frames
from pykoh.analysis.transport.viscosity import viscosity
from pykoh.trajectory.run import ReadOptions, Run
from pykoh.trajectory.species import CATION, OXYGEN, Atoms

Found = tuple[str, float | None, float | None, Interval | None, float]
"""Quantity, value, standard error, interval, truth."""

DT = 0.1
TEMPERATURE = 300.0


@dataclass(frozen=True)
class Row:
    """One kind of run.

    Attributes:
        name: description.
        make: function of a generator of random numbers that returns the results of one run.
        seeds: number of runs.
    """

    name: str
    make: Callable[[np.random.Generator], list[Found]]
    seeds: int = 100


def squares(path: np.ndarray) -> Displacements:
    """Return the mean squares of displacements of a path [n_frames, n, 3]."""
    correlator = MeanSquares(path.shape[1], 8, chunk_frames(path.shape[1] + 100))
    correlator.add(path)
    return correlator.result()


def shown(
    name: str, estimate: Estimate | None, truth: float, interval: Interval | None = None
) -> Found:
    """Return a row of a table; the interval is that of the estimate if none is given."""
    ends = interval_of(estimate) if interval is None else interval
    return (name, *columns(estimate), ends, truth)


def by_student(name: str, estimate: Estimate | None, truth: float, freedom: float) -> Found:
    """Return a row of an estimate that has no interval of its own."""
    return shown(name, estimate, truth, student(*columns(estimate), freedom))


def memory_ps(rate_per_ps: float, cosine: float) -> float:
    """Return how long hops of 2.6 Å of a known rate and cosine are remembered, ps."""
    rate, turn = Estimate.number(rate_per_ps, 0.0), Estimate.number(cosine, 0.0)
    return HopWalk(rate, 2.6**2, turn).memory_ps(0.05)


def fitted(path: np.ndarray, truth: float, earliest_ps: float = 1.0) -> list[Found]:
    """Return D of a path [n_frames, n, 3]."""
    fit = choose_fit(squares(path), DT, len(path), earliest_ps=earliest_ps).fit
    if fit is None:
        return [shown("D", None, truth)]
    return [shown("D", fit.slope_A2_per_ps.times(1.0 / 6.0), truth)]


def diffusion_rows() -> Iterator[Row]:
    """Yield rows of displacements for the fit alone."""
    for n in (1, 3, 16, 64):
        for duration in (20, 100, 400):

            def brownian(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
                return fitted(exact.walkers(rng, round(t / DT) + 1, n, 0.2, DT), 0.2)

            yield Row(f"Brownian, {n} ions, {duration} ps", brownian, 60 if n == 64 else 300)
    for n, duration in ((3, 100), (16, 100), (16, 400)):

        def line(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
            return fitted(exact.walkers(rng, round(t / DT) + 1, n, 0.2, DT, 1), 0.2)

        yield Row(f"one-dimensional, {n} ions, {duration} ps", line, 300)
    for n, duration in ((1, 100), (1, 400), (3, 100), (3, 400), (8, 100), (16, 100), (16, 400)):
        for returns in (0.0, 0.3, 0.6):

            def hopping(
                rng: np.random.Generator, n: int = n, t: int = duration, p: float = returns
            ) -> list[Found]:
                path, truth = exact.hoppers(rng, round(t / DT) + 1, n, DT, 0.5, p)
                memory = memory_ps(0.5, -p)
                return fitted(path, truth, max(1.0, memory))

            yield Row(f"hops, {returns:.0%} returns, {n} ions, {duration} ps", hopping, 200)
    for n, duration, tau in ((3, 100, 0.3), (16, 100, 0.3), (64, 400, 0.3), (16, 100, 1.0)):

        def cage(
            rng: np.random.Generator, n: int = n, t: int = duration, tau: float = tau
        ) -> list[Found]:
            # Oxygens in similar cages, which show how long a cage lasts.
            n_frames = round(t / DT) + 1
            both = [exact.caged(rng, n_frames, many, 0.1, DT, tau, 0.5) for many in (n, 64)]
            moments: dict[str, Displacements | None] = {
                key: squares(path) for key, path in zip(("K+", "O"), both, strict=True)
            }
            run = of_diffusion.DiffusionInput(DT, n_frames)
            none = of_diffusion.SizeCorrection(None, None, None)
            entry = of_diffusion.diffusion(moments, run, none)[0].of("K+")
            assert entry is not None
            d = entry.D_m2_per_s
            return [shown("D", None if d is None else d.times(1e8), 0.1)]

        yield Row(f"caged, {tau:g} ps and 0.5 Å, {n} ions, {duration} ps", cage, 60)


def viscosity_rows() -> Iterator[Row]:
    """Yield rows of stress records."""
    dt, volume = 0.01, 3000.0
    mixed = ((0.05, 0.5), (2.0, 0.5)), ((0.05, 0.3), (2.0, 0.7)), ((0.05, 0.3), (0.5, 0.7))
    single = [((tau, 1.0),) for tau in (0.1, 0.3, 2.0, 10.0)]
    for tails in (*single, *mixed):
        for duration in (100, 300, 1000):

            def stress(
                rng: np.random.Generator,
                tails: tuple[tuple[float, float], ...] = tails,
                t: int = duration,
            ) -> list[Found]:
                n = round(t / dt) + 1
                pressure = exact.shear_stress(rng, n, dt, tails, 0.9, volume, TEMPERATURE)
                eta, _ = viscosity(
                    dt * np.arange(n, dtype=np.float64), pressure, volume, TEMPERATURE
                )
                return [shown("viscosity", eta.viscosity_mPa_s, 0.9)]

            name = " + ".join(f"{part:.0%} {tau:g} ps" for tau, part in tails)
            yield Row(f"stress, {name}; {duration} ps", stress)


def average_rows() -> Iterator[Row]:
    """Yield rows of averages over time and of lifetimes."""
    for tau, duration in ((0.1, 20), (1.0, 20), (1.0, 100), (5.0, 100), (5.0, 400)):

        def mean(rng: np.random.Generator, tau: float = tau, t: int = duration) -> list[Found]:
            x = 300.0 + 10.0 * exact.ornstein_uhlenbeck(rng, round(t / DT), (1,), tau, DT)
            sums = SegmentedSums(2)
            sums.add(np.hstack([x, np.ones_like(x)]))
            whole = sums.whole()
            error = ratio_stderr(whole[:, 0], whole[:, 1])
            return [
                ("average", float(x.mean()), error, student(float(x.mean()), error, 1e6), 300.0)
            ]

        yield Row(f"average (temperature), memory {tau:g} ps, {duration} ps", mean)
    for n, duration in ((3, 20), (3, 100), (16, 100), (64, 20)):

        def bonds(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
            off, on = 0.05, 0.005
            state = exact.telegraph(rng, round(t / DT), n, off, on)
            partner = np.where(state, 0, -1)[:, :, None].astype(np.int32)
            kinds = np.zeros(partner.shape, dtype=np.int8)
            intermittent, continuous = Intermittent(n, 1, 1), Continuous(n, 1, 1)
            intermittent.add(partner, kinds)
            continuous.add(partner, kinds, np.zeros(partner.shape[:2], dtype=np.int64))
            sums = SegmentedSums(2)
            counted = state.sum(axis=1).astype(np.float64)
            sums.add(np.stack([counted, np.full(len(state), float(n))], axis=1))
            whole = sums.whole()
            held = float(counted.sum() / state.size)
            error = share_stderr(whole[:, 0], whole[:, 1], held, float(n))
            found: list[Found] = [
                ("share bonded", held, error, share(held, error), on / (on + off))
            ]
            curve = survival_curve(intermittent, continuous, 0, DT)
            if curve is not None:
                level = (np.exp(-1.0) - on / (on + off)) / (off / (on + off))
                time_C = np.log(level) / np.log(1.0 - on - off) * DT
                truth = DT / off - 0.5 * DT
                found.append(shown("continuous life", curve.continuous_ps, truth))
                found.append(shown("intermittent life", curve.intermittent_ps, time_C))
            return found

        yield Row(f"hydrogen bonds, {n} donors, {duration} ps", bonds, 400)


def replica_rows() -> Iterator[Row]:
    """Yield rows of replicas that are combined, as ``pykoh analyze --series`` does."""
    for n_runs, n, returns in ((2, 3, 0.0), (4, 3, 0.0), (2, 3, 0.5), (4, 3, 0.5), (8, 1, 0.5)):

        def together(
            rng: np.random.Generator, n_runs: int = n_runs, n: int = n, p: float = returns
        ) -> list[Found]:
            memory = memory_ps(0.5, -p)
            values: list[Estimate | None] = []
            truth = 0.0
            for _ in range(n_runs):
                path, truth = exact.hoppers(rng, round(100 / DT) + 1, n, DT, 0.5, p)
                (entry,) = fitted(path, truth, max(1.0, memory))
                values.append(None if entry[1] is None else Estimate.number(entry[1], entry[2]))
            return [shown("D of replicas", replicas(values, [100.0] * n_runs).mean, truth)]

        name = f"{n_runs} replicas, {returns:.0%} returns, {n} ions, 100 ps each"
        yield Row(name, together, 200)


def barrier_rows() -> Iterator[Row]:
    """Yield rows of the free energy along the transfer of a proton."""
    for n, barrier, duration in ((3, 1.0, 20), (3, 1.0, 100), (3, 3.0, 100), (16, 3.0, 100)):

        def along(
            rng: np.random.Generator, n: int = n, barrier: float = barrier, t: int = duration
        ) -> list[Found]:
            n_bins, n_r = TRANSFER_SHAPE
            edges = np.linspace(0.0, DELTA_MAX_A, n_bins + 1)
            delta, truth = exact.double_well(rng, round(t / DT), n, barrier, edges, 0.3, DT)
            bins = np.minimum((delta / DELTA_MAX_A * n_bins).astype(int), n_bins - 1)
            sums = SegmentedSums(*TRANSFER_SHAPE)
            seen = np.zeros((len(bins), n_bins, n_r))
            for ion in range(n):
                seen[np.arange(len(bins)), bins[:, ion], 0] += 1.0
            sums.add(seen)
            found = proton_transfer_profile(sums)
            assert found is not None
            return [by_student("barrier", found.barrier_kT, truth, 15.0)]

        yield Row(f"transfer, {n} ions, {barrier:g} kT, {duration} ps", along, 150)


def structure_rows() -> Iterator[Row]:
    """Yield rows of first shells and of pairs of ions."""
    for duration in (20, 100, 400):

        def shell(rng: np.random.Generator, t: int = duration) -> list[Found]:
            made = exact.Shell(t)
            positions = made.positions(rng)
            n_o = positions.shape[1] - 1
            species = np.array([CATION] + [OXYGEN] * n_o, dtype=np.int8)
            atoms = Atoms(np.arange(n_o + 1), species, "K", np.ones(n_o + 1))
            pairs = PairHistograms(atoms, 0.5 * made.edge, 1)
            cells = np.tile(made.edge * np.eye(3), (len(positions), 1, 1))
            pairs.add(positions, cells, np.full((len(positions), n_o), 2))
            rdfs = structure(pairs, "K", made.dt)[0].rdfs
            rdf = next(entry for entry in rdfs if entry.pair == "K-Ow")
            truth = made.truth(BIN_A)
            return [
                by_student(
                    "coordination number", rdf.coordination_number, truth["coordination"], 15.0
                ),
                by_student("first peak", rdf.first_peak_A, truth["peak"], 15.0),
                by_student("height of the peak", rdf.first_peak_g, truth["height"], 15.0),
            ]

        yield Row(f"first shell, {duration} ps", shell, 60)
    for n, duration in ((2, 100), (8, 100), (2, 400)):

        def couples(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
            off, on = 0.05, 0.02
            positions, edge = exact.ion_pairs(rng, round(t / DT), n, off, on)
            counter = PairCounter(2 * n, 3.5)
            cells = np.tile(edge * np.eye(3), (len(positions), 1, 1))
            counter.add(positions, cells, np.tile(np.arange(2 * n), (len(positions), 1)))
            found = counter.result(DT)
            assert found is not None
            return [
                shown("share of ions in pairs", found.fraction_paired, on / (on + off)),
                shown("lifetime of pairs", found.lifetime_ps, DT / off),
            ]

        yield Row(f"pairs of ions, {n} couples, {duration} ps", couples, 200 if n == 2 else 100)


def of_transport(diffusion: Diffusion, kappa: Conductivity, truth: dict[str, float]) -> list[Found]:
    """Return diffusion, conductivity and ratios beside the truth."""
    found: list[Found] = []

    def add(name: str, estimate: Estimate | None) -> None:
        found.append(shown(name, estimate, truth[name]))

    def coefficient(name: str, d: Estimate | None) -> None:
        add(name, None if d is None else d.times(1e8))

    for key, species in (("D_K", "K+"), ("D_OH", "OH-")):
        entry = diffusion.of(species)
        assert entry is not None
        coefficient(key, entry.D_m2_per_s)
    walk = diffusion.of("OH-")
    assert walk is not None
    coefficient("D_OH_from_hops", walk.from_hops_m2_per_s)
    add("nernst_einstein", kappa.nernst_einstein_S_per_m)
    add("einstein", kappa.einstein_S_per_m)
    add("haven", kappa.haven_ratio)
    add("transference", kappa.transference_cation)
    add("transference_apparent", kappa.transference_cation_apparent)
    coefficients = {entry.name: entry.coefficient for entry in kappa.onsager}
    for name in ("cation_cation", "cation_hydroxide", "hydroxide_hydroxide"):
        add(name, coefficients.get(name))
    return found


def of_results(results: AnalysisResults, truth: dict[str, float]) -> list[Found]:
    """Return the results of a reactive box."""
    found = of_transport(results.diffusion, results.conductivity, truth)

    def add(name: str, estimate: Estimate | None) -> None:
        found.append(shown(name, estimate, truth[name]))

    hops = results.grotthuss
    # A rate of 0 has an upper limit; that is not counted as an interval.
    rate = hops.hop_rate_per_ps
    found.append(("hop_rate", *columns(rate), positive(*columns(rate)), truth["hop_rate"]))
    found.append(by_student("hop_length", hops.hop_length_A, truth["hop_length"], 1e6))
    tail = None if hops.waiting_times is None else hops.waiting_times.fit
    add("waiting_rate", None if tail is None else tail.rate_per_ps)
    add("residence_time", hops.residence_time_ps)
    if (turns := hops.directionality) is not None:
        add("return_share", turns.return_probability)
        freedom = max(turns.n_pairs - 1.0, 1.0)
        found.append(by_student("mean_cosine", turns.mean_cosine, truth["mean_cosine"], freedom))
    return found


def box_rows() -> Iterator[Row]:
    """Yield rows of dumps that go through the whole analysis."""
    plain = exact.Box(3, 100.0)
    boxes = (
        ("2.9 mol/L, 3 ions, 50 % returns, 100 ps", plain, False, 60),
        ("0.2 mol/L, 1 ion, 50 % returns, wrapped, 100 ps",
         exact.Box(1, 100.0, sites=5), True, 48),
        ("0.4 mol/L, 2 ions, 50 % returns, 100 ps", exact.Box(2, 100.0, sites=5), False, 48),
        ("2.9 mol/L, 3 ions, no returns, dragged cations, 100 ps",
         replace(plain, returns=0.0, cation=0.3, drag=0.1), False, 48),
        ("2.9 mol/L, 3 ions, 50 % returns, 400 ps", replace(plain, duration=400.0), False, 48),
        ("7.7 mol/L, 8 ions, 50 % returns, dragged cations, 100 ps",
         exact.Box(8, 100.0, drag=0.2), False, 48),
        ("15.4 mol/L, 16 ions, 30 % returns, dragged cations, 50 ps",
         exact.Box(16, 50.0, returns=0.3, drag=0.2), False, 32),
        ("1.0 mol/L, 1 ion, 50 % returns, 400 ps", exact.Box(1, 400.0), False, 48),
    )  # fmt: skip
    for name, box, wrapped, seeds in boxes:

        def whole(
            rng: np.random.Generator, box: exact.Box = box, wrapped: bool = wrapped
        ) -> list[Found]:
            made = exact.reactive_box(rng, box, TEMPERATURE)
            with tempfile.TemporaryDirectory() as folder:
                path = exact.write(made, Path(folder) / "run.dump", wrapped)
                run = Run([path], ReadOptions())
                results = analyze(run, Settings(temperature_K=TEMPERATURE))
            return of_results(results, made.truth)

        yield Row(f"box, {name}", whole, seeds)


GROUPS = (
    diffusion_rows, replica_rows, viscosity_rows, average_rows, barrier_rows, structure_rows,
    box_rows,
)  # fmt: skip
"""All rows, in the order of the table."""
