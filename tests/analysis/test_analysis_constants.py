"""Compiled loops use their named constants: a changed constant changes the answer.

The loops are called as plain Python, whose constants can be changed; the compiled ones keep theirs.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pykoh.analysis.common import speciation
from pykoh.analysis.common.findings import Findings
from pykoh.analysis.common.geometry import inverses_of
from pykoh.analysis.common.speciation import Neighbours, measure
from pykoh.analysis.hops import transfer_kernel
from pykoh.analysis.hydrogen_bonds import kernel
from pykoh.analysis.hydrogen_bonds.criteria import LUZAR_CHANDLER, compiled
from pykoh.analysis.per_frame import _empty
from pykoh.analysis.structure import contacts, rdf

CELL = 20.0 * np.eye(3)


def scene(spacing: float = 2.9) -> tuple[np.ndarray, np.ndarray, Neighbours, Findings]:
    """Return H and O (fractional), neighbours and findings of a hydroxide and two waters.

    Both waters point an H at the hydroxide; that of the first is a bit off the line.
    """
    o = np.array([[5.0, 5.0, 5.0], [5.0 + spacing, 5.0, 5.0], [5.0, 5.0 + spacing, 5.0]])
    h = np.array(
        [
            o[0] + [0.0, 0.0, 0.97],
            o[1] + [-0.95, 0.0, 0.2],
            o[1] + [0.3, 0.0, -0.9],
            o[2] + [0.0, -0.97, 0.0],
            o[2] + [0.3, 0.0, -0.9],
        ]
    )
    neighbours = Neighbours(
        np.array([[1, 2], [0, 2], [0, 1]], dtype=np.int32),
        np.array([2, 2, 2]),
        np.zeros((3, 2, 4)),
        np.array([[0, -1, -1, -1], [1, 2, -1, -1], [3, 4, -1, -1]]),
        np.array([1, 2, 2]),
        *np.zeros((2, 3, kernel.N_CLASSES), dtype=np.int64),
    )
    measure(o / 20.0, CELL, neighbours)
    found = _empty(1, 5, 3, 1)
    found.counts[0] = 1, 2, 2
    found.owner[0] = 0, 1, 1, 2, 2
    return h / 20.0, o / 20.0, neighbours, found


def bonds() -> list[np.ndarray]:
    h, o, neighbours, found = scene()
    criterion = LUZAR_CHANDLER.parameters()
    kernel.find_bonds(0, h, o, CELL, neighbours, criterion, compiled(None), False, 4.0, True, found)
    assert found.angle_map.sum() > 0
    return [found.angle_map, found.partner, found.kinds]


def mapped() -> list[np.ndarray]:
    angle_map = np.zeros(kernel.MAP_SHAPE)
    kernel.add_to_map(angle_map, 2.93, np.radians(17.0))
    return [np.argwhere(angle_map)]


def molecules() -> list[np.ndarray]:
    found = scene()[-1]
    per = np.array([[0, 0, 0, 0], [0, 3, 0, 1], [0, 0, 2, 0]])
    kernel.count_molecules(found.counts[0], per, per, found.sums[0], found)
    return [found.sums, found.donated_shares, found.accepted_shares]


def transfer() -> list[np.ndarray]:
    h, o, neighbours, found = scene()
    transfer_kernel.nearest_to_transfer(0, h, o, CELL, neighbours, found)
    return [found.transfer]


def near() -> list[np.ndarray]:
    """Whether lists are old, and which H an oxygen holds."""
    h, o, neighbours, found = scene()
    moved = o + np.array([0.3 / 20.0, 0.0, 0.0])
    old = speciation.lists_are_old(o, moved, CELL)
    neighbours.held[:] = -1
    owner, counts = np.zeros(5, dtype=np.int64), np.zeros(3, dtype=np.int64)
    speciation.assign_protons(h, o, CELL, owner.copy(), 16.0, neighbours, owner, counts)
    assert owner.tolist() == found.owner[0].tolist()
    return [np.array(old), neighbours.n_held.copy()]


def touching() -> list[np.ndarray]:
    """Contacts of two cations with a hydroxide each, which are bonded to each other."""
    positions = np.zeros((1, 4, 3))
    positions[0] = [[5, 5, 5], [5, 5, 8], [7.8, 5, 5], [5, 7.9, 8]]
    out = np.zeros((1, contacts.N_CONTACTS + 4))
    contacts.ion_contacts.py_func(
        positions, CELL[None], inverses_of(CELL[None]), np.array([0, 3]), np.array([1, 2]),
        np.array([[1, 1]]), np.array([[0, 1]]), np.array([[[1], [-1]]], dtype=np.int32),
        np.zeros((1, 2, 1), dtype=np.int8), 3.6, np.empty((2, 3)), np.empty((2, 3)), out,
    )  # fmt: skip
    assert out[:, contacts.BONDED] == 1
    return [out]


def pairs() -> list[np.ndarray]:
    """Pairs of a cation with an O*, a water's O and an H; one of them is too far."""
    places = np.array([[0.1, 0.2, 0.3, 0.45], [0.1] * 4, [0.1] * 4], dtype=np.float32)
    bins = np.zeros(4, dtype=np.int32)
    cell = (20.0 * np.eye(3)).astype(np.float32)
    rdf._distance_bins(places, 0, 1, 4, cell, np.float32(5.0), 30, bins)
    kind = np.array([rdf_kinds["cation"], rdf_kinds["star"], rdf_kinds["water"], 0])
    rows = np.array([[rdf.pair_index(a, b) for b in range(5)] for a in range(5)])
    histogram = np.zeros((20, 60), dtype=np.int64)
    closest = np.full(4, 30, dtype=np.int32)
    rdf._count(bins, 0, 1, 4, kind, rows, histogram, closest)
    return [bins, histogram, closest]


