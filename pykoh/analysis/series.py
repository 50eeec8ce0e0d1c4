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

from pykoh.analysis.common.confidence import positive
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.estimate_views import columns, keys, terminal
from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.results.tables import finite, write_csv
from pykoh.analysis.transport.conductivity import experiment
from pykoh.files import write_text

_BY_CHANCE = 0.25
SERIES_JSON, SERIES_CSV = "series.json", "series.csv"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of the series.

    Attributes:
        key: name in ``series.json`` and column of ``series.csv``, with the unit.
        title: what it is.
        of: finds it in the results of a run.
        exponent: power of ten that is taken out of it in tables.
        share: it is a share, from 0 to 1.
    """

    key: str
    title: str
    of: Callable[[AnalysisResults], Estimate | None]
    exponent: int = 0
    share: bool = False

    def in_table(self, estimate: Estimate | None) -> Estimate | None:
        """Return an estimate of it as tables show it: a share has an interval within 0 and 1."""
        if estimate is None or not self.share:
            return estimate
        return Estimate.share(estimate.value, estimate.stderr, estimate.how)


def _diffusion(species: str) -> Callable[[AnalysisResults], Estimate | None]:
    def get(results: AnalysisResults) -> Estimate | None:
        name = f"{results.input.cation}+" if species == "cation" else species
        entry = results.diffusion.of(name)
        return None if entry is None else entry.D_m2_per_s

    return get


def _infinite(results: AnalysisResults) -> Estimate | None:
    entry = results.diffusion.of("OH-")
    return None if entry is None else entry.D_infinite_m2_per_s


def _bonded(results: AnalysisResults) -> Estimate | None:
    return results.hydrogen_bonds.classes[0].fraction_of_donors_bonded


def _viscosity(results: AnalysisResults) -> Estimate | None:
    found = results.diffusion.viscosity
    return None if found is None else found.viscosity_mPa_s


QUANTITIES = (
    Quantity("D_OH_m2_per_s", "diffusion of OH⁻", _diffusion("OH-"), -9),
    Quantity("D_OH_infinite_m2_per_s", "diffusion of OH⁻, infinite box", _infinite, -9),
    Quantity("D_cation_m2_per_s", "diffusion of the cation", _diffusion("cation"), -9),
    Quantity("D_H2O_m2_per_s", "diffusion of H₂O", _diffusion("H2O"), -9),
    Quantity(
        "hop_rate_per_ps", "net hops per OH⁻ and ps",
        lambda results: results.grotthuss.hop_rate_per_ps,
    ),
    Quantity(
        "OH_OH_bonded_fraction", "OH⁻ that donate a hydrogen bond to OH⁻", _bonded, share=True,
    ),
    Quantity(
        "nernst_einstein_S_per_m", "conductivity, Nernst–Einstein",
        lambda results: results.conductivity.nernst_einstein_S_per_m,
    ),
    Quantity(
        "einstein_S_per_m", "conductivity, Einstein",
        lambda results: results.conductivity.einstein_S_per_m,
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
        values: key of a quantity -> mean of its runs, or None if no run gives it.
        experiment_S_per_m: measured conductivity (Gilliam 2007), or None.
        birge_ratios: key of a quantity -> Birge's ratio (:class:`Combined`).
    """

    molarity_mol_per_L: float
    temperature_K: float | None
    cation: str
    runs: tuple[str, ...]
    duration_ps: float
    values: dict[str, Estimate | None]
    experiment_S_per_m: float | None
    birge_ratios: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Combined:
    """The mean of replicas.

    Attributes:
        mean: of all replicas, or None if no replica gives the quantity.
        birge_ratio: scatter of the replicas over what their errors explain; None with one of them,
            or where one has no error.
    """

    mean: Estimate | None
    birge_ratio: float | None = None


