"""Which intervals of output multiple time steps allow (:mod:`pykoh.engines.multistep`)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from pykoh.errors import EngineError

LONGEST_FS = 2.5
"""Longest time from one evaluation of the accurate potential to the next, fs.

It heats a liquid by 0.3 meV per atom and ps (koh-blyp-d3), and longer ones more.
"""
CONSERVING_FS = 1.5
"""With longer outer steps a simulation needs a thermostat, fs.

Outer steps of 1 fs conserve the energy; 2 fs heat by 0.12 meV per atom and ps (koh-blyp-d3).
"""
_THERMO = re.compile(r"^[ \t]*thermo[ \t]+(\d+)\b", re.MULTILINE)


def check_intervals(every: int, variables: Mapping[str, str], script: str = "thermo 100") -> None:
    """Check that results are written at steps of the accurate potential, and these are close.

    Args:
        every: n.
        variables: of the input.
        script: the input.

    Raises:
        EngineError: n is below 2, n steps are longer than :data:`LONGEST_FS`, or pressure or thermo
            lines are written between steps of the accurate potential.
    """
    if every < 2:
        raise EngineError(f"--every {every}: must be at least 2")
    for found in _THERMO.finditer(script):
        if (thermo := int(found[1])) % every:
            choices = [str(n) for n in (2, 4, 5) if thermo % n == 0]
            raise EngineError(
                f"--every {every}: must divide {thermo}, the steps between thermo lines of the "
                "input, so that energies are written at steps of the potential itself; use "
                + (" or ".join(choices) if choices else "`thermo 100` in the input")
            )
    try:
        timestep_fs = float(variables["timestep_fs"])
    except (KeyError, ValueError):
        return
    if every * timestep_fs > LONGEST_FS * (1.0 + 1e-9):
        raise EngineError(
            f"--every {every}: {every} MD steps of {timestep_fs:g} fs are longer than "
            f"{LONGEST_FS:g} fs, and would heat the liquid too much; use a smaller --every, or a "
            "shorter --var timestep_fs"
        )
    try:
        pressure_fs = float(variables.get("pressure_fs", 0.0))
    except ValueError:
        return
    # Halves are rounded up, as in LAMMPS.
    steps = max(math.floor(pressure_fs / timestep_fs + 0.5), 1)
    if pressure_fs > 0 and steps % every:
        raise EngineError(
            f"--every {every}: NAME.pressure.txt would be written every {steps} MD steps, between "
            f"steps of the potential itself; use --var pressure_fs {every * timestep_fs:g}, a "
            "multiple of it, or 0"
        )
