"""Does the disagreement of a committee tell the error of the potential that it guards?

The first potential of a committee runs the simulation. Its error is |F − F_DFT| of each atom; the
disagreement is σ of the same atom (:func:`pykoh.engines.committee.disagreement`). If all members
were drawn from one distribution around the DFT, the root mean squares of both would be equal.
Where members have an error in common, σ does not contain it and the error is larger; where the
other members are worse than the first one, σ is larger (Tran et al., Mach. Learn.: Sci. Technol. 1
(2020) 025006, doi:10.1088/2632-2153/ab7e1a, on what calibration means).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pykoh.arrays import FloatArray
from pykoh.engines.committee import disagreement
from pykoh.errors import TrainingError
from pykoh.reference.labels import FORCES
from pykoh.transferability.candidates import Candidate, calculator_of
from pykoh.transferability.errors import Interval, draws_of_runs, interval

if TYPE_CHECKING:
    from ase import Atoms

MOST_BINS = 10
ATOMS_PER_BIN = 20
ORDINARY = 0.95
"""A threshold for simulations is suggested that this share of the test frames stay under."""


@dataclass(frozen=True, slots=True, eq=False)
class AtomErrors:
    """The committee on all atoms of some frames.

    Attributes:
        frame: ``[n]`` number of the frame of each atom, from 0.
        sigma: ``[n]`` disagreement, eV/Å.
        error: ``[n]`` length of the error of the first potential's force, eV/Å.
    """

    frame: NDArray[np.int64]
    sigma: FloatArray
    error: FloatArray

    def largest(self, values: FloatArray) -> FloatArray:
        """Return ``[n_frames]``, the largest value of each frame."""
        result = np.zeros(int(self.frame[-1]) + 1)
        np.maximum.at(result, self.frame, values)
        return result

    def per_frame(self, values: FloatArray, chosen: NDArray[np.bool_] | None = None) -> FloatArray:
        """Return ``[n_frames]``, the sum over the atoms (those chosen) of each frame."""
        weights = values if chosen is None else np.where(chosen, values, 0.0)
        sums: FloatArray = np.bincount(self.frame, weights, int(self.frame[-1]) + 1).astype(float)
        return sums


@dataclass(frozen=True, slots=True)
class SigmaBin:
    """Atoms whose disagreement is in one range.

    Attributes:
        low_eV_per_A: of the disagreement.
        high_eV_per_A: likewise.
        n_atoms: in all frames.
        sigma_eV_per_A: root mean square of the disagreement.
        error_eV_per_A: root mean square of the error.
    """

    low_eV_per_A: float
    high_eV_per_A: float
    n_atoms: int
    sigma_eV_per_A: float
    error_eV_per_A: Interval


@dataclass(frozen=True, slots=True)
class CommitteeFrame:
    """One test frame.

    Attributes:
        run: its trajectory.
        molarity_mol_per_L: of its solution.
        largest_sigma_eV_per_A: largest disagreement: what a campaign compares with its thresholds.
        largest_error_eV_per_A: largest error of a force.
        force_rmse_eV_per_A: over force components.
    """

    run: str
    molarity_mol_per_L: float
    largest_sigma_eV_per_A: float
    largest_error_eV_per_A: float
    force_rmse_eV_per_A: float


@dataclass(frozen=True, slots=True)
class CommitteeTest:
    """What a committee says about the error of its first potential.

    Attributes:
        names: of the potentials.
        frames: in the order of the labels.
        n_runs: number of their trajectories.
        n_atoms: in all frames.
        error_over_sigma: root mean square of the error over that of the disagreement.
        bins: of the disagreement, ascending, about as many atoms in each.
        rank_correlation: of the frames, between the largest disagreement and the force RMSE
            (Spearman); None with fewer than four frames.
        threshold_eV_per_A: the largest disagreement that :data:`ORDINARY` of the frames stay under.
        flag_eV_per_A: the threshold that was asked for.
        n_flagged: frames above it.
        flagged_rmse_eV_per_A: force RMSE of the first potential on these; None if there are none.
        other_rmse_eV_per_A: on the others; None if there are none.
    """

    names: tuple[str, ...]
    frames: tuple[CommitteeFrame, ...]
    n_runs: int
    n_atoms: int
    error_over_sigma: Interval
    bins: tuple[SigmaBin, ...]
    rank_correlation: Interval | None
    threshold_eV_per_A: Interval
    flag_eV_per_A: float
    n_flagged: int
    flagged_rmse_eV_per_A: float | None
    other_rmse_eV_per_A: float | None


def evaluate(
    candidates: Sequence[Candidate],
    frames: Sequence[Atoms],
    elements: Sequence[str],
    report: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> AtomErrors:
    """Evaluate the potentials of a committee on labelled frames (``REF_forces`` in eV/Å)."""
    forces: list[list[FloatArray]] = []
    for candidate in candidates:
        calculator = calculator_of(candidate, elements)
        own = []
        for number, labelled in enumerate(frames, start=1):
            atoms = labelled.copy()
            atoms.calc = calculator
            own.append(atoms.get_forces())
            report(candidate.name, number, len(frames))
        forces.append(own)
    sigma = [disagreement(np.array(each)) for each in zip(*forces, strict=True)]
    error = [
        np.linalg.norm(found - labelled.arrays[FORCES], axis=1)
        for found, labelled in zip(forces[0], frames, strict=True)
    ]
    of_atom = np.repeat(np.arange(len(frames)), [len(each) for each in sigma])
    return AtomErrors(of_atom, np.concatenate(sigma), np.concatenate(error))


def judge(
    names: Sequence[str],
    frames: Sequence[Atoms],
    atoms: AtomErrors,
    flag_eV_per_A: float,
    rng: np.random.Generator,
) -> CommitteeTest:
    """Compare errors with the disagreement; intervals are from a bootstrap over trajectories.

    Args:
        names: of the potentials.
        frames: the test frames; ``info`` has ``run`` and ``molarity``, mol/L.
        atoms: from :func:`evaluate`.
        flag_eV_per_A: threshold of a campaign.
        rng: for the bootstrap.

    Raises:
        TrainingError: all potentials give the same forces.
    """
    if not atoms.sigma.any():
        raise TrainingError(
            f"{', '.join(names)}: give the same forces; a committee needs potentials that were "
            "trained with different seeds or labels"
        )
    runs = [str(frame.info["run"]) for frame in frames]
    draws = draws_of_runs(runs, rng)
    once = np.ones((1, len(frames)))
    squares, sigma_squares = atoms.error**2, atoms.sigma**2
    of_error, of_sigma = atoms.per_frame(squares), atoms.per_frame(sigma_squares)
    n_atoms = np.bincount(atoms.frame)
    largest, rmse = atoms.largest(atoms.sigma), np.sqrt(of_error / (3 * n_atoms))
    flagged = largest > flag_eV_per_A
    return CommitteeTest(
        names=tuple(names),
        frames=tuple(
            CommitteeFrame(run, float(frame.info["molarity"]), float(s), float(e), float(r))
            for run, frame, s, e, r in zip(
                runs, frames, largest, atoms.largest(atoms.error), rmse, strict=True
            )
        ),
        n_runs=len(set(runs)),
        n_atoms=len(atoms.frame),
        error_over_sigma=_interval(
            functools.partial(_root_mean, sums=of_error, numbers=of_sigma), once, draws
        ),
        bins=_bins(atoms, squares, once, draws),
        rank_correlation=_rank_correlation(largest, rmse, draws) if len(frames) > 3 else None,
        threshold_eV_per_A=_interval(
            lambda weights: np.array([_quantile(largest, each) for each in weights]), once, draws
        ),
        flag_eV_per_A=flag_eV_per_A,
        n_flagged=int(flagged.sum()),
        flagged_rmse_eV_per_A=_rmse_of(flagged, of_error, n_atoms),
        other_rmse_eV_per_A=_rmse_of(~flagged, of_error, n_atoms),
    )


def _interval(
    value: Callable[[FloatArray], FloatArray], once: FloatArray, draws: FloatArray
) -> Interval:
    """Return a value, which is a function of the weights of frames ``[n_draws, n_frames]``."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return interval(float(value(once)[0]), value(draws))


