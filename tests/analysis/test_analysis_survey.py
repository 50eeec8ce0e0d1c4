"""The look at each frame against brute force: owners, bonds by every criterion, maps, contacts."""

from __future__ import annotations

import numpy as np
import pytest

from pykoh.analysis.common.findings import Findings
from pykoh.analysis.common.geometry import nearest_oxygen
from pykoh.analysis.hops import transfer_kernel
from pykoh.analysis.hydrogen_bonds import kernel as s
from pykoh.analysis.hydrogen_bonds.criteria import CRITERIA, LUZAR_CHANDLER, Criterion
from pykoh.analysis.observable import Frames, System
from pykoh.analysis.per_frame import find
from pykoh.analysis.structure.contacts import BONDED, CLUSTERS
from pykoh.analysis.structure.observable import Distributions
from pykoh.chemistry import MASSES_U
from pykoh.trajectory.species import Atoms
from trajectories import koh_walkers

CUBIC = 12.0 * np.eye(3)
TILTED = 12.0 * np.array([[1.0, 0, 0], [0.3, 1.0, 0], [-0.2, 0.4, 1.0]])


def atoms_of(types: list[int]) -> Atoms:
    species = np.array(types, dtype=np.int8) - 1
    masses = np.array([MASSES_U[e] for e in ("H", "O", "K")])[species]
    return Atoms(np.arange(1, len(species) + 1), species, "K", masses)


def system_of(types: list[int]) -> System:
    return System(atoms_of(types), 0.01, 10.0, bonds=True, structure_stride=1)


def look(
    positions: np.ndarray, types: list[int], cell: np.ndarray, rule: Criterion = LUZAR_CHANDLER
) -> Findings:
    cells = np.broadcast_to(cell, (len(positions), 3, 3)).copy()
    return find(positions, cells, system_of(types), rule)


