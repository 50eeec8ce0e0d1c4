"""The plots of transport: displacements, hops and conductivity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.estimate_views import columns
from pykoh.analysis.results import (
    AnalysisResults,
    DisplacementCurve,
    Grotthuss,
    LineFit,
    SpeciesDiffusion,
)
from pykoh.report import names
from pykoh.report.canvas import COLOUR, Plot, figure, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

# colour and dash of each species; anything else gets the next of the spare ones
_LINES: dict[str, tuple[str, str]] = {
    "OH-": ("vermillion", "-"),
    "OH-_vehicular": ("orange", "--"),
    "OH-_structural": ("green", "-."),
    "H2O": ("blue", "-"),
    "H": ("sky", ":"),
    "O": ("ink", ":"),
}
_CATION_LINE = ("purple", "-")
_MOST_POINTS = 300


def thin(x: FloatArray, logarithmic: bool) -> NDArray[np.int64]:
    """Return indices of at most 300 points of a rising array, evenly spread on its axis."""
    n = len(x)
    if n <= _MOST_POINTS:
        return np.arange(n)
    if logarithmic:
        picked = np.unique(np.round(np.geomspace(1, n, _MOST_POINTS)).astype(int) - 1)
        return picked
    return np.unique(np.round(np.linspace(0, n - 1, _MOST_POINTS)).astype(int))


def _draw_curve(axes: Axes, curve: DisplacementCurve, colour: str, dash: str, label: str) -> bool:
    good = (curve.lag_ps > 0) & np.isfinite(curve.msd_A2) & (curve.msd_A2 > 0)
    lag, msd = curve.lag_ps[good], curve.msd_A2[good]
    if not len(lag):
        return False
    error = np.nan_to_num(curve.stderr_A2[good], nan=0.0, posinf=0.0)
    keep = thin(lag, logarithmic=True)
    lag, msd, error = lag[keep], msd[keep], error[keep]
    axes.plot(lag, msd, dash, color=COLOUR[colour], label=label)
    low = np.maximum(msd - error, 0.02 * msd)
    axes.fill_between(lag, low, msd + error, color=COLOUR[colour], alpha=0.22, linewidth=0)
    return True


def _draw_guide(axes: Axes) -> None:
    """Draw a dotted line of slope 1 across the lower right of log-log axes."""
    (x0, x1), (y0, y1) = axes.get_xlim(), axes.get_ylim()
    start, end = x1 * (x0 / x1) ** 0.42, x1 * (x0 / x1) ** 0.08
    level = y0 * (y1 / y0) ** 0.12
    axes.plot([start, end], [level, level * end / start], ":", color=COLOUR["ink"], linewidth=1)
    axes.annotate("slope 1", (end, level * end / start), xytext=(2, 0),
                  textcoords="offset points", va="center", fontsize=7.5)  # fmt: skip
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)


def _shade(axes: Axes, fit: LineFit | None, label: str) -> None:
    if fit is not None:
        axes.axvspan(fit.start_ps, fit.end_ps, color=COLOUR["shade"], zorder=0, label=label)


def _displacements(
    entries: list[SpeciesDiffusion], name: str, title: str, caption: str
) -> Plot | None:
    with figure() as (fig, axes):
        drawn = False
        for entry in entries:
            colour, dash = _LINES.get(entry.species, _CATION_LINE)
            drawn |= _draw_curve(axes, entry.msd, colour, dash, names.species(entry.species))
        if not drawn:
            return None
        axes.set_xscale("log")
        axes.set_yscale("log")
        fitted = [entry for entry in entries if entry.fit is not None]
        if fitted:
            # One window is shaded: the hydroxide's, where the species differ.
            shown = next((entry for entry in fitted if entry.species == "OH-"), fitted[0])
            windows = {(entry.fit.start_ps, entry.fit.end_ps) for entry in fitted if entry.fit}
            whose = "" if len(windows) == 1 else f" of {names.species(shown.species)}"
            _shade(axes, shown.fit, f"fit window{whose}")
        for entry in entries:
            if (fit := entry.fit) is not None:
                lag = np.geomspace(max(fit.start_ps, 1e-6), fit.end_ps, 40)
                line = fit.intercept_A2 + fit.slope_A2_per_ps.value * lag
                up = line > 0
                axes.plot(lag[up], line[up], "-", color=COLOUR["ink"], linewidth=0.9)
        axes.set_xlabel("lag time (ps)")
        axes.set_ylabel("mean-square displacement (Å²)")
        _draw_guide(axes)
        axes.legend(loc="upper left")
        return finish(fig, name, title, caption)


def displacements(results: AnalysisResults) -> list[Plot]:
    """Plot mean-square displacements: of all species, and the parts of the hydroxide's."""
    species = {entry.species: entry for entry in results.diffusion.species}
    parts = [species.pop(key) for key in ("OH-_vehicular", "OH-_structural") if key in species]
    plots = [
        _displacements(
            [entry for key, entry in species.items() if key not in ("H", "O")],
            "msd",
            "Mean-square displacements",
            "Bands are one standard error; thin lines are the fits that give D, in the shaded "
            "window. A curve parallel to the dotted line has reached diffusion.",
        )
    ]
    if parts and "OH-" in species:
        plots.append(
            _displacements(
                [species["OH-"], *parts],
                "msd_hydroxide",
                "How the hydroxide moves",
                "OH⁻: the ion, followed through its hops. Vehicular part: its motion together with "
                "an oxygen. Structural part: its motion by hops, without those that it takes back "
                "soon. The cross term is the rest.",
            )
        )
    return [plot for plot in plots if plot is not None]


