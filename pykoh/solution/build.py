"""A packed box of aqueous alkali hydroxide at experimental density: for ``pykoh build``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pykoh.errors import CompositionError
from pykoh.solution import composition
from pykoh.solution.composition import Composition
from pykoh.solution.packing import PackedBox, pack
from pykoh.solution.write import write_box

if TYPE_CHECKING:
    from ase import Atoms

DEFAULT_ATOMS = 300
# Packing takes about 5 kB and 0.2 ms per atom; LAMMPS can repeat a box to make a larger one.
MOST_ATOMS = 1_000_000
# Two cutoffs of 5 Å, the usual cutoff of a MACE potential of this project.
SMALL_BOX_A = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A packed box, made by :func:`build`.

    Attributes:
        packed: atoms, in a cubic periodic box.
        seed: of the random numbers; the same seed gives the same box.
        asked_mol_per_L: the requested molarity, or None.
    """

    packed: PackedBox
    seed: int
    asked_mol_per_L: float | None = None

    @property
    def composition(self) -> Composition:
        """The composition of the box."""
        return self.packed.composition

    @property
    def cautions(self) -> list[str]:
        """Warnings about this box, one sentence each."""
        return cautions(self.composition, self.asked_mol_per_L)

    def to_ase(self) -> Atoms:
        """Return the box as ASE atoms, periodic in all directions."""
        from ase import Atoms

        length = self.composition.box_length_A
        return Atoms(self.packed.symbols, self.packed.positions_A, cell=[length] * 3, pbc=True)

    def write(self, output: str | Path, force: bool = False) -> tuple[Path, Path]:
        """Write NAME.data (LAMMPS) and NAME.extxyz; return both paths.

        Args:
            output: one of the two names.
            force: replace files that exist.

        Raises:
            OutputError: a file exists or cannot be written.
        """
        return write_box(self.packed, self.seed, str(output), force)


def composition_of(
    molarity_mol_per_L: float | None,
    n_atoms: int | None,
    n_koh: int | None,
    n_water: int | None,
    cation: str = "K",
    temperature_K: float = 298.15,
    density_kg_per_m3: float | None = None,
) -> Composition:
    """Return the requested composition, from molarity and atoms or from exact numbers.

    Raises:
        CompositionError: the arguments contradict each other, or the solution cannot exist.
    """
    if n_koh is not None or n_water is not None:
        if molarity_mol_per_L is not None or n_atoms is not None:
            raise CompositionError(
                "--molarity/--atoms and --n-koh/--n-water both define the box; "
                "give only one of the two pairs"
            )
        if n_koh is None or n_water is None:
            missing = "--n-koh" if n_koh is None else "--n-water"
            raise CompositionError(f"{missing} is missing; --n-koh and --n-water go together")
        _check_size(3 * (n_koh + n_water))
        return composition.from_counts(
            n_koh, n_water, cation=cation, temperature_K=temperature_K,
            density_kg_per_m3=density_kg_per_m3,
        )  # fmt: skip
    if molarity_mol_per_L is None:
        raise CompositionError(
            "the composition is missing; give --molarity MOL_PER_L (and --atoms), or --n-koh "
            "and --n-water"
        )
    size = DEFAULT_ATOMS if n_atoms is None else n_atoms
    _check_size(size)
    return composition.from_molarity(
        molarity_mol_per_L, size, cation=cation, temperature_K=temperature_K,
        density_kg_per_m3=density_kg_per_m3,
    )  # fmt: skip


def _check_size(n_atoms: int) -> None:
    if n_atoms > MOST_ATOMS:
        raise CompositionError(
            f"{n_atoms} atoms: more than {MOST_ATOMS} take too long to pack; build a smaller box "
            "and repeat it with LAMMPS' replicate command"
        )


def cautions(c: Composition, asked_mol_per_L: float | None) -> list[str]:
    """Return warnings about the density, the molarity and the size of a box."""
    notes = list(c.cautions)
    if asked_mol_per_L and abs(c.molarity_mol_per_L / asked_mol_per_L - 1) > 0.02:
        notes.append(
            f"{c.n_atoms} atoms give {c.molarity_mol_per_L:.3f} instead of "
            f"{asked_mol_per_L:g} mol/L; more --atoms come closer"
        )
    if c.box_length_A < SMALL_BOX_A:
        needed = round(c.n_atoms * (SMALL_BOX_A / c.box_length_A) ** 3 / 3 + 0.5) * 3
        notes.append(
            f"the box of {c.box_length_A:.2f} Å is shorter than {SMALL_BOX_A:g} Å, twice a cutoff "
            f"of {SMALL_BOX_A / 2:g} Å: molecules would interact with their own images; "
            f"use about {needed} atoms or more"
        )
    return notes


def build(
    molarity_mol_per_L: float | None = None,
    n_atoms: int | None = None,
    *,
    n_koh: int | None = None,
    n_water: int | None = None,
    cation: str = "K",
    temperature_K: float = 298.15,
    density_kg_per_m3: float | None = None,
    seed: int = 0,
) -> Box:
    """Return a packed box at experimental density, without overlaps.

    Args:
        molarity_mol_per_L: moles of the hydroxide per litre.
        n_atoms: approximate number of atoms, within 10 %; 300 by default.
        n_koh: exact number of ion pairs, with ``n_water`` and instead of the two above.
        n_water: exact number of water molecules.
        cation: ``"Li"``, ``"Na"``, ``"K"``, ``"Rb"`` or ``"Cs"``.
        temperature_K: temperature of the density, K.
        density_kg_per_m3: of the solution; the published one by default.
        seed: of the random numbers.

    Raises:
        CompositionError: the arguments contradict each other, or the solution cannot exist.
    """
    if seed < 0:
        raise CompositionError(f"--seed {seed}: give 0 or more")
    asked = molarity_mol_per_L
    found = composition_of(asked, n_atoms, n_koh, n_water, cation, temperature_K, density_kg_per_m3)
    return Box(pack(found, np.random.default_rng(seed)), seed, asked)
