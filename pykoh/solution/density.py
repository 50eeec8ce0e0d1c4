"""Densities and solubilities of aqueous alkali hydroxides from published experiments.

KOH follows Gilliam et al., Int. J. Hydrogen Energy 32 (2007) 359,
doi:10.1016/j.ijhydene.2006.10.062 (0-50 wt%, 0-200 °C). LiOH and NaOH follow the model of
Laliberté and Cooper, J. Chem. Eng. Data 49 (2004) 1141, doi:10.1021/je0498659, with the
coefficients of Laliberté, J. Chem. Eng. Data 54 (2009) 1725, doi:10.1021/je8008123. There is
no formula for RbOH and CsOH: give their density, e.g. for CsOH as measured by Sipos, Hefter and
May, J. Chem. Eng. Data 45 (2000) 613 (25 °C, up to 14.8 mol/L).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from pykoh.errors import CompositionError

ZERO_CELSIUS_K = 273.15

# Saturated KOH, g per 100 g of water at °C: Pickering, J. Chem. Soc. Trans. 63 (1893) 890,
# as tabulated by Seidell, Solubilities of Inorganic and Metal Organic Compounds.
_KOH_SOLUBILITY = ((0.0, 97.0), (20.0, 112.0), (30.0, 126.0), (50.0, 140.0), (100.0, 178.0))


@dataclass(frozen=True, slots=True)
class _Range:
    """The range of a density formula, and the largest mass fraction of a solution."""

    source: str
    temperature_C: tuple[float, float]
    fitted_mass_fraction: float
    largest_mass_fraction: float
    largest_reason: str


_RANGES = {
    # 178 g of KOH dissolve in 100 g of water at 100 °C. Colder solutions of this concentration are
    # supersaturated, but are simulated (17.98 mol/L at 25 °C): allowed, with a warning.
    "K": _Range(
        "Gilliam et al. 2007, doi:10.1016/j.ijhydene.2006.10.062",
        (0.0, 200.0),
        0.50,
        178.0 / 278.0,
        "178 g of KOH saturate 100 g of water at 100 °C; colder, such a solution is "
        "supersaturated, but may be built",
    ),
    "Na": _Range(
        "Laliberté 2009, doi:10.1021/je8008123",
        (4.0, 120.0),
        0.5029,
        0.5029,
        "the upper limit of the density formula",
    ),
    "Li": _Range(
        "Laliberté 2009, doi:10.1021/je8008123",
        (20.0, 75.0),
        0.1133,
        0.1133,
        "the upper limit of the density formula, close to saturation",
    ),
}

_MEASURED = {"Cs": " (measured: Sipos et al., J. Chem. Eng. Data 45 (2000) 613)"}

# c0 (kg/m³), c1 (kg/m³), c2, c3 (1/°C), c4 (°C) of equation 10 of Laliberté and Cooper.
_LALIBERTE = {
    "Li": (3.55823799848342, 0.988986357420376, -0.0697252979271942, -6.39986669564712e-5,
           -2513.09471353798),
    "Na": (319.020509469838, 528.592358475315, -0.102197896602724, 3.50420706415566e-4,
           765.970470238438),
}  # fmt: skip


def water_density(temperature_C: float) -> float:
    """Return the density of liquid water at 1 atm in kg/m³, 0-150 °C.

    Kell, J. Chem. Eng. Data 20 (1975) 97, doi:10.1021/je60064a005.
    """
    t = temperature_C
    numerator = 999.83952 + t * (
        16.945176
        + t * (-7.9870401e-3 + t * (-4.6170461e-5 + t * (1.0556302e-7 - t * 2.8054253e-10)))
    )
    return numerator / (1 + 1.687985e-2 * t)


def koh_density(mass_fraction: float, temperature_C: float) -> float:
    """Return the density of aqueous KOH in kg/m³.

    ρ = A(T) exp(0.0086 wt%), A = 1001.53 − 0.08343 T − 0.004016 T² + 5.51232e-6 T³
    − 8.20994e-10 T⁴, T in °C: Gilliam et al., Int. J. Hydrogen Energy 32 (2007) 359,
    doi:10.1016/j.ijhydene.2006.10.062.
    """
    t = temperature_C
    a = 1001.53 - 0.08343 * t - 0.004016 * t**2 + 5.51232e-6 * t**3 - 8.20994e-10 * t**4
    return a * math.exp(0.86 * mass_fraction)


def laliberte_density(cation: str, mass_fraction: float, temperature_C: float) -> float:
    """Return the density of aqueous LiOH or NaOH in kg/m³.

    1/ρ = (1 − w)/ρ_water + w v, v = (w + c2 + c3 t) / ((c0 w + c1) exp(1e-6 (t + c4)²)),
    t in °C: Laliberté and Cooper, J. Chem. Eng. Data 49 (2004) 1141, doi:10.1021/je0498659.
    """
    c0, c1, c2, c3, c4 = _LALIBERTE[cation]
    w, t = mass_fraction, temperature_C
    apparent_volume = (w + c2 + c3 * t) / ((c0 * w + c1) * math.exp(1e-6 * (t + c4) ** 2))
    return 1 / ((1 - w) / water_density(t) + w * apparent_volume)


def _range(cation: str) -> _Range:
    if cation not in _RANGES:
        known = ", ".join(f"{name}OH" for name in _RANGES)
        raise CompositionError(
            f"no density formula for {cation}OH (there is one for {known}); "
            f"give the density of your solution with --density KG_PER_M3{_MEASURED.get(cation, '')}"
        )
    return _RANGES[cation]


def density(cation: str, mass_fraction: float, temperature_K: float) -> float:
    """Return the experimental density of an aqueous alkali hydroxide in kg/m³.

    Args:
        cation: ``"K"``, ``"Na"`` or ``"Li"``.
        mass_fraction: mass of the hydroxide by the mass of the solution, 0-1.
        temperature_K: temperature in K.

    Raises:
        CompositionError: no formula for this cation, or none at this temperature.
    """
    limits = _range(cation)
    celsius = temperature_K - ZERO_CELSIUS_K
    low, high = limits.temperature_C
    if not low <= celsius <= high:
        raise CompositionError(
            f"temperature {temperature_K:g} K: the density of {cation}OH solutions is known from "
            f"{low + ZERO_CELSIUS_K:g} to {high + ZERO_CELSIUS_K:g} K ({limits.source}); "
            "choose a temperature there or give --density KG_PER_M3"
        )
    if cation == "K":
        return koh_density(mass_fraction, celsius)
    return laliberte_density(cation, mass_fraction, celsius)


def density_source(cation: str) -> str:
    """Return the citation of the density formula of a cation's hydroxide."""
    return _range(cation).source


