"""LAMMPS's box and clock while it runs, read where LAMMPS keeps them.

To ask LAMMPS for them takes 20 to 30 µs each, which counts beside a step of some ms.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray


class LiveValues:
    """Numbers that change from step to step. They are there until the input says ``clear``.

    Args:
        lammps: an instance that has a box.
    """

    def __init__(self, lammps: Any) -> None:
        self._lammps = lammps
        self._low, self._high = self._doubles("boxlo"), self._doubles("boxhi")
        self._xy, self._xz, self._yz = (self._doubles(name) for name in ("xy", "xz", "yz"))
        self._atime, self._dt = self._doubles("atime"), self._doubles("dt")
        self._atimestep = self._pointer("atimestep", ctypes.c_int64)

    def _doubles(self, name: str) -> Any:
        return self._pointer(name, ctypes.c_double)

    def _pointer(self, name: str, kind: Any) -> Any:
        get = self._lammps.lib.lammps_extract_global
        get.restype = ctypes.c_void_p  # LAMMPS's module sets it anew before each call of its own
        return ctypes.cast(get(self._lammps.lmp, name.encode()), ctypes.POINTER(kind))

    def cell(self) -> NDArray[np.float64]:
        """Return the lattice vectors as rows, ``[3, 3]`` Å."""
        low, high = self._low, self._high
        return np.array(
            (
                (high[0] - low[0], 0.0, 0.0),
                (self._xy[0], high[1] - low[1], 0.0),
                (self._xz[0], self._yz[0], high[2] - low[2]),
            )
        )

    @property
    def timestep_ps(self) -> float:
        """MD step, ps."""
        return float(self._dt[0])

    def time_ps(self, step: int) -> float:
        """Return the time of a step, ps, as LAMMPS counts it."""
        return float(self._atime[0] + (step - self._atimestep[0]) * self._dt[0])
