"""The section about structure."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults
from pykoh.report import names, plots_structure
from pykoh.report.html import Markup, number, pictures, table, tag
from pykoh.report.section import Plots, Section
from pykoh.report.values import significant


def _plots(results: AnalysisResults) -> Plots:
    return {"distributions": plots_structure.distributions(results)}


def _body(results: AnalysisResults, drawn: Plots) -> list[object]:
    """Return radial distribution functions, coordination numbers and ion pairing."""
    found = results.structure
    rows = []
    for entry in found.rdfs:
        base = f"structure/coordination/{entry.pair}"
        rows.append(
            (
                names.pair(entry.pair, results.input.cation),
                number(f"{base}/first_peak_A", entry.first_peak_A, "Å"),
                number(f"{base}/first_peak_g", entry.first_peak_g),
                number(f"{base}/first_minimum_A", entry.first_minimum_A, "Å"),
                number(f"{base}/coordination_number", entry.coordination_number),
            )
        )
    parts: list[object] = [
        tag(
            "p",
            "O* is the oxygen of a hydroxide ion, Ow that of water. Left scale and line: g(r). "
            "Right scale and dashes: mean number of neighbours within r. Dotted: first minimum, "
            "up to which neighbours are counted.",
        ),
        pictures(drawn["distributions"], small=True),
    ]
    if not rows:
        parts.append(tag("p", "No distribution was computed.", class_="note"))
    else:
        header = ("pair", "first peak", "height", "first minimum", "neighbours up to there")
        parts.append(table(header, rows))
    if (pairing := found.ion_pairing) is not None:
        base = "structure/ion_pairing"
        parts.append(
            tag(
                "p",
                "Fraction of cations in contact with a hydroxide ion (within ",
                f"{significant(pairing.cutoff_A)} Å): ",
                number(f"{base}/fraction_of_cations_paired", pairing.fraction_of_cations_paired),
                "; hydroxide ions per cation: ",
                number(f"{base}/mean_hydroxides_per_cation", pairing.mean_hydroxides_per_cation),
                ".",
            )
        )
    parts += _contacts(results)
    if (pairs := found.hydroxide_pairs) is not None:
        base = "structure/hydroxide_pairs"
        parts.append(
            tag(
                "p",
                f"Pairs of hydroxide ions (O*–O* within {significant(pairs.cutoff_A)} Å, at any "
                "angle, followed through hops): ",
                number(f"{base}/fraction_paired", pairs.fraction_paired),
                " of the ions are in one; the mean duration of a pair is ",
                number(f"{base}/lifetime_ps", pairs.lifetime_ps, "ps"),
                ".",
            )
        )
    return parts


def _contacts(results: AnalysisResults) -> list[Markup]:
    """Return contacts, bridges and clusters of the ions."""
    found = results.structure.contacts
    if found is None:
        return []
    base = "structure/ion_contacts"
    cation = names.species(f"{results.input.cation}+")
    free, bridging = found.free_hydroxide_fraction, found.bridging_fraction
    bridged, clustered = found.bonded_pairs_bridged, found.clustered_fraction
    rows: list[tuple[object, ...]] = [
        (f"OH⁻ without {cation}", number(f"{base}/free_hydroxide_fraction", free),
         f"no cation within {found.cutoff_A:g} Å"),
        (f"{cation} that bridge", number(f"{base}/bridging_cation_fraction", bridging),
         "two OH⁻ or more in contact"),
        ("bridged OH⁻ → OH⁻ bonds", number(f"{base}/hydroxide_bonds_bridged_fraction", bridged),
         "hydrogen bonds between two OH⁻ that touch one cation"),
        ("ions in clusters of three or more", number(f"{base}/clustered_fraction", clustered),
         "sets of ions joined by contacts"),
        (f"H₂O per {cation}",
         number(f"{base}/mean_water_per_cation", found.mean_water_per_cation),
         f"oxygen within {found.cutoff_A:g} Å: the same distance in all solutions"),
        (f"OH⁻ per {cation}",
         number(f"{base}/mean_hydroxides_per_cation", found.mean_hydroxides_per_cation),
         "likewise"),
    ]  # fmt: skip
    return [table(("contacts", "share or number", "what it is"), rows)]


STRUCTURE = Section("structure", "Structure", _body, _plots)
