"""Hydrogen bonds: placed ones, decoys just outside the criterion, and scripted lifetimes."""

from __future__ import annotations

import numpy as np
import pytest

from pykoh.analysis.common.estimate_views import value_of
from pykoh.analysis.common.geometry import count_hydrogens, nearest_oxygen
from pykoh.analysis.common.statistics import nothing_seen
from pykoh.analysis.hydrogen_bonds.counter import HydrogenBondCounter, bond_warnings
from pykoh.analysis.hydrogen_bonds.criteria import LUZAR_CHANDLER
from pykoh.analysis.observable import System
from pykoh.analysis.per_frame import find
from pykoh.analysis.results import HYDROGEN_BOND_CLASSES, HydrogenBonds
from pykoh.trajectory.species import Atoms
from trajectories import koh_walkers

CELL = 30.0 * np.eye(3)
TILTED = np.array([[24.0, 0, 0], [7.0, 22.0, 0], [-6.0, 5.0, 23.0]])


def count(
    positions: np.ndarray, n_h: int, cell: np.ndarray, interval: float | None = 0.01, block: int = 5
) -> HydrogenBonds:
    """Count the bonds of [n_frames, n_h + n_o, 3] positions, hydrogens first."""
    oxygens = np.arange(n_h, positions.shape[1])
    species = np.array([0] * n_h + [1] * len(oxygens), dtype=np.int8)
    atoms = Atoms(np.arange(len(species)), species, "K", np.ones(len(species)))
    system = System(atoms, interval, 6.0, bonds=True, structure_stride=1)
    counter = HydrogenBondCounter(n_h, LUZAR_CHANDLER)
    for start in range(0, len(positions), block):
        part = np.ascontiguousarray(positions[start : start + block])
        cells = np.broadcast_to(cell, (len(part), 3, 3)).copy()
        counter.add(find(part, cells, system, LUZAR_CHANDLER, start))
    return counter.result(interval)


