"""Trainings that differ only in the seed: the mean of a training set, and which set is best.

The seed of ``pykoh train`` chooses the order of the frames, and also which frames of a
concentration are trained and validated on. Trainings at the same concentrations, with as many
labels and the same options, are therefore samples of one training set. Their spread s is taken as
the same for all sets, and is estimated from those with several trainings. The mean of n trainings
has a normal error of s / √n. As s itself is known from few trainings, each sample draws it anew,
from s² ν / χ² with ν degrees of freedom; an interval is then that of Student's distribution. This
error is added to each bootstrap sample of the test frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrainingError
from pykoh.transferability.candidates import Candidate
from pykoh.transferability.errors import Interval, interval

# A box has whole numbers of ions: boxes of one requested molarity differ by this much.
_SAME_MOLARITY = 0.03
# Whole trajectories train or validate: seeds differ in the number of frames.
_SAME_NUMBER = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """All trainings that differ only in the seed.

    Attributes:
        molarities_mol_per_L: of the labels of its first model; empty if they are not known.
        n_labels: number of labels of its first model, or None.
        members: numbers of its models, in the order given.
        mean_meV_A: force RMSE over all test concentrations, the mean of its trainings, meV/Å.
        samples: bootstrap samples of this mean, with the error that is due to seeds, meV/Å.
    """

    molarities_mol_per_L: tuple[float, ...]
    n_labels: int | None
    members: tuple[int, ...]
    mean_meV_A: Interval
    samples: NDArray[np.float64]

    def is_at(self, other: TrainingSet) -> bool:
        """Return whether both were trained at the same concentrations."""
        return _same_molarities(self.molarities_mol_per_L, other.molarities_mol_per_L)


@dataclass(frozen=True, slots=True)
class Spread:
    """How trainings differ that differ only in the seed.

    Attributes:
        stdev_meV_A: standard deviation of their force RMSE over all test concentrations, meV/Å.
        freedom: degrees of freedom that it is known from.
    """

    stdev_meV_A: float
    freedom: int


def refuse_same_model(candidates: Sequence[Candidate]) -> None:
    """Raise :class:`TrainingError` if two files are the same training."""
    seen: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.model_sha256 is None:
            continue
        other = seen.setdefault(candidate.model_sha256, candidate)
        if other is not candidate:
            raise TrainingError(
                f"{other.path} and {candidate.path}: are one training according to the records "
                "beside them; give one of them"
            )


def training_sets(
    candidates: Sequence[Candidate],
    values: Sequence[float],
    samples: Sequence[NDArray[np.float64]],
    rng: np.random.Generator,
) -> tuple[tuple[TrainingSet, ...], Spread | None]:
    """Combine the trainings of each training set.

    Args:
        candidates: the models. A model without a record is a set of its own.
        values: error of each model, meV/Å.
        samples: bootstrap samples of these errors, from the same draws of test frames.
        rng: for the errors that are due to seeds.

    Returns:
        The sets in the order of their first models, and the spread over seeds; None if no set has
        two trainings.
    """
    groups: list[list[int]] = []
    for k, candidate in enumerate(candidates):
        for group in groups:
            if _differ_only_in_seed(candidates[group[0]], candidate):
                group.append(k)
                break
        else:
            groups.append([k])
    spread = _spread([[values[k] for k in group] for group in groups])
    drawn = np.zeros(len(samples[0]))
    if spread is not None:
        chi2 = rng.chisquare(spread.freedom, len(drawn))
        drawn = spread.stdev_meV_A * np.sqrt(spread.freedom / chi2)
    sets = []
    for group in groups:
        of_frames = np.mean([samples[k] for k in group], axis=0)
        found = of_frames + drawn / np.sqrt(len(group)) * rng.normal(size=len(drawn))
        mean = interval(float(np.mean([values[k] for k in group])), found)
        # Student's distribution with one or two degrees of freedom has no standard deviation.
        of_seeds = 0.0 if spread is None else spread.stdev_meV_A / np.sqrt(len(group))
        mean = replace(mean, stderr=float(np.hypot(np.std(of_frames), of_seeds)))
        first = candidates[group[0]]
        sets.append(
            TrainingSet(first.molarities_mol_per_L, first.n_labels, tuple(group), mean, found)
        )
    return tuple(sets), spread


def best_probability(sets: Sequence[TrainingSet]) -> dict[int, float]:
    """Return how often each set of a single concentration is the best of them, by its place."""
    single = [place for place, each in enumerate(sets) if len(each.molarities_mol_per_L) == 1]
    if not single:
        return {}
    winners = np.argmin(np.array([sets[place].samples for place in single]), axis=0)
    return {place: float(np.mean(winners == k)) for k, place in enumerate(single)}


def _differ_only_in_seed(one: Candidate, other: Candidate) -> bool:
    if one.n_labels is None or other.n_labels is None or one.options != other.options:
        return False
    largest = max(one.n_labels, other.n_labels)
    return abs(one.n_labels - other.n_labels) <= _SAME_NUMBER * largest and _same_molarities(
        one.molarities_mol_per_L, other.molarities_mol_per_L
    )


def _same_molarities(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= _SAME_MOLARITY * max(a, b)
        for a, b in zip(sorted(one), sorted(other), strict=True)
    )


def _spread(groups: list[list[float]]) -> Spread | None:
    """Return the pooled standard deviation within groups."""
    squares = sum(float(np.sum((np.array(group) - np.mean(group)) ** 2)) for group in groups)
    freedom = sum(len(group) - 1 for group in groups)
    return Spread(float(np.sqrt(squares / freedom)), freedom) if freedom else None
