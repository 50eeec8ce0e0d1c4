"""Splines through values on equal intervals.

They are those of :mod:`scipy.interpolate`, whose import takes half a second at each start of a
simulation. The method: C. de Boor, A Practical Guide to Splines, Springer (1978).
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

Array = NDArray[np.float64]


class Spline:
    """Polynomials on equal intervals from 0 on, which join smoothly.

    Args:
        values: ``[n_intervals + 1, m]``, at the ends of the intervals.
        end: where the last interval ends.
        degree: 3: the slope is 0 at the end, and the first two intervals have one polynomial. 5:
            the first three intervals have one polynomial, and the last three.

    Attributes:
        pieces: ``[degree + 1, n_intervals, m]``: value = Σ_k pieces_k t^k, with t in 0 … 1 within
            an interval.
    """

    def __init__(self, values: Array, end: float, degree: int) -> None:
        self.n = len(values) - 1
        self.end, self.degree = end, degree
        # In units of an interval, so that the matrix is the same for all.
        sites = np.arange(self.n + 1.0)
        inner = sites[2:-1] if degree == 3 else sites[3:-3]
        knots = np.concatenate([np.zeros(degree + 1), inner, np.full(degree + 1, float(self.n))])
        weights = _weights(knots, degree, sites, values)
        starts = sites[:-1]
        pieces = []
        for k in range(degree + 1):
            pieces.append(_sum(knots, degree - k, starts, weights) / factorial(k))
            if k < degree:
                widths = knots[degree - k + 1 : -1] - knots[1 : -(degree - k + 1)]
                weights = (degree - k) * np.diff(weights, axis=0) / widths[:, None]
                knots = knots[1:-1]
        self.pieces: Array = np.stack(pieces)

    def __call__(self, x: Array, derivative: int = 0) -> Array:
        """Return values or derivatives ``[n, m]`` at places ``[n]`` from 0 to the end."""
        scaled = np.asarray(x) * (self.n / self.end)
        interval = np.clip(scaled.astype(np.int64), 0, self.n - 1)
        t = (scaled - interval)[:, None]
        total = np.zeros((len(t), self.pieces.shape[2]))
        for k in range(self.degree, derivative - 1, -1):
            factor = factorial(k) // factorial(k - derivative)
            total = total * t + factor * self.pieces[k, interval]
        return total * (self.n / self.end) ** derivative


def _weights(knots: Array, degree: int, sites: Array, values: Array) -> Array:
    """Return the weights of the B-splines, whose sum goes through the values."""
    n = len(knots) - degree - 1
    first, basis = _basis(knots, degree, sites)
    rows = np.arange(len(sites))
    right = np.asarray(values, dtype=np.float64)
    if degree == 3:
        # One more condition: the slope at the end is 0, so the last two weights are the same.
        right = np.concatenate([right, np.zeros_like(right[:1])])
    banded = np.zeros((2 * degree + 1, n))
    for j in range(degree + 1):
        column = first + j
        banded[degree + rows - column, column] = basis[:, j]
    if degree == 3:
        banded[degree, n - 1], banded[degree + 1, n - 2] = 1.0, -1.0
    found: Array = solve_banded((degree, degree), banded, right)
    return found


def _sum(knots: Array, degree: int, places: Array, weights: Array) -> Array:
    """Return the weighted sum of the B-splines at some places."""
    first, basis = _basis(knots, degree, places)
    total = np.zeros((len(places), weights.shape[1]))
    for j in range(degree + 1):
        total += basis[:, j, None] * weights[first + j]
    return total


def _basis(knots: Array, degree: int, places: Array) -> tuple[NDArray[np.int64], Array]:
    """Return which B-splines are not zero at some places, the first of them, and their values."""
    last = np.searchsorted(knots, places, side="right") - 1
    last = np.clip(last, degree, len(knots) - degree - 2)
    basis = np.zeros((len(places), degree + 1))
    basis[:, 0] = 1.0
    for d in range(1, degree + 1):
        for j in range(d, -1, -1):
            value = np.zeros(len(places))
            if j > 0:
                left, right = knots[last + j - d], knots[last + j]
                value += basis[:, j - 1] * (places - left) / (right - left)
            if j < d:
                left, right = knots[last + j + 1 - d], knots[last + j + 1]
                value += basis[:, j] * (right - places) / (right - left)
            basis[:, j] = value
    return last - degree, basis
