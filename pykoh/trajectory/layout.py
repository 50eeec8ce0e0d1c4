"""The columns of a dump."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory import parsing

# Coordinates of a dump, the best first: columns, scaled by the cell, unwrapped.
_COORDINATES = (
    (("xu", "yu", "zu"), False, True),
    (("xsu", "ysu", "zsu"), True, True),
    (("x", "y", "z"), False, False),
    (("xs", "ys", "zs"), True, False),
)
_IMAGES = ("ix", "iy", "iz")
_VELOCITIES = ("vx", "vy", "vz")


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The columns of a dump.

    Attributes:
        roles: [n_columns], role of each column in :mod:`pykoh.trajectory.parsing`.
        names: names of the columns.
        by_element: the column ``element`` gives the species, not ``type``.
        scaled: coordinates are fractions of the cell.
        unwrapped: coordinates continue beyond the periodic boundary.
        images: coordinates are wrapped, and there are image flags.
        velocities: there are velocities.
    """

    roles: NDArray[np.int64]
    names: tuple[str, ...]
    by_element: bool
    scaled: bool
    unwrapped: bool
    images: bool
    velocities: bool

    @classmethod
    def of(cls, names: tuple[str, ...], with_velocities: bool) -> Layout:
        """Return the layout of the columns ``names``.

        Raises:
            TrajectoryError: a required column is missing.
        """
        found = " ".join(names)
        advice = "write the dump with 'dump d all custom N traj.dump id type xu yu zu'"
        if "id" not in names:
            raise TrajectoryError(f"column 'id' is missing (columns: {found}); {advice}")
        if "element" not in names and "type" not in names:
            raise TrajectoryError(
                f"columns 'type' and 'element' are both missing (columns: {found}); {advice}"
            )
        by_element = "element" in names
        available = [entry for entry in _COORDINATES if set(entry[0]) <= set(names)]
        if not available:
            raise TrajectoryError(
                f"no coordinates: xu yu zu, x y z, xs ys zs or xsu ysu zsu are needed "
                f"(columns: {found}); {advice}"
            )
        columns, scaled, unwrapped = available[0]
        images = not unwrapped and set(_IMAGES) <= set(names)
        velocities = with_velocities and set(_VELOCITIES) <= set(names)
        roles = np.full(len(names), parsing.SKIPPED, dtype=np.int64)
        wanted = [(columns, 0)]
        if images:
            wanted.append((_IMAGES, 3))
        if velocities:
            wanted.append((_VELOCITIES, 6))
        for group, first in wanted:
            for offset, name in enumerate(group):
                roles[names.index(name)] = first + offset
        roles[names.index("id")] = parsing.ID
        roles[names.index("element" if by_element else "type")] = parsing.SPECIES
        return cls(roles, names, by_element, scaled, unwrapped, images, velocities)
