"""Physical constants and conversions, with their sources."""

from __future__ import annotations

BOLTZMANN_J_PER_K = 1.380649e-23  # exact, SI 2019
ELEMENTARY_CHARGE_C = 1.602176634e-19  # exact, SI 2019
AVOGADRO_PER_MOL = 6.02214076e23  # exact, SI 2019
ATOMIC_MASS_KG = 1.66053906892e-27  # CODATA 2022

M2_PER_S = 1e-8
"""1 Å²/ps in m²/s."""

LITRE_A3 = 1e27
"""1 litre in Å³."""

# u·(Å/ps)² in J: 1 Å/ps is 100 m/s.
JOULE_PER_U_A2_PER_PS2 = ATOMIC_MASS_KG * 1e4


def molarity(count: float, volume_A3: float) -> float:
    """Return mol/L of ``count`` particles in ``volume_A3`` Å³."""
    return count / AVOGADRO_PER_MOL / (volume_A3 / LITRE_A3)
