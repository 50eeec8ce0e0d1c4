"""Several runs side by side: replicas of one solution combined, solutions by concentration.

Replicas are runs of the same composition and temperature that started from different velocities or
boxes. Quantities here are means of squares or counts: their standard errors are in proportion to
the values, so that weights 1/e² would favour what came out low by chance (by 2 e²/v²). Weights of
the relative errors, (v / e)², favour what came out high where few particles moved. So the weights
are the lengths of the runs times their atoms, which no result has a part in; where these are not
known, (v / e)². With r = e / v,

    mean = Σ w v / Σ w,  stderr = mean √Σ w² r² / Σ w,

times Birge's ratio R = √[χ² / (n - 1)] with χ² = Σ (v / mean - 1)² / r² (Birge, Phys. Rev. 40
(1932) 207, doi:10.1103/PhysRev.40.207) where the runs disagree: where χ² is so large in a quarter
of all cases or fewer, the level for a test on which an error depends (Bancroft, Biometrics 20
(1964) 427, doi:10.2307/2528486). R is above 1 by chance more often, and an error that follows it
each time is too large. The interval of 95 % is Student's, with n - 1 degrees of freedom, where the
runs disagree. Where they agree it is that of a positive quantity
(:mod:`pykoh.analysis.common.confidence`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scipy import stats

from pykoh.analysis.common.confidence import Interval, positive, student
from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.results.tables import finite, write_csv
from pykoh.analysis.transport.conductivity import experiment
from pykoh.files import write_text

_BY_CHANCE = 0.25
SERIES_JSON, SERIES_CSV = "series.json", "series.csv"

Value = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of the series.

    Attributes:
        key: name in ``series.json`` and column of ``series.csv``, with the unit.
        title: what it is.
        of: value and standard error in the results of a run.
    """

    key: str
    title: str
    of: Callable[[AnalysisResults], Value]


def _diffusion(species: str) -> Callable[[AnalysisResults], Value]:
    def get(results: AnalysisResults) -> Value:
        name = f"{results.input.cation}+" if species == "cation" else species
        entry = results.diffusion.of(name)
        return (None, None) if entry is None else (entry.D_m2_per_s, entry.stderr_m2_per_s)

    return get


def _infinite(results: AnalysisResults) -> Value:
    entry = results.diffusion.of("OH-")
    if entry is None:
        return None, None
    return entry.D_infinite_m2_per_s, entry.D_infinite_stderr_m2_per_s


def _bonded(results: AnalysisResults) -> Value:
    entry = results.hydrogen_bonds.classes[0]
    return entry.fraction_of_donors_bonded, entry.fraction_of_donors_bonded_stderr


def _viscosity(results: AnalysisResults) -> Value:
    found = results.diffusion.viscosity
    return (None, None) if found is None else (found.viscosity_mPa_s, found.stderr_mPa_s)


