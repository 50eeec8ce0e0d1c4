"""``transfer.json``, ``transfer.csv``, the heat map, the learning curve and the conclusion."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pykoh.files import replacing, write_text
from pykoh.transferability.candidates import Candidate
from pykoh.transferability.compare import Comparison, ModelErrors
from pykoh.transferability.errors import Interval
from pykoh.transferability.trainings import TrainingSet, best_probability

# They differ in lightness, and colour-blind readers can distinguish them (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def trained_at(candidate: Candidate | TrainingSet) -> str:
    """Return the training concentrations as text, e.g. ``"6.3"`` or ``"1.7+6.3+12.7"``."""
    if not candidate.molarities_mol_per_L:
        return "unknown"
    return "+".join(f"{m:.3g}" for m in candidate.molarities_mol_per_L)


def plain(value: Interval) -> dict[str, float]:
    """Return an interval as plain values for a JSON file."""
    return {
        "value": round(value.value, 4),
        "stderr": round(value.stderr, 4),
        "low": round(value.low, 4),
        "high": round(value.high, 4),
    }


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values; intervals: 95 % of a bootstrap (see errors)."""
    probability = best_probability(comparison.sets)
    return {
        "elements": list(comparison.elements),
        "test_molarities_mol_per_L": list(comparison.molarities_mol_per_L),
        "models": [
            {
                "model": row.candidate.name,
                "trained_at_mol_per_L": list(row.candidate.molarities_mol_per_L),
                "n_labels": row.candidate.n_labels,
                "label_core_hours": row.candidate.label_core_hours,
                "training_core_hours": row.candidate.training_core_hours,
                "force_rmse_over_concentrations_meV_per_A": plain(row.mean_meV_A),
                "worst_force_rmse_meV_per_A": plain(row.worst_meV_A),
                "tests": [
                    {
                        "molarity_mol_per_L": cell.molarity_mol_per_L,
                        "n_frames": cell.n_frames,
                        "n_trajectories": cell.n_runs,
                        "force_rmse_meV_per_A": plain(cell.force_meV_A),
                        "force_rmse_by_element_meV_per_A": {
                            s: plain(v) for s, v in cell.by_element_meV_A.items()
                        },
                        "energy_rmse_meV_per_atom": plain(cell.energy_meV),
                        "energy_rmse_less_offset_meV_per_atom": plain(cell.energy_spread_meV),
                    }
                    for cell in row.concentrations
                ],
            }
            for row in comparison.rows
        ],
        "training_sets": [
            {
                "trained_at_mol_per_L": list(each.molarities_mol_per_L),
                "n_labels": each.n_labels,
                "models": [comparison.rows[k].candidate.name for k in each.members],
                "force_rmse_over_concentrations_meV_per_A": plain(each.mean_meV_A),
                "probability_best_single_concentration": probability.get(place),
            }
            for place, each in enumerate(comparison.sets)
        ],
        "spread_over_seeds": None
        if comparison.spread is None
        else {
            "stdev_meV_per_A": comparison.spread.stdev_meV_A,
            "degrees_of_freedom": comparison.spread.freedom,
        },
        "conclusion": conclusion(comparison),
    }


def conclusion(comparison: Comparison) -> str:
    """Return the conclusion: which single concentration to label."""
    single = comparison.single
    others = [each for each in single if not each.is_at(single[0])]
    if not others:
        return (
            "No conclusion: a comparison of training concentrations needs at least two models that "
            "were each trained at a single concentration, and at different ones."
        )
    best, following = single[0], others[0]
    first = float(np.mean(best.samples < following.samples))
    text = (
        f"If you can label only one concentration, label {trained_at(best)} mol/L. Its force RMSE "
        f"over all tested concentrations is {_mean_text(best)}. "
        f"The next is {trained_at(following)} mol/L with {_mean_text(following)}; "
        f"the first is better in {100 * first:.0f} % of the bootstrap samples."
    )
    text += f" The difference is {'' if first > 0.975 else 'not '}significant (95 % confidence)."
    spread = comparison.spread
    if spread is None:
        text += (
            " What other seeds would give is not in the intervals: train each concentration with "
            "several --seed, and give all models."
        )
    else:
        text += (
            f" Trainings that differ only in the seed have a standard deviation of "
            f"{spread.stdev_meV_A:.1f} meV/Å ({spread.freedom} degrees of freedom). The intervals "
            "here contain it; those of single models do not."
        )
    many = [each for each in comparison.sets if len(each.molarities_mol_per_L) > 1]
    if many:
        mixed = min(many, key=lambda each: each.mean_meV_A.value)
        text += (
            f" Training at {trained_at(mixed)} mol/L with {mixed.n_labels} labels gives "
            f"{_mean_text(mixed)}."
        )
    alone = [cell for cell in comparison.rows[0].concentrations if cell.n_runs < 2]
    if alone:
        where = ", ".join(f"{cell.molarity_mol_per_L:.3g}" for cell in alone)
        text += (
            f" At {where} mol/L all test frames are from a single trajectory. They are similar, so "
            "the intervals are too narrow."
        )
    if len({row.candidate.n_labels for row in comparison.rows}) > 1:
        text += " The models were trained on different numbers of labels."
    return text


