"""Errors of models on labelled frames, with confidence intervals.

The frames of a trajectory are similar. Therefore the bootstrap (doi:10.1214/aos/1176344552) draws
trajectories at each concentration, and then frames of each drawn trajectory. If it drew only
trajectories, two similar ones would give an interval of almost zero width. All models get the same
draw, so that differences between models are more precise than each error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pykoh.reference.labels import ENERGY, FORCES

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

N_DRAWS = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class FrameErrors:
    """Squared errors of one model on each frame.

    Attributes:
        force: [n_frames, n_elements + 1], sum of squares over components, (eV/Å)²; the last column
            is all elements together.
        components: [n_frames, n_elements + 1], number of components in each sum.
        energy: [n_frames], error of the energy per atom, eV.
    """

    force: NDArray[np.float64]
    components: NDArray[np.int64]
    energy: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its bootstrap confidence interval (95 %, percentiles).

    Attributes:
        value: of all frames.
        low: lower end.
        high: upper end.
        stderr: standard deviation over the draws.
    """

    value: float
    low: float
    high: float
    stderr: float


def frame_errors(
    calculator: Calculator,
    frames: Sequence[Atoms],
    elements: Sequence[str],
    report: Callable[[int], None] = lambda number: None,
) -> FrameErrors:
    """Evaluate a model on labelled frames (``REF_energy`` in eV, ``REF_forces`` in eV/Å)."""
    force = np.zeros((len(frames), len(elements) + 1))
    components = np.zeros((len(frames), len(elements) + 1), dtype=np.int64)
    energy = np.zeros(len(frames))
    for k, labelled in enumerate(frames):
        atoms = labelled.copy()
        atoms.calc = calculator
        squares = ((atoms.get_forces() - labelled.arrays[FORCES]) ** 2).sum(axis=1)
        symbols = np.array(atoms.get_chemical_symbols())
        for column, element in enumerate(elements):
            mine = symbols == element
            force[k, column] = squares[mine].sum()
            components[k, column] = 3 * int(mine.sum())
        force[k, -1] = squares.sum()
        components[k, -1] = 3 * len(atoms)
        energy[k] = (atoms.get_potential_energy() - labelled.info[ENERGY]) / len(atoms)
        report(k + 1)
    return FrameErrors(force, components, energy)


def draws_of_runs(runs: Sequence[str], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how often each frame is in each bootstrap sample, [n_draws, n_frames].

    Trajectories are drawn with replacement. From each drawn trajectory as many frames are drawn as
    it has. With a single trajectory only its frames vary, and the interval is too narrow.
    """
    names, index = np.unique(np.asarray(runs), return_inverse=True)
    picked = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=N_DRAWS)
    counts = np.zeros((N_DRAWS, len(runs)))
    for run in range(len(names)):
        mine = np.flatnonzero(index == run)
        shares = np.full(len(mine), 1 / len(mine))
        counts[:, mine] = rng.multinomial(picked[:, run] * len(mine), shares)
    return counts


def interval(value: float, samples: NDArray[np.float64]) -> Interval:
    """Return a value with the percentiles and the spread of its bootstrap samples."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(samples, [tail, 100 - tail])
    return Interval(float(value), float(low), float(high), float(np.nanstd(samples)))


def force_rmse(errors: FrameErrors, weights: NDArray[np.float64], column: int) -> NDArray:
    """Return the force RMSE, eV/Å, of each row of frame weights, [n_draws]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray = np.sqrt(
            (weights @ errors.force[:, column]) / (weights @ errors.components[:, column])
        )
    return result


def energy_rmse(errors: FrameErrors, weights: NDArray[np.float64]) -> NDArray:
    """Return the energy RMSE, eV/atom, of each row of frame weights, [n_draws]."""
    result: NDArray = np.sqrt((weights @ errors.energy**2) / weights.sum(axis=1))
    return result


def energy_spread(errors: FrameErrors, weights: NDArray[np.float64]) -> NDArray:
    """Return the energy RMSE after subtracting the mean error, eV/atom, of each row, [n_draws].

    A constant offset has no effect on forces; it means that reference energies do not match.
    """
    total = weights.sum(axis=1)
    mean = (weights @ errors.energy) / total
    variance = (weights @ errors.energy**2) / total - mean**2
    result: NDArray = np.sqrt(np.maximum(variance, 0.0))
    return result
