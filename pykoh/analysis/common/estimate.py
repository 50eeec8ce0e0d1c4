"""A published number with its error: one value for what every result, file and page shows.

An :class:`Estimate` cannot be made without an error bar unless it says why there is none. Its text,
its JSON keys and its rounding are in :mod:`pykoh.analysis.common.estimate_views`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from pykoh.analysis.common import confidence
from pykoh.analysis.common.confidence import Interval


class How(Enum):
    """How a standard error was obtained."""

    BLOCKS = "scatter of blocks of time"
    COUNT = "number of events that were counted"
    SCATTER = "scatter of single observations"
    JACKKNIFE = "jackknife over blocks of time"
    LINE = "covariance of the points of a straight line"
    GAUSSIAN = "covariance of Gaussian displacements (Wishart's distribution)"
    SPECTRUM = "spectrum at frequency 0"
    SPELLS = "number of spells that were seen to end"
    PARTS = "errors of the quantities that it is made of"
    REPLICAS = "scatter or errors of replicas"
    UNSEEN = "nothing was seen: Jeffreys' posterior"
    OBSERVABLE = "given by the observable"
    GIVEN = "a number that was given, taken as exact"
    LIMIT = "only a limit is known"
    UNKNOWN = "unknown"


class Kind(Enum):
    """Which values a quantity can have; it decides how the quantity is written."""

    NUMBER = "any number"
    RATE = "a rate of events, 0 or larger"
    SHARE = "a share, from 0 to 1"


_NO_ERROR = (How.GIVEN, How.LIMIT, How.UNKNOWN)
TOO_SHORT = "the run has fewer than 4 blocks of time"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, its standard error, its interval of 95 %, and how the error was obtained.

    All numbers have the same unit. It is in the name of the field that holds the estimate, e.g.
    ``residence_time_ps``. Use the constructors: each of them knows the distribution of its kind of
    quantity, and so its interval (:mod:`pykoh.analysis.common.confidence`).

    Attributes:
        value: the value.
        stderr: its standard error, or None if ``how`` is GIVEN, LIMIT or UNKNOWN.
        how: how the standard error was obtained.
        interval: lower and upper end of the interval of 95 %, or None if there is none.
        kind: which values the quantity can have.
        reason: why there is no standard error; empty if there is one.
        freedom: degrees of freedom, or independent events, behind the standard error; None where
            they are not known.

    Raises:
        ValueError: the value or the error is not a finite number, the error is negative, or there
            is no error and no reason.
    """

    value: float
    stderr: float | None
    how: How
    interval: Interval | None = None
    kind: Kind = Kind.NUMBER
    reason: str = ""
    freedom: float | None = None

    def __post_init__(self) -> None:
        """Refuse a value that is published without an error and without a reason."""
        if not math.isfinite(self.value):
            raise ValueError(f"an estimate of {self.value} is no number; use None and a warning")
        if self.stderr is None:
            if self.how not in _NO_ERROR or not self.reason:
                raise ValueError("an estimate without a standard error must say why it has none")
        elif self.how in _NO_ERROR or not (math.isfinite(self.stderr) and self.stderr >= 0.0):
            raise ValueError(
                f"{self.stderr} is no standard error of an estimate ({self.how.value})"
            )

    def __str__(self) -> str:
        """Return the estimate as the terminal shows it, e.g. ``0.377 ± 0.021``."""
        from pykoh.analysis.common.estimate_views import terminal

        return terminal(self)

    @classmethod
    def number(
        cls, value: float, stderr: float | None, how: How = How.BLOCKS, *,
        interval: Interval | None = None, kind: Kind = Kind.NUMBER, reason: str = TOO_SHORT,
        freedom: float | None = None,
    ) -> Estimate:  # fmt: skip
        """Return an estimate whose interval is known, or that has none.

        Args:
            value: the value.
            stderr: its standard error; None, NaN or infinity if it is unknown.
            how: how the standard error was obtained.
            interval: interval of 95 %, or None.
            kind: which values the quantity can have.
            reason: why the standard error is unknown, where it is.
            freedom: degrees of freedom behind the standard error, or None.
        """
        if stderr is None or not math.isfinite(stderr):
            return cls(float(value), None, How.UNKNOWN, None, kind, reason)
        return cls(float(value), float(stderr), how, interval, kind, freedom=freedom)

    @classmethod
    def positive(cls, value: float, stderr: float | None, how: How = How.BLOCKS) -> Estimate:
        """Return a quantity that is a mean of squares or a time, with the interval of χ²."""
        return cls.number(value, stderr, how, interval=confidence.positive(value, stderr))

    @classmethod
    def share(cls, value: float, stderr: float | None, how: How = How.BLOCKS) -> Estimate:
        """Return a share of time, with an interval within 0 and 1.

        Where nothing was seen, or nothing else, the interval has a limit at one end.
        """
        ends = confidence.share(value, stderr)
        if ends is not None and value in (0.0, 1.0):
            how = How.UNSEEN
        return cls.number(value, stderr, how, interval=ends, kind=Kind.SHARE)

    @classmethod
    def share_of_events(cls, value: float, stderr: float) -> Estimate:
        """Return a share of events that were counted, with the interval of Wilson."""
        ends = confidence.share_of_events(value, stderr)
        return cls.number(value, stderr, How.COUNT, interval=ends, kind=Kind.SHARE)

    @classmethod
    def unseen(cls, stderr: float, limit: float) -> Estimate:
        """Return a share, or a mean number, of something that was not seen once.

        Args:
            stderr: of :func:`pykoh.analysis.common.statistics.nothing_seen`.
            limit: upper limit of 95 %.
        """
        return cls(0.0, stderr, How.UNSEEN, (0.0, limit), Kind.SHARE)

    @classmethod
    def rate(cls, value: float, stderr: float) -> Estimate:
        """Return a rate of events; without an event it has an upper limit (Poisson)."""
        ends = confidence.hop_rate(value, stderr)
        return cls.number(value, stderr, How.COUNT, interval=ends, kind=Kind.RATE)

    @classmethod
    def sum(cls, value: float, stderr: float, parts: Sequence[Estimate]) -> Estimate:
        """Return a sum of independent positive quantities, with the interval of their sum.

        Args:
            value: the sum.
            stderr: its standard error.
            parts: the quantities; one without an error counts as exact.
        """
        ends = confidence.total([(part.value, part.stderr or 0.0) for part in parts])
        return cls.number(value, stderr, How.PARTS, interval=ends)

    @classmethod
    def student(cls, value: float, stderr: float, freedom: float, how: How) -> Estimate:
        """Return an estimate with the interval of Student's distribution.

        Args:
            value: the value.
            stderr: its standard error.
            freedom: degrees of freedom behind the standard error.
            how: how the standard error was obtained.
        """
        ends = confidence.student(value, stderr, freedom)
        return cls.number(value, stderr, how, interval=ends, freedom=freedom)

    @classmethod
    def given(cls, value: float, reason: str = "it was given") -> Estimate:
        """Return a number that was not measured here and is taken as exact, as it was given."""
        return cls(value, None, How.GIVEN, reason=reason)

    @classmethod
    def limit(cls, value: float, reason: str) -> Estimate:
        """Return a value that is only a limit of the quantity, and why."""
        return cls(float(value), None, How.LIMIT, reason=reason)

    @property
    def upper_limit(self) -> float | None:
        """Upper limit of 95 % where nothing was seen, else None."""
        if self.value != 0.0 or self.interval is None or self.kind is Kind.NUMBER:
            return None
        return self.interval[1]

    @property
    def relative(self) -> float | None:
        """Standard error over value; None without an error or where the value is 0."""
        return None if self.stderr is None or self.value == 0.0 else self.stderr / self.value

    def times(self, factor: float) -> Estimate:
        """Return the estimate in another unit; the factor is positive."""
        ends = self.interval
        return Estimate(
            factor * self.value,
            None if self.stderr is None else factor * self.stderr,
            self.how,
            None if ends is None else (factor * ends[0], factor * ends[1]),
            self.kind,
            self.reason,
            self.freedom,
        )
