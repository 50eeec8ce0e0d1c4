"""Self-diffusion coefficients of all species, in the box and at infinite size.

Einstein: <|r(t) - r(0)|²> = 6 D t in three dimensions, 2 D t in each; slopes here are those of the
3D displacement, so D = slope / 6.

The motion of the hydroxide has two parts: its hops, if they last, and the motion with its oxygens
in between (:mod:`pykoh.analysis.hops.lasting`).

It also has a second route: its vehicular D plus that of its hops, from their rate, length and
correlation (:mod:`pykoh.analysis.transport.hop_walk`). The part that both have in common is left
out.

Yeh and Hummer, J. Phys. Chem. B 108 (2004) 15873, doi:10.1021/jp0477147: in a cubic periodic box
of edge L, D∞ = D + ξ kB T / (6 π η L), ξ = 2.837297.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.constants import BOLTZMANN_J_PER_K, M2_PER_S
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.transport.cross_term import cross_term
from pykoh.analysis.transport.fitting import DEFAULT_EARLIEST_PS, WindowChoice, choose_fit
from pykoh.analysis.transport.hop_walk import HopWalk, too_few_hops
from pykoh.analysis.transport.straight_line import curve, independent_windows
from pykoh.analysis.transport.values import Diffusion, DisplacementCurve, LineFit, SpeciesDiffusion
from pykoh.arrays import FloatArray

YEH_HUMMER_XI = 2.837297
NEARLY_CUBIC = 1.05
"""Longest edge over smallest height of a cell that the Yeh-Hummer correction is used for."""

_DISAGREE = 3.0  # standard errors between the two routes to D(OH-) that are worth a warning

VISCOSITIES = (0.5, 4.0)
"""mPa·s, to say how large the correction may be; round numbers that limit nothing. Water has the
first one at 55 °C (Huber et al., J. Phys. Chem. Ref. Data 38 (2009) 101, doi:10.1063/1.3088050);
for concentrated KOH see Sipos, Hefter and May, J. Chem. Eng. Data 45 (2000) 613,
doi:10.1021/je000019h (up to 14.1 mol/L at 25 °C)."""

EMPTY_CURVE = DisplacementCurve(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def yeh_hummer_m2_per_s(temperature_K: float, viscosity_mPa_s: float, edge_A: float) -> float:
    """Return what the periodic images of a cubic box of edge ``edge_A`` Å take from D, m²/s."""
    return (
        YEH_HUMMER_XI
        * BOLTZMANN_J_PER_K
        * temperature_K
        / (6.0 * np.pi * viscosity_mPa_s * 1e-3 * edge_A * 1e-10)
    )


@dataclass(frozen=True, slots=True)
class SizeCorrection:
    """What a larger box would add to D (Yeh and Hummer).

    Attributes:
        value_m2_per_s: the correction, or None. Its error is that of the viscosity; it has none if
            the viscosity was given.
        viscosity_mPa_s: the viscosity behind it, given or measured; or None.
        reason: why there is none, or None.
    """

    value_m2_per_s: Estimate | None
    viscosity_mPa_s: Estimate | None
    reason: str | None


def finite_size_correction(
    cell_A: FloatArray,
    temperature_K: float | None,
    viscosity_mPa_s: Estimate | None,
) -> SizeCorrection:
    """Return the Yeh-Hummer correction, or the reason why there is none.

    Where the viscosity is unknown, the reason gives the size that it has with viscosities from that
    of water to that of concentrated KOH.

    Args:
        cell_A: [3, 3], Å, cell vectors in rows.
        temperature_K: K, or None if unknown.
        viscosity_mPa_s: mPa·s, given or measured; None if unknown.
    """
    edges = np.linalg.norm(cell_A, axis=1)
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell_A), axis=0)
    cubic = edges.max() / heights.min() <= NEARLY_CUBIC
    edge = float(abs(np.linalg.det(cell_A)) ** (1.0 / 3.0))

    def none(reason: str) -> SizeCorrection:
        return SizeCorrection(None, viscosity_mPa_s, reason)

    if viscosity_mPa_s is None:
        reason = "needs the viscosity of the solution: --viscosity MPAS (mPa·s)"
        if temperature_K is not None and cubic:
            thin, thick = (yeh_hummer_m2_per_s(temperature_K, eta, edge) for eta in VISCOSITIES)
            reason += (
                f"; the correction is {thick:.1e} to {thin:.1e} m²/s for "
                f"{VISCOSITIES[1]:g} to {VISCOSITIES[0]:g} mPa·s"
            )
        return none(reason)
    if temperature_K is None:
        return none("needs the temperature: --temperature K, or velocities in the dump")
    if not cubic:
        return none("the Yeh-Hummer correction holds for cubic boxes; this one is not")
    eta = viscosity_mPa_s
    value = yeh_hummer_m2_per_s(temperature_K, eta.value, edge)
    correction = (
        Estimate.positive(value, value * eta.stderr / eta.value, How.PARTS)
        if eta.stderr
        else Estimate.given(value, "the viscosity was given")
    )
    return SizeCorrection(correction, eta, None)


@dataclass(frozen=True, slots=True)
class DiffusionInput:
    """What the diffusion of all species has in common.

    Attributes:
        interval_ps: time between frames, or None with one frame.
        n_frames: frames of the run.
        window_ps: fit window of the user, or None.
        walk: hops of the hydroxide, or None.
        charge: moments of :func:`pykoh.analysis.transport.conductivity.ion_tracks`, or None.
        shared: by species, the part of the standard error of the slope that particles share, Å²/ps
            (:mod:`pykoh.analysis.transport.waypoints`); 0 for others.
        rattle_window_ps: transfers that lead back within it are no hops.
        n_hops: of all hydroxides; infinite if no proton was transferred.
        lasting: the hops that last, or None.
    """

    interval_ps: float | None
    n_frames: int
    window_ps: tuple[float, float] | None = None
    walk: HopWalk | None = None
    charge: tuple[Displacements, ...] | None = None
    shared: Mapping[str, float] = field(default_factory=dict)
    rattle_window_ps: float = 0.0
    n_hops: float = np.inf
    lasting: HopWalk | None = None

    def too_few(self, earliest_ps: float) -> str | None:
        """Return why hops cannot tell where a fit may begin, or None if they can."""
        if self.walk is not None:
            return self.walk.too_few(earliest_ps)
        return too_few_hops(self.n_hops, self.rattle_window_ps)


_ORDER = ("O", "OH-_vehicular")
_HOPPING = ("OH-", "OH-_structural")
_WATER = ("O", "H", "H2O", "OH-_vehicular")


def _out_of_cage(
    moments: Displacements, oxygens: Displacements, run: DiffusionInput, start: float
) -> float:
    """Return when a few ions have left their cage, ps; at most an eighth of the run.

    That is when they have gone as far as the oxygens had at ``start``, where these began to
    diffuse. Many more of them tell when that is; faster ions get there before.

    Args:
        moments: of the ions.
        oxygens: of all oxygens.
        run: time between frames.
        start: ps.
    """
    assert run.interval_ps is not None
    wanted = float(np.interp(start / run.interval_ps, oxygens.lag_frames, oxygens.square))
    reached = np.flatnonzero(moments.square >= wanted)
    longest = 0.125 * (run.n_frames - 1) * run.interval_ps
    if not len(reached):
        return longest
    return min(float(moments.lag_frames[reached[0]]) * run.interval_ps, longest)


def _dragged(run: DiffusionInput, interval: float) -> float:
    """Return the part of each hop that cations go along, one standard error on the safe side.

    It is the regression of the displacement of all cations on that of all hydroxides over 1 ps,
    when few hops have led back: <ΔJ_+ · ΔJ_-> / <ΔJ_-²>, with the variance of
    :mod:`pykoh.analysis.transport.onsager`, (<ΔJ_+²> <ΔJ_-²> + <ΔJ_+ · ΔJ_->²) / ν.
    """
    if run.charge is None or not len(run.charge[0].lag_frames):
        return 0.0
    lags = run.charge[0].lag_frames.astype(np.float64) * interval
    row = int(np.abs(lags - DEFAULT_EARLIEST_PS).argmin())
    whole, plus, minus = (float(each.square[row]) for each in run.charge)
    if minus <= 0.0:
        return 0.0
    cross = 0.5 * (plus + minus - whole)
    duration = max(run.n_frames - 1, 1) * interval
    freedom = 3.0 * float(independent_windows(lags[row : row + 1], duration, interval)[0])
    stderr = np.sqrt((plus * minus + cross**2) / freedom)
    return min(1.0, float((abs(cross) + stderr) / minus))


def _earliest(
    species: str,
    run: DiffusionInput,
    fits: dict[str, WindowChoice],
    displacements: dict[str, Displacements | None],
) -> float:
    """Return the lag before which the motion of a species is known to remember, ps.

    The hops of a hydroxide remember (:mod:`pykoh.analysis.transport.hop_walk`), and so do cations
    that it drags along; ions rattle in cages.
    """
    earliest = DEFAULT_EARLIEST_PS
    moments, oxygens = displacements[species], displacements.get("O")
    diffusing = fits["O"].fit if "O" in fits else None
    if diffusing is not None and oxygens is not None and moments is not None:
        few = moments.n_particles[0] < 0.5 * oxygens.n_particles[0]
        left = _out_of_cage(moments, oxygens, run, diffusing.start_ps) if few else 0.0
        earliest = max(earliest, left)
    if species in _HOPPING:
        earliest = max(earliest, run.rattle_window_ps)
    if species in _HOPPING and run.walk is not None:
        vehicular = fits["OH-_vehicular"].fit if "OH-_vehicular" in fits else None
        moving = 0.0
        if species == "OH-" and vehicular is not None:
            moving = max(vehicular.slope_A2_per_ps.value / 6.0, 0.0)
        earliest = max(earliest, run.walk.memory_ps(moving))
    elif species not in _WATER and run.walk is not None and run.interval_ps is not None:
        assert moments is not None
        lags = moments.lag_frames * run.interval_ps
        row = int(np.abs(lags - DEFAULT_EARLIEST_PS).argmin())
        part = _dragged(run, run.interval_ps)
        # Over 1 ps few hops have led back, so that what is not the way of hops is the rest.
        whole = float(moments.square[row] / lags[row]) / 6.0
        moving = max(whole - part**2 * run.walk.free(), 0.0)
        earliest = max(earliest, run.walk.memory_ps(moving, part))
    return earliest


def _choices(
    displacements: dict[str, Displacements | None], run: DiffusionInput
) -> tuple[dict[str, WindowChoice], dict[str, float]]:
    """Return the fit of each species that has one, and where it could begin at the earliest."""
    fits: dict[str, WindowChoice] = {}
    earliest: dict[str, float] = {}
    first = [name for name in _ORDER if name in displacements]
    for species in [*first, *(name for name in displacements if name not in first)]:
        moments = displacements[species]
        if moments is None or run.interval_ps is None or not len(moments.lag_frames):
            continue
        earliest[species] = _earliest(species, run, fits, displacements)
        few = run.too_few(earliest[species])
        if few is not None and species in _HOPPING and run.window_ps is None:
            fits[species] = WindowChoice(None, few)
            continue
        fits[species] = choose_fit(
            moments, run.interval_ps, run.n_frames, run.window_ps, earliest[species],
            shared=run.shared.get(species, 0.0),
        )  # fmt: skip
    return fits, earliest


def _from_hops(
    run: DiffusionInput, entries: list[SpeciesDiffusion], carried: WindowChoice | None
) -> tuple[Estimate | None, str | None]:
    """Return D of the hydroxide by its hops (m²/s), and a disagreement.

    Whether hops are enough is decided by all of them. The number of those that last says how far
    the ions went, so a rule about it would leave out slow runs.

    A vehicular part that came out below zero is added as it is: noise about a part near zero, of
    which only the positive half would be a bias.
    """
    whole = next((entry for entry in entries if entry.species == "OH-"), None)
    if run.walk is None or run.lasting is None or whole is None:
        return None, None
    if carried is None or carried.line is None:
        return None, None
    if run.walk.too_few(whole.memory_ps or 0.0) is not None:
        return None, None
    hops, slope = run.lasting.diffusion(), carried.line.slope_A2_per_ps
    value = slope.value / 6.0 * M2_PER_S + M2_PER_S * hops.value
    own = (slope.stderr or 0.0) / 6.0 * M2_PER_S
    stderr = float(np.hypot(M2_PER_S * (hops.stderr or 0.0), own))
    if value <= 0.0:
        return None, None
    found, direct = Estimate.positive(value, stderr, How.PARTS), whole.D_m2_per_s
    if direct is None or direct.stderr is None:
        return found, None
    apart = abs(value - direct.value) / np.hypot(stderr, direct.stderr)
    if apart <= _DISAGREE:
        return found, None
    return found, (
        f"the displacement gives {direct.value:.2e} m²/s, hops and the "
        f"motion of the molecule give {value:.2e} ± {stderr:.1e}: {apart:.1f} standard "
        "errors apart; a longer run would show which is right"
    )


def _coefficients(
    fit: LineFit | None, correction: Estimate | None
) -> tuple[Estimate | None, Estimate | None]:
    """Return D in the box and at infinite size, m²/s; None where there is none.

    Args:
        fit: the line behind D, or None.
        correction: what a larger box adds, m²/s, or None.
    """
    if fit is None:
        return None, None
    slope = fit.slope_A2_per_ps
    value = slope.value / 6.0 * M2_PER_S
    error = (slope.stderr or 0.0) / 6.0 * M2_PER_S
    in_box = Estimate.positive(value, error, How.LINE)
    if correction is None:
        return in_box, None
    infinite_error = float(np.hypot(error, correction.stderr or 0.0))
    return in_box, Estimate.sum(value + correction.value, infinite_error, [in_box, correction])


def diffusion(
    displacements: dict[str, Displacements | None], run: DiffusionInput, correction: SizeCorrection
) -> tuple[Diffusion, list[AnalysisWarning]]:
    """Return the diffusion coefficients and what is doubtful about them.

    Args:
        displacements: moments of each species; None if the box has none of it.
        run: what they have in common.
        correction: to infinite size.
    """
    entries: list[SpeciesDiffusion] = []
    warnings: list[AnalysisWarning] = []
    add = correction.value_m2_per_s
    if correction.reason is not None:
        warnings.append(AnalysisWarning("diffusion.D_infinite_m2_per_s", correction.reason))
    fits, earliest = _choices(displacements, run)
    for species, moments in displacements.items():
        name = f"diffusion.{species}"
        if species not in fits or moments is None or run.interval_ps is None:
            reason = "the box has none" if moments is None else "one frame shows no motion"
            warnings.append(AnalysisWarning(name, reason))
            n = 0.0 if moments is None or not len(moments.n_particles) else moments.n_particles[0]
            entries.append(SpeciesDiffusion(species, float(n), None, None, None, EMPTY_CURVE))
            continue
        choice = fits[species]
        if choice.reason is not None:
            no_hops = species == "OH-_structural" and not moments.square.any()
            reason = "no proton hopped in this run" if no_hops else choice.reason
            warnings.append(AnalysisWarning(name, reason))
        # Hops do not drag the liquid along: the correction is for motion with the oxygens.
        in_box, infinite = _coefficients(choice.fit, None if species == "OH-_structural" else add)
        entries.append(
            SpeciesDiffusion(
                species=species,
                n_particles=float(moments.n_particles[0]),
                D_m2_per_s=in_box,
                D_infinite_m2_per_s=infinite,
                fit=choice.fit,
                msd=curve(
                    moments,
                    run.interval_ps,
                    run.n_frames,
                    run.shared.get(species, 0.0),
                    DEFAULT_EARLIEST_PS,
                ),
                memory_ps=earliest[species],
            )
        )
    if add is not None:
        warnings.append(
            AnalysisWarning(
                "diffusion.OH-_structural.D_infinite_m2_per_s",
                "hops do not drag the liquid along, so the finite-size correction does not apply",
            )
        )
    by_hops, apart = _from_hops(run, entries, fits.get("OH-_vehicular"))
    if apart is not None:
        warnings.append(AnalysisWarning("diffusion.OH-", apart))
    entries = [
        replace(entry, from_hops_m2_per_s=by_hops) if entry.species == "OH-" else entry
        for entry in entries
    ]
    cross = cross_term(displacements, fits.get("OH-"))
    return Diffusion(tuple(entries), correction.viscosity_mPa_s, add, cross), warnings
