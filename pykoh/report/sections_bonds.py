"""The section about hydrogen bonds."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults
from pykoh.report import names, plots_hops, plots_structure
from pykoh.report.html import (
    Markup,
    card,
    cite,
    number,
    pictures,
    table,
    tag,
)
from pykoh.report.references import HANSEROTH
from pykoh.report.section import Plots, Section
from pykoh.report.verdicts import judge_bonds


def _plots(results: AnalysisResults) -> Plots:
    bonds = results.hydrogen_bonds
    lasting = plots_hops.bond_survival(bonds)
    return {
        "survival": [] if lasting is None else [lasting],
        "numbers": plots_structure.hydrogen_bonds(bonds),
        "maps": plots_hops.angle_maps(bonds),
    }


def _cards(results: AnalysisResults) -> list[Markup]:
    """Return how many hydroxides donate a bond to another."""
    cards = []
    for bonds in results.hydrogen_bonds.classes:
        if bonds.name == "OH-_OH-":
            path = f"hydrogen_bonds/{bonds.name}/fraction_of_donors_bonded"
            cards.append(
                card(
                    "OH⁻ that donate a hydrogen bond to another OH⁻",
                    number(path, bonds.fraction_of_donors_bonded),
                    judge_bonds(results, bonds),
                    "as a fraction of all OH⁻",
                )
            )
    return cards


def _body(results: AnalysisResults, drawn: Plots) -> list[object]:
    """Return the hydrogen bonds of each class."""
    bonds = results.hydrogen_bonds
    rows, strong = [], []
    for index, entry in enumerate(bonds.classes):
        base = f"hydrogen_bonds/{entry.name}"
        if entry.name == "OH-_OH-":
            strong.append(index)
        rows.append(
            (
                names.bond(entry.name),
                number(f"{base}/mean_per_donor", entry.mean_per_donor),
                number(f"{base}/mean_per_acceptor", entry.mean_per_acceptor),
                number(f"{base}/fraction_of_donors_bonded", entry.fraction_of_donors_bonded),
                number(f"{base}/lifetime_ps", entry.lifetime_ps, "ps"),
                "–"
                if entry.survival is None
                else number(
                    f"{base}/survival/intermittent_ps", entry.survival.intermittent_ps, "ps"
                ),
            )
        )
    header = ("donor → acceptor", "bonds per donor", "bonds per acceptor",
              "fraction of donors bonded", "mean duration", "intermittent lifetime")  # fmt: skip
    return [
        tag(
            "p",
            f"A bond D–H···A counts if {bonds.criterion_words} (",
            tag(
                "a",
                bonds.criterion_source,
                href=f"https://doi.org/{bonds.criterion_doi}",
                class_="cite",
            ),
            ", changed" if "changed" in bonds.criterion else "",
            "). Bonds between two hydroxide ions, marked, appear in concentrated solutions (",
            cite(HANSEROTH),
            ").",
        ),
        table(header, rows, strong),
        pictures(drawn["survival"]),
        pictures(drawn["numbers"], small=True),
        *(
            [
                tag(
                    "p",
                    "How often an H of the donor is seen at r(DA) and angle H–D–A (brighter: more "
                    "often). Dashed: the largest distance and angle of the criterion.",
                ),
                pictures(drawn["maps"], small=True),
            ]
            if drawn["maps"]
            else []
        ),
    ]


HYDROGEN_BONDS = Section("hydrogen-bonds", "Hydrogen bonds", _body, _plots, _cards)
