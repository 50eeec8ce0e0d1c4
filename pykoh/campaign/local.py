"""A campaign on this machine, without a queue: the same workers, one stage after another."""

from __future__ import annotations

from collections.abc import Callable

from pykoh.campaign.engine import STAGES
from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.report import write_series
from pykoh.campaign.worker import AGAIN, BUSY, DONE, Worker


def run_here(campaign_folder: CampaignFolder, report: Callable[[str], None]) -> int:
    """Run all stages of all runs; return the worst outcome of :mod:`pykoh.campaign.worker`.

    A run that fails does not stop the others. A run that another process works on is left to it:
    several calls share the runs of a campaign. Raises KeyboardInterrupt after Ctrl-C; the same call
    continues the campaign.
    """
    worst = DONE
    elsewhere: list[str] = []
    for task in range(campaign_folder.n_tasks):
        runs = campaign_folder.runs_of_task(task)
        for stage in STAGES:
            report(f"{', '.join(run.name for run in runs)}: {stage}")
            outcome = Worker(campaign_folder, stage).work(runs)
            if outcome == AGAIN:
                raise KeyboardInterrupt
            if outcome == BUSY:
                elsewhere += [run.name for run in runs]
                break
            if outcome != DONE:
                worst = max(worst, outcome)
                break
    return max(worst, write_series(campaign_folder, elsewhere))
