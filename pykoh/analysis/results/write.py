"""``results.json`` and the CSVs of an analysis: the one place that turns results into files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pykoh.analysis.common.estimate_views import interval_of, keys, stderr_of, value_of
from pykoh.analysis.results import (
    AnalysisResults,
    Conductivity,
    Diffusion,
    Estimate,
    InputSummary,
    LineFit,
    Viscosity,
)
from pykoh.analysis.results.measured import beside
from pykoh.analysis.results.tables import Json, finite, write_csv
from pykoh.analysis.results.write_custom import custom_json, write_custom
from pykoh.analysis.results.write_hops import (
    grotthuss_json,
    survival_rows,
    write_hops,
)
from pykoh.analysis.results.write_structure import (
    hydrogen_bonds_json,
    structure_json,
    write_hydrogen_bonds,
    write_rdfs,
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
        **keys(summary.temperature, "temperature_K", "temperature_stderr_K"),
        "temperature_source": summary.temperature_source,
        "notes": list(summary.notes),
        "begins_in_equilibrium": None if summary.drifts is None else not summary.drifts,
        "drifts": None if summary.drifts is None else list(summary.drifts),
    }


def _fit(fit: LineFit | None) -> Json:
    if fit is None:
        return None
    return {
        **keys(fit.slope_A2_per_ps, "slope_A2_per_ps", "slope_stderr_A2_per_ps"),
        "intercept_A2": fit.intercept_A2,
        **keys(fit.exponent, "loglog_slope", "loglog_slope_stderr"),
    }


def _window(fit: LineFit | None) -> Json:
    return None if fit is None else [fit.start_ps, fit.end_ps]


def _coefficient(found: Estimate | None, name: str) -> dict[str, Json]:
    """Return a diffusion coefficient, m²/s, with the keys of its error and interval."""
    unit = "m2_per_s"
    return keys(found, f"{name}_{unit}", f"{name}_stderr_{unit}", f"{name}_interval_95_{unit}")


def _diffusion(diffusion: Diffusion) -> Json:
    return {
        entry.species: {
            **keys(entry.D_m2_per_s, "D_m2_per_s", "stderr_m2_per_s"),
            **_coefficient(entry.D_infinite_m2_per_s, "D_infinite"),
            "interval_95_m2_per_s": interval_of(entry.D_m2_per_s),
            **_coefficient(entry.from_hops_m2_per_s, "D_from_hops"),
            "memory_ps": entry.memory_ps,
            "fit_window_ps": _window(entry.fit),
            "fit": _fit(entry.fit),
            "n_particles": entry.n_particles,
        }
        for entry in diffusion.species
    }


def _viscosity(found: Viscosity | None) -> Json:
    if found is None:
        return None
    return {
        **keys(found.viscosity_mPa_s, "viscosity_mPa_s", "stderr_mPa_s", "interval_95_mPa_s"),
        "cutoff_ps": found.cutoff_ps,
        "duration_ps": found.duration_ps,
        "interval_ps": found.interval_ps,
    }


def _conductivity(conductivity: Conductivity) -> Json:
    kappa = {
        "nernst_einstein_S_per_m": conductivity.nernst_einstein_S_per_m,
        "einstein_S_per_m": conductivity.einstein_S_per_m,
    }
    ratios = {
        "haven_ratio": conductivity.haven_ratio,
        "transference_cation": conductivity.transference_cation,
        "transference_cation_apparent": conductivity.transference_cation_apparent,
    }
    tree: dict[str, Json] = {
        **{name: value_of(found) for name, found in kappa.items()},
        "stderr": {name: stderr_of(found) for name, found in kappa.items()},
        "interval_95": {name: interval_of(found) for name, found in {**kappa, **ratios}.items()},
        "onsager_S_per_m": {
            entry.name: {
                **keys(entry.coefficient, "value", "stderr", "interval_95"),
                "self": entry.own,
                "distinct": entry.distinct,
            }
            for entry in conductivity.onsager
        }
        or None,
        "experiment_S_per_m": conductivity.experiment_S_per_m,
        "einstein_fit_window_ps": _window(conductivity.fit),
    }
    for name, found in ratios.items():
        tree.update(keys(found, name, f"{name}_stderr"))
    return tree


def _experiment(results: AnalysisResults) -> dict[str, Json]:
    """Return what was measured by others, with its source."""
    tree: dict[str, Json] = {}
    for each in beside(results):
        *above, last = each.path.split("/")[1:]
        place = tree
        for level in above:
            place = place.setdefault(level, {})
        place[last] = asdict(each.measured)
    return tree


def as_json(results: AnalysisResults) -> dict[str, Json]:
    """Return ``results`` as the tree of ``results.json``: JSON values only, no NaN.

    A bare ``stderr`` is an object with the keys of the values beside it where it stands for
    several of them. Units are in the names of the keys. ``custom`` is there only where there are
    observables of a user's own.
    """
    bonds = results.hydrogen_bonds
    tree: dict[str, Json] = {
        "input": _input(results.input),
        "diffusion": _diffusion(results.diffusion),
        "grotthuss": grotthuss_json(results.grotthuss),
        "hydrogen_bonds": hydrogen_bonds_json(bonds),
        "structure": structure_json(results.structure),
        "conductivity": _conductivity(results.conductivity),
        "viscosity": _viscosity(results.diffusion.viscosity),
        "experiment": _experiment(results),
        "hydroxide_cross_term": {
            **keys(
                results.diffusion.cross_m2_per_s,
                "D_m2_per_s",
                "stderr_m2_per_s",
                "interval_95_m2_per_s",
            )
        },
        "definitions": {
            "hydrogen_bond_criterion": bonds.criterion,
            "hydrogen_bond_criterion_text": bonds.criterion_words,
            "hydrogen_bond_criterion_doi": bonds.criterion_doi,
            "hydrogen_bond_max_distance_A": bonds.max_distance_A,
            "hydrogen_bond_max_angle_deg": bonds.max_angle_deg,
            "rattle_window_ps": results.grotthuss.rattle_window_ps,
            "viscosity_mPa_s": value_of(results.diffusion.viscosity_mPa_s),
            **keys(
                results.diffusion.yeh_hummer_m2_per_s,
                "yeh_hummer_correction_m2_per_s",
                "yeh_hummer_correction_stderr_m2_per_s",
            ),
        },
        "warnings": [
            {"quantity": warning.quantity, "reason": warning.reason} for warning in results.warnings
        ],
    }
    if results.custom:
        tree["custom"] = custom_json(results.custom)
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
    write_hydrogen_bonds(results.hydrogen_bonds, folder)
    write_rdfs(results.structure, folder)
    write_custom(results.custom, folder)
    tree = as_json(results)
    text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / RESULTS_JSON, text + "\n")
