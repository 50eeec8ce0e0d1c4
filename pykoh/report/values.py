"""Numbers as a person writes them: rounded to what their standard error can carry."""

from __future__ import annotations

import math

from pykoh.analysis.common.shares import share_text

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_THIN_SPACE = "\u2009"
_NO_ERROR = 1e-100  # a smaller standard error cannot be rounded


def _plain(value: float, decimals: int) -> str:
    """Return ``value`` with ``decimals`` decimals; negative decimals round left of the point."""
    if decimals < 0:
        return f"{round(value, decimals):.0f}"
    return f"{value:.{decimals}f}"


def error_decimals(stderr: float) -> int:
    """Return how many decimals a standard error carries: one digit, two if the first is a 1."""
    exponent = math.floor(math.log10(stderr))
    leading = stderr / 10.0**exponent
    return -exponent + (1 if leading < 1.95 else 0)


def significant(value: float, digits: int = 3) -> str:
    """Return ``value`` with a number of significant digits, without an exponent if readable."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 6:
        return _plain(value, max(digits - 1 - exponent, 0))
    mantissa = _plain(value / 10.0**exponent, digits - 1)
    return f"{mantissa}{_THIN_SPACE}×{_THIN_SPACE}{power_of_ten(exponent)}"


def power_of_ten(exponent: int) -> str:
    """Return ``10⁻⁹`` for -9."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def quantity(value: float, stderr: float | None, unit: str = "", exponent: int = 0) -> str:
    """Return ``(1.93 ± 0.07) × 10⁻⁹ m²/s``: a value rounded to the digits of its standard error.

    Args:
        value: the value in ``unit``.
        stderr: its standard error in ``unit``; None if unknown, then three digits are shown.
        unit: written after the number.
        exponent: power of ten that is taken out of the number.
    """
    scaled = value / 10.0**exponent
    unit_text = f" {unit}" if unit else ""
    power = f" × {power_of_ten(exponent)}" if exponent else ""
    if stderr is None or not math.isfinite(stderr) or stderr / 10.0**exponent < _NO_ERROR:
        return f"{significant(scaled)}{power}{unit_text}"
    scaled_error = stderr / 10.0**exponent
    decimals = error_decimals(scaled_error)
    number = f"{_plain(scaled, decimals)} ± {_plain(scaled_error, decimals)}"
    if power or unit:
        number = f"({number})"
    return f"{number}{power}{unit_text}"


def fraction(
    value: float,
    stderr: float | None,
    limit: float | None = None,
    interval: tuple[float, float] | None = None,
) -> str:
    """Return a share: ``0.31 ± 0.02``, ``0.02 (95 %: 0.003 to 0.15)`` or ``< 0.39 (95 %)``."""
    return share_text(
        value, stderr, quantity, limit=limit, unknown=" (error unknown)", interval=interval
    )


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
