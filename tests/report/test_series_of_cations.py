"""A series of several bases: each table, line and title says which one is meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import report_cases
from pykoh.analysis.activation import activations
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_files import series_table, write_series
from pykoh.report.comparison import write_comparison
from pykoh.report.series import activation_rows, rows, solution_names, write_series_report
from pykoh.report.series_plots import series_plots


def mixed() -> list[SeriesPoint]:
    """Return KOH and NaOH at one concentration and two temperatures."""
    full = report_cases.full()
    runs = []
    for cation in ("K", "Na"):
        for kelvin in (298.0, 333.0):
            given = replace(full.input, cation=cation, temperature=Estimate.given(kelvin))
            runs.append((f"{cation}{kelvin:.0f}", replace(full, input=given)))
    return report_cases.series_of(runs)


def test_tables_name_the_base() -> None:
    points = mixed()
    names = solution_names(points)
    assert len(set(names)) == len(points) == 4
    assert sum("NaOH" in name for name in names) == 2
    assert sum(" KOH" in name for name in names) == 2
    assert rows("hops", points)[0][1:] == names
    assert series_table(points).count("NaOH") == 2
    energies = activation_rows(activations(points))[0]
    assert sum("NaOH" in head for head in energies) == 1
    assert "KOH" not in " ".join(solution_names([p for p in points if p.cation == "K"]))


def test_lines_and_titles_name_the_base(tmp_path: Path) -> None:
    points = [point for point in mixed() if (point.temperature_K or 0.0) < 300.0]
    plots = {plot.name: plot.svg for group in series_plots(points).values() for plot in group}
    hops = plots["series_hops"]
    assert "OH⁻, KOH" in hops and "OH⁻, NaOH" in hops and "298 K" not in hops
    # What was measured of KOH is not drawn for NaOH.
    assert "measured, KOH" in plots["series_conductivity"]
    assert "measured, NaOH" not in plots["series_conductivity"]
    page = write_series_report(points, tmp_path, []).read_text()
    assert "Aqueous KOH and NaOH by concentration" in page
    assert "2 solutions of KOH and NaOH in water, 2 runs." in page
    one = write_series_report(points[:1], tmp_path, []).read_text()
    assert "1 solution of" in one and "1 run." in one
    write_series(points, tmp_path)
    header, *lines = (tmp_path / "series.csv").read_text().splitlines()[1:]
    assert header.endswith(",cation") and {line.rsplit(",", 1)[1] for line in lines} == {"K", "Na"}


def test_a_comparison_names_the_base(tmp_path: Path) -> None:
    points = mixed()
    write_comparison({"one": points, "other": points}, tmp_path)
    header, *lines = (tmp_path / "compare.csv").read_text().splitlines()[1:]
    assert header.endswith(",cation") and {line.rsplit(",", 1)[1] for line in lines} == {"K", "Na"}
    page = (tmp_path / "report.html").read_text()
    assert "mol/L KOH, 298 K" in page and "mol/L NaOH, 298 K" in page and "NaOH NaOH" not in page
