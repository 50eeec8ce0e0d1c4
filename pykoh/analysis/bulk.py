"""Does a box hold a solution and nothing else? The volume of a slab in a vacuum says nothing."""

from __future__ import annotations

import numpy as np

from pykoh.arrays import FloatArray
from pykoh.errors import CompositionError
from pykoh.solution import density as densities
from pykoh.solution.measured import mass_fraction

EMPTY_LAYER_A = 6.0
"""Two layers of water. Within a solution no layer above 3 Å is empty."""

_PLAUSIBLE = (0.75, 1.33)  # density over that of experiment
_ROOM_K = 298.15


def empty_layer(positions: FloatArray, cell: FloatArray) -> float:
    """Return the thickness of the largest empty layer that is parallel to a face of the cell, Å.

    Args:
        positions: [n_atoms, 3], Å.
        cell: [3, 3], Å, vectors in rows.
    """
    inverse = np.linalg.inv(cell)
    heights = 1.0 / np.linalg.norm(inverse, axis=0)
    fraction = np.sort((positions @ inverse) % 1.0, axis=0)
    gaps = np.diff(np.concatenate([fraction, fraction[:1] + 1.0]), axis=0)
    return float((gaps.max(axis=0) * heights).max())


def expected_density(
    cation: str, n_koh: int, n_h2o: int, temperature_K: float | None
) -> tuple[float, bool]:
    """Return a density in kg/m³, and whether it is that of this solution.

    Without a formula it is that of water: a solution of a hydroxide is denser.

    Args:
        cation: element.
        n_koh: hydroxide units.
        n_h2o: water molecules.
        temperature_K: K; None: 25 °C.
    """
    w = mass_fraction(cation, n_koh, n_h2o)
    kelvin = temperature_K or _ROOM_K
    try:
        return densities.density(cation, w, kelvin), True
    except CompositionError:
        return densities.water_density(_ROOM_K - densities.ZERO_CELSIUS_K), n_koh == 0


def no_bulk(
    density_kg_per_m3: float, expected: tuple[float, bool], empty_layer_A: float
) -> str | None:
    """Return why the volume of a box is not that of a solution, or None.

    Args:
        density_kg_per_m3: of the box.
        expected: of :func:`expected_density`.
        empty_layer_A: of :func:`empty_layer`.
    """
    low, high = _PLAUSIBLE
    value, known = expected
    ratio = density_kg_per_m3 / value
    if empty_layer_A > EMPTY_LAYER_A:
        found = f"a layer of {empty_layer_A:.3g} Å of the box is empty"
    elif ratio < low or (known and ratio > high):
        solution = "this solution" if known else "water"
        found = f"the box has {density_kg_per_m3:.4g} kg/m³, {solution} has {value:.4g}"
    else:
        return None
    return (
        f"{found}: mol/L, density and conductivity are per volume of the whole box and are not "
        "compared with experiment; use a box that the solution fills"
    )
