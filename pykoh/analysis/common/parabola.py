"""The top of a parabola through the logarithm of counts, by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.arrays import FloatArray

_NEWTON = 4  # steps


@dataclass(frozen=True, slots=True)
class Vertex:
    """The top of a parabola: its place in bins, its height, and errors from counting alone."""

    place: float
    place_stderr: float
    log_height: float
    log_height_stderr: float


def vertex(counts: FloatArray, shell: FloatArray, x: np.ndarray) -> Vertex | None:
    """Return the maximum of a parabola through ln(counts / shell), or None if there is none."""
    seen = counts > 0
    if seen.sum() < 3:
        return None
    design = np.stack([np.ones(len(x)), x, x**2], axis=1).astype(np.float64)
    # First the logarithms of the counts, then Newton's steps of the likelihood.
    weight = counts.astype(np.float64)
    target = np.log(np.where(seen, counts, 1.0) / shell)
    for _ in range(_NEWTON):
        inverse = np.linalg.pinv(design.T @ (weight[:, None] * design))
        a, b, c = inverse @ design.T @ (weight * target)
        if c >= 0 or not x[0] <= -b / (2.0 * c) <= x[-1]:
            return None
        model = design @ np.array([a, b, c])
        weight = shell * np.exp(model)
        target = model + (counts - weight) / weight
    shift = -b / (2.0 * c)
    # d shift / d b = -1 / 2c, d shift / d c = -shift / c; the height moves with 1, shift, shift².
    slope, rise = np.array([0.0, -0.5 / c, -shift / c]), np.array([1.0, shift, shift**2])
    errors = [float(np.sqrt(max(v @ inverse @ v, 0.0))) for v in (slope, rise)]
    return Vertex(float(shift), errors[0], float(a - b**2 / (4.0 * c)), errors[1])
