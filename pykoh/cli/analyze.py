"""``pykoh analyze``: from trajectories to results, CSVs, plots and a report."""

from __future__ import annotations

import math
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pykoh.errors import OutputError

if TYPE_CHECKING:
    from pykoh.trajectory.run import Run


def _window(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, float] | None:
    """Parse ``START,END`` in ps."""
    if value is None:
        return None
    try:
        start, end = (float(word) for word in value.split(","))
    except ValueError:
        raise click.BadParameter(
            f"'{value}' is not START,END in ps, e.g. --fit 2,20", context, parameter
        ) from None
    if not 0 <= start < end < float("inf"):
        raise click.BadParameter(f"'{value}' does not rise from 0 on", context, parameter)
    return start, end


class _Finite(click.FloatRange):
    """A range of numbers that NaN and infinity are not in."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail with a usage error."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


_NUMBER = _Finite()
_POSITIVE = _Finite(min=0, min_open=True)


@click.command()
@click.argument("trajectories", metavar="TRAJ...", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the results."
)
@click.option("--force", is_flag=True, help="Replace results that are already there.")
@click.option(
    "--timestep", type=_POSITIVE, metavar="FS", help="MD step, for dumps without ITEM: TIME."
)
@click.option(
    "--units",
    type=click.Choice(["metal", "real"]),
    default="metal",
    show_default=True,
    help="LAMMPS units of dumps without ITEM: UNITS.",
)
@click.option(
    "--types",
    default="H,O,K",
    show_default=True,
    help="Elements of LAMMPS type 1, 2, 3; H, O and one of Li Na K Rb Cs.",
)
@click.option("--start", type=_NUMBER, metavar="PS", help="First time that is used.")
@click.option("--stop", type=_NUMBER, metavar="PS", help="Last time that is used.")
@click.option(
    "--stride", type=click.IntRange(min=1), default=1, show_default=True, help="Use every n-th."
)
@click.option(
    "--temperature", type=_POSITIVE, metavar="K", help="Default: from velocities in the dump."
)
@click.option("--viscosity", type=_POSITIVE, metavar="MPAS", help="mPa·s, for D at infinite size.")
@click.option(
    "--fit", callback=_window, metavar="START,END", help="Lags of the diffusion fits, ps."
)
@click.option(
    "--rattle-window",
    type=_Finite(min=0),
    default=0.2,
    show_default=True,
    metavar="PS",
    help="A proton transfer reverted within this time is a rattle.",
)
@click.option(
    "--hbond",
    type=click.Choice(["luzar-chandler", "luzar-chandler-1993", "wernet"]),
    default="luzar-chandler",
    show_default=True,
    help="Criterion of a hydrogen bond; the report says what it is and where it is from.",
)
@click.option(
    "--hbond-distance", type=_POSITIVE, metavar="Å", help="Its largest O-O distance, if another."
)
@click.option(
    "--hbond-angle",
    type=_Finite(min=0, min_open=True, max=90),
    metavar="DEG",
    help="Its largest angle H-D-A, if another.",
)
@click.option(
    "--contact",
    type=_POSITIVE,
    metavar="Å",
    help="Contact of cation and O of OH-; default: 3.6 for K, by cation.",
)
@click.option(
    "--pressure",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="NAME.pressure.txt of the run, for the viscosity; again for each part.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads; default: all cores. The numbers do not depend on it.",
)
@click.option("--dask", metavar="ADDRESS", help="Scheduler of a dask cluster that does the work.")
@click.option("--no-report", is_flag=True, help="Write results.json and CSVs only.")
def command(
    trajectories: tuple[str, ...],
    output: Path,
    force: bool,
    timestep: float | None,
    units: str,
    types: str,
    start: float | None,
    stop: float | None,
    stride: int,
    temperature: float | None,
    viscosity: float | None,
    fit: tuple[float, float] | None,
    rattle_window: float,
    hbond: str,
    hbond_distance: float | None,
    hbond_angle: float | None,
    contact: float | None,
    pressure: tuple[Path, ...],
    workers: int | None,
    dask: str | None,
    no_report: bool,
) -> None:
    """Diffusion, proton hops, hydrogen bonds, structure and conductivity of a run.

    TRAJ is a LAMMPS text dump (plain, .gz or .zst; - is standard input) with the columns id, type
    or element, and xu yu zu (or x y z, better with ix iy iz). Several files are taken as
    consecutive parts of one run.
    """
    _check_output(output, force)
    from pykoh.analysis.criteria import CRITERIA
    from pykoh.analysis.pipeline import Settings, analyze
    from pykoh.analysis.workers import Workers, available_cores, dask_workers
    from pykoh.analysis.write import write_results
    from pykoh.provenance import record
    from pykoh.trajectory.run import ReadOptions, Run
    from pykoh.trajectory.species import SpeciesMap

    run = Run(
        trajectories,
        ReadOptions(timestep, units, SpeciesMap.parse(types), stride, start, stop),
    )
    settings = Settings(
        rattle_window,
        CRITERIA[hbond].changed(hbond_distance, hbond_angle),
        temperature,
        viscosity,
        fit,
        tuple(map(str, pressure)),
        contact,
    )
    progress = _Progress(run)
    output.parent.mkdir(parents=True, exist_ok=True)
    # Everything is written beside the folder and put in its place at the end.
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".part", dir=output.parent))
    except OSError as error:
        raise OutputError(f"{output}: cannot write there ({error.strerror})") from error
    try:
        work.chmod(0o755)
        inputs = {"files": [str(path) for path in trajectories], "settings": _described(settings)}
        with record(work, **inputs) as entry:
            team = dask_workers(dask) if dask else Workers(workers or available_cores())
            results = analyze(run, settings, progress.show, team)
            progress.close()
            write_results(results, work)
            if not no_report:
                from pykoh.report.page import write_report

                write_report(results, work)
            entry["n_frames"] = results.input.n_frames
            entry["seconds"] = round(progress.seconds, 3)
        _put(work, output)
    finally:
        progress.close()
        shutil.rmtree(work, ignore_errors=True)
    from pykoh.analysis.summary import summary

    click.echo(summary(results))
    click.echo(f"\nResults: {output / 'results.json'}")
    if not no_report:
        click.echo(f"Report:  {output / 'report.html'}")


def _described(settings: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(settings)  # type: ignore[call-overload]


def _check_output(output: Path, force: bool) -> None:
    """Refuse a folder that holds something that would be lost.

    Raises:
        OutputError: it is a file, holds results and ``force`` is off, or holds other things.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError(f"{output}: is a file; name a folder with -o")
    content = {path.name for path in output.iterdir()}
    if not content:
        return
    if "results.json" not in content:
        raise OutputError(
            f"{output}: is not empty and holds no results of pykoh analyze; name a new folder"
        )
    if not force:
        raise OutputError(f"{output}: holds results already; choose another folder or add --force")


