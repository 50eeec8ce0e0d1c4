"""The commands that a run consists of."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path

from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign, CampaignRun
from pykoh.engines.restart_file import restart_step
from pykoh.processes import split_command
from pykoh.resources import shipped

STAGES = ("build", "equilibrate", "produce", "analyze")
# Prefix of the files of the stages that run LAMMPS.
FILE_PREFIX = {"equilibrate": "equil", "produce": "koh"}
PYKOH = (sys.executable, "-m", "pykoh")


def _text(value: float) -> str:
    # Six digits, as of `:g`, would shorten a run of 1234.5675 ps: it would never end.
    return f"{value:.15g}"


def build_command(campaign: Campaign, run: CampaignRun) -> list[str]:
    """Return the command that packs the box of a run."""
    command = [*PYKOH, "build", "--molarity", _text(run.molarity), "--atoms", str(campaign.atoms)]
    command += ["--temperature", _text(run.temperature), "--cation", campaign.cation]
    command += ["--seed", str(run.seed), "-o", "koh.data", "--force"]
    if run.density_kg_per_m3 is not None:
        command += ["--density", _text(run.density_kg_per_m3)]
    return command


def wanted_step(campaign: Campaign) -> int:
    """Return the MD step at which production ends.

    Halfway between two steps it is the smaller one: LAMMPS may round to either.
    """
    return math.ceil(campaign.ps * 1000 / campaign.timestep_fs - 0.5 - 1e-6)


def variables(campaign: Campaign, run: CampaignRun, stage: str) -> dict[str, str]:
    """Return the variables of the LAMMPS input of a stage."""
    values = {
        "potential": "../../potential.pt",
        "timestep_fs": _text(campaign.timestep_fs),
        "restart_ps": _text(campaign.restart_ps),
        "cation": campaign.cation,
        "name": FILE_PREFIX[stage],
    }
    if stage == "equilibrate":
        values.update(
            data="koh.data",
            temperature=_text(run.temperature),
            ps=_text(campaign.equilibrate_ps),
            average_ps=_text(campaign.equilibrate_ps / 2),
            heat_ps=_text(min(2.0, campaign.equilibrate_ps)),
            seed=str(run.seed),
        )
    else:
        values.update(data="equil.data", ps=_text(campaign.ps), dump_fs=_text(campaign.dump_fs))
        if campaign.ensemble == "nvt":
            values["temperature"] = _text(run.temperature)
    return values


def simulation_command(campaign: Campaign, site: Site, run: CampaignRun, stage: str) -> list[str]:
    """Return the command of a stage that runs LAMMPS, for the folder of the run."""
    script = "equilibrate.in" if stage == "equilibrate" else _production_input(campaign)
    values = variables(campaign, run, stage)
    if site.engine == "pykoh":
        command = [*PYKOH, "run", str(shipped("lammps_inputs", script))]
        for name, value in values.items():
            command += ["--var", name, value]
        if campaign.inner:
            command += ["--inner", "../../inner.pt", "--every", str(campaign.every)]
        return [*command, "--threads", str(site.cpus)]
    command = [*split_command(site.launcher), *split_command(site.lmp)]
    command += ["-in", str(shipped("lammps_inputs", script)), "-log", f"{FILE_PREFIX[stage]}.log"]
    for name, value in values.items():
        command += ["-var", name, value]
    return [*command, "-screen", "none"]


def devices(site: Site, run: CampaignRun, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variable that gives a run its share of the GPUs of its job.

    Several runs of one job would otherwise all take the first GPU. Empty: nothing is to be shared.

    Args:
        site: how jobs run.
        run: one of its job.
        environment: of the job.
    """
    if site.engine != "lmp" or site.gpus < 2 or site.runs_per_job == 1:
        return {}
    listed = environment.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(site.gpus)))
    visible = listed.split(",")
    share = max(len(visible) // site.runs_per_job, 1)
    first = run.index % site.runs_per_job * share % len(visible)
    return {"CUDA_VISIBLE_DEVICES": ",".join(visible[first : first + share])}


def _production_input(campaign: Campaign) -> str:
    return "koh.in" if campaign.ensemble == "nvt" else "nve.in"


def analysis_command(campaign: Campaign, run: CampaignRun) -> list[str]:
    """Return the command that analyses a finished run."""
    command = [*PYKOH, "analyze", "koh.dump", "-o", "results", "--force"]
    return [*command, "--temperature", _text(run.temperature), "--types", type_elements(campaign)]


def type_elements(campaign: Campaign) -> str:
    """Return the elements of the LAMMPS types, for ``pykoh analyze --types``."""
    return f"H,O,{campaign.cation}"


def next_stage(campaign: Campaign, folder: Path) -> str:
    """Return the first stage of a run that is not finished; ``done`` if all are."""
    step = restart_step(folder / f"{FILE_PREFIX['produce']}.restart") or 0
    return next((s for s in STAGES if not finished(campaign, folder, s, step)), "done")


def finished(campaign: Campaign, folder: Path, stage: str, step: int) -> bool:
    """Return whether a stage of a run is finished.

    Args:
        campaign: the description.
        folder: of the run.
        stage: of :data:`STAGES`.
        step: MD step of the newest complete restart file of production.
    """
    if stage == "build":
        return (folder / "koh.data").exists()
    if stage == "equilibrate":
        return (folder / "equil.data").exists()
    if stage == "produce":
        return step >= wanted_step(campaign)
    results, dump = folder / "results" / "results.json", folder / f"{FILE_PREFIX['produce']}.dump"
    # A run that became longer after its analysis is analysed again.
    return results.exists() and not (
        dump.exists() and dump.stat().st_mtime_ns > results.stat().st_mtime_ns
    )
