"""Several series beside each other: what changes with the potential or the box of the runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pykoh import __version__
from pykoh.analysis.common import confidence
from pykoh.analysis.common.estimate import Estimate, How, Kind
from pykoh.analysis.common.estimate_views import columns, interval_of, rounded
from pykoh.analysis.results.tables import write_csv
from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_quantities import QUANTITIES, SUBJECTS, Quantity
from pykoh.errors import ResultsError
from pykoh.files import write_text
from pykoh.report.html import join, pictures, section, tag
from pykoh.report.page import PLOTS, REPORT_HTML, document
from pykoh.report.series import NOTHING, as_markup, quantity_name, solution_names
from pykoh.report.series_doubts import TITLE, doubts_section, mark
from pykoh.report.series_plots import PANELS, comparison
from pykoh.report.values import quantity

COMPARE_CSV = "compare.csv"
# Boxes have whole numbers of ions: those of one requested molarity differ by 1 to 2 %.
_SAME_MOLARITY = 0.02
_SAME_K = 2.0
Named = Mapping[str, Sequence[SeriesPoint]]


def difference(one: Estimate | None, other: Estimate | None) -> Estimate | None:
    """Return ``other - one`` of two independent estimates; None if one is unknown.

    The standard error is √(a² + b²), and is unknown where one of them is. The interval of 95 % is
    that of :func:`pykoh.analysis.common.confidence.difference`.
    """
    if one is None or other is None:
        return None
    ends = _ends(one), _ends(other)
    if one.stderr is None or other.stderr is None or ends[0] is None or ends[1] is None:
        return Estimate.number(other.value - one.value, None, How.PARTS)
    return Estimate.number(
        other.value - one.value,
        math.hypot(one.stderr, other.stderr),
        How.PARTS,
        interval=confidence.difference((one.value, ends[0]), (other.value, ends[1])),
    )


def _ends(estimate: Estimate) -> tuple[float, float] | None:
    """Return the interval of 95 % of an estimate, also where it does not have its own."""
    value, stderr = estimate.value, estimate.stderr
    if estimate.interval is not None or stderr is None:
        return estimate.interval
    if estimate.kind is Kind.SHARE:
        return None  # it did not change once in a short run
    if stderr > math.sqrt(2.0) * abs(value):
        # So large that a positive quantity has no interval, and no bell either.
        return confidence.student(value, stderr, 1.0)
    return confidence.normal(value, stderr)


def _value_text(found: Estimate, scale: float) -> str:
    return quantity(found.times(scale))


def _difference_text(found: Estimate, scale: float) -> str:
    """Return ``0.35 ± 0.12 (95 %: 0.11 to 0.60)``."""
    text = quantity(found.times(scale))
    if not found.stderr or found.interval is None:
        return text
    low, high = (rounded(end * scale, found.stderr * scale)[0] for end in found.interval)
    return f"{text} (95 %: {low} to {high})"


def check_names(names: Sequence[str]) -> None:
    """Check the names of series, which legends, tables and a CSV show.

    Raises:
        ResultsError: a name is empty, begins with ``_`` (Matplotlib hides it), has several lines
            or more than 60 characters, or is there twice.
    """
    for name in names:
        if not name.strip() or name.startswith("_") or len(name) > 60 or not name.isprintable():
            raise ResultsError(
                f"{name!r} is no name for a series: give 1 to 60 characters in one line that do "
                "not begin with _"
            )
        if names.count(name) > 1:
            raise ResultsError(f"two series are called {name}: name each with --name")


@dataclass(frozen=True, slots=True)
class _Solution:
    """A solution, and its point in each series that has it.

    Attributes:
        name: as tables show it.
        points: one for each series, or None.
    """

    name: str
    points: list[SeriesPoint | None]


def _is_same(one: SeriesPoint, other: SeriesPoint) -> bool:
    if one.cation != other.cation:
        return False
    a, b = one.temperature_K, other.temperature_K
    if (a is None) != (b is None) or (a is not None and b is not None and abs(a - b) > _SAME_K):
        return False
    largest = max(one.molarity_mol_per_L, other.molarity_mol_per_L)
    return abs(one.molarity_mol_per_L - other.molarity_mol_per_L) <= _SAME_MOLARITY * largest


def _solutions(named: Named) -> list[_Solution]:
    """Return the solutions of all series, by concentration."""
    all_points = [point for points in named.values() for point in points]
    found: list[_Solution] = []
    names = iter(solution_names(all_points))
    for column, points in enumerate(named.values()):
        for point in points:
            name = next(names)
            for solution in found:
                first = next(each for each in solution.points if each is not None)
                if solution.points[column] is None and _is_same(first, point):
                    solution.points[column] = point
                    break
            else:
                empty: list[SeriesPoint | None] = [None] * len(named)
                empty[column] = point
                found.append(_Solution(name, empty))

    def place(solution: _Solution) -> float:
        return next(p.molarity_mol_per_L for p in solution.points if p is not None)

    return sorted(found, key=place)


def _rows(
    named: Named, subject: str | None = None
) -> Iterator[tuple[Quantity, str, list[SeriesPoint | None]]]:
    """Yield quantity, solution and its points, where a series has the quantity."""
    solutions = _solutions(named)
    for entry in QUANTITIES:
        if subject not in (None, entry.subject):
            continue
        for solution in solutions:
            if any(p is not None and p.values[entry.key] is not None for p in solution.points):
                yield entry, solution.name, solution.points


def _value(entry: Quantity, point: SeriesPoint | None) -> Estimate | None:
    return None if point is None else entry.in_table(point.values[entry.key])


def compared(subject: str, named: Named) -> list[list[str]]:
    """Return a table as texts: the header, then one row for each quantity and solution.

    Of two series there is also the difference, the second minus the first.

    Args:
        subject: a key of :data:`~pykoh.analysis.series_quantities.SUBJECTS`.
        named: name of a series -> its points, e.g. of several potentials.
    """
    found = [["", *named, *(["difference"] if len(named) == 2 else [])]]
    for entry, solution, points in _rows(named, subject):
        values = [_value(entry, point) for point in points]
        if len(values) == 2:
            values.append(difference(values[0], values[1]))
        scale = 10.0**-entry.exponent
        marks = [mark(entry.key, point) for point in points] + [mark(entry.key, *points)]
        cells = []
        for column, each in enumerate(values):
            write = _difference_text if column == len(points) else _value_text
            cells.append(NOTHING if each is None else write(each, scale) + marks[column])
        found.append([f"{quantity_name(entry)}, {solution}", *cells])
    return found


def _write_csv(named: Named, path: Path) -> None:
    lines: list[tuple[object, ...]] = []
    for entry, _, points in _rows(named):
        first = _value(entry, points[0])
        for name, point in zip(named, points, strict=True):
            if point is None:
                continue
            value = _value(entry, point)
            more = None if point is points[0] else difference(first, value)
            quoted = name.replace('"', '""')
            lines.append(
                (
                    entry.key, point.molarity_mol_per_L, point.temperature_K, f'"{quoted}"',
                    len(point.runs), *columns(value), *columns(more),
                    *(interval_of(more) or (None, None)), point.cation,
                )
            )  # fmt: skip
    write_csv(
        path,
        "one line per quantity, solution and series; units in the names of the quantities; "
        "difference: from the first series",
        ("quantity", "molarity_mol_per_L", "temperature_K", "series", "n_runs", "value", "stderr",
         "difference", "difference_stderr", "difference_low_95", "difference_high_95", "cation"),
        lines,
    )  # fmt: skip


def write_comparison(named: Named, folder: Path, png: bool = False) -> Path:
    """Write ``report.html``, ``compare.csv`` and ``plots/*.svg`` into an existing folder.

    Args:
        named: name of a series -> its points; two to five.
        folder: existing folder.
        png: draw ``plots/*.png`` too.

    Returns:
        The path of the page.

    Raises:
        ResultsError: a series has no solution, a name cannot be used, there are more than five
            series, or the folder cannot be written to.
    """
    check_names(list(named))
    for name, points in named.items():
        if not points:
            raise ResultsError(f"{name}: has no solution")
    try:
        return _write(named, folder, png)
    except OSError as error:
        raise ResultsError(f"{folder}: {error.strerror or error}") from error


def _write(named: Named, folder: Path, png: bool) -> Path:
    plot_folder = folder / PLOTS
    plot_folder.mkdir(parents=True, exist_ok=True)
    for old in plot_folder.glob("compare_*"):
        old.unlink()
    sections, contents = [], []
    if (doubts := doubts_section(named)) is not None:
        sections.append(doubts[0])
        contents.append((doubts[1], TITLE))
    for subject, title in SUBJECTS.items():
        keys = {entry.key for entry, _, _ in _rows(named, subject)}
        shown = [line.key for panel in PANELS for line in panel.lines if line.key in keys]
        plots = [comparison(named, key) for key in dict.fromkeys(shown)]
        for plot in plots:
            plot.write(plot_folder, png)
        if keys:
            body = join([pictures(plots), as_markup(compared(subject, named))])
            sections.append(section(subject, title, body))
            contents.append((subject, title))
    _write_csv(named, folder / COMPARE_CSV)
    about = tag(
        "p",
        "± is one standard error, of a difference √(a² + b²). Series differ where the interval "
        "of 95 % is on one side of 0; of 20 such intervals one is, though nothing differs. "
        "Solutions of the same cation whose "
        "molarities differ by 2 % or less, and temperatures by 2 K or less, are compared. Runs "
        "that began in the same box are not independent of each other at first. All numbers: ",
        tag("a", COMPARE_CSV, href=COMPARE_CSV),
    )
    n_runs = sum(len(point.runs) for points in named.values() for point in points)
    lead = f"{', '.join(named)}. {len(named)} series, {n_runs} runs. pykoh {__version__}."
    page = folder / REPORT_HTML
    body = join([about, *sections], "\n")
    write_text(page, document("Series compared", lead, body, contents))
    return page
