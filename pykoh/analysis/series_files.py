"""``series.json``, ``series.csv`` and the table of the terminal: the results of a series."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pykoh.analysis.activation import Activation
from pykoh.analysis.common.estimate import TOO_SHORT, Estimate, How
from pykoh.analysis.common.estimate_views import columns, keys, terminal
from pykoh.analysis.common.shown import Json
from pykoh.analysis.common.text_table import text_table
from pykoh.analysis.results.names import SERIES_CSV, SERIES_JSON
from pykoh.analysis.results.tables import finite, write_csv
from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_quantities import QUANTITIES
from pykoh.errors import ResultsError
from pykoh.files import write_text


def _column_names() -> list[str]:
    """Return the two columns of each quantity: its value and its standard error."""
    return [
        column
        for entry in QUANTITIES
        for column in (entry.key, f"{entry.key.split('_per_')[0]}_stderr")
    ]


def _point(point: SeriesPoint) -> Json:
    return {
        "molarity_mol_per_L": point.molarity_mol_per_L,
        "temperature_K": point.temperature_K,
        "cation": point.cation,
        "runs": list(point.runs),
        "duration_ps": point.duration_ps,
        "koh_per_h2o": point.koh_per_h2o,
        "experiment_S_per_m": point.experiment_S_per_m,
        "experiment_viscosity_mPa_s": point.experiment_viscosity_mPa_s,
        "doubts": {key: list(reasons) for key, reasons in point.doubts.items()},
        **{
            entry.key: {
                **keys(entry.in_table(point.values[entry.key]), "value", "stderr", "interval_95"),
                "birge_ratio": point.birge_ratios[entry.key],
            }
            for entry in QUANTITIES
        },
    }


def _activation(found: Activation) -> Json:
    return {
        "cation": found.cation,
        "molarities_mol_per_L": list(found.molarities_mol_per_L),
        "temperatures_K": list(found.temperatures_K),
        "energies_kJ_per_mol": {
            key: keys(energy, "value", "stderr", "interval_95")
            for key, energy in found.energies_kJ_per_mol.items()
        },
    }


def write_series(
    points: Sequence[SeriesPoint], folder: Path, activations: Sequence[Activation] = ()
) -> None:
    """Write ``series.json`` and ``series.csv`` into an existing folder.

    Args:
        points: one for each solution.
        folder: an existing folder.
        activations: activation energies, where there are several temperatures.
    """
    write_csv(
        folder / SERIES_CSV,
        "one line per solution; units in the names, stderr in the unit of the column before it; "
        "experiment: Gilliam et al. 2007, doi:10.1016/j.ijhydene.2006.10.062 (conductivity), "
        "Laliberté 2009, doi:10.1021/je8008123 (viscosity)",
        ("molarity_mol_per_L", "temperature_K", "n_runs", "duration_ps", *_column_names(),
         "experiment_S_per_m", "experiment_viscosity_mPa_s", "cation"),
        [
            (
                point.molarity_mol_per_L, point.temperature_K, len(point.runs), point.duration_ps,
                *(cell for entry in QUANTITIES for cell in columns(point.values[entry.key])),
                point.experiment_S_per_m, point.experiment_viscosity_mPa_s, point.cation,
            )
            for point in points
        ],
    )  # fmt: skip
    tree: dict[str, Json] = {"points": [_point(point) for point in points]}
    if activations:
        tree["activation"] = [_activation(each) for each in activations]
    text = json.dumps(finite(tree), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / SERIES_JSON, text + "\n")


def read_series(path: str | Path) -> list[SeriesPoint]:
    """Return the points of a ``series.json``.

    A quantity that an older pykoh did not write is None. How each error was obtained is not in the
    file: the estimates say that they are from replicas.

    Args:
        path: file that :func:`write_series` made, or its folder.

    Raises:
        ResultsError: the file is missing, or is no ``series.json``.
    """
    file = Path(path)
    if file.is_dir():
        file = file / SERIES_JSON
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        return [_read_point(entry) for entry in tree["points"]]
    except OSError as error:
        raise ResultsError(
            f"{file}: {error.strerror or error}; pykoh analyze --series makes series.json"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResultsError(
            f"{file}: is no series.json; pykoh analyze --series makes one"
        ) from error


def find_series(path: str | Path) -> Path:
    """Return the ``series.json`` of a folder, of a campaign, or the file itself.

    Raises:
        ResultsError: there is none, or a campaign has one for each of several temperatures.
    """
    place = Path(path)
    if not place.is_dir():
        return place
    if (place / SERIES_JSON).exists():
        return place / SERIES_JSON
    found = sorted((place / "series").glob(f"*/{SERIES_JSON}"))
    if not found:
        raise ResultsError(
            f"{place}: has no series.json; pykoh analyze --series makes one, and pykoh submit when "
            "runs are finished"
        )
    if len(found) > 1:
        names = ", ".join(str(each.parent) for each in found)
        raise ResultsError(f"{place}: has series at several temperatures; name one of {names}")
    return found[0]


def _read_point(entry: dict[str, Any]) -> SeriesPoint:
    values: dict[str, Estimate | None] = {}
    ratios: dict[str, float | None] = {}
    for quantity in QUANTITIES:
        found = entry.get(quantity.key) or {}
        value, interval = found.get("value"), found.get("interval_95")
        values[quantity.key] = None
        if value is not None:
            ends = None if interval is None else (interval[0], interval[1])
            values[quantity.key] = quantity.read(
                value, found.get("stderr"), How.REPLICAS, ends, TOO_SHORT
            )
        ratios[quantity.key] = found.get("birge_ratio")
    return SeriesPoint(
        molarity_mol_per_L=float(entry["molarity_mol_per_L"]),
        temperature_K=None if entry["temperature_K"] is None else float(entry["temperature_K"]),
        cation=str(entry["cation"]),
        runs=tuple(entry["runs"]),
        duration_ps=entry["duration_ps"],
        values=values,
        experiment_S_per_m=entry["experiment_S_per_m"],
        birge_ratios=ratios,
        experiment_viscosity_mPa_s=entry.get("experiment_viscosity_mPa_s"),
        koh_per_h2o=entry.get("koh_per_h2o", 0.0),
        doubts={key: tuple(reasons) for key, reasons in entry.get("doubts", {}).items()},
    )


def series_table(points: Sequence[SeriesPoint]) -> str:
    """Return the main numbers for the terminal."""
    main = ("D_OH_m2_per_s", "hop_rate_per_ps", "OH_OH_bonded_fraction",
            "nernst_einstein_S_per_m", "einstein_S_per_m")  # fmt: skip
    shown = [entry for entry in QUANTITIES if entry.key in main]
    rows, cations = [], {point.cation for point in points}
    for point in points:
        kelvin = "-" if point.temperature_K is None else f"{point.temperature_K:.4g}"
        molarity = f"{point.molarity_mol_per_L:.3g}"
        if len(cations) > 1:
            molarity += f" {point.cation}OH"
        cells = [molarity, kelvin, str(len(point.runs))]
        cells += [
            terminal(entry.in_table(point.values[entry.key]), 10.0**-entry.exponent)
            for entry in shown
        ]
        measured = point.experiment_S_per_m
        rows.append([*cells, "-" if measured is None else f"{measured:.4g}"])
    header = ("mol/L", "K", "runs", "D(OH-) 1e-9 m²/s", "hops/ps", "OH- to OH-", "NE S/m",
              "Einstein S/m", "exp. S/m")  # fmt: skip
    return "\n".join(text_table(header, rows, (8, 7, 6, 18, 16, 18, 14, 16, 10)))