rdf_kinds = {"cation": rdf.KIND_CATION, "star": rdf.KIND_OSTAR, "water": rdf.KIND_OW}


@pytest.mark.parametrize(
    "module, name, value, answer",
    [
        (kernel, "MAP_START_A", 2.0, mapped),
        (kernel, "MAP_BIN_A", 0.1, mapped),
        (kernel, "MAP_BIN_DEG", 4.0, mapped),
        (kernel, "MAP_SHAPE", (5, 45), mapped),
        (kernel, "MOST_BONDS", 0, bonds),
        (kernel, "MOST_COUNTED", 2, molecules),
        (kernel, "BONDED", 3, molecules),
        (kernel, "HYDROXIDES", 9, molecules),
        (kernel, "WATERS", 8, molecules),
        (transfer_kernel, "DELTA_BIN_A", 0.08, transfer),
        (transfer_kernel, "DELTA_MAX_A", 0.5, transfer),
        (transfer_kernel, "TRANSFER_R_A", (2.0, 3.6), transfer),
        (transfer_kernel, "TRANSFER_BIN_A", 0.1, transfer),
        (speciation, "SURPLUS_A", 0.5, near),
        (speciation, "MOST_H", 1, near),
        (contacts, "AT_CATIONS", 13, touching),
        (contacts, "AT_STARS", 1, touching),
        (contacts, "BRIDGED", contacts.CLUSTERS, touching),
        (contacts, "CLUSTERS", contacts.CLUSTERS + 1, touching),
        (contacts, "LONGEST_CLUSTER", 1, touching),
        (contacts, "_MOST", 1, touching),
        (contacts, "_OH_TO_OH", 1, touching),
        (rdf, "KIND_CATION", 1, pairs),
        (rdf, "KIND_OSTAR", 1, pairs),
        (rdf, "_LAST", 1, pairs),
    ],
)
def test_a_changed_constant_changes_the_answer(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, value: Any, answer: Any
) -> None:
    before = answer()
    monkeypatch.setattr(module, name, value)
    try:
        after = answer()
    except (AssertionError, IndexError):
        return  # it moved out of where it is looked for
    assert any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True)), name


def test_the_bins_end_where_the_maps_end() -> None:
    assert kernel.MAP_R_A == (2.2, 4.0)
    assert transfer_kernel.DELTA_MAX_A == 1.6
    shortest, longest = transfer_kernel.TRANSFER_R_A
    width = transfer_kernel.TRANSFER_BIN_A * transfer_kernel.TRANSFER_SHAPE[1]
    assert longest - shortest == pytest.approx(width)
    assert contacts.CLUSTERS == contacts.BRIDGED + 1
