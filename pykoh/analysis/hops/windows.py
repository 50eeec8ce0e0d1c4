"""Within which time a hop that leads back is not counted."""

from __future__ import annotations

LASTING_PS = 2.0
"""A hop lasts if the ion does not take it back within this time. Any value from 1 to 5 ps gives the
same vehicular and structural part within 3 % (the run in :mod:`pykoh.analysis.hops.lasting`, a
frame each 10 fs)."""

STRUCTURAL_WINDOW = "structural_window_ps"
"""The key of this time in ``results.json``."""


def lasting_window_ps(rattle_window_ps: float) -> float:
    """Return the time within which a hop that lasts is not taken back, ps.

    Args:
        rattle_window_ps: transfers that lead back within it are no hops.
    """
    return max(LASTING_PS, rattle_window_ps)
