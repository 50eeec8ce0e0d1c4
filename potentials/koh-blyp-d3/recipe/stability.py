"""The table of the model card from the runs of stability.yaml.

    python stability.py stability

Rows of runs that are not finished say how far they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HEADER = (
    "mol/L | K | atoms | ps | frames | hydroxides | ionised frames | transfers | net hops "
    "| O–O (Å) | height | K–O (Å)"
)


def place(entry: dict[str, Any], value: str, digits: int) -> str:
    """Return a value with its standard error, or with none where the run does not tell."""
    stderr = entry[value.replace("_A", "_stderr_A") if value.endswith("_A") else f"{value}_stderr"]
    error = "" if stderr is None else f" ± {stderr:.{digits}f}"
    return "–" if entry[value] is None else f"{entry[value]:.{digits}f}{error}"


def row(folder: Path) -> str:
    """Return one row of the table."""
    found = folder / "results" / "results.json"
    if not found.exists():
        return f"| {folder.name}: not finished |"
    results = json.loads(found.read_text())
    given, hops = results["input"], results["grotthuss"]
    pairs = results["structure"]["coordination"]
    cells = (
        f"{given['molarity_mol_per_L']:.2f}",
        f"{given['temperature_K']:.0f}",
        given["n_atoms"],
        f"{given['duration_ps']:.0f}",
        given["n_frames"],
        given["n_hydroxide"],
        hops["n_ionised_frames"],
        hops["n_transfers"],
        hops["n_hops"],
        place(pairs["O-O"], "first_peak_A", 3),
        place(pairs["O-O"], "first_peak_g", 2),
        place(pairs["K-O"], "first_peak_A", 3),
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main() -> None:
    """Read the folder named on the command line and print the table."""
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "runs").is_dir():
        raise SystemExit("Usage: python stability.py FOLDER, of pykoh submit stability.yaml")
    print(f"| {HEADER} |")
    print("|---" * (HEADER.count("|") + 1) + "|")
    for folder in sorted((Path(sys.argv[1]) / "runs").iterdir()):
        print(row(folder))


if __name__ == "__main__":
    main()
