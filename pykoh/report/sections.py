"""The parts of the page that show results."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.results.summary import not_in_equilibrium
from pykoh.report import names, plots, plots_hops, plots_structure
from pykoh.report.canvas import Plot
from pykoh.report.html import (
    Markup,
    card,
    number,
    pictures,
    section,
    table,
    tag,
)
from pykoh.report.sections_transport import conductivity_verdict, diffusion_number
from pykoh.report.values import count, significant
from pykoh.report.verdicts import (
    judge_bonds,
    judge_diffusion,
    judge_hops,
)


def banner(results: AnalysisResults) -> Markup:
    """Return what a reader must know before any number: a run that is not in equilibrium."""
    text = not_in_equilibrium(results)
    if not text:
        return Markup("")
    return tag("p", tag("strong", "Not in equilibrium. "), f"{text[0].upper()}{text[1:]}.",
               class_="banner", role="alert")  # fmt: skip


def summary(results: AnalysisResults) -> Markup:
    """Return the cards: the numbers that a reader looks for first, each with a verdict."""
    cards = []
    cation = f"{results.input.cation}+"
    for key in ("OH-", cation, "H2O"):
        entry = results.diffusion.of(key)
        if entry is not None:
            cards.append(
                card(
                    f"Diffusion of {names.species(key)}",
                    diffusion_number(entry),
                    judge_diffusion(results, entry),
                )
            )
    hops = results.grotthuss
    hop_rate = number("grotthuss/hop_rate_per_ps", hops.hop_rate_per_ps, "per ps")
    verdict = judge_hops(results)
    note = f"{count(hops.n_hops)} net hops of {count(hops.n_hydroxides)} hydroxide ions"
    cards.append(card("Proton hops per OH⁻", hop_rate, verdict, note))
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
    found = results.conductivity
    note = ""
    if found.einstein_S_per_m is not None and found.experiment_S_per_m:
        ratio = significant(found.einstein_S_per_m.value / found.experiment_S_per_m, 2)
        note = f"{ratio} times the measured {significant(found.experiment_S_per_m)} S/m"
    cards.append(
        card(
            "Conductivity",
            number("conductivity/einstein_S_per_m", found.einstein_S_per_m, "S/m"),
            conductivity_verdict(results),
            note,
        )
    )
    return section("summary", "Summary", tag("div", *cards, class_="cards"))


def structure(results: AnalysisResults, figures: list[Plot]) -> Markup:
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
        pictures(figures, small=True),
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
                " of the ions are in one; a pair lasts ",
                number(f"{base}/lifetime_ps", pairs.lifetime_ps, "ps"),
                ".",
            )
        )
    return section("structure", "Structure", *parts)


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
    ]  # fmt: skip
    return [table(("ions in contact", "share", "what it is"), rows)]


def warnings(results: AnalysisResults) -> Markup:
    """Return every warning and every note from reading, in plain words."""
    items: list[Markup] = []
    for index, warning in enumerate(results.warnings):
        name = tag("dt", tag("code", warning.quantity), id=f"warning-{index}")
        items += [name, tag("dd", warning.reason)]
    for note in results.input.notes:
        items += [tag("dt", "while reading"), tag("dd", note)]
    if not items:
        return section("warnings", "Warnings", tag("p", "None."))
    return section("warnings", "Warnings", tag("dl", *items, class_="warnings"))


def all_plots(results: AnalysisResults) -> dict[str, list[Plot]]:
    """Return the figures of each section; a section without data has none."""
    found = results.grotthuss
    lasting = plots_hops.survival(results)
    hop_plots = [
        plots.hop_rate(found),
        plots.waiting_times(found),
        lasting.get("residence"),
        plots_hops.presolvation(found),
        *plots_hops.free_energy(found),
        plots_hops.dump_interval(found),
    ]
    flow = [*plots.displacements(results), plots_hops.viscosity(results)]
    return {
        "diffusion": [plot for plot in flow if plot is not None],
        "hops": [plot for plot in hop_plots if plot is not None],
        "bond_survival": [lasting["bonds"]] if "bonds" in lasting else [],
        "hydrogen_bonds": plots_structure.hydrogen_bonds(results.hydrogen_bonds),
        "bond_maps": plots_hops.angle_maps(results.hydrogen_bonds),
        "structure": plots_structure.distributions(results),
        "conductivity": plots.conductivity(results),
    }
