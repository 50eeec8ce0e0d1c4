"""Rows of near pairs, and forces from the derivatives of pairs, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pykoh.engines.cpu.pairs import Pairs
from pykoh.engines.loops.pairs import forces_of_pairs

CUTOFF_A, N_ATOMS, N_PAIRS, N_SPECIES = 4.0, 30, 900, 3


def some_pairs(ascending: bool) -> tuple[torch.Tensor, ...]:
    """Return vectors, senders, receivers and species; a fifth of the pairs are too far."""
    random = np.random.default_rng(3)
    directions = random.normal(size=(N_PAIRS, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    lengths = random.uniform(0.7, 5.0, N_PAIRS)
    lengths[7] = CUTOFF_A  # at the cutoff there is no interaction
    vectors = (directions * lengths[:, None]).astype(np.float32)
    vectors[7] = 0.0, CUTOFF_A, 0.0
    vectors[11] = np.nan
    sender, receiver = random.integers(0, N_ATOMS, (2, N_PAIRS))
    receiver[receiver == 5] = 6  # an atom without neighbours
    if ascending:
        receiver.sort()
    species = random.integers(0, N_SPECIES, N_ATOMS)
    return tuple(map(torch.from_numpy, (vectors, sender, receiver, species)))


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("parts", [[(0, N_ATOMS)], [(0, 6), (6, 6), (6, 17), (17, N_ATOMS)]])
def test_rows_are_the_near_pairs_atom_by_atom(parts: list, ascending: bool) -> None:
    given = some_pairs(ascending)
    vectors, sender, receiver, species = (each.numpy() for each in given)
    pairs = Pairs(*given, N_ATOMS, N_SPECIES, CUTOFF_A)
    for low, high in parts:
        pairs.fill(low, high)
    near = ~((vectors.astype(np.float64) ** 2).sum(1) >= CUTOFF_A**2)
    assert near[11] and not near[7]  # what is not a number has to be seen
    order = np.argsort(receiver, kind="stable")
    wanted = order[near[order]]
    assert np.array_equal(pairs.pair, wanted) and pairs.n == len(wanted)
    assert np.array_equal(np.diff(pairs.start), np.bincount(receiver[near], minlength=N_ATOMS))
    assert np.array_equal(pairs.neighbour, sender[wanted])
    assert np.array_equal(
        pairs.kinds, species[receiver[wanted]] * N_SPECIES + species[sender[wanted]]
    )
    distance = np.linalg.norm(vectors[wanted].astype(np.float64), axis=1)
    assert pairs.distance == pytest.approx(distance, rel=1e-6, nan_ok=True)
    unit = -vectors[wanted].T / distance
    np.testing.assert_allclose(pairs.unit, unit, rtol=0, atol=1e-6)


@pytest.mark.parametrize("ascending", [True, False])
def test_forces_and_virial_are_sums_over_pairs(ascending: bool) -> None:
    vectors, sender, receiver, _ = (each.numpy() for each in some_pairs(ascending))
    rij = np.nan_to_num(vectors.astype(np.float64))
    gradient = np.random.default_rng(4).normal(size=(N_PAIRS, 3)).astype(np.float32)
    forces, virial = np.zeros((N_ATOMS, 3)), np.zeros((3, 3))
    assert forces_of_pairs(rij, gradient, sender, receiver, forces, virial)
    wanted = np.zeros((N_ATOMS, 3))
    np.add.at(wanted, receiver, gradient.astype(np.float64))
    np.add.at(wanted, sender, -gradient.astype(np.float64))
    assert forces == pytest.approx(wanted, abs=1e-12)
    assert virial == pytest.approx(-rij.T @ gradient.astype(np.float64), abs=1e-10)
    gradient[-1, 2] = np.inf
    assert not forces_of_pairs(rij, gradient, sender, receiver, forces, virial)
