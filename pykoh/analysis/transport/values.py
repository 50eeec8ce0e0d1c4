"""What an analysis finds about transport; see :mod:`pykoh.analysis.results`."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Output
from pykoh.analysis.transport.shown import (
    conductivity_output,
    diffusion_output,
    viscosity_output,
)
from pykoh.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class DisplacementCurve:
    """A mean-square displacement over lag times.

    Attributes:
        lag_ps: [n_lags], ps, rising.
        msd_A2: [n_lags], Å² (e²·Å² for the charge displacement of a conductivity).
        stderr_A2: [n_lags], same unit as ``msd_A2``.
        n_independent: [n_lags], non-overlapping windows × particles behind each point.
    """

    lag_ps: FloatArray
    msd_A2: FloatArray
    stderr_A2: FloatArray
    n_independent: FloatArray


@dataclass(frozen=True, slots=True)
class LineFit:
    """A straight line through a mean-square displacement: MSD = intercept + slope · lag.

    Attributes:
        start_ps: first lag in the fit.
        end_ps: last lag in the fit.
        slope_A2_per_ps: slope.
        intercept_A2: intercept; nothing is published of it, so it has no error.
        exponent: log-log slope d ln MSD / d ln t in the window; 1 is diffusion.
    """

    start_ps: float
    end_ps: float
    slope_A2_per_ps: Estimate
    intercept_A2: float
    exponent: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class SpeciesDiffusion:
    """Self-diffusion of one species.

    Attributes:
        species: ``"K+"`` (or the other cation), ``"OH-"``, ``"OH-_vehicular"``,
            ``"OH-_structural"``, ``"H2O"``, ``"H"`` or ``"O"``.
        n_particles: particles (mean over time for H2O).
        D_m2_per_s: diffusion coefficient in the box, m²/s, or None.
        D_infinite_m2_per_s: with the Yeh-Hummer correction to infinite size, or None.
        fit: the line behind D, or None.
        msd: the curve.
        from_hops_m2_per_s: of OH-, D from the motion with the molecule and from hop rate, length
            and correlation (:mod:`pykoh.analysis.transport.hop_walk`), or None.
        memory_ps: lag before which no fit began.
    """

    species: str
    n_particles: float
    D_m2_per_s: Estimate | None
    D_infinite_m2_per_s: Estimate | None
    fit: LineFit | None
    msd: DisplacementCurve
    from_hops_m2_per_s: Estimate | None = None
    memory_ps: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Viscosity:
    """Shear viscosity from the fluctuations of the pressure tensor (Green and Kubo).

    Attributes:
        viscosity_mPa_s: mPa·s, or None if the record is too short.
        cutoff_ps: decay time 1 / (2 π f) of the highest frequency that was used.
        duration_ps: of the pressure record.
        interval_ps: time between its rows.
        time_ps: [n], ps.
        running_mPa_s: [n], integral up to each time.
        running_stderr_mPa_s: [n].
    """

    viscosity_mPa_s: Estimate | None
    cutoff_ps: float | None
    duration_ps: float
    interval_ps: float
    time_ps: FloatArray
    running_mPa_s: FloatArray
    running_stderr_mPa_s: FloatArray


@dataclass(frozen=True, slots=True)
class ViscosityFound:
    """A viscosity, or why there is none.

    Attributes:
        viscosity: from the pressure tensor, or None.
        reason: why it is missing or doubtful, or None.
    """

    viscosity: Viscosity | None
    reason: str | None = None

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed of it."""
        return viscosity_output(self.viscosity)


@dataclass(frozen=True, slots=True, eq=False)
class Diffusion:
    """Diffusion of all species.

    Attributes:
        species: one entry per species, in the order of the keys of ``results.json``.
        viscosity_mPa_s: viscosity of the Yeh-Hummer correction, given or measured; or None.
        yeh_hummer_m2_per_s: the correction that was added, ξ kT / (6 π η L), or None.
        cross_m2_per_s: D(OH-) - D(vehicular) - D(structural), all in the window of D(OH-), or None.
        viscosity: from the pressure tensor, or None.
    """

    species: tuple[SpeciesDiffusion, ...]
    viscosity_mPa_s: Estimate | None
    yeh_hummer_m2_per_s: Estimate | None
    cross_m2_per_s: Estimate | None = None
    viscosity: Viscosity | None = None

    def of(self, species: str) -> SpeciesDiffusion | None:
        """Return the entry of one species, or None if the box has none of it."""
        return next((entry for entry in self.species if entry.species == species), None)

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed of it."""
        return diffusion_output(self, given)


@dataclass(frozen=True, slots=True)
class OnsagerCoefficient:
    """What the motion of two kinds of ions together adds to the conductivity, S/m.

    The conductivity is the sum of the two like ones minus twice the unlike one.

    Attributes:
        name: ``cation_cation``, ``cation_hydroxide`` or ``hydroxide_hydroxide``.
        coefficient: the coefficient.
        own: its part of each ion with itself (0 for unlike ones), or None if unknown; its error is
            that of the Nernst-Einstein conductivity.
    """

    name: str
    coefficient: Estimate
    own: float | None

    @property
    def distinct(self) -> float | None:
        """Its part of different ions; its standard error is at most that of the coefficient."""
        return None if self.own is None else self.coefficient.value - self.own

    def times(self, factor: float) -> OnsagerCoefficient:
        """Return it in another unit."""
        own = None if self.own is None else factor * self.own
        return OnsagerCoefficient(self.name, self.coefficient.times(factor), own)


@dataclass(frozen=True, slots=True, eq=False)
class Conductivity:
    """Ionic conductivity, S/m.

    Attributes:
        nernst_einstein_S_per_m: from the self-diffusion of the ions, or None.
        einstein_S_per_m: from the displacement of all cations minus that of all hydroxides
            along their paths through hops, or None.
        experiment_S_per_m: Gilliam et al. 2007 at this molarity and temperature, or None.
        charge_displacement: mean-square displacement of the cations minus the hydroxides, e²·Å².
        fit: the line behind the Einstein value, or None.
        haven_ratio: Nernst-Einstein / Einstein, less the bias of a quotient; 1 for ions that move
            independently; or None. Its error knows that both come from the same ions.
        transference_cation: share of the current that the cation carries in the frame of the
            centre of mass, correlations included, or None.
            Noise may take it out of [0, 1]; its interval is within
            (:mod:`pykoh.analysis.transport.onsager`).
        transference_cation_apparent: D+ / (D+ + D-), or None.
        onsager: coefficients (cation-cation, cation-hydroxide, hydroxide-hydroxide), or empty.
    """

    nernst_einstein_S_per_m: Estimate | None
    einstein_S_per_m: Estimate | None
    experiment_S_per_m: float | None
    charge_displacement: DisplacementCurve
    fit: LineFit | None
    haven_ratio: Estimate | None = None
    transference_cation: Estimate | None = None
    transference_cation_apparent: Estimate | None = None
    onsager: tuple[OnsagerCoefficient, ...] = ()

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed of it."""
        return conductivity_output(self, given)
