"""``pykoh build``: a periodic box of aqueous KOH at experimental density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pykoh.chemistry import CATIONS
from pykoh.errors import CompositionError

if TYPE_CHECKING:
    from pykoh.solution.composition import Composition

DEFAULT_ATOMS = 300
# Packing takes about 5 kB and 0.2 ms per atom; larger boxes are repeats of smaller ones.
MOST_ATOMS = 1_000_000
# Two cutoffs of 5 Å, the usual reach of a MACE potential of this project.
SMALL_BOX_A = 10.0


def _check_size(n_atoms: int) -> None:
    if n_atoms > MOST_ATOMS:
        raise CompositionError(
            f"{n_atoms} atoms: more than {MOST_ATOMS} take too long to pack; build a smaller box "
            "and repeat it with LAMMPS' replicate command"
        )


def _composition(
    molarity: float | None,
    atoms: int | None,
    n_koh: int | None,
    n_water: int | None,
    cation: str,
    temperature_K: float,
    density: float | None,
) -> Composition:
    """Turn the options into a composition, refusing contradictions."""
    from pykoh.solution import composition

    common = {"cation": cation, "temperature_K": temperature_K, "density_kg_per_m3": density}
    if n_koh is not None or n_water is not None:
        if molarity is not None or atoms is not None:
            raise CompositionError(
                "--molarity/--atoms and --n-koh/--n-water both say what the box holds; "
                "give only one of the two pairs"
            )
        if n_koh is None or n_water is None:
            missing = "--n-koh" if n_koh is None else "--n-water"
            raise CompositionError(f"{missing} is missing; --n-koh and --n-water go together")
        _check_size(3 * (n_koh + n_water))
        return composition.from_counts(n_koh, n_water, **common)  # type: ignore[arg-type]
    if molarity is None:
        raise CompositionError(
            "what is in the box? give --molarity MOL_PER_L (and --atoms), or --n-koh and --n-water"
        )
    n_atoms = DEFAULT_ATOMS if atoms is None else atoms
    _check_size(n_atoms)
    return composition.from_molarity(molarity, n_atoms, **common)  # type: ignore[arg-type]


def _describe(c: Composition, molarity: float | None, atoms: int | None) -> list[tuple[str, str]]:
    reached = f"{c.molarity_mol_per_L:.4f} mol/L"
    if molarity is not None:
        off = 100 * (c.molarity_mol_per_L / molarity - 1)
        reached += f" (asked: {molarity:g}, {off:+.2f} %)"
    counted = str(c.n_atoms)
    if molarity is not None:
        counted += f" (asked: about {DEFAULT_ATOMS if atoms is None else atoms})"
    return [
        ("molarity", reached),
        ("atoms", counted),
        ("composition", f"{c.n_koh} {c.cation}OH + {c.n_water} H2O"),
        ("mass fraction", f"{100 * c.mass_fraction:.2f} wt%"),
        ("density", f"{c.density_kg_per_m3:.1f} kg/m³ at {c.temperature_K:g} K"),
        ("density from", c.density_source),
        ("box length", f"{c.box_length_A:.3f} Å"),
    ]


def _warn(c: Composition, molarity: float | None) -> None:
    notes = list(c.cautions)
    if molarity is not None and abs(c.molarity_mol_per_L / molarity - 1) > 0.02:
        notes.append(
            f"{c.n_atoms} atoms come no closer to {molarity:g} mol/L than "
            f"{c.molarity_mol_per_L:.3f}; more --atoms would"
        )
    if c.box_length_A < SMALL_BOX_A:
        needed = round(c.n_atoms * (SMALL_BOX_A / c.box_length_A) ** 3 / 3 + 0.5) * 3
        notes.append(
            f"the box of {c.box_length_A:.2f} Å is shorter than {SMALL_BOX_A:g} Å, twice a cutoff "
            f"of {SMALL_BOX_A / 2:g} Å: molecules would feel their own images; "
            f"use about {needed} atoms or more"
        )
    for note in notes:
        click.echo(f"Warning: {note}", err=True)


@click.command()
@click.option("--molarity", type=float, metavar="MOL_PER_L", help="Moles of KOH per litre.")
@click.option(
    "--atoms",
    type=click.IntRange(min=1),
    metavar="N",
    help="About how many atoms, within 10 %, to meet the molarity.  [default: 300]",
)
@click.option("--n-koh", type=int, metavar="N", help="Exact number of KOH (with --n-water).")
@click.option("--n-water", type=int, metavar="N", help="Exact number of H2O (with --n-koh).")
@click.option(
    "--cation",
    type=click.Choice(list(CATIONS), case_sensitive=False),
    default="K",
    show_default=True,
    help="The cation of the hydroxide.",
)
@click.option(
    "--temperature",
    type=float,
    metavar="K",
    default=298.15,
    show_default=True,
    help="Temperature of the experimental density, in kelvin.",
)
@click.option(
    "--density",
    type=float,
    metavar="KG_PER_M3",
    help="Density of the solution instead of the published one.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Start of the random numbers; the same seed gives the same box.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    default="koh.data",
    show_default=True,
    help="NAME.data or NAME.extxyz; both are written.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(
    molarity: float | None,
    atoms: int | None,
    n_koh: int | None,
    n_water: int | None,
    cation: str,
    temperature: float,
    density: float | None,
    seed: int,
    output: str,
    force: bool,
) -> None:
    """Build a periodic box of aqueous KOH at experimental density.

    \b
    pykoh build --molarity 6.26 --atoms 300 -o koh.data
    pykoh build --n-koh 11 --n-water 89 --temperature 333 -o koh.extxyz

    Writes LAMMPS data (units metal, atom_style atomic, types 1 = H, 2 = O, 3 = K) and extended
    xyz. Whole numbers of ions cannot give every molarity; what was reached is printed.
    """
    from pykoh.files import refuse_overwrite
    from pykoh.solution.write import output_paths

    # Everything that can be refused is refused before the work.
    paths = output_paths(output)
    refuse_overwrite(list(paths), force)
    box = _composition(molarity, atoms, n_koh, n_water, cation, temperature, density)

    import numpy as np

    from pykoh.solution.packing import pack
    from pykoh.solution.write import write_box

    _warn(box, molarity)
    packed = pack(box, np.random.default_rng(seed))
    data, xyz = write_box(packed, seed, output, force)
    rows = [*_describe(box, molarity, atoms), ("written", f"{data}, {xyz}")]
    for name, value in rows:
        click.echo(f"{name:<14} {value}")
