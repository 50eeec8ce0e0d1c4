"""One frame of a format that is not a LAMMPS text or binary dump."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class FrameData:
    """One frame of any format.

    Attributes:
        time_ps: time, ps, or None if the file does not hold it.
        cell: [3, 3], Å, vectors in rows.
        positions: [n_atoms, 3], Å.
        step: MD step, or None if the file does not hold it.
        resolution_ps: error of the time, if the file holds it in single precision.
        number: number of the frame on the even grid of the file, for files without times.
        images: [n_atoms, 3], image flags, or None.
        unwrapped: whether positions continue beyond the periodic boundary.
        velocities: [n_atoms, 3], Å/ps, or None.
        ids: [n_atoms], ascending, or None if the file does not hold them.
    """

    time_ps: float | None
    cell: NDArray[np.float64]
    positions: NDArray[np.float64]
    step: int | None = None
    resolution_ps: float = 0.0
    number: float | None = None
    images: NDArray[np.float64] | None = None
    unwrapped: bool = False
    velocities: NDArray[np.float64] | None = None
    ids: NDArray[np.int64] | None = None


def cell_vectors(lengths: Sequence[float], angles: Sequence[float]) -> NDArray[np.float64]:
    """Return [3, 3], Å, cell vectors in rows; NaN if the angles are impossible.

    Args:
        lengths: [3], Å, of a, b, c.
        angles: [3], degrees: alpha (b, c), beta (a, c), gamma (a, b).
    """
    a, b, c = (float(length) for length in lengths)
    # Keep right angles exact: the cosine would be 6e-17.
    cosines = [0.0 if x == 90.0 else float(np.cos(np.radians(float(x)))) for x in angles]
    alpha, beta, gamma = cosines
    sine = np.sqrt(max(1.0 - gamma**2, 0.0))
    if sine == 0.0:
        return np.full((3, 3), np.nan)
    y = (alpha - beta * gamma) / sine
    height = 1.0 - beta**2 - y**2
    if not height > 0.0:
        return np.full((3, 3), np.nan)
    return np.array(
        [[a, 0.0, 0.0], [b * gamma, b * sine, 0.0], [c * beta, c * y, c * np.sqrt(height)]]
    )
