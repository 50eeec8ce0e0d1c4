"""The sections about transport: diffusion, conductivity, and what was measured."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults, Estimate, SpeciesDiffusion
from pykoh.analysis.transport.measured import Beside, beside
from pykoh.report import names, plots, plots_hops
from pykoh.report.html import (
    Markup,
    card,
    cite,
    join,
    measured,
    missing,
    number,
    pictures,
    pill,
    table,
    tag,
)
from pykoh.report.references import BY_KEY, COMPAAN, GILLIAM, GRASSELLI, YEH
from pykoh.report.section import Plots, Section
from pykoh.report.values import setting, significant
from pykoh.report.verdicts import (
    AGREE,
    CAREFUL,
    Verdict,
    judge,
    judge_diffusion,
    judge_nernst_einstein,
    routes_apart,
    worst,
)

_DIFFUSION_UNIT, _DIFFUSION_EXPONENT = "m²/s", -9


def _coefficient(path: str, estimate: Estimate | None) -> Markup:
    """Return a diffusion coefficient in 10⁻⁹ m²/s."""
    return number(path, estimate, _DIFFUSION_UNIT, _DIFFUSION_EXPONENT)


def diffusion_number(entry: SpeciesDiffusion) -> Markup:
    """Return D in the box."""
    return _coefficient(f"diffusion/{entry.species}/D_m2_per_s", entry.D_m2_per_s)


def conductivity_verdict(results: AnalysisResults) -> Verdict:
    """Judge the Einstein conductivity."""
    # Without the fit: its log–log slope says nothing here, because the bound charges of the
    # molecules give the collective dipole a large intercept that is no sign of a short run.
    found = results.conductivity
    return judge(results, "conductivity.einstein_S_per_m", found.einstein_S_per_m)


def _diffusion_plots(results: AnalysisResults) -> Plots:
    flow = [*plots.displacements(results), plots_hops.viscosity(results)]
    return {"displacements": [plot for plot in flow if plot is not None]}


def _diffusion_cards(results: AnalysisResults) -> list[Markup]:
    cards = []
    for key in ("OH-", f"{results.input.cation}+", "H2O"):
        entry = results.diffusion.of(key)
        if entry is not None:
            title = f"Diffusion of {names.species(key)}"
            cards.append(card(title, diffusion_number(entry), judge_diffusion(results, entry)))
    return cards


def _diffusion(results: AnalysisResults, drawn: Plots) -> list[object]:
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
            slope = number(f"{base}/fit/loglog_slope", fit.exponent)
        infinite = _coefficient(f"{base}/D_infinite_m2_per_s", entry.D_infinite_m2_per_s)
        rows.append(
            (
                names.species(entry.species),
                setting(round(entry.n_particles, 1)),
                diffusion_number(entry),
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
                _coefficient(
                    "definitions/yeh_hummer_correction_m2_per_s",
                    results.diffusion.yeh_hummer_m2_per_s,
                ),
                f", with a viscosity of {significant(viscosity.value)} mPa·s" if viscosity else "",
                ", as given."
                if results.diffusion.viscosity is None
                else " from the pressure tensor.",
            ]
        )
    return [
        tag(
            "p",
            "How fast each species spreads. OH⁻ is followed as an ion: when a proton hops, the "
            "ion moves to the oxygen that the proton left.",
        ),
        pictures(drawn["displacements"]),
        table(header, rows, strong),
        *_cross(results),
        *_second_route(results),
        tag("p", size),
        *_measured(results),
    ]


def _cross(results: AnalysisResults) -> list[Markup]:
    """Return what the two parts of the hydroxide's motion have in common."""
    found = results.diffusion
    if found.cross_m2_per_s is None:
        return []
    value = _coefficient("hydroxide_cross_term/D_m2_per_s", found.cross_m2_per_s)
    text = "Cross term of the two parts of OH⁻ (D = vehicular + structural + cross): "
    return [tag("p", text, value, ".")]


def _second_route(results: AnalysisResults) -> list[Markup]:
    """Return D of the hydroxide from its hops beside that from its displacements."""
    entry = results.diffusion.of("OH-")
    if entry is None:
        return []
    other = _coefficient("diffusion/OH-/D_from_hops_m2_per_s", entry.from_hops_m2_per_s)
    rows = [
        ("mean-square displacement", diffusion_number(entry), "slope of the curve above"),
        ("hops", other, join(["vehicular part, and rate, length and correlation of hops, ",
                              cite(COMPAAN)])),
    ]  # fmt: skip
    parts = [table(("OH⁻, two routes", "D in this box", "from"), rows)]
    apart = routes_apart(entry)
    if apart is not None and apart > AGREE:
        text = (
            f"The two differ by {significant(apart, 2)} standard errors. Either the fit begins "
            "while hops are still correlated, or a hop depends on more than the hop before it. Do "
            "not use either value yet."
        )
        mark = pill(Verdict(CAREFUL, "the two routes disagree"))
        parts.append(tag("p", mark, " ", text, class_="disagree"))
    return parts


