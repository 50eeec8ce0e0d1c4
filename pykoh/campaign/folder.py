"""The folder of a campaign: its description, its runs and their states.

CAMPAIGN/campaign.json    the campaign and the site, as they were submitted
CAMPAIGN/potential.pt     a copy of the potential; committee_1.pt … are those of the committee
CAMPAIGN/jobs/            job scripts and the output of the jobs
CAMPAIGN/runs/NAME/       one simulation: box, restart files, trajectory, results, status.json
CAMPAIGN/series/          the report of all runs
CAMPAIGN/lock             held by the process that changes campaign.json
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pykoh import __version__
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign, CampaignRun, grown_runs, runs_of
from pykoh.engines.restart_file import restart_step
from pykoh.errors import CampaignError
from pykoh.files import exclusive, replacing, write_text
from pykoh.provenance import sha256

LOCK = "lock"
_IN_USE = "jobs/local.lock"

# These may change when a campaign is submitted again: attempts and guards. The number of runs and
# their length may grow; `changed` says when they may shrink.
_MAY_CHANGE = (
    "attempts", "potential", "inner", "committee", "flag_eV_per_A", "stop_eV_per_A",
    "max_force_eV_per_A",
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
            # Seeds of runs that have disappeared are not given to others.
            last_seed = int(entry.get("last_seed", 0))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CampaignError(f"{record}: is damaged; submit again with a new folder") from error
        self.runs = listed or runs_of(self.campaign)
        self.last_seed = max(last_seed, *(run.seed for run in self.runs))

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

    def in_work(self, run: CampaignRun) -> bool:
        """Return whether a process works on a run."""
        return _held(self.run_folder(run) / LOCK)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Mark the campaign: this process comes to its runs one after the other."""
        with (self.path / _IN_USE).open("a") as stream:
            # Several processes may share the runs. A file system without locks has no mark.
            with suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_SH)
            yield

    def is_in_use(self) -> bool:
        """Return whether a process comes to the runs one after the other."""
        return _held(self.path / _IN_USE)

    def has_begun(self, run: CampaignRun) -> bool:
        """Return whether a run has a box, or a process builds it or may be about to."""
        box = (self.run_folder(run) / "koh.data").exists()
        return box or self.in_work(run) or self.is_in_use()

    def ps_done(self, run: CampaignRun) -> float:
        """Return how many picoseconds of production a run has; 0 before it began."""
        # The status is that of the last checkpoint; the restart file may be newer.
        step = restart_step(self.run_folder(run) / "koh.restart") or 0
        wrote = self.run_status(run).get("ps_done") or 0.0
        return max(float(wrote), step * self.campaign.timestep_fs * 1e-3)

    def run_status(self, run: CampaignRun) -> dict[str, Any]:
        """Return the last ``status.json`` of a run; empty before it began."""
        try:
            entry: dict[str, Any] = json.loads(
                (self.run_folder(run) / "status.json").read_text(encoding="utf-8")
            )
            return entry
        except (OSError, ValueError):
            return {}


