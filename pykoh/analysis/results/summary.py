"""Results as a short table for the terminal."""

from __future__ import annotations

from pykoh.analysis.common.estimate_views import terminal
from pykoh.analysis.common.wording import counted
from pykoh.analysis.results import AnalysisResults


def summary(results: AnalysisResults) -> str:
    """Return the main numbers with their standard errors, and the warnings."""
    lines = _input(results)
    for output in (*results.outputs().values(), *results.custom_outputs().values()):
        lines += output.lines
    if results.warnings:
        lines += ["", "Warnings"]
        by_reason: dict[str, list[str]] = {}
        for warning in results.warnings:
            by_reason.setdefault(warning.reason, []).append(warning.quantity)
        lines += [f"  {', '.join(names)}: {reason}" for reason, names in by_reason.items()]
    return "\n".join(lines)


def _input(results: AnalysisResults) -> list[str]:
    given = results.input
    interval = "" if given.frame_interval_ps is None else f" of {given.frame_interval_ps:g} ps"
    kelvin = terminal(given.temperature)
    if given.temperature is not None and not given.temperature.stderr:
        kelvin = f"{given.temperature.value:g}"  # as the user gave it
    if given.temperature_source == "record":
        kelvin = f"{given.temperature_K:.4g} K (from NAME.pressure.txt)"
    else:
        kelvin = f"{kelvin} K"
    lines = [] if not given.drifts else [f"NOT IN EQUILIBRIUM: {not_in_equilibrium(results)}", ""]
    return [
        *lines,
        f"{given.n_koh} {given.cation}OH + {given.n_h2o} H2O, "
        f"{given.molarity_mol_per_L:.3g} mol/L, {kelvin}; "
        f"{counted(given.n_frames, 'frame')}{interval}, {given.duration_ps:.4g} ps",
    ]


def not_in_equilibrium(results: AnalysisResults) -> str:
    """Return the sentence on top of everything for a run that drifts at first; else empty."""
    return next(iter(results.reasons("input.equilibration")), "")