def hop_rate(grotthuss: Grotthuss) -> Plot | None:
    """Plot the hop rate against the window within which a return counts as a rattle."""
    curve = grotthuss.rate_vs_window
    if curve is None or not len(curve.window_ps):
        return None
    with figure() as (fig, axes):
        error = np.nan_to_num(curve.stderr_per_ps)
        keep = thin(curve.window_ps, logarithmic=False)
        x, y, e = curve.window_ps[keep], curve.hop_rate_per_ps[keep], error[keep]
        axes.fill_between(x, np.maximum(y - e, 0), y + e, color=COLOUR["vermillion"], alpha=0.22,
                          linewidth=0)  # fmt: skip
        axes.plot(x, y, "-o", markersize=3, color=COLOUR["vermillion"])
        axes.axvline(grotthuss.rattle_window_ps, color=COLOUR["ink"], linestyle="--", linewidth=1)
        axes.annotate("window used", (grotthuss.rattle_window_ps, 0.98), rotation=90,
                      xycoords=("data", "axes fraction"), xytext=(3, 0), va="top",
                      textcoords="offset points", fontsize=7.5)  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_xlabel("rattle window (ps)")
        axes.set_ylabel("hops per OH⁻ (1/ps)")
        return finish(
            fig,
            "hop_rate",
            "Hop rate against the rattle window",
            "Transfers that lead back within the window are rattles and do not count. Where the "
            "curve is flat, the choice of window does not matter. Elsewhere, quote the window.",
        )


