"""Trajectories that are not LAMMPS dumps, behind the interface of a dump.

XTC and TRR, DCD, NetCDF and extended XYZ have a module each. Which atom is what comes from a
topology file, except in extended XYZ and in a NetCDF file with the variable ``type``. Times are
those of the file where its format defines their unit, else they are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from pykoh.errors import TrajectoryError
from pykoh.files import require_file
from pykoh.trajectory.dcd import dcd_frames, read_header
from pykoh.trajectory.dump import Bookmark, RawFrame
from pykoh.trajectory.extended_xyz import xyz_frames
from pykoh.trajectory.frame_data import FrameData
from pykoh.trajectory.gromacs import gromacs_frames, index_frames
from pykoh.trajectory.header import PS_PER_TIME_UNIT, Cell, FrameHeader
from pykoh.trajectory.layout import Layout
from pykoh.trajectory.molecules import check_order
from pykoh.trajectory.netcdf import NetcdfFile
from pykoh.trajectory.parsing import N_VALUES
from pykoh.trajectory.species import Atoms, SpeciesMap
from pykoh.trajectory.topology import atoms_of_elements, read_topology

NETCDF_SUFFIXES = (".nc", ".ncdf", ".netcdf")
TOPOLOGY_SUFFIXES = (".dcd", ".xtc", ".trr", *NETCDF_SUFFIXES)
XYZ_SUFFIXES = (".xyz", ".extxyz")

LARGEST_A = 1e6
"""Å. No atom diffuses that far in any run: 3 µs at 10⁻⁸ m²/s are 4000 Å."""

_FURTHEST_TIMES = 0.01  # share by which the file's own interval may differ from the one given


class FrameFile:
    """Reads frames of a format other than a LAMMPS dump.

    Args:
        path: the file; its suffix tells the format.
        species_map: what LAMMPS types mean, for a topology that is a LAMMPS data file.
        atoms: the atoms that are expected (from an earlier file of the run), or None.
        topology: file with the atoms, or None.
        interval_ps: time between frames, for files that do not say it, or None.
        units: LAMMPS unit style of a file that LAMMPS wrote and that does not say it.

    Attributes:
        atoms: the atoms, in the order of the file.
        layout: known after the first frame.
        notes: what a user should know about the file (a frame cut off ...).

    Raises:
        TrajectoryError: from the methods, naming file and frame.
    """

    def __init__(
        self,
        path: str | Path,
        species_map: SpeciesMap,
        atoms: Atoms | None,
        topology: str | None,
        interval_ps: float | None,
        units: str = "metal",
    ) -> None:
        self.name = str(path)
        self._path = require_file(path, "trajectory", TrajectoryError)
        self.size: int | None = self._path.stat().st_size
        self.position = 0
        self.notes: list[str] = []
        self.units: str | None = "metal"
        self.layout: Layout | None = None
        self.atoms = atoms
        self._interval = interval_ps
        self._ps_per_unit = PS_PER_TIME_UNIT[units]
        self._map = species_map
        self._n_read = 0
        self._n_frames: int | None = None
        self._ahead: FrameData | None = None
        self._own_interval: float | None = None  # time between the first two frames, by the file
        self._first_time: float | None = None
        self._netcdf: NetcdfFile | None = None
        self._lammps_xyz = False
        self._frames = self._open(topology)

    def _open(self, topology: str | None) -> Iterator[FrameData]:
        """Find out which atoms the file has, and return its frames."""
        suffix = self._path.suffix.lower()
        if suffix not in TOPOLOGY_SUFFIXES:
            return self._from_xyz()
        if suffix in NETCDF_SUFFIXES:
            self._netcdf = NetcdfFile(self._path, self.name)
        if topology is not None:
            self._take_atoms(read_topology(topology, self._map), f"{topology} has")
        elif self._netcdf is not None and self._netcdf.types is not None:
            self._take_atoms(self._atoms_of_types(self._netcdf.types), "it has")
        else:
            raise TrajectoryError(
                f"{self.name}: a {suffix} file does not say which atom is what; give "
                "--topology FILE (the LAMMPS data file of the run, or any file that ASE reads)"
            )
        assert self.atoms is not None
        n_atoms = len(self.atoms.ids)
        if self._netcdf is not None:
            self._expect(self._netcdf.n_atoms)
            return self._netcdf.frames()
        if suffix == ".dcd":
            header = read_header(self._path, self.name)
            self._expect(header.n_atoms)
            self._n_frames = header.n_frames
            self._note_cut(header.cut_off)
            return dcd_frames(self._path, self.name, header, self._ps_per_unit)
        index = index_frames(self._path, self.name, n_atoms)
        self._n_frames = len(index.steps)
        self._note_cut(index.cut_off)
        return gromacs_frames(self._path, self.name, index, self._interval is None)

    def _expect(self, n_atoms: int) -> None:
        assert self.atoms is not None
        if n_atoms != len(self.atoms.ids):
            raise TrajectoryError(
                f"{self.name} has {n_atoms} atoms, {len(self.atoms.ids)} were expected"
            )

    def _take_atoms(self, found: Atoms, what: str) -> None:
        """Take the atoms of the run, or compare with those of the file before."""
        before = self.atoms
        if before is not None and (
            len(before.ids) != len(found.ids) or (before.species != found.species).any()
        ):
            raise TrajectoryError(f"{self.name}: {what} other atoms than the file before it")
        self.atoms = found

    def _atoms_of_types(self, types: np.ndarray) -> Atoms:
        words = self._map.words(by_element=False)
        unknown = sorted({int(t) for t in types if str(t) not in words})
        if unknown:
            raise TrajectoryError(
                f"{self.name}: type {unknown[0]} maps to no element; give the element of each "
                "type with --types"
            )
        return atoms_of_elements([words[str(t)] for t in types], self.name)

    def _note_cut(self, cut_off: bool) -> None:
        if cut_off:
            self.notes.append(
                f"{self.name}: the last frame is cut off; the {self._n_frames} whole frames are "
                "used"
            )

    def _from_xyz(self) -> Iterator[FrameData]:
        for found in xyz_frames(self._path, self.name, self._ps_per_unit):
            if self._n_read == 0 and self._ahead is None:
                self._take_atoms(atoms_of_elements(found.elements, self.name), "has")
            self._lammps_xyz = found.frame.step is not None
            yield found.frame

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if hasattr(self._frames, "close"):
            self._frames.close()
        if self._netcdf is not None:
            self._netcdf.close()

    @property
    def clock(self) -> str:
        """Where its times come from, as :class:`pykoh.trajectory.plausible.Clock` has it."""
        if self._interval is not None:
            return "interval"
        suffix = self._path.suffix.lower()
        if suffix == ".dcd" or self._lammps_xyz:
            return "units"
        return "file"

    def bookmark(self) -> Bookmark:
        """Return the place behind the frame that was read last."""
        return 0, self._n_read, None

    def go_to(self, bookmark: Bookmark) -> None:
        """Go on from a place of the same file; the frames before it are read again."""
        while self._n_read < bookmark[1] and (frame := next(self._frames, None)) is not None:
            self._set_layout(frame)
            self._n_read += 1

    def next_header(self) -> FrameHeader | None:
        """Return the header of the next frame without moving, or None at the end."""
        if self._ahead is None:
            self._ahead = next(self._frames, None)
        if self._ahead is None:
            if self._n_read == 0:
                raise TrajectoryError(f"{self.name}: holds no frame")
            return None
        frame = self._ahead
        self._check(frame)
        self._set_layout(frame)
        step = self._n_read if frame.step is None else frame.step
        resolution = 0.0 if self._interval is not None else frame.resolution_ps
        assert self.layout is not None
        return FrameHeader(
            step, self._time(frame), None, len(frame.positions), Cell(frame.cell, np.zeros(3)),
            self.layout.names, 0, resolution,
        )  # fmt: skip

    def _time(self, frame: FrameData) -> float:
        """Return the time of a frame, ps: of its file, or by the interval that was given."""
        if self._interval is not None:
            self._compare_interval(frame)
            return (self._n_read if frame.number is None else frame.number) * self._interval
        if frame.time_ps is None:
            raise TrajectoryError(
                f"{self.name}: its times are unknown; give the time between its frames with "
                "--interval PS"
            )
        return frame.time_ps

    def _compare_interval(self, frame: FrameData) -> None:
        """Note once that the file's own times are others than the interval that was given."""
        if frame.time_ps is None or self._own_interval is not None:
            return
        if self._n_read == 0:
            self._first_time = frame.time_ps
        elif self._n_read == 1 and self._first_time is not None:
            assert self._interval is not None
            own = self._own_interval = frame.time_ps - self._first_time
            slack = _FURTHEST_TIMES * self._interval + 3.0 * frame.resolution_ps
            if own > 0 and abs(own - self._interval) > slack:
                self.notes.append(
                    f"{self.name}: its frames are {own:g} ps apart by its own times; --interval "
                    f"{self._interval:g} was used"
                )

    def _check(self, frame: FrameData) -> None:
        place = f"{self.name}: frame {self._n_read + 1}"
        assert self.atoms is not None
        if len(frame.positions) != len(self.atoms.ids):
            raise TrajectoryError(
                f"{place} has {len(frame.positions)} atoms, {len(self.atoms.ids)} were expected"
            )
        # NaN compares false.
        wrong = ~(np.abs(frame.positions) < LARGEST_A).all(axis=1)
        if wrong.any():
            atom = int(np.flatnonzero(wrong)[0])
            x = " ".join(f"{value:g}" for value in frame.positions[atom])
            raise TrajectoryError(
                f"{place}: atom {atom + 1} is at {x} Å; the simulation blew up or the file is "
                "damaged there: analyse what is before with --stop PS"
            )
        cell = frame.cell
        if not np.isfinite(cell).all() or not 1e-6 < abs(np.linalg.det(cell)) < LARGEST_A**3:
            raise TrajectoryError(f"{place} has no periodic cell; transport in bulk needs one")

    def _set_layout(self, frame: FrameData) -> None:
        """Note what the first frame holds, and whether its atoms are in the topology's order."""
        if self.layout is not None:
            return
        names = ("xu", "yu", "zu") if frame.unwrapped else ("x", "y", "z")
        self.layout = Layout(
            np.zeros(0, dtype=np.int64), names, True, False, frame.unwrapped,
            frame.images is not None, frame.velocities is not None,
        )  # fmt: skip
        if self._path.suffix.lower() in TOPOLOGY_SUFFIXES:
            assert self.atoms is not None
            check_order(frame.positions, frame.cell, self.atoms, self.name)

    def body(self, header: FrameHeader) -> RawFrame | None:
        """Return the frame whose header :meth:`next_header` gave last."""
        assert self._ahead is not None
        frame = self._ahead
        values = np.zeros((len(frame.positions), N_VALUES))
        values[:, :3] = frame.positions
        if frame.images is not None:
            values[:, 3:6] = frame.images
        if frame.velocities is not None:
            values[:, 6:9] = frame.velocities
        self._ahead = None
        self._n_read += 1
        if self._n_frames and self.size:
            self.position = self.size * self._n_read // self._n_frames
        return RawFrame(header, values)
