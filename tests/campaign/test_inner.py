"""Campaigns with multiple time steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pykoh.campaign.engine import simulation_command
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign, read_campaign
from pykoh.campaign.submission import make_folder
from pykoh.errors import CampaignError
from pykoh.resources import shipped

REAL = shipped("potentials") / "koh-blyp-d3"
HERE = Site(engine="pykoh", gpus=0, cpus=1)


def described(folder: Path, more: str = "inner: inner.pt\n") -> Campaign:
    for name in ("koh.pt", "inner.pt"):
        (folder / name).write_bytes((REAL / name).read_bytes())
    path = folder / "campaign.yaml"
    path.write_text(f"molarities: 6.3\npotential: koh.pt\natoms: 60\nps: 1\n{more}")
    return read_campaign(path)


def test_the_campaign_has_a_copy_and_each_stage_uses_it(tmp_path: Path) -> None:
    made = make_folder(described(tmp_path), HERE, tmp_path / "c")
    assert (tmp_path / "c" / "inner.pt").read_bytes() == (REAL / "inner.pt").read_bytes()
    for stage in ("equilibrate", "produce"):
        command = simulation_command(made.campaign, made.site, made.runs[0], stage)
        assert command[-6:-2] == ["--inner", "../../inner.pt", "--every", "2"]
        assert (made.run_folder(made.runs[0]) / command[-5]).resolve().is_file()
    alone = replace(made.campaign, inner="")
    assert "--inner" not in simulation_command(alone, made.site, made.runs[0], "produce")


def test_it_cannot_change_on_the_way(tmp_path: Path) -> None:
    campaign = described(tmp_path)

    def again(changed: Campaign) -> CampaignFolder:
        return create(tmp_path / "c", changed, HERE, Path(changed.potential))

    again(campaign)
    assert again(replace(campaign, ps=2.0)).campaign.ps == 2.0
    with pytest.raises(CampaignError, match="another inner potential"):
        again(replace(campaign, inner=""))
    with pytest.raises(CampaignError, match="another inner potential"):
        again(replace(campaign, inner=str(REAL / "koh.pt")))
    with pytest.raises(CampaignError, match="different every"):
        again(replace(campaign, every=4))
    create(tmp_path / "d", replace(campaign, inner=""), HERE, Path(campaign.potential))
    with pytest.raises(CampaignError, match="single time steps"):
        create(tmp_path / "d", campaign, HERE, Path(campaign.potential))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("inner: none.pt\n", "line 5: inner.*none.pt: no such file"),
        ("inner: inner.pt\nevery: 1\n", "line 6: every"),
        ("inner: inner.pt\nevery: 5\n", "line 6: every.*use 2 or 4"),
        ("inner: inner.pt\nevery: 8\n", "line 6: every.*use 2 or 4"),
        (
            "inner: inner.pt\nevery: 4\ntimestep_fs: 1\n",
            "line 6: every: every 4 steps of 1.*use 2$",
        ),
        ("inner: inner.pt\ntimestep_fs: 1.5\n", "line 6: timestep_fs.*timestep_fs of 1 or less"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(CampaignError, match=message):
        described(tmp_path, more)


def test_lmp_does_not_do_it(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="engine: pykoh"):
        make_folder(described(tmp_path), Site(), tmp_path / "c")
    assert not (tmp_path / "c").exists()