QUANTITIES = (
    Quantity("D_OH_m2_per_s", "diffusion of OH⁻", _diffusion("OH-")),
    Quantity("D_OH_infinite_m2_per_s", "diffusion of OH⁻, infinite box", _infinite),
    Quantity("D_cation_m2_per_s", "diffusion of the cation", _diffusion("cation")),
    Quantity("D_H2O_m2_per_s", "diffusion of H₂O", _diffusion("H2O")),
    Quantity(
        "hop_rate_per_ps", "net hops per OH⁻ and ps",
        lambda r: (r.grotthuss.hop_rate_per_ps, r.grotthuss.hop_rate_stderr_per_ps),
    ),
    Quantity("OH_OH_bonded_fraction", "OH⁻ that donate a hydrogen bond to OH⁻", _bonded),
    Quantity(
        "nernst_einstein_S_per_m", "conductivity, Nernst–Einstein",
        lambda r: (
            r.conductivity.nernst_einstein_S_per_m,
            r.conductivity.nernst_einstein_stderr_S_per_m,
        ),
    ),
    Quantity(
        "einstein_S_per_m", "conductivity, Einstein",
        lambda r: (r.conductivity.einstein_S_per_m, r.conductivity.einstein_stderr_S_per_m),
    ),
    Quantity("viscosity_mPa_s", "viscosity, Green–Kubo", _viscosity),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One solution.

    Attributes:
        molarity_mol_per_L: mean of its runs.
        temperature_K: mean of its runs, or None.
        cation: element.
        runs: names of its runs.
        duration_ps: of all of them together.
        values: key of a quantity -> value and standard error, either None if unknown.
        experiment_S_per_m: measured conductivity (Gilliam 2007), or None.
        combined: key of a quantity -> the same with interval and Birge's ratio.
    """

    molarity_mol_per_L: float
    temperature_K: float | None
    cation: str
    runs: tuple[str, ...]
    duration_ps: float
    values: dict[str, Value]
    experiment_S_per_m: float | None
    combined: dict[str, Combined] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Combined:
    """The mean of replicas.

    Attributes:
        value: of all replicas, or None.
        stderr: its standard error, or None.
        interval: of 95 %, or None.
        birge_ratio: scatter of the replicas over what their errors explain; None with one of them,
            or where one has no error.
    """

    value: float | None
    stderr: float | None
    interval: Interval | None = None
    birge_ratio: float | None = None


def replicas(values: Sequence[Value], sizes: Sequence[float] | None = None) -> Combined:
    """Return the mean of replicas, its error and interval, and whether their errors explain it.

    Where a value has no standard error, or one of zero (nothing was seen), weights would mislead:
    then the plain mean, with the scatter of the replicas as its error.

    Args:
        values: value and standard error of each, either None if unknown.
        sizes: length times atoms of each run, in any unit.
    """
    known = [(v, e) for v, e in values if v is not None]
    if not known:
        return Combined(None, None)
    if sizes is not None:
        sizes = [size for size, (v, _) in zip(sizes, values, strict=True) if v is not None]
    if len(known) == 1:
        return Combined(*known[0], positive(*known[0]))
    n = len(known)
    if any(e is None or e <= 0 or v <= 0 for v, e in known):
        mean = sum(v for v, _ in known) / n
        error = math.sqrt(sum((v - mean) ** 2 for v, _ in known) / (n * (n - 1)))
        return Combined(mean, error, student(mean, error, n - 1.0))
    precision = [(v / e) ** 2 for v, e in known if e is not None]
    weights = precision if sizes is None else sizes
    total = sum(weights)
    mean = sum(w * v for w, (v, _) in zip(weights, known, strict=True)) / total
    chi2 = sum(p * (v / mean - 1.0) ** 2 for p, (v, _) in zip(precision, known, strict=True))
    birge = math.sqrt(chi2 / (n - 1))
    spread = sum(w**2 / p for w, p in zip(weights, precision, strict=True))
    error = mean * math.sqrt(spread) / total
    if stats.chi2.sf(chi2, n - 1) >= _BY_CHANCE:
        return Combined(mean, error, positive(mean, error), birge)
    error *= max(1.0, birge)
    return Combined(mean, error, student(mean, error, n - 1.0), birge)


def combine(values: Sequence[Value]) -> Value:
    """Return the mean of replicas and its standard error; see :func:`replicas`."""
    found = replicas(values)
    return found.value, found.stderr


def _same_solution(a: AnalysisResults, b: AnalysisResults) -> bool:
    x, y = a.input, b.input
    if x.cation != y.cation or x.n_koh * y.n_h2o != y.n_koh * x.n_h2o:
        return False
    if (x.temperature_K is None) != (y.temperature_K is None):
        return False
    if x.temperature_K is not None and y.temperature_K is not None:
        spread = 5.0 * ((x.temperature_stderr_K or 0.0) + (y.temperature_stderr_K or 0.0))
        if abs(x.temperature_K - y.temperature_K) > 1.0 + spread:
            return False
    return abs(x.molarity_mol_per_L / y.molarity_mol_per_L - 1.0) < 0.01 if y.n_koh else True


def series(runs: Iterable[tuple[str, AnalysisResults]]) -> list[SeriesPoint]:
    """Return one point per solution, by rising molarity.

    Args:
        runs: name and results of each run.
    """
    groups: list[list[tuple[str, AnalysisResults]]] = []
    for run in runs:
        for group in groups:
            if _same_solution(group[0][1], run[1]):
                group.append(run)
                break
        else:
            groups.append([run])
    return sorted((_point(group) for group in groups), key=lambda p: p.molarity_mol_per_L)


def _point(group: list[tuple[str, AnalysisResults]]) -> SeriesPoint:
    inputs = [results.input for _, results in group]
    molarity = sum(entry.molarity_mol_per_L for entry in inputs) / len(inputs)
    known = [entry.temperature_K for entry in inputs if entry.temperature_K is not None]
    temperature = sum(known) / len(known) if known else None
    cation = inputs[0].cation
    measured = None
    if cation == "K" and temperature is not None:
        measured = experiment(molarity, temperature)
    sizes = [max(entry.duration_ps, 1e-9) * entry.n_atoms for entry in inputs]
    combined = {
        entry.key: replicas([entry.of(results) for _, results in group], sizes)
        for entry in QUANTITIES
    }
    return SeriesPoint(
        molarity,
        temperature,
        cation,
        tuple(name for name, _ in group),
        sum(entry.duration_ps for entry in inputs),
        {key: (found.value, found.stderr) for key, found in combined.items()},
        measured,
        combined,
    )


def write_series(points: Sequence[SeriesPoint], folder: Path) -> None:
    """Write ``series.json`` and ``series.csv`` into an existing folder."""
    names = [
        column
        for entry in QUANTITIES
        for column in (entry.key, f"{entry.key.split('_per_')[0]}_stderr")
    ]
    write_csv(
        folder / SERIES_CSV,
        "one line per solution; units in the names, stderr in the unit of the column before it; "
        "experiment: Gilliam et al. 2007, doi:10.1016/j.ijhydene.2006.10.062",
        ("molarity_mol_per_L", "temperature_K", "n_runs", "duration_ps", *names,
         "experiment_S_per_m"),
        [
            (
                point.molarity_mol_per_L, point.temperature_K, len(point.runs), point.duration_ps,
                *(part for entry in QUANTITIES for part in point.values[entry.key]),
                point.experiment_S_per_m,
            )
            for point in points
        ],
    )  # fmt: skip
    tree = [
        {
            "molarity_mol_per_L": point.molarity_mol_per_L,
            "temperature_K": point.temperature_K,
            "cation": point.cation,
            "runs": list(point.runs),
            "duration_ps": point.duration_ps,
            "experiment_S_per_m": point.experiment_S_per_m,
            **{
                key: {
                    "value": found.value,
                    "stderr": found.stderr,
                    "interval_95": found.interval,
                    "birge_ratio": found.birge_ratio,
                }
                for key, found in point.combined.items()
            },
        }
        for point in points
    ]
    text = json.dumps(finite({"points": tree}), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / SERIES_JSON, text + "\n")


def series_table(points: Sequence[SeriesPoint]) -> str:
    """Return the main numbers for the terminal."""
    from pykoh.analysis.results.summary import share_with_error, with_error

    head = ("mol/L", "runs", "D(OH-) 1e-9 m²/s", "hops/ps", "OH- to OH-", "NE S/m", "Einstein S/m",
            "exp. S/m")  # fmt: skip
    keys = (("D_OH_m2_per_s", 1e9), ("hop_rate_per_ps", 1.0), ("OH_OH_bonded_fraction", 1.0),
            ("nernst_einstein_S_per_m", 1.0), ("einstein_S_per_m", 1.0))  # fmt: skip
    widths = (8, 6, 18, 16, 29, 14, 16, 10)
    lines = ["".join(f"{word:>{width}}" for word, width in zip(head, widths, strict=True))]
    for point in points:
        cells = [f"{point.molarity_mol_per_L:.3g}", str(len(point.runs))]
        cells += [
            share_with_error(*point.values[key])
            if key == "OH_OH_bonded_fraction"
            else with_error(*point.values[key], scale)
            for key, scale in keys
        ]
        cells.append(with_error(point.experiment_S_per_m, 0.0))
        lines.append("".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True)))
    return "\n".join(lines)
