"""Structure in ``results.json``, CSVs and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.estimate_views import interval_of, keys, terminal
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Json, Output, Table
from pykoh.analysis.common.survival_views import survival_json, survival_table
from pykoh.analysis.common.text_table import text_table

if TYPE_CHECKING:
    from pykoh.analysis.structure.values import HydroxidePairs, IonContacts, Structure


def structure_output(structure: Structure, given: InputSummary) -> Output:
    """Return what is written and printed of structure."""
    tables = list(_tables(structure))
    if (pairs := structure.hydroxide_pairs) is not None:
        tables.append(survival_table("pairs of OH-", pairs.survival))
    return Output(json=_json(structure), tables=tables, lines=_lines(structure, given))


def _lines(structure: Structure, given: InputSummary) -> list[str]:
    rows = [
        (
            rdf.pair,
            terminal(rdf.first_peak_A),
            terminal(rdf.first_minimum_A),
            terminal(rdf.coordination_number),
        )
        for rdf in structure.rdfs
    ]
    header = ("Structure", "first peak (Å)", "first minimum (Å)", "coordination")
    lines = ["", *text_table(header, rows, (18, 16, 20, 18))]
    if (ions := structure.contacts) is not None:
        lines.append(
            f"  within {ions.cutoff_A:g} Å: OH- without a cation "
            f"{terminal(ions.free_hydroxide_fraction)}, "
            f"cations that bridge OH- {terminal(ions.bridging_fraction)}"
        )
        lines.append(
            f"  within {ions.cutoff_A:g} Å of {given.cation}+: "
            f"{terminal(ions.mean_water_per_cation)} H2O, "
            f"{terminal(ions.mean_hydroxides_per_cation)} OH-"
        )
    if (pairs := structure.hydroxide_pairs) is not None:
        lines.append(
            f"  OH- with another within {pairs.cutoff_A:g} Å: "
            f"{terminal(pairs.fraction_paired)}; mean duration of a pair "
            f"{terminal(pairs.lifetime_ps)} ps"
        )
    if (pairing := structure.ion_pairing) is not None:
        lines.append(
            f"  {given.cation}+ with OH- within {pairing.cutoff_A:.2f} Å: "
            f"{terminal(pairing.fraction_of_cations_paired)}"
        )
    return lines


def _json(structure: Structure) -> Json:
    pairing = structure.ion_pairing
    return {
        "n_frames": structure.n_frames,
        "sample_interval_ps": structure.sample_interval_ps,
        "rdf_files": {entry.pair: entry.file for entry in structure.rdfs},
        "coordination": {
            entry.pair: {
                **keys(entry.first_peak_A, "first_peak_A", "first_peak_stderr_A"),
                **keys(entry.first_peak_g, "first_peak_g", "first_peak_g_stderr"),
                **keys(entry.first_minimum_A, "first_minimum_A", "first_minimum_stderr_A"),
                **keys(entry.coordination_number, "coordination_number", "stderr"),
            }
            for entry in structure.rdfs
        },
        "ion_pairing": None
        if pairing is None
        else {
            "cutoff_A": pairing.cutoff_A,
            **keys(
                pairing.fraction_of_cations_paired,
                "fraction_of_cations_paired",
                "stderr",
                "interval_95",
            ),
            **keys(
                pairing.mean_hydroxides_per_cation,
                "mean_hydroxides_per_cation",
                "mean_hydroxides_per_cation_stderr",
            ),
        },
        "ion_contacts": _contacts(structure.contacts),
        "hydroxide_pairs": _pairs(structure.hydroxide_pairs),
    }


def _pairs(found: HydroxidePairs | None) -> Json:
    if found is None:
        return None
    return {
        "cutoff_A": found.cutoff_A,
        **keys(found.mean_partners, "mean_partners", "mean_partners_stderr"),
        **_share(found.fraction_paired, "fraction_paired", "fraction_paired"),
        "lifetime_interval_95_ps": interval_of(found.lifetime_ps),
        **keys(found.lifetime_ps, "lifetime_ps", "lifetime_stderr_ps"),
        "n_separations": found.n_separations,
        "survival": survival_json(found.survival),
    }


def _share(found: Estimate | None, value: str, name: str) -> dict[str, Json]:
    """Return a share with the keys of its error and interval."""
    return keys(found, value, f"{name}_stderr", f"{name}_interval_95")


def _contacts(found: IonContacts | None) -> Json:
    if found is None:
        return None
    return {
        "cutoff_A": found.cutoff_A,
        "cations_per_hydroxide": found.cations_per_hydroxide,
        "hydroxides_per_cation": found.hydroxides_per_cation,
        **_share(found.bridging_fraction, "bridging_cation_fraction", "bridging_cation"),
        **_share(found.free_hydroxide_fraction, "free_hydroxide_fraction", "free_hydroxide"),
        **_share(
            found.bonded_pairs_bridged,
            "hydroxide_bonds_bridged_fraction",
            "hydroxide_bonds_bridged",
        ),
        "ions_by_cluster_size": found.cluster_sizes,
        **_share(found.clustered_fraction, "clustered_fraction", "clustered"),
        **keys(
            found.mean_hydroxides_per_cation,
            "mean_hydroxides_per_cation",
            "mean_hydroxides_per_cation_stderr",
        ),
        **keys(
            found.mean_water_per_cation, "mean_water_per_cation", "mean_water_per_cation_stderr"
        ),
    }


def _tables(structure: Structure) -> Iterator[Table]:
    for entry in structure.rdfs:
        yield Table(
            entry.file,
            f"g(r) of {entry.pair} and mean number of neighbours within r + half a bin; r: Å",
            ("r_A", "g", "g_stderr", "coordination"),
            zip(entry.r_A, entry.g, entry.g_stderr, entry.coordination, strict=True),
        )
