r"""Diffusion coefficients from mean-square displacements whose points are correlated.

Points of an MSD share most of their data. A straight line is fitted by generalised least squares
(GLS), as McCluskey, Coles and Morgan advise (J. Chem. Theory Comput. 21 (2025) 79,
doi:10.1021/acs.jctc.4c01249); their analytical covariance holds for windows that do not overlap.
Here it is worked out for overlapping ones: if displacements are Gaussian with stationary
increments, their MSD g(t) fixes everything. The increments over [s, s + n] and [u, u + m] have,
in each dimension, with δ = u - s,

    c(δ) = (1/2) [ g(δ - n) + g(δ + m) - g(δ) - g(δ + m - n) ] / 3,

the squares of 3D displacements have the covariance 6 c², and an average over all time origins of a
run of length T, of N particles that move independently, has

    cov(MSD_n, MSD_m) = (1/N) ∫ 6 c(δ)² w(δ) dδ / [(T - n)(T - m)],

w(δ) being the length of the range of s with both windows inside the run. With origins every h the
integral is a sum over every h (the finer one of the two lags). For a Brownian walker
this is the result of Qian, Sheetz and Elson, Biophys. J. 60 (1991) 910,
doi:10.1016/S0006-3495(91)82125-7, and of Michalet, Phys. Rev. E 82 (2010) 041914,
doi:10.1103/PhysRevE.82.041914; a bounded motion on top (a molecule that rotates, a charge that
oscillates) is part of g. For g the fitted line is taken, the measured MSD below its start; not the
measured points themselves, whose noise would pull the line towards the points that happen to be
low.

Displacements that are not Gaussian have var(d²) = β 2/3 <d²>² + κ n at the lag n. Motion in fewer
than three dimensions, or particles unlike each other, have β > 1, which scales the covariance. Hops
at random times have κ > 0 (of independent ones rate times <l⁴>, the fourth cumulant of a compound
Poisson process). Windows share κ times the time that they have in common, so that this adds

    κ (n m T - n m² - n³ / 3) / [N (T - n) (T - m)],  n ≤ m,

to the covariance: nearly the same relative error at all lags, that of the number of hops. β ≥ 1 and
κ ≥ 0 are found from the measured var(d²) at all lags of the fit, by least squares. What w windows
that do not overlap show for var(d²) / (2/3 <d²>²) is too low by 5 / (3 w), since their scatter is
taken about their own mean; this is put right.

Particles of a small box do not move independently. What they share is measured apart
(:mod:`pykoh.analysis.transport.waypoints`) and its variance is added to that of the slope.

Where the fit begins is not known, so no single window is chosen. All windows that begin between the
earliest admissible lag and half of the last one are fitted, and the slopes are averaged with the
weights of Jay and Neil, Phys. Rev. D 103 (2021) 114502, doi:10.1103/PhysRevD.103.114502,

    w_k ∝ exp[-(χ²_k + 2 c_k) / 2] / σ_k²,   slope = Σ w_k s_k = a · MSD,
    variance = a C a + Σ w_k (s_k - slope)²,

c_k being the points that window k leaves out, a the weights of the points in the averaged slope and
C their covariance. The second term is what the unknown window adds. Jay and Neil have Σ w_k σ_k² in
place of the first one; but windows that lie in each other share their data, and what their slopes
differ by for that reason is in the second term already. The factor 1/σ_k² is not theirs: it keeps
windows that say little from widening the error of those that say much.

How well a slope can be known is a matter of the run, not of what came out: :meth:`Points.expected`
gives the relative standard error of a Brownian walker's slope from the same lags, origins and
number of particles. Whether a value is published is decided by it. A rule that looks at the
measured error would leave out those runs in which the slope came out low, and what is left would be
too high.

A slope is a sum of squares. Its distribution is that of χ² with ν = 2 (slope / stderr)² degrees of
freedom, which :func:`pykoh.analysis.common.confidence.positive` makes a 95 % interval of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from pykoh.analysis.common.distributions import chi2_tail
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.transport.values import DisplacementCurve, LineFit
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel

_MAX_POINTS = 12
_LONGEST_TABLE = 1 << 18
_REJECTED = 0.002  # probability below which a straight line does not describe the points
_ITERATIONS = 4


@kernel(
    "(float64[::1], float64[::1], float64[::1], float64, float64, float64, float64[:,::1])",
)
def _write_covariances(
    lags: FloatArray,
    spacing: FloatArray,
    table: FloatArray,
    step: float,
    pad: float,
    duration: float,
    out: FloatArray,
) -> None:
    """Write the covariance of one particle's averages.

    Args:
        lags: [n_lags], rising.
        spacing: [n_lags], time between origins.
        table: [n], g at 0, step, 2 step ...
        step: spacing of ``table``.
        pad: lag from which on g is a straight line.
        duration: T.
        out: [n_lags, n_lags], out, (unit of g)².
    """

    def g(t: float) -> float:
        place = abs(t) / step
        index = min(int(place), table.shape[0] - 2)
        rest = place - index
        return table[index] * (1.0 - rest) + table[index + 1] * rest

    k = lags.shape[0]
    for i in range(k):
        for j in range(i, k):
            n, m = lags[i], lags[j]
            h = min(spacing[i], spacing[j])
            # Beyond this the four terms cancel.
            low = int(np.floor(-(m + pad) / h))
            high = int(np.ceil((n + pad) / h))
            total = 0.0
            for index in range(low, high + 1):
                delta = index * h
                weight = min(duration - n, duration - m - delta) - max(0.0, -delta)
                if weight <= 0.0:
                    continue
                c = 0.5 * (g(delta - n) + g(delta + m) - g(delta) - g(delta + m - n))
                total += c * c * weight
            value = 2.0 / 3.0 * total * h / ((duration - n) * (duration - m))
            out[i, j] = value
            out[j, i] = value


def _covariances(
    lags: FloatArray,
    spacing: FloatArray,
    table: FloatArray,
    step: float,
    pad: float,
    duration: float,
) -> FloatArray:
    """Return [n_lags, n_lags]; arguments as for :func:`_write_covariances`."""
    out = np.zeros((len(lags), len(lags)))
    _write_covariances(lags, spacing, table, step, pad, duration, out)
    return out


def independent_windows(lag: FloatArray, duration: float, interval: float) -> FloatArray:
    """Return [n_lags], the number of independent windows that overlapping ones are worth.

    For Brownian motion, from the diagonal of the covariance in the text of this module:
    1/N = 2 [x/3 - x²/12] with x = lag / (duration - lag) ≤ 1, and
    1/N = 1 - 2/(3x) + 1/(6x²) beyond; never more than there are windows.

    Args:
        lag: [n_lags], ps.
        duration: length of the run, ps.
        interval: time between frames, ps.
    """
    origins = np.maximum(duration - lag, interval)
    x = lag / origins
    short = 2.0 * (x / 3.0 - x**2 / 12.0)
    long = 1.0 - 2.0 / (3.0 * x) + 1.0 / (6.0 * x**2)
    independent: FloatArray = 1.0 / np.where(x <= 1.0, short, long)
    return np.minimum(independent, (duration - lag) / interval + 1.0)


def curve(
    displacements: Displacements,
    interval: float,
    n_frames: int,
    shared: float = 0.0,
    since_ps: float = 0.0,
) -> DisplacementCurve:
    """Return the MSD with standard errors.

    Args:
        displacements: moments at each lag.
        interval: time between frames, ps.
        n_frames: frames of the run.
        shared: the part of the standard error of its slope that particles share, Å²/ps.
        since_ps: from here on the curve has this slope; before it, particles fly or rattle.
    """
    lag = displacements.lag_frames.astype(np.float64) * interval
    duration = max(n_frames - 1, 1) * interval
    independent = displacements.n_particles * independent_windows(lag, duration, interval)
    excess = np.maximum(1.0, displacements.non_gaussian())
    stderr = displacements.square * np.sqrt(2.0 / 3.0 * excess / np.maximum(independent, 1e-300))
    common = shared * np.maximum(lag - since_ps, 0.0)
    return DisplacementCurve(lag, displacements.square, np.hypot(stderr, common), independent)


def _solve(
    design: FloatArray, y: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray, float, FloatArray]:
    """Return parameters, their covariance, χ² of a GLS fit, and the weights of y in the slope."""
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    # Neighbouring lags are nearly the same data; keep the factorisation off rounding errors. Of a
    # bounded motion (a flat MSD) all lags are the same data, and more is needed.
    lowest = float(np.linalg.eigvalsh(correlation)[0])
    correlation[np.diag_indices_from(correlation)] += 1e-9 + max(0.0, -1.5 * lowest)
    factor = np.linalg.cholesky(correlation)
    a = np.linalg.solve(factor, design / scale[:, None])
    b = np.linalg.solve(factor, y / scale)
    inverse = np.linalg.inv(a.T @ a)
    parameters = inverse @ (a.T @ b)
    residual = b - a @ parameters
    # What the slope is made of: [n], so that it is their sum times y.
    rows: FloatArray = inverse[1] @ (np.linalg.solve(factor.T, a).T / scale)
    return parameters, inverse, float(residual @ residual), rows


SlopeWeights = tuple[np.ndarray, FloatArray]  # which points, and their weights in the slope


@dataclass(frozen=True, slots=True, eq=False)
class _Average:
    """A line averaged over windows.

    Attributes:
        intercept: of the line.
        slope: of the line.
        variance: of the slope, the choice of the window included.
        first: first point of the window with the largest weight.
        probability: of the χ² of that window.
        reduced: its χ² over its degrees of freedom.
        covariance: [n, n], of all points.
        at_end: the best window is the last one that was tried.
        rows: [n], 1/ps, weights of the points in the slope.
    """

    intercept: float
    slope: float
    variance: float
    first: int
    probability: float
    reduced: float
    covariance: FloatArray
    at_end: bool
    rows: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The MSD of one species and what is known of its statistics.

    ``shared`` is the part of the standard error of a slope that particles share, Å²/ps.
    """

    lag: FloatArray
    spacing: FloatArray
    msd: FloatArray
    excess: FloatArray
    independent: FloatArray
    n_particles: FloatArray
    interval: float
    duration: float
    shared: float = 0.0

    def not_gaussian(self, chosen: np.ndarray) -> tuple[float, float]:
        """Return β and κ (Å⁴/ps) of the text of this module."""
        windows = self.independent[chosen] * self.n_particles[chosen]
        gaussian = 2.0 / 3.0 * self.msd[chosen] ** 2
        above = self.excess[chosen] + 5.0 / (3.0 * windows) - 1.0
        scale = np.sqrt(windows)
        parts = np.stack([np.ones(len(chosen)), self.lag[chosen] / gaussian], axis=1)
        (beta, kappa), _ = nnls(parts * scale[:, None], above * scale)
        return 1.0 + float(beta), float(kappa)

    def window(self, start: float, end: float) -> np.ndarray:
        """Return which points to fit: at most 12, evenly spaced in log lag."""
        tolerance = 1e-6 * self.interval
        inside = np.flatnonzero(
            (self.lag >= start - tolerance) & (self.lag <= end + tolerance) & (self.msd > 0)
        )
        if len(inside) <= _MAX_POINTS:
            return inside
        wanted = np.geomspace(self.lag[inside[0]], self.lag[inside[-1]], _MAX_POINTS)
        nearest = np.abs(np.log(self.lag[inside])[:, None] - np.log(wanted)[None]).argmin(axis=0)
        chosen: np.ndarray = inside[np.unique(nearest)]
        return chosen

    def covariance(self, chosen: np.ndarray, line: tuple[float, float] | None) -> FloatArray:
        """Return the covariance of the chosen points under the line (intercept, slope)."""
        lags = self.lag[chosen]
        start = float(lags[0])
        longest = 2.0 * lags[-1] + 2.0 * start
        step = self.interval * max(1.0, np.ceil(longest / self.interval / _LONGEST_TABLE))
        grid = np.arange(0.0, longest + 2.0 * step, step)
        if line is None:
            slope = max(float((self.msd[chosen] / lags).mean()), 1e-300)
            line = (0.0, slope)
        straight = line[0] + line[1] * grid
        short = self.lag < start
        below = np.interp(
            grid,
            np.concatenate([[0.0], self.lag[short], [start]]),
            np.concatenate([[0.0], self.msd[short], [line[0] + line[1] * start]]),
        )
        table = np.where(grid < start, below, straight)
        one = _covariances(
            lags, self.spacing[chosen], table, step, start, self.duration + self.interval
        )
        beta, kappa = self.not_gaussian(chosen)
        whole = self.duration + self.interval
        short, long = np.minimum.outer(lags, lags), np.maximum.outer(lags, lags)
        shared = short * long * whole - short * long**2 - short**3 / 3.0
        covariance: FloatArray = beta * one + kappa * shared / ((whole - short) * (whole - long))
        covariance /= float(self.n_particles[chosen].mean())
        return covariance

    def average(self, chosen: np.ndarray, most: int) -> _Average:
        """Return the line averaged over at most ``most`` windows that end where ``chosen`` ends."""
        lags, y = self.lag[chosen], self.msd[chosen]
        last_start = max(lags[-1] / 2.0, lags[0]) * (1 + 1e-6)
        n_windows = max(1, min(int((lags <= last_start).sum()), len(chosen) - 2, most))
        model: tuple[float, float] | None = None
        for _ in range(_ITERATIONS):
            covariance = self.covariance(chosen, model)
            fits = []
            for k in range(n_windows):
                design = np.stack([np.ones(len(lags) - k), lags[k:]], axis=1)
                fits.append(_solve(design, y[k:], covariance[k:, k:].copy()))
            chi2 = np.array([fit[2] for fit in fits])
            inside = np.array([fit[1][1, 1] for fit in fits])
            penalty = 0.5 * chi2 + np.arange(n_windows) + np.log(inside)
            weights = np.exp(penalty.min() - penalty)
            weights /= weights.sum()
            both = np.array([fit[0] for fit in fits])
            rows = np.zeros(len(lags))
            for k, fit in enumerate(fits):
                rows[k:] += weights[k] * fit[3]
            intercept, slope = (float(value) for value in weights @ both)
            if slope <= 0 or intercept + slope * lags[0] <= 0:
                # Noise larger than the motion: the line says nothing about the covariance.
                break
            model = (intercept, slope)
        within = float(rows @ covariance @ rows)
        between = float(weights @ (both[:, 1] - slope) ** 2)
        best = int(weights.argmax())
        return _Average(
            intercept, slope, within + between, best,
            float(chi2_tail(chi2[best], max(len(lags) - best - 2, 1))),
            float(chi2[best]) / max(len(lags) - best - 2, 1), covariance,
            n_windows > 3 and best == n_windows - 1, rows,
        )  # fmt: skip

    def expected(self, start: float, end: float) -> float:
        """Return the relative standard error of the slope of a Brownian walker; inf if unknown.

        It depends on the length of the run, the lags and the number of particles only.

        Args:
            start: earliest lag, ps.
            end: last lag, ps.
        """
        chosen = self.window(start, end)
        if len(chosen) < 3:
            return float("inf")
        lags = self.lag[chosen]
        longest = 3.0 * float(lags[-1]) + 2.0 * self.interval
        covariance = _covariances(
            lags, self.spacing[chosen], np.array([0.0, longest]), longest, 0.0,
            self.duration + self.interval,
        ) / float(self.n_particles[chosen].mean())  # fmt: skip
        design = np.stack([np.ones(len(lags)), lags], axis=1)
        return float(np.sqrt(_solve(design, lags, covariance)[1][1, 1]))

    def exponent(self, chosen: np.ndarray, covariance: FloatArray) -> Estimate:
        """Return the log-log slope of the chosen points."""
        y = np.log(self.msd[chosen])
        relative = covariance / np.outer(self.msd[chosen], self.msd[chosen])
        design = np.stack([np.ones(len(chosen)), np.log(self.lag[chosen])], axis=1)
        parameters, spread, _, _ = _solve(design, y, relative)
        return Estimate.number(parameters[1], np.sqrt(spread[1, 1]), How.LINE)

    def fit(
        self, start: float, end: float, fixed: bool = False
    ) -> tuple[LineFit, bool, SlopeWeights] | None:
        """Return a line, whether it describes the points, and what it is made of; or None.

        None if fewer than three points lie in the window.

        Args:
            start: earliest lag, ps.
            end: last lag, ps.
            fixed: the window is the user's; no other start is tried.
        """
        chosen = self.window(start, end)
        if len(chosen) < 3:
            return None
        everything = chosen
        found = self.average(chosen, 1 if fixed else len(chosen))
        # A line that does not describe its points is not known as well as if it did.
        inflation = found.reduced if found.probability < _REJECTED else 1.0
        chosen, covariance = chosen[found.first :], found.covariance[found.first :, found.first :]
        local = self.lag[chosen] <= 4.0 * self.lag[chosen[0]]
        n_local = max(int(local.sum()), 3)
        line = LineFit(
            start_ps=float(self.lag[chosen[0]]),
            end_ps=float(self.lag[chosen[-1]]),
            slope_A2_per_ps=Estimate.positive(
                found.slope, np.sqrt(found.variance * inflation + self.shared**2), How.LINE
            ),
            intercept_A2=found.intercept,
            exponent=self.exponent(chosen[:n_local], covariance[:n_local, :n_local].copy()),
        )
        return line, found.probability >= _REJECTED and not found.at_end, (everything, found.rows)
