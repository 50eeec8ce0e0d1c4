"""Compiled conversion of coordinates of a dump to unwrapped Cartesian coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.kernels import kernel


@kernel("(float64[:,::1], boolean, boolean, float64[:,::1], float64[::1], float64[:,::1])")
def to_fractional(
    values: NDArray[np.float64],
    scaled: bool,
    images: bool,
    inverse: NDArray[np.float64],
    origin: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write fractional coordinates, with image flags if there are any.

    Args:
        values: [n_atoms, 9], coordinates and image flags of one frame.
        scaled: coordinates are already fractions of the cell.
        images: add the image flags.
        inverse: [3, 3], 1/Å, inverse of the cell vectors in rows.
        origin: [3], Å.
        out: [n_atoms, 3].
    """
    for i in range(values.shape[0]):
        if scaled:
            for k in range(3):
                out[i, k] = values[i, k]
        else:
            x = values[i, 0] - origin[0]
            y = values[i, 1] - origin[1]
            z = values[i, 2] - origin[2]
            for k in range(3):
                out[i, k] = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
        if images:
            for k in range(3):
                out[i, k] += values[i, 3 + k]


@kernel("(float64[:,::1], float64[:,::1], float64, float64[:,::1])")
def unwrap(
    fractional: NDArray[np.float64],
    previous: NDArray[np.float64],
    limit: float,
    shift: NDArray[np.float64],
) -> tuple[int, float]:
    """Unwrap each atom: add whole cells so that its step is the shortest.

    Args:
        fractional: [n_atoms, 3], in: wrapped, out: unwrapped.
        previous: [n_atoms, 3], unwrapped fractional coordinates one frame before.
        limit: longest step, as a fraction of the cell, that is accepted.
        shift: [n_atoms, 3], out, number of added cells.

    Returns:
        The first atom whose step is longer than ``limit``, or -1; and the longest step.
    """
    longest = 0.0
    first = -1
    for i in range(fractional.shape[0]):
        for k in range(3):
            step = fractional[i, k] - previous[i, k]
            cells = np.floor(step + 0.5)
            shift[i, k] = -cells
            fractional[i, k] -= cells
            size = abs(step - cells)
            if size > longest:
                longest = size
                if size > limit and first < 0:
                    first = i
    return first, longest


@kernel("(float64[:,::1], float64[:,::1], float64[::1], float64[:,::1])")
def to_cartesian(
    fractional: NDArray[np.float64],
    vectors: NDArray[np.float64],
    origin: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write Cartesian coordinates, Å. Shapes as in :func:`to_fractional`."""
    for i in range(fractional.shape[0]):
        a, b, c = fractional[i, 0], fractional[i, 1], fractional[i, 2]
        for k in range(3):
            out[i, k] = origin[k] + a * vectors[0, k] + b * vectors[1, k] + c * vectors[2, k]
