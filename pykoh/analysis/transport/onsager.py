r"""What the currents of cations and hydroxides have in common: Onsager coefficients and ratios.

With J the displacement of all ions of a kind,

    σ_ab = lim d<ΔJ_a · ΔJ_b>/dt · e² / (6 V kB T),   σ = σ_++ + σ_-- - 2 σ_+-,

and σ_aa has a self part (Nernst-Einstein's) and a distinct one, of different ions (Fong, Bergstrom,
McCloskey and Mandadapu, 2020, doi:10.48550/arXiv.2006.16164). The transference number is
t = (σ_++ - σ_+-) / σ. All slopes are taken with the same weights from the same lags, so that they
add up. Displacements of many ions are Gaussian, and so the matrix σ_ab follows Wishart's
distribution, with ν = 2 (σ / stderr)² degrees of freedom:

    var(σ_ab) = (σ_aa σ_bb + σ_ab²) / ν,   var(t) = [σ_++ σ - (σ_++ - σ_+-)²] / [σ² (ν - 1)].

The interval of σ_+- is that of a covariance (:func:`pykoh.analysis.confidence.covariance`).
t is the regression of J_+ on the current, so (t - truth) / stderr follows Student's distribution
with ν - 1 degrees of freedom. By noise t may come out below 0 or above 1. The value is given as it
came out, since the nearest value within [0, 1] would be biased; the interval is cut to [0, 1].

No value is left out because of what came out: that would bias those that are left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.analysis.common.confidence import Interval, covariance, positive, ratio, student
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.results import OnsagerCoefficient
from pykoh.analysis.transport.fitting import WindowChoice, same_slope

Value = tuple[float | None, float | None]

_LEAST_OF_APART = 0.25  # the variance of a ratio is at least this part of that of two runs
_LEAST_FREEDOM = 2.0


@dataclass(frozen=True, slots=True)
class CurrentShare:
    """The cations' share of the current.

    Attributes:
        value: as it came out; noise may take it out of [0, 1].
        stderr: its standard error.
        interval_95: interval of 95 %, cut to [0, 1]; None if all of it is outside.
    """

    value: float
    stderr: float
    interval_95: Interval | None


def onsager(
    moments: tuple[Displacements, ...],
    choice: WindowChoice,
    self_parts: tuple[float, float],
    of_each: tuple[float | None, float | None] = (None, None),
) -> tuple[tuple[OnsagerCoefficient, ...], CurrentShare | None]:
    """Return the Onsager coefficients (e²·Å²/ps) and the cations' share of the current.

    Args:
        moments: of :func:`pykoh.analysis.transport.conductivity.ion_tracks`.
        choice: the fit of the first of them.
        self_parts: 6 Σ D of the cations and of the hydroxides, Å²/ps; NaN where unknown.
        of_each: relative standard errors of the slopes of the second and the third moments by
            themselves; None: that of the first one.

    Returns:
        Coefficients in units of the slope (cation-cation, cation-hydroxide, hydroxide-hydroxide);
        the share, or None where a slope is not positive.
    """
    assert choice.fit is not None
    whole, plus, minus = (same_slope(choice, each) for each in moments)
    cross = 0.5 * (plus + minus - whole)
    if whole <= 0 or plus <= 0 or minus <= 0:
        return (), None
    error = choice.fit.slope_stderr_A2_per_ps / choice.fit.slope_A2_per_ps
    freedom = max(2.0 / error**2, _LEAST_FREEDOM)
    found = []
    for name, value, relative, own in (
        ("cation_cation", plus, of_each[0], self_parts[0]),
        ("hydroxide_hydroxide", minus, of_each[1], self_parts[1]),
    ):
        spread = value * (error if relative is None else relative)
        known = None if np.isnan(own) else own
        found.append(OnsagerCoefficient(name, value, spread, known, positive(value, spread)))
    spread = float(np.sqrt((plus * minus + cross**2) / freedom))
    between = OnsagerCoefficient(
        "cation_hydroxide", cross, spread, 0.0, covariance(cross, plus, minus, freedom)
    )
    return (found[0], between, found[1]), _share(plus - cross, plus, whole, freedom)


def _share(along: float, plus: float, whole: float, freedom: float) -> CurrentShare:
    """Return the share ``along`` / ``whole`` of the current."""
    value = along / whole
    rest = max(plus * whole - along**2, 0.0) / whole**2
    stderr = float(np.sqrt(rest / (freedom - 1.0)))
    interval = student(value, stderr, freedom - 1.0)
    if interval is None or interval[1] < 0.0 or interval[0] > 1.0:
        return CurrentShare(value, stderr, None)
    return CurrentShare(value, stderr, (max(interval[0], 0.0), min(interval[1], 1.0)))


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


def apparent_share(
    cation: tuple[float, float], hydroxide: tuple[float, float]
) -> tuple[Value, Interval | None]:
    """Return N_+ D_+ / (N_+ D_+ + N_- D_-), its standard error and interval of 95 %.

    With x and y the two, the mean of x / (x + y) is off by t (1 - t) [(1 - t) r_y² - t r_x²] to
    second order in their relative errors r, which is taken off. The interval is that of x / y
    (:func:`pykoh.analysis.common.confidence.ratio`), and so within [0, 1].

    Args:
        cation: N D and its standard error, both in the same unit as those of the hydroxide.
        hydroxide: the same.
    """
    (x, dx), (y, dy) = cation, hydroxide
    if x <= 0 or y <= 0:
        return (None, None), None
    share, a, b = x / (x + y), dx / x, dy / y
    rest = 1.0 - share
    ends = ratio(x / y, a, b)
    value = share * (1.0 - rest * (rest * b**2 - share * a**2))
    error = share * rest * float(np.hypot(a, b))
    return (value, error), None if ends is None else (
        ends[0] / (1 + ends[0]),
        ends[1] / (1 + ends[1]),
    )
