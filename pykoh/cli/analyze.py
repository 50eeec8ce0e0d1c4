"""``pykoh analyze``: from trajectories to results, CSVs and a report with plots."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pykoh.cli.analyze_output import (
    Progress,
    check_output,
    checkpoint_file,
    forget,
    run_names,
    staged,
)
from pykoh.errors import TrajectoryError

if TYPE_CHECKING:
    from pykoh.analysis.pipeline import Settings
    from pykoh.analysis.results import AnalysisResults
    from pykoh.trajectory.run import ReadOptions


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


class _Hbond(click.Choice):
    """The published criteria, and those of installed packages."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail with a usage error."""
        from pykoh.analysis.hydrogen_bonds.criteria import installed_criteria

        if value not in self.choices and value in installed_criteria():
            return str(value)
        name: str = super().convert(value, param, ctx)
        return name


@dataclass(frozen=True, slots=True)
class _Pages:
    """What is drawn: the report, and its plots as PNG too."""

    report: bool
    png: bool


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
    "--interval",
    type=_POSITIVE,
    metavar="PS",
    help="Time between frames, for DCD and other files that do not hold it.",
)
@click.option(
    "--topology",
    type=click.Path(),
    metavar="FILE",
    help="Which atom is what, for DCD, XTC, TRR, NetCDF: LAMMPS data or any structure.",
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
    type=_Hbond(["luzar-chandler", "luzar-chandler-1993", "wernet"]),
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
@click.option(
    "--series",
    is_flag=True,
    help="Each TRAJ is a run of its own: one table and one page by concentration.",
)
@click.option(
    "--checkpoint",
    type=_Finite(min=0),
    default=5.0,
    show_default=True,
    metavar="MIN",
    help="Minutes between states that the same command goes on from after a kill; 0: none.",
)
@click.option("--no-report", is_flag=True, help="Write results.json and CSVs only.")
@click.option("--png", is_flag=True, help="Write plots/*.png too, 200 dpi, for slides.")
def command(
    trajectories: tuple[str, ...],
    output: Path,
    force: bool,
    timestep: float | None,
    interval: float | None,
    topology: str | None,
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
    series: bool,
    checkpoint: float,
    no_report: bool,
    png: bool,
) -> None:
    """Diffusion, proton hops, hydrogen bonds, structure and conductivity of a run.

    TRAJ is a LAMMPS text dump (plain, .gz or .zst; - is standard input) with the columns id, type
    or element, and xu yu zu (or x y z, better with ix iy iz); or a LAMMPS binary dump (.bin), DCD,
    XTC, TRR, NetCDF (with --topology) or extended XYZ. Several files are taken as
    consecutive parts of one run, or with --series as runs of their own, of which those of the same
    solution are combined. NAME.pressure.txt beside NAME.dump gives the viscosity.

    A long analysis that was interrupted goes on when the same command is given again: its state is
    kept in OUTPUT.checkpoint.npz, which is removed in the end. Standard input can't be read twice.
    """
    check_output(output, force)
    from pykoh.analysis.hydrogen_bonds.criteria import CRITERIA, installed_criteria
    from pykoh.analysis.pipeline import Settings
    from pykoh.trajectory.run import ReadOptions
    from pykoh.trajectory.species import SpeciesMap

    options = ReadOptions(
        timestep,
        units,
        SpeciesMap.parse(types),
        stride,
        start,
        stop,
        topology,
        interval,
        temperature,
    )
    settings = Settings(
        rattle_window,
        (CRITERIA.get(hbond) or installed_criteria()[hbond]).changed(hbond_distance, hbond_angle),
        temperature,
        viscosity,
        fit,
        tuple(map(str, pressure)),
        contact_A=contact,
    )
    pages = _Pages(not no_report, png)
    if series:
        if pressure:
            raise click.UsageError("--pressure names the records of one run; not with --series")
        _series(trajectories, options, settings, workers, dask, output, pages, checkpoint)
        return
    state = checkpoint_file(output)
    with staged(output) as work:
        results = _one(
            trajectories, options, settings, workers, dask, work, pages, checkpoint, state
        )
    forget(state)
    from pykoh.analysis.results.summary import summary

    click.echo(summary(results))
    click.echo(f"\nResults: {output / 'results.json'}")
    if not no_report:
        click.echo(f"Report:  {output / 'report.html'}")


def _one(
    paths: Sequence[str],
    options: ReadOptions,
    settings: Settings,
    workers: int | None,
    dask: str | None,
    folder: Path,
    pages: _Pages,
    checkpoint: float,
    state: Path,
    at_end: bool = False,
) -> AnalysisResults:
    """Analyse one run into an existing folder."""
    from pykoh.analysis.checkpoint import Checkpoint
    from pykoh.analysis.custom import installed_observables
    from pykoh.analysis.pipeline import analyze
    from pykoh.analysis.results.write import write_results
    from pykoh.analysis.workers import Workers, available_cores, dask_workers
    from pykoh.provenance import record
    from pykoh.trajectory.run import Run

    run = Run(paths, options)
    if not settings.pressure_files:
        beside = _pressure_beside(paths)
        settings = replace(settings, pressure_files=beside, pressure_given=False)
    inputs = {"files": [str(path) for path in paths], "settings": settings.plain()}
    with record(folder, **inputs) as entry, Progress(run) as progress:
        team = dask_workers(dask) if dask else Workers(workers or available_cores())
        keeper = None
        if checkpoint:
            keeper = Checkpoint(state, run, settings, 60.0 * checkpoint, at_end, progress.say)
        results = analyze(
            run, settings, progress.show, team, keeper, observables=installed_observables()
        )
        progress.close()
        write_results(results, folder)
        if pages.report:
            from pykoh.report.page import write_report

            write_report(results, folder, pages.png)
        entry["n_frames"] = results.input.n_frames
        entry["seconds"] = round(progress.seconds, 3)
    return results


def _pressure_beside(paths: Sequence[str]) -> tuple[str, ...]:
    """Return NAME.pressure.txt of each NAME.dump, NAME.transport.dump, NAME.xtc ... or nothing."""
    from pykoh.trajectory.opening import COMPRESSED, SUFFIXES

    found = []
    for path in map(Path, paths):
        name = path.name
        for endings in (COMPRESSED, SUFFIXES, (".transport",)):
            ending = next((e for e in endings if name.lower().endswith(e)), "")
            name = name[: len(name) - len(ending)]
        record = path.with_name(f"{name}.pressure.txt")
        if name == path.name or not record.is_file():
            return ()
        if str(record) not in found:
            found.append(str(record))
    return tuple(found)


def _series(
    paths: Sequence[str],
    options: ReadOptions,
    settings: Settings,
    workers: int | None,
    dask: str | None,
    output: Path,
    pages: _Pages,
    checkpoint: float,
) -> None:
    """Analyse each trajectory by itself, then all together."""
    from pykoh.analysis.series import series, series_table, write_series

    names = run_names(paths)
    # A run that is done keeps its last state until all are.
    states = {name: checkpoint_file(output, name) for name in names}
    found, failed = [], []
    with staged(output) as work:
        for name, path in zip(names, paths, strict=True):
            click.echo(f"{name}: {path}", err=True)
            folder = work / name
            folder.mkdir()
            try:
                results = _one(
                    [path], options, settings, workers, dask, folder, pages, checkpoint,
                    states[name], at_end=True,
                )  # fmt: skip
            except TrajectoryError as error:
                shutil.rmtree(folder)
                failed.append(f"{name}: {error}")
                continue
            found.append((name, results))
        if not found:
            raise TrajectoryError(failed[0])
        points = series(found)
        write_series(points, work)
        if pages.report:
            from pykoh.report.series import write_series_report

            addresses = [(n, f"{n}/report.html") for n, _ in found]
            write_series_report(points, work, addresses, pages.png)
    for state in states.values():
        forget(state)
    click.echo(series_table(points))
    click.echo(f"\nResults: {output / 'series.json'}")
    if pages.report:
        click.echo(f"Report:  {output / 'report.html'}")
    if failed:
        raise TrajectoryError(
            f"{len(failed)} of {len(paths)} runs were left out; first {failed[0]}"
        )
