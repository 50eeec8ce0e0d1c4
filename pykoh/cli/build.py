"""``pykoh build``: a periodic box of aqueous KOH at experimental density."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pykoh.chemistry import CATIONS

if TYPE_CHECKING:
    from pykoh.solution.composition import Composition


def _describe(c: Composition, molarity: float | None, atoms: int | None) -> list[tuple[str, str]]:
    from pykoh.solution.build import DEFAULT_ATOMS

    reached = f"{c.molarity_mol_per_L:.4f} mol/L"
    if molarity:
        off = 100 * (c.molarity_mol_per_L / molarity - 1)
        reached += f" (requested: {molarity:g}, {off:+.2f} %)"
    counted = str(c.n_atoms)
    if molarity is not None:
        counted += f" (requested: about {DEFAULT_ATOMS if atoms is None else atoms})"
    return [
        ("molarity", reached),
        ("atoms", counted),
        ("composition", f"{c.n_koh} {c.cation}OH + {c.n_water} H2O"),
        ("mass fraction", f"{100 * c.mass_fraction:.2f} wt%"),
        ("density", f"{c.density_kg_per_m3:.1f} kg/m³ at {c.temperature_K:g} K"),
        ("density from", c.density_source),
        ("box length", f"{c.box_length_A:.3f} Å"),
    ]


@click.command()
@click.option(
    "--molarity", type=float, metavar="MOL_PER_L", help="Moles of KOH per litre; 0: water."
)
@click.option(
    "--atoms",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of atoms; changed by up to 10 % to meet the molarity.  [default: 300]",
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
    help="Density of the solution, instead of the published one.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the random numbers; the same seed gives the same box.",
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
    xyz. Whole numbers of ions cannot give every molarity; the molarity of the box is printed.
    """
    from pykoh.files import refuse_overwrite
    from pykoh.solution.build import Box, cautions, composition_of
    from pykoh.solution.write import output_paths

    # Check all input before the work.
    paths = output_paths(output)
    refuse_overwrite(list(paths), force)
    found = composition_of(molarity, atoms, n_koh, n_water, cation, temperature, density)

    import numpy as np

    from pykoh.solution.packing import pack

    for note in cautions(found, molarity):
        click.echo(f"Warning: {note}", err=True)
    box = Box(pack(found, np.random.default_rng(seed)), seed, molarity)
    data, xyz = box.write(output, force)
    rows = [*_describe(found, molarity, atoms), ("written", f"{data}, {xyz}")]
    for name, value in rows:
        click.echo(f"{name:<14} {value}")
