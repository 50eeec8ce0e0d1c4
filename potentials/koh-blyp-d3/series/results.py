"""The results of finished campaigns: what is kept of them, and the figure of the README.

    python results.py series only_6.3 --docs ../../../docs

Of each campaign this copies series.json and series.csv into the folder of the same name here, and
results.json of each run. With `--docs` it draws docs/hydroxide_bonds.svg: hydrogen bonds between
hydroxide ions over concentration, one line for each campaign. Runs that are not finished are not in
the series of a campaign.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from pykoh.analysis.series_files import SERIES_CSV, SERIES_JSON, read_series
from pykoh.errors import PykohError
from pykoh.report.series_plots import comparison

HERE = Path(__file__).parent
NAMES = {
    "series": "labels at all four concentrations",
    "only_6.3": "56 labels at 6.3 mol/L",
    "only_1.7": "56 labels at 1.7 mol/L",
}
KEY = "OH_OH_bonded_fraction"


def keep(campaign: Path) -> Path:
    """Copy the results of a campaign at its first temperature; return where they are."""
    found = next(iter(sorted((campaign / "series").glob("*K"))), None)
    if found is None:
        raise SystemExit(
            f"{campaign}: has no series; pykoh submit writes it when runs are finished"
        )
    target = HERE / campaign.name
    target.mkdir(exist_ok=True)
    for name in (SERIES_JSON, SERIES_CSV):
        shutil.copy(found / name, target / name)
    for results in sorted((campaign / "runs").glob("*/results/results.json")):
        shutil.copy(results, target / f"{results.parents[1].name}.json")
    return target


def main() -> None:
    """Keep the results of the campaigns that are named, and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("campaigns", nargs="+", type=Path)
    parser.add_argument("--docs", type=Path, help="folder for the figure")
    given = parser.parse_args()
    try:
        named = {
            NAMES.get(path.name, path.name): read_series(keep(path)) for path in given.campaigns
        }
        plot = comparison(named, KEY)
    except PykohError as error:
        raise SystemExit(f"Error: {error}") from None
    if given.docs is not None:
        (given.docs / "hydroxide_bonds.svg").write_text(plot.svg, encoding="utf-8")


if __name__ == "__main__":
    main()
