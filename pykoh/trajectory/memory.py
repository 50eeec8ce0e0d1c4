"""A trajectory in memory: from and to mdtraj, ASE and MDAnalysis, and as input of an analysis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory.frame_data import FrameData, cell_vectors
from pykoh.trajectory.frame_reader import FrameReader
from pykoh.trajectory.run import ReadOptions, Run
from pykoh.trajectory.species import CATION, OXYGEN, Atoms
from pykoh.trajectory.topology import atoms_of_elements

if TYPE_CHECKING:
    import ase
    import MDAnalysis
    import mdtraj

    from pykoh.trajectory.opening import TrajectoryFile

FloatArray = NDArray[np.float64]

_A_PER_NM = 10.0


def _ase_velocity_A_per_ps() -> float:  # noqa: N802  (a unit)
    """Return Å/ps per ASE unit of velocity, √(eV/u)."""
    from ase import units

    return float(1000.0 * units.fs / units.Ang)


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Frames in memory.

    Positions may be wrapped into the cell or not. pykoh follows atoms through the boundary if no
    atom moves by a quarter of the cell or more from one frame to the next.

    Attributes:
        elements: [n_atoms], H, O and one alkali metal.
        positions_A: [n_frames, n_atoms, 3], Å.
        cells_A: [n_frames, 3, 3], Å, vectors in rows.
        times_ps: [n_frames], ps, evenly spaced.
        velocities_A_per_ps: [n_frames, n_atoms, 3], or None.
        name: for messages and results.
        resolution_ps: error of the times, if they were in single precision.

    Raises:
        TrajectoryError: the arrays do not fit together.
    """

    elements: tuple[str, ...]
    positions_A: FloatArray
    cells_A: FloatArray
    times_ps: FloatArray
    velocities_A_per_ps: FloatArray | None = None
    name: str = "trajectory in memory"
    resolution_ps: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", tuple(self.elements))
        for name in ("positions_A", "cells_A", "times_ps", "velocities_A_per_ps"):
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, np.asarray(given, dtype=np.float64))
        if self.positions_A.ndim != 3:
            raise TrajectoryError(
                f"{self.name}: positions_A has {self.positions_A.ndim} dimensions, not 3: frames, "
                "atoms, and x, y, z"
            )
        n_frames, n_atoms = self.positions_A.shape[:2]
        shapes = {
            "positions_A": (self.positions_A, (n_frames, n_atoms, 3)),
            "cells_A": (self.cells_A, (n_frames, 3, 3)),
            "times_ps": (self.times_ps, (n_frames,)),
        }
        if self.velocities_A_per_ps is not None:
            shapes["velocities_A_per_ps"] = (self.velocities_A_per_ps, (n_frames, n_atoms, 3))
        for what, (array, shape) in shapes.items():
            if array.shape != shape:
                raise TrajectoryError(
                    f"{self.name}: {what} has the shape {array.shape}, not {shape}"
                )
        if len(self.elements) != n_atoms:
            raise TrajectoryError(
                f"{self.name}: has {len(self.elements)} elements, but {n_atoms} atoms"
            )

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.positions_A)

    def frames(self) -> Iterator[FrameData]:
        """Yield the frames."""
        for k in range(self.n_frames):
            velocities = self.velocities_A_per_ps
            yield FrameData(
                float(self.times_ps[k]),
                self.cells_A[k],
                self.positions_A[k],
                resolution_ps=self.resolution_ps,
                velocities=None if velocities is None else velocities[k],
            )

    @classmethod
    def read(
        cls, paths: str | Path | Sequence[str | Path], options: ReadOptions | None = None
    ) -> Trajectory:
        """Read a whole run into memory, with unwrapped positions.

        Args:
            paths: files that ``pykoh analyze`` reads, in order of time.
            options: of reading.

        Raises:
            TrajectoryError: a file is missing or damaged, or frames do not fit together.
        """
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        run = Run(given, options or ReadOptions())
        blocks = list(run.blocks())
        atoms = run.atoms
        names = {OXYGEN: "O", CATION: atoms.cation}
        velocities = None
        if blocks[0].velocities is not None:
            velocities = np.concatenate([block.velocities for block in blocks])
        return cls(
            tuple(names.get(int(species), "H") for species in atoms.species),
            np.concatenate([block.positions for block in blocks]),
            np.concatenate([block.cells for block in blocks]),
            np.concatenate([block.times_ps for block in blocks]),
            velocities,
            ", ".join(run.paths),
        )

    @classmethod
    def from_mdtraj(cls, trajectory: mdtraj.Trajectory) -> Trajectory:
        """Convert a trajectory of mdtraj (nm, ps).

        Raises:
            TrajectoryError: it has no periodic cell, or an atom has no element.
        """
        if trajectory.unitcell_vectors is None:
            raise TrajectoryError(
                "the mdtraj trajectory has no periodic cell; set its unitcell_vectors"
            )
        symbols = [atom.element.symbol if atom.element else "?" for atom in trajectory.top.atoms]
        return cls(
            tuple(symbols),
            np.asarray(trajectory.xyz, dtype=np.float64) * _A_PER_NM,
            np.asarray(trajectory.unitcell_vectors, dtype=np.float64) * _A_PER_NM,
            np.asarray(trajectory.time, dtype=np.float64),
            name="mdtraj trajectory",
            resolution_ps=float(np.spacing(np.abs(trajectory.time).max()))
            if np.asarray(trajectory.time).dtype == np.float32
            else 0.0,
        )

    @classmethod
    def from_ase(cls, images: Sequence[ase.Atoms], interval_ps: float) -> Trajectory:
        """Convert a list of ASE atoms.

        Args:
            images: one for each frame; velocities are used if all have momenta.
            interval_ps: time between frames, ps.

        Raises:
            TrajectoryError: the list is empty, or its atoms differ or have no periodic cell; the
                interval is no time.
        """
        if not (isinstance(interval_ps, Real) and 0.0 < float(interval_ps) < math.inf):
            raise TrajectoryError(
                f"interval_ps {interval_ps}: give the time between two frames in ps, above 0"
            )
        if not images:
            raise TrajectoryError("the list of ASE atoms is empty")
        if not all(all(image.pbc) for image in images):
            raise TrajectoryError("the ASE atoms are not periodic in all directions; set their pbc")
        elements = tuple(images[0].get_chemical_symbols())
        if any(tuple(image.get_chemical_symbols()) != elements for image in images):
            raise TrajectoryError(
                "the ASE atoms are not the same, in the same order, in all frames"
            )
        velocities = None
        if all(image.has("momenta") for image in images):
            velocities = np.stack([image.get_velocities() for image in images])
            velocities = velocities * _ase_velocity_A_per_ps()
        return cls(
            elements,
            np.stack([image.positions for image in images]),
            np.stack([np.asarray(image.cell) for image in images]),
            interval_ps * np.arange(len(images), dtype=np.float64),
            velocities,
            "ASE atoms",
        )

    @classmethod
    def from_mdanalysis(cls, universe: MDAnalysis.Universe) -> Trajectory:
        """Convert an MDAnalysis universe (Å, ps).

        Raises:
            TrajectoryError: it has no elements or no periodic cell.
        """
        atoms = universe.atoms
        if not hasattr(atoms, "elements"):
            raise TrajectoryError(
                "the MDAnalysis universe has no elements; add them with "
                "universe.add_TopologyAttr('elements', [...])"
            )
        positions, cells, times = [], [], []
        for frame in universe.trajectory:
            if frame.dimensions is None:
                raise TrajectoryError("the MDAnalysis universe has no periodic cell")
            positions.append(atoms.positions.astype(np.float64))
            cells.append(cell_vectors(frame.dimensions[:3], frame.dimensions[3:]))
            times.append(float(frame.time))
        return cls(
            tuple(str(element) for element in atoms.elements),
            np.stack(positions),
            np.stack(cells),
            np.array(times),
            name="MDAnalysis universe",
        )

    def to_ase(self) -> list[ase.Atoms]:
        """Return the frames as ASE atoms; ``info["time_ps"]`` is their time."""
        from ase import Atoms as AseAtoms

        images = []
        for k in range(self.n_frames):
            image = AseAtoms(self.elements, self.positions_A[k], cell=self.cells_A[k], pbc=True)
            image.info["time_ps"] = float(self.times_ps[k])
            if self.velocities_A_per_ps is not None:
                image.set_velocities(self.velocities_A_per_ps[k] / _ase_velocity_A_per_ps())
            images.append(image)
        return images

    def to_mdtraj(self) -> mdtraj.Trajectory:
        """Return the frames as an mdtraj trajectory (nm, ps; single precision)."""
        import mdtraj

        topology = mdtraj.Topology()
        chain = topology.add_chain()
        for element in self.elements:
            residue = topology.add_residue(element, chain)
            topology.add_atom(element, mdtraj.element.get_by_symbol(element), residue)
        made = mdtraj.Trajectory(self.positions_A / _A_PER_NM, topology, time=self.times_ps)
        made.unitcell_vectors = (self.cells_A / _A_PER_NM).astype(np.float32)
        return made


