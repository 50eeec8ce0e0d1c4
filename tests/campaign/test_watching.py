"""Guards at work on a run of a campaign: frames are kept, or the run is stopped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from labels import frames
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign
from pykoh.campaign.watching import Watch
from pykoh.cli import main
from pykoh.errors import CampaignError
from test_guards import far_proton
from test_guards import write as write_dump

POTENTIALS = Path(__file__).parents[2] / "potentials"
SHIPPED = POTENTIALS / "koh-7net0-distilled" / "koh.pt"
OTHER = POTENTIALS / "koh-blyp-d3" / "koh.pt"


def watched(path: Path, **settings: float) -> tuple[CampaignFolder, Watch, Path]:
    """Return a campaign with a committee, the watch of its run, and where its dump is."""
    campaign = Campaign((6.3,), "p", committee=("q",), **settings)  # type: ignore[arg-type]
    made = create(path, campaign, Site(engine="pykoh"), SHIPPED, [OTHER])
    return made, Watch(made, made.runs[0]), made.run_folder(made.runs[0]) / "koh.dump"


def test_a_broken_molecule_stops_a_run_and_keeps_the_frame(tmp_path: Path) -> None:
    from ase.io import read

    made, watch, path = watched(tmp_path / "c", flag_eV_per_A=100.0, stop_eV_per_A=100.0)
    box = frames("dense", "a", 1, seed=1)[0]
    write_dump(path, [box])
    said = watch.check()
    assert said["flagged"] == 0 and 0 < said["disagreement_eV_per_A"] < 100
    far_proton(box)
    write_dump(path, [box])
    with pytest.raises(CampaignError, match=r"from the nearest O.*pykoh label can label it"):
        watch.check()
    flagged = read(watch.flagged)
    assert flagged.get_chemical_symbols() == box.get_chemical_symbols()
    assert flagged.info["run"] == "koh_6.3M_298.15K_1_flagged"
    assert flagged.info["molarity"] == 6.3
    assert "1 frames kept" in CliRunner().invoke(main, ["status", str(made.path)]).output


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"max_force_eV_per_A": 0.1}, r"is .* eV/Å, more than max_force_eV_per_A 0.1"),
        ({"stop_eV_per_A": 1e-4}, r"committee disagrees by .* about atom \d+"),
        ({"flag_eV_per_A": 1e-4, "stop_eV_per_A": 100.0}, None),
    ],
)
def test_forces_stop_or_flag(
    tmp_path: Path, settings: dict[str, float], problem: str | None
) -> None:
    from ase.io import read

    _, watch, path = watched(tmp_path / "c", **settings)
    write_dump(path, frames("dense", "a", 1, seed=1))
    if problem is None:
        said = watch.check()
        assert said["flagged"] == 1
    else:
        with pytest.raises(CampaignError, match=problem):
            watch.check()
    flagged = read(watch.flagged, index=":")
    assert len(flagged) == 1
    # A second look comes too early: looking costs 5 % of the time at most.
    assert problem is not None or watch.check() == {}


def test_without_vesin_only_a_committee_complains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vesin", None)
    _, watch, path = watched(tmp_path / "c")
    write_dump(path, frames("dense", "a", 1, seed=1))
    with pytest.raises(CampaignError, match="committee needs the Python package vesin"):
        watch.check()
    alone = create(tmp_path / "d", Campaign((6.3,), "p"), Site(engine="pykoh"), SHIPPED)
    path = alone.run_folder(alone.runs[0]) / "koh.dump"
    write_dump(path, frames("dense", "a", 1, seed=1))
    assert Watch(alone, alone.runs[0]).check() == {}


def test_committees_are_copied_and_may_change(tmp_path: Path) -> None:
    made, _, _ = watched(tmp_path / "c")
    assert [p.name for p in made.potentials] == ["potential.pt", "committee_1.pt"]
    spec = Campaign((6.3,), "p", flag_eV_per_A=0.5)
    again = create(tmp_path / "c", spec, Site(engine="pykoh"), SHIPPED)
    assert [p.name for p in again.potentials] == ["potential.pt"]