def largest_mass_fraction(cation: str) -> tuple[float, str]:
    """Return the largest mass fraction of a solution, and the reason."""
    limits = _range(cation)
    return limits.largest_mass_fraction, limits.largest_reason


def koh_saturation(temperature_K: float) -> float:
    """Return the mass fraction of saturated aqueous KOH, 0-1, between 0 and 100 °C.

    Linear between the tabulated points (Pickering 1893 in Seidell); constant outside them.
    """
    celsius = temperature_K - ZERO_CELSIUS_K
    points = _KOH_SOLUBILITY
    grams = points[0][1] if celsius < points[0][0] else points[-1][1]
    for (t0, g0), (t1, g1) in itertools.pairwise(points):
        if t0 <= celsius <= t1:
            grams = g0 + (g1 - g0) * (celsius - t0) / (t1 - t0)
    return grams / (100.0 + grams)


def cautions(cation: str, mass_fraction: float, temperature_K: float) -> list[str]:
    """Return warnings about a solution near or beyond the limits of the data."""
    found = []
    limits = _range(cation)
    if mass_fraction > limits.fitted_mass_fraction:
        found.append(
            f"{100 * mass_fraction:.1f} wt% is beyond the {100 * limits.fitted_mass_fraction:.0f} "
            f"wt% of the measured densities ({limits.source}): extrapolated"
        )
    if cation == "K" and mass_fraction > (saturated := koh_saturation(temperature_K)):
        found.append(
            f"KOH saturates water at {100 * saturated:.1f} wt% at {temperature_K:g} K (Pickering "
            f"1893): this solution of {100 * mass_fraction:.1f} wt% is supersaturated"
        )
    return found
