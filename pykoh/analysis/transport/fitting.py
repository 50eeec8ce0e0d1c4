"""Which part of a mean-square displacement is diffusion, and what is to be said about it.

The straight line itself, averaged over windows, is that of
:mod:`pykoh.analysis.transport.straight_line`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.common.wording import counted, plain
from pykoh.analysis.transport.straight_line import Points, independent_windows
from pykoh.analysis.transport.values import LineFit
from pykoh.arrays import FloatArray

END_FRACTION = 0.25
"""The longest lag in a fit, as a fraction of the run: four windows that do not overlap."""

DEFAULT_EARLIEST_PS = 1.0
"""Vibration and the rattling of a particle in its cage are over by then in these solutions."""

LARGEST_SHARE_OF_CAGE = 0.2
"""Of the squared displacement at the last lag; with more of it a line is no diffusion yet."""

LARGEST_EXPECTED_ERROR = 0.4
"""A slope whose relative standard error is expected to be larger is not given."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowChoice:
    """A fit and what is to be said about it.

    Attributes:
        fit: the line, or None.
        reason: why there is none or why it should be trusted less, else None.
        lag_frames: [n], lags of the points behind the slope.
        weights: [n], 1/ps: the slope is their sum times the points, see :func:`same_slope`.
        line: the same as ``fit``; also there where the displacement does not grow.
    """

    fit: LineFit | None
    reason: str | None
    lag_frames: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    weights: FloatArray = field(default_factory=lambda: np.zeros(0))
    line: LineFit | None = None


def same_slope(choice: WindowChoice, displacements: Displacements) -> float:
    """Return the slope of another MSD of the same run, with the same lags and weights, Å²/ps.

    Slopes taken alike are additive, as the displacements are: those of a sum and of its parts give
    what the parts have in common.

    Args:
        choice: a fit.
        displacements: of the same frames.
    """
    rows = np.searchsorted(displacements.lag_frames, choice.lag_frames)
    return float(choice.weights @ displacements.square[rows])


def choose_fit(
    displacements: Displacements,
    interval: float,
    n_frames: int,
    window: tuple[float, float] | None = None,
    earliest_ps: float = DEFAULT_EARLIEST_PS,
    bounded: bool = False,
    shared: float = 0.0,
) -> WindowChoice:
    """Fit the linear part of an MSD.

    The windows end at a quarter of the run and begin between ``earliest_ps`` and half of that end;
    :mod:`pykoh.analysis.transport.straight_line` averages them. Motion is not called diffusive
    where no straight line describes the points (χ²), or where the latest window is the best one.
    There is no value where the error that is to be expected of such a run is too large; what came
    out has no part in that (:meth:`pykoh.analysis.transport.straight_line.Points.expected`).

    Args:
        displacements: moments at each lag.
        interval: time between frames, ps.
        n_frames: frames of the run.
        window: (start, end) in ps, chosen by the user.
        earliest_ps: no window begins before it: the known memory of the motion, 1 ps at least.
        bounded: a bounded motion lies on top (charges within molecules), so that the MSD has a
            large intercept; the log-log slope says nothing then and the straight line decides.
        shared: the part of the standard error of the slope that particles share, Å²/ps.

    Returns:
        The fit, and a reason where it is missing or doubtful.
    """
    keep = displacements.square > 0
    if n_frames < 4:
        return WindowChoice(
            None, f"{counted(n_frames, 'frame', ('is', 'are'))} too few for diffusion"
        )
    if not keep.any():
        return WindowChoice(None, "nothing moved in this run")
    points = _points(displacements, interval, n_frames, shared)
    lags = displacements.lag_frames[keep]
    if window is not None:
        return _in_window(points, lags, window, bounded)
    return _chosen(points, lags, earliest_ps, bounded)


