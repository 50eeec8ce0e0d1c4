"""Commands of Slurm: sbatch, squeue, scancel."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from pykoh.campaign.folder import LOCK, CampaignFolder
from pykoh.campaign.scripts import SlurmJob, jobs_of
from pykoh.errors import CampaignError
from pykoh.files import exclusive, write_text


def require_slurm(command: str = "sbatch") -> None:
    """Raise CampaignError if a command of Slurm is not on the PATH."""
    if shutil.which(command) is None:
        raise CampaignError(
            f"{command} is not on the PATH: this is not a login node of Slurm; --dry-run "
            "only shows the scripts, --local runs the campaign on this machine"
        )


def _call(*command: str, folder: Path) -> str:
    require_slurm(command[0])
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode != 0:
        problem = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise CampaignError(f"{' '.join(command[:1])}: {problem}")
    return done.stdout


def write_scripts(campaign_folder: CampaignFolder) -> list[SlurmJob]:
    """Write the job scripts and return the jobs."""
    jobs = jobs_of(campaign_folder)
    for job in jobs:
        write_text(job.path, job.text)
    return jobs


def has_queue() -> bool:
    """Return whether this machine can ask for Slurm's queue."""
    return shutil.which("squeue") is not None


def job_ids(campaign_folder: CampaignFolder) -> dict[str, str]:
    """Return the number of the last Slurm job of each stage."""
    path = campaign_folder.path / "jobs" / "submitted.json"
    try:
        return {str(k): str(v) for k, v in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def states(campaign_folder: CampaignFolder) -> dict[str, dict[int, str]]:
    """Return the states of the tasks in Slurm's queue, by stage and task."""
    found: dict[str, dict[int, str]] = {}
    ids = job_ids(campaign_folder)
    if not ids or not has_queue():
        return found
    stage_of = {job: stage for stage, job in ids.items()}
    rows = _call("squeue", "--noheader", "--array", "--all", "--format=%F|%K|%T|%r", "--me",
                 folder=campaign_folder.path)  # fmt: skip
    for row in rows.splitlines():
        job, task, state, reason = row.strip().split("|", 3)
        if job not in stage_of:
            continue
        number = int(task) if task.isdigit() else 0
        extra = f" ({reason})" if state == "PENDING" and reason not in ("None", "") else ""
        found.setdefault(stage_of[job], {})[number] = state.lower() + extra
    return found


def refuse_queued(campaign_folder: CampaignFolder) -> None:
    """Raise CampaignError if jobs of this campaign are still in the queue."""
    active = states(campaign_folder)
    if active:
        raise CampaignError(
            f"{campaign_folder.path}: its jobs are still in the queue ({', '.join(active)}); see "
            "pykoh status, or scancel them first"
        )


def submit(campaign_folder: CampaignFolder) -> dict[str, str]:
    """Submit all stages, each after the one before; return their jobs.

    Raises:
        CampaignError: jobs of this campaign are still in the queue, or Slurm refuses one. Jobs
            that were submitted before are then cancelled.
    """
    # Of two calls at the same time the second finds the jobs of the first.
    with exclusive(campaign_folder.path / LOCK):
        refuse_queued(campaign_folder)
        return _submit_chain(campaign_folder)


def _submit_chain(campaign_folder: CampaignFolder) -> dict[str, str]:
    ids: dict[str, str] = {}
    try:
        for job in write_scripts(campaign_folder):
            # After a failed task the later ones of its run leave the queue; the report, which waits
            # for them, covers the other runs.
            command = ["sbatch", "--parsable", "--kill-on-invalid-dep=yes"]
            if job.after:
                # Each task waits for its own predecessor, the report for all analyses.
                kind = "afterany" if job.stage == "report" else "aftercorr"
                command.append(f"--dependency={kind}:{ids[job.after]}")
            out = _call(*command, str(job.path.resolve()), folder=campaign_folder.path)
            ids[job.stage] = out.strip().split(";")[0]
    except CampaignError:
        if ids:
            subprocess.run(["scancel", *ids.values()], check=False)
        raise
    write_text(campaign_folder.path / "jobs" / "submitted.json", json.dumps(ids, indent=1) + "\n")
    return ids
