"""Correlation of the hops of one ion, for the standard errors of means over hops.

An ion whose last hops led back is in a place where the next one does so too, so hops in a row are
not independent of each other. The variance of a mean over n of them is that of independent ones
times

    1 + 2 Σ_j ρ_j,

with ρ_j the correlation of hops j apart of the same ion, j up to 16. The sum ends where the sum of
two neighbours is not positive any more, where the rest is noise (the initial positive sequence:
Geyer, Stat. Sci. 7 (1992) 473, doi:10.1214/ss/1177011137). It is at least 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.arrays import FloatArray

_MOST = 16  # hops apart


class Chains:
    """Correlations along the hops of each ion, of several quantities, in constant memory.

    Args:
        n_ions: ions.
        n_quantities: quantities of each hop.
    """

    STATE = ("_last", "_known", "_pairs", "_sums")

    def __init__(self, n_ions: int, n_quantities: int) -> None:
        self._last = np.zeros((n_ions, _MOST, n_quantities))  # the newest one first
        self._known = np.zeros(n_ions, dtype=np.int64)
        self._pairs = np.zeros(_MOST)
        # Σ of products, of the later and of the earlier one, for each distance.
        self._sums = np.zeros((3, _MOST, n_quantities))

    def add(self, ion: int, values: NDArray[np.float64]) -> None:
        """Take in the next hop of an ion: [n_quantities]."""
        known, last = int(self._known[ion]), self._last[ion]
        earlier = last[:known]
        self._pairs[:known] += 1.0
        self._sums[0, :known] += values * earlier
        self._sums[1, :known] += values
        self._sums[2, :known] += earlier
        last[1:] = last[:-1].copy()
        last[0] = values
        self._known[ion] = min(known + 1, _MOST)

    def inflation(self, mean: FloatArray, variance: FloatArray, n: float) -> FloatArray:
        """Return [n_quantities], by which the variance of a mean is larger than if independent.

        Args:
            mean: [n_quantities], over all hops.
            variance: [n_quantities], of single hops.
            n: hops.
        """
        products, later, earlier = self._sums
        covariance = (products - mean * (later + earlier) + mean**2 * self._pairs[:, None]) / n
        found: FloatArray = np.ones(len(mean))
        for k in np.flatnonzero(variance > 0.0):
            rho = covariance[:, k] / variance[k]
            both = rho[::2] + rho[1::2]
            end = int(np.argmin(both > 0.0)) if (both <= 0.0).any() else len(both)
            found[k] = max(1.0, 1.0 + 2.0 * both[:end].sum())
        return found
