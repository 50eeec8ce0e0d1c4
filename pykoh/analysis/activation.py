r"""Activation energies from runs of one solution at several temperatures.

A straight line through ln q over 1/T, with q a diffusion coefficient, a hop rate or another
quantity that grows with temperature (Arrhenius, Z. Phys. Chem. 4 (1889) 226,
doi:10.1515/zpch-1889-0416):

    ln q = ln A - E / (R T),   weights (q / stderr)².

The standard error of E follows from those of q. Where three or more temperatures scatter around the
line by more than their errors explain, it is larger by Birge's ratio, as for replicas
(:mod:`pykoh.analysis.series`), and the interval is Student's. Between two temperatures E is a
difference, and nothing shows whether the line is straight.

Otherwise the interval comes from those of q: E = Σ b ln q is a sum of independent parts, and the
variance of each part is recovered from the end of its interval that is needed (Zou, Huang and
Zhang, Comput. Stat. Data Anal. 53 (2009) 1080, doi:10.1016/j.csda.2008.03.033). So it is wide where
q is a mean of few replicas that disagree.

The density of a run is usually that of its temperature at ambient pressure. E is then that at
constant pressure, as in experiments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pykoh.analysis.common.confidence import Interval, positive
from pykoh.analysis.common.distributions import chi2_tail
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.series import BY_CHANCE, SeriesPoint
from pykoh.arrays import FloatArray

GAS_CONSTANT_KJ = 8.31446261815324e-3
"""kJ/(mol K), exact (SI 2019)."""
ACTIVATED = (
    "hop_rate_per_ps",
    "D_OH_m2_per_s",
    "D_cation_m2_per_s",
    "D_H2O_m2_per_s",
    "einstein_S_per_m",
)
"""The quantities whose activation energy is given."""
_SAME_SOLUTION = 0.05  # relative difference of the KOH per H2O
_LEAST_SPAN_K = 5.0  # temperatures that are closer are one
_LARGEST_RELATIVE = 0.5  # a larger relative error is not that of the logarithm


@dataclass(frozen=True, slots=True)
class Activation:
    """Activation energies of one solution.

    Attributes:
        molarities_mol_per_L: at each temperature.
        temperatures_K: K, rising.
        energies_kJ_per_mol: key of a quantity -> its activation energy, or None where fewer than
            two temperatures give the quantity, or one gives it with a large error.
        cation: element.
    """

    molarities_mol_per_L: tuple[float, ...]
    temperatures_K: tuple[float, ...]
    energies_kJ_per_mol: dict[str, Estimate | None]
    cation: str


def activation_energy(
    temperatures_K: Sequence[float],
    values: Sequence[Estimate | None],
) -> Estimate | None:
    """Return the activation energy of a quantity, kJ/mol.

    Args:
        temperatures_K: [n], K.
        values: [n], the quantity at each; those that are None are left out.

    Returns:
        The energy, or None where fewer than two different temperatures are left. It is also None
        where a value is not positive, or has no standard error or one of more than half the value:
        without such values, which are small ones for the most part, E would be too small.
    """
    known = [(kelvin, each) for kelvin, each in zip(temperatures_K, values, strict=True) if each]
    kelvins = [kelvin for kelvin, _ in known]
    if not known or max(kelvins) - min(kelvins) < _LEAST_SPAN_K:
        return None
    if any(each.value <= 0 or _relative(each) > _LARGEST_RELATIVE for _, each in known):
        return None
    x = 1.0 / (GAS_CONSTANT_KJ * np.array(kelvins))
    y = np.log([each.value for _, each in known])
    weights = np.array([_relative(each) for _, each in known]) ** -2.0
    centre = np.average(x, weights=weights)
    spread = float(weights @ (x - centre) ** 2)
    slope = float(weights @ ((x - centre) * y)) / spread
    error = spread**-0.5
    freedom = len(x) - 2
    left = y - np.average(y, weights=weights) - slope * (x - centre)
    chi2 = float(weights @ left**2)
    if freedom > 0 and chi2_tail(chi2, freedom) < BY_CHANCE:
        error *= max(1.0, math.sqrt(chi2 / freedom))
        return Estimate.student(-slope, error, float(freedom), How.REPLICAS)
    ends = _interval([each for _, each in known], -weights * (x - centre) / spread, -slope)
    return Estimate.number(-slope, error, How.PARTS, interval=ends)


def _relative(estimate: Estimate) -> float:
    """Return the relative standard error; infinity without one."""
    return estimate.relative or math.inf


def _interval(parts: Sequence[Estimate], factors: FloatArray, energy: float) -> Interval | None:
    """Return the interval of E = Σ b ln q, kJ/mol; None if that of a part is not above 0.

    Args:
        parts: [n], q.
        factors: [n], b, kJ/mol.
        energy: E.
    """
    below = above = 0.0
    for part, factor in zip(parts, factors, strict=True):
        low, high = part.interval or positive(part.value, part.stderr) or (0.0, 0.0)
        if low <= 0.0:
            return None
        down, up = sorted(factor * math.log(end / part.value) for end in (low, high))
        below, above = below + down**2, above + up**2
    return energy - math.sqrt(below), energy + math.sqrt(above)


def activations(points: Sequence[SeriesPoint]) -> list[Activation]:
    """Return the activation energies of each solution that was run at several temperatures.

    Solutions whose KOH per H2O differ by less than 5 % are one: boxes hold whole molecules.

    Args:
        points: of :func:`pykoh.analysis.series.series`.
    """
    groups: list[list[SeriesPoint]] = []
    for point in points:
        if point.temperature_K is None or not point.koh_per_h2o:
            continue
        for group in groups:
            alike = abs(point.koh_per_h2o / group[0].koh_per_h2o - 1.0) < _SAME_SOLUTION
            if alike and point.cation == group[0].cation:
                group.append(point)
                break
        else:
            groups.append([point])
    found = []
    for group in groups:
        group.sort(key=lambda point: point.temperature_K or 0.0)
        kelvin = [point.temperature_K or 0.0 for point in group]
        if kelvin[-1] - kelvin[0] < _LEAST_SPAN_K:
            continue
        energies = {
            key: activation_energy(kelvin, [point.values[key] for point in group])
            for key in ACTIVATED
        }
        molarities = tuple(point.molarity_mol_per_L for point in group)
        found.append(Activation(molarities, tuple(kelvin), energies, group[0].cation))
    return found
