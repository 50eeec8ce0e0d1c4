"""Trajectories that are not LAMMPS text dumps, behind the interface of a dump.

GROMACS XTC and TRR, DCD and AMBER NetCDF are read by mdtraj, extended XYZ by ASE. Which atom is
what comes from a topology file, except in extended XYZ. Times are those of the file where its
format defines their unit, else they are given: XTC, TRR and NetCDF hold picoseconds; a DCD holds
none that could be trusted, extended XYZ only if it says ``time_ps`` or ``time_fs``.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.files import require_file
from pykoh.trajectory.dump import Bookmark, RawFrame
from pykoh.trajectory.header import Cell, FrameHeader
from pykoh.trajectory.layout import Layout
from pykoh.trajectory.parsing import N_VALUES
from pykoh.trajectory.species import Atoms, SpeciesMap
from pykoh.trajectory.topology import atoms_of_elements, read_topology

MDTRAJ_SUFFIXES = (".dcd", ".xtc", ".trr", ".nc", ".ncdf", ".netcdf")
XYZ_SUFFIXES = (".xyz", ".extxyz")
_PIECE = 64  # frames that are read at once


@dataclass(frozen=True, slots=True, eq=False)
class FrameData:
    """One frame of any format.

    Attributes:
        time_ps: or None if the file does not say it.
        cell: [3, 3], Å, vectors in rows.
        positions: [n_atoms, 3], Å.
    """

    time_ps: float | None
    cell: NDArray[np.float64]
    positions: NDArray[np.float64]


class FrameFile:
    """Reads frames of a format other than the LAMMPS text dump.

    Args:
        path: the file; its suffix tells the format.
        species_map: what LAMMPS types mean, for a topology that is a LAMMPS data file.
        atoms: the atoms that are expected (from an earlier file of the run), or None.
        topology: file with the atoms, or None.
        interval_ps: time between frames, for files that do not say it, or None.

    Attributes:
        atoms: the atoms, in the order of the file.
        layout: coordinates are taken as wrapped.
        notes: always empty; a frame that is cut off is an error of these formats.

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
    ) -> None:
        self.name = str(path)
        self._path = require_file(path, "trajectory", TrajectoryError)
        self.size: int | None = self._path.stat().st_size
        self.position = 0
        self.notes: list[str] = []
        self.units: str | None = "metal"
        self.layout: Layout | None = Layout(
            np.zeros(0, dtype=np.int64), ("x", "y", "z"), True, False, False, False, False
        )
        self._interval = interval_ps
        self._n_read = 0
        self._ahead: FrameData | None = None
        self.atoms = atoms
        suffix = self._path.suffix.lower()
        if suffix in XYZ_SUFFIXES:
            self._frames = self._from_xyz()
        else:
            if topology is None:
                raise TrajectoryError(
                    f"{path}: a {suffix} file does not say which atom is what; give "
                    "--topology FILE (the LAMMPS data file of the run, or any file that ASE reads)"
                )
            expected = read_topology(topology, species_map)
            if atoms is not None and (
                len(atoms.ids) != len(expected.ids) or (atoms.species != expected.species).any()
            ):
                raise TrajectoryError(f"{path}: {topology} has other atoms than the file before it")
            self.atoms = expected
            self._frames = self._from_mdtraj(suffix)

    def __enter__(self) -> FrameFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._frames.close()

    def bookmark(self) -> Bookmark:
        """Return the place behind the frame that was read last."""
        return 0, self._n_read, None

    def go_to(self, bookmark: Bookmark) -> None:
        """Go on from a place of the same file; the frames before it are read again."""
        while self._n_read < bookmark[1] and next(self._frames, None) is not None:
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
        time = frame.time_ps
        if self._interval is not None:
            time = self._n_read * self._interval
        if time is None:
            raise TrajectoryError(
                f"{self.name}: its times are unknown; give the time between its frames with "
                "--interval PS"
            )
        place = f"{self.name}: frame {self._n_read + 1}"
        assert self.atoms is not None
        if len(frame.positions) != len(self.atoms.ids):
            raise TrajectoryError(
                f"{place} has {len(frame.positions)} atoms, {len(self.atoms.ids)} were expected"
            )
        if not np.isfinite(frame.positions).all():
            atom = int(np.argwhere(~np.isfinite(frame.positions))[0, 0]) + 1
            raise TrajectoryError(
                f"{place}: atom {atom} has a position that is not finite; the simulation blew up: "
                "analyse what is before with --stop PS"
            )
        if not np.isfinite(frame.cell).all() or abs(np.linalg.det(frame.cell)) < 1e-6:
            raise TrajectoryError(f"{place} has no periodic cell; transport in bulk needs one")
        cell = Cell(frame.cell, np.zeros(3))
        n = len(frame.positions)
        return FrameHeader(self._n_read, time, None, n, cell, ("x", "y", "z"), 0)

    def body(self, header: FrameHeader) -> RawFrame | None:
        """Return the frame whose header :meth:`next_header` gave last."""
        assert self._ahead is not None
        values = np.zeros((len(self._ahead.positions), N_VALUES))
        values[:, :3] = self._ahead.positions
        self._ahead = None
        self._n_read += 1
        return RawFrame(header, values)

    def _from_xyz(self) -> Generator[FrameData, None, None]:
        from ase.io import iread

        try:
            for number, frame in enumerate(iread(self._path, index=":", format="extxyz")):
                elements = frame.get_chemical_symbols()
                if number == 0:
                    found = atoms_of_elements(elements, self.name)
                    if self.atoms is not None and (
                        len(found.ids) != len(self.atoms.ids)
                        or (found.species != self.atoms.species).any()
                    ):
                        raise TrajectoryError(
                            f"{self.name}: has other atoms than the file before it"
                        )
                    self.atoms = found
                time = frame.info.get("time_ps")
                if time is None and "time_fs" in frame.info:
                    time = 1e-3 * float(frame.info["time_fs"])
                yield FrameData(
                    None if time is None else float(time),
                    np.array(frame.cell.array, dtype=np.float64),
                    frame.get_positions(),
                )
        except TrajectoryError:
            raise
        except Exception as error:
            raise TrajectoryError(f"{self.name}: not extended XYZ ({error})") from None

    def _from_mdtraj(self, suffix: str) -> Generator[FrameData, None, None]:
        try:
            import mdtraj.formats as formats
            from mdtraj.utils import lengths_and_angles_to_box_vectors
        except ImportError:
            raise TrajectoryError(
                f"{self.name}: {suffix} files are read by mdtraj: pip install 'pykoh[formats]'"
            ) from None
        opener = {
            ".dcd": formats.DCDTrajectoryFile,
            ".xtc": formats.XTCTrajectoryFile,
            ".trr": formats.TRRTrajectoryFile,
        }.get(suffix, formats.NetCDFTrajectoryFile)
        to_angstrom = 10.0 if suffix in (".xtc", ".trr") else 1.0
        in_ps = suffix in (".xtc", ".trr") or (suffix != ".dcd" and _netcdf_in_ps(self._path))
        try:
            with opener(str(self._path)) as file:
                while True:
                    piece: Any = file.read(n_frames=_PIECE)
                    if len(piece[0]) == 0:
                        return
                    positions = np.asarray(piece[0], dtype=np.float64) * to_angstrom
                    if suffix in (".xtc", ".trr"):
                        times, cells = piece[1], np.asarray(piece[3], dtype=np.float64) * 10.0
                    else:
                        times = None if suffix == ".dcd" else piece[1]
                        lengths, angles = piece[-2], piece[-1]
                        if lengths is None or angles is None:
                            raise TrajectoryError(f"{self.name}: has no periodic cell")
                        rows = lengths_and_angles_to_box_vectors(
                            *np.asarray(lengths, dtype=np.float64).T,
                            *np.asarray(angles, dtype=np.float64).T,
                        )
                        cells = np.stack(rows, axis=1)
                    self.position = min(self.position + piece[0].nbytes, self.size or 0)
                    for k in range(len(positions)):
                        known = in_ps and times is not None
                        yield FrameData(
                            float(times[k]) if known else None,
                            np.ascontiguousarray(cells[k]),
                            positions[k],
                        )
        except (OSError, ValueError, TypeError, RuntimeError, struct.error) as error:
            raise TrajectoryError(
                f"{self.name}: mdtraj cannot read it after {self._n_read} frames ({error})"
            ) from None


def _netcdf_in_ps(path: Path) -> bool:
    """Return whether a NetCDF trajectory says that its times are picoseconds."""
    from scipy.io import netcdf_file

    try:
        with netcdf_file(str(path), "r", mmap=False) as file:
            units = getattr(file.variables.get("time"), "units", b"")
    except (TypeError, ValueError, OSError):
        return False  # NetCDF 4, which says it elsewhere
    text = units.decode() if isinstance(units, bytes) else str(units)
    return text.strip().lower().startswith("pico")