def _points(displacements: Displacements, interval: float, n_frames: int, shared: float) -> Points:
    """Return the points of an MSD that are above 0; arguments as of :func:`choose_fit`."""
    duration = max(n_frames - 1, 0) * interval
    keep = displacements.square > 0
    lags = displacements.lag_frames[keep]
    # Origins closer than 1/64 of the lag say no more, and take longer to sum over.
    spacing = np.maximum(displacements.origin_frames[keep], lags // 64)
    return Points(
        lags.astype(np.float64) * interval,
        spacing.astype(np.float64) * interval,
        displacements.square[keep],
        displacements.non_gaussian()[keep],
        independent_windows(lags.astype(np.float64) * interval, duration, interval),
        displacements.n_particles[keep],
        interval,
        duration,
        shared,
    )


def _in_window(
    points: Points, lags: NDArray[np.int64], window: tuple[float, float], bounded: bool
) -> WindowChoice:
    """Fit the window that the user has chosen.

    Args:
        points: of the MSD.
        lags: [n_lags], their lags in frames.
        window: (start, end) in ps.
        bounded: a bounded motion lies on top.
    """
    found = points.fit(*window, fixed=True)
    if found is None:
        return WindowChoice(
            None,
            f"fewer than three lags lie in the fit window {window[0]:g}-{window[1]:g} ps; the "
            f"frames are {points.interval:g} ps apart and the run is {points.duration:g} ps long",
        )
    line, straight, (rows, weights) = found
    straight = straight and line.slope_A2_per_ps.value > 0
    doubt = None
    if not straight:
        doubt = _doubt(line, points.duration)
    elif not bounded:
        doubt = _in_cage(line)
    return WindowChoice(_positive(line), doubt, lags[rows], weights, line)


def _chosen(
    points: Points, lags: NDArray[np.int64], earliest_ps: float, bounded: bool
) -> WindowChoice:
    """Fit the average over windows; arguments as of :func:`choose_fit`.

    Args:
        points: of the MSD.
        lags: [n_lags], their lags in frames.
        earliest_ps: no window begins before it.
        bounded: a bounded motion lies on top.
    """
    interval, duration = points.interval, points.duration
    end = min(END_FRACTION * duration, float(points.lag[-1]))
    needed = 2.0 * max(earliest_ps, interval) / END_FRACTION
    found = points.fit(earliest_ps, end) if 2.0 * earliest_ps <= end * (1 + 1e-6) else None
    if found is None and earliest_ps > DEFAULT_EARLIEST_PS:
        return WindowChoice(
            None,
            f"the motion is correlated for up to {plain(earliest_ps)} ps. A fit has to begin "
            f"later, and that takes a run of at least {plain(needed)} ps; this one has "
            f"{duration:g} ps",
        )
    if found is None and 2.0 * earliest_ps > end:
        return WindowChoice(
            None,
            f"the run of {duration:g} ps is too short for diffusion; "
            f"at least {plain(needed)} ps are needed, ten times that for a good number",
        )
    if found is None:
        return WindowChoice(
            None,
            f"the run has too few lags between {earliest_ps:g} and {end:g} ps; "
            f"at least {plain(max(needed, 12 * interval / END_FRACTION))} ps are needed",
        )
    # Its square is about 1.6 start / (N T); only where that may be too much it is worked out.
    about = 4.0 * earliest_ps / (float(points.n_particles.mean()) * duration)
    expected = points.expected(earliest_ps, end) if about > LARGEST_EXPECTED_ERROR**2 else 0.0
    if expected > LARGEST_EXPECTED_ERROR:
        return WindowChoice(None, _too_few(points, earliest_ps, expected))
    line, straight, (rows, weights) = found
    if line.slope_A2_per_ps.value <= 0:
        return WindowChoice(None, _doubt(line, duration), line=line)
    if (
        not (straight or bounded)
        and line.exponent.value + 2.0 * (line.exponent.stderr or 0.0) < 0.8
    ):
        return WindowChoice(None, _doubt(line, duration))
    if straight:
        doubt = (None if bounded else _in_cage(line)) or _noise(line, duration)
    else:
        doubt = _doubt(line, duration)
    return WindowChoice(line, doubt, lags[rows], weights, line)


def _positive(line: LineFit) -> LineFit | None:
    return line if line.slope_A2_per_ps.value > 0 else None


def _in_cage(line: LineFit) -> str | None:
    """Return that particles have hardly left their cages, or None.

    The intercept is the square of how far they rattle. A straight line behind it is no diffusion
    yet where its rise up to the last lag is not much larger.
    """
    if line.intercept_A2 <= 0.0:
        return None
    rise = line.slope_A2_per_ps.value * line.end_ps
    share = line.intercept_A2 / (line.intercept_A2 + rise)
    if share <= LARGEST_SHARE_OF_CAGE:
        return None
    last_lag = line.end_ps * share / (1.0 - share) * (1.0 / LARGEST_SHARE_OF_CAGE - 1.0)
    return (
        f"within {line.end_ps:.3g} ps the particles have hardly left their cages: rattling is "
        f"{100 * share:.0f} % of the squared displacement. D becomes smaller in longer runs; at "
        f"least {plain(last_lag / END_FRACTION)} ps are needed"
    )


def _noise(line: LineFit, duration: float) -> str | None:
    relative = line.slope_A2_per_ps.relative
    if relative is None or relative <= 0.5:
        return None
    longer = duration * (relative / 0.2) ** 2
    return (
        f"the standard error is {100 * relative:.0f} % of the value; "
        f"a run of about {plain(longer)} ps would give 20 %"
    )


def _too_few(points: Points, earliest: float, expected: float) -> str:
    n = float(points.n_particles.mean())
    longer = points.duration * (expected / (0.5 * LARGEST_EXPECTED_ERROR)) ** 2
    return (
        f"{n:.3g} particle{'s' if n > 1 else ''} in {points.duration:g} ps, with lags from "
        f"{plain(earliest)} ps on, would give an error of about {100 * expected:.0f} %, whatever "
        f"the value; a run of about {plain(longer)} ps would be enough"
    )


def _doubt(line: LineFit, duration: float) -> str:
    if line.slope_A2_per_ps.value <= 0:
        return f"the displacement does not grow with time in this run of {duration:g} ps"
    kind = "subdiffusive" if line.exponent.value < 1.0 else "not yet diffusive"
    return (
        f"motion is {kind} up to {line.end_ps:.3g} ps (log-log slope {line.exponent.value:.2f} ± "
        f"{line.exponent.stderr or 0.0:.2f} from {line.start_ps:.3g} ps on, 1 is diffusion); "
        f"a run of at least {plain(4 * duration)} ps is needed"
    )
