"""The results of finished runs: what is kept of them, and what the docs show of it.

    python results.py full only_6.3 only_1.7 --docs ../../../docs
    python results.py warm water --into full --docs ../../../docs
    python results.py small large --docs ../../../docs

Of each campaign this copies results.json of each finished run into the folder of its name here, or
into that of `--into`, and combines all results that are kept there into series.json and series.csv.
So the runs of one potential may come from several campaigns and machines. Their replicas need
different numbers: a run of the same name takes the place of the other.

`--docs` uses all results that are kept here: it draws docs/hydroxide_bonds.svg, hydrogen bonds
between hydroxide ions over concentration with one line for each potential, and writes the tables of
docs/results.md. A table stands between `<!-- SUBJECT: FOLDER, FOLDER -->` and `<!-- end -->`; with
one folder it has a column for each solution, with more a column for each potential. FOLDER@298K
has the solutions of one temperature only, FOLDER@6.3M those of one molarity, FOLDER@298K@6.3M both.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from pathlib import Path

from pykoh import analyze_series
from pykoh.analysis.activation import activations
from pykoh.analysis.results.names import RESULTS_JSON, SERIES_CSV, SERIES_JSON
from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_files import read_series
from pykoh.errors import PykohError
from pykoh.files import write_text
from pykoh.report.comparison import compared
from pykoh.report.series import activation_rows, rows
from pykoh.report.series_plots import comparison

HERE = Path(__file__).parent
NAMES = {
    "full": "280 labels at all concentrations",
    "version_3": "316 labels, longer training (version 3)",
    "only_6.3": "56 labels at 6.3 mol/L",
    "only_1.7": "56 labels at 1.7 mol/L",
    "foundation": "no label (the foundation)",
    "water": "280 labels at all concentrations, pure water",
    "small": "51 atoms",
    "large": "351 atoms",
}
PLOTTED = ("full", "only_6.3", "only_1.7", "foundation")
KEY = "OH_OH_bonded_fraction"
TABLE = re.compile(r"(<!-- (\w+): ([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def keep(campaign: Path, target: Path) -> None:
    """Copy the results of the finished runs of a campaign, and combine them with those kept."""
    target.mkdir(exist_ok=True)
    finished = sorted((campaign / "runs").glob(f"*/results/{RESULTS_JSON}"))
    if not finished:
        raise SystemExit(f"{campaign}: has no finished run")
    for results in finished:
        shutil.copy(results, target / f"{results.parents[1].name}.json")
    combine(target)


def combine(folder: Path) -> None:
    """Write series.json and series.csv of the results that are kept in a folder."""
    kept_runs = sorted(file for file in folder.glob("*.json") if file.name != SERIES_JSON)
    with tempfile.TemporaryDirectory() as work:
        analyze_series(kept_runs, Path(work) / "series", report=False)
        for name in (SERIES_JSON, SERIES_CSV):
            shutil.copy(Path(work) / "series" / name, folder / name)


def kept() -> dict[str, list[SeriesPoint]]:
    """Return the series that are kept here, by the name of their folder."""
    return {name: read_series(HERE / name) for name in NAMES if (HERE / name).is_dir()}


def chosen(series: dict[str, list[SeriesPoint]], words: str) -> dict[str, list[SeriesPoint]]:
    """Return the series that a table names, by their names in the docs."""
    found = {}
    for word in words.split(", "):
        folder, *places = word.split("@")
        points = series[folder]
        for place in places:
            points = at(points, place)
        found[NAMES[folder]] = points
    return found


def at(points: list[SeriesPoint], place: str) -> list[SeriesPoint]:
    """Return the points of one temperature (298K) or of one molarity (6.3M)."""
    wanted = float(place[:-1])
    if place.endswith("K"):
        return [p for p in points if p.temperature_K and abs(p.temperature_K - wanted) < 5.0]
    return [p for p in points if abs(p.molarity_mol_per_L - wanted) < 0.3]


def with_tables(text: str, series: dict[str, list[SeriesPoint]]) -> str:
    """Return a page whose tables are those of the series."""

    def table(match: re.Match[str]) -> str:
        named = chosen(series, match[3])
        if match[2] == "activation":
            (points,) = named.values()
            header, *lines = activation_rows(activations(points))
        elif len(named) == 1:
            (points,) = named.values()
            header, *lines = rows(match[2], points)
        else:
            header, *lines = compared(match[2], named)
        texts = (header, ["---"] * len(header), *lines)
        shown = [f"| {' | '.join(line)} |" for line in texts]
        # Python-Markdown takes what follows a comment at once for HTML.
        return "\n".join((match[1], *shown, "", match[4]))

    return TABLE.sub(table, text)


def main() -> None:
    """Keep the results of the campaigns that are named, and bring the docs up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("campaigns", nargs="*", type=Path)
    parser.add_argument("--docs", type=Path, help="folder of the docs")
    parser.add_argument("--into", choices=NAMES, help="folder here; by default its own name")
    given = parser.parse_args()
    unknown = [path for path in given.campaigns if not given.into and path.name not in NAMES]
    if unknown:
        raise SystemExit(f"{unknown[0]}: is none of {', '.join(NAMES)}; name one with --into")
    try:
        for campaign in given.campaigns:
            keep(campaign, HERE / (given.into or campaign.name))
        if given.docs is None:
            return
        series = kept()
        plot = comparison({NAMES[name]: at(series[name], "298K") for name in PLOTTED}, KEY)
    except PykohError as error:
        raise SystemExit(f"Error: {error}") from None
    page = given.docs / "results.md"
    write_text(given.docs / "hydroxide_bonds.svg", plot.svg)
    write_text(page, with_tables(page.read_text(encoding="utf-8"), series))


if __name__ == "__main__":
    main()
