"""A campaign on this machine, without a queue: the same workers, one stage after another."""

from __future__ import annotations

from collections.abc import Callable

from pykoh.campaign.engine import STAGES, next_stage
from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.report import write_series
from pykoh.campaign.spec import CampaignRun
from pykoh.campaign.worker import AGAIN, BUSY, DONE, FAILED, Worker


class _LocalRuns:
    """The runs of a campaign, as this process has worked on them."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        # The length for which each run was tried; with a larger one it is tried again.
        self.tried: dict[str, float] = {}
        self.failed: set[str] = set()
        self.elsewhere: set[str] = set()

    def untried(self, campaign_folder: CampaignFolder) -> list[CampaignRun]:
        """Return the runs that were added, or became longer, since they were tried."""
        ps = campaign_folder.campaign.ps
        return [run for run in campaign_folder.runs if self.tried.get(run.name, 0.0) < ps]

    def work(self, campaign_folder: CampaignFolder, runs: list[CampaignRun]) -> None:
        """Do all stages of some runs at the same time."""
        names = {run.name for run in runs}
        self.tried |= dict.fromkeys(names, campaign_folder.campaign.ps)
        self.failed -= names
        self.elsewhere -= names
        for stage in STAGES:
            self._report(f"{', '.join(run.name for run in runs)}: {stage}")
            found = Worker(campaign_folder, stage).outcomes(runs)
            if AGAIN in found.values():
                raise KeyboardInterrupt
            self.failed |= {name for name, outcome in found.items() if outcome == FAILED}
            self.elsewhere |= {name for name, outcome in found.items() if outcome == BUSY}
            runs = [run for run in runs if found[run.name] == DONE]
            if not runs:
                return


def run_here(campaign_folder: CampaignFolder, report: Callable[[str], None]) -> int:
    """Run all stages of all runs; return :data:`FAILED` if a run failed, else :data:`DONE`.

    A run that fails does not stop the others. A run that another process works on is left to it:
    several calls share the runs of a campaign. After each run and after the report the campaign is
    read again, because another call may have asked for more runs or more ps.

    Raises:
        KeyboardInterrupt: after Ctrl-C; the same call continues the campaign.
    """
    here = _LocalRuns(report)
    with campaign_folder.in_use():
        current, outcome = _work_on_all(campaign_folder, here)
    left = [
        run.name
        for run in current.runs
        if run.name in here.elsewhere
        and next_stage(current.campaign, current.run_folder(run)) != "done"
    ]
    if left:
        report(
            f"{len(left)} {'run is' if len(left) == 1 else 'runs are'} left to another process; "
            "the same command, when it has ended, finishes what is missing"
        )
    # A run that failed may have been left out of the campaign since.
    failed = here.failed.intersection(run.name for run in current.runs)
    return FAILED if failed else outcome


def _work_on_all(campaign_folder: CampaignFolder, here: _LocalRuns) -> tuple[CampaignFolder, int]:
    """Work until no run is untried; return the campaign as it is then, and that of the report."""
    size = campaign_folder.site.runs_per_job
    current, outcome = campaign_folder, DONE
    while here.untried(current):
        while runs := here.untried(current)[:size]:
            here.work(current, runs)
            current = CampaignFolder(campaign_folder.path)
            # The other call may be for another machine: this one keeps its own way to run jobs.
            current.site = campaign_folder.site
        outcome = write_series(current, here.elsewhere)
        # The report takes minutes.
        current = CampaignFolder(campaign_folder.path)
        current.site = campaign_folder.site
    return current, outcome
