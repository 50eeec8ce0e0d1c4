r"""Ionic conductivity: Nernst-Einstein, collective (Einstein) and experimental.

Nernst-Einstein, ions that move independently: σ = e² / (V kB T) Σ_i z_i² N_i D_i.

Einstein: σ = lim d<|ΔM|²>/dt · e² / (6 V kB T). M is the displacement of the ions,

    M(t) = Σ r(cations) - Σ r(hydroxides),

each hydroxide along its continuous path through all hops, over periodic boundaries.

Why this is the same limit as that of all charges: an electronic insulator whose atoms keep their
oxidation states has exactly the conductivity of the integer charges H +1, O -2, K +1 (Grasselli
and Baroni, Nat. Phys. 15 (2019) 967, doi:10.1038/s41567-019-0562-0). Group these charges into
water molecules, hydroxides and cations. A water molecule is neutral, and what it adds is its
dipole, which is bounded; a hydroxide is -1 at its oxygen and a bounded vector. Where a proton is
transferred, the charges do not jump, but the grouping changes: the hydroxide is now the other
oxygen, and bounded vectors change with it. So the two displacements differ by something bounded at
all times, and their mean-square displacements have the same slope in the limit (gauge invariance
of transport coefficients, shown for heat by Ercole, Marcolongo, Umari and Baroni, J. Low Temp.
Phys. 185 (2016) 79, doi:10.1007/s10909-016-1617-6). That bounded part is the dipole of water: it
turns for 10 ps and more, and is larger than what the ions add in that time. Without it the slope is
right from some picoseconds on, and known better.

The gauge: the sum over cations and hydroxides weighs +1 and -1, so that a shift of all positions
drops out if there are as many of the one as of the other. Displacements are taken in the frame of
the centre of mass of the box.

Onsager coefficients: with J the displacement of all ions of a kind,

    σ_ab = lim d<ΔJ_a · ΔJ_b>/dt · e² / (6 V kB T),   σ = σ_++ + σ_-- - 2 σ_+-,

and σ_aa has a self part (Nernst-Einstein's) and a distinct one, of different ions (Fong, Bergstrom,
McCloskey and Mandadapu, 2020, doi:10.48550/arXiv.2006.16164). The transference number is
t = (σ_++ - σ_+-) / σ. All slopes are taken with the same weights from the same lags, so that they
add up. Displacements of many ions are Gaussian, and so the matrix σ_ab follows Wishart's
distribution, with ν = 2 (σ / stderr)² degrees of freedom:

    var(σ_ab) = (σ_aa σ_bb + σ_ab²) / ν,   var(t) = [σ_++ σ - (σ_++ - σ_+-)²] / [σ² (ν - 1)].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.analysis.confidence import Interval, ratio, student
from pykoh.analysis.constants import BOLTZMANN_J_PER_K, ELEMENTARY_CHARGE_C, M2_PER_S
from pykoh.analysis.correlator import Displacements
from pykoh.analysis.diffusion import EMPTY_CURVE
from pykoh.analysis.fitting import (
    DEFAULT_EARLIEST_PS,
    WindowChoice,
    choose_fit,
    same_slope,
)
from pykoh.analysis.results import (
    AnalysisWarning,
    Conductivity,
    FloatArray,
    InputSummary,
    OnsagerCoefficient,
    SpeciesDiffusion,
)
from pykoh.analysis.straight_line import curve

Value = tuple[float | None, float | None]

# Molarity and temperature that the data behind experiment() cover.
EXPERIMENT_MOLARITY = (0.0, 12.0)
EXPERIMENT_TEMPERATURE_K = (273.15, 373.15)

_LEAST_OF_APART = 0.25  # the variance of a ratio is at least this part of that of two runs


def ion_tracks(
    cations: FloatArray, hydroxides: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return M, and the displacements of all cations and of all hydroxides: [n_frames, 1, 3], e·Å.

    Args:
        cations: [n_frames, n_cations, 3], Å, unwrapped.
        hydroxides: [n_frames, n_hydroxides, 3], Å, continuous paths through hops.
    """
    plus: FloatArray = cations.sum(axis=1)[:, None]
    minus: FloatArray = hydroxides.sum(axis=1)[:, None]
    return plus - minus, plus, minus


