"""The state of a campaign, from the files of its workers and the queue of Slurm."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.campaign import slurm
from pykoh.campaign.checkpoints import restart_step
from pykoh.campaign.engine import next_stage
from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.spec import CampaignRun
from pykoh.campaign.watching import FLAGGED, count_frames


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of one run.

    Attributes:
        run: the run.
        stage: its present stage; ``done`` when there are results.
        state: state of the job of this stage in Slurm, else the last state from the worker.
        ps_done: production so far.
        ps: production in total.
        ns_per_day: speed of the last job, or None.
        hours_left: of production at this speed, or None.
        problem: reason of the last failure, or None.
        disagreement_eV_per_A: of the committee on the last frame that was checked, or None.
        flagged: number of frames kept for labelling.
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
        stage = next_stage(campaign, folder)
        task = run.index // campaign_folder.site.runs_per_job
        said = str(wrote.get("state", "not begun")) if wrote.get("stage") == stage else "not begun"
        if stage == "produce" and step and said in ("not begun", "done"):
            said = "waiting"  # done with an earlier, smaller `ps`
        problem = wrote.get("problem") if said == "failed" else None
        state = queue.get(stage, {}).get(task, said)
        if state == "running" and stage not in queue and slurm.job_ids(campaign_folder):
            # The worker was killed before it could write its state.
            state, problem = "lost", "its job has ended; pykoh submit continues the run"
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
