"""The neighbour list of `pykoh run`: no pair is missing, and the box is searched rarely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pykoh.engines.pair_list import NearPairs, PairList
from pykoh.errors import ModelError

CUTOFF_A = 3.0
TILTED = np.array([[9.0, 0.0, 0.0], [2.5, 8.0, 0.0], [-1.5, 3.0, 8.5]])

Array = NDArray[np.float64]


def all_pairs(positions: Array, cell: Array) -> set[tuple[Any, ...]]:
    """Return the pairs within the cutoff, of all images that may be near."""
    n = np.arange(-3, 4)
    images = np.stack(np.meshgrid(n, n, n), -1).reshape(-1, 3) @ cell
    apart = positions[None, :, None] - positions[:, None, None] + images
    near = (apart**2).sum(-1) < CUTOFF_A**2
    near[np.arange(len(positions)), np.arange(len(positions)), len(images) // 2] = False
    receiver, sender, image = np.nonzero(near)
    return as_set(receiver, sender, apart[receiver, sender, image])


def as_set(receiver: Any, sender: Any, apart: Array) -> set[tuple[Any, ...]]:
    rounded = (np.round(apart, 6) + 0.0).tolist()
    return set(zip(receiver.tolist(), sender.tolist(), map(tuple, rounded), strict=True))


def found(pairs: NearPairs) -> set[tuple[Any, ...]]:
    assert (np.diff(pairs.receiver) >= 0).all()
    assert pairs.vectors == pytest.approx(pairs.rij, abs=1e-6)
    result = as_set(pairs.receiver, pairs.sender, pairs.rij)
    assert len(result) == len(pairs.sender)  # none comes twice
    return result


def wrapped(positions: Array, cell: Array) -> Array:
    fractional = np.linalg.solve(cell.T, positions.T).T
    return (fractional - np.floor(fractional)) @ cell


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cell", [9.0 * np.eye(3), TILTED], ids=["cube", "tilted"])
@pytest.mark.parametrize("strain", [0.0, 2e-4], ids=["NVT", "NPT"])
def test_no_pair_is_missing(cell: Array, strain: float, dtype: type) -> None:
    rng = np.random.default_rng(1)
    positions = rng.random((40, 3)) @ cell
    pairs, n_steps = PairList(CUTOFF_A, 0.6, dtype), 150
    for step in range(n_steps):
        deformation = np.eye(3) + strain * rng.normal(size=(3, 3))
        cell, positions = cell @ deformation, positions @ deformation
        positions = positions + rng.normal(scale=0.03, size=positions.shape)
        # LAMMPS puts atoms back into the box now and then.
        if step % 10 == 0:
            positions = wrapped(positions, cell)
        near = pairs(positions, cell)
        assert found(near) == all_pairs(positions, cell)
        assert near.vectors.dtype == dtype
    assert 0 < pairs.searches < pairs.rebuilds / 2
    assert pairs.rebuilds < n_steps / 2


def test_an_atom_that_is_put_back_into_the_box_is_no_reason_to_search() -> None:
    cell = 9.0 * np.eye(3)
    positions = np.random.default_rng(2).random((30, 3)) @ cell
    pairs = PairList(CUTOFF_A, 0.6, np.float64)
    before = found(pairs(positions, cell))
    moved = positions + np.random.default_rng(3).integers(-2, 3, (30, 3)) @ cell
    assert found(pairs(moved, cell)) == before
    assert pairs.searches == pairs.rebuilds == 1


def test_a_step_far_beyond_the_skin_makes_the_list_anew() -> None:
    cell = 9.0 * np.eye(3)
    rng = np.random.default_rng(4)
    pairs = PairList(CUTOFF_A, 0.6, np.float64)
    for turn in range(1, 4):
        positions = rng.random((30, 3)) @ cell
        assert found(pairs(positions, cell)) == all_pairs(positions, cell)
        assert pairs.searches == turn


def test_other_atoms_and_another_cell() -> None:
    rng = np.random.default_rng(5)
    pairs = PairList(CUTOFF_A, 0.6, np.float64)
    for n, cell in [(30, 9.0 * np.eye(3)), (31, 9.0 * np.eye(3)), (31, TILTED), (3, TILTED)]:
        positions = rng.random((n, 3)) @ cell
        assert found(pairs(positions, cell)) == all_pairs(positions, cell)


def test_an_atom_that_was_very_far_away() -> None:
    cell = 9.0 * np.eye(3)
    positions = np.random.default_rng(7).random((30, 3)) @ cell
    far = positions.copy()
    far[3] += 1e12
    pairs = PairList(CUTOFF_A, 0.6, np.float64)
    pairs(far, cell)
    assert found(pairs(positions, cell)) == all_pairs(positions, cell)


def test_an_interrupted_search_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    cell = 9.0 * np.eye(3)
    positions = rng.random((30, 3)) @ cell
    pairs = PairList(CUTOFF_A, 0.6, np.float64)
    pairs(positions, cell)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    moved, larger = rng.random((30, 3)) @ cell, 1.003 * cell
    with monkeypatch.context() as patch:
        patch.setattr(pairs, "_search", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pairs(moved, larger)
    for now in (moved, positions):
        assert found(pairs(now, larger)) == all_pairs(now, larger)


def test_unrelated_structures_are_searched_no_farther_than_needed() -> None:
    cell = 9.0 * np.eye(3)
    rng = np.random.default_rng(9)
    pairs = PairList(CUTOFF_A, 0.6, np.float64)
    reaches = []
    for _ in range(3):
        pairs(rng.random((30, 3)) @ cell, cell)
        assert pairs._outer is not None
        reaches.append(pairs._outer.reach_A)
    assert reaches == [5.6, 3.6, 3.6]


@pytest.mark.parametrize(
    "cell", [np.zeros((3, 3)), np.full((3, 3), np.nan), np.diag([9.0, np.inf, 9.0])]
)
def test_cells_that_are_none(cell: Array) -> None:
    positions = np.zeros((2, 3))
    for before in ([], [9.0 * np.eye(3)]):
        pairs = PairList(CUTOFF_A, 0.6, np.float64)
        for each in before:
            pairs(positions, each)
        with pytest.raises(ModelError, match="no volume or is not a number"):
            pairs(positions, cell)


def test_no_atoms_at_all() -> None:
    pairs = PairList(CUTOFF_A, 0.6, np.float64)
    for edge in (9.0, 9.1):
        assert len(pairs(np.zeros((0, 3)), edge * np.eye(3)).sender) == 0


def test_atoms_without_neighbours_and_a_box_smaller_than_the_cutoff() -> None:
    pairs = PairList(CUTOFF_A, 0.6, np.float32)
    alone = pairs(np.zeros((1, 3)), 30.0 * np.eye(3))
    assert len(alone.sender) == 0 and alone.vectors.dtype == np.float32
    cell = 2.5 * np.eye(3)
    positions = np.array([[0.0, 0.0, 0.0], [1.2, 1.0, 0.3]])
    assert found(pairs(positions, cell)) == all_pairs(positions, cell)
    moved = positions + 0.1
    assert found(pairs(moved, cell)) == all_pairs(moved, cell)


def test_without_a_skin_the_list_is_made_at_each_step() -> None:
    cell = 9.0 * np.eye(3)
    rng = np.random.default_rng(6)
    positions = rng.random((30, 3)) @ cell
    pairs = PairList(CUTOFF_A, 0.0, np.float64)
    for turn in range(1, 6):
        positions = positions + rng.normal(scale=0.02, size=positions.shape)
        assert found(pairs(positions, cell)) == all_pairs(positions, cell)
        assert pairs.rebuilds == turn
    assert pairs.searches == 1
