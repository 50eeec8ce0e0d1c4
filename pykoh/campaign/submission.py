"""From the description of a campaign to running jobs: the work of ``pykoh submit``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pykoh.campaign.document import as_assignments
from pykoh.campaign.folder import CampaignFolder, changed, create
from pykoh.campaign.scripts import SlurmJob, jobs_of
from pykoh.campaign.site import Site, checked_site, read_site, require_engine
from pykoh.campaign.spec import Campaign, read_campaign, require_elements, runs_of
from pykoh.errors import CampaignError, CompositionError


@dataclass(frozen=True, slots=True)
class Submission:
    """A campaign that was submitted.

    Attributes:
        folder: its runs and their states.
        jobs: number of the Slurm job of each stage; empty after a run on this machine.
        failed: whether some runs failed, after a run on this machine.
    """

    folder: CampaignFolder
    jobs: dict[str, str]
    failed: bool = False


# The messages of `pykoh build` name its options; a campaign has keys instead.
_KEYS = {
    "--atoms ": "atoms: ",
    "--density KG_PER_M3": "density_kg_per_m3",
    "lower --molarity": "lower it in molarities",
}


def _target(campaign: Campaign, output: str | Path | None) -> Path:
    return Path(output or campaign.name)


def _exists(target: Path) -> bool:
    return (target / "campaign.json").exists()


def require_boxes(campaign: Campaign, target: Path) -> None:
    """Check that the box of each run can be built, before the runs are written down.

    Raises:
        CampaignError: the composition of a box is not possible.
    """
    from pykoh.solution.build import composition_of

    checked: set[tuple[float, float, float | None]] = set()
    # The lowest molarity needs most atoms: the remedy for it suits the others.
    for run in sorted(runs_of(campaign), key=lambda run: run.molarity):
        kind = (run.molarity, run.temperature, run.density_kg_per_m3)
        if kind in checked or (target / "runs" / run.name / "koh.data").exists():
            continue
        checked.add(kind)
        try:
            composition_of(
                run.molarity, campaign.atoms, None, None, campaign.cation, run.temperature,
                run.density_kg_per_m3,
            )  # fmt: skip
        except CompositionError as error:
            problem = str(error)
            for option, key in _KEYS.items():
                problem = problem.replace(option, key)
            if "atoms: " in problem and _exists(target):
                problem += f" and another -o, because {target} has boxes of {campaign.atoms} atoms"
            raise CampaignError(
                f"molarity {run.molarity:g} at {run.temperature:g} K: {problem}"
            ) from error


def make_folder(
    campaign: Campaign, site: Site | None = None, output: str | Path | None = None
) -> CampaignFolder:
    """Return the folder of a campaign; make it if it does not exist.

    Raises:
        CampaignError: its parent folder does not exist, it holds another campaign, a box cannot be
            built, or a potential does not know an element.
    """
    require_engine(campaign, site or Site())
    require_elements(campaign)
    target = _target(campaign, output)
    require_boxes(campaign, target)
    if not target.parent.is_dir():
        raise CampaignError(f"{target}: its folder {target.parent} does not exist; create it first")
    committee = [Path(name) for name in campaign.committee]
    return create(target, campaign, site or Site(), Path(campaign.potential), committee)


def dry_run(
    campaign: Campaign, site: Site | None = None, output: str | Path | None = None
) -> tuple[CampaignFolder, list[SlurmJob]]:
    """Return what would be submitted. A new folder is made; an existing one stays as it is.

    Raises:
        CampaignError: as :func:`make_folder`.
    """
    from pykoh.campaign import slurm

    target = _target(campaign, output)
    if not _exists(target):
        made = make_folder(campaign, site, output)
        return made, slurm.write_scripts(made)
    require_engine(campaign, site or Site())
    require_elements(campaign)
    require_boxes(campaign, target)
    planned = changed(target, campaign, site or Site(), Path(campaign.potential))
    return planned, jobs_of(planned)


def _ask_queue(campaign: Campaign, site: Site | None, target: Path, local: bool) -> None:
    """Refuse a change of a campaign whose jobs are in the queue, before anything is written."""
    from pykoh.campaign import slurm

    if not local:
        slurm.require_slurm()
    if not _exists(target):
        return
    existing = CampaignFolder(target)
    if local:
        planned = changed(target, campaign, site or Site(), Path(campaign.potential))
        kept = {run.name for run in planned.runs}
        # Tasks in the queue know their runs by number; only without a run do numbers change.
        if all(run.name in kept for run in existing.runs):
            return
    slurm.refuse_queued(existing)


def submit(
    campaign: str | Path | Campaign | None = None,
    output: str | Path | None = None,
    *,
    site: str | Path | Site | None = None,
    local: bool = False,
    say: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> Submission:
    """Submit a campaign to Slurm, or run it on this machine; the same call continues it.

    Args:
        campaign: a YAML file, a :class:`pykoh.campaign.spec.Campaign`, or None: only ``settings``.
        output: folder; by default the campaign's name.
        site: how the cluster runs jobs: ``site.yaml``, or a :class:`pykoh.campaign.spec.Site`.
        local: run it on this machine, and return when it is done.
        say: called with a line for the user.
        settings: keys of a campaign file; they replace its values.

    Raises:
        CampaignError: the description cannot be used, or Slurm refuses the jobs.
        KeyboardInterrupt: Ctrl-C ended the local runs; the same call continues them.
    """
    from pykoh.campaign import slurm

    if isinstance(campaign, Campaign):
        described = read_campaign(None, as_assignments(campaign))
    else:
        path = None if campaign is None else Path(campaign)
        described = read_campaign(path, [f"{key}={value}" for key, value in settings.items()])
    if settings and isinstance(campaign, Campaign):
        raise CampaignError(
            f"{', '.join(settings)}: give settings with a campaign file, or use dataclasses.replace"
        )
    how = None
    if site is not None:
        how = checked_site(site) if isinstance(site, Site) else read_site(Path(site))
    target = _target(described, output)
    _ask_queue(described, how, target, local)
    before = [run.name for run in CampaignFolder(target).runs] if _exists(target) else []
    folder = make_folder(described, how, output)
    for name in before:
        if name not in {run.name for run in folder.runs}:
            say(f"{name} had no box and is no longer in the campaign")
    say(f"{len(folder.runs)} runs in {folder.path}, {described.ps:g} ps each")
    if not local:
        return Submission(folder, slurm.submit(folder))
    from pykoh.campaign.local import run_here

    return Submission(folder, {}, bool(run_here(folder, say)))
