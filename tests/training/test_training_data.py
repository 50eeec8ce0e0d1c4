"""The training data: selection, split by trajectory, isolated atoms."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from pykoh.errors import TrainingError
from pykoh.reference.labels import LabelSet
from pykoh.training.data import (
    concentrations,
    isolated_energies,
    select,
    split_by_trajectory,
    subset,
)


def frame(molarity: float, run: str, **info: str) -> Atoms:
    return Atoms("H", info={"molarity": molarity, "run": run, **info})


def many(n_runs: int, n_frames: int, molarities: tuple[float, ...] = (1.7, 6.34)) -> list[Atoms]:
    return [
        frame(m, f"{m}-{run}") for m in molarities for run in range(n_runs) for _ in range(n_frames)
    ]


def test_concentrations_merge_boxes_of_nearly_the_same() -> None:
    assert concentrations([frame(m, "a") for m in (6.34, 1.70, 6.30, 1.7)]) == [1.7, 6.32]


def test_select_takes_the_nearest_within_a_tenth() -> None:
    frames = many(2, 2)
    assert {f.info["molarity"] for f in select(frames, [6.26])} == {6.34}
    assert len(select(frames, [1.7, 6.26])) == len(select(frames, [])) == 8
    with pytest.raises(TrainingError, match=r"--molarity 12: no labels.*1\.70, 6\.34 mol/L"):
        select(frames, [12.0])


@settings(max_examples=60)
@given(
    n_runs=st.integers(2, 6),
    n_frames=st.integers(1, 4),
    fraction=st.floats(0.01, 0.9),
    seed=st.integers(0, 1000),
)
def test_no_trajectory_is_in_two_parts(
    n_runs: int, n_frames: int, fraction: float, seed: int
) -> None:
    frames = many(n_runs, n_frames)
    split = split_by_trajectory(frames, fraction, np.random.default_rng(seed))
    runs = [{f.info["run"] for f in part} for part in (split.train, split.valid)]
    assert not runs[0] & runs[1]
    assert len(split.train) + len(split.valid) == len(frames)
    for molarity in (1.7, 6.34):
        assert any(f.info["molarity"] == molarity for f in split.train)
        assert any(f.info["molarity"] == molarity for f in split.valid)


def test_marks_are_kept() -> None:
    frames = [frame(1.7, r, split=s) for r, s in (("a", "train"), ("b", "valid"), ("c", "test"))]
    split = split_by_trajectory(frames, 0.5, np.random.default_rng(0))
    assert [len(split.train), len(split.valid), len(split.test)] == [1, 1, 1]


def test_frames_without_a_mark_follow_their_trajectory() -> None:
    frames = [frame(1.7, "a", split="test"), *(frame(1.7, r) for r in "aaabbcc")]
    for seed in range(5):
        split = split_by_trajectory(frames, 0.3, np.random.default_rng(seed))
        assert [f.info["run"] for f in split.test] == ["a"] * 4
        assert "a" not in {f.info["run"] for f in (*split.train, *split.valid)}


def test_a_trajectory_at_constant_pressure_is_in_one_part() -> None:
    # Its volume changes by some percent: its frames are at two concentrations.
    frames = [frame(m, run) for run in "abcd" for m in (6.0, 6.05, 6.3, 6.35)]
    assert len(concentrations(frames)) == 2
    for seed in range(10):
        split = split_by_trajectory(frames, 0.3, np.random.default_rng(seed))
        runs = [{f.info["run"] for f in part} for part in (split.train, split.valid)]
        assert not runs[0] & runs[1] and all(runs)
        assert len(split.train) + len(split.valid) == len(frames)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([("a", "train"), ("a", "test")], "trajectory a: is in train and in test"),
        ([("a", "training")], "none of train, valid, test"),
        ([("a", "test")], "no frames to train on"),
        ([("a", "train")], "no trajectory to validate with"),
    ],
)
def test_splits_that_cannot_be(marks: list[tuple[str, str]], expected: str) -> None:
    frames = [frame(1.7, run, split=split) for run, split in marks]
    with pytest.raises(TrainingError, match=expected):
        split_by_trajectory(frames, 0.1, np.random.default_rng(0))


def test_subset_is_even_over_concentrations_and_runs() -> None:
    frames = many(3, 5)
    chosen = subset(frames, 6, np.random.default_rng(0))
    counts = {}
    for f in chosen:
        counts[f.info["run"]] = counts.get(f.info["run"], 0) + 1
    assert set(counts.values()) == {1} and len(counts) == 6
    assert len({id(f) for f in chosen}) == 6
    with pytest.raises(TrainingError, match="only 30 frames"):
        subset(frames, 31, np.random.default_rng(0))


def test_isolated_atoms_are_never_guessed() -> None:
    labels = LabelSet((), {"H": -12.5, "O": -430.0}, "x", "x")
    assert isolated_energies(labels, {"O": -431.0}, ["H", "O"]) == {"H": -12.5, "O": -431.0}
    with pytest.raises(TrainingError, match=r"--e0 K=EV"):
        isolated_energies(labels, {}, ["H", "O", "K"])
