"""Results of a user's observables, as JSON, CSV and text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pykoh.analysis.results.custom import CustomResult
from pykoh.analysis.results.tables import Json, write_csv


def custom_json(results: Sequence[CustomResult]) -> dict[str, Json]:
    """Return name -> key -> value, standard error and unit."""
    return {
        each.name: {
            row.key: {"value": row.value, "stderr": row.stderr, "unit": row.unit}
            for row in each.shown.rows
        }
        for each in results
    }


def write_custom(results: Sequence[CustomResult], folder: Path) -> None:
    """Write ``custom_NAME_FILE.csv`` of each curve into an existing folder.

    Raises:
        OutputError: the folder cannot be written to.
    """
    for each in results:
        for curve in each.shown.curves:
            write_csv(
                folder / f"custom_{each.name}_{curve.file}.csv",
                curve.about,
                curve.columns,
                zip(*curve.values, strict=True),
            )