class _MemoryReader(FrameReader):
    """Reads a trajectory in memory."""

    def __init__(self, trajectory: Trajectory, interval_ps: float | None) -> None:
        atoms = atoms_of_elements(trajectory.elements, trajectory.name)
        super().__init__(trajectory.name, atoms, interval_ps)
        self._n_frames = trajectory.n_frames
        self._frames = trajectory.frames()


class MemoryRun(Run):
    """A run whose frames are in memory.

    Args:
        trajectory: the frames.
        options: of reading.
    """

    def __init__(self, trajectory: Trajectory, options: ReadOptions | None = None) -> None:
        super().__init__([trajectory.name], replace(options or ReadOptions(), topology=None))
        self._trajectory = trajectory

    def _open(self, path: str, atoms: Atoms | None) -> TrajectoryFile:
        return _MemoryReader(self._trajectory, self.options.interval_ps)

    @property
    def bytes_total(self) -> int | None:
        """None, because there are no files."""
        return None


def run_of(source: Any, options: ReadOptions | None = None) -> Run:
    """Return the run of files or of a trajectory in memory.

    Args:
        source: a path, several paths in order of time, a :class:`Trajectory`, an mdtraj trajectory
            or an MDAnalysis universe.
        options: of reading.

    Raises:
        TrajectoryError: the source has another type.
    """
    if isinstance(source, Trajectory):
        return MemoryRun(source, options)
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    if kind.startswith("mdtraj."):
        return MemoryRun(Trajectory.from_mdtraj(source), options)
    if kind.startswith("MDAnalysis."):
        return MemoryRun(Trajectory.from_mdanalysis(source), options)
    if isinstance(source, str | Path):
        return Run([source], options or ReadOptions())
    if isinstance(source, Sequence) and all(isinstance(each, str | Path) for each in source):
        return Run(list(source), options or ReadOptions())
    raise TrajectoryError(
        f"{kind} is not a trajectory; give paths, a pykoh.Trajectory (from_ase takes ASE atoms), "
        "an mdtraj trajectory or an MDAnalysis universe"
    )