def vectors(a: np.ndarray, b: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Shortest vectors from each a to each b over all near images."""
    shifts = np.stack(np.meshgrid(*[range(-1, 2)] * 3), -1).reshape(-1, 3) @ cell
    d = b[None, :] - a[:, None]
    d = d - np.round(d @ np.linalg.inv(cell)) @ cell
    images = d[:, :, None] + shifts
    best = (images**2).sum(-1).argmin(-1)
    return np.take_along_axis(images, best[:, :, None, None], 2)[:, :, 0]


@pytest.mark.parametrize("cell", [CUBIC, TILTED])
@pytest.mark.parametrize("step, hop", [(0.05, 0.2), (0.6, 0.2)])
def test_owners_are_the_nearest_oxygens(cell: np.ndarray, step: float, hop: float) -> None:
    """Slow walkers, whose neighbour lists last, and fast ones, whose lists do not."""
    positions, types = koh_walkers(np.random.default_rng(3), 60, step=step, hop=hop)
    hydrogens, oxygens = (np.flatnonzero(np.array(types) == t) for t in (1, 2))
    expected = np.zeros((60, len(hydrogens)), dtype=np.int64)
    cells = np.broadcast_to(cell, (60, 3, 3)).copy()
    nearest_oxygen(positions, cells, hydrogens, oxygens, expected)
    found = look(positions, types, cell)
    assert (found.owner == expected).all()
    for f in (0, 17, 59):
        d = vectors(positions[f, hydrogens], positions[f, oxygens], cell)
        assert (found.owner[f] == (d**2).sum(-1).argmin(1)).all()
        assert (np.bincount(found.owner[f], minlength=len(oxygens)) == found.counts[f]).all()


@pytest.mark.parametrize("cell", [CUBIC, TILTED])
@pytest.mark.parametrize("name", CRITERIA)
def test_bonds_by_brute_force(name: str, cell: np.ndarray) -> None:
    rule = CRITERIA[name]
    positions, types = koh_walkers(np.random.default_rng(5), 12, n_koh=6, n_water=40)
    found = look(positions, types, cell, rule)
    kind_of = np.array(types)
    hydrogens, oxygens = np.flatnonzero(kind_of == 1), np.flatnonzero(kind_of == 2)
    total = 0
    angle_map = np.zeros((4, *s.MAP_SHAPE))
    transfer = np.zeros((12, *transfer_kernel.TRANSFER_SHAPE))
    for f in range(12):
        o_o = vectors(positions[f, oxygens], positions[f, oxygens], cell)
        o_h = vectors(positions[f, oxygens], positions[f, hydrogens], cell)
        expected = set()
        for i, d in enumerate(found.owner[f]):
            for a in range(len(oxygens)):
                counts = found.counts[f, [d, a]]
                if a == d or not set(counts) <= {1, 2}:
                    continue
                r = np.linalg.norm(o_o[d, a])
                bond = o_h[d, i]
                cosine = bond @ o_o[d, a] / (np.linalg.norm(bond) * r)
                beta = np.degrees(np.arccos(cosine))
                kind = (counts[0] - 1) + 2 * (counts[1] - 1)
                if 2.2 <= r < 4.0 and beta < 90:
                    angle_map[kind, int((r - 2.2) / 0.05), int(beta / 2)] += 1
                r_ha = np.linalg.norm(o_o[d, a] - bond)
                if (
                    r < rule.max_distance_A - rule.bend_A_per_deg2 * beta**2
                    and beta < rule.max_angle_deg
                    and (rule.max_hydrogen_A is None or r_ha < rule.max_hydrogen_A)
                ):
                    expected.add((i, a, kind))
        for star in np.flatnonzero(found.counts[f] == 1):
            best = (np.inf, 0.0)
            for w in np.flatnonzero(found.counts[f] == 2):
                r = np.linalg.norm(o_o[star, w])
                for i in np.flatnonzero(found.owner[f] == w) if r < 3.6 else ():
                    delta = np.linalg.norm(o_h[star, i]) - np.linalg.norm(o_h[w, i])
                    best = min(best, (delta, r))
            if best[0] < transfer_kernel.DELTA_MAX_A and best[1] >= 2.2:
                transfer[f, int(best[0] / 0.04), int((best[1] - 2.2) / 0.05)] += 1
        seen = {
            (i, int(a), int(found.kinds[f, i, k]))
            for i, row in enumerate(found.partner[f])
            for k, a in enumerate(row)
            if a >= 0
        }
        assert seen == expected
        total += len(expected)
        for k in range(4):
            assert found.sums[f, s.BONDS + k] == sum(kind == k for _, _, kind in expected)
        acceptors = np.bincount([a for _, a, _ in expected], minlength=len(oxygens))
        assert (found.accepted[f] == acceptors).all()
        donors = np.bincount([found.owner[f, i] for i, _, _ in expected], minlength=len(oxygens))
        assert (found.donated[f] == donors).all()
    assert total > 30
    # A pair on the edge of a bin may go either way.
    assert np.abs(found.angle_map - angle_map).sum() <= 4
    assert np.abs(found.transfer - transfer).sum() <= 4
    assert transfer.sum() > 5


def test_criteria_differ_where_they_should() -> None:
    positions, types = koh_walkers(np.random.default_rng(5), 20, n_koh=6, n_water=40)
    counts = {name: look(positions, types, CUBIC, rule).sums[:, :4].sum()
              for name, rule in CRITERIA.items()}  # fmt: skip
    assert counts["luzar-chandler-1993"] <= counts["luzar-chandler"]
    assert len(set(counts.values())) > 1
    changed = LUZAR_CHANDLER.changed(3.2, None)
    assert "changed" in changed.name and "3.2 Å" in changed.words()
    assert LUZAR_CHANDLER.changed(3.5, 30.0) is LUZAR_CHANDLER


@pytest.mark.parametrize("cell", [CUBIC, TILTED])
def test_contacts_by_brute_force(cell: np.ndarray) -> None:
    positions, types = koh_walkers(np.random.default_rng(9), 15, n_koh=9, n_water=24)
    found, system = look(positions, types, cell), system_of(types)
    cells = np.broadcast_to(cell, (len(positions), 3, 3)).copy()
    frames = Frames(0, positions, cells, found, system.structure_stride)
    _, contacts = Distributions(system, contact_A=3.6, pair_A=3.5).per_frame(frames)
    kind_of = np.array(types)
    oxygens, cations = np.flatnonzero(kind_of == 2), np.flatnonzero(kind_of == 3)
    for f in range(15):
        stars = np.flatnonzero(found.counts[f] == 1)
        d = vectors(positions[f, cations], positions[f, oxygens[stars]], cell)
        touch = np.linalg.norm(d, axis=-1) < 3.6
        row = contacts[f]
        assert (row[:12] == np.bincount(touch.sum(0), minlength=12)).all()
        assert (row[12:24] == np.bincount(touch.sum(1), minlength=12)).all()
        # Clusters by multiplying the matrix of contacts until nothing new is reached.
        n = len(cations) + len(stars)
        joined = np.eye(n, dtype=bool)
        joined[: len(cations), len(cations) :] = touch
        joined |= joined.T
        for _ in range(n):
            joined = (joined.astype(int) @ joined.astype(int)) > 0
        sizes = joined.sum(1)
        assert (row[CLUSTERS:] == np.bincount(sizes, minlength=65)[1:65]).all()
        bonds = bridged = 0
        for i, slots in enumerate(found.partner[f]):
            for a, kind in zip(slots, found.kinds[f, i], strict=True):
                if a >= 0 and kind == 0:
                    bonds += 1
                    ends = [list(stars).index(x) for x in (found.owner[f, i], a)]
                    bridged += bool((touch[:, ends[0]] & touch[:, ends[1]]).any())
        assert (row[BONDED], row[BONDED + 1]) == (bonds, bridged)


def test_crowded_oxygens_find_room() -> None:
    """More neighbours than the lists are made for at first."""
    rng = np.random.default_rng(0)
    oxygens = rng.uniform(0, 2.0, size=(60, 3)) + 4.0
    positions = np.concatenate([oxygens + 0.05, oxygens])[None]
    found = look(positions, [1] * 60 + [2] * 60, CUBIC)
    assert found.counts.sum() == 60
