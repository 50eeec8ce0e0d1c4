"""Elements of the atoms, from a LAMMPS data file or a structure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pykoh.chemistry import CATIONS, MASSES_U
from pykoh.errors import TrajectoryError
from pykoh.files import require_file
from pykoh.trajectory.species import Atoms, SpeciesMap, code_of


def atoms_of_elements(elements: Sequence[str], name: str) -> Atoms:
    """Return atoms numbered from 1.

    Raises:
        TrajectoryError: there is an element other than H, O and one alkali metal.
    """
    unknown = sorted(set(elements) - set(MASSES_U))
    if unknown:
        raise TrajectoryError(f"{name}: has {unknown[0]}; H, O and one alkali metal are supported")
    cations = sorted(set(elements) & set(CATIONS))
    if len(cations) > 1:
        raise TrajectoryError(f"{name}: has {' and '.join(cations)}; only one cation is supported")
    return Atoms(
        np.arange(1, len(elements) + 1),
        np.array([code_of(element) for element in elements], dtype=np.int8),
        cations[0] if cations else "K",
        np.array([MASSES_U[element] for element in elements]),
    )


def read_topology(path: str | Path, species_map: SpeciesMap) -> Atoms:
    """Return the atoms of a LAMMPS data file (sorted by id) or of any file that ASE reads.

    Args:
        path: the file; its beginning shows whether it is a LAMMPS data file.
        species_map: elements of LAMMPS types.

    Raises:
        TrajectoryError: it cannot be read, or has unknown atoms.
    """
    file = require_file(path, "topology", TrajectoryError)
    head = file.read_bytes()[:4096].decode("utf-8", "replace")
    if " atom types" in head and "xlo xhi" in head:
        return _from_data(file, species_map)
    if head.startswith("ITEM:"):
        raise TrajectoryError(
            f"{path}: is a LAMMPS dump; as --topology give the LAMMPS data file of the run (a dump "
            "itself is analysed without --topology)"
        )
    from ase.io import read

    try:
        frame = read(file, index=0)
    except Exception as error:
        raise TrajectoryError(f"{path}: ASE cannot read it as a structure ({error})") from None
    assert not isinstance(frame, list)  # one index gives one structure
    return atoms_of_elements(frame.get_chemical_symbols(), str(path))


def _from_data(path: Path, species_map: SpeciesMap) -> Atoms:
    """Read the section Atoms of a LAMMPS data file: id and type, atom_style atomic or charge."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    start = next((k for k, line in enumerate(lines) if line.strip().startswith("Atoms")), None)
    if start is None:
        raise TrajectoryError(f"{path}: has no section 'Atoms'")
    style = lines[start].partition("#")[2].strip() or "atomic"
    if style not in ("atomic", "charge"):
        raise TrajectoryError(f"{path}: atom_style {style} is not supported; atomic and charge are")
    rows: list[tuple[int, str]] = []
    for line in lines[start + 1 :]:
        words = line.partition("#")[0].split()
        if not words:
            if rows:
                break
            continue
        if len(words) < 5 or not words[0].isdigit():
            break
        rows.append((int(words[0]), words[1]))
    words_of = species_map.words(by_element=False)
    for number, kind in rows:
        if kind not in words_of:
            raise TrajectoryError(
                f"{path}: atom {number} has type {kind}, which --types does not name"
            )
    return atoms_of_elements([words_of[kind] for _, kind in sorted(rows)], str(path))