def _mean_text(each: TrainingSet) -> str:
    value = each.mean_meV_A
    text = f"{value.value:.1f} ({value.low:.1f} to {value.high:.1f}) meV/Å"
    return text if len(each.members) == 1 else f"{text}, the mean of {len(each.members)} trainings"


def as_csv(comparison: Comparison) -> str:
    """Return the table, a line for each model and test concentration."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    elements = comparison.elements
    rows.writerow(
        ["model", "trained_at_mol_per_L", "n_labels", "label_core_hours", "training_core_hours"]
        + ["tested_at_mol_per_L", "n_frames", "n_trajectories"]
        + ["force_rmse_meV_per_A", "force_low", "force_high"]
        + [f"force_rmse_{s}_meV_per_A" for s in elements]
        + ["energy_rmse_meV_per_atom", "energy_rmse_less_offset_meV_per_atom"]
    )
    for row in comparison.rows:
        c = row.candidate
        for cell in row.concentrations:
            by = cell.by_element_meV_A
            rows.writerow(
                [c.name, trained_at(c), _known(c.n_labels), _known(c.label_core_hours)]
                + [_known(c.training_core_hours), f"{cell.molarity_mol_per_L:.4f}"]
                + [cell.n_frames, cell.n_runs, f"{cell.force_meV_A.value:.3f}"]
                + [f"{cell.force_meV_A.low:.3f}", f"{cell.force_meV_A.high:.3f}"]
                + [f"{by[s].value:.3f}" if s in by else "" for s in elements]
                + [f"{cell.energy_meV.value:.4f}", f"{cell.energy_spread_meV.value:.4f}"]
            )
    return out.getvalue()


def _known(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def write(comparison: Comparison, folder: Path, learning_curve: bool) -> list[Path]:
    """Write all files of a comparison into a folder and return them."""
    paths = [folder / name for name in ("transfer.json", "transfer.csv")]
    write_text(paths[0], json.dumps(as_json(comparison), indent=2) + "\n")
    write_text(paths[1], as_csv(comparison))
    paths += _draw(folder, "heatmap", lambda figure: _heat_map(figure, comparison), comparison)
    if learning_curve:
        paths += _draw(
            folder, "learning_curve", lambda figure: _learning_curve(figure, comparison), comparison
        )
    return paths


def _draw(folder: Path, name: str, fill: Any, comparison: Comparison) -> list[Path]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = 1.9 + 0.5 * len(comparison.rows) if name == "heatmap" else 4.2
    width = 3.6 + 1.0 * (len(comparison.molarities_mol_per_L) + 1) if name == "heatmap" else 6.4
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    fill(figure)
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    for path in paths:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=160, format=path.suffix[1:])
    return paths


def _label(row: ModelErrors) -> str:
    c = row.candidate
    labels = "" if c.n_labels is None else f", {c.n_labels} labels"
    return f"{c.name}\n({trained_at(c)} mol/L{labels})"


def _heat_map(figure: Any, comparison: Comparison) -> None:
    rows = comparison.rows
    values = np.array(
        [
            [cell.force_meV_A.value for cell in row.concentrations] + [row.mean_meV_A.value]
            for row in rows
        ]
    )
    halves = np.array(
        [
            [0.5 * (c.force_meV_A.high - c.force_meV_A.low) for c in row.concentrations]
            + [0.5 * (row.mean_meV_A.high - row.mean_meV_A.low)]
            for row in rows
        ]
    )
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap="cividis_r", aspect="auto")
    middle = 0.5 * (values.min() + values.max())
    for (i, j), value in np.ndenumerate(values):
        axes.text(
            j,
            i,
            f"{value:.0f} ± {halves[i, j]:.0f}",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if value > middle else "black",
        )
    names = [f"{m:.3g}" for m in comparison.molarities_mol_per_L] + ["all"]
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows], fontsize=8)
    axes.axvline(len(names) - 1.5, color="white", lw=3)
    axes.set(xlabel="tested at (mol/L)", title="force RMSE (meV/Å) ± half of the 95 % interval")
    figure.colorbar(image, ax=axes, label="meV/Å")


def _learning_curve(figure: Any, comparison: Comparison) -> None:
    from matplotlib.ticker import MaxNLocator

    axes = figure.add_subplot()
    groups: dict[str, list[TrainingSet]] = {}
    for each in comparison.sets:
        if each.n_labels is not None:
            groups.setdefault(trained_at(each), []).append(each)
    for k, (name, members) in enumerate(groups.items()):
        members.sort(key=lambda each: each.n_labels or 0)
        x = [each.n_labels for each in members]
        y = np.array([each.mean_meV_A.value for each in members])
        bars = np.array(
            [
                y - [each.mean_meV_A.low for each in members],
                [each.mean_meV_A.high for each in members] - y,
            ]
        )
        style = {"marker": "osD^vP*"[k % 7], "capsize": 3, "color": COLOURS[k % len(COLOURS)]}
        axes.errorbar(x, y, yerr=np.maximum(bars, 0), label=f"{name} mol/L", **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks: Sequence[int] = sorted({r.candidate.n_labels or 0 for r in comparison.rows} - {0})
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="labels trained on", ylabel="force RMSE over all test concentrations (meV/Å)")
    axes.legend(title="trained at", frameon=False)
