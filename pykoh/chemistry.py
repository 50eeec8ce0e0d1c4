"""The elements of aqueous alkali hydroxides: one table for all parts of pykoh."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cation:
    """An alkali metal, whose ion has the charge +1.

    Attributes:
        element: its symbol.
        mass_u: standard atomic weight, u (IUPAC 2021, doi:10.1515/pac-2019-0603).
        oxygen_A: mean distance of the ion to the oxygens of its first shell in water, Å (Marcus,
            Chem. Rev. 88 (1988) 1475, doi:10.1021/cr00090a003). Packing starts from it.
        contact_A: an ion and an oxygen within this distance are in contact, Å. It is about the
            first minimum of g(r) in water: Mähler and Persson, Inorg. Chem. 51 (2012) 425,
            doi:10.1021/ic2018693, find K-O at 2.81 Å on average; the minimum is about 0.8 Å beyond.
        valence: electrons of its GTH-BLYP pseudopotential and its DZVP-MOLOPT-SR-GTH basis (CP2K's
            files GTH_POTENTIALS and BASIS_MOLOPT).
        multiplicity: unpaired electrons of the isolated atom + 1.
    """

    element: str
    mass_u: float
    oxygen_A: float
    contact_A: float
    valence: int
    multiplicity: int = 2


_TABLE = (
    Cation("Li", 6.94, 2.08, 2.8, 3),
    Cation("Na", 22.98976928, 2.36, 3.2, 9),
    Cation("K", 39.0983, 2.80, 3.6, 9),
    Cation("Rb", 85.4678, 2.89, 3.8, 9),
    Cation("Cs", 132.90545196, 3.14, 4.0, 9),
)
CATIONS: dict[str, Cation] = {each.element: each for each in _TABLE}

MASSES_U: dict[str, float] = {
    "H": 1.008,
    "O": 15.999,
    **{element: cation.mass_u for element, cation in CATIONS.items()},
}
"""Standard atomic weights, u (IUPAC 2021, doi:10.1515/pac-2019-0603)."""

VALENCE: dict[str, int] = {
    "H": 1,
    "O": 6,
    **{element: cation.valence for element, cation in CATIONS.items()},
}
"""Valence electrons of the GTH-BLYP pseudopotentials."""

ATOM_MULTIPLICITY: dict[str, int] = {
    "H": 2,
    "O": 3,
    **{element: cation.multiplicity for element, cation in CATIONS.items()},
}
"""Number of unpaired electrons of the isolated atoms, plus 1."""


def hydroxide_mass(cation: str) -> float:
    """Return the molar mass of a cation's hydroxide, g/mol."""
    return MASSES_U[cation] + MASSES_U["O"] + MASSES_U["H"]
