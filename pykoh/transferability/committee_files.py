"""``committee.json``, ``committee.csv``, the plot and the conclusion of a test of a committee."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from pykoh.files import replacing, write_text
from pykoh.transferability.committee import ORDINARY, CommitteeTest
from pykoh.transferability.errors import Interval
from pykoh.transferability.write import COLOURS, plain

NAMES = ("committee.json", "committee.csv", "committee.png", "committee.svg")


def as_json(test: CommitteeTest) -> dict[str, Any]:
    """Return a test as plain values; intervals: 95 % of a bootstrap over trajectories."""
    correlation = test.rank_correlation
    return {
        "potentials": list(test.names),
        "n_frames": len(test.frames),
        "n_trajectories": test.n_runs,
        "n_atoms": test.n_atoms,
        "error_over_disagreement": plain(test.error_over_sigma),
        "rank_correlation_of_frames": None if correlation is None else plain(correlation),
        "threshold_eV_per_A": plain(test.threshold_eV_per_A),
        "threshold_share_of_frames": ORDINARY,
        "bins": [
            {
                "disagreement_low_eV_per_A": round(each.low_eV_per_A, 5),
                "disagreement_high_eV_per_A": round(each.high_eV_per_A, 5),
                "n_atoms": each.n_atoms,
                "disagreement_eV_per_A": round(each.sigma_eV_per_A, 5),
                "error_eV_per_A": plain(each.error_eV_per_A),
            }
            for each in test.bins
        ],
        "flag_eV_per_A": test.flag_eV_per_A,
        "n_flagged": test.n_flagged,
        "force_rmse_of_flagged_eV_per_A": _rounded(test.flagged_rmse_eV_per_A),
        "force_rmse_of_others_eV_per_A": _rounded(test.other_rmse_eV_per_A),
        "conclusion": conclusion(test),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def as_csv(test: CommitteeTest) -> str:
    """Return a line for each frame."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(
        (
            "run",
            "molarity_mol_per_L",
            "largest_disagreement_eV_per_A",
            "largest_error_eV_per_A",
            "force_rmse_eV_per_A",
        )
    )
    for frame in test.frames:
        rows.writerow(
            (
                frame.run,
                f"{frame.molarity_mol_per_L:.4f}",
                f"{frame.largest_sigma_eV_per_A:.4f}",
                f"{frame.largest_error_eV_per_A:.4f}",
                f"{frame.force_rmse_eV_per_A:.5f}",
            )
        )
    return out.getvalue()


def conclusion(test: CommitteeTest) -> str:
    """Return what the committee is good for."""
    ratio, first = test.error_over_sigma, test.names[0]
    text = f"The force error of {first} is {_text(ratio, 2)} times the disagreement"
    if ratio.low > 1:
        text += ": the committee underestimates it."
    elif ratio.high < 1:
        text += ": the committee overestimates it."
    else:
        text += ": on average they are equal."
    if len(test.bins) > 1:
        low, high = test.bins[0], test.bins[-1]
        text += (
            f" On the {100 / len(test.bins):.0f} % of the atoms with the smallest disagreement the "
            f"error is {_milli(low.error_eV_per_A)}, on those with the largest "
            f"{_milli(high.error_eV_per_A)} meV/Å."
        )
    correlation = test.rank_correlation
    if correlation is not None:
        finds = correlation.low > 0
        text += (
            f" Frames with a larger disagreement {'have' if finds else 'do not certainly have'} "
            f"larger errors (rank correlation {_text(correlation, 2)})."
        )
    text += (
        f" The largest disagreement of {100 * ORDINARY:.0f} % of the frames is below "
        f"{_text(test.threshold_eV_per_A, 2)} eV/Å: a campaign with flag_eV_per_A of that size "
        "keeps frames that are unlike these."
    )
    if test.n_runs < 3:
        text += " The frames are from fewer than three trajectories: the intervals are too narrow."
    return text


def _text(value: Interval, digits: int) -> str:
    return f"{value.value:.{digits}f} ({value.low:.{digits}f} to {value.high:.{digits}f})"


def _milli(value: Interval) -> str:
    return f"{1e3 * value.value:.0f} ({1e3 * value.low:.0f} to {1e3 * value.high:.0f})"


def write(test: CommitteeTest, folder: Path) -> list[Path]:
    """Write all files of a test into a folder and return them."""
    paths = [folder / name for name in NAMES]
    write_text(paths[0], json.dumps(as_json(test), indent=2) + "\n")
    write_text(paths[1], as_csv(test))
    figure = _figure(test)
    for path in paths[2:]:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=160, format=path.suffix[1:])
    return paths


def _figure(test: CommitteeTest) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    atoms, frames = figure.subplots(1, 2)
    _draw_bins(atoms, test)
    _draw_frames(frames, test)
    return figure


def _draw_bins(axes: Any, test: CommitteeTest) -> None:
    x = 1e3 * np.array([each.sigma_eV_per_A for each in test.bins])
    y, low, high = (
        1e3 * np.array([getattr(each.error_eV_per_A, name) for each in test.bins])
        for name in ("value", "low", "high")
    )
    bars = np.maximum([y - low, high - y], 0.0)
    axes.errorbar(x, y, yerr=bars, marker="o", capsize=3, color=COLOURS[0], ls="none")
    limit = 1.08 * max(x.max(), high.max())
    axes.plot([0, limit], [0, limit], color="grey", lw=1, ls="--")
    axes.annotate(
        "error = disagreement",
        (0.5 * limit, 0.5 * limit),
        xytext=(6, -4),
        textcoords="offset points",
        va="top",
        color="grey",
        fontsize=8,
    )
    axes.set(
        xlim=(0, limit),
        ylim=(0, limit),
        xlabel="disagreement (meV/Å)",
        ylabel=f"force error of {test.names[0]} (meV/Å)",
        title=f"atoms, {len(test.bins)} groups by disagreement",
    )


def _draw_frames(axes: Any, test: CommitteeTest) -> None:
    molarity = np.array([frame.molarity_mol_per_L for frame in test.frames])
    x = np.array([frame.largest_sigma_eV_per_A for frame in test.frames])
    y = 1e3 * np.array([frame.force_rmse_eV_per_A for frame in test.frames])
    dots = axes.scatter(x, y, c=molarity, cmap="cividis", s=22, edgecolor="black", linewidth=0.4)
    # A threshold far beyond all frames would leave them no room.
    shown = [(test.threshold_eV_per_A.value, f"{100 * ORDINARY:.0f} % of the frames", "--")]
    if test.flag_eV_per_A < 2 * x.max():
        shown.append((test.flag_eV_per_A, "flag_eV_per_A", ":"))
    for place, label, style in shown:
        axes.axvline(place, color="grey", lw=1, ls=style, label=label)
    axes.set(
        xlim=(0, None),
        ylim=(0, None),
        xlabel="largest disagreement of a frame (eV/Å)",
        ylabel=f"force RMSE of {test.names[0]} (meV/Å)",
        title="frames",
    )
    axes.legend(frameon=False, fontsize=8)
    axes.figure.colorbar(dots, ax=axes, label="mol/L")
