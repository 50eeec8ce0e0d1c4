"""CSV tables and JSON values without NaN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pykoh.files import write_text


def finite(value: Any) -> Any:
    """Return ``value`` with numpy scalars unpacked and NaN or infinity as None."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    if hasattr(value, "tolist"):
        return finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def cell(value: Any) -> str:
    """Return ``value`` as it stands in a CSV; what is unknown is empty."""
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
    lines += [",".join(cell(finite(value)) for value in row) for row in rows]
    write_text(path, "\n".join(lines) + "\n")
