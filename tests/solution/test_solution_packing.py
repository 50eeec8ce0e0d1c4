"""Packed boxes: rigid molecules, no overlaps, protons that know their oxygen."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pykoh.errors import CompositionError
from pykoh.solution.composition import from_counts, from_molarity
from pykoh.solution.packing import pack

# What pack() promises of different molecules, Å. A simulation could start from 0.2 Å less.
FLOORS = {("O", "O"): 2.55, ("H", "O"): 1.7, ("H", "H"): 1.9, ("K", "O"): 2.6, ("H", "K"): 2.8,
          ("K", "K"): 3.2}  # fmt: skip


def distances(box):
    """All minimum-image distances, [n, n], by brute force over 27 images."""
    length = box.composition.box_length_A
    x = box.positions_A
    shortest = np.full((len(x), len(x)), np.inf)
    for shift in np.ndindex(3, 3, 3):
        d = x[:, None] - x[None] + (np.array(shift) - 1) * length
        shortest = np.minimum(shortest, np.sqrt((d**2).sum(-1)))
    return shortest


def check(box):
    symbols = np.array(box.symbols)
    r = distances(box)
    apart = box.molecules[:, None] != box.molecules[None]
    for (a, b), floor in FLOORS.items():
        pairs = (symbols[:, None] == a) & (symbols[None] == b) & apart
        if pairs.any():
            assert r[pairs].min() >= floor, (a, b)
    # Every H is nearest to its own O, and no other O is anywhere near.
    to_o = r[np.ix_(symbols == "H", symbols == "O")]
    own = box.molecules[symbols == "H"][:, None] == box.molecules[symbols == "O"][None]
    assert own.sum() == (symbols == "H").sum()
    np.testing.assert_allclose(to_o[own], 0.97, atol=1e-9)
    assert to_o[~own].min() >= 1.7
    # Water's angle, through its H-H distance.
    hh = r[np.ix_(symbols == "H", symbols == "H")]
    same = box.molecules[symbols == "H"]
    same = (same[:, None] == same[None]) & ~np.eye(len(same), dtype=bool)
    np.testing.assert_allclose(hh[same], 2 * 0.97 * np.sin(np.deg2rad(104.5 / 2)), atol=1e-9)
    assert (symbols == "K").sum() == box.composition.n_koh
    assert (symbols == "H").sum() == box.composition.n_koh + 2 * box.composition.n_water
    assert (box.positions_A >= 0).all()
    assert (box.positions_A < box.composition.box_length_A).all()


@given(
    molarity=st.floats(0.56, 17.98),
    atoms=st.integers(300, 500),
    seed=st.integers(0, 2**32),
)
@example(molarity=0.75, atoms=300, seed=0)
@settings(max_examples=15)
def test_no_overlaps_at_any_concentration(molarity, atoms, seed):
    try:
        composition = from_molarity(molarity, atoms)
    except CompositionError as error:
        # Below 1 mol/L some sizes hold no whole number of ions; the size it names does.
        composition = from_molarity(molarity, int(str(error).split("--atoms ")[1]))
    check(pack(composition, np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("temperature", [298.15, 363.0])
def test_no_overlaps_at_18_mol_per_litre(seed, temperature):
    box = from_molarity(17.98, 330, temperature_K=temperature)
    check(pack(box, np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(4))
def test_thirty_atoms(seed):
    check(pack(from_counts(3, 7), np.random.default_rng(seed)))


def test_like_charges_keep_apart_in_dilute_solution():
    box = pack(from_molarity(1.0, 600), np.random.default_rng(1))
    symbols = np.array(box.symbols)
    r = distances(box)[np.ix_(symbols == "K", symbols == "K")]
    assert r[~np.eye(len(r), dtype=bool)].min() >= 5.0


def test_the_seed_decides():
    box = from_molarity(6.26, 200)
    first, same, other = (pack(box, np.random.default_rng(s)).positions_A for s in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize(("cation", "molarity"), [("Li", 4.0), ("Na", 15.0)])
def test_other_cations(cation, molarity):
    box = pack(from_molarity(molarity, 300, cation=cation), np.random.default_rng(0))
    symbols = np.array(box.symbols)
    r = distances(box)[np.ix_(symbols == cation, symbols == "O")]
    assert r.min() > {"Li": 1.9, "Na": 2.1}[cation]


def test_an_impossible_density_is_refused():
    crushed = from_counts(3, 3, density_kg_per_m3=3900.0)
    with pytest.raises(CompositionError, match="without overlaps"):
        pack(crushed, np.random.default_rng(0))
