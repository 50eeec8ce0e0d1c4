"""What a section of the report is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pykoh.analysis.results import AnalysisResults
from pykoh.report.canvas import Plot
from pykoh.report.html import Markup
from pykoh.report.movie import Movie

Plots = dict[str, list[Plot]]
"""Plots of a section, in groups; the names of the groups are the section's own."""


def _nothing(results: AnalysisResults) -> list[Markup]:
    return []


def _no_plots(results: AnalysisResults) -> Plots:
    return {}


def _no_movies(results: AnalysisResults) -> list[Movie]:
    return []


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report.

    Attributes:
        anchor: where links lead to.
        title: in the contents.
        body: what is under the heading.
        plots: drawn before the body is written, and passed to it.
        cards: what it adds to the summary on top of the page.
        movies: viewers whose figures are in the body.
        heading: if it is not the title.
    """

    anchor: str
    title: str
    body: Callable[[AnalysisResults, Plots], Sequence[object]]
    plots: Callable[[AnalysisResults], Plots] = _no_plots
    cards: Callable[[AnalysisResults], list[Markup]] = _nothing
    movies: Callable[[AnalysisResults], list[Movie]] = _no_movies
    heading: str = ""
