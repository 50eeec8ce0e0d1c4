"""NetCDF trajectories in the AMBER convention, as LAMMPS and AMBER write them.

The container (CDF-1, CDF-2, CDF-5, HDF5) is read by netCDF4. LAMMPS (``dump netcdf``) stores the MD
step in ``time``, with the time step as the attribute ``scale_factor``, the ids of the atoms in
``id``, and coordinates under the names below. Convention: https://ambermd.org/netcdf/nctraj.xhtml
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory.frame_data import FrameData, cell_vectors

_PIECE = 64  # frames per read
_PS = {"picosecond": 1.0, "femtosecond": 1e-3, "nanosecond": 1e3, "second": 1e12}
# Coordinates, the best first.
_UNWRAPPED, _WRAPPED, _SCALED = "unwrapped_coordinates", "coordinates", "scaled_coordinates"
_CELL = ("cell_lengths", "cell_angles")
_IMAGES = ("ix", "iy", "iz")


class NetcdfFile:
    """An open NetCDF trajectory.

    Args:
        path: the file.
        name: its name in messages.

    Attributes:
        n_atoms: atoms of each frame.
        types: [n_atoms], LAMMPS types of the first frame, sorted by id, or None.

    Raises:
        TrajectoryError: from the constructor and the methods: the file is not a trajectory, or is
            damaged or cut off.
    """

    def __init__(self, path: Path, name: str) -> None:
        try:
            from netCDF4 import Dataset
        except ImportError:
            raise TrajectoryError(
                f"{name}: NetCDF files are read by netCDF4: pip install 'pykoh[formats]'"
            ) from None
        self.name = name
        try:
            self._file: Any = Dataset(str(path), "r")
        except (OSError, RuntimeError, ValueError) as error:
            raise TrajectoryError(f"{name}: not a NetCDF file, or damaged ({error})") from None
        try:
            self._open(path)
        except BaseException:
            self.close()
            raise

    def _open(self, path: Path) -> None:
        # pykoh scales the values: netCDF4 would return masked arrays in single precision.
        self._file.set_auto_maskandscale(False)
        self._variables: dict[str, Any] = dict(self._file.variables)
        found = [name for name in (_UNWRAPPED, _WRAPPED, _SCALED) if name in self._variables]
        if not found or self._variables[found[0]].ndim != 3:
            names = ", ".join(sorted(self._variables)) or "nothing"
            raise TrajectoryError(
                f"{self.name}: holds no coordinates of a trajectory (it has: {names}); write one "
                "with 'dump ID all netcdf N FILE id xu yu zu'"
            )
        self._coordinates = found[0]
        self._n_frames, self.n_atoms = self._variables[found[0]].shape[:2]
        if any(cell not in self._variables for cell in _CELL):
            raise TrajectoryError(f"{self.name}: has no periodic cell; bulk transport needs one")
        self._check_size(path)
        self._time_factor = self._time_unit()
        self.types = self._first_types()

    def _check_size(self, path: Path) -> None:
        """Refuse a file that is too short for its header: missing data would be read as zeros."""
        if not str(self._file.data_model).startswith("NETCDF3"):
            return  # HDF5 checks it
        needed = sum(
            int(np.prod(variable.shape, dtype=np.float64)) * variable.dtype.itemsize
            for variable in self._variables.values()
            if hasattr(variable.dtype, "itemsize")
        )
        if needed > path.stat().st_size:
            raise TrajectoryError(
                f"{self.name}: is incomplete: it has {path.stat().st_size} bytes, but its header "
                f"needs {needed} or more; copy the file again"
            )

    def _time_unit(self) -> float | None:
        """Return ps per unit of the variable ``time``, or None if unknown."""
        if "time" not in self._variables:
            return None
        attributes = self._attributes("time")
        words = str(attributes.get("units", "")).strip().lower().split()
        unit = _PS.get(words[0].removesuffix("s") if words else "")
        if unit is None:
            return None
        return unit * _shortest(attributes.get("scale_factor", 1.0))

    def _attributes(self, name: str) -> dict[str, Any]:
        variable = self._variables[name]
        return {key: variable.getncattr(key) for key in variable.ncattrs()}

    def _read(self, name: str, first: int, last: int) -> NDArray[Any]:
        """Return a variable of the frames ``first`` to ``last - 1``, also if it is constant."""
        variable = self._variables[name]
        over_frames = variable.ndim > 0 and variable.dimensions[0] == "frame"
        try:
            values = np.asarray(variable[first:last] if over_frames else variable[:])
        except (OSError, RuntimeError, IndexError, ValueError) as error:
            raise TrajectoryError(
                f"{self.name}: cannot be read after {first} frames ({error})"
            ) from None
        return values if over_frames else np.broadcast_to(values, (last - first, *values.shape))

    def _first_types(self) -> NDArray[np.int64] | None:
        if "type" not in self._variables or self._n_frames == 0:
            return None
        types = self._read("type", 0, 1)[0].astype(np.int64)
        if "id" not in self._variables:
            return types
        return types[np.argsort(self._read("id", 0, 1)[0], kind="stable")]

    def frames(self) -> Iterator[FrameData]:
        """Yield the frames, with atoms sorted by id if the file holds ids."""
        ids: NDArray[np.int64] | None = None
        for first in range(0, self._n_frames, _PIECE):
            last = min(first + _PIECE, self._n_frames)
            piece = self._piece(first, last)
            for k in range(last - first):
                order: Any = slice(None)
                if "id" in piece:
                    order = np.argsort(piece["id"][k], kind="stable")
                    sorted_ids = piece["id"][k][order].astype(np.int64)
                    ids = sorted_ids if ids is None else ids
                    if (sorted_ids != ids).any() or (np.diff(sorted_ids) == 0).any():
                        raise TrajectoryError(
                            f"{self.name}: frame {first + k + 1}: has other ids than the first "
                            "frame, or one twice; all frames need the same atoms"
                        )
                yield self._frame(piece, k, order, ids)

    def _piece(self, first: int, last: int) -> dict[str, NDArray[Any]]:
        wanted = [self._coordinates, *_CELL, "id", "velocities", "cell_origin"]
        if self._time_factor is not None:
            wanted.append("time")
        if self._coordinates == _WRAPPED and all(name in self._variables for name in _IMAGES):
            wanted += _IMAGES
        piece = {name: self._read(name, first, last) for name in wanted if name in self._variables}
        for name, values in piece.items():
            per_atom = name in (self._coordinates, "velocities", "id", *_IMAGES)
            shape: tuple[int, ...] = (last - first,) + per_atom * (self.n_atoms,)
            shape += (name not in ("time", "id", *_IMAGES)) * (3,)
            if values.shape != shape or values.dtype.kind not in "fiu":
                raise TrajectoryError(
                    f"{self.name}: its variable '{name}' does not have one entry for each "
                    "frame and atom; the file is damaged"
                )
        return piece

    def _frame(
        self, piece: dict[str, NDArray[Any]], k: int, order: Any, ids: NDArray[np.int64] | None
    ) -> FrameData:
        cell = cell_vectors(piece["cell_lengths"][k], piece["cell_angles"][k])
        positions = piece[self._coordinates][k][order].astype(np.float64)
        positions *= float(self._attributes(self._coordinates).get("scale_factor", 1.0))
        if self._coordinates == _SCALED:
            positions = positions @ cell
            if "cell_origin" in piece:
                positions += piece["cell_origin"][k]
        time, resolution, step = None, 0.0, None
        if self._time_factor is not None:
            raw = piece["time"][k]
            time = float(raw) * self._time_factor
            resolution = float(np.spacing(np.abs(raw))) * self._time_factor
            if "scale_factor" in self._attributes("time") and np.isfinite(raw):
                step = int(raw)
        images = None
        if "ix" in piece:
            images = np.stack([piece[name][k][order] for name in _IMAGES], axis=1).astype(float)
        velocities = None
        if "velocities" in piece:
            about = self._attributes("velocities")
            unit = 1e3 if "femto" in str(about.get("units", "")).lower() else 1.0
            velocities = piece["velocities"][k][order].astype(np.float64)
            velocities *= unit * float(about.get("scale_factor", 1.0))
        return FrameData(
            time, cell, positions, step, resolution, None, images,
            self._coordinates == _UNWRAPPED, velocities, ids,
        )  # fmt: skip

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _shortest(value: Any) -> float:
    """Return a number without the error of single precision: 0.0005, not 0.0005000000237."""
    number = np.asarray(value).reshape(-1)[0]
    return float(str(number))
