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

import numpy as np

from pykoh.analysis.common.confidence import covariance, ratio, student
from pykoh.analysis.common.estimate import Estimate, How, Kind
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.transport.fitting import WindowChoice, same_slope
from pykoh.analysis.transport.values import OnsagerCoefficient

_LEAST_OF_APART = 0.25  # the variance of a ratio is at least this part of that of two runs
_LEAST_FREEDOM = 2.0


def onsager(
    moments: tuple[Displacements, ...],
    choice: WindowChoice,
    self_parts: tuple[float, float],
    of_each: tuple[float | None, float | None] = (None, None),
) -> tuple[tuple[OnsagerCoefficient, ...], Estimate | None]:
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
    error = choice.fit.slope_A2_per_ps.relative
    assert error is not None
    freedom = max(2.0 / error**2, _LEAST_FREEDOM)
    found = []
    for name, value, relative, own in (
        ("cation_cation", plus, of_each[0], self_parts[0]),
        ("hydroxide_hydroxide", minus, of_each[1], self_parts[1]),
    ):
        spread = value * (error if relative is None else relative)
        known = None if np.isnan(own) else own
        found.append(OnsagerCoefficient(name, Estimate.positive(value, spread, How.LINE), known))
    spread = float(np.sqrt((plus * minus + cross**2) / freedom))
    ends = covariance(cross, plus, minus, freedom)
    both = Estimate.number(cross, spread, How.GAUSSIAN, interval=ends, freedom=freedom)
    between = OnsagerCoefficient("cation_hydroxide", both, 0.0)
    return (found[0], between, found[1]), _share(plus - cross, plus, whole, freedom)


def _share(along: float, plus: float, whole: float, freedom: float) -> Estimate:
    """Return the share ``along`` / ``whole`` of the current.

    Noise may take the value out of [0, 1]. The interval is cut to [0, 1]; it is None if all of it
    is outside.
    """
    value = along / whole
    rest = max(plus * whole - along**2, 0.0) / whole**2
    stderr = float(np.sqrt(rest / (freedom - 1.0)))
    interval = student(value, stderr, freedom - 1.0)
    ends = None
    if interval is not None and interval[1] >= 0.0 and interval[0] <= 1.0:
        ends = max(interval[0], 0.0), min(interval[1], 1.0)
    return Estimate.number(
        value, stderr, How.GAUSSIAN, interval=ends, kind=Kind.SHARE, freedom=freedom - 1.0
    )


def haven_ratio(independent: Estimate | None, collective: Estimate | None) -> Estimate | None:
    """Return Nernst-Einstein's conductivity over Einstein's; None without both.

    Both come from the same ions. Of Gaussian displacements that do not depend on each other the
    covariance of Σ |Δr|² and |Σ Δr|² is the variance of the first one, so that the relative
    variances obey var(H) = var(σ) - var(σ_NE); with H above 1 the covariance is smaller by 1 / H.

    The mean of a quotient is not the quotient of the means: to second order in the errors it is too
    large by the factor 1 + var(σ) - cov(σ_NE, σ), in relative units, which is divided out. So the
    value is not exactly the quotient of the two conductivities.

    Args:
        independent: Nernst-Einstein's, S/m.
        collective: Einstein's, S/m.
    """
    if independent is None or collective is None or collective.value < 0:
        return None
    a, b = independent.relative, collective.relative
    if not a or not b:
        return None
    value = independent.value / collective.value
    shared = 2.0 * a**2 * min(1.0, 1.0 / value)
    variance = max(a**2 + b**2 - shared, _LEAST_OF_APART * (a**2 + b**2))
    value /= 1.0 + max(b**2 - 0.5 * shared, 0.0)
    part = float(np.sqrt(variance / (a**2 + b**2)))
    ends = ratio(value, part * a, part * b)
    return Estimate.number(value, value * np.sqrt(variance), How.PARTS, interval=ends)


def apparent_share(cation: Estimate, hydroxide: Estimate) -> Estimate | None:
    """Return N_+ D_+ / (N_+ D_+ + N_- D_-).

    With x and y the two, the mean of x / (x + y) is off by t (1 - t) [(1 - t) r_y² - t r_x²] to
    second order in their relative errors r, which is taken off. The interval is that of x / y
    (:func:`pykoh.analysis.common.confidence.ratio`), and so within [0, 1].

    Args:
        cation: N D, in the same unit as that of the hydroxide.
        hydroxide: the same.
    """
    x, y = cation.value, hydroxide.value
    if x <= 0 or y <= 0:
        return None
    share, a, b = x / (x + y), cation.relative or 0.0, hydroxide.relative or 0.0
    rest = 1.0 - share
    of_ratio = ratio(x / y, a, b)
    value = share * (1.0 - rest * (rest * b**2 - share * a**2))
    error = share * rest * float(np.hypot(a, b))
    ends = None
    if of_ratio is not None:
        ends = of_ratio[0] / (1 + of_ratio[0]), of_ratio[1] / (1 + of_ratio[1])
    return Estimate.number(value, error, How.PARTS, interval=ends, kind=Kind.SHARE)