def pair(
    at: np.ndarray, donor_h: int, acceptor_h: int, distance: float, angle: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return hydrogens and oxygens of a donor that points at an acceptor, ``angle`` off."""
    turn = np.radians(angle)
    hydrogens = [at + 0.97 * np.array([np.cos(turn), np.sin(turn), 0.0])]
    if donor_h == 2:
        hydrogens.append(at + np.array([-0.5, 0.0, 0.8]))
    other = at + np.array([distance, 0.0, 0.0])
    hydrogens += [
        other + np.array([0.6, 0.0, s * 0.75]) for s in ((1,) if acceptor_h == 1 else (1, -1))
    ]
    return hydrogens, [at, other]


@pytest.mark.parametrize("cell", [CELL, TILTED])
@pytest.mark.parametrize("name", HYDROGEN_BOND_CLASSES)
@pytest.mark.parametrize(
    "distance, angle, bonded",
    [(2.7, 0, 1), (3.49, 29, 1), (3.51, 0, 0), (2.7, 31, 0), (2.7, 29.9, 1), (3.4, 120, 0)],
)
def test_placed_bonds_and_decoys(
    name: str, distance: float, angle: float, bonded: int, cell: np.ndarray
) -> None:
    donor, acceptor = (1 if kind == "OH-" else 2 for kind in name.split("_"))
    # near a corner, so that bonds go through the faces
    hydrogens, oxygens = pair(np.array([-1.0, 0.2, 0.1]), donor, acceptor, distance, angle)
    found = count(np.array([hydrogens + oxygens]), len(hydrogens), cell)
    for entry in found.classes:
        same = donor == acceptor
        expected = bonded / (2 if same else 1) if entry.name == name else 0.0
        if entry.mean_per_donor is not None:
            assert entry.mean_per_donor.value == expected
            assert value_of(entry.mean_per_acceptor) in (None, expected)
            assert value_of(entry.fraction_of_donors_bonded) == expected


def test_a_donor_with_two_bonds_is_one_bonded_donor() -> None:
    """Water between two hydroxides: two bonds, one donor, and the distributions say so."""
    centre = np.array([10.0, 10.0, 10.0])
    x, y, z = np.eye(3)
    ends = [centre + 2.7 * x, centre + 2.7 * y]
    hydrogens = [centre + 0.97 * x, centre + 0.97 * y]
    hydrogens += [end + 0.97 * z for end in ends]
    found = count(np.array([[*hydrogens, centre, *ends]]), 4, CELL)
    entry = found.classes[1]
    assert entry.name == "H2O_OH-"
    assert value_of(entry.mean_per_donor) == 2.0
    assert value_of(entry.mean_per_acceptor) == 1.0
    assert value_of(entry.fraction_of_donors_bonded) == 1.0
    assert entry.donor_distribution.tolist() == [0.0, 0.0, 1.0]
    assert entry.acceptor_distribution.tolist() == [0.0, 1.0]


def test_lifetime_is_bond_time_over_breakings() -> None:
    """One bond: on 8 frames, off 2, on 5, off 5, on to the end (cut off, no breaking)."""
    on = [1] * 8 + [0] * 2 + [1] * 5 + [0] * 5 + [1] * 10
    frames = []
    for state in on:
        hydrogens, oxygens = pair(np.array([5.0, 5, 5]), 2, 1, 2.8, 10.0 if state else 60.0)
        frames.append(hydrogens + oxygens)
    found = count(np.array(frames), 3, CELL, interval=0.02)
    entry = found.classes[1]
    assert entry.n_breakings == 2
    # 8 + 5 frames that were followed by another, and 9 of the last 10
    assert entry.lifetime_ps.value == pytest.approx((8 + 5 + 9) * 0.02 / 2)
    assert entry.mean_per_donor.value == pytest.approx(23 / 30)
    assert entry.lifetime_ps.stderr >= entry.lifetime_ps.value / np.sqrt(2) - 1e-12


def test_bonds_that_were_never_seen_have_an_upper_limit() -> None:
    """Two hydroxides that do not touch, beside a water whose bond breaks now and then."""
    on = [1] * 8 + [0] * 2 + [1] * 5 + [0] * 5 + [1] * 10
    frames = []
    for state in on:
        hydrogens, oxygens = pair(np.array([5.0, 5, 5]), 2, 1, 2.8, 10.0 if state else 60.0)
        more = np.array([15.0, 15.0, 15.0])
        other = np.array([15.0, 15.0, 15.97])
        frames.append([*hydrogens, other, *oxygens, more])
    found = count(np.array(frames), 4, CELL, interval=0.02)
    nothing, seen = found.classes[0], found.classes[1]
    assert nothing.name == "OH-_OH-"
    assert nothing.mean_per_donor.value == nothing.fraction_of_donors_bonded.value == 0.0
    assert seen.lifetime_ps is not None
    windows = max(1.0, 29 * 0.02 / (2 * seen.lifetime_ps.value))
    stderr, limit = nothing_seen(2 * windows)
    assert nothing.fraction_of_donors_bonded.stderr == pytest.approx(stderr)
    assert nothing.mean_per_acceptor.stderr == pytest.approx(stderr)
    assert nothing.fraction_of_donors_bonded.upper_limit == pytest.approx(limit)
    assert seen.fraction_of_donors_bonded.upper_limit is None
    (warning,) = (w for w in bond_warnings(found, 0.02) if w.quantity.endswith("OH-_OH-"))
    assert "less than" in warning.reason


@pytest.mark.parametrize("n_koh", [1, 2])
def test_a_single_hydroxide_has_no_other_to_bond_to(n_koh: int) -> None:
    """No limit of what cannot be in the box, and no advice to run longer for it."""
    rng = np.random.default_rng(3)
    positions, types = koh_walkers(rng, 40, n_koh=n_koh, n_water=10, cell=30.0, hop=0.0)
    n_h, n_o = types.count(1), types.count(2)
    found = count(positions[:, : n_h + n_o], n_h, CELL)
    between = found.classes[0]
    if n_koh == 2:  # far apart
        assert between.mean_per_donor is not None and between.mean_per_donor.upper_limit
        return
    assert between.mean_per_donor is between.fraction_of_donors_bonded is None
    assert between.mean_per_acceptor is None
    assert found.classes[2].mean_per_donor is not None
    reasons = {w.quantity: w.reason for w in bond_warnings(found, 0.01)}
    assert "no other to bond to" in reasons["hydrogen_bonds.OH-_OH-"]


def test_a_proton_transfer_does_not_break_its_bond() -> None:
    """The proton of H2O_OH- goes over: the bond is then H2O_OH- the other way round."""
    frames = []
    for k in range(20):
        hydrogens, oxygens = pair(np.array([5.0, 5, 5]), 2, 1, 2.6, 0.0)
        if k % 4 >= 2:
            hydrogens[0] = oxygens[1] - [0.97, 0, 0]
        frames.append(hydrogens + oxygens)
    entry = count(np.array(frames), 3, CELL).classes[1]
    assert entry.n_breakings == 0
    assert entry.lifetime_ps is None
    assert value_of(entry.mean_per_donor) == 1.0


def brute_force(frame: np.ndarray, n_h: int, cell: np.ndarray) -> np.ndarray:
    """Return bonds per class of one frame, over all images."""
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), -1).reshape(-1, 3) @ cell
    hydrogens, oxygens = frame[:n_h], frame[n_h:]

    def nearest(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        vectors = (b - a)[None] + shifts
        best: np.ndarray = vectors[np.linalg.norm(vectors, axis=1).argmin()]
        return best

    wrap = lambda x: (x @ np.linalg.inv(cell)) % 1.0 @ cell  # noqa: E731
    hydrogens, oxygens = wrap(hydrogens), wrap(oxygens)
    owner = [int(np.argmin([np.linalg.norm(nearest(h, o)) for o in oxygens])) for h in hydrogens]
    counts = np.bincount(owner, minlength=len(oxygens))
    found = np.zeros(4)
    for h, d in enumerate(owner):
        for a in range(len(oxygens)):
            if a == d or counts[d] not in (1, 2) or counts[a] not in (1, 2):
                continue
            to = nearest(oxygens[d], oxygens[a])
            bond = nearest(oxygens[d], hydrogens[h])
            length = np.linalg.norm(to)
            cosine = to @ bond / length / np.linalg.norm(bond)
            if length < 3.5 and cosine > np.cos(np.radians(30)):
                found[counts[d] - 1 + 2 * (counts[a] - 1)] += 1
    return found


@pytest.mark.parametrize("cell_edge, n_water", [(9.0, 20), (13.0, 60)])
def test_against_brute_force(cell_edge: float, n_water: int) -> None:
    """Both routes, all pairs (small box) and bins (large box)."""
    frames, types = koh_walkers(
        np.random.default_rng(4), 6, n_koh=6, n_water=n_water, cell=cell_edge, step=0.3
    )
    n_h, n_o = types.count(1), types.count(2)
    cell = cell_edge * np.eye(3)
    frames = frames[:, : n_h + n_o]
    found = count(frames, n_h, cell)
    expected = sum(brute_force(frame, n_h, cell) for frame in frames)
    bonds = [(value_of(entry.mean_per_donor) or 0.0) for entry in found.classes]
    assert expected.sum() > 50
    owner = np.zeros((len(frames), n_h), dtype=np.int64)
    cells = np.broadcast_to(cell, (len(frames), 3, 3)).copy()
    nearest_oxygen(frames, cells, np.arange(n_h), np.arange(n_h, n_h + n_o), owner)
    counts = count_hydrogens(owner, n_o)
    donors = [(counts == 1).sum(), (counts == 2).sum()] * 2
    np.testing.assert_allclose(np.array(bonds) * donors, expected)
