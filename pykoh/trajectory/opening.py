"""Opens a trajectory of any format that is known, by its name."""

from __future__ import annotations

from pathlib import Path

from pykoh.trajectory.binary import BINARY_SUFFIX, BinaryDump
from pykoh.trajectory.dump import DumpFile
from pykoh.trajectory.frame_files import MDTRAJ_SUFFIXES, XYZ_SUFFIXES, FrameFile
from pykoh.trajectory.species import Atoms, SpeciesMap

TrajectoryFile = DumpFile | BinaryDump | FrameFile


def open_trajectory(
    path: str,
    species_map: SpeciesMap,
    atoms: Atoms | None,
    topology: str | None,
    interval_ps: float | None,
) -> TrajectoryFile:
    """Return a reader; what has no suffix of another format is a LAMMPS text dump.

    Args:
        path: a file, or ``"-"``.
        species_map: what LAMMPS types mean.
        atoms: the atoms that are expected (from an earlier file of the run), or None.
        topology: file with the atoms, for formats that do not hold them, or None.
        interval_ps: time between frames, for formats that do not hold it, or None.
    """
    suffix = Path(path).suffix.lower()
    if suffix == BINARY_SUFFIX:
        return BinaryDump(path, species_map, atoms)
    if suffix in (*MDTRAJ_SUFFIXES, *XYZ_SUFFIXES):
        return FrameFile(path, species_map, atoms, topology, interval_ps)
    return DumpFile(path, species_map, atoms)
