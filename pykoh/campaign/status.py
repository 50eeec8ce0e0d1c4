"""The state of a campaign, from the files of its workers and the queue of Slurm."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.campaign import slurm
from pykoh.campaign.engine import next_stage
from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.spec import CampaignRun
from pykoh.campaign.watching import FLAGGED, count_frames
from pykoh.engines.restart_file import restart_step


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The state of one run.

    Attributes:
        run: the run.
        stage: its present stage; ``done`` when there are results.
        state: state of the job of this stage in Slurm, else the last state from the worker;
            ``lost`` or ``stopped`` if nothing works on the run any more.
        ps_done: production so far.
        ps: production in total.
        ns_per_day: speed of the last job, or None.
        hours_left: of production at this speed, or None.
        problem: reason of the last failure or why nothing works on the run, or None.
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


# States of runs on which nothing works any more, and the reason.
_ENDED = {
    "lost": "its process was killed before it could write its state",
    "stopped": "it was stopped, or its job was cancelled",
}


def _without_job(campaign_folder: CampaignFolder, run: CampaignRun, said: str) -> str:
    """Return the state of a run that has no job in the queue of Slurm.

    Args:
        campaign_folder: the campaign.
        run: the run.
        said: the last state that its worker wrote.
    """
    if campaign_folder.in_work(run):
        return "running"
    if said not in ("running", "waiting"):
        return said
    if slurm.job_ids(campaign_folder) and not slurm.has_queue():
        return f"{said} (no squeue here: its job is not known)"
    if said == "running":
        return "lost"
    return said if campaign_folder.is_in_use() else "stopped"


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
        problem = wrote.get("problem") if said == "failed" else None
        state = queue.get(stage, {}).get(task)
        if state is None:
            state = _without_job(campaign_folder, run, said)
            if state in _ENDED:
                problem = f"{_ENDED[state]}; pykoh submit continues the run"
            elif stage == "produce" and step and state in ("not begun", "done"):
                state = "waiting"  # done with an earlier, smaller `ps`
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
