"""Estimates as JSON, CSV and text, with one rule of rounding.

Every text rounds by :func:`rounded`: the standard error has two digits, and the value as many
decimals as the error. A share that would leave 0 to 1 within two standard errors is written with
its interval of 95 %. What was not seen once is written as a limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from pykoh.analysis.common.estimate import Estimate, How, Kind
from pykoh.analysis.common.wording import rounded_up

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_THIN_SPACE = "\u2009"
_SMALLEST = 1e-9  # a smaller share is 0
_MOST_DECIMALS = 8
_LARGEST_ERROR = 1e5  # a larger one is written with an exponent


def value_of(estimate: Estimate | None) -> float | None:
    """Return the value, or None."""
    return None if estimate is None else estimate.value


def stderr_of(estimate: Estimate | None) -> float | None:
    """Return the standard error, or None if it or the value is unknown."""
    return None if estimate is None else estimate.stderr


def interval_of(estimate: Estimate | None) -> tuple[float, float] | None:
    """Return the interval of 95 %, or None."""
    return None if estimate is None else estimate.interval


def limit_of(estimate: Estimate | None) -> float | None:
    """Return the upper limit of 95 % of what was not seen once, or None."""
    return None if estimate is None else estimate.upper_limit


def keys(
    estimate: Estimate | None,
    value: str | None = None,
    stderr: str | None = None,
    interval: str | None = None,
) -> dict[str, float | tuple[float, float] | None]:
    """Return an estimate as keys of a JSON object; null for what is unknown.

    Args:
        estimate: the estimate, or None if the run does not give it.
        value: key of the value, or None: no such key.
        stderr: key of the standard error.
        interval: key of the interval of 95 %.
    """
    parts = (
        (value, value_of(estimate)),
        (stderr, stderr_of(estimate)),
        (interval, interval_of(estimate)),
    )
    return {key: part for key, part in parts if key is not None}


def columns(estimate: Estimate | None) -> tuple[float | None, float | None]:
    """Return value and standard error as two cells of a CSV."""
    return value_of(estimate), stderr_of(estimate)


def rounded(value: float, stderr: float) -> tuple[str, str]:
    """Return a value and its standard error, rounded to two digits of the error.

    This is the rule of every text. No number is rounded left of the decimal point.

    >>> rounded(1.2345, 0.0678)
    ('1.234', '0.068')
    """
    exponent = int(f"{stderr:.1e}".partition("e")[2])  # of the rounded error: 0.0996 is 0.10
    decimals = max(0, 1 - exponent)
    if decimals > _MOST_DECIMALS or stderr >= _LARGEST_ERROR:
        return f"{value:.4g}", f"{stderr:.2g}"
    number = f"{value:.{decimals}f}"
    if not float(number):
        number = number.lstrip("-")  # not -0.0
    return number, f"{stderr:.{decimals}f}"


def _rounded_share(value: float, rounding: Callable[[float], int]) -> str:
    """Return a number from 0 to 1 with two digits."""
    decimals = 1 - math.floor(math.log10(value)) if value > _SMALLEST else 2
    if value >= 0.995:
        decimals = 2
    return f"{rounding(round(value * 10.0**decimals, 6)) / 10.0**decimals:.{decimals}f}"


def limit_text(estimate: Estimate, unit: str = "") -> str | None:
    """Return ``< 0.39 (95 %)`` or ``> 0.80 (95 %)``, or None if the value is no limit."""
    unit = f" {unit}" if unit else ""
    if estimate.interval is None or estimate.kind is Kind.NUMBER:
        return None
    low, high = estimate.interval
    if estimate.kind is Kind.RATE:
        return f"< {rounded_up(high)}{unit} (95 %)" if estimate.value == 0.0 else None
    if estimate.value <= 0.0:
        return f"< {_rounded_share(high, math.ceil)}{unit} (95 %)"
    if estimate.value >= 1.0:
        return f"> {_rounded_share(low, math.floor)}{unit} (95 %)"
    return None


def _interval_text(estimate: Estimate) -> str | None:
    """Return a share with its interval where the error bar would leave 0 to 1, else None."""
    stderr, interval = estimate.stderr, estimate.interval
    if estimate.kind is not Kind.SHARE or stderr is None or interval is None:
        return None
    if estimate.value - 2.0 * stderr > 0.0 and estimate.value + 2.0 * stderr < 1.0:
        return None
    low, high = interval
    ends = f"{_rounded_share(low, math.floor)} to {_rounded_share(high, math.ceil)}"
    return f"{_rounded_share(estimate.value, round)} (95 %: {ends})"


def _error_unknown(estimate: Estimate) -> bool:
    """Return whether the value has no error, though it is an estimate of this run."""
    if estimate.stderr is None:
        return estimate.how is not How.GIVEN
    # A share that did not change once in a short run has an error of 0, which is not known to be 0.
    return estimate.kind is Kind.SHARE and estimate.interval is None


def terminal(estimate: Estimate | None, scale: float = 1.0) -> str:
    """Return an estimate for the terminal; ``-`` for None, ``± ?`` if its error is unknown.

    >>> terminal(Estimate.number(1.2345, 0.0678))
    '1.234 ± 0.068'
    >>> terminal(Estimate.number(1.2345, None))
    '1.234 ± ?'

    Args:
        estimate: the estimate, or None.
        scale: is multiplied to value and error, to write them in another unit.
    """
    if estimate is None:
        return "-"
    special = limit_text(estimate) or _interval_text(estimate)
    if special is not None:
        return special
    value = estimate.value * scale
    if _error_unknown(estimate):
        return f"{value:.4g} ± ?"
    if not estimate.stderr:
        return f"{value:.4g}"
    number, error = rounded(value, estimate.stderr * scale)
    return f"{number} ± {error}"


def significant(value: float, digits: int = 3) -> str:
    """Return ``value`` with a number of significant digits, without an exponent if readable."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 6:
        return f"{value:.{max(digits - 1 - exponent, 0)}f}"
    mantissa = f"{value / 10.0**exponent:.{digits - 1}f}"
    return f"{mantissa}{_THIN_SPACE}×{_THIN_SPACE}{power_of_ten(exponent)}"


def power_of_ten(exponent: int) -> str:
    """Return ``10⁻⁹`` for -9."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def page(estimate: Estimate, unit: str = "", exponent: int = 0) -> str:
    """Return ``(1.931 ± 0.070) × 10⁻⁹ m²/s``, the text of an estimate on a page.

    Args:
        estimate: the estimate, in ``unit``.
        unit: written after the number.
        exponent: power of ten that is taken out of the number.
    """
    special = limit_text(estimate, unit) or _interval_text(estimate)
    if special is not None:
        return special
    unknown = " (error unknown)" if _error_unknown(estimate) else ""
    stderr = estimate.stderr
    if unknown or not stderr:
        return f"{without_error(estimate.value, unit, exponent)}{unknown}"
    scale = 10.0**exponent
    number = " ± ".join(rounded(estimate.value / scale, stderr / scale))
    power = f" × {power_of_ten(exponent)}" if exponent else ""
    if power or unit:
        number = f"({number})"
    return f"{number}{power}{f' {unit}' if unit else ''}"


def without_error(value: float, unit: str = "", exponent: int = 0) -> str:
    """Return ``1.93 × 10⁻⁹ m²/s``, a number that was given or measured by others.

    Args:
        value: the number, in ``unit``.
        unit: written after the number.
        exponent: power of ten that is taken out of the number.
    """
    power = f" × {power_of_ten(exponent)}" if exponent else ""
    return f"{significant(value / 10.0**exponent)}{power}{f' {unit}' if unit else ''}"
