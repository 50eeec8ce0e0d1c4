"""Do the 95 % intervals of pykoh hold the truth? Runs with known answers, many seeds a row.

Run: OMP_NUM_THREADS=1 python benchmarks/calibration.py -o docs [--first-seed 0] [--only WORD]

Generators (tests/exact.py) know nothing of the analysis. Each row is one kind of run; of each
quantity it gives the bias of the mean, the scatter of the estimates over their mean standard error,
the share of intervals of 95 % that hold the truth, and the runs in which it was null. With 100
seeds a true coverage of 0.95 is found between 0.90 and 0.99; with 24, from 0.83 on. Writes
calibration.csv, and the table and figure of docs/trust.md. A quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import exact
from pykoh.analysis.all_origins import MeanSquares, chunk_frames
from pykoh.analysis.blocks import SegmentedSums, ratio_stderr
from pykoh.analysis.confidence import Interval, positive, share, student
from pykoh.analysis.fitting import choose_fit
from pykoh.analysis.hop_walk import HopWalk
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.survival import Continuous, Intermittent, survival_curve
from pykoh.analysis.viscosity import viscosity
from pykoh.trajectory.run import ReadOptions, Run

Found = tuple[str, float | None, float | None, Interval | None, float]
"""Quantity, value, standard error, interval, truth."""

DT = 0.1
TEMPERATURE = 300.0


@dataclass(frozen=True)
class Row:
    """One kind of run.

    Attributes:
        name: what it is.
        make: what is found with one generator of random numbers.
        seeds: runs.
    """

    name: str
    make: Callable[[np.random.Generator], list[Found]]
    seeds: int = 100


def fitted(path: np.ndarray, truth: float, earliest_ps: float = 1.0) -> list[Found]:
    """Return D of a path [n_frames, n, 3]."""
    correlator = MeanSquares(path.shape[1], 8, chunk_frames(path.shape[1] + 100))
    correlator.add(path)
    fit = choose_fit(correlator.result(), DT, len(path), earliest_ps=earliest_ps).fit
    if fit is None:
        return [("D", None, None, None, truth)]
    value, error = fit.slope_A2_per_ps / 6.0, fit.slope_stderr_A2_per_ps / 6.0
    return [("D", value, error, positive(value, error), truth)]


def diffusion_rows() -> Iterator[Row]:
    """Yield rows of displacements that are fed to the fit directly."""
    for n in (1, 3, 16, 64):
        for duration in (20, 100, 400):

            def brownian(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
                return fitted(exact.walkers(rng, round(t / DT) + 1, n, 0.2, DT), 0.2)

            yield Row(f"Brownian, {n} ions, {duration} ps", brownian, 48 if n == 64 else 100)
    for n, duration in ((3, 100), (16, 100), (16, 400)):

        def line(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
            return fitted(exact.walkers(rng, round(t / DT) + 1, n, 0.2, DT, 1), 0.2)

        yield Row(f"one-dimensional, {n} ions, {duration} ps", line)
    for n, duration in ((3, 100), (3, 400), (16, 100), (16, 400), (64, 100)):
        for returns in (0.0, 0.3, 0.6):

            def hopping(
                rng: np.random.Generator, n: int = n, t: int = duration, p: float = returns
            ) -> list[Found]:
                path, truth = exact.hoppers(rng, round(t / DT) + 1, n, DT, 0.5, p)
                memory = HopWalk(0.5, 0.0, 2.6**2, -p, 0.0).memory_ps(0.05)
                return fitted(path, truth, max(1.0, memory))

            yield Row(f"hops, {returns:.0%} returns, {n} ions, {duration} ps", hopping, 60)
    for n, duration in ((3, 100), (16, 100), (64, 400)):

        def cage(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
            return fitted(exact.caged(rng, round(t / DT) + 1, n, 0.1, DT, 0.5, 0.3), 0.1)

        yield Row(f"caged, {n} ions, {duration} ps", cage, 60)


def viscosity_rows() -> Iterator[Row]:
    """Yield rows of stress records."""
    dt, volume = 0.005, 3000.0
    mixed = ((0.02, 0.3), (0.5, 0.7))
    for tails in (((0.1, 1.0),), ((0.5, 1.0),), ((2.0, 1.0),), ((10.0, 1.0),), mixed):
        for duration in (20, 100, 300, 1000):

            def stress(
                rng: np.random.Generator,
                tails: tuple[tuple[float, float], ...] = tails,
                t: int = duration,
            ) -> list[Found]:
                n = round(t / dt) + 1
                pressure = exact.shear_stress(rng, n, dt, tails, 0.9, volume, TEMPERATURE)
                eta, _ = viscosity(np.arange(n) * dt, pressure, volume, TEMPERATURE)
                value, error = eta.viscosity_mPa_s, eta.stderr_mPa_s
                return [("viscosity", value, error, positive(value, error), 0.9)]

            name = " + ".join(f"{tau:g}" for tau, _ in tails)
            yield Row(f"stress, tail {name} ps, {duration} ps", stress, 60)


def telegraph(rng: np.random.Generator, n_frames: int, n: int, off: float, on: float) -> np.ndarray:
    """Return [n_frames, n] of bonds that break (``off``) and form (``on``) with fixed chances."""
    state = np.zeros((n_frames, n), dtype=bool)
    state[0] = rng.random(n) < on / (on + off)
    chance = rng.random((n_frames, n))
    for frame in range(1, n_frames):
        before = state[frame - 1]
        state[frame] = np.where(before, chance[frame] >= off, chance[frame] < on)
    return state


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
    for n, duration in ((3, 100), (16, 100), (64, 20)):

        def bonds(rng: np.random.Generator, n: int = n, t: int = duration) -> list[Found]:
            off, on = 0.05, 0.005
            state = telegraph(rng, round(t / DT), n, off, on)
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
            error = ratio_stderr(whole[:, 0], whole[:, 1])
            found: list[Found] = [
                ("share bonded", held, error, share(held, error), on / (on + off))
            ]
            curve = survival_curve(intermittent, continuous, 0, DT)
            if curve is not None:
                level = (np.exp(-1.0) - on / (on + off)) / (off / (on + off))
                time_C = np.log(level) / np.log(1.0 - on - off) * DT
                value, error = curve.continuous_ps, curve.continuous_stderr_ps
                found.append(
                    ("continuous life", value, error, positive(value, error), DT / off - 0.5 * DT)
                )
                value, error = curve.intermittent_ps, curve.intermittent_stderr_ps
                found.append(("intermittent life", value, error, positive(value, error), time_C))
            return found

        yield Row(f"hydrogen bonds, {n} donors, {duration} ps", bonds, 60)


def of_results(results: AnalysisResults, truth: dict[str, float]) -> list[Found]:
    """Return what was found in a reactive box."""
    to_si = 1e-8
    found: list[Found] = []

    def add(name: str, value: float | None, error: float | None, interval: Interval | None) -> None:
        found.append((name, value, error, interval, truth[name]))

    for key, species in (("D_K", "K+"), ("D_OH", "OH-")):
        entry = results.diffusion.of(species)
        assert entry is not None
        d, e = entry.D_m2_per_s, entry.stderr_m2_per_s
        value = None if d is None else d / to_si
        error = None if e is None else e / to_si
        add(key, value, error, positive(value, error))
    hops, kappa = results.grotthuss, results.conductivity
    rate, error = hops.hop_rate_per_ps, hops.hop_rate_stderr_per_ps
    add("hop_rate", rate, error, positive(rate, error))
    value, error = hops.residence_time_ps, hops.residence_time_stderr_ps
    add("residence_time", value, error, positive(value, error))
    if (turns := hops.directionality) is not None:
        value, error = turns.return_probability, turns.return_probability_stderr
        add("return_share", value, error, share(value, error))
        value, error = turns.mean_cosine, turns.mean_cosine_stderr
        add("mean_cosine", value, error, student(value, error, max(turns.n_pairs - 1.0, 1.0)))
    value, error = kappa.nernst_einstein_S_per_m, kappa.nernst_einstein_stderr_S_per_m
    add("nernst_einstein", value, error, positive(value, error))
    value, error = kappa.einstein_S_per_m, kappa.einstein_stderr_S_per_m
    add("einstein", value, error, positive(value, error))
    freedom = 1.0 if not value or not error else 2.0 * (value / error) ** 2
    add("haven", kappa.haven_ratio, kappa.haven_ratio_stderr, kappa.haven_ratio_interval_95)
    add(
        "transference", kappa.transference_cation, kappa.transference_cation_stderr,
        kappa.transference_cation_interval_95,
    )  # fmt: skip
    for entry_ in kappa.onsager:
        like = entry_.name != "cation_hydroxide"
        interval = positive(entry_.value, entry_.stderr)
        if not like:
            interval = student(entry_.value, entry_.stderr, freedom)
        add(entry_.name, entry_.value, entry_.stderr, interval)
    return found


def box_rows() -> Iterator[Row]:
    """Yield rows of dumps that go through the whole analysis."""
    plain = exact.Box(3, 100.0)
    boxes = (
        ("2.9 mol/L, 3 ions, 50 % returns, 100 ps", plain, False),
        ("0.4 mol/L, 2 ions, 50 % returns, wrapped, 100 ps", exact.Box(2, 100.0, sites=5), True),
        ("2.9 mol/L, 3 ions, no returns, dragged cations, 100 ps",
         replace(plain, returns=0.0, drag=0.2), False),
        ("2.9 mol/L, 3 ions, 50 % returns, 400 ps", replace(plain, duration=400.0), False),
        ("7.7 mol/L, 8 ions, 50 % returns, dragged cations, 200 ps",
         exact.Box(8, 200.0, drag=0.2), False),
        ("1.0 mol/L, 1 ion, 50 % returns, 400 ps", exact.Box(1, 400.0), False),
    )  # fmt: skip
    for name, box, wrapped in boxes:

        def whole(
            rng: np.random.Generator, box: exact.Box = box, wrapped: bool = wrapped
        ) -> list[Found]:
            made = exact.reactive_box(rng, box, TEMPERATURE)
            with tempfile.TemporaryDirectory() as folder:
                path = exact.write(made, Path(folder) / "run.dump", wrapped)
                run = Run([path], ReadOptions())
                results = analyze(run, Settings(temperature_K=TEMPERATURE))
            return of_results(results, made.truth)

        yield Row(f"box, {name}", whole, 24)


def judge(row: Row, first_seed: int) -> list[dict[str, str | float]]:
    """Run a row; return one line per quantity."""
    of: dict[str, list[Found]] = {}
    for seed in range(row.seeds):
        for found in row.make(np.random.default_rng([first_seed, seed])):
            of.setdefault(found[0], []).append(found)
    lines: list[dict[str, str | float]] = []
    for name, runs in of.items():
        known = [
            (value, error, interval, truth)
            for _, value, error, interval, truth in runs
            if value is not None and error is not None and interval is not None
        ]
        line: dict[str, str | float] = {
            "run": row.name, "quantity": name, "truth": runs[0][4], "runs": row.seeds,
            "null": row.seeds - len(known),
        }  # fmt: skip
        if len(known) >= 2:
            values = np.array([entry[0] for entry in known])
            errors = np.array([entry[1] for entry in known])
            truth = runs[0][4]
            held = [i[0] <= t <= i[1] for _, _, i, t in known]
            scale = abs(truth) if truth else 1.0
            line |= {
                "bias": float(values.mean() - truth) / scale,
                "bias_stderr": float(values.std(ddof=1)) / np.sqrt(len(values)) / scale,
                "relative_stderr": float(errors.mean()) / scale,
                "ratio": float(values.std(ddof=1) / errors.mean()),
                "coverage": float(np.mean(held)),
            }
        lines.append(line)
    return lines


def table(lines: list[dict[str, str | float]]) -> str:
    """Return the lines as a Markdown table."""
    head = "| run | quantity | bias | stderr | scatter / stderr | coverage | null |"
    rows = [head, "|---|---|---|---|---|---|---|"]
    for line in lines:
        null = f"{line['null']} of {line['runs']}"
        if "bias" not in line:
            rows.append(f"| {line['run']} | {line['quantity']} | – | – | – | – | {null} |")
            continue
        rows.append(
            f"| {line['run']} | {line['quantity']} | {100 * float(line['bias']):+.1f} ± "
            f"{100 * float(line['bias_stderr']):.1f} % "
            f"| {100 * float(line['relative_stderr']):.0f} % | {line['ratio']:.2f} "
            f"| {line['coverage']:.2f} | {null} |"
        )
    return "\n".join(rows) + "\n"


def figure(lines: list[dict[str, str | float]], path: Path) -> None:
    """Draw bias and coverage of all rows that were published in half of their runs or more."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    shown = [x for x in lines if "bias" in x and float(x["null"]) <= 0.5 * float(x["runs"])]
    picture = Figure(figsize=(8.0, 4.0), layout="constrained")
    left, right = picture.subplots(1, 2)
    names = list(dict.fromkeys(str(line["quantity"]) for line in shown))
    for axes, key, error, band in (
        (left, "bias", "bias_stderr", (-0.05, 0.05)), (right, "coverage", None, (0.90, 0.98)),
    ):  # fmt: skip
        axes.axvspan(*band, color="#d7ead9", zorder=0)
        for line in shown:
            y = len(names) - names.index(str(line["quantity"]))
            bar = float(line[error]) if error else 0.0
            axes.errorbar(
                float(line[key]), y, xerr=bar, fmt="o", ms=3, lw=0.7, color="#1f4e79", alpha=0.6
            )
        axes.set_yticks(range(1, len(names) + 1), [n.replace("_", " ") for n in reversed(names)])
        axes.tick_params(labelsize=8)
    left.set_xlabel("bias, part of the truth")
    right.set_xlabel("intervals of 95 % that hold the truth")
    right.set_yticklabels([])
    FigureCanvasSVG(picture).print_svg(str(path), metadata={"Date": None})


def save(lines: list[dict[str, str | float]], folder: Path) -> None:
    """Write the table of all rows so far, and the figure."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(key for line in lines for key in line))
    with (folder / "calibration.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(lines)
    (folder / "calibration.md").write_text(table(lines))
    figure(lines, folder / "calibration.svg")


def main() -> None:
    """Run the rows and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("docs"))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="", help="rows whose name holds this word")
    options = parser.parse_args()
    lines: list[dict[str, str | float]] = []
    for rows in (diffusion_rows, viscosity_rows, average_rows, box_rows):
        for row in rows():
            if options.only not in row.name:
                continue
            start = time.perf_counter()
            new = judge(row, options.first_seed)
            lines += new
            print(table(new).split("\n", 2)[2], end="", flush=True)
            save(lines, options.out)
            print(f"  {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
