"""The parts of the page that show results."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults, SpeciesDiffusion
from pykoh.analysis.summary import not_in_equilibrium
from pykoh.report import names, plots, plots_hops, plots_structure
from pykoh.report.canvas import Plot
from pykoh.report.html import (
    Markup,
    card,
    cite,
    join,
    number,
    pictures,
    pill,
    section,
    table,
    tag,
)
from pykoh.report.references import GILLIAM, GRASSELLI, YEH
from pykoh.report.values import count, setting, significant
from pykoh.report.verdicts import (
    Verdict,
    judge,
    judge_bonds,
    judge_diffusion,
    judge_hops,
    judge_nernst_einstein,
    worst,
)

_DIFFUSION_UNIT, _DIFFUSION_EXPONENT = "m²/s", -9


def _d(entry: SpeciesDiffusion) -> Markup:
    path = f"diffusion/{entry.species}/D_m2_per_s"
    return number(
        path, entry.D_m2_per_s, entry.stderr_m2_per_s, _DIFFUSION_UNIT, _DIFFUSION_EXPONENT
    )


def _conductivity_verdict(results: AnalysisResults) -> Verdict:
    # Without the fit: its log–log slope says nothing here, because the bound charges of the
    # molecules give the collective dipole a large intercept that is no sign of a short run.
    found = results.conductivity
    return judge(
        results,
        "conductivity.einstein_S_per_m",
        found.einstein_S_per_m,
        found.einstein_stderr_S_per_m,
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
                    f"Diffusion of {names.species(key)}", _d(entry), judge_diffusion(results, entry)
                )
            )
    hops = results.grotthuss
    rate = number(
        "grotthuss/hop_rate_per_ps", hops.hop_rate_per_ps, hops.hop_rate_stderr_per_ps, "per ps"
    )
    verdict = judge_hops(results)
    note = f"{count(hops.n_hops)} net hops of {count(hops.n_hydroxides)} hydroxide ions"
    cards.append(card("Proton hops per OH⁻", rate, verdict, note))
    for bonds in results.hydrogen_bonds.classes:
        if bonds.name == "OH-_OH-":
            path = f"hydrogen_bonds/{bonds.name}/fraction_of_donors_bonded"
            value, stderr = (
                bonds.fraction_of_donors_bonded,
                bonds.fraction_of_donors_bonded_stderr,
            )
            cards.append(
                card(
                    "OH⁻ that donate a hydrogen bond to another OH⁻",
                    number(path, value, stderr),
                    judge_bonds(results, bonds),
                    "as a fraction of all OH⁻",
                )
            )
    found = results.conductivity
    note = ""
    if found.einstein_S_per_m is not None and found.experiment_S_per_m:
        ratio = significant(found.einstein_S_per_m / found.experiment_S_per_m, 2)
        note = f"{ratio} times the measured {significant(found.experiment_S_per_m)} S/m"
    cards.append(
        card(
            "Conductivity",
            number(
                "conductivity/einstein_S_per_m",
                found.einstein_S_per_m,
                found.einstein_stderr_S_per_m,
                "S/m",
            ),
            _conductivity_verdict(results),
            note,
        )
    )
    return section("summary", "Summary", tag("div", *cards, class_="cards"))


def diffusion(results: AnalysisResults, figures: list[Plot]) -> Markup:
    """Return the mean-square displacements and the table of diffusion coefficients."""
    rows, strong = [], []
    for index, entry in enumerate(results.diffusion.species):
        fit = entry.fit
        base = f"diffusion/{entry.species}"
        if entry.species == "OH-":
            strong.append(index)
        window = f"{setting(fit.start_ps)}–{setting(fit.end_ps)} ps" if fit else "–"
        slope: object = "–"
        if fit:
            slope = number(f"{base}/fit/loglog_slope", fit.exponent, fit.exponent_stderr)
        infinite: object = "–"
        if entry.D_infinite_m2_per_s is not None:
            infinite = number(
                f"{base}/D_infinite_m2_per_s",
                entry.D_infinite_m2_per_s,
                entry.D_infinite_stderr_m2_per_s,
                _DIFFUSION_UNIT,
                _DIFFUSION_EXPONENT,
            )
        rows.append(
            (
                names.species(entry.species),
                setting(round(entry.n_particles, 1)),
                _d(entry),
                infinite,
                tag("span", window, class_="q"),
                slope,
                pill(judge_diffusion(results, entry)),
            )
        )
    header = ("species", "number", "D in this box", "D in an infinite box", "fit window",
              "log–log slope", "verdict")  # fmt: skip
    if results.diffusion.yeh_hummer_m2_per_s is None:
        size = join(
            [
                "Diffusion in a small periodic box is slower than in the bulk. The correction of ",
                cite(YEH),
                " needs the viscosity, which was not given.",
            ]
        )
    else:
        viscosity = results.diffusion.viscosity_mPa_s
        size = join(
            [
                "The values for an infinite box contain the correction of ",
                cite(YEH),
                ", ",
                number(
                    "definitions/yeh_hummer_correction_m2_per_s",
                    results.diffusion.yeh_hummer_m2_per_s,
                    None,
                    _DIFFUSION_UNIT,
                    _DIFFUSION_EXPONENT,
                ),
                f", with a viscosity of {significant(viscosity)} mPa·s" if viscosity else "",
                "." if results.diffusion.viscosity is None else " from the pressure tensor.",
            ]
        )
    return section(
        "diffusion",
        "Diffusion",
        tag(
            "p",
            "How fast each species spreads. OH⁻ is followed as an ion: when a proton hops, the "
            "ion moves to the oxygen that the proton left.",
        ),
        pictures(figures),
        table(header, rows, strong),
        *_cross(results),
        tag("p", size),
    )


def _cross(results: AnalysisResults) -> list[Markup]:
    """Return what the two parts of the hydroxide's motion have in common."""
    found = results.diffusion
    if found.cross_m2_per_s is None:
        return []
    value = number(
        "hydroxide_cross_term/D_m2_per_s",
        found.cross_m2_per_s,
        found.cross_stderr_m2_per_s,
        _DIFFUSION_UNIT,
        _DIFFUSION_EXPONENT,
    )
    text = "Cross term of the two parts of OH⁻ (D = vehicular + structural + cross): "
    return [tag("p", text, value, ".")]


