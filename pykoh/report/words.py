"""The parts of the page that are words: definitions, methods to paste, references, provenance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pykoh.analysis.common.estimate import How
from pykoh.analysis.hops.windows import lasting_window_ps
from pykoh.analysis.results import AnalysisResults, InputSummary
from pykoh.provenance import versions
from pykoh.report import references
from pykoh.report.html import Markup, cite, join, table, tag
from pykoh.report.values import count, duration, quantity, setting, significant


def trajectory_length(source: InputSummary) -> str:
    """Return how long the trajectory is and how often it was written."""
    if source.frame_interval_ps is None or source.n_frames == 1:
        return "a single frame"
    return (
        f"{duration(source.duration_ps)} in {count(source.n_frames)} frames, one every "
        f"{duration(source.frame_interval_ps)}"
    )


def what_was_simulated(results: AnalysisResults) -> str:
    """Return one sentence with composition, temperature, box and length of the trajectory."""
    source = results.input
    temperature = (
        "unknown temperature"
        if source.temperature_K is None
        else f"{significant(source.temperature_K, 5)} K"
    )
    return (
        f"{count(source.n_koh)} {source.cation}OH and {count(source.n_h2o)} H₂O "
        f"({count(source.n_atoms)} atoms) in {significant(source.volume_A3, 4)} Å³ at "
        f"{temperature}: {trajectory_length(source)}."
    )


def definitions(results: AnalysisResults) -> Markup:
    """Return what was counted as what, with the source of each definition."""
    window = setting(results.grotthuss.rattle_window_ps)
    lasting = setting(lasting_window_ps(results.grotthuss.rattle_window_ps))
    bonds = results.hydrogen_bonds
    terms: list[tuple[str, object]] = [
        ("Hydroxide ion", "Each H belongs to its nearest O; an O with exactly one H is the O* of "
         "a hydroxide ion, an O with two is water's Ow. The ion keeps its identity when a proton "
         "arrives: it moves on to the oxygen that the proton left."),
        ("Transfer, rattle, hop", "A transfer is any change of the oxygen that carries an ion. If "
         f"the next transfer leads back to the oxygen that the ion left, within {window} ps, both "
         "are a rattle. What is left are hops."),
        ("Direction of hops", "Of two net hops of one ion in a row, the second leads back if it "
         "ends on the oxygen that the first left."),
        ("Hydrogen bond", join([f"D–H···A with {bonds.criterion_words}, ",
         tag("a", bonds.criterion_source, href=f"https://doi.org/{bonds.criterion_doi}",
             class_="cite"),
         ". The mean duration of a bond is the time during which bonds were observed, divided by "
         "the number of them that broke: each bond counts once. The intermittent lifetime is the "
         "time after which 1/e of the bonds are there, whether or not they broke in between, ",
         cite(references.LUZAR), "."])),
        ("Survival", join(["Intermittent C(t): held at 0 and at t. Continuous S(t): held from 0 "
         "to t without a break, from the lengths of all spells, those that the end of the run "
         "cuts off included, ", cite(references.KAPLAN), ". ∫ S dt is the mean time from a random "
         "moment to the end (continuous_ps in results.json). A random moment is more often in a "
         "long spell than in a short one, so long spells count more here. It may be many times "
         "the mean duration, in which each spell counts once."])),
        ("Solvation around a hop", join(["Hydrogen bonds of the ion, and of the oxygen that it "
         "comes to, averaged over net hops at times relative to the hop, ",
         cite(references.TUCKERMAN), "."])),
        ("Free energy of the transfer", join(["−ln P(δ), δ = r(H–O*) − r(H–Ow) of the proton with "
         "the smallest δ among those of water within 3.6 Å of each ion, ",
         cite(references.MARX), "."])),
        ("Diffusion coefficient", join(["One sixth of the slope of the mean-square displacement "
         "in the fit window, drift of the centre of mass removed. For OH⁻, the path of the ion "
         "across its hops. Displacements are averaged over all time origins, by fast Fourier "
         "transform, ", cite(references.KNELLER), ", or where memory does not allow that over "
         "origins a fifth of the lag apart or closer. The fit is by generalised least "
         "squares, since the points of the curve share most of their data, ",
         cite(references.MCCLUSKEY), "."])),
        ("Size correction", join(["D∞ = D + ξ k T / (6 π η L), ξ = 2.837297, ",
         cite(references.YEH), "; only with a viscosity."])),
        ("Viscosity", join(["Spectrum at frequency 0 of the five independent components of the "
         "pressure tensor, ", cite(references.DAIVIS), ", fitted below the frequency where "
         "it falls to half; not given where the record is too short for that."])),
        ("Conductivity", join(["Nernst–Einstein: e²/(V k T) · Σ N z² D over the ions. Einstein: "
         "the slope of the mean-square displacement of Σ r(cations) − Σ r(OH⁻, along its hops), "
         "divided by 6 V k T, ", cite(references.GRASSELLI), ". Experiment: ",
         cite(references.GILLIAM), "."])),
        ("First peak", "Maximum of a parabola through the logarithm of g(r) in the upper part of "
         "the peak, between the bins of 0.05 Å; the height is that of the same parabola."),
        ("Coordination number", "Mean number of neighbours up to the first minimum of g(r) after "
         "its first peak, if g(r) rises by four standard errors on both sides of it."),
        ("Pair of hydroxide ions", "Two O* within the distance of a hydrogen bond, at any angle; "
         "the ions are followed through their hops."),
        ("±, 95 % and <", join(["± is one standard error, an estimate that allows for correlation "
         "in time. A share whose ± would leave the range of 0 to 1 gets an interval of 95 % "
         "instead (Wilson, ", cite(references.WILSON), ", with the number of independent "
         "observations that the standard error implies). What was never seen is given as its upper "
         "limit, 95 %: "
         "1 − 0.05^(1/n) for n independent observations."])),
        ("Verdicts", "“Converged” means: no warning; the run begins in equilibrium; a standard "
         "error of at most 10 %; for a slope also a log–log slope of 1.0 ± 0.1 that is known to "
         "0.1, a run of three windows or more as long as the longest lag of the fit, and 30 of "
         "these windows in all particles; for a share of bonds a run of 20 lifetimes. A sum gets "
         "the verdict of its worst large part (a quarter or more). “Too short”: there are fewer "
         "windows or lifetimes, or the slope is not that of diffusion, or the standard error is "
         "above 25 %. "
         "No verdict can tell whether the potential is right."),
        ("Equilibrium", "The first quarter of the run against its second half: temperature, "
         "potential energy, hydrogen bonds between water molecules, neighbours within 3.5 Å of O "
         "and of the cations. Differences above four standard errors are shown at the top of the "
         "page."),
        ("Parts of the motion of OH⁻", "Structural: hops that the ion does not take back within "
         f"{lasting} ps. Vehicular: its motion with an oxygen in between. A short visit to "
         "another oxygen is no part of either."),
        ("Second route to D of OH⁻", join(["D of the vehicular part + k l²/6 · (1 + c)/(1 − c), "
         f"with the rate k of hops that are not taken back within {lasting} ps, their mean "
         "square length l² and the mean cosine c between one and the next, ",
         cite(references.COMPAAN), "."])),
    ]  # fmt: skip
    items: list[Markup] = []
    for term, meaning in terms:
        items += [tag("dt", term), tag("dd", meaning)]
    return tag("dl", *items, class_="terms")


def methods_text(results: AnalysisResults, version: str) -> str:
    """Return the methods paragraph, plain text, with what this run really used."""
    source, hops, bonds = results.input, results.grotthuss, results.hydrogen_bonds
    temperature = (
        "" if source.temperature_K is None else f" at {significant(source.temperature_K, 5)} K"
    )
    sentences = [
        f"Trajectories of {source.n_koh} {source.cation}OH and {source.n_h2o} H₂O "
        f"({significant(source.molarity_mol_per_L)} mol/L) in a periodic box of "
        f"{significant(source.volume_A3, 4)} Å³{temperature} ({trajectory_length(source)}) "
        f"were analysed with pykoh {version}.",
        "Each hydrogen was assigned to its nearest oxygen; an oxygen with one hydrogen was taken "
        "as a hydroxide ion, whose identity was followed across proton transfers [marx2010].",
    ]
    if hops.hop_rate_per_ps is not None:
        sentences.append(
            "A transfer and the next one were counted as a rattle if the next one led back within "
            f"{setting(hops.rattle_window_ps)} ps; all others were counted as hops."
        )
    sentences += _diffusion_sentences(results)
    if any(entry.mean_per_donor is not None for entry in bonds.classes):
        sentences.append(
            f"Hydrogen bonds D–H···A were defined by {bonds.criterion_words} "
            f"(doi:{bonds.criterion_doi}); their intermittent and continuous survival functions "
            "account for spells cut off by the end of the run [luzar1996] [kaplan1958]."
        )
    found = results.conductivity
    if found.einstein_S_per_m is not None:
        sentences.append(
            "The conductivity was computed from the mean-square displacement of the cations minus "
            "that of the hydroxide ions along their hops [grasselli2019]."
        )
    if found.nernst_einstein_S_per_m is not None:
        sentences.append(
            "The conductivity of independent ions follows from the Nernst–Einstein relation."
        )
    if found.experiment_S_per_m is not None:
        sentences.append("The measured conductivity is that of [gilliam2007].")
    sentences.append("Uncertainties are one standard error.")
    return " ".join(sentences)


def _diffusion_sentences(results: AnalysisResults) -> list[str]:
    """Return how D was obtained and corrected, or nothing if there is none."""
    found = results.diffusion
    if all(entry.D_m2_per_s is None for entry in found.species):
        return []
    oh = found.of("OH-")
    window = ""
    if oh is not None and oh.fit is not None:
        window = f" (for OH⁻ between {setting(oh.fit.start_ps)} and {setting(oh.fit.end_ps)} ps)"
    first = (
        "Diffusion coefficients were obtained from straight-line fits by generalised least "
        f"squares to the mean-square displacements{window} [mccluskey2025], after removal of the "
        "drift of the centre of mass."
    )
    if found.yeh_hummer_m2_per_s is None or found.viscosity_mPa_s is None:
        return [first, "No correction for the finite size of the box was applied."]
    eta = found.viscosity_mPa_s
    if eta.how is not How.GIVEN:
        source = (
            f"({quantity(eta)}) mPa s, from the spectrum of the pressure tensor at frequency 0, "
            "which is the Green–Kubo integral [daivis1994]"
        )
    else:
        source = f"{setting(eta.value)} mPa s"
    return [
        first,
        f"They were corrected to infinite size [yeh2004] with a viscosity of {source}.",
    ]


def methods(results: AnalysisResults, version: str) -> list[Markup]:
    """Return the methods paragraph in a box to copy from."""
    return [
        tag("p", "To paste into a paper; keys in brackets are those of the BibTeX list."),
        tag("p", methods_text(results, version), class_="paste"),
    ]


def bibliography() -> list[Markup]:
    """Return the papers as links and as BibTeX."""
    items = [tag("li", cite(ref), f": {ref.used_for}") for ref in references.ALL]
    bibtex = "\n\n".join(ref.bibtex() for ref in references.ALL)
    return [tag("ul", *items), tag("pre", bibtex, id="bibtex")]


_TEMPERATURE_FROM = {
    "option": "as given",
    "velocities": "from the velocities",
    "record": "from NAME.pressure.txt",
}


def _run_record(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` of the folder says, or nothing."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def files(results: AnalysisResults, folder: Path, plot_files: Sequence[Path]) -> list[Markup]:
    """Return which trajectory went in, what lies beside the page, and which versions made it."""
    source = results.input
    record = _run_record(folder)
    rows: list[tuple[object, ...]] = [
        ("trajectory", join([tag("code", name) for name in source.files], ", ")),
        ("frames", f"{trajectory_length(source)}, from {duration(source.start_ps)} on"),
        ("box", f"{significant(source.volume_A3, 5)} Å³ (mean)"),
        ("temperature", "unknown" if source.temperature_K is None else
         f"{significant(source.temperature_K, 5)} K, "
         f"{_TEMPERATURE_FROM.get(source.temperature_source, source.temperature_source)}"),
    ]  # fmt: skip
    command = record.get("command")
    if isinstance(command, list) and command:
        words = [Path(str(command[0])).name, *(str(word) for word in command[1:])]
        rows.append(("command", tag("code", " ".join(words))))
    if record.get("started"):
        rows.append(("started", str(record["started"])))
    found = ", ".join(f"{name} {version}" for name, version in versions().items())
    rows.append(("versions", found))
    listed = sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix in (".json", ".csv") and not path.name.startswith(".")
    )
    links = [tag("a", name, href=name) for name in listed]
    links += [tag("a", f"plots/{path.name}", href=f"plots/{path.name}") for path in plot_files]
    return [
        table(("", ""), rows),
        tag("p", "In the folder of this page: ", join(links, ", ")) if links else Markup(""),
    ]
