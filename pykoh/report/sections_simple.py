"""The section of an observable that the report has no section made for."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults, Shown
from pykoh.report.canvas import Plot, figure, finish
from pykoh.report.html import Markup, number, pictures, table, tag
from pykoh.report.section import Plots, Section


def simple_section(path: str, shown: Shown) -> Section:
    """Return a section with the numbers, and the curves as plots.

    Args:
        path: of the observable in ``results.json``, levels joined by ``/``.
        shown: what it shows.
    """

    def body(results: AnalysisResults, drawn: Plots) -> list[Markup]:
        rows = [
            (row.name, number(f"{path}/{row.key}/value", row.estimate, row.unit))
            for row in shown.rows
        ]
        parts = [tag("p", shown.text)]
        if rows:
            parts.append(table(("quantity", "value"), rows))
        return [*parts, pictures(drawn["curves"])]

    def plots(results: AnalysisResults) -> Plots:
        return {"curves": _plots(path.replace("/", "_"), shown)}

    anchor = path.replace("/", "-").replace("_", "-")
    return Section(anchor, shown.title, body, plots)


def _plots(name: str, shown: Shown) -> list[Plot]:
    plots = []
    for curve in shown.curves:
        x, y = curve.values[:2]
        if not len(x):
            continue
        with figure() as (fig, axes):
            axes.plot(x, y)
            axes.set_xlabel(curve.columns[0])
            axes.set_ylabel(curve.columns[1])
            plots.append(finish(fig, f"{name}_{curve.file}", shown.title, curve.about))
    return plots
