"""The report of a whole campaign: one series over concentrations for each temperature."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from pykoh.campaign.engine import PYKOH, type_elements
from pykoh.campaign.folder import CampaignFolder
from pykoh.files import exclusive
from pykoh.processes import last_line


def write_series(campaign_folder: CampaignFolder, elsewhere: Collection[str] = ()) -> int:
    """Combine the finished runs of each temperature; return 0 if no run is missing.

    Runs without results are named and left out of the report. Several processes may call this at
    the same time: they take turns, and each reads the campaign when its turn comes.

    Args:
        campaign_folder: the campaign.
        elsewhere: names of runs that another process works on: they are not missing.
    """
    with exclusive(campaign_folder.path / "jobs" / "series.lock"):
        # Another process may have added runs since this one has begun.
        current = CampaignFolder(campaign_folder.path)
        missing = 0
        for temperature in current.campaign.temperatures:
            finished = []
            for run in current.runs:
                if run.temperature != temperature:
                    continue
                folder = current.run_folder(run)
                if (folder / "results" / "results.json").exists():
                    finished.append(folder)
                else:
                    missing += run.name not in elsewhere
                    print(
                        f"{run.name}: has no results and is left out", file=sys.stderr, flush=True
                    )
            if finished and not _combine(current, temperature, finished):
                return 1
        return 1 if missing else 0


def _combine(campaign_folder: CampaignFolder, temperature: float, runs: list[Path]) -> bool:
    """Write the series of one temperature; return whether that worked."""
    target = campaign_folder.path / "series" / f"{temperature:g}K"
    target.parent.mkdir(exist_ok=True)
    log = campaign_folder.path / "jobs" / f"series-{temperature:g}K.log"
    command = [*PYKOH, "analyze", "--series", "-o", str(target.resolve()), "--force"]
    inputs = [
        # An earlier pykoh may have analysed a run.
        folder / ("results" if _readable(folder / "results" / "results.json") else "koh.dump")
        for folder in runs
    ]
    if any(path.name == "koh.dump" for path in inputs):
        command += ["--temperature", f"{temperature:g}"]
        command += ["--types", type_elements(campaign_folder.campaign)]
    command += [str(path.relative_to(campaign_folder.path)) for path in inputs]
    with log.open("wb") as stream:
        done = subprocess.run(
            command,
            cwd=campaign_folder.path,
            stdout=stream,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        print(f"series at {temperature:g} K: {last_line(log)} (see {log})", file=sys.stderr)
        return False
    print(f"series at {temperature:g} K: {target / 'report.html'}", flush=True)
    return True


def _readable(results: Path) -> bool:
    """Return whether results have what a series needs; those of an earlier pykoh have not."""
    try:
        return "series" in json.loads(results.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
