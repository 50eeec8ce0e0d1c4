"""Which sections the report has.

A new analysis needs nothing here: what it shows gets a section like that of a user's observable. A
section that is made for it is an entry in :data:`MADE_FOR`.
"""

from __future__ import annotations

from pykoh import __version__
from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.results.summary import not_in_equilibrium
from pykoh.report import words
from pykoh.report.html import Markup, tag
from pykoh.report.section import Plots, Section
from pykoh.report.sections_bonds import HYDROGEN_BONDS
from pykoh.report.sections_hops import HOPS
from pykoh.report.sections_simple import simple_section
from pykoh.report.sections_structure import STRUCTURE
from pykoh.report.sections_transport import CONDUCTIVITY, DIFFUSION

MADE_FOR = {
    "diffusion": DIFFUSION,
    "grotthuss": HOPS,
    "hydrogen_bonds": HYDROGEN_BONDS,
    "structure": STRUCTURE,
    "conductivity": CONDUCTIVITY,
}
"""Name of an observable -> the section that was made for it."""


def banner(results: AnalysisResults) -> Markup:
    """Return what a reader must know before any number: a run that is not in equilibrium."""
    text = not_in_equilibrium(results)
    if not text:
        return Markup("")
    return tag("p", tag("strong", "Not in equilibrium. "), f"{text[0].upper()}{text[1:]}.",
               class_="banner", role="alert")  # fmt: skip


def summary(results: AnalysisResults) -> Markup:
    """Return the cards: the numbers that a reader looks for first, each with a verdict."""
    cards = [card for each in of_observables(results) for card in each.cards(results)]
    return tag("div", *cards, class_="cards")


def _warnings(results: AnalysisResults, drawn: Plots) -> list[Markup]:
    """Return every warning and every note from reading, in plain words."""
    items: list[Markup] = []
    for index, warning in enumerate(results.warnings):
        name = tag("dt", tag("code", warning.quantity), id=f"warning-{index}")
        items += [name, tag("dd", warning.reason)]
    for note in results.input.notes:
        items += [tag("dt", "while reading"), tag("dd", note)]
    if not items:
        return [tag("p", "None.")]
    return [tag("dl", *items, class_="warnings")]


def of_observables(results: AnalysisResults) -> list[Section]:
    """Return the sections of all observables, those of the user last."""
    found = []
    for name, output in results.outputs().items():
        if name in MADE_FOR:
            found.append(MADE_FOR[name])
        elif output.section is not None:
            found.append(simple_section(name, output.section))
    return found + [simple_section(f"custom/{each.name}", each.shown) for each in results.custom]


def all_sections(results: AnalysisResults, provenance: Section) -> list[Section]:
    """Return the sections of the page, in their order.

    Args:
        results: what is shown.
        provenance: the last one.
    """
    return [
        Section("summary", "Summary", lambda results, _: [summary(results)]),
        *of_observables(results),
        Section("warnings", "Warnings", _warnings),
        Section("definitions", "Definitions", lambda results, _: [words.definitions(results)]),
        Section("methods", "Methods text", lambda results, _: words.methods(results, __version__)),
        Section("references", "References", lambda *_: words.bibliography()),
        provenance,
    ]
