"""``pykoh compare``: several series beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from pykoh.cli.interrupt import interruptible
from pykoh.errors import ResultsError


@click.command()
@click.argument(
    "paths", metavar="SERIES...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="Name of a series in plots and tables, once for each; else that of its folder.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("compare"),
    show_default=True,
    help="Folder of the results.",
)
@click.option("--png", is_flag=True, help="Also write the plots as PNG.")
@click.option("--force", is_flag=True, help="Replace earlier results.")
def command(
    paths: tuple[Path, ...], names: tuple[str, ...], output: Path, png: bool, force: bool
) -> None:
    """Compare two to five SERIES: runs with other potentials, boxes or thermostats.

    \b
    pykoh compare koh1 koh2 --name "56 labels" --name "280 labels" -o compare

    A series is a campaign folder, a folder that `pykoh analyze --series` wrote, or its series.json.
    Writes report.html with plots over concentration and tables with differences, and compare.csv.
    """
    from pykoh.analysis.series_files import find_series, read_series
    from pykoh.files import refuse_overwrite
    from pykoh.report.comparison import check_names, write_comparison
    from pykoh.report.series_doubts import doubts_in_words

    if not 2 <= len(paths) <= 5:
        raise ResultsError(f"{len(paths)} series: name two to five of them")
    if names and len(names) != len(paths):
        raise ResultsError(
            f"{len(names)} --name for {len(paths)} series: give one for each, or none"
        )
    files = [find_series(path) for path in paths]
    titles = list(names) or [_name(path) for path in paths]
    check_names(titles)
    if output.exists() and not output.is_dir():
        raise ResultsError(f"{output}: is a file; name a folder with -o")
    if not output.parent.is_dir():
        raise ResultsError(f"{output}: its folder {output.parent} does not exist; create it first")
    refuse_overwrite([output / "report.html", output / "compare.csv"], force)
    named = {title: read_series(file) for title, file in zip(titles, files, strict=True)}
    with interruptible(
        lambda: f"plots of {output} may be missing; give the command again with --force"
    ):
        page = write_comparison(named, output, png)
    for line in doubts_in_words([point for points in named.values() for point in points]):
        click.echo(line)
    click.echo(f"written        {page}, {output / 'compare.csv'}")


def _name(path: Path) -> str:
    """Return the name of a series whose user gave none."""
    place = path.resolve()
    if place.suffix == ".json":
        place = place.parent
    # CAMPAIGN/series/298.15K
    is_campaign = (place.parents[1] / "campaign.json").exists()
    return place.parents[1].name if is_campaign else place.name
