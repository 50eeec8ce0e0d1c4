"""Why a run of a campaign failed, and what a campaign is not started with."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lmp import lmp_of
from pykoh.campaign.engine import devices
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.scripts import jobs_of
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign, require_elements
from pykoh.campaign.submission import submit
from pykoh.campaign.worker import DONE, FAILED, Worker
from pykoh.errors import CampaignError
from pykoh.processes import Written

SHIPPED = Path(__file__).parents[2] / "potentials" / "koh-7net0-distilled" / "koh.pt"


def made(path: Path, campaign: Campaign, site: Site) -> CampaignFolder:
    return create(path, replace(campaign, potential=str(SHIPPED)), site, SHIPPED)


def test_only_what_a_command_wrote_is_its_reason(tmp_path: Path) -> None:
    output, own_log = tmp_path / "produce.out", tmp_path / "koh.log"
    output.write_text("Error: the disk was full last week\n")
    own_log.write_text("ERROR: of last week, in a longer log than the one of today\n")
    written = Written(output, own_log)
    assert written.last_line() == "no output"
    time.sleep(0.02)
    own_log.write_text("LAMMPS\nERROR: of today (src/x.cpp)\nLast command: run 1\n")
    assert written.last_line() == "ERROR: of today (src/x.cpp)"
    with output.open("a") as stream:
        stream.write("slurmstepd: something\n")
    assert written.last_line() == "ERROR: of today (src/x.cpp)"
    with output.open("a") as stream:
        stream.write("Error: said by mpiexec\n")
    assert written.last_line() == "Error: said by mpiexec"


def test_an_lmp_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    site = Site(lmp="/no/lmp -k on", gpus=0)
    folder = made(tmp_path / "c", Campaign((6.3,), "p", atoms=30, attempts=1), site)
    assert Worker(folder, "build").work(folder.runs) == DONE
    assert Worker(folder, "equilibrate").work(folder.runs) == FAILED
    problem = folder.run_status(folder.runs[0])["problem"]
    assert problem.startswith("/no/lmp: cannot be started (No such file or directory); correct it")


@pytest.mark.lammps
def test_the_reason_of_a_real_lmp_is_shown(tmp_path: Path) -> None:
    """It prints nothing: what went wrong is in its own log."""
    site = Site(lmp=str(lmp_of("plain").path), gpus=0)
    campaign = Campaign((6.3,), "p", atoms=30, attempts=1, cation="Na")
    folder = made(tmp_path / "c", campaign, site)
    assert Worker(folder, "build").work(folder.runs) == DONE
    assert Worker(folder, "equilibrate").work(folder.runs) == FAILED
    problem = folder.run_status(folder.runs[0])["problem"]
    assert "not Na" in problem and "equil.log)" in problem


def test_runs_of_one_job_have_cores_and_gpus_of_their_own(tmp_path: Path) -> None:
    site = Site(gpus=4, cpus=2, runs_per_job=4)
    folder = made(tmp_path / "c", Campaign((6.3,), "p", replicas=4), site)
    assert "#SBATCH --cpus-per-task=8\n" in jobs_of(folder)[2].text
    seen = [devices(site, run, {"CUDA_VISIBLE_DEVICES": "4,5,6,7"}) for run in folder.runs]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in seen] == ["4", "5", "6", "7"]
    two = replace(site, runs_per_job=2)
    seen = [devices(two, run, {}) for run in folder.runs]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in seen] == ["0,1", "2,3"] * 2
    many = replace(site, gpus=2)
    seen = [devices(many, run, {}) for run in folder.runs]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in seen] == ["0", "1", "0", "1"]
    for alone in (replace(site, gpus=1), replace(site, runs_per_job=1)):
        assert devices(alone, folder.runs[1], {}) == {}
    ranks = made(tmp_path / "r", Campaign((6.3,), "p", replicas=4), replace(site, tasks=3))
    assert "#SBATCH --ntasks=12\n#SBATCH --cpus-per-task=2\n" in jobs_of(ranks)[2].text


def test_the_setup_of_a_site_may_use_variables_that_are_not_set(tmp_path: Path) -> None:
    site = Site(engine="pykoh", gpus=0, setup='export KEPT="$NOT_SET_ANYWHERE"')
    folder = made(tmp_path / "c", Campaign((6.3,), "p", atoms=30), site)
    job = jobs_of(folder)[0]
    job.path.parent.mkdir(exist_ok=True)
    job.path.write_text(job.text)
    done = subprocess.run(["bash", str(job.path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder.run_folder(folder.runs[0]) / "koh.data").exists()


def test_a_run_is_taken_although_somebody_looks_at_its_lock(tmp_path: Path) -> None:
    """`pykoh status` holds it for a moment."""
    folder = made(tmp_path / "c", Campaign((6.3,), "p", atoms=30), Site(engine="pykoh", gpus=0))
    lock = folder.run_folder(folder.runs[0]) / "lock"
    lock.touch()
    hold = (
        "import fcntl, sys, time; s = open(sys.argv[1], 'r+'); fcntl.flock(s, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(0.3)"
    )
    command = [sys.executable, "-c", hold, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        assert Worker(folder, "build").work(folder.runs) == DONE


def test_campaigns_that_mean_something_else_are_refused(tmp_path: Path) -> None:
    same = tmp_path / "copy.pt"
    same.write_bytes(SHIPPED.read_bytes())
    usual = Campaign((6.3,), str(SHIPPED))
    with pytest.raises(CampaignError, match=r"copy\.pt: is the same potential as .*koh\.pt"):
        require_elements(replace(usual, committee=(str(same),)))
    site = Site(engine="pykoh", gpus=0)
    wrong: list[tuple[Campaign, Site, str]] = [
        (replace(usual, dump_fs=0.1), site, "dump_fs 0.1 is shorter than the timestep"),
        (replace(usual, committee=(str(same),), flag_eV_per_A=5.0), site, "stop at 1 eV/Å before"),
        (replace(usual, timestep_fs=-1.0), site, "timestep_fs.*between"),
        (replace(usual, ensemble="npt"), site, "choose nvt or nve"),
        (usual, replace(site, engine="foo"), "choose lmp or pykoh"),
        (usual, replace(site, gpus=-2), "gpus.*between"),
    ]
    for campaign, how, expected in wrong:
        with pytest.raises(CampaignError, match=expected):
            submit(campaign, tmp_path / "c", site=how, local=True)
    assert not (tmp_path / "c").exists()
