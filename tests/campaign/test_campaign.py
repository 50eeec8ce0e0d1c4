"""Campaigns: their description, the worker, the scripts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pykoh.campaign.engine import variables, wanted_step
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.scripts import jobs_of
from pykoh.campaign.site import Site, read_site, seconds
from pykoh.campaign.spec import Campaign, read_campaign, runs_of
from pykoh.campaign.worker import AGAIN, BUSY, FAILED, Worker
from pykoh.cli import main
from pykoh.engines.restart_file import restart_step
from pykoh.errors import CampaignError
from pykoh.processes import last_line

POTENTIALS = Path(__file__).parents[2] / "potentials"
SHIPPED = POTENTIALS / "koh-7net0-distilled" / "koh.pt"


def test_runs_are_the_product_with_seeds_of_their_own() -> None:
    campaign = Campaign((1.7, 6.26), "p", temperatures=(298.15, 333.0), replicas=2, seed=7)
    runs = runs_of(campaign)
    assert len(runs) == 8 and len({run.seed for run in runs}) == 8
    assert runs[0].name == "1.7M_298.15K_1" and runs[-1].name == "6.26M_333K_2"
    with pytest.raises(CampaignError, match="too similar"):
        runs_of(Campaign((1.7, 1.7000001), "p"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("molarities: [1, 2\n", "line 2: is not YAML"),
        ("- 1\n", "key: value"),
        ("potential: p.pt\n", "molarities is missing"),
        ("molarities: 6\npotential: p.pt\nmolarity: 3\n", "line 3: molarity: is unknown"),
        ("molarities: 6\npotential: p.pt\n\nps: soon\n", "line 4: ps: 'soon': a number"),
        ("molarities: [6, 60]\npotential: p.pt\n", "line 1: molarities.*between 0 and 30"),
        ("molarities: [6, 6]\npotential: p.pt\n", "line 1.*given twice"),
        ("molarities: 6\nmolarities: 7\n", "line 2: molarities is given twice"),
        ("molarities: 6\npotential: none.pt\n", "line 2: potential.*no such file"),
        ("molarities: 6\npotential: p.pt\nreplicas: 1.5\n", "line 3.*whole number"),
        # LAMMPS reads 32 bits; seeds of runs are larger than 1000 times this one.
        ("molarities: 6\npotential: p.pt\nseed: 2000001\n", "line 3.*2000000"),
        ("molarities: 6\npotential: p.pt\nensemble: npt\n", "line 3.*choose nvt or nve"),
        ("molarities: 6\npotential: p.pt\nname: a b\n", "line 3.*letters, digits"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "p.pt").touch()
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(CampaignError, match=rf"c\.yaml.*{expected}"):
        read_campaign(tmp_path / "c.yaml")


def test_time_limits_of_a_site(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("time: 24:00:00\nshort_time: 1-00:00:00\nmodules: cuda/12\n")
    site = read_site(tmp_path / "s.yaml")
    assert (site.time, site.short_time, site.modules) == ("24:00:00", "1-00:00:00", ("cuda/12",))
    # One number is minutes, as in Slurm, with and without quotes.
    for limit in ("90", '"90"', "1:30:00", "0-1:30"):
        (tmp_path / "s.yaml").write_text(f"time: {limit}\n")
        assert seconds(read_site(tmp_path / "s.yaml").time) == 5400, limit
    for text, expected in (
        ("time: soon\n", "line 1: time"),
        ("time: 0\n", "line 1: time"),
        (
            "time: 24:00\n",
            "line 1: time: .* Slurm reads 24:00 as minutes.*write 24:00:00",
        ),
        ("account: 12345\n", "line 1: account: .* put it in quotes"),
        ("lmp: lmp -x 'k\n", "line 1: lmp: .* a quotation mark is not closed"),
        ("lmp: ''\n", "line 1: lmp: is empty"),
        # The job would be warned when it begins, and queue itself again for ever.
        ("warning_s: 60\ntime: 00:01:00\n", "line 2: time: time 00:01:00 is not longer than"),
        ("warning_s: 3600\n", "line 1: warning_s: short_time 01:00:00 is not longer than"),
    ):
        (tmp_path / "s.yaml").write_text(text)
        with pytest.raises(CampaignError, match=expected):
            read_site(tmp_path / "s.yaml")


def test_numbers_of_yaml_1_2_are_read(tmp_path: Path) -> None:
    (tmp_path / "p.pt").touch()
    (tmp_path / "c.yaml").write_text("molarities: 6\npotential: p.pt\nps: 1e3\n")
    assert read_campaign(tmp_path / "c.yaml").ps == 1000.0


@pytest.mark.parametrize("ps", [1234.564, 1234567.5, 0.1 + 0.2, 10.00025, 100.0])
@pytest.mark.parametrize("timestep_fs", [0.5, 0.35])
def test_lammps_is_told_to_run_as_long_as_the_campaign_waits(ps: float, timestep_fs: float) -> None:
    campaign = Campaign((6.3,), "p", ps=ps, timestep_fs=timestep_fs)
    told = variables(campaign, runs_of(campaign)[0], "produce")
    last = round(float(told["ps"]) * 1000 / float(told["timestep_fs"]))
    assert 0 <= last - wanted_step(campaign) <= 1


def test_lammps_that_ends_too_early_is_not_started_for_ever(
    tmp_path: Path, restarts: dict[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path / "c", Campaign((6.3,), "p", ps=1.0, attempts=2))
    place = made.run_folder(made.runs[0])
    for name in ("koh.data", "equil.data"):
        (place / name).touch()
    (place / "koh.restart").write_bytes(restarts[40])
    started = []

    def run_command(self: Worker, command: list[str], *rest: object) -> int:
        started.append(command)
        return 0

    monkeypatch.setattr(Worker, "_run_command", run_command)
    assert Worker(made, "produce").work(made.runs) == FAILED
    assert len(started) == 2
    assert "LAMMPS ended too early" in made.run_status(made.runs[0])["problem"]


def folder(path: Path, campaign: Campaign, site: Site | None = None) -> CampaignFolder:
    return create(path, campaign, site or Site(engine="pykoh", gpus=0, cpus=1), SHIPPED)


def test_scripts_ask_for_what_the_site_says(tmp_path: Path) -> None:
    site = Site(
        partition="gpu", account="me", gpus=2, runs_per_job=2, modules=("cuda/12",), setup="true",
        extra=("--constraint=a100",),
    )  # fmt: skip
    jobs = jobs_of(folder(tmp_path / "c", Campaign((1.7, 6.3, 12.7), "p"), site))
    assert [job.after for job in jobs] == ["", "build", "equilibrate", "produce", "analyze"]
    produce = jobs[2].text
    for line in ("--array=0-1", "--gpus=2", "--partition=gpu", "--account=me", "--requeue"):
        assert f"#SBATCH {line}\n" in produce
    assert "#SBATCH --constraint=a100" in produce and "module load cuda/12" in produce
    assert "export OMP_NUM_THREADS=4 GOMP_SPINCOUNT=10000\n" in produce
    assert "--gpus" not in jobs[3].text, "an analysis needs no GPU"
    for job in jobs:
        check = subprocess.run(["bash", "-n"], input=job.text, text=True, capture_output=True)
        assert check.returncode == 0, check.stderr


def test_a_campaign_can_grow_but_not_change(tmp_path: Path) -> None:
    folder(tmp_path / "c", Campaign((6.3,), "p", ps=10))
    assert folder(tmp_path / "c", Campaign((6.3,), "p", ps=20)).campaign.ps == 20
    with pytest.raises(CampaignError, match="different atoms"):
        folder(tmp_path / "c", Campaign((6.3,), "p", ps=20, atoms=99))
    with pytest.raises(CampaignError, match="another potential"):
        create(tmp_path / "c", Campaign((6.3,), "p", ps=20), Site(), Path(__file__))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").touch()
    with pytest.raises(CampaignError, match="not empty"):
        folder(tmp_path / "d", Campaign((6.3,), "p"))


def test_runs_can_be_added_and_the_others_stay(tmp_path: Path) -> None:
    where = tmp_path / "c"
    before = folder(where, Campaign((12.7, 6.3), "p", density_kg_per_m3=(1400, 1200))).runs
    grown = Campaign(
        (1.7, 6.3, 12.7), "p", temperatures=(298.15, 333.15), replicas=2,
        density_kg_per_m3=(1000, 1200, 1400),
    )  # fmt: skip
    runs = folder(where, grown).runs
    assert runs[:2] == before, "earlier runs keep their numbers and seeds"
    assert len(runs) == len({run.name for run in runs}) == len({run.seed for run in runs}) == 12
    assert [run.index for run in runs] == list(range(12))
    assert {run.name: run.density_kg_per_m3 for run in runs}["1.7M_333.15K_2"] == 1000
    assert CampaignFolder(where).runs == runs
    assert all(CampaignFolder(where).run_folder(run).is_dir() for run in runs)
    assert folder(where, grown).runs == runs, "the same description adds nothing"

    (where / "runs" / "12.7M_298.15K_1" / "koh.data").touch()
    kept = (where / "campaign.json").read_bytes()
    with pytest.raises(CampaignError, match=r"holds the run 12\.7M.*only runs without a box"):
        folder(where, Campaign((1.7, 6.3), "p", density_kg_per_m3=(1000, 1200)))
    with pytest.raises(CampaignError, match=r"density of the run 12\.7M_298\.15K_1 was another"):
        folder(where, replace(grown, density_kg_per_m3=(1000, 1200, 1399)))
    assert (where / "campaign.json").read_bytes() == kept


def test_a_campaign_of_an_earlier_version_can_grow(tmp_path: Path) -> None:
    """Its campaign.json has no list of runs."""
    before = folder(tmp_path / "c", Campaign((6.3,), "p", replicas=2)).runs
    record = tmp_path / "c" / "campaign.json"
    entry = json.loads(record.read_text())
    del entry["runs"]
    record.write_text(json.dumps(entry))
    assert CampaignFolder(tmp_path / "c").runs == before
    assert folder(tmp_path / "c", Campaign((1.7, 6.3), "p", replicas=2)).runs[:2] == before


def test_last_line_prefers_errors(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("ERROR: bad (src/x.cpp)\nLast command: run\n")
    assert last_line(tmp_path / "log") == "ERROR: bad (src/x.cpp)"
    assert last_line(tmp_path / "none") == "no output"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_wrong_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.pt").symlink_to(SHIPPED)
    (tmp_path / "c.yaml").write_text("molarities: 6.3\npotential: p.pt\n")
    for arguments, expected in (
        (["submit", "none.yaml"], "no such file"),
        (["submit", "c.yaml", "--dry-run", "--local"], "only one"),
        (["submit", "c.yaml", "-o", "no/where"], "create it first"),
        (["status", "koh"], "is not the folder of a campaign"),
    ):
        done = call(*arguments)
        assert done.exit_code == 1 and expected in done.output, done.output
    monkeypatch.setenv("PATH", "/nowhere")
    done = call("submit", "c.yaml")
    assert done.exit_code == 1 and "not a login node of Slurm" in done.output


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> CampaignFolder:
    """A campaign of one run of 30 atoms whose box is built and equilibrated."""
    campaign = Campaign(
        (6.3,), "p", atoms=30, ps=1.2, equilibrate_ps=0.02, restart_ps=0.01, dump_fs=5.0
    )
    made = folder(tmp_path_factory.mktemp("campaign") / "c", campaign)
    for stage in ("build", "equilibrate"):
        assert worker(made, stage).wait() == 0
    return made


def worker(campaign: CampaignFolder, stage: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "pykoh.campaign.worker", str(campaign.path), stage, "0"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_a_told_worker_stops_and_the_next_goes_on(tiny: CampaignFolder) -> None:
    run = tiny.runs[0]
    place = tiny.run_folder(run)
    first = worker(tiny, "produce")
    deadline = time.monotonic() + 240
    # The second begins as soon as the first has the run: by its end few steps are made.
    while not (place / "produce.out").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    second = worker(tiny, "produce")
    assert second.wait() == BUSY, "a run is worked on once at a time"
    # The second does not write into the status of the first.
    assert tiny.run_status(run)["state"] in ("running", "done")
    while (restart_step(place / "koh.restart") or 0) < 40 and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGUSR1)
    assert first.wait() == AGAIN
    reached = restart_step(place / "koh.restart")
    # On a busy machine the second takes so long to start that the first comes to its end.
    assert reached is not None and 40 <= reached <= 2400
    # The newest file is damaged on the way: the one before it counts.
    with (place / "koh.restart").open("r+b") as stream:
        stream.truncate(50)
    assert worker(tiny, "produce").wait() == 0
    assert restart_step(place / "koh.restart") == 2400
    lines = (place / "koh.dump").read_text().splitlines()
    steps = [int(lines[k + 1]) for k, line in enumerate(lines) if line == "ITEM: TIMESTEP"]
    assert steps == list(range(0, 2401, 10)), "no frame is missing, none is given twice"
    status = json.loads((place / "status.json").read_text())
    assert status["state"] == "done" and status["ps_done"] == pytest.approx(1.2)
    again = (place / "koh.dump").stat().st_mtime
    assert worker(tiny, "produce").wait() == 0
    assert (place / "koh.dump").stat().st_mtime == again, "what is done is not done again"
    folder(tiny.path, replace(tiny.campaign, ps=2.4))
    shown = call("status", str(tiny.path)).output
    assert shown.splitlines()[1].endswith("waiting"), "a longer run is not done, and has begun"


def test_a_failure_is_shown_with_its_line(tiny: CampaignFolder, tmp_path: Path) -> None:
    campaign = Campaign((6.3,), "p", atoms=30, ps=0.1, attempts=1, cation="Na")
    made = folder(tmp_path / "c", campaign)
    assert worker(made, "build").wait() == 0
    assert worker(made, "equilibrate").wait() == 1
    shown = call("status", str(made.path))
    assert shown.exit_code == 0
    assert "failed" in shown.output and "knows only H, O, K" in shown.output


def test_runs_share_a_job_and_a_full_disk_stops_them(tmp_path: Path) -> None:
    site = Site(engine="pykoh", gpus=0, cpus=1, runs_per_job=2, free_gb=1e6)
    made = folder(tmp_path / "c", Campaign((6.3,), "p", atoms=30, replicas=2), site)
    assert made.n_tasks == 1
    assert worker(made, "build").wait() == 0
    boxes = [(made.run_folder(run) / "koh.data").read_text() for run in made.runs]
    assert boxes[0] != boxes[1], "replicas are boxes of their own"
    assert worker(made, "equilibrate").wait() == 1
    shown = call("status", str(made.path)).output
    assert shown.count("GB are free on its disk") == 2
    assert not list(made.path.rglob("equil.dump"))


def test_each_molarity_may_have_a_density(tmp_path: Path) -> None:
    (tmp_path / "p.pt").touch()
    text = "molarities: [1, 2]\npotential: p.pt\ncation: Cs\ndensity_kg_per_m3: "
    (tmp_path / "c.yaml").write_text(text + "[1120, 1240]\n")
    runs = runs_of(read_campaign(tmp_path / "c.yaml"))
    assert [run.density_kg_per_m3 for run in runs] == [1120.0, 1240.0]
    (tmp_path / "c.yaml").write_text(text + "1120\n")
    runs = runs_of(read_campaign(tmp_path / "c.yaml"))
    assert [run.density_kg_per_m3 for run in runs] == [1120.0, 1120.0]
    (tmp_path / "c.yaml").write_text(text + "[1120, 1240, 1300]\n")
    with pytest.raises(CampaignError, match=r"line 4: density.*3 densities for 2 molarities"):
        read_campaign(tmp_path / "c.yaml")


def test_another_hydroxide_by_the_same_commands(tmp_path: Path) -> None:
    """LiOH, from the YAML to the series, with a potential that takes Li for K."""
    import torch

    from pykoh.export.export import export_model
    from pykoh.export.read import read_mace_model

    model = read_mace_model(SHIPPED.with_name("koh-7net0-distilled.model"))
    numbers = [3 if int(z) == 19 else int(z) for z in model.atomic_numbers]
    model.atomic_numbers = torch.tensor(numbers)
    torch.save(model, tmp_path / "lioh.model")
    export_model(tmp_path / "lioh.model", tmp_path / "lioh.pt")
    (tmp_path / "c.yaml").write_text(
        "molarities: 3\npotential: lioh.pt\ncation: Li\natoms: 60\nps: 0.02\n"
        "equilibrate_ps: 0.01\nrestart_ps: 0.01\ndump_fs: 2\n"
    )
    (tmp_path / "s.yaml").write_text("engine: pykoh\ngpus: 0\ncpus: 1\n")
    target = tmp_path / "lioh"
    done = call("submit", str(tmp_path / "c.yaml"), "--site", str(tmp_path / "s.yaml"), "-o",
                str(target), "--local")  # fmt: skip
    assert done.exit_code == 0, done.output
    result = json.loads((target / "runs" / "3M_298.15K_1" / "results" / "results.json").read_text())
    text = json.dumps(result)
    assert '"Li' in text and "K+" not in text
    assert (target / "series" / "298.15K" / "report.html").stat().st_size > 10_000

    # More picoseconds later: the run goes on, and is analysed again.
    assert result["input"]["n_frames"] == 11
    (tmp_path / "c.yaml").write_text((tmp_path / "c.yaml").read_text().replace("0.02", "0.03"))
    done = call("submit", str(tmp_path / "c.yaml"), "--site", str(tmp_path / "s.yaml"), "-o",
                str(target), "--local")  # fmt: skip
    assert done.exit_code == 0, done.output
    result = json.loads((target / "runs" / "3M_298.15K_1" / "results" / "results.json").read_text())
    assert result["input"]["n_frames"] == 16


def test_options_say_what_a_file_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.pt").symlink_to(SHIPPED)
    done = call("submit", "--molarity", "1.7", "--molarity", "6.3", "--potential", "p.pt", "--ps",
                "20", "--set", "dump_fs=5", "-o", "koh", "--dry-run")  # fmt: skip
    assert done.exit_code == 0, done.output
    spec = CampaignFolder(tmp_path / "koh").campaign
    assert (spec.molarities, spec.ps, spec.dump_fs) == ((1.7, 6.3), 20.0, 5.0)
    # Options win over a file, whose paths are beside it.
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "q.pt").symlink_to(SHIPPED)
    (tmp_path / "d" / "c.yaml").write_text("molarities: 3\npotential: q.pt\nps: 10\n")
    done = call("submit", "d/c.yaml", "--ps", "30", "-o", "koh2", "--dry-run")
    assert done.exit_code == 0, done.output
    spec = CampaignFolder(tmp_path / "koh2").campaign
    assert (spec.molarities, spec.ps) == ((3.0,), 30.0)
    # A login node may lack torch.
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "pykoh.engines.artifact", raising=False)
        without.setitem(sys.modules, "torch", None)
        (tmp_path / "text.pt").write_text("no potential")
        done = call("submit", "d/c.yaml", "--potential", "text.pt", "-o", "koh3", "--dry-run")
        assert done.exit_code == 0, done.output
    for arguments, expected in (
        (["--set", "dump=5"], "--set dump=…: is unknown; the keys are molarities"),
        (["--set", "dump_fs"], "give KEY=VALUE"),
        (["--ps", "-1"], "--ps: -1.0: has to be between"),
        (["--ps", "5", "--set", "ps=-2"], "--set ps=…: -2: has to be between"),
        (["--potential", "none.pt"], "--potential: none.pt: no such file"),
        (["--potential", "d/c.yaml"], "c.yaml: is not a pykoh potential"),
        (["--set", "cation=Cs", "--set", "density_kg_per_m3=1100"], "knows H, O, K, not Cs"),
    ):
        done = call("submit", "d/c.yaml", *arguments, "-o", "k", "--dry-run")
        assert done.exit_code == 1 and expected in done.output, done.output
    for arguments, expected in (
        ([], "give a campaign file"),
        (["--potential", "p.pt"], "the campaign (YAML): molarities is missing"),
    ):
        done = call("submit", *arguments, "-o", "k", "--dry-run")
        assert done.exit_code == 1 and expected in done.output, done.output
