"""The results of finished campaigns: what is kept of them, and what the docs show of it.

    python results.py full only_6.3 only_1.7 --docs ../../../docs

Of each campaign this copies series.json and series.csv into the folder of the same name here, and
results.json of each run. Runs that are not finished are not in the series of a campaign. `--docs`
uses all results that are kept here: it draws docs/hydroxide_bonds.svg, hydrogen bonds between
hydroxide ions over concentration with one line for each potential, and writes the tables of
docs/results.md. A table stands between `<!-- SUBJECT: FOLDER, FOLDER -->` and `<!-- end -->`; with
one folder it has a column for each solution, with more a column for each potential.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_files import SERIES_CSV, SERIES_JSON, find_series, read_series
from pykoh.errors import PykohError
from pykoh.files import write_text
from pykoh.report.comparison import compared
from pykoh.report.series import rows
from pykoh.report.series_plots import comparison

HERE = Path(__file__).parent
NAMES = {
    "full": "280 labels at all concentrations",
    "only_6.3": "56 labels at 6.3 mol/L",
    "only_1.7": "56 labels at 1.7 mol/L",
    "foundation": "no label (the foundation)",
}
KEY = "OH_OH_bonded_fraction"
TABLE = re.compile(r"(<!-- (\w+): ([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def keep(campaign: Path) -> None:
    """Copy the results of a campaign of one temperature."""
    found = find_series(campaign).parent
    target = HERE / campaign.name
    target.mkdir(exist_ok=True)
    for name in (SERIES_JSON, SERIES_CSV):
        shutil.copy(found / name, target / name)
    for results in sorted((campaign / "runs").glob("*/results/results.json")):
        shutil.copy(results, target / f"{results.parents[1].name}.json")


def kept() -> dict[str, list[SeriesPoint]]:
    """Return the series that are kept here, by the name of their folder."""
    return {name: read_series(HERE / name) for name in NAMES if (HERE / name).is_dir()}


def with_tables(text: str, series: dict[str, list[SeriesPoint]]) -> str:
    """Return a page whose tables are those of the series."""

    def table(match: re.Match[str]) -> str:
        folders = match[3].split(", ")
        if len(folders) == 1:
            header, *lines = rows(match[2], series[folders[0]])
        else:
            header, *lines = compared(match[2], {NAMES[name]: series[name] for name in folders})
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
    given = parser.parse_args()
    unknown = [path for path in given.campaigns if path.name not in NAMES]
    if unknown:
        raise SystemExit(f"{unknown[0]}: is none of {', '.join(NAMES)}")
    try:
        for campaign in given.campaigns:
            keep(campaign)
        if given.docs is None:
            return
        series = kept()
        plot = comparison({NAMES[name]: points for name, points in series.items()}, KEY)
    except PykohError as error:
        raise SystemExit(f"Error: {error}") from None
    page = given.docs / "results.md"
    write_text(given.docs / "hydroxide_bonds.svg", plot.svg)
    write_text(page, with_tables(page.read_text(encoding="utf-8"), series))


if __name__ == "__main__":
    main()
