"""Which intervals of output multiple time steps allow (:mod:`pykoh.engines.multistep`)."""

from __future__ import annotations

from collections.abc import Mapping

from pykoh.errors import EngineError

THERMO = 100
"""MD steps between the thermo lines of the shipped inputs."""


def check_intervals(every: int, variables: Mapping[str, str]) -> None:
    """Check that results are written at steps of the accurate potential.

    Args:
        every: n.
        variables: of the input.

    Raises:
        EngineError: the pressure is written, or thermo lines are, between such steps.
    """
    if THERMO % every:
        raise EngineError(
            f"--every {every}: must divide {THERMO}, so that energies are written at steps of the "
            "potential itself; use 2, 4 or 5"
        )
    try:
        pressure_fs = float(variables.get("pressure_fs", 0.0))
        timestep_fs = float(variables["timestep_fs"])
    except (KeyError, ValueError):
        return
    steps = max(round(pressure_fs / timestep_fs), 1)
    if pressure_fs > 0 and steps % every:
        raise EngineError(
            f"--every {every}: NAME.pressure.txt would be written every {steps} MD steps, between "
            f"steps of the potential itself; use --var pressure_fs {every * timestep_fs:g}, a "
            "multiple of it, or 0"
        )
