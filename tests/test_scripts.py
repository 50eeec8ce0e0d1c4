"""Scripts beside the package: what they import from it is there."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = [
    path
    for folder in ("benchmarks", "docs", "examples", "potentials", "slurm", "tests/slurm")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def imported(path: Path) -> list[tuple[str, str]]:
    """Return module and name of each import from pykoh."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pykoh"):
            found += [(str(node.module), alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names if alias.name.startswith("pykoh")]
    return found


def test_there_are_scripts() -> None:
    assert len(SCRIPTS) >= 10


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_script_imports_is_there(path: Path) -> None:
    for module, name in imported(path):
        owner = import_module(module)
        if name and not hasattr(owner, name):
            import_module(f"{module}.{name}")


def test_the_examples_are_shown_whole() -> None:
    # In one line ruff would take it for Python and put spaces into it.
    page = (ROOT / "docs" / "observables.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "examples").glob("*.py")):
        assert f"--8<--\nexamples/{path.name}\n--8<--" in page


def test_the_page_of_results_has_the_numbers_that_are_kept() -> None:
    path = ROOT / "potentials" / "koh-blyp-d3" / "series" / "results.py"
    spec = spec_from_file_location("results", path)
    assert spec is not None and spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    series = script.kept()
    assert script.with_tables(page, series) == page, "results.py --docs writes the tables anew"
    broken = page.replace(" ± ", " ? ", 3)
    assert script.with_tables(broken, series) == page


def test_each_kind_of_row_of_the_calibration_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes half an hour, so that nobody would see for long that it does not run any more."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    groups = [*import_module("calibration_rows").GROUPS]
    groups.append(import_module("calibration_tracks").track_rows)
    dense = "box, 15.4 mol/L, 16 ions, 30 % returns, dragged cations, 50 ps"
    rows = [row for group in groups for k, row in enumerate(group()) if k == 0 or row.name == dense]
    assert rows[-2].name == dense
    for row in rows:
        found = row.make(np.random.default_rng(8))
        assert found and all(len(each) == 5 for each in found), row.name
