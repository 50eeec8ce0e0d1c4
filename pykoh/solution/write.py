"""Writing a packed box as LAMMPS data and extended xyz."""

from __future__ import annotations

import json
from pathlib import Path

from pykoh import __version__
from pykoh.chemistry import MASSES_U
from pykoh.errors import OutputError
from pykoh.files import refuse_overwrite, write_text
from pykoh.solution.composition import Composition
from pykoh.solution.packing import PackedBox

DATA_SUFFIX, XYZ_SUFFIX = ".data", ".extxyz"


def output_paths(output: str | Path) -> tuple[Path, Path]:
    """Return the paths of the LAMMPS data file and of the extended xyz, from either name.

    Raises:
        OutputError: the name ends in neither ``.data`` nor ``.extxyz``, is a folder, or is in a
            folder that does not exist.
    """
    path = Path(output)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it, e.g. {path / 'koh.data'}")
    if path.suffix not in (DATA_SUFFIX, XYZ_SUFFIX):
        found = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise OutputError(
            f"{path}: {found}; a box is written as LAMMPS data "
            f"(NAME{DATA_SUFFIX}) and as extended xyz (NAME{XYZ_SUFFIX}); choose one of these names"
        )
    if not path.parent.is_dir():
        raise OutputError(f"{path}: its folder {path.parent} does not exist; create it first")
    return path.with_suffix(DATA_SUFFIX), path.with_suffix(XYZ_SUFFIX)


def lammps_types(cation: str) -> dict[str, int]:
    """Return the atom types that pykoh uses everywhere: 1 = H, 2 = O, 3 = the cation."""
    return {"H": 1, "O": 2, cation: 3}


def _summary(composition: Composition, seed: int) -> str:
    c = composition
    return (
        f"{c.n_koh} {c.cation}OH + {c.n_water} H2O, {c.molarity_mol_per_L:.4f} mol/L, "
        f"{c.density_kg_per_m3:.2f} kg/m3, {c.temperature_K:g} K, seed {seed}, pykoh {__version__}"
    )


def lammps_data(box: PackedBox, seed: int) -> str:
    """Return the box as a LAMMPS data file: ``units metal``, ``atom_style atomic``.

    The first line names composition, molarity, density, temperature, seed and pykoh's version.
    """
    types = lammps_types(box.composition.cation)
    length = box.composition.box_length_A
    lines = [
        f"LAMMPS data (units metal, atom_style atomic): {_summary(box.composition, seed)}",
        "",
        f"{len(box.symbols)} atoms",
        f"{len(types)} atom types",
        "",
        *(f"0.0 {length:.10f} {axis}lo {axis}hi" for axis in "xyz"),
        "",
        "Masses",
        "",
        *(f"{number} {MASSES_U[name]:g}  # {name}" for name, number in types.items()),
        "",
        "Atoms  # atomic",
        "",
    ]
    for index, (symbol, (x, y, z)) in enumerate(
        zip(box.symbols, box.positions_A, strict=True), start=1
    ):
        lines.append(f"{index} {types[symbol]} {x:.8f} {y:.8f} {z:.8f}")
    return "\n".join(lines) + "\n"


def extended_xyz(box: PackedBox, seed: int) -> str:
    """Return the box as one frame of extended xyz; its composition is in the comment line."""
    c = box.composition
    length = f"{c.box_length_A:.10f}"
    lattice = f"{length} 0.0 0.0 0.0 {length} 0.0 0.0 0.0 {length}"
    info: dict[str, str | int | float] = {
        "n_koh": c.n_koh,
        "n_h2o": c.n_water,
        "molarity_mol_per_L": round(c.molarity_mol_per_L, 6),
        "density_kg_per_m3": round(c.density_kg_per_m3, 4),
        "density_source": c.density_source,
        "temperature_K": c.temperature_K,
        "seed": seed,
        "pykoh_version": __version__,
    }
    pairs = " ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in info.items()
    )
    lines = [
        str(len(box.symbols)),
        f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T" {pairs}',
    ]
    for symbol, (x, y, z) in zip(box.symbols, box.positions_A, strict=True):
        lines.append(f"{symbol:2s} {x:15.8f} {y:15.8f} {z:15.8f}")
    return "\n".join(lines) + "\n"


def write_box(
    box: PackedBox, seed: int, output: str | Path, force: bool = False
) -> tuple[Path, Path]:
    """Write the box as LAMMPS data and as extended xyz beside it.

    Args:
        box: the packed box.
        seed: seed of its random numbers; written into both files.
        output: the name of either file.
        force: replace files that exist.

    Returns:
        The paths of the LAMMPS data file and of the extended xyz file.

    Raises:
        OutputError: a file exists (and no ``force``), an unknown suffix, or no permission.
    """
    data, xyz = output_paths(output)
    refuse_overwrite([data, xyz], force)
    write_text(data, lammps_data(box, seed))
    write_text(xyz, extended_xyz(box, seed))
    return data, xyz
