"""Results as a short table for the terminal."""

from __future__ import annotations

import math

from pykoh.analysis.common.confidence import Interval, hop_rate, share, share_of_events
from pykoh.analysis.common.shares import share_text
from pykoh.analysis.results import AnalysisResults, HydrogenBondClass


def with_error(value: float | None, stderr: float | None, scale: float = 1.0) -> str:
    """Return ``value ± stderr``, rounded to two digits of the error; ``-`` if there is no value.

    A value whose error is not known is marked.

    >>> with_error(1.2345, 0.0678)
    '1.234 ± 0.068'
    >>> with_error(1.2345, None)
    '1.234 ± ?'
    """
    if value is None or not math.isfinite(value):
        return "-"
    value *= scale
    if stderr is None or not math.isfinite(stderr):
        return f"{value:.4g} ± ?"
    if stderr <= 0:
        return f"{value:.4g}"
    stderr *= scale
    decimals = max(0, 1 - math.floor(math.log10(stderr)))
    if decimals > 8 or stderr >= 1e5:
        return f"{value:.4g} ± {stderr:.2g}"
    return f"{value:.{decimals}f} ± {stderr:.{decimals}f}"


def share_with_error(
    value: float | None,
    stderr: float | None,
    limit: float | None = None,
    interval: Interval | None = None,
) -> str:
    """Return a share for the terminal (:func:`pykoh.analysis.common.shares.share_text`)."""
    return share_text(value, stderr, with_error, limit=limit, interval=interval)


def _bond_line(bond: HydrogenBondClass) -> str:
    """Return the row of one class; a mean number of bonds that were never seen gets its limit."""
    means = [
        share_with_error(value, stderr, _limit(value, stderr, known))
        if value == 0.0
        else with_error(value, stderr)
        for value, stderr, known in (
            (bond.mean_per_donor, bond.mean_per_donor_stderr, bond.upper_limit),
            (bond.mean_per_acceptor, bond.mean_per_acceptor_stderr, None),
        )
    ]
    bonded = share_with_error(
        bond.fraction_of_donors_bonded, bond.fraction_of_donors_bonded_stderr, bond.upper_limit
    )
    return (
        f"  {bond.name:<12}{means[0]:>19}{means[1]:>20}{bonded:>18}"
        f"{with_error(bond.lifetime_ps, bond.lifetime_stderr_ps):>18}"
    )


def _limit(value: float | None, stderr: float | None, known: float | None) -> float | None:
    interval = share(value, stderr)
    return known if known is not None or interval is None else interval[1]


