"""``results.json`` and the CSVs of an analysis: the one place that turns results into files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pykoh.analysis.results import (
    AnalysisResults,
    Conductivity,
    Diffusion,
    Grotthuss,
    HydrogenBonds,
    InputSummary,
    LineFit,
    Structure,
    WaitingTimeFit,
)
from pykoh.files import write_text

Json = Any
RESULTS_JSON = "results.json"


def _finite(value: Any) -> Any:
    """Return ``value`` with numpy scalars unpacked and NaN or infinity as None."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


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
        "temperature_K": summary.temperature_K,
        "temperature_stderr_K": summary.temperature_stderr_K,
        "temperature_source": summary.temperature_source,
        "notes": list(summary.notes),
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
            "fit_window_ps": _window(entry.fit),
            "fit": _fit(entry.fit),
            "n_particles": entry.n_particles,
        }
        for entry in diffusion.species
    }


def _waiting_time_fit(fit: WaitingTimeFit | None) -> Json:
    if fit is None:
        return None
    return {
        "form": "a * lambda * exp(-lambda * t), t > start_ps",
        "a": fit.amplitude,
        "a_stderr": fit.amplitude_stderr,
        "lambda_per_ps": fit.rate_per_ps,
        "lambda_stderr_per_ps": fit.rate_stderr_per_ps,
        "start_ps": fit.start_ps,
        "n_waiting_times": fit.n_waiting_times,
    }


def _grotthuss(grotthuss: Grotthuss) -> Json:
    waiting = grotthuss.waiting_times
    return {
        "n_hydroxides": grotthuss.n_hydroxides,
        "rattle_window_ps": grotthuss.rattle_window_ps,
        "n_transfers": grotthuss.n_transfers,
        "n_rattles": grotthuss.n_rattles,
        "n_hops": grotthuss.n_hops,
        "hop_rate_per_ps": grotthuss.hop_rate_per_ps,
        "hop_rate_stderr_per_ps": grotthuss.hop_rate_stderr_per_ps,
        "residence_time_ps": grotthuss.residence_time_ps,
        "residence_time_stderr_ps": grotthuss.residence_time_stderr_ps,
        "hop_length_A": grotthuss.hop_length_A,
        "hop_length_stderr_A": grotthuss.hop_length_stderr_A,
        "n_multiple_transfers": grotthuss.n_multiple_transfers,
        "n_ionised_frames": grotthuss.n_ionised_frames,
        "waiting_time_fit": _waiting_time_fit(waiting.fit if waiting else None),
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
                "first_peak_g": entry.first_peak_g,
                "first_minimum_A": entry.first_minimum_A,
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
            "mean_hydroxides_per_cation": pairing.mean_hydroxides_per_cation,
            "mean_hydroxides_per_cation_stderr": pairing.mean_hydroxides_per_cation_stderr,
        },
    }


def _conductivity(conductivity: Conductivity) -> Json:
    return {
        "nernst_einstein_S_per_m": conductivity.nernst_einstein_S_per_m,
        "einstein_S_per_m": conductivity.einstein_S_per_m,
        "stderr": {
            "nernst_einstein_S_per_m": conductivity.nernst_einstein_stderr_S_per_m,
            "einstein_S_per_m": conductivity.einstein_stderr_S_per_m,
        },
        "experiment_S_per_m": conductivity.experiment_S_per_m,
        "einstein_fit_window_ps": _window(conductivity.fit),
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
        "grotthuss": _grotthuss(results.grotthuss),
        "hydrogen_bonds": _hydrogen_bonds(bonds),
        "structure": _structure(results.structure),
        "conductivity": _conductivity(results.conductivity),
        "definitions": {
            "hydrogen_bond_max_distance_A": bonds.max_distance_A,
            "hydrogen_bond_max_angle_deg": bonds.max_angle_deg,
            "rattle_window_ps": results.grotthuss.rattle_window_ps,
            "viscosity_mPa_s": results.diffusion.viscosity_mPa_s,
            "yeh_hummer_correction_m2_per_s": results.diffusion.yeh_hummer_m2_per_s,
        },
        "warnings": [
            {"quantity": warning.quantity, "reason": warning.reason} for warning in results.warnings
        ],
    }
    finite: dict[str, Json] = _finite(tree)
    return finite


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.8g}"
    return str(value)


def write_csv(path: Path, about: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV: a ``#`` line that says what and in which units, names, then rows.

    A value that is unknown is an empty cell.
    """
    lines = [f"# {about}", ",".join(header)]
    lines += [",".join(_cell(_finite(value)) for value in row) for row in rows]
    write_text(path, "\n".join(lines) + "\n")


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
        "mean-square displacement of the dipole of the formal charges; lag: ps, msd: e²·Å²",
        ("lag_ps", "msd_e2_A2", "stderr_e2_A2", "n_independent"),
        zip(curve.lag_ps, curve.msd_A2, curve.stderr_A2, curve.n_independent, strict=True),
    )


def _write_hops(grotthuss: Grotthuss, folder: Path) -> None:
    rates = grotthuss.rate_vs_window
    if rates is not None:
        write_csv(
            folder / "hop_rate_vs_window.csv",
            "hops per hydroxide and ps as a function of the rattle window; window: ps, rate: 1/ps",
            ("rattle_window_ps", "hop_rate_per_ps", "stderr_per_ps", "n_hops"),
            zip(
                rates.window_ps,
                rates.hop_rate_per_ps,
                rates.stderr_per_ps,
                rates.n_hops,
                strict=True,
            ),
        )
    waiting = grotthuss.waiting_times
    if waiting is not None:
        write_csv(
            folder / "waiting_times.csv",
            "times between hops of one hydroxide; edges: ps, density and stderr: 1/ps",
            ("from_ps", "to_ps", "count", "density_per_ps", "stderr_per_ps"),
            zip(
                waiting.edges_ps[:-1],
                waiting.edges_ps[1:],
                waiting.counts,
                waiting.density_per_ps,
                waiting.density_stderr_per_ps,
                strict=True,
            ),
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
    _write_hops(results.grotthuss, folder)
    _write_hydrogen_bonds(results.hydrogen_bonds, folder)
    _write_rdfs(results.structure, folder)
    tree = as_json(results)
    text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / RESULTS_JSON, text + "\n")
