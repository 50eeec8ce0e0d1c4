"""What the vehicular and the structural motion of hydroxide have in common."""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.confidence import covariance
from pykoh.analysis.common.constants import M2_PER_S
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.transport.fitting import WindowChoice, same_slope


def cross_term(
    displacements: dict[str, Displacements | None], total: WindowChoice | None
) -> Estimate | None:
    """Return what both parts of the motion of OH- have in common, m²/s, or None.

    2 <Δr_v · Δr_s> = <Δr²> - <Δr_v²> - <Δr_s²>, from three slopes that are taken alike. Its
    variance is that of a product of Gaussian displacements, 4 (D_v D_s + D_vs²) / ν with
    ν = 2 (D / stderr)² (Wishart; see :mod:`pykoh.analysis.transport.conductivity`).
    """
    if total is None or total.fit is None:
        return None
    parts = []
    for part in ("OH-_vehicular", "OH-_structural"):
        moments = displacements.get(part)
        if moments is None:
            return None
        if not moments.square.any():  # no hop, so there is nothing to have in common
            return None
        parts.append(max(same_slope(total, moments), 0.0))
    moments = displacements["OH-"]
    assert moments is not None
    slope = same_slope(total, moments)
    cross = 0.5 * (slope - sum(parts))
    error = total.fit.slope_A2_per_ps.relative
    assert error is not None
    spread = error * np.sqrt(0.5 * (parts[0] * parts[1] + cross**2))
    scale = 2.0 / 6.0 * M2_PER_S
    freedom = 2.0 / error**2
    ends = covariance(cross, parts[0], parts[1], freedom)
    interval = None if ends is None else (scale * ends[0], scale * ends[1])
    return Estimate.number(
        scale * cross, scale * spread, How.GAUSSIAN, interval=interval, freedom=freedom
    )
