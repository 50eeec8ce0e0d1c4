"""Diffusion, conductivity and viscosity in ``results.json``, CSVs and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.estimate_views import interval_of, keys, stderr_of, terminal, value_of
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Json, Output, Table
from pykoh.analysis.common.text_table import text_table
from pykoh.analysis.transport.measured import beside

if TYPE_CHECKING:
    from pykoh.analysis.transport.values import Conductivity, Diffusion, LineFit, Viscosity


def diffusion_output(diffusion: Diffusion, given: InputSummary) -> Output:
    """Return what is written and printed of diffusion, and what others measured."""
    return Output(
        json=_diffusion(diffusion),
        further={
            "experiment": _experiment(diffusion, given),
            "hydroxide_cross_term": keys(
                diffusion.cross_m2_per_s,
                "D_m2_per_s",
                "stderr_m2_per_s",
                "interval_95_m2_per_s",
            ),
        },
        definitions={
            "viscosity_mPa_s": value_of(diffusion.viscosity_mPa_s),
            **keys(
                diffusion.yeh_hummer_m2_per_s,
                "yeh_hummer_correction_m2_per_s",
                "yeh_hummer_correction_stderr_m2_per_s",
            ),
        },
        tables=[
            Table(
                "msd.csv",
                "mean-square displacement of each species, centre-of-mass drift removed; "
                "lag: ps, msd and stderr: Å², n_independent: non-overlapping windows x particles",
                ("species", "lag_ps", "msd_A2", "stderr_A2", "n_independent"),
                _msd_rows(diffusion),
            )
        ],
        lines=_diffusion_lines(diffusion),
    )


def _msd_rows(diffusion: Diffusion) -> Iterator[tuple[Any, ...]]:
    for entry in diffusion.species:
        curve = entry.msd
        columns = (curve.lag_ps, curve.msd_A2, curve.stderr_A2, curve.n_independent)
        for values in zip(*columns, strict=True):
            yield entry.species, *values


def _diffusion_lines(diffusion: Diffusion) -> list[str]:
    rows = []
    for entry in diffusion.species:
        window = "-" if entry.fit is None else f"{entry.fit.start_ps:.3g}-{entry.fit.end_ps:.3g}"
        in_box = terminal(entry.D_m2_per_s, 1e9)
        infinite = terminal(entry.D_infinite_m2_per_s, 1e9)
        rows.append((entry.species, in_box, infinite, window))
    header = ("Diffusion", "D (1e-9 m²/s)", "infinite box", "fit (ps)")
    return ["", *text_table(header, rows, (20, 22, 16, 14))]


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


def _experiment(diffusion: Diffusion, given: InputSummary) -> dict[str, Json]:
    """Return what was measured by others, with its source."""
    tree: dict[str, Json] = {}
    for each in beside(diffusion, given):
        *above, last = each.path.split("/")[1:]
        place = tree
        for level in above:
            place = place.setdefault(level, {})
        place[last] = asdict(each.measured)
    return tree


def viscosity_output(found: Viscosity | None) -> Output:
    """Return what is written and printed of the viscosity."""
    if found is None:
        return Output(json=None)
    table = Table(
        "viscosity.csv",
        "running Green-Kubo integral of the pressure tensor, for the eye (the viscosity is "
        "from the spectrum); time: ps, viscosity: mPa·s",
        ("time_ps", "viscosity_mPa_s", "stderr_mPa_s"),
        zip(found.time_ps, found.running_mPa_s, found.running_stderr_mPa_s, strict=True),
    )
    lines = []
    if found.viscosity_mPa_s is not None:
        lines.append(
            f"Viscosity (mPa·s): {terminal(found.viscosity_mPa_s)} from "
            f"{found.duration_ps:.4g} ps of the pressure tensor"
        )
    return Output(json=_viscosity(found), tables=[table], lines=lines)


def _viscosity(found: Viscosity) -> Json:
    return {
        **keys(found.viscosity_mPa_s, "viscosity_mPa_s", "stderr_mPa_s", "interval_95_mPa_s"),
        "cutoff_ps": found.cutoff_ps,
        "duration_ps": found.duration_ps,
        "interval_ps": found.interval_ps,
    }


def conductivity_output(conductivity: Conductivity, given: InputSummary) -> Output:
    """Return what is written and printed of the conductivity."""
    curve = conductivity.charge_displacement
    table = Table(
        "charge_displacement.csv",
        "mean-square displacement of the sum over cations minus that over hydroxides, these "
        "along their paths through hops; lag: ps, msd: e²·Å²",
        ("lag_ps", "msd_e2_A2", "stderr_e2_A2", "n_independent"),
        zip(curve.lag_ps, curve.msd_A2, curve.stderr_A2, curve.n_independent, strict=True),
    )
    lines = _conductivity_lines(conductivity, given)
    return Output(json=_conductivity(conductivity), tables=[table], lines=lines)


def _conductivity_lines(kappa: Conductivity, given: InputSummary) -> list[str]:
    measured = "-" if kappa.experiment_S_per_m is None else f"{kappa.experiment_S_per_m:.4g}"
    lines = [
        "",
        f"Conductivity (S/m): Nernst-Einstein {terminal(kappa.nernst_einstein_S_per_m)}, "
        f"Einstein {terminal(kappa.einstein_S_per_m)}, experiment {measured}",
    ]
    if kappa.haven_ratio is not None:
        lines.append(
            f"  Haven ratio {terminal(kappa.haven_ratio)}; share of the current carried by "
            f"{given.cation}+ {terminal(kappa.transference_cation)}"
        )
    return lines


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
