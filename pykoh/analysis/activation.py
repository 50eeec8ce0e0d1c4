r"""Activation energies from runs of one solution at several temperatures.

A straight line through ln q over 1/T, with q a diffusion coefficient, a hop rate or another
quantity that grows with temperature (Arrhenius, Z. Phys. Chem. 4 (1889) 226,
doi:10.1515/zpch-1889-0416):

    ln q = ln A - E / (R T),   weights (q / stderr)².

The standard error of E follows from those of q. Where three or more temperatures scatter around the
line by more than their errors explain, it is larger by Birge's ratio, as for replicas
(:mod:`pykoh.analysis.series`). Between two temperatures E is a difference, and nothing shows
whether the line is straight.

The density of a run is usually that of its temperature at ambient pressure. E is then that at
constant pressure, as in experiments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.series import BY_CHANCE, SeriesPoint

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
_SAME_SOLUTION = 0.05  # relative difference of the KOH per H2O: boxes hold whole molecules
_LEAST_SPAN_K = 5.0  # temperatures that are closer are one
_LARGEST_RELATIVE = 0.5  # beyond this relative error, that of the logarithm is not the same


@dataclass(frozen=True, slots=True)
class Activation:
    """Activation energies of one solution.

    Attributes:
        molarities_mol_per_L: at each temperature.
        temperatures_K: K, rising.
        energies_kJ_per_mol: key of a quantity -> its activation energy, or None where fewer than
            two temperatures give the quantity with an error.
    """

    molarities_mol_per_L: tuple[float, ...]
    temperatures_K: tuple[float, ...]
    energies_kJ_per_mol: dict[str, Estimate | None]


def activation_energy(
    temperatures_K: Sequence[float],
    values: Sequence[Estimate | None],
) -> Estimate | None:
    """Return the activation energy of a quantity, kJ/mol.

    Args:
        temperatures_K: [n], K.
        values: [n], the quantity at each; those that are None, not positive, without a standard
            error or with one of more than half the value are left out.

    Returns:
        The energy, or None where fewer than two different temperatures are left.
    """
    known = [
        (1.0 / (GAS_CONSTANT_KJ * kelvin), math.log(each.value), each.value / each.stderr)
        for kelvin, each in zip(temperatures_K, values, strict=True)
        if each is not None
        and each.value > 0
        and each.stderr
        and each.stderr < _LARGEST_RELATIVE * each.value
    ]
    if len(known) < 2:
        return None
    x, y, precision = np.array(known).T
    if np.ptp(x) * GAS_CONSTANT_KJ * max(temperatures_K) ** 2 < _LEAST_SPAN_K:
        return None
    weights = precision**2
    centre = np.average(x, weights=weights)
    spread = float(weights @ (x - centre) ** 2)
    slope = float(weights @ ((x - centre) * y)) / spread
    error = spread**-0.5
    freedom = len(x) - 2
    if freedom == 0:
        ends = (-slope - 1.96 * error, -slope + 1.96 * error)
        return Estimate.number(-slope, error, How.PARTS, interval=ends)
    left = y - np.average(y, weights=weights) - slope * (x - centre)
    chi2 = float(weights @ left**2)
    if stats.chi2.sf(chi2, freedom) < BY_CHANCE:
        error *= max(1.0, math.sqrt(chi2 / freedom))
        return Estimate.student(-slope, error, float(freedom), How.REPLICAS)
    ends = (-slope - 1.96 * error, -slope + 1.96 * error)
    return Estimate.number(-slope, error, How.PARTS, interval=ends)


def activations(points: Sequence[SeriesPoint]) -> list[Activation]:
    """Return the activation energies of each solution that was run at several temperatures.

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
        found.append(Activation(molarities, tuple(kelvin), energies))
    return found
