"""Survival functions in ``results.json`` and in ``survival.csv``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.estimate_views import keys
from pykoh.analysis.common.shown import Json, Table
from pykoh.analysis.common.survival_curve import SurvivalCurve


def survival_json(curve: SurvivalCurve | None) -> Json:
    """Return the times of a survival function; the curves are in ``survival.csv``."""
    if curve is None:
        return None
    return {
        **_time(curve.intermittent_ps, "intermittent"),
        **_time(curve.continuous_ps, "continuous"),
    }


def _time(time: Estimate | None, name: str) -> dict[str, Json]:
    return keys(time, f"{name}_ps", f"{name}_stderr_ps", f"{name}_interval_95_ps")


def survival_table(name: str, curve: SurvivalCurve | None) -> Table:
    """Return what one thing adds to ``survival.csv``.

    Args:
        name: what lasts.
        curve: how long, or None: nothing is added.
    """
    return Table(
        "survival.csv",
        "share of hydrogen bonds, of hydroxides on their oxygen, and of their pairs, still there "
        "after a time (ps): intermittent (there at both ends), continuous (without a break)",
        ("what", "kind", "time_ps", "share", "stderr"),
        () if curve is None else _rows(name, curve),
    )


def _rows(name: str, curve: SurvivalCurve) -> Iterator[tuple[Any, ...]]:
    lags = zip(curve.lag_ps, curve.intermittent, curve.intermittent_stderr, strict=True)
    for values in lags:
        yield name, "intermittent", *values
    for time, share in zip(curve.time_ps, curve.continuous, strict=True):
        yield name, "continuous", time, share, None
