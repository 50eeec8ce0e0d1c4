"""Why a value on the page is not available."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults

# Reasons of values that no warning is about: the end of the path, and what to say.
_REASONS = (
    ("experiment_S_per_m", "not measured: known for aqueous KOH, 0-12 mol/L and 0-100 °C"),
    (
        "intermittent_ps",
        "the survival function does not fall to 1/e within the longest lag of this run",
    ),
    ("continuous_ps", "no bond, pair or stay was seen to end in this run"),
    ("viscosity", "no pressure record (NAME.pressure.txt) was read"),
    ("residence_time_ps", "no hop was seen"),
    ("hop_length_A", "no hop was seen"),
    ("D_from_hops_m2_per_s", "too few hops in a row, or no vehicular part, to calculate it"),
    ("barrier_kT", "no proton was seen at δ = 0, or too few"),
    ("hydroxide_bonds_bridged_fraction", "no hydrogen bond between two hydroxide ions was seen"),
    ("lifetime_ps", "none was seen to end in this run"),
    ("first_peak_stderr_A", "too few frames"),
)
OTHERWISE = "the trajectory lacks the data that it needs"


def _about(quantity: str, path: list[str]) -> bool:
    """Return whether a warning is about a path: its words come in the path, in this order."""
    rest = iter(path)
    return all(word in rest for word in quantity.split("."))


def why_missing(results: AnalysisResults, path: str) -> tuple[str, str]:
    """Return the reason why a value is null, and the place of the page that has more.

    Args:
        results: whose value it is.
        path: of the value in ``results.json``, levels joined by ``/``.
    """
    words = path.split("/")
    if words[0] == "viscosity":
        words = ["diffusion", *words]
    found = [
        (len(warning.quantity), index)
        for index, warning in enumerate(results.warnings)
        if _about(warning.quantity, words)
    ]
    if found:
        _, index = max(found)
        return results.warnings[index].reason, f"#warning-{index}"
    reason = next((text for end, text in _REASONS if path.endswith(end)), OTHERWISE)
    return reason, "#definitions"
