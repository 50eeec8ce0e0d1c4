"""What a campaign simulates."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pykoh.campaign.document import Document, count, each, number, one_of, several, text, word
from pykoh.chemistry import CATIONS
from pykoh.engines.intervals import check_intervals
from pykoh.engines.script import index_variables
from pykoh.errors import CampaignError, EngineError
from pykoh.resources import shipped

# LAMMPS reads seeds as integers of 32 bits; each run has its own, from 1000 times this one.
_LARGEST_SEED = 2_000_000
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
            "name": word,
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
    if campaign.committee and campaign.stop_eV_per_A < campaign.flag_eV_per_A:
        raise document.error(
            "stop_eV_per_A" if document.has("stop_eV_per_A") else "flag_eV_per_A",
            f"a run would stop at {campaign.stop_eV_per_A:g} eV/Å before a frame is kept at "
            f"{campaign.flag_eV_per_A:g}; give flag_eV_per_A the smaller number",
        )
    _check_dump(campaign, document)
    if campaign.inner:
        _check_every(campaign, document)
    return replace(
        campaign,
        potential=found["potential"][0],
        committee=tuple(found["committee"]),
        inner=next(iter(found["inner"]), ""),
    )


def _check_dump(campaign: Campaign, document: Document) -> None:
    """Check that there are steps between frames; LAMMPS gets a whole number of them."""
    if campaign.dump_fs < 0.5 * campaign.timestep_fs:
        raise document.error(
            "dump_fs" if document.has("dump_fs") else "timestep_fs",
            f"dump_fs {campaign.dump_fs:g} is shorter than the timestep, "
            f"{campaign.timestep_fs:g} fs; give a multiple of it",
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


def require_elements(campaign: Campaign) -> None:
    """Check that each potential can be read and knows the elements of the boxes.

    Raises:
        CampaignError: a potential does not know an element, or a committee has the same one twice.
        ModelError: a file is not a potential.
    """
    try:
        from pykoh.engines.artifact import load_artifact
    except ImportError:
        return  # A login node without torch: the first job will check it.
    committee: dict[tuple[str, str], str] = {}
    for name in filter(None, (campaign.potential, *campaign.committee, campaign.inner)):
        metadata = load_artifact(name)[0]
        known = metadata.elements
        model = (metadata.source_sha256, metadata.head)
        if name != campaign.inner and committee.setdefault(model, name) != name:
            raise CampaignError(
                f"{name}: is the same potential as {committee[model]}, so that the two never "
                "disagree; train the committee with other seeds"
            )
        missing = [each for each in ("H", "O", campaign.cation) if each not in known]
        if missing:
            raise CampaignError(
                f"{name}: knows {', '.join(known)}, not {', '.join(missing)}; give a potential "
                "trained on this element, or another cation"
            )


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
