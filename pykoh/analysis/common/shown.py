"""What an observable shows of its result, in all places where results are.

There are two ways to say it. :class:`Shown` is a list of numbers and curves; files, terminal and
report are made of it. A value that needs more, such as nested JSON or tables of its own, has a
method ``output`` instead (:class:`Showable`) and returns an :class:`Output`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.estimate_views import terminal
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.arrays import FloatArray

Json = Any
"""What JSON can hold; numpy arrays and NaN are translated where it is written."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A CSV.

    Several observables may add rows to one file. The first one says what the table is.

    Attributes:
        file: name of the CSV, with its ending.
        about: one sentence: what it is, and the unit of each column.
        columns: name of each column.
        rows: one value per column; None or NaN is an empty cell. They are read once.
    """

    file: str
    about: str
    columns: tuple[str, ...]
    rows: Iterable[Sequence[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """Everything that is written and printed of one result.

    Attributes:
        json: in ``results.json``, under the name of the observable.
        further: other keys of ``results.json`` that belong to the result. Keys that several
            observables give are merged.
        definitions: what belongs under ``definitions`` in ``results.json``.
        tables: the CSVs.
        lines: of the terminal.
        section: what the report shows where it has no section made for this observable; None:
            nothing.
    """

    json: Json
    further: dict[str, Json] = field(default_factory=dict)
    definitions: dict[str, Json] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    lines: Sequence[str] = ()
    section: Shown | None = None


class Showable(Protocol):
    """A result that can be shown."""

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed of it.

        Args:
            name: that of the observable.
            given: what was read.
        """
        ...


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

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed: ``NAME_FILE.csv`` is the CSV of a curve.

        Args:
            name: that of the observable.
            given: what was read.
        """
        return Output(
            json={
                row.key: {"value": row.value, "stderr": row.stderr, "unit": row.unit}
                for row in self.rows
            },
            tables=[
                Table(
                    f"{name}_{curve.file}.csv",
                    curve.about,
                    curve.columns,
                    zip(*curve.values, strict=True),
                )
                for curve in self.curves
            ],
            lines=[
                "",
                self.title,
                *(
                    f"  {row.name}: {terminal(row.estimate)} {row.unit}".rstrip()
                    for row in self.rows
                ),
            ],
            section=self,
        )
