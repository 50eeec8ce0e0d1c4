"""Densities against published tables; compositions against their own definitions."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykoh import chemistry
from pykoh.errors import CompositionError
from pykoh.solution import composition as comp
from pykoh.solution import density as dens

# CRC Handbook, concentrative properties of aqueous solutions, NaOH at 20 °C: wt%, g/cm³.
NAOH_CRC_20C = [(5, 1.0538), (10, 1.1089), (20, 1.2192), (30, 1.3277), (40, 1.4299)]
# Measured densities at 25 °C in mol/kg water, g/cm³ (critically evaluated tables).
LIOH_25C = [(0.5, 1.01060), (1.0, 1.02347), (2.0, 1.04788), (3.0, 1.07085), (4.0, 1.09255)]
NAOH_25C = [(1.0, 1.03911), (2.0, 1.07787), (4.0, 1.14776), (6.0, 1.20866)]
# KOH at 18 °C: wt%, g/cm³ (handbook table, independent of Gilliam's fit).
KOH_18C = [(5, 1.045), (10, 1.091), (20, 1.188), (30, 1.290), (40, 1.400)]


def _fraction(molality, cation):
    mass = molality * chemistry.hydroxide_mass(cation)
    return mass / (1000 + mass)


@pytest.mark.parametrize(("percent", "measured"), NAOH_CRC_20C)
def test_naoh_density_at_20_c(percent, measured):
    assert dens.density("Na", percent / 100, 293.15) == pytest.approx(1000 * measured, rel=3e-3)


@pytest.mark.parametrize(
    ("cation", "molality", "measured"),
    [("Li", *row) for row in LIOH_25C] + [("Na", *row) for row in NAOH_25C],
)
def test_density_at_25_c(cation, molality, measured):
    model = dens.density(cation, _fraction(molality, cation), 298.15)
    assert model == pytest.approx(1000 * measured, rel=3e-3)


@pytest.mark.parametrize(("percent", "measured"), KOH_18C)
def test_koh_density_at_18_c(percent, measured):
    assert dens.density("K", percent / 100, 291.15) == pytest.approx(1000 * measured, rel=7e-3)


def test_gilliam_formula_by_hand():
    # T = 60 °C, 30 wt%: A = 1001.53 - 5.0058 - 14.4576 + 1.19066 - 0.01064 = 983.24662
    assert dens.koh_density(0.30, 60.0) == pytest.approx(983.24662 * math.exp(0.258), rel=1e-6)


@pytest.mark.parametrize(("celsius", "measured"), [(4, 999.972), (25, 997.047), (80, 971.79)])
def test_water_density(celsius, measured):
    assert dens.water_density(celsius) == pytest.approx(measured, abs=0.02)


def test_saturation_of_koh():
    assert dens.koh_saturation(293.15) == pytest.approx(112 / 212)
    assert dens.koh_saturation(373.15) == pytest.approx(178 / 278)
    assert dens.cautions("K", 0.40, 298.15) == []
    assert len(dens.cautions("K", 0.60, 298.15)) == 2


@given(
    molarity=st.floats(0.56, 17.98),
    temperature=st.floats(274, 363),
    atoms=st.integers(300, 12_000),
)
@settings(max_examples=60)
def test_box_holds_what_it_says(molarity, temperature, atoms):
    # From five ion pairs on, a whole number of them fits every molarity.
    atoms = max(atoms, math.ceil(5 * 3 * 60 / molarity))
    box = comp.from_molarity(molarity, atoms, temperature_K=temperature)
    # The definitions, in SI, from the counts and the volume alone.
    litres = box.volume_A3 * 1e-27
    assert box.molarity_mol_per_L == pytest.approx(box.n_koh / 6.02214076e23 / litres)
    kg = (box.n_koh * 56.1053 + box.n_water * 18.015) / 6.02214076e23 / 1000
    assert box.density_kg_per_m3 == pytest.approx(kg / (box.volume_A3 * 1e-30), rel=1e-6)
    celsius = temperature - 273.15
    assert box.density_kg_per_m3 == pytest.approx(dens.koh_density(box.mass_fraction, celsius))
    assert abs(box.n_atoms - atoms) <= 0.1 * atoms
    assert box.molarity_mol_per_L == pytest.approx(molarity, rel=0.03)


@given(molarity=st.floats(0.01, 19.5))
def test_mass_fraction_solves_for_the_molarity(molarity):
    w = comp.mass_fraction_of(molarity)
    assert w * dens.density("K", w, 298.15) / 56.1053 == pytest.approx(molarity, rel=1e-9)


def test_no_other_size_is_closer():
    """The choice is the best of all boxes in range, by brute force over both counts."""
    target, atoms = 2.0, 600
    box = comp.from_molarity(target, atoms)
    errors = [
        abs(comp.from_counts(n, units - n).molarity_mol_per_L / target - 1)
        for units in range(180, 221)
        for n in range(1, 20)
    ]
    mine = abs(box.molarity_mol_per_L / target - 1)
    assert mine <= max(min(errors), comp.MOLARITY_TOLERANCE)


def test_given_density_sets_the_volume():
    box = comp.from_counts(5, 50, cation="Cs", density_kg_per_m3=1400.0)
    grams = (5 * (132.90545196 + 17.007) + 50 * 18.015) / 6.02214076e23
    assert box.volume_A3 == pytest.approx(grams / 1.4 * 1e24)
    assert box.cautions == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"molarity_mol_per_L": 0.0}, "not a finite number above 0"),
        ({"molarity_mol_per_L": -2.0}, "not a finite number above 0"),
        ({"molarity_mol_per_L": float("nan")}, "not a finite number above 0"),
        ({"molarity_mol_per_L": 21.0}, "beyond the maximum"),
        ({"molarity_mol_per_L": 6.0, "cation": "Cs"}, "no density formula for CsOH"),
        ({"molarity_mol_per_L": 6.0, "cation": "Fe"}, "not one of Li, Na, K, Rb, Cs"),
        ({"molarity_mol_per_L": 6.0, "temperature_K": 25.0}, "known from 273.15"),
        ({"molarity_mol_per_L": 6.0, "temperature_K": float("inf")}, "not above 0 K"),
        ({"molarity_mol_per_L": 6.0, "density_kg_per_m3": 1.2}, "1.25 g/cm³ is 1250"),
        ({"molarity_mol_per_L": 1.0, "n_atoms": 30}, "use --atoms 168"),
        ({"molarity_mol_per_L": 6.0, "n_atoms": 3}, "use --atoms"),
    ],
)
def test_impossible_solutions_are_refused(options, words):
    with pytest.raises(CompositionError, match=words):
        comp.from_molarity(**{"n_atoms": 300, **options})


@pytest.mark.parametrize(("n_koh", "n_water"), [(0, 10), (-1, 10), (3, 0), (9, 1)])
def test_impossible_counts_are_refused(n_koh, n_water):
    with pytest.raises(CompositionError):
        comp.from_counts(n_koh, n_water)


@given(molarity=st.floats(0.3, 17.0), atoms=st.integers(3, 2000))
@settings(max_examples=60)
def test_the_suggested_size_works(molarity, atoms):
    try:
        comp.from_molarity(molarity, atoms)
    except CompositionError as error:
        suggested = int(str(error).rsplit("--atoms ", 1)[1])
        assert suggested > atoms
        box = comp.from_molarity(molarity, suggested)
        assert box.molarity_mol_per_L == pytest.approx(molarity, rel=0.1)
