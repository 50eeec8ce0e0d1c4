"""Definitions of an analysis, and what the trajectory cannot tell."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

from pykoh.analysis.hydrogen_bonds.criteria import LUZAR_CHANDLER, Criterion
from pykoh.errors import ObservableError


@dataclass(frozen=True, slots=True)
class Settings:
    """Definitions and what the trajectory cannot tell.

    Attributes:
        rattle_window_ps: a transfer that leads back within this time is a rattle.
        criterion: when D-H...A is a hydrogen bond.
        temperature_K: temperature, or None: from velocities.
        viscosity_mPa_s: for the Yeh-Hummer correction, or None.
        fit_window_ps: first and last lag of the diffusion fits, or None: chosen.
        pressure_files: pressure records of the run, from which the viscosity follows.
        pressure_given: the user named them; if not, a record that cannot be used is a warning.
        contact_A: distance of a contact of cation and O*, or None: that of the cation.

    Raises:
        ObservableError: a number is not in the range that it can have.
    """

    rattle_window_ps: float = 0.2
    criterion: Criterion = LUZAR_CHANDLER
    temperature_K: float | None = None
    viscosity_mPa_s: float | None = None
    fit_window_ps: tuple[float, float] | None = None
    pressure_files: tuple[str, ...] = ()
    pressure_given: bool = True
    contact_A: float | None = None

    def __post_init__(self) -> None:
        self._check("rattle_window_ps", self.rattle_window_ps, zero=True)
        for name in ("temperature_K", "viscosity_mPa_s", "contact_A"):
            value = getattr(self, name)
            if value is not None:
                self._check(name, value)
        if self.fit_window_ps is not None:
            self._check_window(self.fit_window_ps)

    def _check_window(self, window: Any) -> None:
        if not isinstance(window, Sequence) or len(window) != 2:
            raise ObservableError(f"fit_window_ps {window}: has to be (first, last) lag in ps")
        for value in window:
            self._check("fit_window_ps", value, zero=True)
        if not window[0] < window[1]:
            raise ObservableError(f"fit_window_ps {window}: has to be the smaller lag first")

    def _check(self, name: str, value: float, zero: bool = False) -> None:
        if not isinstance(value, Real):
            raise ObservableError(f"{name} {value!r}: has to be a number")
        if not (0.0 < value < math.inf or (zero and value == 0.0)):
            raise ObservableError(
                f"{name} {value:g}: has to be {'0 or more' if zero else 'above 0'}"
            )

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON values; a rule is the address of its function."""

        def name(rule: Any) -> str:
            return f"{rule.__module__}.{rule.__qualname__}"

        found: dict[str, Any] = json.loads(json.dumps(asdict(self), default=name))
        return found
