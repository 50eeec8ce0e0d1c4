"""How a share, or a mean number of bonds, is written where the error bar would leave its range.

Two standard errors below 0 or above 1 are no interval of a share. What is written then is the
interval of 95 % (:func:`pykoh.analysis.common.confidence.share`), and where nothing was seen, or
nothing else, its limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pykoh.analysis.common.confidence import Interval, share

_SMALLEST = 1e-9  # a smaller share is 0


def _rounded(value: float, rounding: Callable[[float], int]) -> str:
    """Return a number of 0 to 1 with two digits."""
    decimals = 1 - math.floor(math.log10(value)) if value > _SMALLEST else 2
    if value >= 0.995:
        decimals = 2
    return f"{rounding(round(value * 10.0**decimals, 6)) / 10.0**decimals:.{decimals}f}"


def share_text(
    value: float | None,
    stderr: float | None,
    plain: Callable[[float, float], str],
    missing: str = "-",
    limit: float | None = None,
    unknown: str = " ± ?",
    interval: Interval | None = None,
) -> str:
    """Return ``0.31 ± 0.02``, ``0.02 (95 %: 0.003 to 0.15)``, ``< 0.39 (95 %)`` or ``missing``.

    Args:
        value: the share, 0 to 1, or None.
        stderr: its standard error, or None.
        plain: writes a value with its standard error.
        missing: what is written for None.
        limit: upper limit of 95 % where nothing was seen, if it is known better than from
            ``stderr``.
        unknown: written after a value whose error is not known; a share that did not change once
            in a short run has none, though it seems to be 0.
        interval: interval of 95 %, within [0, 1], if it is not that of a share of time. The value
            itself may be outside [0, 1] then.
    """
    if value is None or not math.isfinite(value):
        return missing
    if value == 0.0 and limit is not None:
        return f"< {_rounded(limit, math.ceil)} (95 %)"
    interval = share(value, stderr) if interval is None else interval
    if stderr is None or interval is None:
        return f"{plain(value, 0.0)}{unknown}"
    low, high = interval
    if value <= 0.0:
        return f"< {_rounded(high, math.ceil)} (95 %)"
    if value >= 1.0:
        return f"> {_rounded(low, math.floor)} (95 %)"
    if value - 2.0 * stderr > 0.0 and value + 2.0 * stderr < 1.0:
        return plain(value, stderr)
    ends = f"{_rounded(low, math.floor)} to {_rounded(high, math.ceil)}"
    return f"{_rounded(value, round)} (95 %: {ends})"
