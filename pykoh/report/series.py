"""The page of a series: what changes with concentration, experiment beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pykoh import __version__
from pykoh.analysis.series import QUANTITIES, SERIES_CSV, SERIES_JSON, SeriesPoint
from pykoh.analysis.transport.conductivity import EXPERIMENT_MOLARITY, experiment
from pykoh.files import write_text
from pykoh.report.canvas import COLOUR, Plot, figure, finish
from pykoh.report.html import Markup, cite, join, pictures, section, table, tag
from pykoh.report.page import PLOTS, REPORT_HTML, document
from pykoh.report.references import GILLIAM
from pykoh.report.values import duration, quantity, significant

_PANELS = (
    (
        "series_diffusion", "Diffusion", "D (10⁻⁹ m²/s)", 1e9,
        (("D_OH_m2_per_s", "OH⁻", "vermillion", "o"), ("D_cation_m2_per_s", "cation", "purple",
         "s"), ("D_H2O_m2_per_s", "H₂O", "blue", "^")),
    ),
    (
        "series_hops", "Proton hops", "net hops per OH⁻ (1/ps)", 1.0,
        (("hop_rate_per_ps", "OH⁻", "vermillion", "o"),),
    ),
    (
        "series_bonding", "Hydrogen bonds between hydroxide ions",
        "share of OH⁻ that donate to OH⁻", 1.0,
        (("OH_OH_bonded_fraction", "OH⁻ → OH⁻", "green", "o"),),
    ),
    (
        "series_conductivity", "Conductivity", "κ (S/m)", 1.0,
        (("nernst_einstein_S_per_m", "Nernst–Einstein", "sky", "s"),
         ("einstein_S_per_m", "Einstein", "blue", "o")),
    ),
)  # fmt: skip


def series_plots(points: Sequence[SeriesPoint]) -> list[Plot]:
    """Return the plots that the points have data for."""
    plots = []
    for name, title, label, scale, lines in _PANELS:
        with figure() as (fig, axes):
            drawn = False
            for key, legend, colour, marker in lines:
                rows = [
                    (point.molarity_mol_per_L, mean.value * scale, (mean.stderr or 0.0) * scale)
                    for point in points
                    if (mean := point.values[key]) is not None
                ]
                if rows:
                    x, y, error = np.array(rows).T
                    axes.errorbar(x, y, yerr=error, fmt=f"{marker}-", color=COLOUR[colour],
                                  capsize=3, markersize=5, linewidth=1, label=legend)  # fmt: skip
                    drawn = True
            caption = "Bars are one standard error."
            temperatures = {point.temperature_K for point in points}
            if name == "series_conductivity" and points[0].cation == "K":
                known = [t for t in temperatures if t is not None]
                kelvin = sum(known) / len(known) if known else None
                highest = min(1.15 * points[-1].molarity_mol_per_L, EXPERIMENT_MOLARITY[1])
                grid = np.linspace(0.05, max(highest, 0.1), 120)
                measured = [
                    value
                    for m in grid
                    if kelvin is not None and (value := experiment(float(m), kelvin)) is not None
                ]
                if len(measured) == len(grid):
                    axes.plot(grid, measured, ":", color=COLOUR["ink"], label="experiment")
                    caption += " Dotted: measured, Gilliam et al. 2007, at the mean temperature."
                    drawn = True
            if not drawn:
                continue
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("concentration (mol/L)")
            axes.set_ylabel(label)
            axes.legend(loc="best")
            plots.append(finish(fig, name, title, caption))
    return plots


def _cells(point: SeriesPoint) -> tuple[object, ...]:
    cells: list[object] = [
        significant(point.molarity_mol_per_L),
        f"{len(point.runs)} × {duration(point.duration_ps / len(point.runs))}",
    ]
    for entry in QUANTITIES:
        mean = entry.in_table(point.values[entry.key])
        cells.append(
            tag("span", "–", class_="missing")
            if mean is None
            else tag("span", quantity(mean, "", entry.exponent), class_="q")
        )
    measured = point.experiment_S_per_m
    cells.append("–" if measured is None else significant(measured))
    return tuple(cells)


def write_series_report(
    points: Sequence[SeriesPoint],
    folder: Path,
    reports: Sequence[tuple[str, str]],
    png: bool = False,
) -> Path:
    """Write ``report.html`` and the plots of a series into an existing folder.

    Args:
        points: at least one.
        folder: existing folder.
        reports: name and relative address of the report of each run; empty without them.
        png: draw ``plots/*.png`` too.
    """
    plots = series_plots(points)
    (folder / PLOTS).mkdir(exist_ok=True)
    for plot in plots:
        plot.write(folder / PLOTS, png)
    n_runs = sum(len(point.runs) for point in points)
    header = ("mol/L", "runs", *(entry.title for entry in QUANTITIES), "conductivity, measured")
    body = join(
        [
            section("concentration", "Against concentration", pictures(plots)),
            section(
                "table",
                "Table",
                tag(
                    "p",
                    "D in m²/s, hop rate in 1/ps, conductivity in S/m, viscosity in mPa·s; ± is "
                    "one standard error. Runs of the same solution are combined: the mean is "
                    "weighted with the length of each run times its number of atoms. Where the "
                    "runs disagree by more than chance, the error is that of their scatter. "
                    "Measured conductivity: ",
                    cite(GILLIAM),
                    ".",
                ),
                table(header, [_cells(point) for point in points]),
            ),
            section(
                "runs",
                "Runs",
                tag("ul", *(tag("li", tag("a", name, href=to)) for name, to in reports))
                if reports
                else Markup(""),
                tag(
                    "p",
                    "In the folder of this page: ",
                    tag("a", SERIES_CSV, href=SERIES_CSV),
                    ", ",
                    tag("a", SERIES_JSON, href=SERIES_JSON),
                ),
            ),
        ],
        "\n",
    )
    cation = points[0].cation
    lead = f"{len(points)} solutions of {cation}OH in water, {n_runs} runs. pykoh {__version__}."
    page = folder / REPORT_HTML
    contents = (("concentration", "Against concentration"), ("table", "Table"), ("runs", "Runs"))
    write_text(page, document(f"Aqueous {cation}OH by concentration", lead, body, contents))
    return page
