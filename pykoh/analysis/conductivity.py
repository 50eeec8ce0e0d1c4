"""Ionic conductivity: Nernst-Einstein, collective (Einstein) and experimental.

Nernst-Einstein, ions that move independently: σ = e² / (V kB T) Σ_i z_i² N_i D_i.
Einstein: σ = lim d<|ΔM|²>/dt / (6 V kB T) with M = Σ_i q_i r_i, unwrapped. Formal charges (K +1,
H +1, O -2) give the exact value in an electronic insulator whose atoms keep their oxidation
states: Grasselli and Baroni, Nat. Phys. 15 (2019) 967, doi:10.1038/s41567-019-0562-0.
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.constants import BOLTZMANN_J_PER_K, ELEMENTARY_CHARGE_C
from pykoh.analysis.results import FloatArray
from pykoh.trajectory.species import Atoms

FORMAL_CHARGES = np.array([1.0, -2.0, 1.0])
"""e, of H, O and the cation."""

# Molarity and temperature that the data behind experiment() cover.
EXPERIMENT_MOLARITY = (0.0, 12.0)
EXPERIMENT_TEMPERATURE_K = (273.15, 373.15)


def dipole(positions: FloatArray, atoms: Atoms) -> FloatArray:
    """Return [n_frames, 1, 3], e·Å, the dipole of the formal charges.

    Args:
        positions: [n_frames, n_atoms, 3], Å, unwrapped.
        atoms: the atoms.
    """
    charges = FORMAL_CHARGES[atoms.species]
    moment: FloatArray = np.einsum("i,fik->fk", charges, positions)[:, None]
    return moment


def nernst_einstein(
    diffusion: list[tuple[float, float, float]], volume_A3: float, temperature_K: float
) -> tuple[float, float]:
    """Return the conductivity of ions that move independently and its standard error, S/m.

    Args:
        diffusion: number of ions, D and its standard error (m²/s), for each monovalent ion.
        volume_A3: Å³.
        temperature_K: K.
    """
    factor = ELEMENTARY_CHARGE_C**2 / (volume_A3 * 1e-30 * BOLTZMANN_J_PER_K * temperature_K)
    value = factor * sum(n * d for n, d, _ in diffusion)
    stderr = factor * np.sqrt(sum((n * error) ** 2 for n, _, error in diffusion))
    return float(value), float(stderr)


def einstein(
    slope_e2_A2_per_ps: float, stderr: float, volume_A3: float, temperature_K: float
) -> tuple[float, float]:
    """Return the conductivity of the collective charge displacement and its error, S/m.

    The factor 6 is 2 per dimension, as in D = slope / 6.

    Args:
        slope_e2_A2_per_ps: d<|ΔM|²>/dt, e²·Å²/ps.
        stderr: its standard error.
        volume_A3: Å³.
        temperature_K: K.
    """
    # e²·Å²/ps is e²·1e-8 m²/s.
    factor = (
        ELEMENTARY_CHARGE_C**2
        * 1e-8
        / (6.0 * volume_A3 * 1e-30 * BOLTZMANN_J_PER_K * temperature_K)
    )
    return factor * slope_e2_A2_per_ps, factor * stderr


def experiment(molarity: float, temperature_K: float) -> float | None:
    """Return the measured conductivity of aqueous KOH, S/m, or None outside its range.

    κ [S/cm] = -2.041 M - 0.0028 M² + 0.005332 M T + 207.2 M/T + 0.001043 M³ - 3e-7 M² T², M in
    mol/L, T in K: Gilliam, Graydon, Kirk and Thorpe, Int. J. Hydrogen Energy 32 (2007) 359,
    doi:10.1016/j.ijhydene.2006.10.062, for 0-12 mol/L and 0-100 °C.
    """
    m, t = molarity, temperature_K
    low, high = EXPERIMENT_TEMPERATURE_K
    if not (EXPERIMENT_MOLARITY[0] < m <= EXPERIMENT_MOLARITY[1] and low <= t <= high):
        return None
    kappa = (
        -2.041 * m
        - 0.0028 * m**2
        + 0.005332 * m * t
        + 207.2 * m / t
        + 0.001043 * m**3
        - 3e-7 * m**2 * t**2
    )
    return 100.0 * kappa
