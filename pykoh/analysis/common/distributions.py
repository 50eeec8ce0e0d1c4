"""Quantiles and tails of the distributions that errors come from.

They are those of :mod:`scipy.stats`, whose import takes a third of a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pykoh.arrays import FloatArray


def normal_quantile(probability: ArrayLike) -> Any:
    """Return where the standard normal distribution reaches a probability."""
    return special.ndtri(probability)


def t_quantile(probability: ArrayLike, freedom: ArrayLike) -> Any:
    """Return where Student's distribution reaches a probability.

    Args:
        probability: 0 to 1.
        freedom: degrees of freedom, not always whole.
    """
    return special.stdtrit(freedom, probability)


def chi2_quantile(probability: ArrayLike, freedom: ArrayLike) -> FloatArray:
    """Return where the χ² distribution reaches a probability.

    Args:
        probability: 0 to 1.
        freedom: degrees of freedom, not always whole.
    """
    half: FloatArray = special.gammaincinv(np.asarray(freedom) / 2.0, probability)
    return 2.0 * half


def chi2_tail(chi2: ArrayLike, freedom: ArrayLike) -> Any:
    """Return the probability of a χ² above ``chi2``; NaN without degrees of freedom.

    Args:
        chi2: 0 or more; a rounding error below is 0.
        freedom: degrees of freedom, not always whole.
    """
    return np.where(np.asarray(freedom) > 0, special.chdtrc(freedom, np.maximum(chi2, 0.0)), np.nan)


def f_quantile(probability: ArrayLike, numerator: ArrayLike, denominator: ArrayLike) -> Any:
    """Return where the F distribution reaches a probability.

    Args:
        probability: 0 to 1.
        numerator: degrees of freedom, not always whole.
        denominator: degrees of freedom.
    """
    return special.fdtri(numerator, denominator, probability)
