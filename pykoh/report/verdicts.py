"""Whether a value can be trusted, in one word and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.results import AnalysisResults, LineFit
from pykoh.report.values import significant

# A mean-square displacement whose log-log slope is further than this from 1, and further than
# two standard errors, has not reached diffusion.
EXPONENT_TOLERANCE = 0.1
# A relative standard error above this says that the run is too short for the quantity.
RELATIVE_ERROR_LIMIT = 0.25

# A hop rate that changes by more than this when the rattle window is doubled has no plateau.
PLATEAU_TOLERANCE = 0.1

CONVERGED, CAREFUL, SHORT, MISSING = "converged", "use with care", "too short", "not available"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement of one value.

    Attributes:
        label: ``converged``, ``use with care``, ``too short`` or ``not available``.
        reason: why, in plain words; empty if converged.
    """

    label: str
    reason: str

    @property
    def symbol(self) -> str:
        """A mark that does not depend on colour."""
        return {CONVERGED: "✓", CAREFUL: "!", SHORT: "◷", MISSING: "–"}[self.label]

    @property
    def css(self) -> str:
        """The class that colours it."""
        return {CONVERGED: "good", CAREFUL: "care", SHORT: "care", MISSING: "none"}[self.label]


def reasons(results: AnalysisResults, quantity: str) -> tuple[str, ...]:
    """Return the warnings about a quantity, what is below it, and the whole it is part of."""
    found = list(results.reasons(quantity))
    for warning in results.warnings:
        whole = quantity.startswith(warning.quantity + ".")
        if whole and warning.reason not in found:
            found.append(warning.reason)
    return tuple(dict.fromkeys(found))


def judge(
    results: AnalysisResults,
    quantity: str,
    value: float | None,
    stderr: float | None,
    fit: LineFit | None = None,
) -> Verdict:
    """Judge a value from its warnings, its standard error and the line it came from.

    Args:
        results: whose warnings apply.
        quantity: its path in ``results.json``, e.g. ``"diffusion.OH-"``.
        value: the value, or None.
        stderr: its standard error, or None.
        fit: the line through a mean-square displacement that it came from, if any.
    """
    why = reasons(results, quantity)
    if value is None:
        return Verdict(MISSING, why[0] if why else "the trajectory does not hold what it needs")
    if fit is not None:
        away = abs(fit.exponent - 1)
        if away > EXPONENT_TOLERANCE and away > 2 * fit.exponent_stderr:
            kind = "below" if fit.exponent < 1 else "above"
            return Verdict(
                SHORT,
                f"the log–log slope is {significant(fit.exponent, 2)}, {kind} the 1 of diffusion: "
                "run longer",
            )
    if stderr is not None and stderr > RELATIVE_ERROR_LIMIT * abs(value):
        if value == 0:
            return Verdict(SHORT, "nothing was observed in this run")
        percent = significant(100 * stderr / abs(value), 2)
        return Verdict(SHORT, f"standard error of {percent} %: run longer or average replicas")
    if why:
        return Verdict(CAREFUL, why[0])
    if stderr is None:
        return Verdict(CAREFUL, "no standard error could be given")
    return Verdict(CONVERGED, "")


def judge_hops(results: AnalysisResults) -> Verdict:
    """Judge the hop rate, also by how much it depends on the rattle window that was chosen."""
    found = results.grotthuss
    rate = found.hop_rate_per_ps
    verdict = judge(results, "grotthuss.hop_rate_per_ps", rate, found.hop_rate_stderr_per_ps)
    curve = found.rate_vs_window
    window = found.rattle_window_ps
    if verdict.label != CONVERGED or curve is None or not rate:
        return verdict
    inside = [
        index for index, value in enumerate(curve.window_ps) if window < value <= 2.001 * window
    ]
    if not inside:
        return verdict
    change = float(curve.hop_rate_per_ps[inside[-1]]) / rate - 1
    if abs(change) <= PLATEAU_TOLERANCE:
        return verdict
    percent = significant(100 * abs(change), 2)
    direction = "lower" if change < 0 else "higher"
    longer = f"{float(curve.window_ps[inside[-1]]):.3g}"
    return Verdict(
        CAREFUL,
        f"with a rattle window of {longer} ps instead of {window:.3g} ps the rate is {percent} % "
        f"{direction}: quote the window with the rate",
    )