def _bins(
    atoms: AtomErrors, squares: FloatArray, once: FloatArray, draws: FloatArray
) -> tuple[SigmaBin, ...]:
    n_bins = max(1, min(MOST_BINS, len(atoms.sigma) // ATOMS_PER_BIN))
    edges = np.quantile(atoms.sigma, np.linspace(0, 1, n_bins + 1))
    place = np.clip(np.searchsorted(edges, atoms.sigma, side="right") - 1, 0, n_bins - 1)
    found = []
    for k in range(n_bins):
        own = place == k
        if not own.any():
            continue
        sums, numbers = atoms.per_frame(squares, own), atoms.per_frame(np.ones(len(own)), own)
        rms = functools.partial(_root_mean, sums=sums, numbers=numbers)
        sigma = float(np.sqrt((atoms.sigma[own] ** 2).mean()))
        error = _interval(rms, once, draws)
        found.append(SigmaBin(float(edges[k]), float(edges[k + 1]), int(own.sum()), sigma, error))
    return tuple(found)


def _root_mean(weights: FloatArray, sums: FloatArray, numbers: FloatArray) -> FloatArray:
    result: FloatArray = np.sqrt((weights @ sums) / (weights @ numbers))
    return result


def _rank_correlation(a: FloatArray, b: FloatArray, draws: FloatArray) -> Interval:
    from scipy.stats import rankdata

    def of(chosen: NDArray[np.int64]) -> float:
        first, second = rankdata(a[chosen]), rankdata(b[chosen])
        if np.ptp(first) == 0 or np.ptp(second) == 0:
            return float("nan")
        return float(np.corrcoef(first, second)[0, 1])

    everyone = np.arange(len(a))
    samples = np.array([of(np.repeat(everyone, row.astype(np.int64))) for row in draws])
    return interval(of(everyone), samples)


def _quantile(values: FloatArray, weights: FloatArray) -> float:
    return float(np.quantile(np.repeat(values, weights.astype(np.int64)), ORDINARY))


def _rmse_of(
    chosen: NDArray[np.bool_], of_error: FloatArray, n_atoms: NDArray[np.int64]
) -> float | None:
    if not chosen.any():
        return None
    return float(np.sqrt(of_error[chosen].sum() / (3 * n_atoms[chosen].sum())))