def replicas(values: Sequence[Estimate | None], sizes: Sequence[float] | None = None) -> Combined:
    """Return the mean of replicas, its error and interval, and whether their errors explain it.

    Where a value has no standard error, or one of zero (nothing was seen), weights would mislead:
    then the plain mean, with the scatter of the replicas as its error.

    Args:
        values: of each replica, or None if it does not give the quantity.
        sizes: length times atoms of each run, in any unit.
    """
    found = [each for each in values if each is not None]
    if not found:
        return Combined(None)
    if sizes is not None:
        sizes = [size for size, each in zip(sizes, values, strict=True) if each is not None]
    known = [(each.value, each.stderr) for each in found]
    if len(known) == 1:
        (only,), ends = found, positive(*known[0])
        return Combined(Estimate.number(*known[0], only.how, interval=ends, reason=only.reason))
    n = len(known)
    if any(e is None or e <= 0 or v <= 0 for v, e in known):
        mean = sum(v for v, _ in known) / n
        error = math.sqrt(sum((v - mean) ** 2 for v, _ in known) / (n * (n - 1)))
        return Combined(Estimate.student(mean, error, n - 1.0, How.REPLICAS))
    precision = [(v / e) ** 2 for v, e in known if e is not None]
    weights = precision if sizes is None else sizes
    total = sum(weights)
    mean = sum(w * v for w, (v, _) in zip(weights, known, strict=True)) / total
    chi2 = sum(p * (v / mean - 1.0) ** 2 for p, (v, _) in zip(precision, known, strict=True))
    birge = math.sqrt(chi2 / (n - 1))
    spread = sum(w**2 / p for w, p in zip(weights, precision, strict=True))
    error = mean * math.sqrt(spread) / total
    if stats.chi2.sf(chi2, n - 1) >= _BY_CHANCE:
        return Combined(Estimate.positive(mean, error, How.REPLICAS), birge)
    error *= max(1.0, birge)
    return Combined(Estimate.student(mean, error, n - 1.0, How.REPLICAS), birge)


def _same_solution(a: AnalysisResults, b: AnalysisResults) -> bool:
    x, y = a.input, b.input
    if x.cation != y.cation or x.n_koh * y.n_h2o != y.n_koh * x.n_h2o:
        return False
    one, other = x.temperature, y.temperature
    if (one is None) != (other is None):
        return False
    if one is not None and other is not None:
        spread = 5.0 * ((one.stderr or 0.0) + (other.stderr or 0.0))
        if abs(one.value - other.value) > 1.0 + spread:
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
        {key: found.mean for key, found in combined.items()},
        measured,
        {key: found.birge_ratio for key, found in combined.items()},
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
                *(cell for entry in QUANTITIES for cell in columns(point.values[entry.key])),
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
                entry.key: {
                    **keys(
                        entry.in_table(point.values[entry.key]), "value", "stderr", "interval_95"
                    ),
                    "birge_ratio": point.birge_ratios[entry.key],
                }
                for entry in QUANTITIES
            },
        }
        for point in points
    ]
    text = json.dumps(finite({"points": tree}), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / SERIES_JSON, text + "\n")


def series_table(points: Sequence[SeriesPoint]) -> str:
    """Return the main numbers for the terminal."""
    head = ("mol/L", "runs", "D(OH-) 1e-9 m²/s", "hops/ps", "OH- to OH-", "NE S/m", "Einstein S/m",
            "exp. S/m")  # fmt: skip
    main = ("D_OH_m2_per_s", "hop_rate_per_ps", "OH_OH_bonded_fraction",
            "nernst_einstein_S_per_m", "einstein_S_per_m")  # fmt: skip
    shown = [entry for entry in QUANTITIES if entry.key in main]
    widths = (8, 6, 18, 16, 29, 14, 16, 10)
    lines = ["".join(f"{word:>{width}}" for word, width in zip(head, widths, strict=True))]
    for point in points:
        cells = [f"{point.molarity_mol_per_L:.3g}", str(len(point.runs))]
        cells += [
            terminal(entry.in_table(point.values[entry.key]), 10.0**-entry.exponent)
            for entry in shown
        ]
        measured = point.experiment_S_per_m
        cells.append("-" if measured is None else f"{measured:.4g}")
        lines.append("".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True)))
    return "\n".join(lines)
