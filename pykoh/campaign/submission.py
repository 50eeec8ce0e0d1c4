"""From the description of a campaign to running jobs: the work of ``pykoh submit``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.spec import Campaign, Site, read_campaign, read_site, require_elements
from pykoh.errors import CampaignError


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


def make_folder(
    campaign: Campaign, site: Site | None = None, output: str | Path | None = None
) -> CampaignFolder:
    """Return the folder of a campaign; make it if it does not exist.

    Raises:
        CampaignError: its parent folder does not exist, it holds another campaign, or a potential
            does not know an element.
    """
    require_elements(campaign)
    target = Path(output or campaign.name)
    if not target.parent.is_dir():
        raise CampaignError(f"{target}: its folder {target.parent} does not exist; create it first")
    committee = [Path(name) for name in campaign.committee]
    return create(target, campaign, site or Site(), Path(campaign.potential), committee)


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
        described = campaign
    else:
        path = None if campaign is None else Path(campaign)
        described = read_campaign(path, [f"{key}={value}" for key, value in settings.items()])
    if settings and described is campaign:
        raise CampaignError(
            f"{', '.join(settings)}: give settings with a campaign file, or use dataclasses.replace"
        )
    how = site if isinstance(site, Site) or site is None else read_site(Path(site))
    folder = make_folder(described, how, output)
    say(f"{len(folder.runs)} runs in {folder.path}, {described.ps:g} ps each")
    if not local:
        return Submission(folder, slurm.submit(folder))
    from pykoh.campaign.local import run_here

    return Submission(folder, {}, bool(run_here(folder, say)))
