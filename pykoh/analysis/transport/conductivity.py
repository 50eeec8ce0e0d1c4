r"""Ionic conductivity: Nernst-Einstein, collective (Einstein) and experimental.

Nernst-Einstein, ions that move independently: σ = e² / (V kB T) Σ_i z_i² N_i D_i.

Einstein: σ = lim d<|ΔM|²>/dt · e² / (6 V kB T). M is the displacement of the ions,

    M(t) = Σ r(cations) - Σ r(hydroxides),

each hydroxide along its continuous path through all hops, over periodic boundaries.

Why this is the same limit as that of all charges: an electronic insulator whose atoms keep their
oxidation states has exactly the conductivity of the integer charges H +1, O -2, K +1 (Grasselli
and Baroni, Nat. Phys. 15 (2019) 967, doi:10.1038/s41567-019-0562-0). Group these charges into
water molecules, hydroxides and cations. A water molecule is neutral, and what it adds is its
dipole, which is bounded; a hydroxide is -1 at its oxygen and a bounded vector. Where a proton is
transferred, the charges do not jump, but the grouping changes: the hydroxide is now the other
oxygen, and bounded vectors change with it. So the two displacements differ by something bounded at
all times, and their mean-square displacements have the same slope in the limit (gauge invariance
of transport coefficients, shown for heat by Ercole, Marcolongo, Umari and Baroni, J. Low Temp.
Phys. 185 (2016) 79, doi:10.1007/s10909-016-1617-6). That bounded part is the dipole of water: it
turns for 10 ps and more, and is larger than what the ions add in that time. Without it the slope is
right from some picoseconds on, and known better.

The gauge: the sum over cations and hydroxides weighs +1 and -1, so that a shift of all positions
drops out if there are as many of the one as of the other. Displacements are taken in the frame of
the centre of mass of the box.

Onsager coefficients, the transference number and the Haven ratio follow from the same displacements
(:mod:`pykoh.analysis.transport.onsager`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.constants import BOLTZMANN_J_PER_K, ELEMENTARY_CHARGE_C, M2_PER_S
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.transport.diffusion import EMPTY_CURVE
from pykoh.analysis.transport.fitting import (
    DEFAULT_EARLIEST_PS,
    choose_fit,
)
from pykoh.analysis.transport.onsager import (
    apparent_share,
    haven_ratio,
    onsager,
)
from pykoh.analysis.transport.straight_line import curve
from pykoh.analysis.transport.values import (
    Conductivity,
    DisplacementCurve,
    LineFit,
    OnsagerCoefficient,
    SpeciesDiffusion,
)
from pykoh.arrays import FloatArray

# Molarity and temperature that the data behind experiment() cover.
EXPERIMENT_MOLARITY = (0.0, 12.0)
EXPERIMENT_TEMPERATURE_K = (273.15, 373.15)


def ion_tracks(
    cations: FloatArray, hydroxides: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return M, and the displacements of all cations and of all hydroxides: [n_frames, 1, 3], e·Å.

    Args:
        cations: [n_frames, n_cations, 3], Å, unwrapped.
        hydroxides: [n_frames, n_hydroxides, 3], Å, continuous paths through hops.
    """
    plus: FloatArray = cations.sum(axis=1)[:, None]
    minus: FloatArray = hydroxides.sum(axis=1)[:, None]
    return plus - minus, plus, minus


def nernst_einstein(
    diffusion: list[tuple[float, Estimate]], volume_A3: float, temperature_K: float
) -> Estimate:
    """Return the conductivity of ions that move independently, S/m.

    Args:
        diffusion: number of ions and D (m²/s), for each monovalent ion.
        volume_A3: Å³.
        temperature_K: K.
    """
    factor = ELEMENTARY_CHARGE_C**2 / (volume_A3 * 1e-30 * BOLTZMANN_J_PER_K * temperature_K)
    parts = [d.times(n) for n, d in diffusion]
    value = factor * sum(part.value for part in parts)
    stderr = factor * np.sqrt(sum((part.stderr or 0.0) ** 2 for part in parts))
    # The interval is that of the sum in the unit of its parts.
    to_S_per_m = value / sum(part.value for part in parts)
    return Estimate.sum(value, stderr, [part.times(to_S_per_m) for part in parts])


