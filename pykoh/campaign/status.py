"""Where a campaign stands, from what its workers wrote and what Slurm says."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.campaign import slurm
from pykoh.campaign.checkpoints import restart_step
from pykoh.campaign.engine import STAGES, finished
from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.spec import CampaignRun
from pykoh.campaign.watching import FLAGGED, count_frames


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One run.

    Attributes:
        run: which.
        stage: that it is in; ``done`` when there are results.
        state: what Slurm says of the job of this stage, else what the worker wrote last.
        ps_done: of production.
        ps: wanted.
        ns_per_day: of the last job, or None.
        hours_left: of production at this speed, or None.
        problem: why it failed last, or None.
        disagreement_eV_per_A: of the committee about the last frame looked at, or None.
        flagged: frames kept for labelling.
    """

    run: CampaignRun
    stage: str
    state: str
    ps_done: float
    ps: float
    ns_per_day: float | None
    hours_left: float | None
    problem: str | None
    disagreement_eV_per_A: float | None
    flagged: int


def status(campaign_folder: CampaignFolder) -> list[RunStatus]:
    """Return the status of every run."""
    queue = slurm.states(campaign_folder)
    campaign = campaign_folder.campaign
    result = []
    for run in campaign_folder.runs:
        folder, wrote = campaign_folder.run_folder(run), campaign_folder.run_status(run)
        step = restart_step(folder / "koh.restart") or 0
        stage = next((s for s in STAGES if not finished(campaign, folder, s, step)), "done")
        task = run.index // campaign_folder.site.runs_per_job
        said = str(wrote.get("state", "not begun")) if wrote.get("stage") == stage else "not begun"
        problem = wrote.get("problem") if said == "failed" else None
        state = queue.get(stage, {}).get(task, said)
        if state == "running" and stage not in queue and slurm.job_ids(campaign_folder):
            # The worker had no time to say that it ended.
            state, problem = "lost", "its job is gone; pykoh submit goes on with it"
        ps_done = step * campaign.timestep_fs * 1e-3
        speed = wrote.get("ns_per_day")
        left = None
        if speed and stage == "produce":
            left = 24e-3 * (campaign.ps - ps_done) / float(speed)
        result.append(
            RunStatus(
                run,
                stage,
                "done" if stage == "done" else state,
                min(ps_done, campaign.ps),
                campaign.ps,
                None if speed is None else float(speed),
                left,
                None if problem is None else str(problem),
                wrote.get("disagreement_eV_per_A"),
                count_frames(folder / FLAGGED),
            )
        )
    return result