def _held(lock: Path) -> bool:
    try:
        with lock.open("r+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def changed(path: Path, campaign: Campaign, site: Site, potential: Path) -> CampaignFolder:
    """Return an existing campaign as it would be with a new description; write nothing.

    Molarities, temperatures and replicas may be added, and left out again as long as their runs
    have no box. The length of production may grow, and shrink again to what was produced. The site
    and the guards may change. With any other change it is another campaign.

    Raises:
        CampaignError: the folder holds another campaign, a run that has begun would be lost or get
            another density, or the potential differs.
    """
    folder = CampaignFolder(path)
    old, new = asdict(folder.campaign), asdict(campaign)
    free = (*_MAY_CHANGE, *_MAY_GROW)
    others = [k for k in new if k not in free and old[k] != new[k]]
    if others:
        raise CampaignError(
            f"{path}: holds a campaign with different {', '.join(others)}; choose another -o"
        )
    if sha256(path / "potential.pt") != sha256(potential):
        raise CampaignError(f"{path}: was begun with another potential; choose another -o")
    before = sha256(path / "inner.pt") if (path / "inner.pt").exists() else None
    if before != (sha256(campaign.inner) if campaign.inner else None):
        begun_with = "single time steps" if before is None else "another inner potential"
        raise CampaignError(f"{path}: was begun with {begun_with}; choose another -o")
    if campaign.ps < folder.campaign.ps:
        _refuse_less_than_produced(folder, campaign.ps)
    try:
        wanted = {run.name for run in runs_of(campaign)}
        left_out = [run for run in folder.runs if run.name not in wanted]
        begun = {run.name for run in left_out if folder.has_begun(run)}
        folder.runs = grown_runs(folder.runs, campaign, begun, folder.last_seed)
    except CampaignError as error:
        raise CampaignError(f"{path}: {error}; choose another -o") from error
    folder.campaign, folder.site = campaign, site
    folder.last_seed = max(folder.last_seed, *(run.seed for run in folder.runs))
    return folder


def _refuse_less_than_produced(folder: CampaignFolder, ps: float) -> None:
    for run in folder.runs:
        done = folder.ps_done(run)
        if done > ps:
            raise CampaignError(
                f"{folder.path}: the run {run.name} has produced {done:g} ps already; ps cannot be "
                f"smaller than that, give at least {done:g}"
            )
        if done and folder.in_work(run):
            # Its process simulates until the earlier end.
            raise CampaignError(
                f"{folder.path}: a process works on the run {run.name}; stop it before you ask for "
                "fewer ps"
            )


def create(
    path: Path, campaign: Campaign, site: Site, potential: Path, committee: Sequence[Path] = ()
) -> CampaignFolder:
    """Make the folder of a campaign, or use the existing folder of the same campaign.

    :func:`changed` says what may differ in an existing folder. Several processes may call this at
    the same time: they take turns.

    Raises:
        CampaignError: the folder holds another campaign, or the change is not possible.
    """
    record, lock = path / "campaign.json", path / LOCK
    refusal = CampaignError(f"{path}: is not empty and holds no campaign; choose another -o")
    # With a lock another process may be making it just now; then the check comes after its turn.
    if path.exists() and not (record.exists() or lock.exists()) and any(path.iterdir()):
        raise refusal
    path.mkdir(parents=True, exist_ok=True)
    with exclusive(lock):
        before: list[CampaignRun] = []
        if record.exists():
            before = CampaignFolder(path).runs
            folder = changed(path, campaign, site, potential)
            runs, last_seed = folder.runs, folder.last_seed
        elif any(each != lock for each in path.iterdir()):
            raise refusal
        else:
            runs = runs_of(campaign)
            last_seed = max(run.seed for run in runs)
        _copy_potentials(path, potential, campaign.inner, committee)
        for run in runs:
            (path / "runs" / run.name).mkdir(parents=True, exist_ok=True)
        (path / "jobs").mkdir(exist_ok=True)
        entry = {
            "campaign": asdict(campaign),
            "site": asdict(site),
            "runs": [asdict(run) for run in runs],
            "last_seed": last_seed,
            "potential_sha256": sha256(potential),
            "pykoh": __version__,
        }
        write_text(record, json.dumps(entry, indent=1) + "\n")
        for name in {run.name for run in before} - {run.name for run in runs}:
            # A folder with the log of a build that failed is not empty and stays.
            with suppress(OSError):
                (path / "runs" / name).rmdir()
        return CampaignFolder(path)


def _copy_potentials(path: Path, potential: Path, inner: str, committee: Sequence[Path]) -> None:
    for source, target in ((str(potential), "potential.pt"), (inner, "inner.pt")):
        if source and not (path / target).exists():
            _copy(Path(source), path / target)
    for earlier_copy in path.glob("committee_*.pt"):
        if int(earlier_copy.stem.split("_")[1]) > len(committee):
            earlier_copy.unlink()
    for number, member in enumerate(committee, start=1):
        _copy(member, path / f"committee_{number}.pt")
