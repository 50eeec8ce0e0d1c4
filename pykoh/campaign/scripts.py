"""Job scripts: five stages. Each is a job array, except the report."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.worker import AGAIN
from pykoh.engines.spinning import OWN_CORES_SPIN_COUNT


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """One job script.

    Attributes:
        stage: build, equilibrate, produce, analyze or report.
        path: file of the script.
        text: content of the script.
        after: the stage before it; each task waits for its own predecessor. Empty: none.
    """

    stage: str
    path: Path
    text: str
    after: str


# stage, the one before it, whether it simulates
_CHAIN = (
    ("build", "", False),
    ("equilibrate", "build", True),
    ("produce", "equilibrate", True),
    ("analyze", "produce", False),
    ("report", "analyze", False),
)


def jobs_of(campaign_folder: CampaignFolder) -> list[SlurmJob]:
    """Return the jobs of a campaign in the order in which they are submitted."""
    return [
        SlurmJob(
            stage,
            campaign_folder.path / "jobs" / f"{stage}.sh",
            _script(campaign_folder, stage, heavy),
            after,
        )
        for stage, after, heavy in _CHAIN
    ]


def _header(campaign_folder: CampaignFolder, stage: str, simulates: bool) -> list[str]:
    site = campaign_folder.site
    # Runs that share a job have their cores side by side. Ranks have to be tasks of their own.
    together = 1 if stage == "report" else min(site.runs_per_job, len(campaign_folder.runs))
    tasks = site.tasks if simulates else 1
    lines = [
        f"--job-name={campaign_folder.campaign.name}-{stage}",
        f"--time={site.time if simulates else site.short_time}",
        f"--ntasks={tasks * together if tasks > 1 else 1}",
        f"--cpus-per-task={site.cpus if tasks > 1 else site.cpus * together}",
        # %A and %a are the job and the task; a requeued job appends to the same file.
        "--output=" + ("jobs/report-%j.out" if stage == "report" else f"jobs/{stage}-%A_%a.out"),
        "--open-mode=append",
        "--requeue",
        f"--signal=B:USR1@{site.warning_s}",
    ]
    if stage != "report":
        lines.append(f"--array=0-{campaign_folder.n_tasks - 1}")
    if simulates and site.gpus:
        lines.append(f"--gpus={site.gpus}")
    for option, value in (
        ("account", site.account),
        ("partition", site.partition),
        ("qos", site.qos),
        ("mem", site.memory),
    ):
        if value:
            lines.append(f"--{option}={value}")
    return [f"#SBATCH {line}" for line in (*lines, *site.extra)]


def _script(campaign_folder: CampaignFolder, stage: str, simulates: bool) -> str:
    site, campaign = campaign_folder.site, campaign_folder.campaign
    setup = [f"module load {shlex.quote(module)}" for module in site.modules]
    if site.setup:
        setup.append(site.setup)
    worker = f"{shlex.quote(sys.executable)} -m pykoh.campaign.worker . {stage}"
    return "\n".join(
        [
            "#!/bin/bash",
            f"# {campaign.name}: {stage}. Written by pykoh submit; submit again to change it.",
            *_header(campaign_folder, stage, simulates),
            f"cd {shlex.quote(str(campaign_folder.path.resolve()))} || exit 1",
            *setup,
            "# Not before: scripts of modules and environments use variables that are not set.",
            "set -uo pipefail",
            f"export OMP_NUM_THREADS={site.cpus} GOMP_SPINCOUNT={OWN_CORES_SPIN_COUNT}",
            "# Near the time limit or on preemption the worker gets a signal. It stops LAMMPS and",
            f"# ends with {AGAIN}: the same job continues later from the newest restart file.",
            "# A signal may also come before the worker has started.",
            "worker= told=0 warned=0 status=128",
            'tell() { told=1; [ -z "$worker" ] || kill -USR1 "$worker"; }',
            "trap 'warned=1; tell' USR1",
            "trap tell TERM",
            f'{worker} "${{SLURM_ARRAY_TASK_ID:-0}}" &',
            "worker=$!",
            '[ "$told" = 0 ] || kill -USR1 "$worker"',
            "# `wait` ends early when a signal arrives.",
            'while [ "$status" -ge 128 ] && kill -0 "$worker" 2>&-; do',
            '  wait "$worker"; status=$?',
            "done",
            f"kills=jobs/{stage}-${{SLURM_ARRAY_TASK_ID:-0}}.kills",
            "# Counts how often the worker was killed (memory, a failing node).",
            'if [ "$status" -gt 128 ]; then',
            '  echo kill >> "$kills"',
            f'  [ "$(wc -l < "$kills")" -lt {campaign.attempts} ] && status={AGAIN}',
            "else",
            '  rm -f "$kills"',
            "fi",
            "# scancel sends SIGTERM, as preemption does. A cancelled job stays cancelled.",
            f'if [ "$status" = {AGAIN} ] && [ "$warned" = 0 ]; then',
            '  case "$(scontrol -o show job "$SLURM_JOB_ID" 2>&-)" in',
            "    *PreemptTime=[0-9]*) ;;",
            '    *JobState=C*) echo "$(date -Is) cancelled; pykoh submit continues it"; exit 1 ;;',
            "  esac",
            "fi",
            f'if [ "$status" = {AGAIN} ]; then',
            '  echo "$(date -Is) continues in the next job"',
            "  job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}",
            '  scontrol requeue "${job:-$SLURM_JOB_ID}"',
            "fi",
            'exit "$status"',
            "",
        ]
    )
