"""Options of reading that a dump does not need: refused where they contradict it, else noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pykoh.errors import TrajectoryError
from pykoh.trajectory.frame_files import TOPOLOGY_SUFFIXES
from pykoh.trajectory.frame_reader import FrameReader
from pykoh.trajectory.header import FrameHeader
from pykoh.trajectory.topology import read_topology

if TYPE_CHECKING:
    from pykoh.trajectory.opening import TrajectoryFile
    from pykoh.trajectory.run import ReadOptions

_SAME = 0.01  # relative difference of times that are the same


def check_atoms_and_units(
    file: TrajectoryFile, header: FrameHeader, options: ReadOptions
) -> list[str]:
    """Return notes about ``--units`` and ``--topology``.

    Args:
        file: the first file of a run.
        header: of its first frame.
        options: of the user.

    Raises:
        TrajectoryError: the file says something else.
    """
    named = header.units or file.units
    if not isinstance(file, FrameReader) and named == "metal" and options.units == "real":
        raise TrajectoryError(f"{file.name}: says that its units are metal; leave out --units real")
    if options.topology is None or file.name.lower().endswith(TOPOLOGY_SUFFIXES):
        return []
    assert file.atoms is not None
    n_file = len(file.atoms.ids)
    n_given = len(read_topology(options.topology, options.species_map).ids)
    if n_file != n_given:
        raise TrajectoryError(
            f"{file.name}: has {n_file} atoms, --topology {options.topology} has {n_given}; the "
            "trajectory names its atoms itself: leave out --topology"
        )
    return [f"{file.name}: names its atoms itself; --topology was not used"]


def check_times(
    file: TrajectoryFile, n_steps: int, header: FrameHeader, spacing_ps: float, options: ReadOptions
) -> list[str]:
    """Return notes about ``--timestep`` and ``--interval``.

    Args:
        file: the first file of a run; one that is no dump may need ``--interval``.
        n_steps: MD steps between the first two frames.
        header: of the second frame.
        spacing_ps: between the first two frames, as it is used.
        options: of the user.

    Raises:
        TrajectoryError: an option contradicts the times.
    """
    if isinstance(file, FrameReader):
        return [] if options.timestep_fs is None else [f"{file.name}: --timestep was not used"]
    source = "--timestep" if header.time is None else "the file"
    given = {"--interval": (options.interval_ps, spacing_ps, "ps")}
    if header.time is not None and n_steps > 0:
        given["--timestep"] = (options.timestep_fs, 1e3 * spacing_ps / n_steps, "fs")
    notes = []
    slack = _SAME * spacing_ps + 3.0 * header.resolution
    for option, (value, used, unit) in given.items():
        if value is None:
            continue
        if abs(value / used - 1.0) > slack / spacing_ps:
            raise TrajectoryError(
                f"{file.name}: by {source} it is {used:g} {unit}, {option} is {value:g} {unit}; "
                f"leave out {option}"
            )
        notes.append(f"{file.name}: times are known by {source}; {option} was not used")
    return notes
