"""Changes of an existing campaign: what may be undone, and what is asked before it is written."""

from __future__ import annotations

import fcntl
import json
import re
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from pykoh.campaign import local
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign
from pykoh.campaign.submission import make_folder, submit
from pykoh.cli import main
from pykoh.errors import CampaignError

SHIPPED = Path(__file__).parents[2] / "potentials" / "koh-7net0-distilled" / "koh.pt"
SITE = Site(engine="pykoh", gpus=0, cpus=1)


def campaign(*molarities: float, ps: float = 10.0, atoms: int = 300) -> Campaign:
    return Campaign(molarities, str(SHIPPED), ps=ps, atoms=atoms)


def folder(path: Path, described: Campaign) -> CampaignFolder:
    return create(path, described, SITE, SHIPPED)


def content(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_a_dry_run_leaves_an_existing_campaign_as_it_is(tmp_path: Path) -> None:
    command = ["submit", "--potential", str(SHIPPED), "-o", str(tmp_path / "c"), "--dry-run"]
    first = CliRunner().invoke(main, [*command, "--molarity", "6.3"])
    assert first.exit_code == 0 and (tmp_path / "c" / "jobs" / "produce.sh").exists()
    before = content(tmp_path / "c")
    larger = [*command, "--molarity", "6.3", "--molarity", "12.7", "--ps", "2000"]
    shown = CliRunner().invoke(main, larger)
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("2 runs in ") and "#SBATCH --array=0-1\n" in shown.output
    assert content(tmp_path / "c") == before
    assert not (tmp_path / "c" / "runs" / "12.7M_298.15K_1").exists()
    # What cannot be submitted is refused here as well.
    refused = CliRunner().invoke(main, [*larger, "--set", "dump_fs=5"])
    assert refused.exit_code == 1 and "different dump_fs" in refused.output


def test_a_box_that_cannot_be_built_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    wrong = campaign(6.3, 1.0, 0.5, atoms=30)
    with pytest.raises(CampaignError, match=r"^molarity 0\.5 at .*; use atoms: \d+$") as refusal:
        make_folder(wrong, SITE, tmp_path / "c")
    assert not (tmp_path / "c").exists()
    atoms = int(re.findall(r"atoms: (\d+)", str(refusal.value))[0])
    make_folder(campaign(6.3, 1.0, 0.5, atoms=atoms), SITE, tmp_path / "d")
    # An existing campaign keeps its number of atoms.
    make_folder(campaign(6.3, atoms=30), SITE, tmp_path / "e")
    before = content(tmp_path / "e")
    with pytest.raises(CampaignError, match=r"molarity 0\.5 .*atoms: \d+ and another -o"):
        make_folder(wrong, SITE, tmp_path / "e")
    assert content(tmp_path / "e") == before
    with pytest.raises(CampaignError, match=r"molarity 29 .*lower it in molarities"):
        make_folder(campaign(29.0), SITE, tmp_path / "f")


def test_runs_without_a_box_may_be_left_out_and_seeds_are_given_once(tmp_path: Path) -> None:
    where = tmp_path / "c"
    first = folder(where, campaign(1.7, 6.3, 12.7)).runs
    (where / "runs" / first[2].name / "koh.data").touch()
    # One is replaced by another, in one step.
    runs = folder(where, campaign(12.7, 6.3, 9.3)).runs
    assert [run.name for run in runs] == [first[1].name, first[2].name, "9.3M_298.15K_1"]
    assert [run.index for run in runs] == [0, 1, 2], "numbers have no holes"
    assert [run.seed for run in runs[:2]] == [first[1].seed, first[2].seed]
    assert not (where / "runs" / first[0].name).exists()
    given = {run.seed for run in first} | {runs[2].seed}
    assert len(given) == 4
    # The seed of the run that was left out last is not given again either.
    assert len(folder(where, campaign(12.7)).runs) == 1
    again = folder(where, campaign(12.7, 3.3)).runs
    assert again[1].seed not in given and CampaignFolder(where).runs == again
    with pytest.raises(CampaignError, match=r"12\.7M_298\.15K_1, which is not in the new"):
        folder(where, campaign(3.3))


def test_a_run_that_is_just_built_has_begun(tmp_path: Path) -> None:
    made = folder(tmp_path / "c", campaign(1.7, 6.3))
    with (made.run_folder(made.runs[0]) / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(CampaignError, match=r"holds the run 1\.7M"):
            folder(tmp_path / "c", campaign(6.3))
    # A process that works on other runs comes to this one later.
    with made.in_use(), pytest.raises(CampaignError, match="when no process works"):
        folder(tmp_path / "c", campaign(6.3))
    assert len(folder(tmp_path / "c", campaign(6.3)).runs) == 1


def test_runs_that_were_left_out_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "run_here", lambda *_: 0)
    said: list[str] = []
    for molarities in ((1.7, 6.3), (6.3,)):
        submit(campaign(*molarities), tmp_path / "c", site=SITE, local=True, say=said.append)
    assert said[1] == "1.7M_298.15K_1 had no box and is no longer in the campaign"
    assert said[2].startswith("1 runs in") and len(said) == 3


def test_ps_may_shrink_to_what_was_produced(tmp_path: Path) -> None:
    made = folder(tmp_path / "c", campaign(6.3, ps=100))
    assert folder(tmp_path / "c", campaign(6.3, ps=50)).campaign.ps == 50
    place = made.run_folder(made.runs[0])
    (place / "status.json").write_text(json.dumps({"ps_done": 7.5}))
    with pytest.raises(CampaignError, match=r"has produced 7\.5 ps already.*at least 7\.5"):
        folder(tmp_path / "c", campaign(6.3, ps=5))
    with (place / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(CampaignError, match="stop it before you ask for fewer ps"):
            folder(tmp_path / "c", campaign(6.3, ps=8))
    assert CampaignFolder(tmp_path / "c").campaign.ps == 50
    assert folder(tmp_path / "c", campaign(6.3, ps=7.5)).campaign.ps == 7.5


def slurm_with_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("squeue", "echo '77|0|RUNNING|None'"), ("sbatch", "exit 1")):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")


def test_the_queue_is_asked_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path / "c", campaign(6.3, 12.7))
    (made.path / "jobs" / "submitted.json").write_text('{"produce": "77"}')
    before = content(made.path)
    # Without Slurm nothing is written either.
    with monkeypatch.context() as without:
        without.setenv("PATH", "/nowhere")
        with pytest.raises(CampaignError, match="not a login node"):
            submit(campaign(1.7, 6.3, 12.7), made.path, site=SITE)
    slurm_with_a_job(tmp_path, monkeypatch)
    with pytest.raises(CampaignError, match="still in the queue"):
        submit(campaign(1.7, 6.3, 12.7), made.path, site=SITE)
    assert content(made.path) == before
    # Jobs know their runs by number, so no run can be left out on this machine.
    with pytest.raises(CampaignError, match="still in the queue"):
        submit(campaign(12.7), made.path, site=SITE, local=True)
    assert content(made.path) == before


def test_calls_at_the_same_time_take_turns(tmp_path: Path) -> None:
    where = tmp_path / "c"
    folder(where, campaign(6.3))
    other = folder(tmp_path / "d", campaign(6.3, 12.7)).path
    refusals: list[str] = []

    def second_call() -> None:
        try:
            folder(where, campaign(6.3, 1.7))
        except CampaignError as error:
            refusals.append(str(error))

    with (where / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        before = (where / "campaign.json").read_bytes()
        thread = threading.Thread(target=second_call)
        thread.start()
        time.sleep(0.5)
        assert thread.is_alive() and (where / "campaign.json").read_bytes() == before
        # The first call adds a run, whose box is built soon.
        (where / "campaign.json").write_bytes((other / "campaign.json").read_bytes())
        (where / "runs" / "12.7M_298.15K_1").mkdir()
        (where / "runs" / "12.7M_298.15K_1" / "koh.data").touch()
    thread.join()
    assert len(refusals) == 1 and "holds the run 12.7M_298.15K_1" in refusals[0]
    assert [run.molarity for run in CampaignFolder(where).runs] == [6.3, 12.7]