_WRITTEN = ("results.json", "run.json", "report.html", "plots")


def _put(work: Path, output: Path) -> None:
    """Move a finished folder to its place; what an analysis had written there is removed."""
    if not output.exists():
        work.rename(output)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".old", dir=output.parent))
    output.rename(old / "old")
    try:
        work.rename(output)
        for entry in (old / "old").iterdir():
            ours = entry.suffix == ".csv" or entry.name in _WRITTEN
            if not ours and not (output / entry.name).exists():
                entry.rename(output / entry.name)
    except OSError:
        if not output.exists():
            (old / "old").rename(output)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


class _Progress:
    """Frames, time and speed on stderr; a bar where the size of the input is known."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._started = time.perf_counter()
        self._last = 0.0
        self._open = False
        self.seconds = 0.0

    def show(self, n_frames: int) -> None:
        now = time.perf_counter()
        self.seconds = now - self._started
        if not sys.stderr.isatty() or now - self._last < 0.2:
            return
        self._last = now
        interval = self._run.frame_interval_ps or 0.0
        text = f"{n_frames} frames, {n_frames * interval / 1000:.3g} ns"
        text += f", {n_frames / max(self.seconds, 1e-9):.0f} frames/s"
        total = self._run.bytes_total
        if total:
            share = min(self._run.bytes_read / total, 1.0)
            left = self.seconds * (1 - share) / max(share, 1e-9)
            filled = int(24 * share)
            bar = "█" * filled + "·" * (24 - filled)
            text = f"{bar} {100 * share:3.0f} %  {text}, {left:.0f} s left"
        click.echo(f"\r\033[K{text}", err=True, nl=False)
        self._open = True

    def close(self) -> None:
        if self._open:
            click.echo("", err=True)
            self._open = False
