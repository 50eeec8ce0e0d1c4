"""Errors of every model at every concentration, and the best training concentration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pykoh.training.data import concentrations, nearest_concentration
from pykoh.transferability.candidates import Candidate, calculator_of, refuse_unfit
from pykoh.transferability.errors import (
    FrameErrors,
    Interval,
    draws_of_runs,
    energy_rmse,
    energy_spread,
    force_rmse,
    frame_errors,
    interval,
)
from pykoh.transferability.trainings import Spread, TrainingSet, refuse_same_model, training_sets

if TYPE_CHECKING:
    from ase import Atoms

    from pykoh.reference.labels import LabelSet


@dataclass(frozen=True, slots=True)
class ConcentrationErrors:
    """Errors of one model at one concentration.

    Attributes:
        molarity_mol_per_L: of the test frames.
        n_frames: number of test frames.
        n_runs: number of their trajectories.
        force_meV_A: RMSE over force components, meV/Å.
        by_element_meV_A: the same for each element.
        energy_meV: RMSE of the energy per atom, meV.
        energy_spread_meV: the same after subtracting the mean error at this concentration, meV.
    """

    molarity_mol_per_L: float
    n_frames: int
    n_runs: int
    force_meV_A: Interval
    by_element_meV_A: dict[str, Interval]
    energy_meV: Interval
    energy_spread_meV: Interval


@dataclass(frozen=True, slots=True)
class ModelErrors:
    """Errors of one model at all concentrations.

    Attributes:
        candidate: the model, with its costs.
        concentrations: at each concentration, ascending.
        mean_meV_A: root mean square of the force RMSE over the concentrations, with equal
            weights, meV/Å.
        worst_meV_A: the largest force RMSE of a concentration, meV/Å.
    """

    candidate: Candidate
    concentrations: tuple[ConcentrationErrors, ...]
    mean_meV_A: Interval
    worst_meV_A: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """All models on the same test frames.

    Attributes:
        rows: in the order given.
        molarities_mol_per_L: of the test frames, ascending.
        elements: in the order of atomic number.
        sets: the models by what they were trained on.
        spread: of trainings that differ only in the seed; None if no two do.
    """

    rows: tuple[ModelErrors, ...]
    molarities_mol_per_L: tuple[float, ...]
    elements: tuple[str, ...]
    sets: tuple[TrainingSet, ...]
    spread: Spread | None

    @property
    def single(self) -> tuple[TrainingSet, ...]:
        """Training sets of one concentration, the best first."""
        found = [each for each in self.sets if len(each.molarities_mol_per_L) == 1]
        return tuple(sorted(found, key=lambda each: each.mean_meV_A.value))


def compare(
    candidates: Sequence[Candidate],
    frames: Sequence[Atoms],
    elements: Sequence[str],
    labels: LabelSet,
    rng: np.random.Generator,
    report: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Comparison:
    """Test models on labelled frames.

    Args:
        candidates: the models.
        frames: labelled test frames.
        elements: of the frames.
        labels: that the frames are from.
        rng: for the bootstrap.
        report: called with the model's name, frames done and their total.

    Raises:
        TrainingError: a test frame or its trajectory was used for training, a model was trained on
            labels of another level, or two files are the same training.
    """
    refuse_same_model(candidates)
    refuse_unfit(candidates, frames, labels)
    molarities = concentrations(frames)
    column = np.array([molarities.index(nearest_concentration(f, molarities)) for f in frames])
    weights = np.zeros((0, 0))
    concentration_draws = []
    for k in range(len(molarities)):
        members = np.flatnonzero(column == k)
        concentration_draws.append(
            (members, draws_of_runs([str(frames[int(i)].info["run"]) for i in members], rng))
        )
    weights = np.zeros((len(concentration_draws[0][1]), len(frames)))
    for members, drawn in concentration_draws:
        weights[:, members] = drawn
    results = []
    for candidate in candidates:
        calculator = calculator_of(candidate, elements)
        results.append(
            frame_errors(
                calculator,
                frames,
                elements,
                lambda done, name=candidate.name: report(name, done, len(frames)),  # type: ignore[misc]
            )
        )
    means = [_over_concentrations(r, weights, column, len(molarities), np.mean) for r in results]
    worst = [_over_concentrations(r, weights, column, len(molarities), np.max) for r in results]
    sets, spread = training_sets(candidates, [m[0] for m in means], [m[1] for m in means], rng)
    rows = []
    for k, (candidate, errors) in enumerate(zip(candidates, results, strict=True)):
        at_concentration = [
            _errors_at(errors, members, drawn, molarities[c], frames, elements)
            for c, (members, drawn) in enumerate(concentration_draws)
        ]
        rows.append(
            ModelErrors(
                candidate,
                tuple(at_concentration),
                interval(*means[k]),
                interval(*worst[k]),
            )
        )
    return Comparison(tuple(rows), tuple(molarities), tuple(elements), sets, spread)


def _errors_at(
    errors: FrameErrors,
    members: NDArray[np.int64],
    drawn: NDArray[np.float64],
    molarity: float,
    frames: Sequence[Atoms],
    elements: Sequence[str],
) -> ConcentrationErrors:
    selected = FrameErrors(
        errors.force[members], errors.components[members], errors.energy[members]
    )
    all_frames_once = np.ones((1, len(members)))

    def forces(k: int) -> Interval:
        value, samples = force_rmse(selected, all_frames_once, k)[0], force_rmse(selected, drawn, k)
        return interval(1e3 * value, 1e3 * samples)

    # Only elements of the frames have an error.
    present = [k for k in range(len(elements)) if selected.components[:, k].sum()]
    return ConcentrationErrors(
        molarity_mol_per_L=molarity,
        n_frames=len(members),
        n_runs=len({str(frames[i].info["run"]) for i in members}),
        force_meV_A=forces(-1),
        by_element_meV_A={elements[k]: forces(k) for k in present},
        energy_meV=interval(
            1e3 * float(energy_rmse(selected, all_frames_once)[0]),
            1e3 * energy_rmse(selected, drawn),
        ),
        energy_spread_meV=interval(
            1e3 * float(energy_spread(selected, all_frames_once)[0]),
            1e3 * energy_spread(selected, drawn),
        ),
    )


def _over_concentrations(
    errors: FrameErrors,
    weights: NDArray[np.float64],
    column: NDArray[np.int64],
    n_columns: int,
    combine: Callable[..., NDArray],
) -> tuple[float, NDArray[np.float64]]:
    """Return a combination of the squared errors of the concentrations, and its samples, meV/Å."""
    all_weights = np.concatenate([np.ones((1, len(column))), weights])
    squares = []
    for k in range(n_columns):
        selected = FrameErrors(
            errors.force[column == k], errors.components[column == k], errors.energy[column == k]
        )
        squares.append(force_rmse(selected, all_weights[:, column == k], -1) ** 2)
    values = 1e3 * np.sqrt(combine(np.array(squares), axis=0))
    return float(values[0]), values[1:]
