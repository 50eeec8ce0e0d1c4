"""Ionic conductivity: Nernst-Einstein, collective (Einstein) and experimental.

Nernst-Einstein, ions that move independently: σ = e² / (V kB T) Σ_i z_i² N_i D_i.
Einstein: σ = lim d<|ΔM|²>/dt / (6 V kB T) with M = Σ_i q_i r_i, unwrapped. Formal charges (K +1,
H +1, O -2) give the exact value in an electronic insulator whose atoms keep their oxidation
states: Grasselli and Baroni, Nat. Phys. 15 (2019) 967, doi:10.1038/s41567-019-0562-0.
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.constants import BOLTZMANN_J_PER_K, ELEMENTARY_CHARGE_C
from pykoh.analysis.correlator import Displacements
from pykoh.analysis.diffusion import EMPTY_CURVE
from pykoh.analysis.fitting import choose_fit, curve
from pykoh.analysis.results import (
    AnalysisWarning,
    Conductivity,
    FloatArray,
    InputSummary,
    LineFit,
    SpeciesDiffusion,
)
from pykoh.trajectory.species import CATION, Atoms

FORMAL_CHARGES = np.array([1.0, -2.0, 1.0])
"""e, of H, O and the cation."""

COLLECTIVE_EARLIEST_PS = 2.0
"""Rotation of molecules, which moves formal charges without current, is over by then."""

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


def charge_tracks(positions: FloatArray, atoms: Atoms) -> tuple[FloatArray, ...]:
    """Return the dipole of all formal charges, of the cations, and of the rest.

    Each is [n_frames, 1, 3], e·Å; arguments as in :func:`dipole`.
    """
    everything = dipole(positions, atoms)
    cations: FloatArray = positions[:, atoms.indices(CATION)].sum(axis=1)[:, None]
    return everything, cations, everything - cations


def transference(
    moments: tuple[Displacements, ...],
    total: LineFit,
    interval_ps: float,
    n_frames: int,
) -> tuple[float, float] | None:
    """Return the share of the current that the cations carry and its standard error, or None.

    t = <ΔM_K · ΔM> / <|ΔM|²>, from the slopes of three displacements in one window, since
    2 ΔM_K · ΔM = |ΔM|² + |ΔM_K|² - |ΔM - ΔM_K|². Currents are those in the frame of the centre of
    mass. The three slopes are taken as independent for the error.

    Args:
        moments: of :func:`charge_tracks`.
        total: the line behind the Einstein conductivity.
        interval_ps: time between frames.
        n_frames: frames of the run.
    """
    window = (total.start_ps, total.end_ps)
    fits = [choose_fit(m, interval_ps, n_frames, window, bounded=True).fit for m in moments[1:]]
    if fits[0] is None or fits[1] is None:
        return None
    a, b, c = total.slope_A2_per_ps, fits[0].slope_A2_per_ps, fits[1].slope_A2_per_ps
    share = (a + b - c) / (2.0 * a)
    errors = (
        (c - b) / (2.0 * a**2) * total.slope_stderr_A2_per_ps,
        fits[0].slope_stderr_A2_per_ps / (2.0 * a),
        fits[1].slope_stderr_A2_per_ps / (2.0 * a),
    )
    return share, float(np.sqrt(sum(error**2 for error in errors)))


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


def conductivity(
    summary: InputSummary,
    ions: list[SpeciesDiffusion | None],
    moments: tuple[Displacements, ...] | None,
    window_ps: tuple[float, float] | None,
) -> tuple[Conductivity, list[AnalysisWarning]]:
    """Return all conductivities and what is missing or doubtful.

    Args:
        summary: volume, temperature, molarity.
        ions: self-diffusion of cation and hydroxide.
        moments: of :func:`charge_tracks`, or None with one frame.
        window_ps: fit window of the user, or None.
    """
    warnings: list[AnalysisWarning] = []

    def warn(quantity: str, reason: str) -> None:
        warnings.append(AnalysisWarning(f"conductivity.{quantity}", reason))

    temperature, volume = summary.temperature_K, summary.volume_A3
    unknown: tuple[float | None, float | None] = (None, None)
    independent = collective = unknown
    moving = [
        (ion.n_particles, ion.D_m2_per_s, ion.stderr_m2_per_s or 0.0)
        for ion in ions
        if ion is not None and ion.D_m2_per_s is not None
    ]
    if temperature is None:
        warn("nernst_einstein_S_per_m", "needs the temperature: --temperature K")
    elif len(moving) < 2:
        warn("nernst_einstein_S_per_m", "needs the diffusion coefficients of both ions")
    else:
        independent = nernst_einstein(moving, volume, temperature)
    fit, displacement = None, EMPTY_CURVE
    interval = summary.frame_interval_ps
    if moments is None or interval is None:
        warn("einstein_S_per_m", "one frame shows no motion")
    else:
        displacement = curve(moments[0], interval, summary.n_frames)
        choice = choose_fit(
            moments[0],
            interval,
            summary.n_frames,
            window_ps,
            earliest_ps=COLLECTIVE_EARLIEST_PS,
            bounded=True,
        )
        fit = choice.fit
        if choice.reason is not None:
            warn("einstein_S_per_m", choice.reason)
        if fit is not None and temperature is None:
            warn("einstein_S_per_m", "needs the temperature: --temperature K")
        elif fit is not None and temperature is not None:
            collective = einstein(
                fit.slope_A2_per_ps, fit.slope_stderr_A2_per_ps, volume, temperature
            )
    measured = None
    if summary.cation != "K":
        warn("experiment_S_per_m", f"Gilliam 2007 is for KOH, not {summary.cation}OH")
    elif temperature is None:
        warn("experiment_S_per_m", "needs the temperature: --temperature K")
    else:
        measured = experiment(summary.molarity_mol_per_L, temperature)
        if measured is None:
            warn(
                "experiment_S_per_m",
                f"{summary.molarity_mol_per_L:.3g} mol/L at {temperature:.4g} K is outside "
                "the data of Gilliam 2007 (above 0 to 12 mol/L, 273.15 to 373.15 K)",
            )
    haven = shared = apparent = unknown
    if independent[0] and collective[0] and collective[0] > 0:
        ratio = independent[0] / collective[0]
        relative = np.hypot(
            (independent[1] or 0.0) / independent[0], (collective[1] or 0.0) / collective[0]
        )
        haven = ratio, float(ratio * relative)
    if fit is not None and fit.slope_A2_per_ps > 0 and moments is not None and interval is not None:
        shared = transference(moments, fit, interval, summary.n_frames) or unknown
    if len(moving) == 2 and moving[0][1] + moving[1][1] > 0:
        (n_a, d_a, e_a), (n_b, d_b, e_b) = moving
        x, y, dx, dy = n_a * d_a, n_b * d_b, n_a * e_a, n_b * e_b
        apparent = x / (x + y), float(np.hypot(y * dx, x * dy) / (x + y) ** 2)
    return (
        Conductivity(
            *independent, *collective, measured, displacement, fit, *haven, *shared, *apparent
        ),
        warnings,
    )
