"""Numbers as a person writes them; an estimate is rounded to what its standard error can carry."""

from __future__ import annotations

from pykoh.analysis.common.estimate_views import page as quantity
from pykoh.analysis.common.estimate_views import power_of_ten, significant, without_error

__all__ = [
    "count", "duration", "power_of_ten", "quantity", "setting", "significant", "without_error",
]  # fmt: skip

_THIN_SPACE = "\u2009"


def setting(value: float) -> str:
    """Return a number that was chosen, not measured, as briefly as it can be written."""
    return f"{value:.6g}"


def count(value: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", _THIN_SPACE)


def duration(picoseconds: float) -> str:
    """Return a time in fs, ps or ns, whichever reads best."""
    if picoseconds >= 1000:
        return f"{picoseconds / 1000:.4g} ns"
    if 0 < picoseconds < 0.1:
        return f"{picoseconds * 1000:.4g} fs"
    return f"{picoseconds:.4g} ps"
