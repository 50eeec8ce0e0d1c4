"""The table of the model card from the runs of stability.yaml.

    python stability.py stability ../stability.csv

Finished runs are added to the CSV, which keeps the rows of earlier ones; the table that is printed
is that of the CSV. Runs that are not finished are named.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

from pykoh.files import write_text

COLUMNS = (
    "run", "molarity_mol_per_L", "temperature_K", "n_atoms", "duration_ps", "n_frames",
    "n_hydroxide", "n_ionised_frames", "n_transfers", "n_hops", "OO_peak_A", "OO_peak_stderr_A",
    "OO_height", "OO_height_stderr", "KO_peak_A", "KO_peak_stderr_A",
)  # fmt: skip
HEADER = (
    "mol/L", "K", "atoms", "ps", "hydroxides", "ionised frames", "transfers", "net hops",
    "O–O (Å)", "height", "K–O (Å)",
)  # fmt: skip


def row(name: str, results: dict[str, Any]) -> dict[str, Any]:
    """Return the row of one run from its results.json."""
    found: dict[str, Any] = {"run": name}
    for column in COLUMNS[1:]:
        for part in ("input", "grotthuss"):
            if column in results[part]:
                found[column] = results[part][column]
    for label, pair in (("OO", "O-O"), ("KO", "K-O")):
        peak = results["structure"]["coordination"][pair]
        found[f"{label}_peak_A"] = peak["first_peak_A"]
        found[f"{label}_peak_stderr_A"] = peak["first_peak_stderr_A"]
        found[f"{label}_height"] = peak["first_peak_g"]
        found[f"{label}_height_stderr"] = peak["first_peak_g_stderr"]
    return {column: found[column] for column in COLUMNS}


def place(entry: dict[str, Any]) -> tuple[float, float]:
    """Return the molarity that was asked for (the box has nearly that) and the temperature."""
    return float(entry["run"].partition("M_")[0]), float(entry["temperature_K"])


def text(value: Any, stderr: Any, digits: int) -> str:
    """Return a value with its standard error, as far as they are known."""
    if value in (None, ""):
        return "–"
    known = stderr not in (None, "")
    return f"{float(value):.{digits}f}" + (f" ± {float(stderr):.{digits}f}" if known else "")


def line(entry: dict[str, Any]) -> str:
    """Return a row of the CSV as one of the card's table."""
    ionised = f"{entry['n_ionised_frames']} of {entry['n_frames']}"
    cells = (
        f"{float(entry['molarity_mol_per_L']):.2f}", f"{float(entry['temperature_K']):.0f}",
        entry["n_atoms"], f"{float(entry['duration_ps']):.0f}", entry["n_hydroxide"], ionised,
        entry["n_transfers"], entry["n_hops"],
        text(entry["OO_peak_A"], entry["OO_peak_stderr_A"], 3),
        text(entry["OO_height"], entry["OO_height_stderr"], 2),
        text(entry["KO_peak_A"], entry["KO_peak_stderr_A"], 3),
    )  # fmt: skip
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def main() -> None:
    """Read the folders named on the command line, write the CSV, print the table."""
    if len(sys.argv) != 3 or not (Path(sys.argv[1]) / "runs").is_dir():
        raise SystemExit("Usage: python stability.py FOLDER TABLE.csv")
    target = Path(sys.argv[2])
    rows: dict[str, dict[str, Any]] = {}
    if target.exists():
        with target.open(encoding="utf-8", newline="") as stream:
            table = csv.DictReader(stream)
            if tuple(table.fieldnames or ()) != COLUMNS:
                raise SystemExit(f"Error: {target}: not a table of this script; name another file")
            rows = {entry["run"]: entry for entry in table}
        if any(None in entry.values() for entry in rows.values()):
            raise SystemExit(f"Error: {target}: a row is cut; restore it or name another file")
    for folder in sorted((Path(sys.argv[1]) / "runs").iterdir()):
        found = folder / "results" / "results.json"
        if found.exists():
            try:
                rows[folder.name] = row(folder.name, json.loads(found.read_text(encoding="utf-8")))
            except (ValueError, KeyError) as err:
                raise SystemExit(
                    f"Error: {found}: cut or incomplete ({err}); run pykoh analyze again"
                ) from None
        elif folder.name not in rows:
            print(f"{folder.name}: not finished", file=sys.stderr)
    ordered = sorted(rows.values(), key=place)
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(ordered)
    write_text(target, written.getvalue())
    print(f"| {' | '.join(HEADER)} |")
    print("|---" * len(HEADER) + "|")
    for entry in ordered:
        print(line(entry))


if __name__ == "__main__":
    main()
