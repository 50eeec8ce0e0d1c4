"""``pykoh analyze``: from trajectories to results, CSVs and a report with plots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pykoh.cli.interrupt import interruptible, left_by_analysis
from pykoh.cli.progress import AnalysisProgress
from pykoh.errors import TrajectoryError
from pykoh.study import Study, analyze
from pykoh.study_series import analyze_series


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
        raise click.BadParameter(f"'{value}' is not 0 <= START < END", context, parameter)
    return start, end


class _Finite(click.FloatRange):
    """A range of numbers without NaN and infinity."""

    def _describe_range(self) -> str:
        """Return what the help says of the range: nothing, where all numbers are in it."""
        return "" if self.min is None and self.max is None else super()._describe_range()

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
    help="Elements of the atoms, for DCD, XTC, TRR, NetCDF: LAMMPS data or any structure.",
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
    help="Elements of LAMMPS types 1, 2, 3: H, O and one of Li Na K Rb Cs.",
)
@click.option("--start", type=_NUMBER, metavar="PS", help="First time to use.")
@click.option("--stop", type=_NUMBER, metavar="PS", help="Last time to use.")
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Use every n-th frame.",
)
@click.option(
    "--temperature", type=_POSITIVE, metavar="K", help="Default: from the velocities in the dump."
)
@click.option(
    "--viscosity", type=_POSITIVE, metavar="MPAS", help="mPa·s, for D at infinite box size."
)
@click.option(
    "--fit", callback=_window, metavar="START,END", help="Lags of the diffusion fits, ps."
)
@click.option(
    "--rattle-window",
    type=_Finite(min=0),
    default=0.2,
    show_default=True,
    metavar="PS",
    help="A proton transfer that leads back within this time is a rattle.",
)
@click.option(
    "--hbond",
    type=_Hbond(["luzar-chandler", "luzar-chandler-1993", "wernet"]),
    default="luzar-chandler",
    show_default=True,
    help="Criterion of a hydrogen bond; the report defines it and gives its source.",
)
@click.option(
    "--hbond-distance", type=_POSITIVE, metavar="Å", help="Another limit of its O-O distance."
)
@click.option(
    "--hbond-angle",
    type=_Finite(min=0, min_open=True, max=90),
    metavar="DEG",
    help="Another limit of its angle H-D-A.",
)
@click.option(
    "--contact",
    type=_POSITIVE,
    metavar="Å",
    help="Contact distance of the cation and O of OH-; default: by cation, 3.6 for K.",
)
@click.option(
    "--pressure",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="NAME.pressure.txt of the run, for the viscosity; repeat it for each part.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads; default: all cores. The numbers do not depend on it.",
)
@click.option("--dask", metavar="ADDRESS", help="Address of the scheduler of a dask cluster.")
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
    help="Minutes between saved states, for continuing after a kill; 0: none.",
)
@click.option("--no-report", is_flag=True, help="Write results.json and CSVs only.")
@click.option("--png", is_flag=True, help="Also write plots/*.png, 200 dpi.")
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
    """Compute diffusion, proton hops, hydrogen bonds, structure and conductivity of a run.

    TRAJ is a LAMMPS text dump (plain, .gz, .zst, .xz or .bz2; - is standard input) with the
    columns id, type or element, and xu yu zu (or x y z, better with ix iy iz); or a LAMMPS binary
    dump (.bin), DCD, XTC, TRR, NetCDF (with --topology) or extended XYZ. Several files are
    consecutive parts of one run. With --series each file is a run of its own, and runs of the same
    solution are combined; a folder of results, or its results.json, stands for a run that was
    analysed before. NAME.pressure.txt beside NAME.dump gives the viscosity.

    After an interruption the same command continues a long analysis. Its state is kept in
    OUTPUT.checkpoint.npz, which is removed at the end. Standard input cannot be read twice.
    """
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
    choices = Study(
        settings,
        options,
        workers=workers,
        dask=dask,
        report=not no_report,
        png=png,
        checkpoint_min=checkpoint,
    )
    if series:
        if pressure:
            raise click.UsageError(
                "--pressure names the records of one run; it cannot be used with --series"
            )
        _series(trajectories, output, force, choices)
        return
    with interruptible(lambda: left_by_analysis(output)), AnalysisProgress() as progress:
        results = analyze(trajectories, output, force=force, **progress.with_progress(choices))
    from pykoh.analysis.results.summary import summary

    click.echo(summary(results))
    click.echo(f"\nResults: {output / 'results.json'}")
    if not no_report:
        click.echo(f"Report:  {output / 'report.html'}")


def _series(paths: Sequence[str], output: Path, force: bool, choices: Study) -> None:
    """Analyse each trajectory by itself, then all together."""
    from pykoh.analysis.series_files import series_table
    from pykoh.report.series_doubts import doubts_in_words

    with interruptible(lambda: left_by_analysis(output)), AnalysisProgress() as progress:
        found = analyze_series(paths, output, force=force, **progress.with_progress(choices))
    click.echo(series_table(found.points))
    for line in doubts_in_words(found.points):
        click.echo(line)
    click.echo(f"\nResults: {output / 'series.json'}")
    if choices.report:
        click.echo(f"Report:  {output / 'report.html'}")
    if found.failed:
        raise TrajectoryError(
            f"{len(found.failed)} of {len(paths)} runs "
            f"{'was' if len(found.failed) == 1 else 'were'} left out; first {found.failed[0]}"
        )
