"""Which element a LAMMPS atom type is, by its mass."""

from __future__ import annotations

from collections.abc import Sequence

# Rounded masses of data files differ by less; neighbouring elements by much more, u.
SAME_MASS_U = 0.1
DEUTERIUM_U = 2.014


def element_of_mass(mass_u: float, elements: Sequence[str]) -> str | None:
    """Return the element of this mass, or None if no one has it. Deuterium counts as hydrogen.

    Args:
        mass_u: mass of an atom type, u.
        elements: chemical symbols to choose from.
    """
    from ase.data import atomic_masses, atomic_numbers

    if "H" in elements and abs(mass_u - DEUTERIUM_U) < SAME_MASS_U / 2:
        return "H"
    for element in elements:
        if abs(mass_u - float(atomic_masses[atomic_numbers[element]])) <= SAME_MASS_U:
            return element
    return None
