"""Trajectories other than LAMMPS dumps, with the interface of a dump.

XTC and TRR, DCD, NetCDF and extended XYZ have a module each. The elements come from a
topology file, except in extended XYZ and in a NetCDF file with the variable ``type``. Times are
those of the file if its format defines their unit; else the user gives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pykoh.errors import TrajectoryError
from pykoh.files import require_file
from pykoh.trajectory.dcd import dcd_frames, read_header
from pykoh.trajectory.extended_xyz import xyz_frames
from pykoh.trajectory.frame_data import FrameData
from pykoh.trajectory.frame_reader import FrameReader
from pykoh.trajectory.gromacs import gromacs_frames, index_frames
from pykoh.trajectory.header import PS_PER_TIME_UNIT
from pykoh.trajectory.molecules import check_order
from pykoh.trajectory.netcdf import NetcdfFile
from pykoh.trajectory.species import Atoms, SpeciesMap
from pykoh.trajectory.topology import atoms_of_elements, read_topology

NETCDF_SUFFIXES = (".nc", ".ncdf", ".netcdf")
TOPOLOGY_SUFFIXES = (".dcd", ".xtc", ".trr", *NETCDF_SUFFIXES)
XYZ_SUFFIXES = (".xyz", ".extxyz")


class FrameFile(FrameReader):
    """Reads frames of a format other than a LAMMPS dump.

    Args:
        path: the file; its suffix defines the format.
        species_map: elements of LAMMPS types, for a LAMMPS data file as topology.
        atoms: the expected atoms (from an earlier file of the run), or None.
        topology: file with the atoms, or None.
        interval_ps: time between frames, for files that do not hold it, or None.
        units: LAMMPS unit style, for files from LAMMPS that do not hold it.

    Attributes:
        atoms: the atoms, in the order of the file.
        layout: known after the first frame.
        notes: notes for the user about the file (a frame is cut off ...).

    Raises:
        TrajectoryError: from the methods, with file and frame.
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
        super().__init__(str(path), atoms, interval_ps)
        self._path = require_file(path, "trajectory", TrajectoryError)
        self.size = self._path.stat().st_size
        self._ps_per_unit = PS_PER_TIME_UNIT[units]
        self._map = species_map
        self._netcdf: NetcdfFile | None = None
        self._lammps_xyz = False
        self._frames = self._open(topology)

    def _open(self, topology: str | None) -> Iterator[FrameData]:
        """Determine the atoms of the file, and return its frames."""
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
                f"{self.name}: a {suffix} file does not hold the elements of its atoms; give "
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
        """Store the atoms of the run, or compare with those of the file before."""
        before = self.atoms
        if before is not None and (
            len(before.ids) != len(found.ids) or (before.species != found.species).any()
        ):
            raise TrajectoryError(f"{self.name}: {what} other atoms than the previous file")
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
                f"{self.name}: the last frame is incomplete and is left out; frames used: "
                f"{self._n_frames}"
            )

    def _from_xyz(self) -> Iterator[FrameData]:
        for found in xyz_frames(self._path, self.name, self._ps_per_unit):
            if self._n_read == 0 and self._ahead is None:
                self._take_atoms(atoms_of_elements(found.elements, self.name), "has")
            self._lammps_xyz = found.frame.step is not None
            yield found.frame

    def close(self) -> None:
        """Close the file."""
        super().close()
        if self._netcdf is not None:
            self._netcdf.close()

    def _check_order(self, frame: FrameData) -> None:
        if self._path.suffix.lower() in TOPOLOGY_SUFFIXES:
            assert self.atoms is not None
            check_order(frame.positions, frame.cell, self.atoms, self.name)

    @property
    def time_source(self) -> str:
        """Source of the times: a ``source`` of :class:`pykoh.trajectory.plausible.TimeSource`."""
        if self._interval is not None:
            return "interval"
        suffix = self._path.suffix.lower()
        if suffix == ".dcd" or self._lammps_xyz:
            return "units"
        return "file"
