"""Trainings on the same labels with other seeds: the mean of a training set, and the best one.

Another seed gives another model from the same labels. Trainings on the same concentrations and
number of labels are therefore samples of one training set. Their spread is taken as the same for
all training sets, and is estimated from those that have several trainings. The mean over n
trainings then has an error of t s / √n, where t follows Student's distribution. This error is
added to each bootstrap sample of the test frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.transferability.candidates import Candidate
from pykoh.transferability.errors import Interval, interval


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """All trainings on the same concentrations and number of labels.

    Attributes:
        molarities_mol_per_L: of the labels; empty if they are not known.
        n_labels: number of labels, or None.
        members: numbers of its models, in the order given.
        mean_meV_A: force RMSE over all test concentrations, the mean of its trainings, meV/Å.
        best_probability: how often its ``mean_meV_A`` is the lowest of the sets of a single
            concentration, of all samples; None for other sets.
    """

    molarities_mol_per_L: tuple[float, ...]
    n_labels: int | None
    members: tuple[int, ...]
    mean_meV_A: Interval
    best_probability: float | None


def training_sets(
    candidates: Sequence[Candidate],
    values: Sequence[float],
    samples: Sequence[NDArray[np.float64]],
    rng: np.random.Generator,
) -> tuple[tuple[TrainingSet, ...], float | None]:
    """Combine the trainings of each training set.

    Args:
        candidates: the models. A model without a record is a set of its own.
        values: error of each model, meV/Å.
        samples: bootstrap samples of these errors, from the same draws of test frames.
        rng: for the errors that are due to seeds.

    Returns:
        The sets in the order of their first models, and the standard deviation over seeds, meV/Å;
        None if no set has two trainings.
    """
    groups: dict[object, list[int]] = {}
    for k, candidate in enumerate(candidates):
        known = candidate.molarities_mol_per_L, candidate.n_labels
        groups.setdefault(known if candidate.has_record else k, []).append(k)
    spread, freedom = _spread_over_seeds([[values[k] for k in group] for group in groups.values()])
    means, drawn = [], []
    for group in groups.values():
        means.append(float(np.mean([values[k] for k in group])))
        found = np.mean([samples[k] for k in group], axis=0)
        if spread is not None:
            found = found + spread / np.sqrt(len(group)) * rng.standard_t(freedom, len(found))
        drawn.append(found)
    single = [
        place
        for place, group in enumerate(groups.values())
        if len(candidates[group[0]].molarities_mol_per_L) == 1
    ]
    winners = np.argmin(np.array([drawn[place] for place in single]), axis=0) if single else None
    sets = tuple(
        TrainingSet(
            candidates[group[0]].molarities_mol_per_L,
            candidates[group[0]].n_labels,
            tuple(group),
            interval(means[place], drawn[place]),
            float(np.mean(winners == single.index(place)))
            if winners is not None and place in single
            else None,
        )
        for place, group in enumerate(groups.values())
    )
    return sets, spread


def _spread_over_seeds(groups: list[list[float]]) -> tuple[float | None, int]:
    """Return the pooled standard deviation within groups and its degrees of freedom."""
    squares = sum(float(np.sum((np.array(group) - np.mean(group)) ** 2)) for group in groups)
    freedom = sum(len(group) - 1 for group in groups)
    return (None, 0) if freedom == 0 else (float(np.sqrt(squares / freedom)), freedom)
