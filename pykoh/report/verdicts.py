"""Whether a value can be trusted, in one word and one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.wording import counted
from pykoh.analysis.results import AnalysisResults, HydrogenBondClass, LineFit, SpeciesDiffusion
from pykoh.analysis.results.summary import not_in_equilibrium
from pykoh.report.names import species
from pykoh.report.values import quantity as quantity_text
from pykoh.report.values import significant

# A mean-square displacement has reached diffusion where its log-log slope is known to be 1 within
# this: neither it nor its standard error may be further away, or noise would be rewarded.
EXPONENT_TOLERANCE = 0.1
# A relative standard error above this says that the run is too short for the quantity.
RELATIVE_ERROR_LIMIT = 0.25
# One above this is no clean number: its interval of 95 % is wider than ± 20 %.
CLEAN_ERROR_LIMIT = 0.1
# A displacement over the longest lag of the fit must have been seen this many times one after the
# other, and with all particles this many times.
FEWEST_WINDOWS = 3.0
FEWEST_OBSERVATIONS = 30.0
# A share of bonds is an average over states that last as long as the bonds do.
FEWEST_LIFETIMES = 20.0
# A part that makes up less than this of the whole does not decide on its verdict.
SMALL_PART = 0.25
# Two routes to one value that are further apart than so many standard errors disagree.
AGREE = 2.0

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
    estimate: Estimate | None,
    fit: LineFit | None = None,
    n_particles: float | None = None,
) -> Verdict:
    """Judge a value from its warnings, its standard error and the line it came from.

    More noise never makes a verdict better.

    Args:
        results: whose warnings apply.
        quantity: its path in ``results.json``, e.g. ``"diffusion.OH-"``.
        estimate: the value, or None.
        fit: the line through a mean-square displacement that it came from, if any.
        n_particles: particles behind that line, if it is known.
    """
    why = reasons(results, quantity)
    if estimate is None:
        return Verdict(MISSING, why[0] if why else "the trajectory lacks the data that it needs")
    value, stderr = estimate.value, estimate.stderr
    short = _short(value, stderr)
    if fit is not None:
        observed = _observed(results.input.duration_ps, fit, n_particles)
        short = _not_diffusive(fit) or observed or short
    if short:
        return Verdict(SHORT, short)
    if not_in_equilibrium(results):
        return Verdict(CAREFUL, "the run does not begin in equilibrium: see the top of the page")
    if why:
        return Verdict(CAREFUL, why[0])
    if stderr is None:
        return Verdict(CAREFUL, "no standard error could be given")
    if stderr > CLEAN_ERROR_LIMIT * abs(value):
        return Verdict(CAREFUL, f"standard error of {_percent(stderr, value)}")
    return Verdict(CONVERGED, "")


def _percent(stderr: float, value: float) -> str:
    return f"{significant(100 * stderr / abs(value), 2)} %"


def _short(value: float, stderr: float | None) -> str:
    """Return why the error says that the run is too short, or nothing."""
    if stderr is None or stderr <= RELATIVE_ERROR_LIMIT * abs(value):
        return ""
    if value == 0:
        return "nothing was observed in this run"
    return f"standard error of {_percent(stderr, value)}: run longer or average replicas"


def _not_diffusive(fit: LineFit) -> str:
    """Return why a displacement has not been shown to be diffusion, or nothing."""
    exponent = fit.exponent.value
    away, known = abs(exponent - 1), fit.exponent.stderr or 0.0
    if away <= EXPONENT_TOLERANCE and known <= EXPONENT_TOLERANCE:
        return ""
    slope = quantity_text(fit.exponent)
    if away > EXPONENT_TOLERANCE:
        kind = "below" if exponent < 1 else "above"
        return f"the log–log slope is {slope}, {kind} the 1 of diffusion: run longer"
    return f"the log–log slope is {slope}, too uncertain to tell diffusion (1): run longer"


def _observed(duration_ps: float, fit: LineFit, n_particles: float | None) -> str:
    """Return why a displacement was not seen often enough, or nothing."""
    windows = duration_ps / fit.end_ps if fit.end_ps > 0 else 0.0
    if n_particles is None:
        return ""
    if windows < FEWEST_WINDOWS:
        return (
            f"the run is only {significant(windows, 2)} times as long as the displacements that "
            "were fitted: run longer"
        )
    if windows * n_particles < FEWEST_OBSERVATIONS:
        return (
            f"{counted(n_particles, 'particle')} in {significant(windows, 2)} windows of "
            f"{significant(fit.end_ps, 2)} ps are too few: run longer, or a larger box"
        )
    return ""


_RANK = {CONVERGED: 0, CAREFUL: 1, SHORT: 2, MISSING: 3}


def worst(verdicts: Iterable[tuple[str, Verdict]]) -> Verdict:
    """Return the worst of verdicts, each with the name of what it is about; first of equals."""
    name, found = max(verdicts, key=lambda pair: _RANK[pair[1].label])
    if not name or not found.reason:
        return found
    return Verdict(found.label, f"{name}: {found.reason}")


def routes_apart(entry: SpeciesDiffusion) -> float | None:
    """Return how far D from displacements and from hops are apart, in standard errors."""
    one, other = entry.D_m2_per_s, entry.from_hops_m2_per_s
    if one is None or other is None or not one.stderr or not other.stderr:
        return None
    return abs(one.value - other.value) / math.hypot(one.stderr, other.stderr)


_PARTS = {
    "OH-": (("OH-_vehicular", "vehicular part"), ("OH-_structural", "structural part")),
    "O": (("H2O", "that of water"),),
}


def judge_diffusion(results: AnalysisResults, entry: SpeciesDiffusion) -> Verdict:
    """Judge D of a species; that of a whole is no better than its larger parts."""

    def own(of: SpeciesDiffusion) -> Verdict:
        path = f"diffusion.{of.species}.D_m2_per_s"
        return judge(results, path, of.D_m2_per_s, of.fit, of.n_particles)

    found = own(entry)
    if entry.species not in _PARTS or entry.D_m2_per_s is None:
        return found
    verdicts = [("", found)]
    apart = routes_apart(entry)
    if apart is not None and apart > AGREE:
        reason = f"D from hops is {significant(apart, 2)} standard errors away"
        verdicts.append(("", Verdict(CAREFUL, reason)))
    for key, name in _PARTS[entry.species]:
        part = results.diffusion.of(key)
        if part is None or part.D_m2_per_s is None:
            continue
        if abs(part.D_m2_per_s.value) >= SMALL_PART * abs(entry.D_m2_per_s.value):
            verdicts.append((name, own(part)))
    return worst(verdicts)


def judge_nernst_einstein(results: AnalysisResults, key: str, estimate: Estimate | None) -> Verdict:
    """Judge a number that is made of the diffusion coefficients of both ions: no better than they.

    Args:
        results: whose ions these are.
        key: its name in ``conductivity`` of ``results.json``.
        estimate: the value, or None.
    """
    found = judge(results, f"conductivity.{key}", estimate)
    if estimate is None:
        return found
    verdicts = [("", found)]
    for name in (f"{results.input.cation}+", "OH-"):
        entry = results.diffusion.of(name)
        if entry is not None and entry.D_m2_per_s is not None:
            verdicts.append((f"D of {species(name)}", judge_diffusion(results, entry)))
    return worst(verdicts)


def judge_bonds(results: AnalysisResults, bonds: HydrogenBondClass) -> Verdict:
    """Judge the share of donors that are bonded, also by how many lifetimes the run is long."""
    path = f"hydrogen_bonds.{bonds.name}.fraction_of_donors_bonded"
    share = bonds.fraction_of_donors_bonded
    found = judge(results, path, share)
    if share is not None and share.upper_limit is not None:
        return Verdict(SHORT, "no such bond was seen; the limit holds in 95 of 100 runs")
    if share is None or share.value == 0.0 or _RANK[found.label] >= _RANK[SHORT]:
        return found
    lasts = None if bonds.survival is None else bonds.survival.intermittent_ps
    if bonds.survival is not None and lasts is None:
        return Verdict(SHORT, "such bonds last longer than this run can show: run longer")
    if lasts is None:
        return found
    lifetimes = results.input.duration_ps / lasts.value
    if lifetimes >= FEWEST_LIFETIMES:
        return found
    return Verdict(
        SHORT,
        f"the run is only {significant(lifetimes, 2)} times as long as the intermittent lifetime "
        "of such a bond: run longer",
    )


def judge_hops(results: AnalysisResults) -> Verdict:
    """Judge the hop rate, also by how much it depends on the rattle window that was chosen."""
    found = results.grotthuss
    rate = found.hop_rate_per_ps
    verdict = judge(results, "grotthuss.hop_rate_per_ps", rate)
    curve = found.rate_vs_window
    window = found.rattle_window_ps
    if verdict.label != CONVERGED or curve is None or rate is None or rate.value == 0.0:
        return verdict
    inside = [
        index for index, value in enumerate(curve.window_ps) if window < value <= 2.001 * window
    ]
    if not inside:
        return verdict
    change = float(curve.hop_rate_per_ps[inside[-1]]) / rate.value - 1
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