def onsager(
    moments: tuple[Displacements, ...], choice: WindowChoice, self_parts: tuple[float, float]
) -> tuple[tuple[OnsagerCoefficient, ...], tuple[float, float, float] | None]:
    """Return the Onsager coefficients, and the cations' share of the current; e²·Å²/ps.

    Args:
        moments: of :func:`ion_tracks`.
        choice: the fit of the first of them.
        self_parts: 6 Σ D of the cations and of the hydroxides, Å²/ps; NaN where unknown.

    Returns:
        Coefficients in units of the slope (cation-cation, cation-hydroxide, hydroxide-hydroxide);
        the share, its standard error and degrees of freedom, or None where the slope is not known.
    """
    assert choice.fit is not None
    whole, plus, minus = (same_slope(choice, each) for each in moments)
    cross = 0.5 * (plus + minus - whole)
    if whole <= 0 or plus <= 0 or minus <= 0:
        return (), None
    error = choice.fit.slope_stderr_A2_per_ps / choice.fit.slope_A2_per_ps
    freedom = 2.0 / error**2
    of_plus, of_minus = self_parts
    parts = (
        ("cation_cation", plus, np.sqrt(2.0) * plus, of_plus),
        ("cation_hydroxide", cross, np.sqrt(plus * minus + cross**2), 0.0),
        ("hydroxide_hydroxide", minus, np.sqrt(2.0) * minus, of_minus),
    )
    coefficients = tuple(
        OnsagerCoefficient(
            name, value, float(spread / np.sqrt(freedom)), None if np.isnan(own) else own
        )
        for name, value, spread, own in parts
    )
    along = plus - cross
    share = along / whole
    rest = max(plus * whole - along**2, 0.0) / whole**2
    return coefficients, (share, float(np.sqrt(rest / max(freedom - 1.0, 1.0))), freedom - 1.0)


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


@dataclass(frozen=True, slots=True)
class _Known:
    """What the conductivities are worked out from.

    Attributes:
        summary: volume, temperature, molarity.
        ions: self-diffusion of cation and hydroxide.
        warnings: grows.
    """

    summary: InputSummary
    ions: list[SpeciesDiffusion | None]
    warnings: list[AnalysisWarning]

    def warn(self, quantity: str, reason: str) -> None:
        self.warnings.append(AnalysisWarning(f"conductivity.{quantity}", reason))

    def moving(self) -> list[tuple[float, float, float]]:
        """Return number, D and its standard error (m²/s) of each ion that has one."""
        return [
            (ion.n_particles, ion.D_m2_per_s, ion.stderr_m2_per_s or 0.0)
            for ion in self.ions
            if ion is not None and ion.D_m2_per_s is not None
        ]

    def independent(self) -> Value:
        """Return the Nernst-Einstein conductivity, S/m."""
        temperature = self.summary.temperature_K
        if temperature is None:
            self.warn("nernst_einstein_S_per_m", "needs the temperature: --temperature K")
        elif len(self.moving()) < 2:
            self.warn("nernst_einstein_S_per_m", "needs the diffusion coefficients of both ions")
        else:
            return nernst_einstein(self.moving(), self.summary.volume_A3, temperature)
        return None, None

    def measured(self) -> float | None:
        """Return the conductivity of the experiment, S/m."""
        given, temperature = self.summary, self.summary.temperature_K
        if given.cation != "K":
            self.warn("experiment_S_per_m", f"Gilliam 2007 is for KOH, not {given.cation}OH")
            return None
        if temperature is None:
            self.warn("experiment_S_per_m", "needs the temperature: --temperature K")
            return None
        value = experiment(given.molarity_mol_per_L, temperature)
        if value is None:
            self.warn(
                "experiment_S_per_m",
                f"{given.molarity_mol_per_L:.3g} mol/L at {temperature:.4g} K is outside "
                "the data of Gilliam 2007 (above 0 to 12 mol/L, 273.15 to 373.15 K)",
            )
        return value


def _share(
    known: _Known, found: tuple[float, float, float] | None
) -> tuple[float | None, float | None, Interval | None]:
    """Return the transference number of the cation, its error and interval; None if useless."""
    if found is None:
        return None, None, None
    share, error, freedom = found
    interval = student(share, error, freedom)
    assert interval is not None
    low, high = interval
    if high - low >= 1.0 or high < 0.0 or low > 1.0:
        known.warn(
            "transference_cation",
            f"between {low:.2f} and {high:.2f} (95 %), which says nothing or is outside [0, 1]; "
            "run longer or average replicas",
        )
        return None, None, None
    if not 0.0 <= share <= 1.0:
        known.warn(
            "transference_cation",
            f"came out as {share:.2f}; the nearest value in [0, 1] is given",
        )
    return min(max(share, 0.0), 1.0), error, (max(low, 0.0), min(high, 1.0))


