"""The plots of structure: hydrogen bonds and radial distribution functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pykoh.analysis.results import AnalysisResults, HydrogenBonds, RadialDistribution
from pykoh.report import names
from pykoh.report.canvas import COLOUR, SMALL, Plot, figure, finish
from pykoh.report.plots import thin


def hydrogen_bonds(bonds: HydrogenBonds) -> list[Plot]:
    """Plot, for each class, how many bonds molecules donate and accept."""
    plots = []
    for entry in bonds.classes:
        n = max(len(entry.donor_distribution), len(entry.acceptor_distribution))
        total = np.nansum(entry.donor_distribution) + np.nansum(entry.acceptor_distribution)
        if n == 0 or total <= 0:
            continue
        with figure(SMALL) as (fig, axes):
            for shift, shares, colour, hatch, label in (
                (-0.2, entry.donor_distribution, "sky", "", "donated"),
                (0.2, entry.acceptor_distribution, "vermillion", "///", "accepted"),
            ):
                axes.bar(
                    np.arange(len(shares)) + shift,
                    shares,
                    0.38,
                    label=label,
                    hatch=hatch,
                    facecolor=COLOUR[colour],
                    edgecolor=COLOUR["ink"],
                    linewidth=0.5,
                )
            axes.set_xticks(range(n))
            axes.set_ylim(0, 1.4)  # the legend is above the bars
            axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0])
            axes.set_xlabel("bonds per molecule")
            axes.set_ylabel("share of molecules")
            axes.legend(loc="upper right")
            axes.set_title(names.bond(entry.name))
            stem = entry.name.replace("-", "").replace("_", "_to_")
            plots.append(finish(fig, f"hydrogen_bonds_{stem}", names.bond(entry.name), ""))
    return plots


def _distribution(entry: RadialDistribution, cation: str) -> Plot | None:
    if not len(entry.r_A) or not np.isfinite(entry.g).any():
        return None
    label = names.pair(entry.pair, cation)
    with figure(SMALL) as (fig, axes):
        keep = thin(entry.r_A, logarithmic=False)
        r, g = entry.r_A[keep], entry.g[keep]
        error = np.nan_to_num(entry.g_stderr[keep])
        axes.fill_between(r, np.maximum(g - error, 0), g + error, color=COLOUR["blue"],
                          alpha=0.25, linewidth=0)  # fmt: skip
        axes.plot(r, g, color=COLOUR["blue"], linewidth=1.4)
        axes.axhline(1, color=COLOUR["faint"], linewidth=0.8, zorder=0)
        axes.set_ylim(bottom=0)
        # An intramolecular peak would flatten all the rest; the first peak is the one to see.
        peak = entry.first_peak_g
        if peak is not None and np.nanmax(g) > 3 * max(peak.value, 1.5):
            axes.set_ylim(top=1.35 * max(peak.value, 1.5))
        axes.set_xlim(0, r[-1])
        axes.set_xlabel("r (Å)")
        axes.set_ylabel("g(r)", color=COLOUR["blue"])
        other = axes.twinx()
        other.spines["right"].set_visible(True)
        n = entry.coordination[keep]
        other.plot(r, n, "--", color=COLOUR["vermillion"], linewidth=1.2)
        minimum = entry.first_minimum_A
        if entry.coordination_number is not None and minimum is not None:
            axes.axvline(minimum.value, color=COLOUR["ink"], linestyle=":", linewidth=0.9)
            other.set_ylim(0, max(4 * entry.coordination_number.value, 1e-3))
        else:
            other.set_ylim(bottom=0)
        other.set_ylabel("neighbours within r", color=COLOUR["vermillion"])
        axes.set_title(label)
        return finish(fig, Path(entry.file).stem.replace("*", "star"), label, "")


def distributions(results: AnalysisResults) -> list[Plot]:
    """Plot every g(r) with its running number of neighbours."""
    cation = results.input.cation
    plots = (_distribution(entry, cation) for entry in results.structure.rdfs)
    return [plot for plot in plots if plot is not None]