def structure(results: AnalysisResults, figures: list[Plot]) -> Markup:
    """Return radial distribution functions, coordination numbers and ion pairing."""
    found = results.structure
    rows = []
    for entry in found.rdfs:
        base = f"structure/coordination/{entry.pair}"
        rows.append(
            (
                names.pair(entry.pair, results.input.cation),
                number(f"{base}/first_peak_A", entry.first_peak_A, entry.first_peak_stderr_A, "Å"),
                number(f"{base}/first_peak_g", entry.first_peak_g, entry.first_peak_g_stderr),
                number(
                    f"{base}/first_minimum_A",
                    entry.first_minimum_A,
                    entry.first_minimum_stderr_A,
                    "Å",
                ),
                number(
                    f"{base}/coordination_number",
                    entry.coordination_number,
                    entry.coordination_number_stderr,
                ),
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
                number(
                    f"{base}/fraction_of_cations_paired",
                    pairing.fraction_of_cations_paired,
                    pairing.stderr,
                ),
                "; hydroxide ions per cation: ",
                number(
                    f"{base}/mean_hydroxides_per_cation",
                    pairing.mean_hydroxides_per_cation,
                    pairing.mean_hydroxides_per_cation_stderr,
                ),
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
                number(
                    f"{base}/fraction_paired",
                    pairs.fraction_paired,
                    pairs.fraction_paired_stderr,
                ),
                " of the ions are in one; a pair lasts ",
                number(f"{base}/lifetime_ps", pairs.lifetime_ps, pairs.lifetime_stderr_ps, "ps"),
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
    rows: list[tuple[object, ...]] = [
        (f"OH⁻ without {cation}", number(f"{base}/free_hydroxide_fraction",
                                         found.free_hydroxide_fraction,
                                         found.free_hydroxide_stderr),
         f"no cation within {found.cutoff_A:g} Å"),
        (f"{cation} that bridge", number(f"{base}/bridging_cation_fraction",
                                         found.bridging_fraction, found.bridging_stderr),
         "two OH⁻ or more in contact"),
        ("bridged OH⁻ → OH⁻ bonds", number(f"{base}/hydroxide_bonds_bridged_fraction",
                                            found.bonded_pairs_bridged,
                                            found.bonded_pairs_bridged_stderr),
         "hydrogen bonds between two OH⁻ that touch one cation"),
        ("ions in clusters of three or more", "–" if not len(found.cluster_sizes) else
         tag("span", f"{100 * float(found.cluster_sizes[2:].sum()):.3g} %", class_="q"),
         "sets of ions joined by contacts"),
    ]  # fmt: skip
    return [table(("ions in contact", "share", "what it is"), rows)]


def conductivity(results: AnalysisResults, figures: list[Plot]) -> Markup:
    """Return simulated and measured conductivity."""
    found = results.conductivity
    base = "conductivity"
    nernst = judge_nernst_einstein(
        results,
        "nernst_einstein_S_per_m",
        found.nernst_einstein_S_per_m,
        found.nernst_einstein_stderr_S_per_m,
    )
    rows: list[tuple[object, ...]] = [
        ("Nernst–Einstein", number(f"{base}/nernst_einstein_S_per_m",
                                   found.nernst_einstein_S_per_m,
                                   found.nernst_einstein_stderr_S_per_m, "S/m"),
         "ions that move independently", pill(nernst)),
        ("Einstein", number(f"{base}/einstein_S_per_m", found.einstein_S_per_m,
                            found.einstein_stderr_S_per_m, "S/m"),
         "all charges together, correlations included",
         pill(_conductivity_verdict(results))),
        ("experiment", number(f"{base}/experiment_S_per_m", found.experiment_S_per_m, None,
                              "S/m"),
         join([cite(GILLIAM), ", aqueous KOH, 0–12 mol/L"]), "–"),
    ]  # fmt: skip
    cation = names.species(f"{results.input.cation}+")
    for key, title, value, stderr, what in (
        ("haven_ratio", "Haven ratio", found.haven_ratio, found.haven_ratio_stderr,
         "Nernst–Einstein over Einstein; 1 for ions that move independently"),
        ("transference_cation", f"share of {cation}", found.transference_cation,
         found.transference_cation_stderr,
         "of the current, correlations included, relative to the centre of mass"),
        ("transference_cation_apparent", f"share of {cation}, apparent",
         found.transference_cation_apparent, found.transference_cation_apparent_stderr,
         "from the diffusion coefficients of the ions"),
    ):  # fmt: skip
        if value is not None:
            verdict = judge_nernst_einstein(results, key, value, stderr)
            if key == "haven_ratio":
                verdict = worst([("", verdict), ("Einstein", _conductivity_verdict(results))])
            elif key == "transference_cation":
                verdict = judge(results, f"{base}.{key}", value, stderr)
            rows.append((title, number(f"{base}/{key}", value, stderr), what, pill(verdict)))
    return section(
        "conductivity",
        "Conductivity",
        tag(
            "p",
            "The Einstein value follows from the displacement of all cations minus that of all "
            "OH⁻ along their hops, exact for a liquid that is an electronic insulator (",
            cite(GRASSELLI),
            "). It converges more slowly than the diffusion coefficients.",
        ),
        pictures(figures),
        table(("", "conductivity", "what it is", "verdict"), rows),
    )


def warnings(results: AnalysisResults) -> Markup:
    """Return every warning and every note from reading, in plain words."""
    items: list[Markup] = []
    for warning in results.warnings:
        items += [tag("dt", tag("code", warning.quantity)), tag("dd", warning.reason)]
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
