"""Opens a trajectory of any known format; the suffix of its name selects the reader."""

from __future__ import annotations

from pathlib import Path

from pykoh.errors import TrajectoryError
from pykoh.trajectory.binary import BINARY_SUFFIX, BinaryDump
from pykoh.trajectory.dump import DumpFile
from pykoh.trajectory.frame_files import TOPOLOGY_SUFFIXES, XYZ_SUFFIXES, FrameFile
from pykoh.trajectory.frame_reader import FrameReader
from pykoh.trajectory.species import Atoms, SpeciesMap
from pykoh.trajectory.streams import STDIN

TrajectoryFile = DumpFile | BinaryDump | FrameReader

COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
TEXT_SUFFIXES = (".dump", ".lammpstrj", ".lammpsdump")
SUFFIXES = (*TEXT_SUFFIXES, BINARY_SUFFIX, *TOPOLOGY_SUFFIXES, *XYZ_SUFFIXES)


def bare_name(name: str) -> str:
    """Return NAME of NAME.dump, NAME.dump.gz, NAME.transport.dump, NAME.xtc ...

    Other dots belong to the name: ``12.7M_1.dump`` is ``12.7M_1``.
    """
    for endings in (COMPRESSED, SUFFIXES, (".transport",)):
        ending = next((e for e in endings if name.lower().endswith(e)), "")
        name = name[: len(name) - len(ending)]
    return name


"""Suffixes of trajectories that pykoh reads."""

_WRITE = "write 'dump ID all custom N FILE id type xu yu zu'"
_UNREAD = {
    "a YAML dump of LAMMPS": f"is not read; {_WRITE}",
    "an HDF5 file (H5MD)": f"is not read; {_WRITE}, or convert it to extended XYZ or NetCDF",
    "a trajectory of ASE (.traj)": "is not read; convert it with "
    "'ase convert -o extxyz FILE.traj FILE.xyz' and give --interval PS",
    "an XDATCAR of VASP": "is not read; convert it with "
    "'ase convert -i vasp-xdatcar -o extxyz XDATCAR FILE.xyz' and give --interval PS",
    "a file of results": "is no trajectory; --series combines results of several runs",
}


def _foreign(path: str) -> str | None:
    """Return the name of a known format that pykoh does not read, from the first bytes."""
    if path == STDIN or not Path(path).is_file():
        return None
    with Path(path).open("rb") as stream:
        head = stream.read(512)
    if head.startswith(b"\x89HDF") and Path(path).suffix.lower() not in TOPOLOGY_SUFFIXES:
        return "an HDF5 file (H5MD)"
    if head.startswith(b"---") and b"creator: LAMMPS" in head:
        return "a YAML dump of LAMMPS"
    if head.startswith((b"- of UlmASE-Trajectory", b"AFFormatASE-Trajectory")):
        return "a trajectory of ASE (.traj)"
    if b"Direct configuration=" in head:
        return "an XDATCAR of VASP"
    if head.startswith(b"{") and b'"n_frames"' in head:
        return "a file of results"
    return None


def open_trajectory(
    path: str,
    species_map: SpeciesMap,
    atoms: Atoms | None,
    topology: str | None,
    interval_ps: float | None,
    units: str = "metal",
) -> TrajectoryFile:
    """Return a reader; a file without the suffix of another format is a LAMMPS text dump.

    Args:
        path: a file, or ``"-"``.
        species_map: elements of LAMMPS types.
        atoms: the expected atoms (from an earlier file of the run), or None.
        topology: file with the atoms, for formats that do not hold them, or None.
        interval_ps: time between frames, for formats that do not hold it, or None.
        units: LAMMPS unit style of files that do not hold it.

    Raises:
        TrajectoryError: pykoh does not read the format, or the file cannot be used.
    """
    foreign = _foreign(path)
    if foreign is not None:
        raise TrajectoryError(f"{path}: {foreign} {_UNREAD[foreign]}")
    name = Path(path)
    suffix = name.suffix.lower()
    if suffix == BINARY_SUFFIX:
        return BinaryDump(path, species_map, atoms)
    # ASE also reads compressed text.
    inner = name.with_suffix("").suffix.lower() if suffix in COMPRESSED else suffix
    if suffix in COMPRESSED and inner in (BINARY_SUFFIX, *TOPOLOGY_SUFFIXES):
        raise TrajectoryError(
            f"{path}: compressed {inner} files cannot be read; uncompress it first"
        )
    if inner in (*TOPOLOGY_SUFFIXES, *XYZ_SUFFIXES):
        return FrameFile(path, species_map, atoms, topology, interval_ps, units)
    return DumpFile(path, species_map, atoms)
