"""Results as a short table for the terminal."""

from __future__ import annotations

from pykoh.analysis.common.estimate_views import terminal
from pykoh.analysis.results import AnalysisResults


def summary(results: AnalysisResults) -> str:
    """Return the main numbers with their standard errors, and the warnings."""
    lines = [
        *_input(results),
        *_diffusion(results),
        *_hops(results),
        *_bonds(results),
        *_structure(results),
        *_conductivity(results),
    ]
    for each in results.custom:
        lines += ["", each.shown.title]
        lines += [
            f"  {row.name}: {terminal(row.estimate)} {row.unit}".rstrip() for row in each.shown.rows
        ]
    if results.warnings:
        lines += ["", "Warnings"]
        by_reason: dict[str, list[str]] = {}
        for warning in results.warnings:
            by_reason.setdefault(warning.reason, []).append(warning.quantity)
        lines += [f"  {', '.join(names)}: {reason}" for reason, names in by_reason.items()]
    return "\n".join(lines)


def _input(results: AnalysisResults) -> list[str]:
    given = results.input
    interval = "" if given.frame_interval_ps is None else f" of {given.frame_interval_ps:g} ps"
    kelvin = terminal(given.temperature)
    if given.temperature is not None and not given.temperature.stderr:
        kelvin = f"{given.temperature.value:g}"  # as the user gave it
    lines = [] if not given.drifts else [f"NOT IN EQUILIBRIUM: {not_in_equilibrium(results)}", ""]
    return [
        *lines,
        f"{given.n_koh} {given.cation}OH + {given.n_h2o} H2O, "
        f"{given.molarity_mol_per_L:.3g} mol/L, {kelvin} K; "
        f"{given.n_frames} frames{interval}, {given.duration_ps:.4g} ps",
    ]


def _diffusion(results: AnalysisResults) -> list[str]:
    lines = ["", "Diffusion                    D (1e-9 m²/s)    infinite box      fit (ps)"]
    for entry in results.diffusion.species:
        window = "-" if entry.fit is None else f"{entry.fit.start_ps:.3g}-{entry.fit.end_ps:.3g}"
        in_box = terminal(entry.D_m2_per_s, 1e9)
        infinite = terminal(entry.D_infinite_m2_per_s, 1e9)
        lines.append(f"  {entry.species:<18}{in_box:>22}{infinite:>16}{window:>14}")
    return lines


def _hops(results: AnalysisResults) -> list[str]:
    hops = results.grotthuss
    lines = [
        "",
        f"Proton transfers of {hops.n_hydroxides} hydroxides: {hops.n_transfers} "
        f"({hops.n_rattles} rattles within {hops.rattle_window_ps:g} ps, {hops.n_hops} hops); "
        f"{terminal(hops.hop_rate_per_ps)} hops/ps each",
    ]
    if (turns := hops.directionality) is not None:
        returns = terminal(turns.return_probability)
        lines.append(f"  the next hop leads back: {returns} of {turns.n_pairs}")
    if hops.proton_transfer is not None and hops.proton_transfer.barrier_kT is not None:
        lines.append(f"  barrier of the transfer: {terminal(hops.proton_transfer.barrier_kT)} kT")
    return lines


def _bonds(results: AnalysisResults) -> list[str]:
    lines = [
        "",
        "Hydrogen bonds          per donor        per acceptor     donors bonded     lifetime (ps)",
    ]
    for bond in results.hydrogen_bonds.classes:
        lines.append(
            f"  {bond.name:<12}{terminal(bond.mean_per_donor):>19}"
            f"{terminal(bond.mean_per_acceptor):>20}"
            f"{terminal(bond.fraction_of_donors_bonded):>18}{terminal(bond.lifetime_ps):>18}"
        )
    return lines


def _structure(results: AnalysisResults) -> list[str]:
    lines = ["", "Structure           first peak (Å)   first minimum (Å)   coordination"]
    for rdf in results.structure.rdfs:
        peak, minimum = terminal(rdf.first_peak_A), terminal(rdf.first_minimum_A)
        number = terminal(rdf.coordination_number)
        lines.append(f"  {rdf.pair:<16}{peak:>16}{minimum:>20}{number:>18}")
    if (ions := results.structure.contacts) is not None:
        lines.append(
            f"  within {ions.cutoff_A:g} Å: OH- without a cation "
            f"{terminal(ions.free_hydroxide_fraction)}, "
            f"cations that bridge OH- {terminal(ions.bridging_fraction)}"
        )
    if (pairs := results.structure.hydroxide_pairs) is not None:
        lines.append(
            f"  OH- with another within {pairs.cutoff_A:g} Å: "
            f"{terminal(pairs.fraction_paired)}; a pair lasts {terminal(pairs.lifetime_ps)} ps"
        )
    if (pairing := results.structure.ion_pairing) is not None:
        lines.append(
            f"  {results.input.cation}+ with OH- within {pairing.cutoff_A:.2f} Å: "
            f"{terminal(pairing.fraction_of_cations_paired)}"
        )
    return lines


def _conductivity(results: AnalysisResults) -> list[str]:
    """Return the lines of conductivity and viscosity."""
    kappa = results.conductivity
    measured = "-" if kappa.experiment_S_per_m is None else f"{kappa.experiment_S_per_m:.4g}"
    lines = [
        "",
        f"Conductivity (S/m): Nernst-Einstein {terminal(kappa.nernst_einstein_S_per_m)}, "
        f"Einstein {terminal(kappa.einstein_S_per_m)}, experiment {measured}",
    ]
    if kappa.haven_ratio is not None:
        lines.append(
            f"  Haven ratio {terminal(kappa.haven_ratio)}; share of the current carried by "
            f"{results.input.cation}+ {terminal(kappa.transference_cation)}"
        )
    eta = results.diffusion.viscosity
    if eta is not None and eta.viscosity_mPa_s is not None:
        lines.append(
            f"Viscosity (mPa·s): {terminal(eta.viscosity_mPa_s)} from "
            f"{eta.duration_ps:.4g} ps of the pressure tensor"
        )
    return lines


def not_in_equilibrium(results: AnalysisResults) -> str:
    """Return the sentence on top of everything for a run that drifts at first; else empty."""
    return next(iter(results.reasons("input.equilibration")), "")
