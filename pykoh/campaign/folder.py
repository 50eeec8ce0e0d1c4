"""The folder of a campaign: its description, its runs and their states.

CAMPAIGN/campaign.json    the campaign and the site, as they were submitted
CAMPAIGN/potential.pt     a copy of the potential; committee_1.pt … are those of the committee
CAMPAIGN/jobs/            job scripts and the output of the jobs
CAMPAIGN/runs/NAME/       one simulation: box, restart files, trajectory, results, status.json
CAMPAIGN/series/          the report of all runs
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pykoh import __version__
from pykoh.campaign.spec import Campaign, CampaignRun, Site, grown_runs, runs_of
from pykoh.errors import CampaignError
from pykoh.files import replacing, write_text
from pykoh.provenance import sha256

# These may change when a campaign is submitted again: attempts and guards. The number of runs and
# their length may grow.
_MAY_CHANGE = (
    "attempts", "potential", "committee", "flag_eV_per_A", "stop_eV_per_A", "max_force_eV_per_A",
)  # fmt: skip
_MAY_GROW = ("ps", "molarities", "temperatures", "replicas", "density_kg_per_m3")


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


class CampaignFolder:
    """An existing folder of a campaign.

    Args:
        path: its folder.

    Raises:
        CampaignError: the folder holds no campaign.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        record = path / "campaign.json"
        if not record.exists():
            raise CampaignError(
                f"{path}: is not the folder of a campaign; `pykoh submit FILE -o {path}` makes one"
            )
        try:
            entry = json.loads(record.read_text(encoding="utf-8"))
            self.campaign = Campaign(**_tuples(entry["campaign"]))
            self.site = Site(**_tuples(entry["site"]))
            # Campaigns of pykoh before December 2026 have no list: they could not grow.
            listed = [CampaignRun(**each) for each in entry.get("runs", ())]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CampaignError(f"{record}: is damaged; submit again with a new folder") from error
        self.runs = listed or runs_of(self.campaign)

    @property
    def potentials(self) -> list[Path]:
        """The potential of the simulation, then those of the committee."""
        committee = sorted(self.path.glob("committee_*.pt"))
        return [self.path / "potential.pt", *committee]

    @property
    def n_tasks(self) -> int:
        """Number of jobs in one array."""
        return -(-len(self.runs) // self.site.runs_per_job)

    def runs_of_task(self, task: int) -> list[CampaignRun]:
        """Return the runs of one job of an array."""
        size = self.site.runs_per_job
        found = self.runs[task * size : (task + 1) * size]
        if not found:
            raise CampaignError(f"{self.path}: has no task {task}")
        return found

    def run_folder(self, run: CampaignRun) -> Path:
        """Return the folder of a run."""
        return self.path / "runs" / run.name

    def run_status(self, run: CampaignRun) -> dict[str, Any]:
        """Return the last ``status.json`` of a run; empty before it began."""
        try:
            entry: dict[str, Any] = json.loads(
                (self.run_folder(run) / "status.json").read_text(encoding="utf-8")
            )
            return entry
        except (OSError, ValueError):
            return {}


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def create(
    path: Path, campaign: Campaign, site: Site, potential: Path, committee: Sequence[Path] = ()
) -> CampaignFolder:
    """Make the folder of a campaign, or use the existing folder of the same campaign.

    Molarities, temperatures and replicas may be added, the length of production may grow, and the
    site and the guards may change: the runs continue. With any other change it is another campaign.

    Raises:
        CampaignError: the folder holds another campaign, a run would be lost or get another
            density, or the potential differs.
    """
    digest = sha256(potential)
    record = path / "campaign.json"
    runs = runs_of(campaign)
    if record.exists():
        existing = CampaignFolder(path)
        earlier = existing.campaign
        old, new = asdict(earlier), asdict(campaign)
        free = (*_MAY_CHANGE, *_MAY_GROW)
        changed = [k for k in new if k not in free and old[k] != new[k]]
        if changed:
            raise CampaignError(
                f"{path}: holds a campaign with different {', '.join(changed)}; choose another -o"
            )
        if campaign.ps < earlier.ps:
            raise CampaignError(
                f"{path}: {earlier.ps:g} ps were requested before; ps can only grow"
            )
        if sha256(path / "potential.pt") != digest:
            raise CampaignError(f"{path}: was begun with another potential; choose another -o")
        try:
            runs = grown_runs(existing.runs, campaign)
        except CampaignError as error:
            raise CampaignError(f"{path}: {error}; choose another -o") from error
    elif path.exists() and any(path.iterdir()):
        raise CampaignError(f"{path}: is not empty and holds no campaign; choose another -o")
    for run in runs:
        (path / "runs" / run.name).mkdir(parents=True, exist_ok=True)
    (path / "jobs").mkdir(exist_ok=True)
    if not (path / "potential.pt").exists():
        _copy(potential, path / "potential.pt")
    for earlier_copy in path.glob("committee_*.pt"):
        if int(earlier_copy.stem.split("_")[1]) > len(committee):
            earlier_copy.unlink()
    for number, member in enumerate(committee, start=1):
        _copy(member, path / f"committee_{number}.pt")
    entry = {
        "campaign": asdict(campaign),
        "site": asdict(site),
        "runs": [asdict(run) for run in runs],
        "potential_sha256": digest,
        "pykoh": __version__,
    }
    write_text(record, json.dumps(entry, indent=1) + "\n")
    return CampaignFolder(path)
