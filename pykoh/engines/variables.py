"""Variables of a LAMMPS input that `pykoh run` is given: what is refused, and what is said."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from pykoh.engines.script import index_variables
from pykoh.errors import EngineError

SIGNED = ("seed", "pressure")
# Parts of names of files that LAMMPS reads or writes.
NAMES = ("data", "name")
# Intervals of output, and their units in fs.
INTERVALS_FS = {"dump_fs": 1.0, "restart_ps": 1000.0}
# Parts of a simulation that 0 leaves out.
OPTIONAL = ("relax", "heat_ps", "npt_ps", "pressure_fs", "transport_fs")
# Where it matters that results are written in whole MD steps.
RESULTS_FS = ("dump_fs", "transport_fs", "pressure_fs")
# Outside of these a unit was probably mistaken; °C and ps are common ones.
USUAL_K = (200.0, 700.0)
USUAL_STEP_FS = (0.05, 1.0)
SHORTEST_FS = 1e-6


def check_variables(script: Path, given: dict[str, str]) -> dict[str, str]:
    """Return all variables of the script with their values; refuse names it does not have."""
    try:
        known = index_variables(script.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise EngineError(f"{script}: is no text file; give a LAMMPS input, e.g. koh.in") from error
    for name in given:
        if name not in known:
            raise EngineError(
                f"--var {name}: {script} has no such variable; it has {', '.join(known)}"
            )
    for name in ("engine", "potential"):
        if name not in known:
            raise EngineError(
                f"{script}: has no variable `{name}`, by which `pykoh run` hands over its "
                "potential; start from lammps_inputs/koh.in"
            )
    values = {**known, **given, "engine": "embedded"}
    for name, value in given.items():
        if not value.strip():
            raise EngineError(f"--var {name}: its value is empty")
        default = known[name]
        if _is_number(default) and not _is_number(value):
            raise EngineError(f"--var {name} {value}: a number is needed, as in {name} {default}")
        if _is_number(default) and name not in SIGNED:
            zero = float(value) == 0 and float(default) > 0 and name not in OPTIONAL
            if float(value) < 0 or zero:
                raise EngineError(f"--var {name} {value}: must be above 0")
        if name == "seed" and _is_number(default) and not _is_seed(value, default):
            least = "1 or more" if float(default) > 0 else "0 or more"
            raise EngineError(f"--var seed {value}: a whole number is needed, {least}")
        if default in ("yes", "no") and value not in ("yes", "no"):
            raise EngineError(f"--var {name} {value}: must be yes or no")
        if name in NAMES and len(value.split()) > 1:
            raise EngineError(
                f"--var {name} {value}: LAMMPS takes no spaces in names of files; rename it"
            )
    _check_intervals(values, given)
    return values


def _check_intervals(values: dict[str, str], given: dict[str, str]) -> None:
    """Refuse an interval of output that is shorter than half of an MD step."""
    step_fs = values.get("timestep_fs", "")
    if not _is_number(step_fs) or float(step_fs) <= 0:
        return
    if float(step_fs) < SHORTEST_FS:
        raise EngineError(
            f"--var timestep_fs {step_fs}: is less than {SHORTEST_FS:g} fs; 0.5 is usual"
        )
    for name, unit_fs in INTERVALS_FS.items():
        value = values.get(name, "")
        # The shipped inputs round to whole steps; LAMMPS stops at 0.
        if _is_number(value) and round(float(value) * unit_fs / float(step_fs)) < 1:
            source = name if name in given else "timestep_fs"
            raise EngineError(
                f"--var {source} {values[source]}: {name} {value} is less than one MD step of "
                f"{step_fs} fs; give a longer interval"
            )


def _is_seed(text: str, default: str) -> bool:
    """Return whether LAMMPS takes a seed; 0 where that is the default, which has a meaning."""
    return text.isdecimal() and (int(text) > 0 or float(default) == 0)


def _is_number(text: str) -> bool:
    """Return whether LAMMPS takes a text for a number: Python allows more, as 1_000."""
    try:
        return text.isascii() and "_" not in text and math.isfinite(float(text))
    except ValueError:
        return False


def notes(values: Mapping[str, str], given: Container[str]) -> Iterator[str]:
    """Yield a line for each variable that is not used as given, or whose unit looks mistaken.

    Args:
        values: of all variables of the input.
        given: names of those that the user has set.
    """
    step_fs = _number(values, "timestep_fs")
    low_K, high_K = USUAL_K
    temperature = _number(values, "temperature") if "temperature" in given else None
    if temperature and not low_K <= temperature <= high_K:
        meant = f"; {temperature:g} °C are {temperature + 273.15:g}" if temperature < low_K else ""
        yield f"temperature {temperature:g}: is in K{meant}"
    if not step_fs:
        return
    changed = "timestep_fs" in given
    if changed and step_fs > USUAL_STEP_FS[1]:
        yield (
            f"timestep_fs {step_fs:g}: O–H bonds vibrate in 9 to 10 fs; MD steps above "
            f"{USUAL_STEP_FS[1]:g} fs lose energy conservation, or atoms"
        )
    elif changed and step_fs < USUAL_STEP_FS[0]:
        yield f"timestep_fs {step_fs:g}: is in fs; 0.5 is usual"
    for name in RESULTS_FS:
        value = _number(values, name)
        if not value or not (changed or name in given):
            continue
        wanted = value / step_fs
        # As LAMMPS rounds; no interval is shorter than a step.
        steps = max(math.floor(wanted + 0.5), 1)
        if abs(wanted - steps) > 1e-6 * steps:
            yield (
                f"{name} {value:g}: is no multiple of the MD step of {step_fs:g} fs; "
                f"{steps * step_fs:.6g} is used"
            )


def _number(values: Mapping[str, str], name: str) -> float | None:
    text = values.get(name, "")
    return float(text) if _is_number(text) else None
