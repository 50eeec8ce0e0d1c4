"""``pykoh extend``: kept frames are labelled and learned from, and a campaign begins anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write
from click.testing import CliRunner, Result

from labels import frames, label_file
from potentials import random_mace
from pykoh.campaign.extend import flagged_frames
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign, read_campaign
from pykoh.cli import main
from pykoh.errors import CampaignError

SHIPPED = Path(__file__).parents[2] / "potentials" / "koh-7net0-distilled" / "koh.pt"
TEACHER = """
from ase.calculators.lj import LennardJones


def calculator():
    return LennardJones(sigma=1.0, epsilon=0.004, rc=2.5, smooth=True)
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CampaignFolder:
    """A campaign of two runs: one with a box and three kept frames, one of them broken."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "teacher.py").write_text(TEACHER)
    # Other tests have a module of this name too.
    monkeypatch.delitem(sys.modules, "teacher", raising=False)
    # It has grown: its first run is the second one of the description.
    site = Site(engine="pykoh", gpus=0)
    create(tmp_path / "koh", Campaign((9.3,), "p", temperatures=(333.15,), ps=5.0), site, SHIPPED)
    spec = Campaign((9.3,), "p", temperatures=(298.15, 333.15), ps=5.0)
    made = create(tmp_path / "koh", spec, site, SHIPPED)
    first, second = (made.run_folder(run) for run in made.runs)
    (first / "equil.data").write_text("an equilibrated box\n")
    kept = frames("dense", "first_flagged", 3, seed=5)
    kept[1].positions[0] = kept[1].positions[1] + 0.1
    for frame, sigma in zip(kept, (0.4, 9.0, 0.6), strict=True):
        frame.info["disagreement_eV_per_A"] = sigma
    write(first / "flagged.extxyz", kept, format="extxyz")
    write(second / "flagged.extxyz", frames("dense", "second_flagged", 1, seed=6))
    return made


def test_runs_take_turns_and_broken_frames_stay_out(campaign: CampaignFolder) -> None:
    chosen, broken = flagged_frames(campaign, 10)
    assert broken == 1
    assert [frame.info["run"] for frame in chosen] == [
        "first_flagged",
        "second_flagged",
        "first_flagged",
    ]
    assert chosen[0].info["disagreement_eV_per_A"] == 0.6
    assert len(flagged_frames(campaign, 2)[0]) == 2


def test_a_frame_that_was_kept_twice_counts_once(campaign: CampaignFolder) -> None:
    # A run that a guard stopped stops at the same frame when it is submitted again.
    path = campaign.run_folder(campaign.runs[0]) / "flagged.extxyz"
    kept = read(path, index=":")
    write(path, [*kept, kept[2], kept[2]], format="extxyz")
    chosen, _ = flagged_frames(campaign, 10)
    assert [frame.info["run"] for frame in chosen].count("first_flagged") == 2
    assert len(chosen) == 3


def test_a_campaign_learns_and_begins_anew(campaign: CampaignFolder, tmp_path: Path) -> None:
    old = [*frames("dense", "a", 2, seed=1), *frames("dense", "b", 2, seed=2)]
    write("frames.extxyz", old, format="extxyz")
    done = call("label", "frames.extxyz", "-o", "labels.extxyz", "--calculator",
                "teacher:calculator")  # fmt: skip
    assert done.exit_code == 0, done.output
    random_mace(tmp_path / "koh.model", hidden="4x0e", max_ell=1)
    options = [
        "extend", "koh", "--model", "koh.model", "--labels", "labels.extxyz", "-o", "koh2",
        "--calculator", "teacher:calculator", "--epochs", "1", "--committee", "1", "--frames", "2",
    ]  # fmt: skip
    done = call(*options)
    assert done.exit_code == 0, done.output
    place = tmp_path / "koh2.learning"
    learned = read(place / "labels.extxyz", index=":")
    assert len(learned) == 2 and all(np.isfinite(f.arrays["REF_forces"]).all() for f in learned)
    cards = [json.loads((place / f"{n}.json").read_text()) for n in ("potential", "committee_1")]
    for card in cards:
        assert card["n_train"] + card["n_valid"] == 6, "old and new labels are learned from"
    assert cards[0]["options"]["seed"] != cards[1]["options"]["seed"]

    new = CampaignFolder(tmp_path / "koh2")
    assert [p.name for p in new.potentials] == ["potential.pt", "committee_1.pt"]
    boxes = {run.name: new.run_folder(run) / "koh.data" for run in new.runs}
    assert boxes["9.3M_333.15K_1"].read_text() == "an equilibrated box\n"
    assert not boxes["9.3M_298.15K_1"].exists()
    assert "1 of 2 runs begin with equilibrated boxes" in done.output
    # What it says comes next works, and is the same campaign.
    assert read_campaign(place / "campaign.yaml").ps == 5.0
    shown = call("submit", "koh2.learning/campaign.yaml", "--site", "koh2.learning/site.yaml",
                 "-o", "koh2", "--dry-run")  # fmt: skip
    assert shown.exit_code == 0, shown.output
    # Nothing is done twice.
    stamps = {p: p.stat().st_mtime_ns for p in place.glob("*.model")}
    assert call(*options, "--jobs", "2").exit_code == 0
    assert stamps == {p: p.stat().st_mtime_ns for p in place.glob("*.model")}
    # Nor is it passed over in silence that something else is asked for.
    other = call(*options[:-1], "3", "--epochs", "7")
    assert other.exit_code == 1
    assert "other settings (--frames, options of pykoh train)" in other.output


def test_wrong_calls(campaign: CampaignFolder, tmp_path: Path) -> None:
    (tmp_path / "m.model").write_text("a model\n")
    (tmp_path / "l.extxyz").write_text("labels\n")
    options = ["extend", "koh", "--model", "m.model", "--labels", "l.extxyz"]
    for arguments, expected in (
        ([*options, "-o", "koh"], "is the old campaign"),
        ([*options, "-o", "no/where"], "create it first"),
        (["extend", "none", *options[2:], "-o", "k"], "is not the folder of a campaign"),
        ([*options[:3], "none.model", *options[4:], "-o", "k"], "no such file"),
        ([*options[:5], "none.extxyz", "-o", "k"], "no such file"),
    ):
        done = call(*arguments)
        assert done.exit_code == 1 and expected in done.output, done.output
    # A broken file is refused before anything is labelled.
    for labels, expected in (("labels", "not a readable label file"), ("frames", "m.model")):
        if labels == "frames":
            label_file(tmp_path / "l.extxyz")
        done = call(*options, "-o", "k", "--calculator", "teacher:calculator")
        assert done.exit_code == 1 and expected in done.output, done.output
        assert not (tmp_path / "k.learning" / "labels.extxyz").exists()
    # So is a frame that is not periodic.
    made = read(label_file(tmp_path / "l.extxyz"), index=":")
    made[4].pbc = False
    write(tmp_path / "l.extxyz", made, format="extxyz")
    done = call(*options, "-o", "k", "--calculator", "teacher:calculator")
    assert done.exit_code == 1 and "frame 5: is not periodic" in done.output, done.output
    assert not (tmp_path / "k.learning" / "flagged.extxyz").exists()
    for run in campaign.runs:
        (campaign.run_folder(run) / "flagged.extxyz").unlink()
    done = call(*options, "-o", "k")
    assert done.exit_code == 1 and "no run has kept a frame" in done.output
    with pytest.raises(CampaignError):
        CampaignFolder(tmp_path / "k")
