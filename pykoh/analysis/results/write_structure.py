"""Hydrogen bonds and structure in ``results.json`` and in CSVs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pykoh.analysis.common.estimate_views import interval_of, keys, limit_of, stderr_of, value_of
from pykoh.analysis.results import (
    HYDROGEN_BOND_CLASSES,
    Estimate,
    HydrogenBondClass,
    HydrogenBonds,
    HydroxidePairs,
    IonContacts,
    Structure,
)
from pykoh.analysis.results.tables import Json, write_csv
from pykoh.analysis.results.write_hops import survival_json


def hydrogen_bonds_json(bonds: HydrogenBonds) -> Json:
    """Return the part ``hydrogen_bonds`` of ``results.json``."""
    return {
        entry.name: {
            **{name: value_of(found) for name, found in _numbers(entry).items()},
            "stderr": {name: stderr_of(found) for name, found in _numbers(entry).items()},
            "fraction_of_donors_bonded_interval_95": interval_of(entry.fraction_of_donors_bonded),
            "lifetime_interval_95_ps": interval_of(entry.lifetime_ps),
            "survival": survival_json(entry.survival),
            "upper_limit_95": limit_of(entry.fraction_of_donors_bonded),
            "mean_per_acceptor_upper_limit_95": limit_of(entry.mean_per_acceptor),
            "n_breakings": entry.n_breakings,
            "donor_distribution": entry.donor_distribution,
            "acceptor_distribution": entry.acceptor_distribution,
        }
        for entry in bonds.classes
    }


def _numbers(entry: HydrogenBondClass) -> dict[str, Estimate | None]:
    """Return the numbers of a class, by their keys."""
    return {
        "mean_per_donor": entry.mean_per_donor,
        "mean_per_acceptor": entry.mean_per_acceptor,
        "fraction_of_donors_bonded": entry.fraction_of_donors_bonded,
        "lifetime_ps": entry.lifetime_ps,
    }


def structure_json(structure: Structure) -> Json:
    """Return the part ``structure`` of ``results.json``."""
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
    }


def write_hydrogen_bonds(bonds: HydrogenBonds, folder: Path) -> None:
    """Write the CSVs of hydrogen bonds into an existing folder."""
    rows: list[tuple[Any, ...]] = []
    for entry in bonds.classes:
        for side, shares in (
            ("donor", entry.donor_distribution),
            ("acceptor", entry.acceptor_distribution),
        ):
            limit = limit_of(entry.fraction_of_donors_bonded) if side == "donor" else None
            rows += [
                (entry.name, side, count, share, None if count == 0 else limit)
                for count, share in enumerate([*shares, 0.0] if limit is not None else shares)
            ]
    write_csv(
        folder / "hydrogen_bonds.csv",
        "share of donor (acceptor) molecules with n_bonds bonds of a class donor_acceptor, and "
        "its upper limit (95 %) where no such bond was seen; "
        f"r(DA) < {bonds.max_distance_A:g} Å, angle H-D-A < {bonds.max_angle_deg:g} degrees",
        ("class", "side", "n_bonds", "fraction", "upper_limit_95"),
        rows,
    )
    if bonds.angle_map is not None:
        grid = bonds.angle_map
        r, angle = grid.r_A, grid.angle_deg
        write_csv(
            folder / "hydrogen_bond_map.csv",
            "pairs of an H of a donor and an acceptor by r(DA) and angle H-D-A, per frame, Å and "
            "degree; bin centres, Å and degrees",
            ("class", "r_A", "angle_deg", "density"),
            [
                (name, 0.5 * (r[i] + r[i + 1]), 0.5 * (angle[j] + angle[j + 1]), value)
                for k, name in enumerate(HYDROGEN_BOND_CLASSES)
                for i, row in enumerate(grid.density[k])
                for j, value in enumerate(row)
                if value > 0
            ],
        )


def write_rdfs(structure: Structure, folder: Path) -> None:
    """Write one CSV for each g(r) into an existing folder."""
    for entry in structure.rdfs:
        write_csv(
            folder / entry.file,
            f"g(r) of {entry.pair} and mean number of neighbours within r + half a bin; r: Å",
            ("r_A", "g", "g_stderr", "coordination"),
            zip(entry.r_A, entry.g, entry.g_stderr, entry.coordination, strict=True),
        )
