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

A run in which a rate or a share is 0 counts with its length too. It has no relative error of its
own: r² is one over the events that ``mean`` lets one expect in it. If no run has seen anything, the
mean has the upper limit of all runs together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pykoh.analysis.common.confidence import hop_rate, positive, unseen_observations
from pykoh.analysis.common.distributions import chi2_tail
from pykoh.analysis.common.estimate import Estimate, How, Kind
from pykoh.analysis.common.statistics import nothing_seen
from pykoh.analysis.series_quantities import QUANTITIES
from pykoh.analysis.series_run import SeriesRun
from pykoh.analysis.transport.conductivity import experiment
from pykoh.solution.measured import koh_viscosity, mass_fraction

BY_CHANCE = 0.25


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
        experiment_viscosity_mPa_s: measured viscosity (Laliberté 2009), or None.
        koh_per_h2o: hydroxide units for each water molecule.
        doubts: key of a quantity, ``""`` for all of them -> why its values should be trusted less,
            each with the name of its run.
    """

    molarity_mol_per_L: float
    temperature_K: float | None
    cation: str
    runs: tuple[str, ...]
    duration_ps: float
    values: dict[str, Estimate | None]
    experiment_S_per_m: float | None
    birge_ratios: dict[str, float | None] = field(default_factory=dict)
    experiment_viscosity_mPa_s: float | None = None
    koh_per_h2o: float = 0.0
    doubts: dict[str, tuple[str, ...]] = field(default_factory=dict)


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

    Where a value has no standard error, or one of zero, weights would mislead: then the plain
    mean, with the scatter of the replicas as its error.

    Args:
        values: of each replica, or None if it does not give the quantity.
        sizes: length times atoms of each run, in any unit.
    """
    found = [each for each in values if each is not None]
    if not found:
        return Combined(None)
    if sizes is not None:
        sizes = [size for size, each in zip(sizes, values, strict=True) if each is not None]
    if len(found) == 1:
        return Combined(_alone(found[0]))
    if (nothing := _nothing_seen(found)) is not None:
        return Combined(nothing)
    known = [(each.value, each.stderr) for each in found]
    n = len(known)
    watched = [_watched(each) for each in found]
    if any(not e or (v <= 0 and w is None) for (v, e), w in zip(known, watched, strict=True)) or (
        sizes is None and any(watched)
    ):
        mean = sum(v for v, _ in known) / n
        error = math.sqrt(sum((v - mean) ** 2 for v, _ in known) / (n * (n - 1)))
        return Combined(Estimate.student(mean, error, n - 1.0, How.REPLICAS))
    weights = [(v / e) ** 2 for v, e in known if e] if sizes is None else sizes
    total = sum(weights)
    mean = sum(w * v for w, (v, _) in zip(weights, known, strict=True)) / total
    precision = [
        (v / e) ** 2 if w is None else w * mean
        for (v, e), w in zip(known, watched, strict=True)
        if e
    ]
    chi2 = sum(p * (v / mean - 1.0) ** 2 for p, (v, _) in zip(precision, known, strict=True))
    birge = math.sqrt(chi2 / (n - 1))
    spread = sum(w**2 / p for w, p in zip(weights, precision, strict=True))
    error = mean * math.sqrt(spread) / total
    if chi2_tail(chi2, n - 1) >= BY_CHANCE:
        counts = all(each.kind is Kind.RATE for each in found)
        ends = hop_rate(mean, error) if counts else positive(mean, error)
        return Combined(Estimate.number(mean, error, How.REPLICAS, interval=ends), birge)
    error *= max(1.0, birge)
    return Combined(Estimate.student(mean, error, n - 1.0, How.REPLICAS), birge)


def _alone(only: Estimate) -> Estimate:
    """Return the estimate of the only run, as its own report shows it."""
    if only.interval is not None:
        return only
    ends = positive(only.value, only.stderr)
    return Estimate.number(only.value, only.stderr, only.how, interval=ends, reason=only.reason)


def _watched(each: Estimate) -> float | None:
    """Return how many events a rate or share of 1 would have shown where none was seen.

    Returns:
        Exposure of a rate, in its unit, or independent observations of a share; None where
        something was seen, or where a value of 0 is not that of events.
    """
    if each.value != 0.0 or not each.stderr or each.kind is Kind.NUMBER:
        return None
    return 1.0 / each.stderr if each.kind is Kind.RATE else unseen_observations(each.stderr)


def _nothing_seen(found: Sequence[Estimate]) -> Estimate | None:
    """Return the mean of runs that saw nothing, or, of a share, nothing else; else None."""
    watched = [each for each in map(_watched, found) if each is not None]
    if len(watched) == len(found):
        if all(each.kind is Kind.RATE for each in found):
            return Estimate.rate(0.0, 1.0 / sum(watched))
        return Estimate.unseen(*nothing_seen(sum(watched)))
    if all(each.value == 1.0 and each.kind is Kind.SHARE and each.stderr for each in found):
        n = sum(unseen_observations(each.stderr) for each in found if each.stderr)
        return Estimate.share(1.0, nothing_seen(n)[0])
    return None


def _same_solution(x: SeriesRun, y: SeriesRun) -> bool:
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


def series(runs: Iterable[SeriesRun]) -> list[SeriesPoint]:
    """Return one point per solution, by rising molarity.

    Args:
        runs: the runs (:func:`pykoh.analysis.series_run.run_of_series`).
    """
    groups: list[list[SeriesRun]] = []
    for run in runs:
        for group in groups:
            if _same_solution(group[0], run):
                group.append(run)
                break
        else:
            groups.append([run])
    return sorted((_point(group) for group in groups), key=lambda p: p.molarity_mol_per_L)


def _point(group: list[SeriesRun]) -> SeriesPoint:
    molarity = sum(run.molarity_mol_per_L for run in group) / len(group)
    known = [run.temperature_K for run in group if run.temperature_K is not None]
    temperature = sum(known) / len(known) if known else None
    cation = group[0].cation
    measured = viscosity = None
    if all(run.bulk for run in group) and cation == "K" and temperature is not None:
        measured = experiment(molarity, temperature)
        w = mass_fraction(cation, group[0].n_koh, group[0].n_h2o)
        viscosity = koh_viscosity(w, temperature)
    sizes = [max(run.duration_ps, 1e-9) * run.n_atoms for run in group]
    combined = {
        entry.key: replicas([run.values[entry.key] for run in group], sizes) for entry in QUANTITIES
    }
    return SeriesPoint(
        molarity,
        temperature,
        cation,
        tuple(run.name for run in group),
        sum(run.duration_ps for run in group),
        {key: found.mean for key, found in combined.items()},
        measured,
        {key: found.birge_ratio for key, found in combined.items()},
        None if viscosity is None else viscosity.value,
        group[0].n_koh / max(group[0].n_h2o, 1),
        _doubts(group),
    )


def _doubts(group: list[SeriesRun]) -> dict[str, tuple[str, ...]]:
    """Return :attr:`SeriesPoint.doubts` of some runs."""
    found: dict[str, list[str]] = {}
    for run in group:
        for key, reasons in run.doubts.items():
            found.setdefault(key, []).extend(f"{run.name}: {reason}" for reason in reasons)
    return {key: tuple(reasons) for key, reasons in found.items()}