def einstein_factor(volume_A3: float, temperature_K: float) -> float:
    """Return the conductivity (S/m) of a slope d<|ΔM|²>/dt of 1 e²·Å²/ps.

    The factor 6 is 2 per dimension, as in D = slope / 6.

    Args:
        volume_A3: Å³.
        temperature_K: K.
    """
    # e²·Å²/ps is e²·1e-8 m²/s.
    return (
        ELEMENTARY_CHARGE_C**2
        * 1e-8
        / (6.0 * volume_A3 * 1e-30 * BOLTZMANN_J_PER_K * temperature_K)
    )


def experiment(molarity: float, temperature_K: float) -> float | None:
    """Return the measured conductivity of aqueous KOH, S/m, or None outside its range.

    κ [S/cm] = -2.041 M - 0.0028 M² + 0.005332 M T + 207.2 M/T + 0.001043 M³ - 3e-7 M² T², M in
    mol/L, T in K: Gilliam, Graydon, Kirk and Thorpe, Int. J. Hydrogen Energy 32 (2007) 359,
    doi:10.1016/j.ijhydene.2006.10.062, for 0-12 mol/L and 0-100 °C.
    """
    m, t = molarity, temperature_K
    low, high = EXPERIMENT_TEMPERATURE_K
    if not (EXPERIMENT_MOLARITY[0] < m <= EXPERIMENT_MOLARITY[1] and low <= t <= high):
        return None
    kappa = (
        -2.041 * m
        - 0.0028 * m**2
        + 0.005332 * m * t
        + 207.2 * m / t
        + 0.001043 * m**3
        - 3e-7 * m**2 * t**2
    )
    return 100.0 * kappa


@dataclass(frozen=True, slots=True)
class _Known:
    """What the conductivities are worked out from.

    Attributes:
        summary: volume, temperature, molarity.
        ions: self-diffusion of cation and hydroxide.
        warnings: grows.
    """

    summary: InputSummary
    ions: list[SpeciesDiffusion | None]
    warnings: list[AnalysisWarning]

    def warn(self, quantity: str, reason: str) -> None:
        self.warnings.append(AnalysisWarning(f"conductivity.{quantity}", reason))

    def moving(self) -> list[tuple[float, Estimate]]:
        """Return number and D (m²/s) of each ion that has one."""
        return [
            (ion.n_particles, ion.D_m2_per_s)
            for ion in self.ions
            if ion is not None and ion.D_m2_per_s is not None
        ]

    def independent(self) -> Estimate | None:
        """Return the Nernst-Einstein conductivity, S/m."""
        temperature = self.summary.temperature_K
        if temperature is None:
            self.warn("nernst_einstein_S_per_m", "needs the temperature: --temperature K")
        elif len(self.moving()) < 2:
            self.warn("nernst_einstein_S_per_m", "needs the diffusion coefficients of both ions")
        else:
            return nernst_einstein(self.moving(), self.summary.volume_A3, temperature)
        return None

    def measured(self) -> float | None:
        """Return the conductivity of the experiment, S/m."""
        given, temperature = self.summary, self.summary.temperature_K
        if given.cation != "K":
            self.warn("experiment_S_per_m", f"Gilliam 2007 is for KOH, not {given.cation}OH")
            return None
        if temperature is None:
            self.warn("experiment_S_per_m", "needs the temperature: --temperature K")
            return None
        if given.no_bulk is not None:
            self.warn("experiment_S_per_m", given.no_bulk)
            return None
        value = experiment(given.molarity_mol_per_L, temperature)
        if value is None:
            self.warn(
                "experiment_S_per_m",
                f"{given.molarity_mol_per_L:.3g} mol/L at {temperature:.4g} K is outside "
                "the data of Gilliam 2007 (above 0 to 12 mol/L, 273.15 to 373.15 K)",
            )
        return value


@dataclass(frozen=True, slots=True, eq=False)
class _Collective:
    """What the collective displacement of all ions gives.

    Attributes:
        curve: its mean square.
        fit: the line through it, or None.
        value: conductivity, S/m, or None.
        onsager: coefficients, S/m.
        share: of the cations, or None.
    """

    curve: DisplacementCurve = EMPTY_CURVE
    fit: LineFit | None = None
    value: Estimate | None = None
    onsager: tuple[OnsagerCoefficient, ...] = ()
    share: Estimate | None = None


