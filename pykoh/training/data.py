"""The training data: labels chosen by molarity and split by trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pykoh.errors import TrainingError
from pykoh.reference.labels import STRESS, LabelSet

if TYPE_CHECKING:
    from ase import Atoms

SPLITS = ("train", "valid", "test")
# With whole ions a small box misses the requested molarity by some percent.
SAME_MOLARITY = 0.1


@dataclass(frozen=True, slots=True)
class Split:
    """Labelled frames in three parts that share no trajectory.

    Attributes:
        train: frames that the weights are fitted to.
        valid: frames that choose the epoch.
        test: frames used for neither.
    """

    train: tuple[Atoms, ...]
    valid: tuple[Atoms, ...]
    test: tuple[Atoms, ...]


def concentrations(frames: Sequence[Atoms]) -> list[float]:
    """Return the distinct molarities of the frames, mol/L, ascending.

    Molarities within 2 % of their neighbour count as one; their mean is returned.
    """
    groups: list[list[float]] = []
    for value in sorted(float(frame.info["molarity"]) for frame in frames):
        if groups and value <= groups[-1][-1] * 1.02 + 1e-9:
            groups[-1].append(value)
        else:
            groups.append([value])
    return [round(float(np.mean(group)), 4) for group in groups]


def describe(labels: LabelSet) -> str:
    """Return one line: how many frames, of which concentrations, level, isolated atoms."""
    listed = ", ".join(f"{value:.2f}" for value in concentrations(labels.frames))
    stresses = sum(STRESS in frame.info for frame in labels.frames)
    alone = " ".join(f"{s} {e:.4f}" for s, e in sorted(labels.atom_energies_eV.items()))
    return (
        f"{len(labels.frames)} frames at {listed} mol/L, {stresses} with stresses; {labels.level}; "
        f"isolated atoms (eV): {alone or 'none'}"
    )


def nearest_concentration(frame: Atoms, values: Sequence[float]) -> float:
    """Return the one of ``values`` that is nearest to the molarity of a frame, mol/L."""
    molarity = float(frame.info["molarity"])
    return min(values, key=lambda value: abs(value - molarity))


def select(frames: Sequence[Atoms], molarities: Sequence[float]) -> list[Atoms]:
    """Return the frames whose molarity is one of ``molarities`` (mol/L); all if there are none.

    Raises:
        TrainingError: no frame lies within 10 % of one of them.
    """
    if not molarities:
        return list(frames)
    molarities_present = concentrations(frames)
    wanted = set()
    for molarity in molarities:
        nearest = min(molarities_present, key=lambda value: abs(value - molarity))
        if abs(nearest - molarity) > SAME_MOLARITY * max(molarity, 0.1):
            listed = ", ".join(f"{value:.2f}" for value in molarities_present)
            raise TrainingError(
                f"--molarity {molarity:g}: no labels within 10 %; the data are at {listed} mol/L"
            )
        wanted.add(nearest)
    return [frame for frame in frames if nearest_concentration(frame, molarities_present) in wanted]


def split_by_trajectory(
    frames: Sequence[Atoms], valid_fraction: float, rng: np.random.Generator
) -> Split:
    """Split frames so that no trajectory is in two parts.

    A trajectory with ``info["split"]`` (train, valid or test) in a frame goes to this part. Of the
    others, whole trajectories are drawn at each concentration until ``valid_fraction`` of its
    frames validate.

    Raises:
        TrainingError: a trajectory is in two parts, a name is unknown, or no frame is left for
            training or validation.
    """
    parts: dict[str, list[Atoms]] = {name: [] for name in SPLITS}
    marks = _marks(frames)
    free: list[Atoms] = []
    for frame in frames:
        name = marks.get(str(frame.info["run"]))
        (free if name is None else parts[name]).append(frame)
    for of_value in _by_concentration(free):
        for run, name in _draw(of_value, valid_fraction, rng).items():
            parts[name] += [frame for frame in of_value if str(frame.info["run"]) == run]
    if not parts["train"]:
        raise TrainingError("no frames to train on: all of them are marked valid or test")
    if not parts["valid"]:
        raise TrainingError(
            "no trajectory to validate with: label frames of at least two trajectories at one "
            'concentration, or mark one trajectory split="valid"'
        )
    return Split(*(tuple(parts[name]) for name in SPLITS))


def _marks(frames: Sequence[Atoms]) -> dict[str, str]:
    """Return the part of each trajectory that is marked, also if only some of its frames are.

    Raises:
        TrainingError: a trajectory is in two parts, or a name is unknown.
    """
    marks: dict[str, str] = {}
    for frame in frames:
        name, run = frame.info.get("split"), str(frame.info["run"])
        if name is None:
            continue
        if name not in SPLITS:
            raise TrainingError(f"trajectory {run}: split={name!r} is none of {', '.join(SPLITS)}")
        if marks.setdefault(run, name) != name:
            raise TrainingError(
                f"trajectory {run}: is in {marks[run]} and in {name}; frames of one trajectory "
                "are similar, so it must be in one part"
            )
    return marks


def _by_concentration(frames: Sequence[Atoms]) -> list[list[Atoms]]:
    """Return the frames of each concentration, ascending; a trajectory belongs to one of them.

    At constant pressure the molarity of a trajectory changes with its volume: it belongs to the
    concentration that is nearest to its mean. Frames of one name with different compositions are
    different trajectories.
    """
    molarities = concentrations(frames)
    runs: dict[tuple[str, str], list[Atoms]] = {}
    for frame in frames:
        key = (str(frame.info["run"]), frame.get_chemical_formula())
        runs.setdefault(key, []).append(frame)
    groups: dict[float, list[Atoms]] = {value: [] for value in molarities}
    for members in runs.values():
        mean = float(np.mean([float(frame.info["molarity"]) for frame in members]))
        groups[min(molarities, key=lambda value: abs(value - mean))] += members
    return [group for group in groups.values() if group]


def _draw(
    frames: Sequence[Atoms], valid_fraction: float, rng: np.random.Generator
) -> dict[str, str]:
    """Return train or valid for each trajectory of one concentration."""
    counts: dict[str, int] = {}
    for frame in frames:
        counts[str(frame.info["run"])] = counts.get(str(frame.info["run"]), 0) + 1
    names = sorted(counts)
    order = [names[k] for k in rng.permutation(len(names))]
    chosen: dict[str, str] = {}
    n_valid = 0
    for run in order:
        wanted = n_valid < valid_fraction * len(frames) and len(chosen) < len(names) - 1
        chosen[run] = "valid" if wanted else "train"
        n_valid += counts[run] if wanted else 0
    return chosen


def subset(
    frames: Sequence[Atoms], n_labels: int | None, rng: np.random.Generator
) -> tuple[Atoms, ...]:
    """Return ``n_labels`` frames: the same number of each concentration, from all its runs.

    Raises:
        TrainingError: there are fewer.
    """
    if n_labels is None:
        return tuple(frames)
    if n_labels > len(frames):
        raise TrainingError(f"--labels {n_labels}: there are only {len(frames)} frames to train on")
    molarities_present = concentrations(frames)
    piles = []
    for value in molarities_present:
        runs: dict[str, list[Atoms]] = {}
        members = [
            frame for frame in frames if nearest_concentration(frame, molarities_present) == value
        ]
        for index in rng.permutation(len(members)):
            frame = members[index]
            runs.setdefault(str(frame.info["run"]), []).append(frame)
        turns = max(len(pile) for pile in runs.values())
        piles.append([pile[k] for k in range(turns) for pile in runs.values() if k < len(pile)])
    chosen: list[Atoms] = []
    while len(chosen) < n_labels:
        for pile in piles:
            if pile and len(chosen) < n_labels:
                chosen.append(pile.pop(0))
    return tuple(chosen)


def elements_of(frames: Sequence[Atoms]) -> list[str]:
    """Return the elements of the frames by atomic number."""
    from ase.data import atomic_numbers

    found = {symbol for frame in frames for symbol in frame.get_chemical_symbols()}
    return sorted(found, key=lambda symbol: int(atomic_numbers[symbol]))


def isolated_energies(
    labels: LabelSet, given: dict[str, float], elements: Sequence[str]
) -> dict[str, float]:
    """Return the energy of each isolated atom (E0), eV: from ``given``, else from the labels.

    Raises:
        TrainingError: an energy is in neither. pykoh never fits it, because a wrong one makes the
            energies of other compositions wrong.
    """
    found = {**labels.atom_energies_eV, **given}
    missing = [symbol for symbol in elements if symbol not in found]
    if missing:
        options = " ".join(f"--e0 {symbol}=EV" for symbol in missing)
        raise TrainingError(
            f"no energy of the isolated atom of {', '.join(missing)} in the labels: let pykoh "
            f"label compute it (without --no-atoms), or give {options}"
        )
    return {symbol: found[symbol] for symbol in elements}
