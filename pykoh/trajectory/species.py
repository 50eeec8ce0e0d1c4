"""The species of the atoms: H, O and the cation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.chemistry import CATIONS, MASSES_U
from pykoh.errors import TrajectoryError

HYDROGEN, OXYGEN, CATION = 0, 1, 2

DEFAULT_TYPES = ("H", "O", "K")


@dataclass(frozen=True, slots=True, eq=False)
class Atoms:
    """The atoms of a trajectory, sorted by id.

    Attributes:
        ids: [n_atoms], LAMMPS atom ids, ascending.
        species: [n_atoms], HYDROGEN, OXYGEN or CATION.
        cation: element of the cation.
        masses: [n_atoms], u.
    """

    ids: NDArray[np.int64]
    species: NDArray[np.int8]
    cation: str
    masses: NDArray[np.float64]

    def indices(self, species: int) -> NDArray[np.int64]:
        """Return the indices of the atoms of one species, ascending."""
        return np.flatnonzero(self.species == species).astype(np.int64)


@dataclass(frozen=True, slots=True)
class SpeciesMap:
    """Maps LAMMPS types and element names to species.

    Attributes:
        types: element of type 1, 2, 3 ...
    """

    types: tuple[str, ...] = DEFAULT_TYPES

    @classmethod
    def parse(cls, text: str) -> SpeciesMap:
        """Return the map of an option such as ``"H,O,K"``.

        Raises:
            TrajectoryError: there is an element other than H, O and one alkali metal.
        """
        elements = tuple(word.strip().capitalize() for word in text.split(","))
        unknown = [element for element in elements if element not in MASSES_U]
        if unknown:
            raise TrajectoryError(
                f"--types {text}: '{unknown[0]}' is not one of {', '.join(MASSES_U)}; "
                "give the element of LAMMPS type 1, 2, 3 ..., e.g. --types H,O,K"
            )
        cations = {element for element in elements if element in CATIONS}
        if len(cations) > 1:
            raise TrajectoryError(
                f"--types {text}: only one kind of cation is supported, found {', '.join(cations)}"
            )
        return cls(elements)

    def words(self, by_element: bool) -> dict[str, str]:
        """Return the element of each word in the species column.

        With ``dump_modify types labels`` the words are elements.
        """
        elements = {element: element for element in MASSES_U}
        if by_element:
            return elements
        numbers = {str(number): element for number, element in enumerate(self.types, start=1)}
        return {**numbers, **elements}


def code_of(element: str) -> int:
    """Return the species code of an element."""
    return {"H": HYDROGEN, "O": OXYGEN}.get(element, CATION)
