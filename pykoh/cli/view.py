"""``pykoh view``: a short run as moving atoms in one HTML file."""

from __future__ import annotations

from pathlib import Path

import click

from pykoh.cli.analyze import _NUMBER, _POSITIVE
from pykoh.cli.interrupt import interruptible


@click.command(short_help="Show a short run as moving atoms, in one HTML file.")
@click.argument("trajectories", metavar="TRAJ...", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The HTML file."
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--start", type=_NUMBER, metavar="PS", help="First time to show.")
@click.option("--stop", type=_NUMBER, metavar="PS", help="Last time to show.")
@click.option(
    "--stride",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Show every n-th frame.",
)
@click.option(
    "--types",
    default="H,O,K",
    show_default=True,
    help="Elements of LAMMPS types 1, 2, 3: H, O and one of Li Na K Rb Cs.",
)
@click.option(
    "--topology",
    type=click.Path(),
    metavar="FILE",
    help="Elements of the atoms, for DCD, XTC, TRR, NetCDF: LAMMPS data or any structure.",
)
@click.option(
    "--interval",
    type=_POSITIVE,
    metavar="PS",
    help="Time between frames, for DCD and other files that do not hold it.",
)
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
def command(
    trajectories: tuple[str, ...],
    output: Path,
    force: bool,
    start: float | None,
    stop: float | None,
    stride: int,
    types: str,
    topology: str | None,
    interval: float | None,
    timestep: float | None,
    units: str,
) -> None:
    """Show a short run as moving atoms, in one HTML file that needs no network.

    \b
    pykoh view koh.dump -o view.html --start 10 --stop 12

    TRAJ is any trajectory that pykoh analyze reads. Each hydroxide has a colour of its own, which
    stays with it when a proton hops, and a line along its path. Atoms times frames must not exceed
    3 million (10 000 frames of 300 atoms).
    """
    from pykoh.report.view import view
    from pykoh.trajectory.run import ReadOptions
    from pykoh.trajectory.species import SpeciesMap

    options = ReadOptions(
        timestep, units, SpeciesMap.parse(types), stride, start, stop, topology, interval
    )
    with interruptible(lambda: f"{output} was not changed"):
        page = view(
            list(trajectories),
            output,
            options=options,
            force=force,
            say=lambda note: click.echo(f"Warning: {note}", err=True),
        )
    click.echo(f"View: {page} ({page.stat().st_size / 1e6:.1f} MB)")
