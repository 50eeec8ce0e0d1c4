"""Geometric criteria of a hydrogen bond D-H...A.

A bond exists where r(DA) < r_max - c β², β < β_max and r(HA) < h_max, β being the angle H-D-A. That
is the form of the published ones. A criterion of another form is a rule: a function of the user's
own, which must hold too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import numpy as np
from numba import cfunc
from numba.core.errors import NumbaError

from pykoh.arrays import FloatArray
from pykoh.errors import ObservableError

ENTRY_POINTS = "pykoh.hydrogen_bonds"

_SIGNATURE = "boolean(float64, float64, float64, float64)"

Rule = Callable[[float, float, float, float], bool]


_CHANGED = ", changed"  # behind the name


@dataclass(frozen=True, slots=True)
class Criterion:
    """When D-H...A is a hydrogen bond.

    Attributes:
        name: what it is called on the command line.
        max_distance_A: r_max, largest r(DA) at β = 0, Å.
        max_angle_deg: β_max, degrees.
        bend_A_per_deg2: c, Å per square degree.
        max_hydrogen_A: h_max, largest r(HA), Å, or None.
        source: ``authors year, journal`` and DOI.
        doi: of the source.
        rule: a function of r(DA), r(DH), r(HA) in Å and of β in degrees; a bond exists where it is
            true, within the limits above. It is compiled, so it must be plain arithmetic of its
            arguments. Its docstring, if it has one, says in the report what it is.
    """

    name: str
    max_distance_A: float
    max_angle_deg: float
    bend_A_per_deg2: float
    max_hydrogen_A: float | None
    source: str
    doi: str
    rule: Rule | None = None

    def parameters(self) -> FloatArray:
        """Return [4]: r_max, c (Å/rad²), cos β_max, h_max² (inf without)."""
        largest = math.inf if self.max_hydrogen_A is None else self.max_hydrogen_A**2
        bend = self.bend_A_per_deg2 * (180.0 / math.pi) ** 2
        cosine = math.cos(math.radians(self.max_angle_deg))
        return np.array([self.max_distance_A, bend, cosine, largest])

    def words(self) -> str:
        """Return the criterion as a formula."""
        distance = f"r(DA) < {self.max_distance_A:g} Å"
        if self.bend_A_per_deg2:
            distance += f" − {self.bend_A_per_deg2:g} Å β² (β = angle H–D–A in degrees)"
        parts = [distance]
        if self.max_angle_deg < 90.0:
            parts.append(f"angle H–D–A < {self.max_angle_deg:g}°")
        if self.max_hydrogen_A is not None:
            parts.append(f"r(HA) < {self.max_hydrogen_A:g} Å")
        if self.rule is not None:
            text = (self.rule.__doc__ or f"the rule {self.rule.__qualname__}").strip()
            parts.append(text.splitlines()[0].rstrip("."))
        return " and ".join(parts)

    def changed(self, distance_A: float | None, angle_deg: float | None) -> Criterion:
        """Return the criterion with another distance or angle, under a name of its own."""
        if distance_A is None and angle_deg is None:
            return self
        new = replace(
            self,
            max_distance_A=self.max_distance_A if distance_A is None else distance_A,
            max_angle_deg=self.max_angle_deg if angle_deg is None else angle_deg,
        )
        return self if new == self else replace(new, name=f"{self.name}{_CHANGED}")

    @property
    def changed_by_user(self) -> bool:
        """Whether its distance or angle is not the published one."""
        return self.name.endswith(_CHANGED)


LUZAR_CHANDLER = Criterion(
    "luzar-chandler", 3.5, 30.0, 0.0, None,
    "Luzar and Chandler, Phys. Rev. Lett. 76 (1996) 928", "10.1103/PhysRevLett.76.928",
)  # fmt: skip
LUZAR_CHANDLER_1993 = Criterion(
    "luzar-chandler-1993", 3.5, 30.0, 0.0, 2.45,
    "Luzar and Chandler, J. Chem. Phys. 98 (1993) 8160", "10.1063/1.464521",
)  # fmt: skip
# The parabola reaches its end at 3.3 Å = 0.00044 β², β = 86.6°.
WERNET = Criterion(
    "wernet", 3.3, 90.0, 0.00044, None,
    "Wernet et al., Science 304 (2004) 995", "10.1126/science.1096205",
)  # fmt: skip

CRITERIA = {entry.name: entry for entry in (LUZAR_CHANDLER, LUZAR_CHANDLER_1993, WERNET)}


@cache
def compiled(rule: Rule | None) -> Any:
    """Return a rule that compiled loops can call; None gives one that is never asked.

    Raises:
        ObservableError: numba cannot compile it.
    """
    if rule is None:
        return cfunc(_SIGNATURE)(_no_rule)
    try:
        return cfunc(_SIGNATURE)(rule)
    except (NumbaError, TypeError) as error:
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ObservableError(
            f"hydrogen-bond rule {rule.__module__}.{rule.__qualname__}: cannot be compiled; make "
            f"it plain arithmetic of r(DA), r(DH), r(HA) and the angle ({first.strip()})"
        ) from None


def _no_rule(r_da: float, r_dh: float, r_ha: float, angle: float) -> bool:
    return True


def installed_criteria() -> dict[str, Criterion]:
    """Return the criteria of installed packages, by the names of their entry points.

    Raises:
        ObservableError: one of them cannot be imported, or is no :class:`Criterion`.
    """
    found = {}
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            criterion = entry.load()
        except Exception as error:
            text = " ".join(str(error).split())
            raise ObservableError(
                f"hydrogen-bond criterion {entry.name} ({entry.value}): import failed "
                f"({type(error).__name__}: {text})"
            ) from error
        if not isinstance(criterion, Criterion):
            raise ObservableError(
                f"hydrogen-bond criterion {entry.name} ({entry.value}): is no pykoh Criterion"
            )
        found[entry.name] = criterion
    return found
