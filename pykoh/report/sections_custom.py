"""The sections of a user's observables."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults, CustomResult
from pykoh.report.canvas import Plot, figure, finish
from pykoh.report.html import Markup, number, pictures, section, table, tag


def anchor(result: CustomResult) -> str:
    """Return the anchor of a section."""
    return f"custom-{result.name.replace('_', '-')}"


def custom_plots(results: AnalysisResults) -> dict[str, list[Plot]]:
    """Return the plots of each observable, by its name."""
    return {each.name: _plots(each) for each in results.custom}


def _plots(result: CustomResult) -> list[Plot]:
    plots = []
    for curve in result.shown.curves:
        x, y = curve.values[:2]
        if not len(x):
            continue
        with figure() as (fig, axes):
            axes.plot(x, y)
            axes.set_xlabel(curve.columns[0])
            axes.set_ylabel(curve.columns[1])
            name = f"custom_{result.name}_{curve.file}"
            plots.append(finish(fig, name, result.shown.title, curve.about))
    return plots


def custom(result: CustomResult, plots: list[Plot]) -> Markup:
    """Return the section of an observable: its numbers, and its curves as plots.

    Args:
        result: what it shows.
        plots: those of :func:`custom_plots`.
    """
    shown = result.shown
    rows = [
        (row.name, number(f"custom/{result.name}/{row.key}/value", row.estimate, row.unit))
        for row in shown.rows
    ]
    parts: list[Markup] = [tag("p", shown.text)]
    if rows:
        parts.append(table(("quantity", "value"), rows))
    return section(anchor(result), shown.title, *parts, pictures(plots))
