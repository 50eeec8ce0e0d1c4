"""``results.json`` and the CSVs of an analysis: the one place that turns results into files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from pykoh import __version__
from pykoh.analysis.common.estimate_views import keys
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Json, Output, Table
from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.results.names import RESULTS_JSON
from pykoh.analysis.results.tables import finite, write_csv
from pykoh.files import write_text


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


def as_json(results: AnalysisResults) -> dict[str, Json]:
    """Return ``results`` as the tree of ``results.json``: JSON values only, no NaN.

    A bare ``stderr`` is an object with the keys of the values beside it where it stands for
    several of them. Units are in the names of the keys. ``custom`` is there only where there are
    observables of a user's own.

    Raises:
        ValueError: two observables give different values for one key.
    """
    return _tree(results, results.outputs())


def _tree(results: AnalysisResults, outputs: Mapping[str, Output]) -> dict[str, Json]:
    tree: dict[str, Json] = {"pykoh": __version__, "input": _input(results.input)}
    for name, output in outputs.items():
        _merge(tree, {name: output.json})
    for output in outputs.values():
        _merge(tree, output.further)
    tree["definitions"] = {}
    # The last one first: the order that these keys had before observables wrote them.
    for output in reversed(list(outputs.values())):
        _merge(tree["definitions"], output.definitions)
    tree["warnings"] = [
        {"quantity": warning.quantity, "reason": warning.reason} for warning in results.warnings
    ]
    if results.custom:
        custom = results.custom_outputs()
        tree["custom"] = {name: output.json for name, output in custom.items()}
    plain: dict[str, Json] = finite(tree)
    return plain


def _merge(tree: dict[str, Json], more: Mapping[str, Json]) -> None:
    """Add keys to a tree; objects that are in both are merged.

    Raises:
        ValueError: a key has a value already.
    """
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        elif key in tree:
            raise ValueError(f"two observables write {key!r} of {RESULTS_JSON}")
        else:
            tree[key] = value


def _write_tables(tables: Iterable[Table], folder: Path) -> None:
    """Write each file once, with the rows of all tables of its name.

    Raises:
        ValueError: tables of one file have different columns.
    """
    by_file: dict[str, list[Table]] = {}
    for table in tables:
        by_file.setdefault(table.file, []).append(table)
    for file, parts in by_file.items():
        if any(part.columns != parts[0].columns for part in parts):
            raise ValueError(f"two observables write {file} with different columns")
        rows = chain.from_iterable(part.rows for part in parts)
        write_csv(folder / file, parts[0].about, parts[0].columns, rows)


def write_results(
    results: AnalysisResults, folder: Path, further: Mapping[str, Json] | None = None
) -> None:
    """Write ``results.json`` and the CSVs into an existing folder.

    The JSON is written last: where it is, everything else is too.

    Args:
        results: of a run.
        folder: an existing folder.
        further: more keys of ``results.json``.

    Raises:
        OutputError: the folder cannot be written to.
    """
    outputs = results.outputs()
    shown = (*outputs.values(), *results.custom_outputs().values())
    _write_tables((table for output in shown for table in output.tables), folder)
    tree = {**_tree(results, outputs), **finite(dict(further or {}))}
    text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / RESULTS_JSON, text + "\n")
