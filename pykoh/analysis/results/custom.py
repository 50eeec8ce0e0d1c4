"""What an observable shows of its result: numbers and curves, in all places where results are."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class Row:
    """A number that an observable shows in the terminal, in ``results.json`` and in the report.

    Attributes:
        key: its key in ``results.json``; the unit is in it, e.g. ``residence_time_ps``.
        name: what a reader sees, e.g. ``residence time of water at K+``.
        value: the number, or None where the run does not give it.
        stderr: its standard error, in the unit of the value, or None.
        unit: what is written behind the number.
    """

    key: str
    name: str
    value: float | None
    stderr: float | None
    unit: str = ""

    @property
    def estimate(self) -> Estimate | None:
        """The number with its error; None where the run does not give it."""
        if self.value is None:
            return None
        reason = "the observable gives no standard error"
        return Estimate.number(self.value, self.stderr, How.OBSERVABLE, reason=reason)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A table that an observable writes as CSV, and as a plot of its first columns.

    Attributes:
        file: name of the CSV without its ending: small letters, digits and ``_``.
        about: one sentence: what it is, and the unit of each column.
        columns: name of each column; the first is x, the second is y.
        values: [n_columns][n], the numbers of each column.
    """

    file: str
    about: str
    columns: tuple[str, ...]
    values: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What an observable shows, wherever results are shown.

    Attributes:
        title: heading of its section in the report.
        text: how the numbers are defined: one or two sentences.
        rows: the numbers.
        curves: the tables.
    """

    title: str
    text: str
    rows: tuple[Row, ...]
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CustomResult:
    """The result of a user's observable.

    Attributes:
        name: that of the observable.
        shown: what is shown of it.
    """

    name: str
    shown: Shown