def summary(results: AnalysisResults) -> str:
    """Return the main numbers with their standard errors, and the warnings."""
    given = results.input
    interval = "" if given.frame_interval_ps is None else f" of {given.frame_interval_ps:g} ps"
    kelvin = (
        f"{given.temperature_K:g}"  # as the user gave it
        if given.temperature_K is not None and not given.temperature_stderr_K
        else with_error(given.temperature_K, given.temperature_stderr_K)
    )
    lines = [] if not given.drifts else [f"NOT IN EQUILIBRIUM: {not_in_equilibrium(results)}", ""]
    lines += [
        f"{given.n_koh} {given.cation}OH + {given.n_h2o} H2O, "
        f"{given.molarity_mol_per_L:.3g} mol/L, {kelvin} K; "
        f"{given.n_frames} frames{interval}, {given.duration_ps:.4g} ps",
        "",
        "Diffusion                    D (1e-9 m²/s)    infinite box      fit (ps)",
    ]
    for entry in results.diffusion.species:
        window = "-" if entry.fit is None else f"{entry.fit.start_ps:.3g}-{entry.fit.end_ps:.3g}"
        here = with_error(entry.D_m2_per_s, entry.stderr_m2_per_s, 1e9)
        infinite = with_error(entry.D_infinite_m2_per_s, entry.D_infinite_stderr_m2_per_s, 1e9)
        lines.append(f"  {entry.species:<18}{here:>22}{infinite:>16}{window:>14}")
    hops = results.grotthuss
    rate = with_error(hops.hop_rate_per_ps, hops.hop_rate_stderr_per_ps)
    limit = hop_rate(hops.hop_rate_per_ps, hops.hop_rate_stderr_per_ps)
    if hops.hop_rate_per_ps == 0.0 and limit is not None:
        rate = f"< {limit[1]:.2g} (95 %)"
    lines += [
        "",
        f"Proton transfers of {hops.n_hydroxides} hydroxides: {hops.n_transfers} "
        f"({hops.n_rattles} rattles within {hops.rattle_window_ps:g} ps, {hops.n_hops} hops); "
        f"{rate} hops/ps each",
        *_around_hops(results),
        "",
        "Hydrogen bonds          per donor        per acceptor     donors bonded     lifetime (ps)",
    ]
    lines += [_bond_line(bond) for bond in results.hydrogen_bonds.classes]
    lines += ["", "Structure           first peak (Å)   first minimum (Å)   coordination"]
    for rdf in results.structure.rdfs:
        peak = with_error(rdf.first_peak_A, rdf.first_peak_stderr_A)
        minimum = with_error(rdf.first_minimum_A, rdf.first_minimum_stderr_A)
        number = with_error(rdf.coordination_number, rdf.coordination_number_stderr)
        lines.append(f"  {rdf.pair:<16}{peak:>16}{minimum:>20}{number:>18}")
    pairing = results.structure.ion_pairing
    if (ions := results.structure.contacts) is not None:
        lines.append(
            f"  within {ions.cutoff_A:g} Å: OH- without a cation "
            f"{share_with_error(ions.free_hydroxide_fraction, ions.free_hydroxide_stderr)}, "
            "cations that bridge OH- "
            f"{share_with_error(ions.bridging_fraction, ions.bridging_stderr)}"
        )
    if (pairs := results.structure.hydroxide_pairs) is not None:
        lines.append(
            f"  OH- with another within {pairs.cutoff_A:g} Å: "
            f"{share_with_error(pairs.fraction_paired, pairs.fraction_paired_stderr)}; "
            f"a pair lasts {with_error(pairs.lifetime_ps, pairs.lifetime_stderr_ps)} ps"
        )
    if pairing is not None:
        lines.append(
            f"  {given.cation}+ with OH- within {pairing.cutoff_A:.2f} Å: "
            f"{share_with_error(pairing.fraction_of_cations_paired, pairing.stderr)}"
        )
    kappa = results.conductivity
    independent = with_error(kappa.nernst_einstein_S_per_m, kappa.nernst_einstein_stderr_S_per_m)
    collective = with_error(kappa.einstein_S_per_m, kappa.einstein_stderr_S_per_m)
    lines += [
        "",
        f"Conductivity (S/m): Nernst-Einstein {independent}, Einstein {collective}, "
        f"experiment {with_error(kappa.experiment_S_per_m, 0.0)}",
    ]
    if kappa.haven_ratio is not None:
        carried = share_with_error(
            kappa.transference_cation,
            kappa.transference_cation_stderr,
            interval=kappa.transference_cation_interval_95,
        )
        lines.append(
            f"  Haven ratio {with_error(kappa.haven_ratio, kappa.haven_ratio_stderr)}; share of "
            f"the current carried by {given.cation}+ {carried}"
        )
    eta = results.diffusion.viscosity
    if eta is not None and eta.viscosity_mPa_s is not None:
        lines.append(
            f"Viscosity (mPa·s): {with_error(eta.viscosity_mPa_s, eta.stderr_mPa_s)} from "
            f"{eta.duration_ps:.4g} ps of the pressure tensor"
        )
    for each in results.custom:
        lines += ["", each.shown.title]
        lines += [
            f"  {row.name}: {with_error(row.value, row.stderr)} {row.unit}".rstrip()
            for row in each.shown.rows
        ]
    if results.warnings:
        lines += ["", "Warnings"]
        together: dict[str, list[str]] = {}
        for warning in results.warnings:
            together.setdefault(warning.reason, []).append(warning.quantity)
        lines += [f"  {', '.join(names)}: {reason}" for reason, names in together.items()]
    return "\n".join(lines)


def not_in_equilibrium(results: AnalysisResults) -> str:
    """Return the sentence on top of everything for a run that drifts at first; else empty."""
    return next(iter(results.reasons("input.equilibration")), "")


def _around_hops(results: AnalysisResults) -> list[str]:
    hops = results.grotthuss
    lines = []
    if (turns := hops.directionality) is not None:
        returns, error = turns.return_probability, turns.return_probability_stderr
        back = share_with_error(returns, error, interval=share_of_events(returns, error))
        lines.append(f"  the next hop leads back: {back} of {turns.n_pairs}")
    if hops.transfer is not None and hops.transfer.barrier_kT is not None:
        barrier = with_error(hops.transfer.barrier_kT, hops.transfer.barrier_stderr_kT)
        lines.append(f"  barrier of the transfer: {barrier} kT")
    return lines
