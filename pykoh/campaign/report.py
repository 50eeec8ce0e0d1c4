"""The report of a whole campaign: one series over concentrations for each temperature."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection

from pykoh.campaign.engine import PYKOH, type_elements
from pykoh.campaign.folder import CampaignFolder
from pykoh.processes import last_line


def write_series(campaign_folder: CampaignFolder, elsewhere: Collection[str] = ()) -> int:
    """Analyse the finished runs of each temperature together; return 0 if no run is missing.

    Runs without results are named and left out of the report.

    Args:
        campaign_folder: its runs.
        elsewhere: names of runs that another process works on: they are not missing.
    """
    missing = 0
    for temperature in campaign_folder.campaign.temperatures:
        dumps = []
        for run in campaign_folder.runs:
            if run.temperature != temperature:
                continue
            folder = campaign_folder.run_folder(run)
            if (folder / "results" / "results.json").exists():
                dumps.append(str((folder / "koh.dump").relative_to(campaign_folder.path)))
            else:
                missing += run.name not in elsewhere
                print(f"{run.name}: has no results and is left out", file=sys.stderr, flush=True)
        if not dumps:
            continue
        target = campaign_folder.path / "series" / f"{temperature:g}K"
        target.parent.mkdir(exist_ok=True)
        log = campaign_folder.path / "jobs" / f"series-{temperature:g}K.log"
        command = [*PYKOH, "analyze", *dumps, "--series", "-o", str(target.resolve()), "--force"]
        command += [
            "--temperature",
            f"{temperature:g}",
            "--types",
            type_elements(campaign_folder.campaign),
        ]
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
            return 1
        print(f"series at {temperature:g} K: {target / 'report.html'}", flush=True)
    return 1 if missing else 0
