"""``results.json`` and the CSVs of an analysis: the one place that turns results into files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pykoh.analysis.confidence import positive, share
from pykoh.analysis.results import (
    HYDROGEN_BOND_CLASSES,
    AnalysisResults,
    Conductivity,
    Diffusion,
    HydrogenBonds,
    HydroxidePairs,
    InputSummary,
    IonContacts,
    LineFit,
    Structure,
    Viscosity,
)
from pykoh.analysis.tables import Json, finite, write_csv
from pykoh.analysis.write_hops import (
    grotthuss_json,
    survival_json,
    survival_rows,
    write_hops,
)
from pykoh.files import write_text

RESULTS_JSON = "results.json"


def _input(summary: InputSummary) -> Json:
    return {
        "files": list(summary.files),
        "n_frames": summary.n_frames,
        "n_atoms": summary.n_atoms,
        "frame_interval_ps": summary.frame_interval_ps,
        "start_ps": summary.start_ps,
        "duration_ps": summary.duration_ps,
        "volume_A3": summary.volume_A3,
        "cell_A": summary.cell_A,
        "cation": summary.cation,
        "n_koh": summary.n_koh,
        "n_hydroxide": summary.n_hydroxide,
        "n_h2o": summary.n_h2o,
        "molarity_mol_per_L": summary.molarity_mol_per_L,
        "density_kg_per_m3": summary.density_kg_per_m3,
        "temperature_K": summary.temperature_K,
        "temperature_stderr_K": summary.temperature_stderr_K,
        "temperature_source": summary.temperature_source,
        "notes": list(summary.notes),
        "begins_in_equilibrium": None if summary.drifts is None else not summary.drifts,
        "drifts": None if summary.drifts is None else list(summary.drifts),
    }


def _fit(fit: LineFit | None) -> Json:
    if fit is None:
        return None
    return {
        "slope_A2_per_ps": fit.slope_A2_per_ps,
        "slope_stderr_A2_per_ps": fit.slope_stderr_A2_per_ps,
        "intercept_A2": fit.intercept_A2,
        "loglog_slope": fit.exponent,
        "loglog_slope_stderr": fit.exponent_stderr,
    }


def _window(fit: LineFit | None) -> Json:
    return None if fit is None else [fit.start_ps, fit.end_ps]


def _diffusion(diffusion: Diffusion) -> Json:
    return {
        entry.species: {
            "D_m2_per_s": entry.D_m2_per_s,
            "stderr_m2_per_s": entry.stderr_m2_per_s,
            "D_infinite_m2_per_s": entry.D_infinite_m2_per_s,
            "D_infinite_stderr_m2_per_s": entry.D_infinite_stderr_m2_per_s,
            "interval_95_m2_per_s": positive(entry.D_m2_per_s, entry.stderr_m2_per_s),
            "D_from_hops_m2_per_s": entry.from_hops_m2_per_s,
            "D_from_hops_stderr_m2_per_s": entry.from_hops_stderr_m2_per_s,
            "memory_ps": entry.memory_ps,
            "fit_window_ps": _window(entry.fit),
            "fit": _fit(entry.fit),
            "n_particles": entry.n_particles,
        }
        for entry in diffusion.species
    }


def _hydrogen_bonds(bonds: HydrogenBonds) -> Json:
    return {
        entry.name: {
            "mean_per_donor": entry.mean_per_donor,
            "mean_per_acceptor": entry.mean_per_acceptor,
            "fraction_of_donors_bonded": entry.fraction_of_donors_bonded,
            "lifetime_ps": entry.lifetime_ps,
            "stderr": {
                "mean_per_donor": entry.mean_per_donor_stderr,
                "mean_per_acceptor": entry.mean_per_acceptor_stderr,
                "fraction_of_donors_bonded": entry.fraction_of_donors_bonded_stderr,
                "lifetime_ps": entry.lifetime_stderr_ps,
            },
            "fraction_of_donors_bonded_interval_95": share(
                entry.fraction_of_donors_bonded, entry.fraction_of_donors_bonded_stderr
            )
            if entry.upper_limit is None
            else (0.0, entry.upper_limit),
            "lifetime_interval_95_ps": positive(entry.lifetime_ps, entry.lifetime_stderr_ps),
            "survival": survival_json(entry.survival),
            "upper_limit_95": entry.upper_limit,
            "n_breakings": entry.n_breakings,
            "donor_distribution": entry.donor_distribution,
            "acceptor_distribution": entry.acceptor_distribution,
        }
        for entry in bonds.classes
    }


def _structure(structure: Structure) -> Json:
    pairing = structure.ion_pairing
    return {
        "n_frames": structure.n_frames,
        "sample_interval_ps": structure.sample_interval_ps,
        "rdf_files": {entry.pair: entry.file for entry in structure.rdfs},
        "coordination": {
            entry.pair: {
                "first_peak_A": entry.first_peak_A,
                "first_peak_stderr_A": entry.first_peak_stderr_A,
                "first_peak_g": entry.first_peak_g,
                "first_peak_g_stderr": entry.first_peak_g_stderr,
                "first_minimum_A": entry.first_minimum_A,
                "first_minimum_stderr_A": entry.first_minimum_stderr_A,
                "coordination_number": entry.coordination_number,
                "stderr": entry.coordination_number_stderr,
            }
            for entry in structure.rdfs
        },
        "ion_pairing": None
        if pairing is None
        else {
            "cutoff_A": pairing.cutoff_A,
            "fraction_of_cations_paired": pairing.fraction_of_cations_paired,
            "stderr": pairing.stderr,
            "interval_95": share(pairing.fraction_of_cations_paired, pairing.stderr),
            "mean_hydroxides_per_cation": pairing.mean_hydroxides_per_cation,
            "mean_hydroxides_per_cation_stderr": pairing.mean_hydroxides_per_cation_stderr,
        },
        "ion_contacts": _contacts(structure.contacts),
        "hydroxide_pairs": _pairs(structure.hydroxide_pairs),
    }


def _pairs(found: HydroxidePairs | None) -> Json:
    if found is None:
        return None
    return {
        "cutoff_A": found.cutoff_A,
        "mean_partners": found.mean_partners,
        "mean_partners_stderr": found.mean_partners_stderr,
        "fraction_paired": found.fraction_paired,
        "fraction_paired_stderr": found.fraction_paired_stderr,
        "fraction_paired_interval_95": share(found.fraction_paired, found.fraction_paired_stderr),
        "lifetime_interval_95_ps": positive(found.lifetime_ps, found.lifetime_stderr_ps),
        "lifetime_ps": found.lifetime_ps,
        "lifetime_stderr_ps": found.lifetime_stderr_ps,
        "n_separations": found.n_separations,
        "survival": survival_json(found.survival),
    }


def _contacts(found: IonContacts | None) -> Json:
    if found is None:
        return None
    return {
        "cutoff_A": found.cutoff_A,
        "cations_per_hydroxide": found.cations_per_hydroxide,
        "hydroxides_per_cation": found.hydroxides_per_cation,
        "bridging_cation_fraction": found.bridging_fraction,
        "bridging_cation_stderr": found.bridging_stderr,
        "bridging_cation_interval_95": share(found.bridging_fraction, found.bridging_stderr),
        "free_hydroxide_fraction": found.free_hydroxide_fraction,
        "free_hydroxide_stderr": found.free_hydroxide_stderr,
        "free_hydroxide_interval_95": share(
            found.free_hydroxide_fraction, found.free_hydroxide_stderr
        ),
        "hydroxide_bonds_bridged_fraction": found.bonded_pairs_bridged,
        "hydroxide_bonds_bridged_stderr": found.bonded_pairs_bridged_stderr,
        "ions_by_cluster_size": found.cluster_sizes,
    }


def _viscosity(found: Viscosity | None) -> Json:
    if found is None:
        return None
    return {
        "viscosity_mPa_s": found.viscosity_mPa_s,
        "stderr_mPa_s": found.stderr_mPa_s,
        "interval_95_mPa_s": positive(found.viscosity_mPa_s, found.stderr_mPa_s),
        "cutoff_ps": found.cutoff_ps,
        "duration_ps": found.duration_ps,
        "interval_ps": found.interval_ps,
    }


def _conductivity(conductivity: Conductivity) -> Json:
    return {
        "nernst_einstein_S_per_m": conductivity.nernst_einstein_S_per_m,
        "einstein_S_per_m": conductivity.einstein_S_per_m,
        "stderr": {
            "nernst_einstein_S_per_m": conductivity.nernst_einstein_stderr_S_per_m,
            "einstein_S_per_m": conductivity.einstein_stderr_S_per_m,
        },
        "interval_95": {
            "nernst_einstein_S_per_m": positive(
                conductivity.nernst_einstein_S_per_m, conductivity.nernst_einstein_stderr_S_per_m
            ),
            "einstein_S_per_m": positive(
                conductivity.einstein_S_per_m, conductivity.einstein_stderr_S_per_m
            ),
            "haven_ratio": conductivity.haven_ratio_interval_95,
            "transference_cation": conductivity.transference_cation_interval_95,
        },
        "onsager_S_per_m": {
            entry.name: {
                "value": entry.value,
                "stderr": entry.stderr,
                "self": entry.own,
                "distinct": entry.distinct,
            }
            for entry in conductivity.onsager
        }
        or None,
        "experiment_S_per_m": conductivity.experiment_S_per_m,
        "einstein_fit_window_ps": _window(conductivity.fit),
        "haven_ratio": conductivity.haven_ratio,
        "haven_ratio_stderr": conductivity.haven_ratio_stderr,
        "transference_cation": conductivity.transference_cation,
        "transference_cation_stderr": conductivity.transference_cation_stderr,
        "transference_cation_apparent": conductivity.transference_cation_apparent,
        "transference_cation_apparent_stderr": conductivity.transference_cation_apparent_stderr,
    }


def as_json(results: AnalysisResults) -> dict[str, Json]:
    """Return ``results`` as the tree of ``results.json``: JSON values only, no NaN.

    A bare ``stderr`` is an object with the keys of the values beside it where it stands for
    several of them. Units are in the names of the keys.
    """
    bonds = results.hydrogen_bonds
    tree: dict[str, Json] = {
        "input": _input(results.input),
        "diffusion": _diffusion(results.diffusion),
        "grotthuss": grotthuss_json(results.grotthuss),
        "hydrogen_bonds": _hydrogen_bonds(bonds),
        "structure": _structure(results.structure),
        "conductivity": _conductivity(results.conductivity),
        "viscosity": _viscosity(results.diffusion.viscosity),
        "hydroxide_cross_term": {
            "D_m2_per_s": results.diffusion.cross_m2_per_s,
            "stderr_m2_per_s": results.diffusion.cross_stderr_m2_per_s,
        },
        "definitions": {
            "hydrogen_bond_criterion": bonds.criterion,
            "hydrogen_bond_criterion_text": bonds.criterion_words,
            "hydrogen_bond_criterion_doi": bonds.criterion_doi,
            "hydrogen_bond_max_distance_A": bonds.max_distance_A,
            "hydrogen_bond_max_angle_deg": bonds.max_angle_deg,
            "rattle_window_ps": results.grotthuss.rattle_window_ps,
            "viscosity_mPa_s": results.diffusion.viscosity_mPa_s,
            "yeh_hummer_correction_m2_per_s": results.diffusion.yeh_hummer_m2_per_s,
            "yeh_hummer_correction_stderr_m2_per_s": results.diffusion.yeh_hummer_stderr_m2_per_s,
        },
        "warnings": [
            {"quantity": warning.quantity, "reason": warning.reason} for warning in results.warnings
        ],
    }
    plain: dict[str, Json] = finite(tree)
    return plain


def _write_msd(results: AnalysisResults, folder: Path) -> None:
    rows: list[tuple[Any, ...]] = []
    for entry in results.diffusion.species:
        curve = entry.msd
        columns = (curve.lag_ps, curve.msd_A2, curve.stderr_A2, curve.n_independent)
        rows += [(entry.species, *values) for values in zip(*columns, strict=True)]
    write_csv(
        folder / "msd.csv",
        "mean-square displacement of each species, centre-of-mass drift removed; "
        "lag: ps, msd and stderr: Å², n_independent: non-overlapping windows x particles",
        ("species", "lag_ps", "msd_A2", "stderr_A2", "n_independent"),
        rows,
    )
    curve = results.conductivity.charge_displacement
    write_csv(
        folder / "charge_displacement.csv",
        "mean-square displacement of the sum over cations minus that over hydroxides, these "
        "along their paths through hops; lag: ps, msd: e²·Å²",
        ("lag_ps", "msd_e2_A2", "stderr_e2_A2", "n_independent"),
        zip(curve.lag_ps, curve.msd_A2, curve.stderr_A2, curve.n_independent, strict=True),
    )


def _write_hydrogen_bonds(bonds: HydrogenBonds, folder: Path) -> None:
    rows: list[tuple[Any, ...]] = []
    for entry in bonds.classes:
        for side, shares in (
            ("donor", entry.donor_distribution),
            ("acceptor", entry.acceptor_distribution),
        ):
            rows += [(entry.name, side, count, share) for count, share in enumerate(shares)]
    write_csv(
        folder / "hydrogen_bonds.csv",
        "share of donor (acceptor) molecules with n_bonds bonds of a class donor_acceptor; "
        f"r(DA) < {bonds.max_distance_A:g} Å, angle H-D-A < {bonds.max_angle_deg:g} degrees",
        ("class", "side", "n_bonds", "fraction"),
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


def _write_survival(results: AnalysisResults, folder: Path) -> None:
    rows = survival_rows("OH- on its oxygen", results.grotthuss.residence)
    for entry in results.hydrogen_bonds.classes:
        rows += survival_rows(entry.name, entry.survival)
    if (pairs := results.structure.hydroxide_pairs) is not None:
        rows += survival_rows("pairs of OH-", pairs.survival)
    write_csv(
        folder / "survival.csv",
        "share of hydrogen bonds, of hydroxides on their oxygen, and of their pairs, still there "
        "after a time (ps): intermittent (there at both ends), continuous (without a break)",
        ("what", "kind", "time_ps", "share", "stderr"),
        rows,
    )


def _write_viscosity(diffusion: Diffusion, folder: Path) -> None:
    found = diffusion.viscosity
    if found is None:
        return
    write_csv(
        folder / "viscosity.csv",
        "running Green-Kubo integral of the pressure tensor, for the eye (the viscosity is "
        "from the spectrum); time: ps, viscosity: mPa·s",
        ("time_ps", "viscosity_mPa_s", "stderr_mPa_s"),
        zip(found.time_ps, found.running_mPa_s, found.running_stderr_mPa_s, strict=True),
    )


def _write_rdfs(structure: Structure, folder: Path) -> None:
    for entry in structure.rdfs:
        write_csv(
            folder / entry.file,
            f"g(r) of {entry.pair} and mean number of neighbours within r + half a bin; r: Å",
            ("r_A", "g", "g_stderr", "coordination"),
            zip(entry.r_A, entry.g, entry.g_stderr, entry.coordination, strict=True),
        )


def write_results(results: AnalysisResults, folder: Path) -> None:
    """Write ``results.json`` and the CSVs into an existing folder.

    The JSON is written last: where it is, everything else is too.

    Raises:
        OutputError: the folder cannot be written to.
    """
    _write_msd(results, folder)
    write_hops(results.grotthuss, folder)
    _write_survival(results, folder)
    _write_viscosity(results.diffusion, folder)
    _write_hydrogen_bonds(results.hydrogen_bonds, folder)
    _write_rdfs(results.structure, folder)
    tree = as_json(results)
    text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / RESULTS_JSON, text + "\n")
