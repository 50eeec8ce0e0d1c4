r"""The spectrum of a fluctuation at frequency 0, with an error that knows of slow decays.

At the frequencies j / T of a record of length T the squared Fourier amplitudes are independent, and
each follows χ² about the spectrum S(f) (Ercole, Marcolongo and Baroni, Sci. Rep. 7 (2017) 15835,
doi:10.1038/s41598-017-15843-2). S is smooth, but how smooth is not known: a decay of 2 ps below one
of 0.05 ps is a narrow peak on a wide one. So log S is a constant and steps of Lorentzian shape,

    log S(f) = c_0 + Σ c_k / [1 + (f / f_k)²],

whose widths f_k double from one to the next: from 1 / (2π · 5 ps), or from 8 / T where the record
is too short for that, to beyond the last frequency of the fit, where S has fallen to a quarter. The
heights c_k have a normal prior of width s. For each s of a grid, c is found by maximum posterior
density (Newton's method; the χ² likelihood is convex in c), its covariance and the evidence by
Laplace's approximation (MacKay, Neural Comput. 4 (1992) 415, doi:10.1162/neco.1992.4.3.415); the s
are averaged with their evidence. Where the spectrum has structure, s is large, and then the narrow
steps that the data hardly show are part of the error at f = 0.

What decays more slowly than that narrowest step, and is hidden below a faster decay, is not seen:
that there is no such decay is an assumption about the liquid. A slow decay that is not hidden makes
S fall within few frequencies, and is reported as a record too short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.arrays import FloatArray

SLOWEST_PS = 5.0
"""The slowest decay that is looked for below faster ones, ps."""

FEWEST_FREQUENCIES = 24
"""A spectrum that falls to a quarter within fewer is not resolved."""

_NARROWEST = 8.0  # frequencies, 1 / T
_FALLEN = 0.25
_SMOOTHED = 10
_SINGLE = 30  # frequencies that are not joined into bins
_BINS = 200
_HEIGHTS = np.geomspace(0.1, 3.2, 6)  # s, of log S
_FLAT_PRIOR = 1e-6
_STEPS = 60
_PRECISE = 1e-8


@dataclass(frozen=True, slots=True)
class AtZero:
    """The spectrum at frequency 0.

    Attributes:
        log: its logarithm.
        stderr: standard error of the logarithm.
    """

    log: float
    stderr: float

    @property
    def value(self) -> float:
        """Return S(0), in the unit of the spectrum.

        Not the mean of the log-normal distribution, exp(log + stderr² / 2): the most probable
        logarithm of a flat spectrum is that of its mean, which has no bias already.
        """
        return float(np.exp(self.log))


def width(spectrum: FloatArray, fallen: float = _FALLEN) -> int:
    """Return the number of frequencies below the one where a spectrum has fallen to a part.

    Args:
        spectrum: [n], at the frequencies 1, 2 ... / T.
        fallen: part of its largest value so far, smoothed.
    """
    n = len(spectrum)
    sums = np.concatenate([[0.0], np.cumsum(spectrum)])
    largest = 0.0
    for centre in np.unique(np.round(np.geomspace(1, n, 80)).astype(int)):
        low = max(0, int(centre / 1.4) - 1)
        high = min(n, max(int(np.ceil(1.4 * centre)), low + _SMOOTHED))
        mean = float(sums[high] - sums[low]) / (high - low)
        largest = max(largest, mean)
        if mean < fallen * largest:
            return int(centre)
    return n


def _binned(spectrum: FloatArray, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return frequency (1 / T), mean and number of the first ``n``, joined above 30."""
    edges = np.arange(min(n, _SINGLE) + 1)
    if n > _SINGLE:
        rest = np.round(np.geomspace(_SINGLE, n, _BINS)).astype(int)
        edges = np.unique(np.concatenate([edges, rest]))
    count = np.diff(edges)
    return (
        np.add.reduceat(np.arange(1.0, n + 1.0), edges[:-1]) / count,
        np.add.reduceat(spectrum[:n], edges[:-1]) / count,
        count.astype(np.float64),
    )


def _most_probable(
    basis: FloatArray, y: FloatArray, weight: FloatArray, prior: FloatArray, c: FloatArray
) -> tuple[FloatArray, float]:
    """Return the c of largest posterior density, and minus the logarithm of that density.

    Args:
        basis: [n, k].
        y: [n], the spectrum.
        weight: [n], half of the degrees of freedom of each.
        prior: [k], inverse variances of c.
        c: [k], where to begin.
    """

    def cost(c: FloatArray) -> float:
        model = basis @ c
        return float((weight * (model + y * np.exp(-model))).sum() + 0.5 * (prior * c * c).sum())

    now = cost(c)
    for _ in range(_STEPS):
        off = y * np.exp(-basis @ c)
        slope = basis.T @ (weight * (off - 1.0)) - prior * c
        # Of the two exact curvatures the one that never vanishes.
        curved = basis.T @ (basis * (weight * np.maximum(off, 0.5))[:, None]) + np.diag(prior)
        step = np.linalg.solve(curved, slope)
        part = 1.0
        while part > _PRECISE and cost(c + part * step) > now:
            part *= 0.5
        c = c + part * step
        before, now = now, cost(c)
        if before - now < _PRECISE:
            break
    return c, now


def at_zero(spectrum: FloatArray, n_components: int, duration_ps: float) -> AtZero | None:
    """Return a spectrum at frequency 0, or None if the record is too short for it.

    Args:
        spectrum: [n], mean over components, at the frequencies 1, 2 ... / T.
        n_components: independent components.
        duration_ps: T.
    """
    n = width(spectrum)
    if n < FEWEST_FREQUENCIES:
        return None
    f, y, count = _binned(spectrum, n)
    weight = n_components * count
    first = max(_NARROWEST, min(duration_ps / (2.0 * np.pi * SLOWEST_PS), 0.25 * n))
    widths = first * 2.0 ** np.arange(np.floor(np.log2(2.0 * n / first)) + 1.0)
    basis = np.concatenate([np.ones((len(f), 1)), 1.0 / (1.0 + (f[:, None] / widths) ** 2)], axis=1)
    k = basis.shape[1]
    c = np.zeros(k)
    c[0] = np.log(np.average(y, weights=weight))
    found = []
    for height in _HEIGHTS:
        prior = np.full(k, 1.0 / height**2)
        prior[0] = _FLAT_PRIOR
        c, cost = _most_probable(basis, y, weight, prior, c)
        curved = basis.T @ (basis * weight[:, None]) + np.diag(prior)
        evidence = -cost - (k - 1) * np.log(height) - 0.5 * np.linalg.slogdet(curved)[1]
        # At f = 0 each step has its whole height.
        found.append((evidence, c.sum(), np.linalg.inv(curved).sum()))
    evidence, logs, variances = np.array(found).T
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    log = float(weights @ logs)
    return AtZero(log, float(np.sqrt(weights @ (variances + (logs - log) ** 2))))
