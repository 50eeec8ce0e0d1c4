"""The page of a series: what changes with concentration, experiment beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pykoh import __version__
from pykoh.analysis.activation import Activation
from pykoh.analysis.common.wording import counted
from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_files import SERIES_CSV, SERIES_JSON
from pykoh.analysis.series_quantities import QUANTITIES, SUBJECTS, Quantity
from pykoh.files import write_text
from pykoh.report.html import Markup, cite, join, pictures, section, table, tag
from pykoh.report.page import PLOTS, REPORT_HTML, document
from pykoh.report.references import ARRHENIUS, GILLIAM, LALIBERTE
from pykoh.report.series_doubts import TITLE, doubts_section, mark
from pykoh.report.series_plots import series_plots
from pykoh.report.values import duration, power_of_ten, quantity, significant

NOTHING = "–"
_MEASURED = {
    "einstein_S_per_m": ("conductivity, measured", "experiment_S_per_m"),
    "viscosity_mPa_s": ("viscosity, measured", "experiment_viscosity_mPa_s"),
}
"""Key of a quantity -> name and attribute of what was measured, for the row below it."""
_ACTIVATED = {
    "D_OH_m2_per_s": "D of OH⁻",
    "D_cation_m2_per_s": "D of the cation",
    "D_H2O_m2_per_s": "D of H₂O",
}
"""Names of quantities where their heading is not above them."""


def _cell(entry: Quantity, point: SeriesPoint) -> str:
    mean = entry.in_table(point.values[entry.key])
    if mean is None:
        return NOTHING
    return quantity(mean.times(10.0**-entry.exponent)) + mark(entry.key, point)


def quantity_name(entry: Quantity) -> str:
    """Return the head of a row, with the unit of its numbers."""
    power = f"{power_of_ten(entry.exponent)} " if entry.exponent else ""
    return f"{entry.title} ({power}{entry.unit})" if entry.unit else entry.title


def solution_names(points: Sequence[SeriesPoint]) -> list[str]:
    """Return the heads of the columns: concentration; temperature and cation if there are several.

    Args:
        points: the solutions.
    """
    kelvin = {round(point.temperature_K or 0.0) for point in points}
    cations = {point.cation for point in points}
    names = []
    for point in points:
        name = f"{significant(point.molarity_mol_per_L)} mol/L"
        if len(cations) > 1:
            name += f" {point.cation}OH"
        if len(kelvin) > 1:
            known = point.temperature_K
            name += ", ? K" if known is None else f", {significant(known)} K"
        names.append(name)
    return names


def rows(subject: str, points: Sequence[SeriesPoint]) -> list[list[str]]:
    """Return a table as texts: the header, then one row for each quantity of a subject.

    Args:
        subject: a key of :data:`~pykoh.analysis.series_quantities.SUBJECTS`.
        points: one for each column.
    """
    found = [["", *solution_names(points)]]
    for entry in QUANTITIES:
        if entry.subject != subject:
            continue
        found.append([quantity_name(entry), *(_cell(entry, point) for point in points)])
        if entry.key in _MEASURED:
            title, attribute = _MEASURED[entry.key]
            measured = [getattr(point, attribute) for point in points]
            cells = [NOTHING if value is None else significant(value) for value in measured]
            found.append([f"{title} ({entry.unit})", *cells])
    return found


def as_markup(texts: Sequence[Sequence[str]]) -> Markup:
    """Return a table of the page: the header, then rows whose first text is their head."""
    header, *lines = texts
    missing = tag("span", NOTHING, class_="missing")
    cells = [
        [
            line[0],
            *(missing if cell == NOTHING else tag("span", cell, class_="q") for cell in line[1:]),
        ]
        for line in lines
    ]
    return table(header, cells)


def _runs(points: Sequence[SeriesPoint], reports: Sequence[tuple[str, str]]) -> Markup:
    rows = [
        (name, str(len(point.runs)), duration(point.duration_ps / len(point.runs)))
        for name, point in zip(solution_names(points), points, strict=True)
    ]
    return join(
        [
            table(("solution", "runs", "length of each"), rows),
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
        ]
    )


def activation_rows(found: Sequence[Activation]) -> list[list[str]]:
    """Return the activation energies as texts: the header, then one row for each quantity."""
    titles = {entry.key: entry for entry in QUANTITIES}
    heads, cations = [], {each.cation for each in found}
    for each in found:
        molarity = " and ".join(sorted({significant(m) for m in each.molarities_mol_per_L}))
        kelvin = ", ".join(f"{t:.0f}" for t in each.temperatures_K)
        base = f" {each.cation}OH" if len(cations) > 1 else ""
        heads.append(f"{molarity} mol/L{base}; {kelvin} K")
    rows = [["", *heads]]
    for key in found[0].energies_kJ_per_mol:
        energies = [each.energies_kJ_per_mol[key] for each in found]
        shown = [NOTHING if energy is None else quantity(energy) for energy in energies]
        rows.append([_ACTIVATED.get(key, titles[key].title), *shown])
    return rows


def _activation(found: Sequence[Activation]) -> Markup:
    text = tag(
        "p",
        "In kJ/mol: slope of a straight line through ln q over 1/T, each temperature with the "
        "weight of its error (",
        cite(ARRHENIUS),
        "); ± is one standard error. D is that in the periodic box.",
    )
    return join([text, as_markup(activation_rows(found))])


def write_series_report(
    points: Sequence[SeriesPoint],
    folder: Path,
    reports: Sequence[tuple[str, str]],
    png: bool = False,
    activations: Sequence[Activation] = (),
) -> Path:
    """Write ``report.html`` and the plots of a series into an existing folder.

    Args:
        points: at least one.
        folder: existing folder.
        reports: name and relative address of the report of each run; empty without them.
        png: draw ``plots/*.png`` too.
        activations: activation energies, where there are several temperatures.
    """
    plots = series_plots(points)
    (folder / PLOTS).mkdir(exist_ok=True)
    for plot in (plot for group in plots.values() for plot in group):
        plot.write(folder / PLOTS, png)
    n_runs = sum(len(point.runs) for point in points)
    about = tag(
        "p",
        "± is one standard error. Runs of the same solution are combined: the mean is "
        "weighted with the length of each run times its number of atoms. Where the runs "
        "disagree by more than chance, the error is that of their scatter. Measured conductivity: ",
        cite(GILLIAM),
        "; measured viscosity: the fit of ",
        cite(LALIBERTE),
        " to published measurements.",
    )
    sections = [section("runs", "Runs", about, _runs(points, reports))]
    contents = [("runs", "Runs")]
    if (doubts := doubts_section({"": points})) is not None:
        sections.append(doubts[0])
        contents.append((doubts[1], TITLE))
    for subject, title in SUBJECTS.items():
        body = join([pictures(plots.get(subject, [])), as_markup(rows(subject, points))])
        sections.append(section(subject, title, body))
        contents.append((subject, title))
    if activations:
        title = "Activation energies"
        sections.append(section("activation", title, _activation(activations)))
        contents.append(("activation", title))
    bases = " and ".join(dict.fromkeys(f"{point.cation}OH" for point in points))
    lead = f"{counted(len(points), 'solution')} of {bases} in water, {counted(n_runs, 'run')}. "
    lead += f"pykoh {__version__}."
    page = folder / REPORT_HTML
    title = f"Aqueous {bases} by concentration"
    write_text(page, document(title, lead, join(sections, "\n"), contents))
    return page
