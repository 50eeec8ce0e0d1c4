"""Several series beside each other: what changes with the potential, box or temperature of runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pykoh import __version__
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.estimate_views import columns
from pykoh.analysis.results.tables import write_csv
from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_quantities import QUANTITIES, SUBJECTS, Quantity
from pykoh.files import write_text
from pykoh.report.html import Markup, join, pictures, section, table, tag
from pykoh.report.page import PLOTS, REPORT_HTML, document
from pykoh.report.series import solution_names
from pykoh.report.series_plots import PANELS, comparison
from pykoh.report.values import power_of_ten, quantity

COMPARE_CSV = "compare.csv"
_NOTHING = "–"

Named = Mapping[str, Sequence[SeriesPoint]]


def difference(one: Estimate | None, other: Estimate | None) -> Estimate | None:
    """Return ``other - one`` of two independent estimates; None if one is unknown.

    The standard error is √(a² + b²), and is unknown where one of them is.
    """
    if one is None or other is None:
        return None
    error = None
    if one.stderr is not None and other.stderr is not None:
        error = math.hypot(one.stderr, other.stderr)
    return Estimate.number(other.value - one.value, error, How.REPLICAS)


def _rows(named: Named, subject: str | None = None) -> Iterator[tuple[Quantity, str, list]]:
    """Yield quantity, solution and its points (or None), where a series has the quantity."""
    names = iter(solution_names([point for points in named.values() for point in points]))
    found = [{next(names): point for point in points} for points in named.values()]
    molarity = {name: p.molarity_mol_per_L for column in found for name, p in column.items()}
    for entry in QUANTITIES:
        if subject not in (None, entry.subject):
            continue
        for name in sorted(molarity, key=molarity.__getitem__):
            points = [column.get(name) for column in found]
            if any(p is not None and p.values[entry.key] is not None for p in points):
                yield entry, name, points


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
        power = f"{power_of_ten(entry.exponent)} " if entry.exponent else ""
        unit = f" ({power}{entry.unit})" if entry.unit else ""
        cells = [_NOTHING if each is None else quantity(each.times(scale)) for each in values]
        found.append([f"{entry.title}{unit}, {solution}", *cells])
    return found


def _page_table(subject: str, named: Named) -> Markup:
    header, *lines = compared(subject, named)
    missing = tag("span", _NOTHING, class_="missing")
    return table(
        header,
        [
            [line[0], *(missing if c == _NOTHING else tag("span", c, class_="q") for c in line[1:])]
            for line in lines
        ],
    )


def _write_csv(named: Named, path: Path) -> None:
    lines: list[tuple[object, ...]] = []
    for entry, _, points in _rows(named):
        first = _value(entry, points[0])
        for name, point in zip(named, points, strict=True):
            if point is None:
                continue
            value = _value(entry, point)
            more = None if point is points[0] else difference(first, value)
            lines.append(
                (
                    entry.key, point.molarity_mol_per_L, point.temperature_K, f'"{name}"',
                    len(point.runs), *columns(value), *columns(more),
                )
            )  # fmt: skip
    write_csv(
        path,
        "one line per quantity, solution and series; units in the names of the quantities; "
        "difference: from the first series",
        ("quantity", "molarity_mol_per_L", "temperature_K", "series", "n_runs", "value", "stderr",
         "difference", "difference_stderr"),
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
        ResultsError: there are more than five series.
    """
    (folder / PLOTS).mkdir(exist_ok=True)
    sections, contents = [], []
    for subject, title in SUBJECTS.items():
        keys = {entry.key for entry, _, _ in _rows(named, subject)}
        shown = [line.key for panel in PANELS for line in panel.lines if line.key in keys]
        plots = [comparison(named, key) for key in dict.fromkeys(shown)]
        for plot in plots:
            plot.write(folder / PLOTS, png)
        if keys:
            body = join([pictures(plots), _page_table(subject, named)])
            sections.append(section(subject, title, body))
            contents.append((subject, title))
    _write_csv(named, folder / COMPARE_CSV)
    about = tag(
        "p",
        "± is one standard error, of a difference √(a² + b²). Runs that began in the same box are "
        "not independent of each other at first. All numbers: ",
        tag("a", COMPARE_CSV, href=COMPARE_CSV),
    )
    n_runs = sum(len(point.runs) for points in named.values() for point in points)
    lead = f"{', '.join(named)}. {len(named)} series, {n_runs} runs. pykoh {__version__}."
    page = folder / REPORT_HTML
    body = join([about, *sections], "\n")
    write_text(page, document("Series compared", lead, body, contents))
    return page