def waiting_times(grotthuss: Grotthuss) -> Plot | None:
    """Plot the distribution of times between hops with its exponential tail."""
    waiting = grotthuss.waiting_times
    if waiting is None or not (waiting.counts > 0).any():
        return None
    with figure() as (fig, axes):
        full = (waiting.counts > 0) & (waiting.density_per_ps > 0)
        low, high = waiting.edges_ps[:-1], waiting.edges_ps[1:]
        centre = np.where(low > 0, np.sqrt(np.maximum(low, 1e-12) * high), high / 2)[full]
        density = waiting.density_per_ps[full]
        error = np.nan_to_num(waiting.density_stderr_per_ps[full])
        below = np.minimum(error, 0.9 * density)
        axes.errorbar(centre, density, yerr=[below, error], fmt="o", markersize=4, capsize=2,
                      color=COLOUR["vermillion"], label="observed")  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        limits = axes.get_ylim()
        if (fit := waiting.fit) is not None:
            t = np.geomspace(max(fit.start_ps, centre.min()), waiting.edges_ps[-1], 100)
            share, slope = fit.amplitude.value, fit.rate_per_ps.value
            tail = share * slope * np.exp(-slope * t)
            label = f"{share:.2g} · λ · exp(−λt), λ = {slope:.2g}/ps"
            axes.plot(t, tail, "-", color=COLOUR["ink"], linewidth=1.2, label=label)
            axes.set_ylim(limits)
        axes.set_xlabel("time between hops of one OH⁻ (ps)")
        axes.set_ylabel("probability density (1/ps)")
        axes.legend(loc="lower left")
        return finish(
            fig,
            "waiting_times",
            "Waiting times between hops",
            "Bars are one standard error. The line is the exponential of independent hops, "
            "fitted to the long times. Points above it at short times are correlated hops.",
        )


def conductivity(results: AnalysisResults) -> list[Plot]:
    """Plot simulated against measured conductivity, and the displacement of charge behind it."""
    found = results.conductivity
    rows = [
        ("Nernst–Einstein\n(independent ions)", *columns(found.nernst_einstein_S_per_m),
         "sky", "s"),
        ("Einstein\n(all charges together)", *columns(found.einstein_S_per_m), "blue", "o"),
        ("experiment\n(Gilliam 2007)", found.experiment_S_per_m, None, "ink", "D"),
    ]  # fmt: skip
    plots = []
    shown = [row for row in rows if row[1] is not None]
    if any(row[0] != rows[2][0] for row in shown):
        with figure((4.7, 2.3)) as (fig, axes):
            for y, (_, value, stderr, colour, marker) in enumerate(shown):
                assert value is not None  # rows without one are not shown
                axes.errorbar([value], [y], xerr=None if stderr is None else [stderr], fmt=marker,
                              color=COLOUR[colour], capsize=3, markersize=6)  # fmt: skip
            if found.experiment_S_per_m is not None:
                axes.axvline(found.experiment_S_per_m, color=COLOUR["ink"], linestyle=":", lw=1)
            axes.set_yticks(range(len(shown)), [row[0] for row in shown])
            axes.set_ylim(len(shown) - 0.4, -0.6)
            axes.set_xlim(left=0)
            axes.set_xlabel("conductivity (S/m)")
            plots.append(
                finish(
                    fig,
                    "conductivity",
                    "Conductivity, simulated and measured",
                    "Bars are one standard error. Nernst–Einstein treats ions as independent; "
                    "Einstein contains their correlations and is what is measured.",
                )
            )
    with figure() as (fig, axes):
        drawn = _draw_curve(axes, found.charge_displacement, "blue", "-", "ions")
        if drawn:
            axes.set_xscale("log")
            axes.set_yscale("log")
            _shade(axes, found.fit, "fit window")
            if (fit := found.fit) is not None:
                lag = np.geomspace(max(fit.start_ps, 1e-6), fit.end_ps, 40)
                line = fit.intercept_A2 + fit.slope_A2_per_ps.value * lag
                axes.plot(lag[line > 0], line[line > 0], color=COLOUR["ink"], linewidth=0.9)
            axes.set_xlabel("lag time (ps)")
            axes.set_ylabel("charge displacement (e² Å²)")
            _draw_guide(axes)
            axes.legend(loc="upper left")
            plots.append(
                finish(
                    fig,
                    "charge_displacement",
                    "Displacement of charge",
                    "Mean-square displacement of the cations minus the OH⁻. Its slope "
                    "gives the Einstein conductivity.",
                )
            )
    return plots
