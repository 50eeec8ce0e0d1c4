"""Which values the options of reading can have; the command line checks its own text before."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TYPE_CHECKING

from pykoh.errors import TrajectoryError
from pykoh.trajectory.species import SpeciesMap

if TYPE_CHECKING:
    from pykoh.trajectory.run import ReadOptions

_ABOVE_ZERO = ("timestep_fs", "interval_ps", "temperature_K")
_ANY = ("start_ps", "stop_ps")
_UNITS = ("metal", "real")


def check_values(options: ReadOptions) -> None:
    """Check options of reading.

    Raises:
        TrajectoryError: a value is not in the range that it can have. Some would otherwise choose
            other frames than those that were meant, e.g. a stride of 2.5.
    """
    for name in (*_ABOVE_ZERO, *_ANY):
        value = getattr(options, name)
        if value is None:
            continue
        if not isinstance(value, Real) or not math.isfinite(value):
            raise TrajectoryError(f"{name} {value!r}: has to be a finite number, or None")
        if name in _ABOVE_ZERO and value <= 0.0:
            raise TrajectoryError(f"{name} {value:g}: has to be above 0")
    if not isinstance(options.stride, Integral) or options.stride < 1:
        raise TrajectoryError(f"stride {options.stride!r}: has to be a whole number, 1 or more")
    if options.units not in _UNITS:
        raise TrajectoryError(f"units {options.units!r}: choose {' or '.join(_UNITS)}")
    if not isinstance(options.species_map, SpeciesMap):
        raise TrajectoryError(
            f"species_map {options.species_map!r}: has to be a SpeciesMap, e.g. "
            "pykoh.trajectory.species.SpeciesMap.parse('H,O,K')"
        )
