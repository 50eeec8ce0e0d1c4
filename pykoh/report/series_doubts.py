"""What a reader has to know before using the numbers of a series: which ones are doubtful, and why.

Values with a warning in one of their runs carry a mark; all values of a solution do where a run did
not begin in equilibrium. Errors of single runs come from blocks of time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_quantities import QUANTITIES
from pykoh.report.html import Markup, join, section, tag

MARK = "†"
TITLE = "Before you use these numbers"


def mark(key: str, *points: SeriesPoint | None) -> str:
    """Return the mark with a blank before it if a quantity is doubtful at one of the points."""
    doubtful = any(p is not None and (key in p.doubts or "" in p.doubts) for p in points)
    return f" {MARK}" if doubtful else ""


def single_runs(points: Sequence[SeriesPoint]) -> str:
    """Return what errors of single runs miss; empty where each solution has replicas."""
    alone = sum(len(point.runs) == 1 for point in points)
    if not alone:
        return ""
    which = f"{alone} of {len(points)} solution{'s' if len(points) > 1 else ''}"
    return (
        f"{which} with a single run. Errors of a single run come from blocks of time. They miss "
        "what changes more slowly than the run is long. Add replicas, which are independent boxes, "
        "before you draw conclusions from a difference."
    )


def doubts_in_words(points: Sequence[SeriesPoint]) -> list[str]:
    """Return lines for the terminal; none where there is nothing to say."""
    n = sum(len(_keys_by_reason(point)) for point in points)
    lines = []
    if n:
        what = "a doubt" if n == 1 else f"{n} doubts"
        lines.append(f"Warning: {what} about values: see report.html")
    if alone := single_runs(points):
        lines.append(f"Warning: {alone}")
    return lines


def doubts_section(named: Mapping[str, Sequence[SeriesPoint]]) -> tuple[Markup, str] | None:
    """Return a section and its anchor; None if there is nothing to say.

    Args:
        named: name of a series -> its points; of a single series the name is not shown.
    """
    items = []
    for name, points in named.items():
        for point in points:
            for reason, keys in _keys_by_reason(point).items():
                head = ", ".join([*([name] if len(named) > 1 else []), *map(_title, keys)])
                items.append(tag("li", tag("b", head), f" – {reason}"))
    alone = single_runs([point for points in named.values() for point in points])
    if not items and not alone:
        return None
    parts = [tag("p", alone)] if alone else []
    if items:
        parts += [tag("p", f"Values with {MARK} are less certain than their errors say:")]
        parts.append(tag("ul", *items))
    return section("doubts", TITLE, join(parts)), "doubts"


def _keys_by_reason(point: SeriesPoint) -> dict[str, list[str]]:
    """Return the quantities that share a reason: it is said once."""
    found: dict[str, list[str]] = {}
    for key, reasons in point.doubts.items():
        for reason in dict.fromkeys(reasons):  # files of earlier versions have some twice
            found.setdefault(reason, []).append(key)
    return found


def _title(key: str) -> str:
    titles = {entry.key: entry.title for entry in QUANTITIES} | {"": "all quantities"}
    return f"D of {titles[key]}" if key.startswith("D_") else titles[key]
