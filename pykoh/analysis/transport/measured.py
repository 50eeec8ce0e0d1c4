"""What was measured in the solution that was simulated, beside what the run gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pykoh.analysis.common.input_summary import InputSummary
from pykoh.solution.measured import (
    Measured,
    koh_viscosity,
    limiting_ion_diffusion,
    mass_fraction,
    solution_density,
    water_diffusion,
)

if TYPE_CHECKING:
    from pykoh.analysis.transport.values import Diffusion


@dataclass(frozen=True, slots=True)
class Beside:
    """A measured value and the computed one that it belongs to.

    Attributes:
        path: of the measured value in ``results.json``, levels joined by ``/``.
        of: path of the computed value.
        measured: the value, in the unit of the computed one.
    """

    path: str
    of: str
    measured: Measured


def beside(diffusion: Diffusion, given: InputSummary) -> tuple[Beside, ...]:
    """Return the measured values that are known for this composition and temperature.

    Diffusion coefficients are known at infinite dilution (ions, 25 °C) and in pure water; viscosity
    and density at the concentration and temperature of the run. Nothing is compared with a box that
    has a vacuum.

    Args:
        diffusion: what the run gives; species that it has none of are left out.
        given: composition and temperature.
    """
    if given.no_bulk is not None:
        return ()
    kelvin, cation = given.temperature_K, f"{given.cation}+"
    found: list[Beside] = []

    def add(path: str, of: str, value: Measured | None) -> None:
        if value is not None:
            found.append(Beside(f"experiment/{path}", of, value))

    for name, value in (
        (cation, limiting_ion_diffusion(cation)),
        ("OH-", limiting_ion_diffusion("OH-")),
        ("H2O", water_diffusion(kelvin)),
    ):
        if diffusion.of(name) is not None:
            add(f"D_m2_per_s/{name}", f"diffusion/{name}/D_m2_per_s", value)
    if kelvin is None:
        return tuple(found)
    w = mass_fraction(given.cation, given.n_koh, given.n_h2o)
    if given.cation == "K":
        add("viscosity_mPa_s", "viscosity/viscosity_mPa_s", koh_viscosity(w, kelvin))
    density = solution_density(given.cation, w, kelvin)
    add("density_kg_per_m3", "input/density_kg_per_m3", density)
    return tuple(found)
