"""Measured properties of water and aqueous KOH, for comparison with computed ones.

Each function names the source and the range of its numbers, and returns None outside this range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pykoh.chemistry import hydroxide_mass
from pykoh.errors import CompositionError
from pykoh.solution.density import ZERO_CELSIUS_K, density, water_density

BOLTZMANN_J_PER_K = 1.380649e-23
ELEMENTARY_CHARGE_C = 1.602176634e-19
AVOGADRO = 6.02214076e23
WATER_G_PER_MOL = 18.015


@dataclass(frozen=True, slots=True)
class Measured:
    """A published value.

    Attributes:
        value: in the unit of the function that returns it.
        conditions: of the measurement, if they differ from those of the simulation; else empty.
        source: key of the paper or book, as in :mod:`pykoh.report.references`.
    """

    value: float
    conditions: str
    source: str


# Molar conductivity at infinite dilution in water at 25 °C, S cm²/mol: P. Vanýsek, "Ionic
# Conductivity and Diffusion at Infinite Dilution", CRC Handbook of Chemistry and Physics, 97th
# edition (2016), 5-75, doi:10.1201/9781315380476.
_LIMITING_S_CM2_PER_MOL = {"Li+": 38.66, "Na+": 50.08, "K+": 73.48, "Cs+": 77.2, "OH-": 198.0}


def limiting_ion_diffusion(species: str) -> Measured | None:
    """Return D of an ion in water at infinite dilution and 25 °C, m²/s.

    From its limiting molar conductivity λ by D = R T λ / F² (Nernst and Einstein). There is
    no value for other temperatures, because this source has none.

    Args:
        species: ``K+``, ``OH-`` ...
    """
    conductivity = _LIMITING_S_CM2_PER_MOL.get(species)
    if conductivity is None:
        return None
    kt = BOLTZMANN_J_PER_K * (25.0 + ZERO_CELSIUS_K)
    value = kt * conductivity * 1e-4 / (AVOGADRO * ELEMENTARY_CHARGE_C**2)
    return Measured(value, "infinite dilution, 25 °C", "crc")


def water_diffusion(temperature_K: float | None) -> Measured | None:
    """Return D of pure water, m²/s, at 0 to 100 °C.

    D = 1.635e-8 m²/s · (T / 215.05 K - 1)^2.063: Holz, Heil and Sacco, Phys. Chem. Chem. Phys. 2
    (2000) 4740, doi:10.1039/b005319h (nuclear magnetic resonance, 1 %).
    """
    if temperature_K is None or not 0.0 <= temperature_K - ZERO_CELSIUS_K <= 100.0:
        return None
    value = 1.635e-8 * (temperature_K / 215.05 - 1.0) ** 2.063
    return Measured(value, "pure water", "holz2000")


# v1 ... v6 of KOH; up to 51.861 wt%, -14.1 to 40 °C.
_KOH_VISCOSITY = (57.4198157197363, 3.80481406171296, 2.62270093659636, 0.0103144776487057,
                  5202.71048053244, 10.9425874221815)  # fmt: skip
_KOH_VISCOSITY_W, _KOH_VISCOSITY_C = 0.51861, (-14.1, 40.0)


def koh_viscosity(mass_fraction: float, temperature_K: float) -> Measured | None:
    """Return the viscosity of aqueous KOH, mPa·s, at -14.1 to 40 °C and up to 51.9 wt%.

    ln η = (1 - w) ln η_w + w ln η_s with η_w = (t + 246) / [(0.05594 t + 5.2842) t + 137.37] and
    η_s = exp[(v1 w^v2 + v3) / (v4 t + 1)] / (v5 w^v6 + 1), t in °C: Laliberté, J. Chem. Eng. Data
    54 (2009) 1725, doi:10.1021/je8008123, who fitted 50 published measurements.

    Args:
        mass_fraction: of KOH, 0 to 1.
        temperature_K: K.
    """
    w, t = mass_fraction, temperature_K - ZERO_CELSIUS_K
    low, high = _KOH_VISCOSITY_C
    if not (0.0 <= w <= _KOH_VISCOSITY_W and low <= t <= high):
        return None
    v1, v2, v3, v4, v5, v6 = _KOH_VISCOSITY
    water = (t + 246.0) / ((0.05594 * t + 5.2842) * t + 137.37)
    solute = math.exp((v1 * w**v2 + v3) / (v4 * t + 1.0)) / (v5 * w**v6 + 1.0)
    return Measured(water ** (1.0 - w) * solute**w, "", "laliberte2009")


# c0 ... c4 of KOH, as in :mod:`pykoh.solution.density`; up to 51.861 wt%, 4 to 95 °C.
_KOH_DENSITY = (821.119043254761, 1043.20173374381, 0.112873330222752, 0.00124023636407386,
                539.630388368877)  # fmt: skip
_KOH_DENSITY_C = (4.0, 95.0)


def solution_density(cation: str, mass_fraction: float, temperature_K: float) -> Measured | None:
    """Return the density of aqueous KOH, NaOH or LiOH, kg/m³, where it was measured.

    Laliberté, J. Chem. Eng. Data 54 (2009) 1725, doi:10.1021/je8008123; KOH from 237 published
    measurements, 4 to 95 °C and up to 51.9 wt%.
    """
    if cation == "K":
        w, t = mass_fraction, temperature_K - ZERO_CELSIUS_K
        low, high = _KOH_DENSITY_C
        if not (0.0 <= w <= _KOH_VISCOSITY_W and low <= t <= high):
            return None
        c0, c1, c2, c3, c4 = _KOH_DENSITY
        apparent = (w + c2 + c3 * t) / ((c0 * w + c1) * math.exp(1e-6 * (t + c4) ** 2))
        return Measured(1.0 / ((1.0 - w) / water_density(t) + w * apparent), "", "laliberte2009")
    try:
        value = density(cation, mass_fraction, temperature_K)
    except CompositionError:
        return None
    return Measured(value, "", "laliberte2009")


def mass_fraction(cation: str, n_hydroxide: int, n_water: int) -> float:
    """Return the mass fraction of ``n_hydroxide`` hydroxide units in ``n_water`` H2O."""
    salt = n_hydroxide * hydroxide_mass(cation)
    return salt / (salt + n_water * WATER_G_PER_MOL)
