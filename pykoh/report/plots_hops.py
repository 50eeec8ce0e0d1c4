"""The plots of what happens around a hop: survival, solvation, free energy, dump interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pykoh.analysis.common.wording import plain
from pykoh.analysis.results import AnalysisResults, Grotthuss, HydrogenBonds, SurvivalCurve
from pykoh.report import names
from pykoh.report.canvas import COLOUR, SMALL, Plot, figure, finish
from pykoh.report.plots import thin

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEWEST_HOPS = 10  # fewer make a picture of noise


def _draw_survival(axes: Axes, curve: SurvivalCurve, colour: str, label: str) -> None:
    """Draw C(t) as a line with its band and S(t) dashed."""
    t, c = curve.lag_ps, curve.intermittent
    if len(t):
        error = np.nan_to_num(curve.intermittent_stderr)
        axes.fill_between(
            t, np.maximum(c - error, 0), np.minimum(c + error, 1), color=COLOUR[colour],
            alpha=0.2, linewidth=0,
        )  # fmt: skip
        axes.plot(t, c, "-", color=COLOUR[colour], label=label)
    s, share = curve.time_ps, curve.continuous
    later = s > 0
    if later.any():
        keep = thin(s[later], logarithmic=True)
        axes.plot(s[later][keep], share[later][keep], "--", color=COLOUR[colour], linewidth=1.1)


_SURVIVAL = (
    "Lines: there at the beginning and at the end, whatever happened between (intermittent); "
    "the band is one standard error. Dashes: without a break (continuous)."
)


def residence(results: AnalysisResults) -> Plot | None:
    """Plot how long hydroxides stay on an oxygen, and by another hydroxide."""
    stay = results.grotthuss.residence
    if stay is None or not len(stay.lag_ps):
        return None
    with figure() as (fig, axes):
        _draw_survival(axes, stay, "vermillion", "OH⁻ on its oxygen")
        pairs = results.structure.hydroxide_pairs
        if pairs is not None and pairs.survival is not None and len(pairs.survival.lag_ps):
            _draw_survival(axes, pairs.survival, "blue", "two OH⁻ together")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("time (ps)")
        axes.set_ylabel("share still there")
        axes.legend(loc="lower left")
        title = "How long OH⁻ stays on an oxygen, and by another"
        return finish(fig, "residence", title, _SURVIVAL)


def bond_survival(bonds: HydrogenBonds) -> Plot | None:
    """Plot how long hydrogen bonds last."""
    colours = ("vermillion", "blue", "green", "ink")
    if all(entry.survival is None for entry in bonds.classes):
        return None
    with figure() as (fig, axes):
        for entry, colour in zip(bonds.classes, colours, strict=True):
            if entry.survival is not None:
                _draw_survival(axes, entry.survival, colour, names.bond(entry.name))
        axes.set_xscale("log")
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("time (ps)")
        axes.set_ylabel("share of bonds still there")
        axes.legend(loc="upper right")
        return finish(fig, "bond_survival", "How long hydrogen bonds last", _SURVIVAL)


def presolvation(grotthuss: Grotthuss) -> Plot | None:
    """Plot the hydrogen bonds of the ion before and after a hop."""
    around = grotthuss.presolvation
    if around is None or len(around.lag_ps) < 3 or around.n_hops < _FEWEST_HOPS:
        return None
    with figure() as (fig, axes):
        for y, error, colour, dash, label in (
            (around.accepted, around.accepted_stderr, "vermillion", "-", "accepted by OH⁻"),
            (around.accepted_by_target, around.accepted_by_target_stderr, "blue", "--",
             "accepted by its next oxygen"),
            (around.donated, around.donated_stderr, "green", "-.", "donated by OH⁻"),
        ):  # fmt: skip
            axes.fill_between(
                around.lag_ps, y - error, y + error, color=COLOUR[colour], alpha=0.2, linewidth=0
            )
            axes.plot(around.lag_ps, y, dash, color=COLOUR[colour], label=label)
        axes.axvline(0, color=COLOUR["ink"], linewidth=0.8, linestyle=":")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("time after the hop (ps)")
        axes.set_ylabel("hydrogen bonds")
        axes.legend(loc="best")
        return finish(
            fig,
            "presolvation",
            "Hydrogen bonds around a hop",
            f"Mean of {around.n_hops} net hops; bands are one standard error. Before the hop the "
            "next oxygen is a water molecule. If it already accepts as many bonds as OH⁻ before "
            "the transfer, its solvation had prepared the hop.",
        )


def free_energy(grotthuss: Grotthuss) -> list[Plot]:
    """Plot the free energy along the transfer of the proton, and the map with r(OO)."""
    profile = grotthuss.proton_transfer
    if profile is None:
        return []
    known = np.isfinite(profile.free_energy_kT)
    plots = []
    if known.sum() >= 3:
        with figure() as (fig, axes):
            x, y = profile.delta_A[known], profile.free_energy_kT[known]
            error = np.nan_to_num(profile.stderr_kT[known])
            x = np.concatenate([-x[::-1], x])
            y, error = np.concatenate([y[::-1], y]), np.concatenate([error[::-1], error])
            axes.fill_between(x, y - error, y + error, color=COLOUR["blue"], alpha=0.22,
                              linewidth=0)  # fmt: skip
            axes.plot(x, y, "-", color=COLOUR["blue"])
            axes.set_ylim(bottom=min(0.0, float((y - error).min())))
            axes.set_xlabel("δ = r(H–O*) − r(H–Ow) (Å)")
            axes.set_ylabel("free energy (kT)")
            plots.append(
                finish(
                    fig,
                    "proton_transfer",
                    "Free energy of the transfer",
                    "−ln P of the proton that is nearest to a transfer, for each OH⁻. At δ = 0 "
                    "it is shared; the profile is symmetric by definition. The band is one "
                    "standard error.",
                )
            )
    if np.isfinite(profile.map_kT).sum() >= 10:
        with figure() as (fig, axes):
            half = profile.map_kT
            both = np.concatenate([half[::-1], half])
            delta = np.concatenate([-profile.delta_A[::-1], profile.delta_A])
            levels = np.arange(0.0, np.ceil(np.nanmax(both)) + 0.5, 0.5)
            shown = axes.contourf(delta, profile.r_A, both.T, levels=levels, cmap="cividis_r")
            shown.set_edgecolor("face")
            bar = fig.colorbar(shown, ax=axes)
            bar.set_label("free energy (kT)")
            rows, columns = np.isfinite(half).any(axis=1), np.isfinite(half).any(axis=0)
            widest = float(profile.delta_A[rows].max()) + 0.05
            axes.set_xlim(-widest, widest)
            r = profile.r_A[columns]
            axes.set_ylim(float(r.min()) - 0.05, float(r.max()) + 0.05)
            axes.set_xlabel("δ (Å)")
            axes.set_ylabel("r(O*–Ow) (Å)")
            plots.append(
                finish(
                    fig,
                    "proton_transfer_map",
                    "Transfer and O–O distance",
                    "−ln P of δ and r(OO). The proton is transferred where both oxygens are close.",
                )
            )
    return plots


def dump_interval(grotthuss: Grotthuss) -> Plot | None:
    """Plot the rates that a longer dump interval would have shown."""
    found = grotthuss.intervals
    if found is None or len(found.interval_ps) < 2 or not (found.transfer_rate_per_ps > 0).any():
        return None
    with figure() as (fig, axes):
        fs = 1000 * found.interval_ps
        axes.errorbar(fs, found.hop_rate_per_ps, yerr=found.hop_rate_stderr_per_ps, fmt="o-",
                      color=COLOUR["vermillion"], capsize=3, markersize=4,
                      label="net hops")  # fmt: skip
        axes.plot(fs, found.transfer_rate_per_ps, "s--", color=COLOUR["blue"], markersize=4,
                  label="all transfers")  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks(fs, [plain(value, 3) for value in fs])
        axes.set_xticks([], minor=True)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("time between frames (fs)")
        axes.set_ylabel("events per OH⁻ (1/ps)")
        axes.legend(loc="best")
        return finish(
            fig,
            "dump_interval",
            "Would a longer dump interval be enough?",
            "Rates from every 2nd, 4th … frame of this run. Where the rate of net hops does not "
            "fall, the interval is short enough.",
        )


def angle_maps(bonds: HydrogenBonds) -> list[Plot]:
    """Plot, for each class, where an H is relative to an acceptor."""
    grid = bonds.angle_map
    if grid is None:
        return []
    plots = []
    for k, entry in enumerate(bonds.classes):
        density = grid.density[k]
        if density.sum() <= 0:
            continue
        middle = 0.5 * (grid.angle_deg[1:] + grid.angle_deg[:-1])
        r = 0.5 * (grid.r_A[1:] + grid.r_A[:-1])
        with figure(SMALL) as (fig, axes):
            shown = axes.contourf(r, middle, density.T, levels=12, cmap="cividis")
            shown.set_edgecolor("face")
            axes.axvline(bonds.max_distance_A, color="white", linewidth=0.9, linestyle="--")
            axes.axhline(bonds.max_angle_deg, color="white", linewidth=0.9, linestyle="--")
            axes.set_ylim(0, 90)
            axes.set_xlabel("r(DA) (Å)")
            axes.set_ylabel("angle H–D–A (°)")
            axes.set_title(names.bond(entry.name))
            stem = entry.name.replace("-", "").replace("_", "_to_")
            plots.append(finish(fig, f"bond_map_{stem}", names.bond(entry.name), ""))
    return plots


def viscosity(results: AnalysisResults) -> Plot | None:
    """Plot the running Green-Kubo integral."""
    found = results.diffusion.viscosity
    if found is None or len(found.time_ps) < 3:
        return None
    with figure() as (fig, axes):
        t, y = found.time_ps, found.running_mPa_s
        error = np.nan_to_num(found.running_stderr_mPa_s)
        axes.fill_between(t, y - error, y + error, color=COLOUR["blue"], alpha=0.22, linewidth=0)
        axes.plot(t, y, color=COLOUR["blue"])
        if found.cutoff_ps is not None:
            axes.axvline(found.cutoff_ps, color=COLOUR["ink"], linestyle="--", linewidth=1)
            eta = found.viscosity_mPa_s
            top = 3.0 * (float(y.max()) if eta is None else eta.value)
            axes.set_ylim(min(0.0, float(y.min())), max(top, 1e-3))
            axes.set_xlim(0, min(t[-1], 5 * found.cutoff_ps))
        axes.set_xlabel("upper end of the integral (ps)")
        axes.set_ylabel("viscosity (mPa s)")
        return finish(
            fig,
            "viscosity",
            "Viscosity from the pressure tensor",
            "Running Green–Kubo integral; the band is one standard error. Dashed: where it was "
            "cut.",
        )
