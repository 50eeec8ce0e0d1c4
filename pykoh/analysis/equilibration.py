"""Did the run begin in equilibrium? The first quarter of a run against its second half.

A box straight from packing, or from another temperature, drifts at first, and averages over the
whole run are then those of no liquid. What is compared: the temperature, the hydrogen bonds between
water molecules and the water molecules within 3.4 Å of another one (the first shell of g(r)). A
difference counts where it is larger than four standard errors, which those of the second half give,
correlation in time included (:mod:`pykoh.analysis.blocks`).
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.blocks import ratio_stderr
from pykoh.analysis.results import AnalysisWarning, FloatArray

SIGNIFICANT = 4.0
SHELL_A = 3.4
"""First minimum of g(r) of the oxygens of water, Å."""

_FEWEST = 16  # segments of time
_SMALLEST = 0.01
"""A smaller part of the value is no matter, however well it is known."""


def drift(numerator: FloatArray, denominator: FloatArray) -> tuple[float, float] | None:
    """Return a mean over the first quarter and over the second half, or None if they agree.

    Args:
        numerator: [n], sums over segments of time, in order.
        denominator: [n], of the same segments.
    """
    n = len(numerator)
    if n < _FEWEST:
        return None
    first, last = slice(0, n // 4), slice(n // 2, n)
    below = denominator[first].sum(), denominator[last].sum()
    if min(below) <= 0:
        return None
    early, late = (float(numerator[part].sum() / denominator[part].sum()) for part in (first, last))
    stderr = ratio_stderr(numerator[last], denominator[last])
    if stderr is None:
        return None
    # The first quarter is half as long as the second half.
    apart = abs(early - late) / max(stderr * np.sqrt(3.0), 1e-300)
    if apart < SIGNIFICANT or abs(early - late) < _SMALLEST * abs(late):
        return None
    return early, late


def words(name: str, unit: str, found: tuple[float, float] | None) -> str | None:
    """Return what drifts, or None if nothing does."""
    if found is None:
        return None
    return (
        f"{name} {found[0]:.4g}{unit} in the first quarter, {found[1]:.4g}{unit} in the second half"
    )


Sums = tuple[FloatArray, FloatArray]
"""Sums over segments of time, and what they are divided by."""


def drift_warnings(temperature: Sums, bonds: Sums | None, shell: Sums) -> list[AnalysisWarning]:
    """Return whether the run began out of equilibrium.

    Args:
        temperature: K.
        bonds: hydrogen bonds between waters and the waters, or None where they are unknown.
        shell: waters within :data:`SHELL_A` of a water, and the waters.
    """
    found = [
        words("temperature", " K", drift(*temperature)),
        None if bonds is None else words("hydrogen bonds per water molecule", "", drift(*bonds)),
        words(f"water molecules within {SHELL_A:g} Å of another", "", drift(*shell)),
    ]
    seen = [text for text in found if text is not None]
    if not seen:
        return []
    reason = (
        f"the run does not begin in equilibrium: {'; '.join(seen)}; "
        "leave out its beginning with --start PS, or equilibrate first"
    )
    return [AnalysisWarning("input.equilibration", reason)]