def _collective(
    known: _Known,
    moments: tuple[Displacements, ...] | None,
    window_ps: tuple[float, float] | None,
    earliest_ps: float,
) -> _Collective:
    """Return what follows from the displacement of all ions; arguments as of conductivity()."""
    summary, interval = known.summary, known.summary.frame_interval_ps
    if moments is None or interval is None:
        reason = (
            "one frame shows no motion" if interval is None else "needs cations and hydroxide ions"
        )
        known.warn("einstein_S_per_m", reason)
        return _Collective()
    choices = [
        choose_fit(each, interval, summary.n_frames, window_ps, earliest_ps, bounded=True)
        for each in moments
    ]
    points, fit = curve(moments[0], interval, summary.n_frames), choices[0].fit
    if choices[0].reason is not None:
        known.warn("einstein_S_per_m", choices[0].reason)
    if fit is None:
        return _Collective(points)
    own = [
        6.0 * ion.n_particles * ion.D_m2_per_s.value / M2_PER_S
        if ion is not None and ion.D_m2_per_s is not None
        else np.nan
        for ion in known.ions
    ]
    alone = [
        None if line is None else line.slope_A2_per_ps.relative
        for line in (choice.fit for choice in choices[1:])
    ]
    coefficients, share = onsager(moments, choices[0], (own[0], own[1]), (alone[0], alone[1]))
    if share is not None and not 0.0 <= share.value <= 1.0:
        known.warn(
            "transference_cation",
            f"is {share.value:.2f}: noise can move a share near 0 or 1 out of the range 0 to 1; "
            "use its interval of 95 %",
        )
    temperature, volume = summary.temperature_K, summary.volume_A3
    if temperature is None:
        known.warn("einstein_S_per_m", "needs the temperature: --temperature K")
        return _Collective(points, fit, share=share)
    to_S_per_m, slope = einstein_factor(volume, temperature), fit.slope_A2_per_ps
    value = Estimate.positive(
        to_S_per_m * slope.value, to_S_per_m * (slope.stderr or 0.0), How.LINE
    )
    return _Collective(
        points, fit, value, tuple(entry.times(to_S_per_m) for entry in coefficients), share
    )


def conductivity(
    summary: InputSummary,
    ions: list[SpeciesDiffusion | None],
    moments: tuple[Displacements, ...] | None,
    window_ps: tuple[float, float] | None,
    earliest_ps: float = DEFAULT_EARLIEST_PS,
    memory_unknown: str | None = None,
) -> tuple[Conductivity, list[AnalysisWarning]]:
    """Return all conductivities and what is missing or doubtful.

    Args:
        summary: volume, temperature, molarity.
        ions: self-diffusion of cation and hydroxide.
        moments: of :func:`ion_tracks`, or None with one frame or without ions.
        window_ps: fit window of the user, or None.
        earliest_ps: memory of the ions' motion, ps; no fit begins before it.
        memory_unknown: why this memory is not known, or None.
    """
    known = _Known(summary, ions, [])
    independent = known.independent()
    if memory_unknown is not None and window_ps is None and moments is not None:
        known.warn("einstein_S_per_m", memory_unknown)
        points = EMPTY_CURVE
        if summary.frame_interval_ps is not None:
            points = curve(moments[0], summary.frame_interval_ps, summary.n_frames)
        found = _Collective(points)
    else:
        found = _collective(known, moments, window_ps, earliest_ps)
    of_ions = [d.times(n) for n, d in known.moving()]
    apparent = apparent_share(of_ions[0], of_ions[1]) if len(of_ions) == 2 else None
    return (
        Conductivity(
            nernst_einstein_S_per_m=independent,
            einstein_S_per_m=found.value,
            experiment_S_per_m=known.measured(),
            charge_displacement=found.curve,
            fit=found.fit,
            haven_ratio=haven_ratio(independent, found.value),
            transference_cation=found.share,
            transference_cation_apparent=apparent,
            onsager=found.onsager,
        ),
        known.warnings,
    )