def haven_ratio(independent: Value, collective: Value) -> tuple[Value, Interval | None]:
    """Return Nernst-Einstein's conductivity over Einstein's, its error and interval of 95 %.

    Both come from the same ions. Of Gaussian displacements that do not depend on each other the
    covariance of Σ |Δr|² and |Σ Δr|² is the variance of the first one, so that the relative
    variances obey var(H) = var(σ) - var(σ_NE); with H above 1 the covariance is smaller by 1 / H.

    The mean of a quotient is not the quotient of the means: to second order in the errors it is too
    large by the factor 1 + var(σ) - cov(σ_NE, σ), in relative units, which is divided out. So the
    value is not exactly the quotient of the two conductivities.

    Args:
        independent: Nernst-Einstein's and its standard error, S/m.
        collective: Einstein's and its standard error, S/m.
    """
    (above, above_error), (below, below_error) = independent, collective
    if not above or not below or below < 0 or not above_error or not below_error:
        return (None, None), None
    value = above / below
    a, b = above_error / above, below_error / below
    shared = 2.0 * a**2 * min(1.0, 1.0 / value)
    variance = max(a**2 + b**2 - shared, _LEAST_OF_APART * (a**2 + b**2))
    value /= 1.0 + max(b**2 - 0.5 * shared, 0.0)
    part = float(np.sqrt(variance / (a**2 + b**2)))
    return (value, float(value * np.sqrt(variance))), ratio(value, part * a, part * b)


def conductivity(
    summary: InputSummary,
    ions: list[SpeciesDiffusion | None],
    moments: tuple[Displacements, ...] | None,
    window_ps: tuple[float, float] | None,
    earliest_ps: float = DEFAULT_EARLIEST_PS,
) -> tuple[Conductivity, list[AnalysisWarning]]:
    """Return all conductivities and what is missing or doubtful.

    Args:
        summary: volume, temperature, molarity.
        ions: self-diffusion of cation and hydroxide.
        moments: of :func:`ion_tracks`, or None with one frame or without ions.
        window_ps: fit window of the user, or None.
        earliest_ps: memory of the ions' motion, ps; no fit begins before it.
    """
    known = _Known(summary, ions, [])
    unknown: Value = (None, None)
    independent, collective = known.independent(), unknown
    fit, displacement, interval = None, EMPTY_CURVE, summary.frame_interval_ps
    coefficients: tuple[OnsagerCoefficient, ...] = ()
    share = None
    temperature = summary.temperature_K
    if moments is None or interval is None:
        reason = "one frame shows no motion" if interval is None else "the box has no ions"
        known.warn("einstein_S_per_m", reason)
    else:
        displacement = curve(moments[0], interval, summary.n_frames)
        choice = choose_fit(
            moments[0], interval, summary.n_frames, window_ps, earliest_ps=earliest_ps, bounded=True
        )
        fit = choice.fit
        if choice.reason is not None:
            known.warn("einstein_S_per_m", choice.reason)
        if fit is not None:
            own = [
                6.0 * ion.n_particles * ion.D_m2_per_s / M2_PER_S
                if ion is not None and ion.D_m2_per_s is not None
                else np.nan
                for ion in ions
            ]
            coefficients, share = onsager(moments, choice, (own[0], own[1]))
        if fit is not None and temperature is None:
            known.warn("einstein_S_per_m", "needs the temperature: --temperature K")
            coefficients = ()
        elif fit is not None and temperature is not None:
            volume = summary.volume_A3
            collective = einstein(
                fit.slope_A2_per_ps, fit.slope_stderr_A2_per_ps, volume, temperature
            )
            to_S_per_m = einstein(1.0, 0.0, volume, temperature)[0]
            coefficients = tuple(entry.times(to_S_per_m) for entry in coefficients)
    measured = known.measured()
    haven, haven_interval = haven_ratio(independent, collective)
    shared = _share(known, share)
    moving, apparent = known.moving(), unknown
    if len(moving) == 2 and moving[0][1] + moving[1][1] > 0:
        (n_a, d_a, e_a), (n_b, d_b, e_b) = moving
        x, y, dx, dy = n_a * d_a, n_b * d_b, n_a * e_a, n_b * e_b
        apparent = x / (x + y), float(np.hypot(y * dx, x * dy) / (x + y) ** 2)
    return (
        Conductivity(
            *independent, *collective, measured, displacement, fit, *haven, *shared[:2], *apparent,
            onsager=coefficients,
            haven_ratio_interval_95=haven_interval,
            transference_cation_interval_95=shared[2],
        ),
        known.warnings,
    )  # fmt: skip
