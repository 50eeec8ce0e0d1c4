"""Numbers and counts in sentences."""

from __future__ import annotations

import math


def plain(value: float, digits: int = 2) -> str:
    """Return a number with some significant digits and without an exponent below a million."""
    return f"{float(f'{value:.{digits}g}'):g}"


def rounded_up(limit: float) -> str:
    """Return a limit with two digits, which is not below it."""
    step = 10.0 ** (math.floor(math.log10(limit)) - 1)
    return plain(math.ceil(round(limit / step, 6)) * step)


def counted(n: float, noun: str, verb: tuple[str, str] | None = None) -> str:
    """Return a count with its noun, and perhaps its verb, in the right number.

    Args:
        n: the count.
        noun: in the singular, with a plural in s.
        verb: with one and with several, e.g. ``("is", "are")``.
    """
    one = n == 1
    words = f"{n:.0f} {noun}{'' if one else 's'}"
    return words if verb is None else f"{words} {verb[0] if one else verb[1]}"
