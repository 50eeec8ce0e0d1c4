"""The plots of a series: each quantity against concentration, with what was measured beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.transport.conductivity import EXPERIMENT_MOLARITY, experiment
from pykoh.arrays import FloatArray
from pykoh.errors import CompositionError, ResultsError
from pykoh.report.canvas import COLOUR, Plot, figure, finish
from pykoh.solution.composition import mass_fraction_of
from pykoh.solution.measured import koh_viscosity, limiting_ion_diffusion, water_diffusion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SAME_K = 5.0  # points whose temperatures differ by less are one line


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity in a plot.

    Attributes:
        key: of the quantity.
        legend: its name in the plot.
        colour: name of a colour of the palette.
        marker: of matplotlib.
    """

    key: str
    legend: str
    colour: str
    marker: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot.

    Attributes:
        subject: section that it is in, a key of ``SUBJECTS``.
        name: file name without suffix.
        title: what it shows.
        label: of the y axis, with the unit.
        scale: is multiplied to the values.
        lines: the quantities.
    """

    subject: str
    name: str
    title: str
    label: str
    scale: float
    lines: tuple[Line, ...]


PANELS = (
    Panel(
        "diffusion", "series_diffusion", "Diffusion", "D (10⁻⁹ m²/s)", 1e9,
        (
            Line("D_OH_m2_per_s", "OH⁻", "vermillion", "o"),
            Line("D_cation_m2_per_s", "cation", "purple", "s"),
            Line("D_H2O_m2_per_s", "H₂O", "blue", "^"),
        ),
    ),
    Panel(
        "diffusion", "series_hydroxide", "Diffusion of hydroxide: vehicular and structural",
        "D (10⁻⁹ m²/s)", 1e9,
        (
            Line("D_OH_m2_per_s", "OH⁻", "vermillion", "o"),
            Line("D_OH_structural_m2_per_s", "structural (hops)", "green", "D"),
            Line("D_OH_vehicular_m2_per_s", "vehicular", "sky", "v"),
        ),
    ),
    Panel(
        "hops", "series_hops", "Proton hops", "net hops per OH⁻ (1/ps)", 1.0,
        (Line("hop_rate_per_ps", "OH⁻", "vermillion", "o"),),
    ),
    Panel(
        "bonds", "series_bonding", "Hydrogen bonds between hydroxide ions", "share of OH⁻", 1.0,
        (
            Line("OH_OH_bonded_fraction", "donates a bond to OH⁻", "green", "o"),
            Line("OH_paired_fraction", "has another OH⁻ near", "orange", "s"),
        ),
    ),
    Panel(
        "structure", "series_coordination", "Coordination", "neighbours", 1.0,
        (
            Line("coordination_OH_H2O", "H₂O around OH⁻", "vermillion", "o"),
            Line("contact_cation_H2O", "H₂O in contact with the cation", "purple", "s"),
            Line("contact_cation_OH", "OH⁻ in contact with the cation", "green", "D"),
        ),
    ),
    Panel(
        "charge", "series_conductivity", "Conductivity", "κ (S/m)", 1.0,
        (
            Line("nernst_einstein_S_per_m", "Nernst–Einstein", "sky", "s"),
            Line("einstein_S_per_m", "Einstein", "blue", "o"),
        ),
    ),
    Panel(
        "charge", "series_viscosity", "Viscosity", "η (mPa·s)", 1.0,
        (Line("viscosity_mPa_s", "Green–Kubo", "blue", "o"),),
    ),
)  # fmt: skip


def _lines(points: Sequence[SeriesPoint]) -> list[list[SeriesPoint]]:
    """Return the points of each line: one for each cation and temperature, the coldest first."""
    groups: list[list[SeriesPoint]] = []
    cations = list(dict.fromkeys(point.cation for point in points))
    order = sorted(points, key=lambda p: (cations.index(p.cation), p.temperature_K or 0.0))
    for point in order:
        last = groups[-1][0] if groups else point
        apart = (point.temperature_K or 0.0) - (last.temperature_K or 0.0)
        if groups and point.cation == last.cation and apart < _SAME_K:
            groups[-1].append(point)
        else:
            groups.append([point])
    return [sorted(group, key=lambda p: p.molarity_mol_per_L) for group in groups]


def _names(groups: Sequence[Sequence[SeriesPoint]]) -> list[str]:
    """Return what tells each line from the others: its cation, its temperature, or nothing."""
    kelvins = [_kelvin(group) for group in groups]
    cations = [group[0].cation for group in groups]
    names = [f", {cation}OH" if len(set(cations)) > 1 else "" for cation in cations]
    if len(groups) > len(set(cations)):
        for number, kelvin in enumerate(kelvins):
            names[number] += ", temperature unknown" if kelvin is None else f", {kelvin:.0f} K"
    return names


def _kelvin(group: Sequence[SeriesPoint]) -> float | None:
    """Return the mean temperature of some points, or None."""
    known = [p.temperature_K for p in group if p.temperature_K is not None]
    return sum(known) / len(known) if known else None


def _draw_line(
    axes: Axes, line: Line, scale: float, groups: Sequence[Sequence[SeriesPoint]]
) -> bool:
    """Draw a quantity, one line for each group of points; return whether there was anything."""
    drawn = False
    for number, (group, suffix) in enumerate(zip(groups, _names(groups), strict=True)):
        rows = [
            (point.molarity_mol_per_L, mean.value * scale, (mean.stderr or np.nan) * scale)
            for point in group
            if (mean := point.values[line.key]) is not None
        ]
        if not rows:
            continue
        x, y, error = np.array(rows).T
        colour = COLOUR[line.colour]
        dash, fill = ("-", colour) if number == 0 else ("--", "none")
        axes.errorbar(
            x, y, yerr=error, fmt=f"{line.marker}{dash}", color=colour, markerfacecolor=fill,
            capsize=3, markersize=5, linewidth=1, label=line.legend + suffix,
        )  # fmt: skip
        drawn = True
    return drawn


def _measured_curve(
    panel: Panel, cation: str, kelvin: float, grid: FloatArray
) -> tuple[list[float], list[float], str]:
    """Return x, y and the sentence of a curve that was measured; empty lists if there is none."""
    xs: list[float] = []
    ys: list[float] = []
    if cation != "K":
        return xs, ys, ""
    for molarity in map(float, grid):
        if panel.name == "series_conductivity":
            value = experiment(molarity, kelvin)
        else:
            value = _viscosity(molarity, kelvin)
        if value is not None:
            xs.append(molarity)
            ys.append(value)
    source = "Gilliam et al. 2007" if panel.name == "series_conductivity" else "Laliberté 2009"
    return xs, ys, f" Without symbols: measured, {source}"


def _viscosity(molarity: float, kelvin: float) -> float | None:
    try:
        w = mass_fraction_of(molarity, temperature_K=kelvin)
    except CompositionError:
        return None
    found = koh_viscosity(w, kelvin)
    return None if found is None else found.value


def _draw_dilute(axes: Axes, cation: str, kelvin: float | None) -> bool:
    """Draw what was measured at infinite dilution, and in pure water, at the y axis."""
    found = (
        (limiting_ion_diffusion("OH-"), "vermillion", "o"),
        (limiting_ion_diffusion(f"{cation}+"), "purple", "s"),
        (water_diffusion(kelvin), "blue", "^"),
    )
    for measured, colour, marker in found:
        if measured is not None:
            axes.plot(
                [0.0], [measured.value * 1e9], marker, color=COLOUR[colour], clip_on=False,
                markerfacecolor="none", markersize=8,
            )  # fmt: skip
    return any(measured is not None for measured, _, _ in found)


def _draw_measured(
    axes: Axes, panel: Panel, points: Sequence[SeriesPoint], groups: Sequence[Sequence[SeriesPoint]]
) -> str:
    """Draw what was measured; return the sentence about it, or an empty text."""
    if panel.name == "series_diffusion":
        cation = points[0].cation
        if len({point.cation for point in points}) > 1:
            cation = ""  # one symbol would stand for several cations
        if _draw_dilute(axes, cation, _kelvin(groups[0])):
            return (
                " Large open symbols at 0 mol/L: measured, ions at infinite dilution and 25 °C "
                "(CRC Handbook), pure water at the temperature of the runs (Holz et al. 2000)."
            )
        return ""
    if panel.name not in ("series_conductivity", "series_viscosity"):
        return ""
    known = [point.molarity_mol_per_L for point in points if point.cation == "K"]
    highest = 1.15 * max(known, default=0.0)
    if panel.name == "series_conductivity":
        highest = min(highest, EXPERIMENT_MOLARITY[1])
    grid = np.linspace(0.05, max(highest, 0.1), 120)
    sentence = ""
    for number, (group, suffix) in enumerate(zip(groups, _names(groups), strict=True)):
        kelvin = _kelvin(group)
        if kelvin is None:
            continue
        xs, ys, said = _measured_curve(panel, group[0].cation, kelvin, grid)
        if xs:
            style = ":" if number == 0 else "-."
            axes.plot(xs, ys, style, color=COLOUR["ink"], label=f"measured{suffix}")
            sentence = f"{said}, at the mean temperature of the runs."
    return sentence


_COMPARED = (("vermillion", "o"), ("blue", "s"), ("green", "D"), ("purple", "^"), ("orange", "v"))


def comparison(named: Mapping[str, Sequence[SeriesPoint]], key: str) -> Plot:
    """Return one quantity of several series in one plot, e.g. of several potentials.

    Args:
        named: name of a series -> its points; at most five.
        key: of the quantity, one that has a line in a plot of a series.

    Raises:
        ResultsError: no series has the quantity, no plot shows it, or there are more than five
            series.
    """
    shown = [(panel, line) for panel in PANELS for line in panel.lines if line.key == key]
    if not shown:
        raise ResultsError(f"no plot of a series shows {key}")
    panel, line = shown[0]
    if len(named) > len(_COMPARED):
        raise ResultsError(f"{len(named)} series: one plot shows at most {len(_COMPARED)}")
    drawn = []
    with figure() as (fig, axes):
        for (name, points), (colour, marker) in zip(named.items(), _COMPARED, strict=False):
            # A dollar would begin a formula.
            style = Line(key, name.replace("$", r"\$"), colour, marker)
            drawn.append(_draw_line(axes, style, panel.scale, _lines(points)))
        if not any(drawn):
            raise ResultsError(f"no series has {key}")
        _from_zero(axes)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("concentration (mol/L)")
        axes.set_ylabel(f"{panel.label}: {line.legend}" if len(panel.lines) > 1 else panel.label)
        axes.legend(loc="best")
        return finish(fig, f"compare_{key}", panel.title, "Bars are one standard error.")


def _from_zero(axes: Axes) -> None:
    """Let the axis of the concentration begin at 0, with room for the last marker."""
    axes.set_xlim(0.0, max(axes.get_xlim()[1], 1.05 * axes.dataLim.x1))


def series_plots(points: Sequence[SeriesPoint]) -> dict[str, list[Plot]]:
    """Return the plots that the points have data for, by their subject."""
    plots: dict[str, list[Plot]] = {}
    groups = _lines(points)
    for panel in PANELS:
        with figure() as (fig, axes):
            drawn = [_draw_line(axes, line, panel.scale, groups) for line in panel.lines]
            if not any(drawn):
                continue
            caption = "Bars are one standard error."
            caption += _draw_measured(axes, panel, points, groups)
            _from_zero(axes)
            axes.set_ylim(bottom=0)
            axes.set_xlabel("concentration (mol/L)")
            axes.set_ylabel(panel.label)
            axes.legend(loc="best")
            plot = finish(fig, panel.name, panel.title, caption)
            plots.setdefault(panel.subject, []).append(plot)
    return plots
