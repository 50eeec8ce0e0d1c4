"""Self-diffusion coefficients of all species, in the box and at infinite size.

Einstein: <|r(t) - r(0)|²> = 6 D t in three dimensions, 2 D t in each; slopes here are those of the
3D displacement, so D = slope / 6.

Yeh and Hummer, J. Phys. Chem. B 108 (2004) 15873, doi:10.1021/jp0477147: in a cubic periodic box
of edge L, D∞ = D + ξ kB T / (6 π η L), ξ = 2.837297.
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.constants import BOLTZMANN_J_PER_K, M2_PER_S
from pykoh.analysis.correlator import Displacements
from pykoh.analysis.fitting import choose_fit, curve
from pykoh.analysis.results import (
    AnalysisWarning,
    Diffusion,
    DisplacementCurve,
    FloatArray,
    SpeciesDiffusion,
)

YEH_HUMMER_XI = 2.837297
NEARLY_CUBIC = 1.05
"""Longest edge over smallest height of a cell that the Yeh-Hummer correction is used for."""

EMPTY_CURVE = DisplacementCurve(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def yeh_hummer_m2_per_s(temperature_K: float, viscosity_mPa_s: float, edge_A: float) -> float:
    """Return what the periodic images of a cubic box of edge ``edge_A`` Å take from D, m²/s."""
    return (
        YEH_HUMMER_XI
        * BOLTZMANN_J_PER_K
        * temperature_K
        / (6.0 * np.pi * viscosity_mPa_s * 1e-3 * edge_A * 1e-10)
    )


def finite_size_correction(
    cell_A: FloatArray, temperature_K: float | None, viscosity_mPa_s: float | None
) -> tuple[float | None, str | None]:
    """Return the Yeh-Hummer correction (m²/s), or None and the reason.

    Args:
        cell_A: [3, 3], Å, cell vectors in rows.
        temperature_K: K, or None if unknown.
        viscosity_mPa_s: mPa·s, or None if unknown.
    """
    if viscosity_mPa_s is None:
        return None, "needs the viscosity of the solution: --viscosity MPAS (mPa·s)"
    if temperature_K is None:
        return None, "needs the temperature: --temperature K, or velocities in the dump"
    edges = np.linalg.norm(cell_A, axis=1)
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell_A), axis=0)
    if edges.max() / heights.min() > NEARLY_CUBIC:
        return None, "the Yeh-Hummer correction holds for cubic boxes; this one is not"
    edge = float(abs(np.linalg.det(cell_A)) ** (1.0 / 3.0))
    return yeh_hummer_m2_per_s(temperature_K, viscosity_mPa_s, edge), None


def diffusion(
    displacements: dict[str, Displacements | None],
    interval_ps: float | None,
    n_frames: int,
    correction: tuple[float | None, str | None],
    viscosity_mPa_s: float | None,
    window_ps: tuple[float, float] | None,
    viscosity_stderr_mPa_s: float | None = None,
) -> tuple[Diffusion, list[AnalysisWarning]]:
    """Return the diffusion coefficients and what is doubtful about them.

    Args:
        displacements: moments of each species; None if the box has none of it.
        interval_ps: time between frames, or None with one frame.
        n_frames: frames of the run.
        correction: from :func:`finite_size_correction`.
        viscosity_mPa_s: mPa·s, for the record.
        window_ps: fit window of the user, or None.
        viscosity_stderr_mPa_s: standard error of the viscosity; None if it was given.
    """
    entries: list[SpeciesDiffusion] = []
    warnings: list[AnalysisWarning] = []
    add, why_not = correction
    add_stderr = None
    if add is not None and viscosity_stderr_mPa_s and viscosity_mPa_s:
        add_stderr = add * viscosity_stderr_mPa_s / viscosity_mPa_s
    if why_not is not None:
        warnings.append(AnalysisWarning("diffusion.D_infinite_m2_per_s", why_not))
    for species, moments in displacements.items():
        name = f"diffusion.{species}"
        if moments is None or interval_ps is None or not len(moments.lag_frames):
            reason = "the box has none" if moments is None else "one frame shows no motion"
            warnings.append(AnalysisWarning(name, reason))
            n = 0.0 if moments is None or not len(moments.n_particles) else moments.n_particles[0]
            entries.append(
                SpeciesDiffusion(species, float(n), None, None, None, None, None, EMPTY_CURVE)
            )
            continue
        choice = choose_fit(moments, interval_ps, n_frames, window_ps)
        if choice.reason is not None:
            warnings.append(AnalysisWarning(name, choice.reason))
        value = error = infinite = infinite_error = None
        if choice.fit is not None:
            value = choice.fit.slope_A2_per_ps / 6.0 * M2_PER_S
            error = choice.fit.slope_stderr_A2_per_ps / 6.0 * M2_PER_S
            # Hops do not drag the liquid along: the correction is for motion with the oxygens.
            if add is not None and species != "OH-_structural":
                infinite, infinite_error = value + add, float(np.hypot(error, add_stderr or 0.0))
        entries.append(
            SpeciesDiffusion(
                species=species,
                n_particles=float(moments.n_particles[0]),
                D_m2_per_s=value,
                stderr_m2_per_s=error,
                D_infinite_m2_per_s=infinite,
                D_infinite_stderr_m2_per_s=infinite_error,
                fit=choice.fit,
                msd=curve(moments, interval_ps, n_frames),
            )
        )
    if add is not None:
        warnings.append(
            AnalysisWarning(
                "diffusion.OH-_structural.D_infinite_m2_per_s",
                "hops do not drag the liquid along, so the finite-size correction is not for them",
            )
        )
    cross = None
    if interval_ps is not None:
        cross = cross_term(displacements, entries, interval_ps, n_frames)
    return (
        Diffusion(
            tuple(entries),
            viscosity_mPa_s,
            add,
            None if cross is None else cross[0],
            None if cross is None else cross[1],
            None,
            add_stderr,
        ),
        warnings,
    )


def cross_term(
    displacements: dict[str, Displacements | None],
    entries: list[SpeciesDiffusion],
    interval_ps: float,
    n_frames: int,
) -> tuple[float, float] | None:
    """Return what the vehicular and the structural part of OH- have in common, m²/s, and its error.

    2 <Δr_v · Δr_s> = <Δr²> - <Δr_v²> - <Δr_s²>, from three slopes in the window of OH-. They are
    taken as independent for the error, which they are not: it is on the safe side where they rise
    and fall together.
    """
    total = next((entry for entry in entries if entry.species == "OH-"), None)
    if total is None or total.fit is None:
        return None
    window = (total.fit.start_ps, total.fit.end_ps)
    slope, variance = total.fit.slope_A2_per_ps, total.fit.slope_stderr_A2_per_ps**2
    for part in ("OH-_vehicular", "OH-_structural"):
        moments = displacements.get(part)
        if moments is None:
            return None
        if not (moments.square > 0).any():
            continue  # no hops: the part is nothing
        fit = choose_fit(moments, interval_ps, n_frames, window).fit
        if fit is None:
            return None
        slope -= fit.slope_A2_per_ps
        variance += fit.slope_stderr_A2_per_ps**2
    return slope / 6.0 * M2_PER_S, float(np.sqrt(variance)) / 6.0 * M2_PER_S
