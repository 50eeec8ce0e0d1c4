"""``NAME.variables.json``: the variables of a run, so that its continuation is the same simulation.

LAMMPS continues from ``NAME.restart`` with any variables, and appends to the same trajectory. With
another ``dump_fs`` its frames would be uneven; with another ``temperature`` it would be two
simulations in one file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pykoh.engines.restart_file import restart_step
from pykoh.errors import EngineError
from pykoh.files import write_text
from pykoh.provenance import sha256

# A continuation may have another value of these without a word: a longer run, another engine, other
# intervals of restart files. Only a new box is minimised.
FREE = frozenset({"ps", "name", "engine", "restart_ps", "relax"})
# The physics stays the same; the user is told.
TOLD = frozenset({"timestep_fs"})
# These are files: their contents are compared, not their paths.
BY_CONTENT = frozenset({"data", "potential"})
INTERVALS = ("dump_fs", "transport_fs", "pressure_fs")
OUTPUT = (".restart", ".dump", ".transport.dump", ".pressure.txt")


@dataclass(frozen=True, slots=True)
class Description:
    """What a simulation is made of.

    Attributes:
        input: file name of the input script.
        variables: of the input, with their values.
        data_sha256: hash of the box; None if the input has no box, or the file is gone.
        model_sha256: hash of the model from which the potential was exported.
        inner_sha256: hash of the model of the inner potential, or None without multiple time steps.
        every: MD steps from one evaluation of the potential to the next.
        inner: file of the inner potential, as the user named it.
        dtype: precision of the forces; None in records of earlier versions.
    """

    input: str
    variables: dict[str, str]
    data_sha256: str | None
    model_sha256: str
    inner_sha256: str | None = None
    every: int = 1
    inner: str | None = None
    dtype: str | None = None


def describe(script: Path, variables: Mapping[str, str], model_sha256: str) -> Description:
    """Return the description of a simulation that is about to begin or continue."""
    data = Path(variables.get("data", ""))
    return Description(
        script.name, dict(variables), sha256(data) if data.is_file() else None, model_sha256
    )


def check_continuation(name: str, now: Description, say: Callable[[str], None]) -> None:
    """Refuse to continue ``NAME.restart`` as another simulation; keep the description.

    Args:
        name: prefix of the output, the input's variable ``name``.
        now: the simulation that was asked for.
        say: called with a line for the user.

    Raises:
        EngineError: variables, box, potential or input are not those of the run before.
    """
    record = Path(f"{name}.variables.json")
    restart = Path(f"{name}.restart")
    if restart.exists():
        before = _read(record)
        if before is None:
            say(
                f"{restart}: there is no {record}, so pykoh cannot compare the variables; "
                "the run continues"
            )
        else:
            _refuse_another(name, before, now)
            _refuse_uneven(restart, before, now)
            for key, old, new in _differences(before, now, TOLD):
                say(f"{restart}: continues with {key} {new} instead of {old}")
            if before.dtype not in (None, now.dtype):
                say(f"{restart}: continues in {now.dtype} instead of {before.dtype}")
            if now.data_sha256 is None:  # the box is not needed any more
                now = replace(now, data_sha256=before.data_sha256)
    write_text(record, json.dumps(asdict(now), indent=1) + "\n")


def _read(path: Path) -> Description | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Description(
            str(found["input"]),
            {str(key): str(value) for key, value in found["variables"].items()},
            found["data_sha256"],
            str(found["model_sha256"]),
            found.get("inner_sha256"),
            int(found.get("every", 1)),
            found.get("inner"),
            found.get("dtype"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _refuse_another(name: str, before: Description, now: Description) -> None:
    said, remedies = [], []
    if before.input != now.input:
        said.append(f"{before.input}, not {now.input}")
        remedies.append(f"the input {before.input}")
    compared = now.variables.keys() - FREE - TOLD - BY_CONTENT
    for key, old, new in _differences(before, now, compared):
        said.append(f"{key} {old}, not {new}")
        remedies.append(f"--var {key} {old}")
    changed = {
        "data": None not in (before.data_sha256, now.data_sha256)
        and before.data_sha256 != now.data_sha256,
        "potential": before.model_sha256 != now.model_sha256,
    }
    # A box that is gone has only its name.
    by_name = now.data_sha256 is None and list(_differences(before, now, {"data"}))
    for key in [key for key, other in changed.items() if other or (key == "data" and by_name)]:
        old, new = before.variables.get(key, ""), now.variables.get(key, "")
        said.append(f"{key} {old}, not {new}" if old != new else f"another content of {new}")
        remedies.append(f"--var {key} {old}" if old != new else f"the earlier {old}")
    if before.every != now.every:
        said.append(f"{_steps(before.every)}, not {_steps(now.every)}")
        given = f"--inner {before.inner or 'FILE'} --every {before.every}"
        remedies.append("no --inner" if before.every == 1 else given)
    elif before.inner_sha256 != now.inner_sha256:
        if before.inner in (None, now.inner):
            said.append("another potential as --inner")
            remedies.append("the earlier --inner")
        else:
            said.append(f"--inner {before.inner}, not {now.inner}")
            remedies.append(f"--inner {before.inner}")
    if said:
        # NAME.data is the result of equilibrate.in, but the input of koh.in.
        ends = (*OUTPUT, ".data") if before.input == "equilibrate.in" else OUTPUT
        output = [f"{name}{end}" for end in ends if Path(f"{name}{end}").exists()]
        raise EngineError(
            f"{name}.restart: this run was begun with {'; '.join(said)}. To continue it, use "
            f"{' '.join(remedies)}. For a new run, set another --var name, or move away "
            f"{', '.join(output)}"
        )


def _refuse_uneven(restart: Path, before: Description, now: Description) -> None:
    """Refuse another time step where frames or rows would not be evenly spaced any more.

    LAMMPS writes at multiples of whole steps. So the step of the restart has to be a multiple of
    the intervals as they were, and of the new ones.
    """
    changed = list(_differences(before, now, {"timestep_fs"}))
    step = restart_step(restart)
    if not changed or step is None or now.input == "equilibrate.in":  # which refuses it itself
        return
    _, old, new = changed[0]
    whole = 1
    for name in INTERVALS:
        interval = float(now.variables.get(name, 0))
        if interval <= 0:
            continue
        # Halves are rounded up, as in LAMMPS.
        steps = [max(1, math.floor(interval / float(fs) + 0.5)) for fs in (old, new)]
        lengths = [n * float(fs) for n, fs in zip(steps, (old, new), strict=True)]
        if not math.isclose(*lengths, rel_tol=1e-9):
            raise EngineError(
                f"{restart}: with timestep_fs {new} instead of {old} the interval {name} would "
                f"become {lengths[1]:g} fs instead of {lengths[0]:g}, and frames uneven; use a "
                f"timestep_fs that divides {lengths[0]:g}"
            )
        whole = math.lcm(whole, *steps)
    missing = -step % whole
    if missing:
        raise EngineError(
            f"{restart}: is at step {step}; with timestep_fs {new} from there the frames would not "
            f"be evenly spaced. Go on with --var timestep_fs {old} for {missing} steps "
            f"({missing * float(old) / 1000:g} ps) first, so that {whole} divides the step"
        )


def _steps(every: int) -> str:
    return "single time steps" if every == 1 else f"multiple time steps (--every {every})"


def _differences(
    before: Description, now: Description, keys: set[str] | frozenset[str]
) -> list[tuple[str, str, str]]:
    """Return name, old and new value of the variables that are not the same."""
    return [
        (key, before.variables[key], now.variables[key])
        for key in now.variables
        if key in keys
        and key in before.variables
        and not _same(before.variables[key], now.variables[key])
    ]


def _same(old: str, new: str) -> bool:
    try:
        return math.isclose(float(old), float(new), rel_tol=1e-9)
    except ValueError:
        return old == new