def _measured(results: AnalysisResults) -> list[Markup]:
    """Return what was measured by others, beside what this run gives."""
    rows = [_measured_row(results, each) for each in beside(results.diffusion, results.input)]
    if not rows:
        return []
    return [
        tag("h3", "Beside measurements"),
        table(("", "this run", "measured", "where", "source"), rows),
        tag(
            "p",
            "The ions of KOH slow down as it is concentrated; for their diffusion we found no "
            "measured D at this concentration; the values are for infinite dilution. The measured "
            "conductivity is below. The viscosity is a fit to measurements, within 8 % of the "
            "tables of the CRC Handbook at 20 °C.",
            class_="note",
        ),
    ]


def _measured_row(results: AnalysisResults, each: Beside) -> tuple[object, ...]:
    found, path = each.measured, f"{each.path}/value"
    where = found.conditions or "this concentration and temperature"
    source = cite(BY_KEY[found.source])
    if each.of.startswith("diffusion/"):
        species = each.of.split("/")[1]
        entry = results.diffusion.of(species)
        own: object = "–" if entry is None else diffusion_number(entry)
        value = measured(path, found.value, _DIFFUSION_UNIT, _DIFFUSION_EXPONENT)
        return f"D of {names.species(species)}", own, value, where, source
    if each.of.startswith("viscosity/"):
        eta = results.diffusion.viscosity
        own = missing("viscosity")
        if eta is not None:
            own = number(each.of, eta.viscosity_mPa_s, "mPa·s")
        return (
            "viscosity",
            own,
            measured(path, found.value, "mPa·s"),
            where,
            source,
        )
    density = results.input.density_kg_per_m3
    # A box of constant volume has the density that it was given.
    own = "–" if density is None else measured(each.of, density, "kg/m³")
    return "density", own, measured(path, found.value, "kg/m³"), where, source


def _conductivity_plots(results: AnalysisResults) -> Plots:
    return {"conductivity": plots.conductivity(results)}


def _conductivity_cards(results: AnalysisResults) -> list[Markup]:
    found = results.conductivity
    note = ""
    if found.einstein_S_per_m is not None and found.experiment_S_per_m:
        ratio = significant(found.einstein_S_per_m.value / found.experiment_S_per_m, 2)
        note = f"{ratio} times the measured {significant(found.experiment_S_per_m)} S/m"
    value = number("conductivity/einstein_S_per_m", found.einstein_S_per_m, "S/m")
    return [card("Conductivity", value, conductivity_verdict(results), note)]


def _conductivity(results: AnalysisResults, drawn: Plots) -> list[object]:
    """Return simulated and measured conductivity."""
    found = results.conductivity
    base = "conductivity"
    nernst = judge_nernst_einstein(
        results,
        "nernst_einstein_S_per_m",
        found.nernst_einstein_S_per_m,
    )
    rows: list[tuple[object, ...]] = [
        ("Nernst–Einstein",
         number(f"{base}/nernst_einstein_S_per_m", found.nernst_einstein_S_per_m, "S/m"),
         "ions that move independently", pill(nernst)),
        ("Einstein", number(f"{base}/einstein_S_per_m", found.einstein_S_per_m, "S/m"),
         "all charges together, correlations included",
         pill(conductivity_verdict(results))),
        ("experiment", measured(f"{base}/experiment_S_per_m", found.experiment_S_per_m, "S/m"),
         join([cite(GILLIAM), ", aqueous KOH, 0–12 mol/L"]), "–"),
    ]  # fmt: skip
    cation = names.species(f"{results.input.cation}+")
    for key, title, estimate, what in (
        ("haven_ratio", "Haven ratio", found.haven_ratio,
         "Nernst–Einstein / Einstein, corrected for the bias of a quotient; 1 for ions that move "
         "independently"),
        ("transference_cation", f"share of {cation}", found.transference_cation,
         "of the current, correlations included, relative to the centre of mass"),
        ("transference_cation_apparent", f"share of {cation}, apparent",
         found.transference_cation_apparent,
         "from the diffusion coefficients of the ions"),
    ):  # fmt: skip
        if estimate is not None:
            verdict = judge_nernst_einstein(results, key, estimate)
            if key == "haven_ratio":
                verdict = worst([("", verdict), ("Einstein", conductivity_verdict(results))])
            elif key == "transference_cation":
                verdict = judge(results, f"{base}.{key}", estimate)
            rows.append((title, number(f"{base}/{key}", estimate), what, pill(verdict)))
    return [
        tag(
            "p",
            "The Einstein value follows from the displacement of all cations minus that of all "
            "OH⁻ along their hops, exact for a liquid that is an electronic insulator (",
            cite(GRASSELLI),
            "). It converges more slowly than the diffusion coefficients.",
        ),
        pictures(drawn["conductivity"]),
        table(("", "conductivity", "what it is", "verdict"), rows),
    ]


DIFFUSION = Section("diffusion", "Diffusion", _diffusion, _diffusion_plots, _diffusion_cards)
CONDUCTIVITY = Section(
    "conductivity", "Conductivity", _conductivity, _conductivity_plots, _conductivity_cards
)
