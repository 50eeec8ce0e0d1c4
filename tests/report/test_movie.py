"""A hop that is watched: the right hop, the right atoms, in a page that needs no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import pykoh
import pykoh.trajectory.run as run_module
from pykoh.analysis.checkpoint import Checkpoint
from pykoh.analysis.hops.counter import HopCounter
from pykoh.analysis.hops.identity import HydroxideTracker
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results import AnalysisResults, HopScene
from pykoh.analysis.results.write import as_json
from pykoh.analysis.workers import Workers
from pykoh.cli import main
from pykoh.errors import OutputError, TrajectoryError
from pykoh.report import movie as movie_module
from pykoh.report import view as view_module
from pykoh.report.page import write_report
from pykoh.trajectory.run import ReadOptions, Run
from test_report_browser import CHROMIUM
from trajectories import Molecules, koh_walkers, write_dump

DT = 0.01
SETTINGS = Settings(temperature_K=300.0)
VENDOR = Path(movie_module.__file__).parent / "vendor"


class KilledError(Exception):
    """Stands for the end of the process."""


def written(path: Path, positions: np.ndarray, types: list[int], cell: np.ndarray) -> Path:
    times = DT * np.arange(len(positions))
    return write_dump(path, positions, types, cell, times=times, units="metal")


def scripted(hop: bool = True) -> Molecules:
    """Return a rattle of O 0 at frames 20 to 25, and a hop from it to O 2 at frame 65."""
    near = [(1.0, 5, 5), (3.8, 5, 5), (18.2, 5, 5), (1.0, 9, 5), (10.5, 15, 15)]
    box = Molecules(near, [1, 2, 2, 2, 2], cations=[(1.0, 5, 8), (10, 5, 15)])
    box.wait(20)
    box.hop(0, 1)
    box.wait(5)
    box.hop(1, 0)
    box.wait(40)
    if hop:
        box.hop(0, 2)
    box.wait(60)
    return box


def walkers(path: Path, n: int = 400, seed: int = 4) -> Path:
    positions, types = koh_walkers(np.random.default_rng(seed), n, hop=0.02)
    return written(path, positions, types, 12.0 * np.eye(3))


def analysed(path: Path, **more: Any) -> AnalysisResults:
    return analyze(Run([path], ReadOptions()), SETTINGS, **more)


def same(one: HopScene | None, other: HopScene | None) -> None:
    assert one is not None and other is not None
    for name in HopScene.__dataclass_fields__:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripted")
    box = scripted()
    results = analysed(written(folder / "a.dump", box.positions, box.types, box.cell))
    return write_report(results, folder)


def data_of(text: str, name: str) -> dict[str, Any]:
    found = re.findall(rf'<script type="application/json" id="data-movie-{name}">(.*?)</script>',
                       text, re.DOTALL)  # fmt: skip
    assert len(found) == 1
    data: dict[str, Any] = json.loads(found[0])
    whole = np.frombuffer(base64.b64decode(data["xyz"]), dtype="<i2")
    data["xyz"] = whole.reshape(len(data["times"]), len(data["elements"]), 3) * data["scale"]
    for what in ("owner", "carrier"):
        values = np.tile(data[what], (len(data["times"]), 1))
        for frame, place, value in data[what + "s"]:
            values[frame:, place] = value
        data[what + "s"] = values
    return data


def test_the_scene_is_the_hop_and_not_the_rattle(tmp_path: Path) -> None:
    box = scripted()
    results = analysed(written(tmp_path / "a.dump", box.positions, box.types, box.cell))
    scene, n_h = results.scene, len(box.owner)
    assert scene is not None
    assert scene.frame == 65 and scene.time_ps == pytest.approx(65 * DT)
    assert np.allclose(scene.times_ps, DT * np.arange(50, 81))
    # Ids begin at 1, hydrogens first. What is near: O 0 to 3, their 7 H, and the first cation.
    oxygens = [n_h + 1 + k for k in range(4)]
    hydrogens = [h + 1 for h in range(n_h) if box.owner[h] < 4]
    assert sorted(scene.ids) == sorted([*hydrogens, *oxygens, n_h + 5 + 1])
    assert scene.ids[scene.old] == oxygens[0] and scene.ids[scene.new] == oxygens[2]
    carriers = scene.ids[scene.carrier]
    assert (carriers[:15] == oxygens[0]).all() and (carriers[15:] == oxygens[2]).all()
    # The proton goes the other way.
    owners = scene.ids[scene.owner[:, scene.proton]]
    assert (owners[:15] == oxygens[2]).all() and (owners[15:] == oxygens[0]).all()
    # Neighbours lie side by side, though the boundary is between them.
    apart = scene.positions_A[:, scene.new] - scene.positions_A[:, scene.old]
    assert np.allclose(np.linalg.norm(apart, axis=1), 2.8, atol=1e-5)
    frames, atoms = np.nonzero(scene.owner >= 0)
    bonds = scene.positions_A[frames, atoms] - scene.positions_A[frames, scene.owner[frames, atoms]]
    assert np.allclose(np.linalg.norm(bonds, axis=1), 0.97, atol=1e-5)
    assert not {"scene", "hop_scene"} & set(as_json(results))


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_it_is_the_first_hop_that_can_be_shown(tmp_path: Path, seed: int) -> None:
    path = walkers(tmp_path / "a.dump", seed=seed)
    run = Run([path], ReadOptions())
    blocks = list(run.blocks())
    positions = np.concatenate([block.positions for block in blocks])
    moved = HydroxideTracker(run.atoms).add(positions, np.concatenate([b.cells for b in blocks]))
    counter = HopCounter(4, DT, SETTINGS.rattle_window_ps, np.zeros(0))
    hops = counter.add(moved.events, moved.vectors_A, len(positions), last_block=True).events
    able = [
        hop for hop in sorted(hops.tolist())
        if 15 <= hop[0] < len(positions) - 15
        and ((moved.owner[hop[0] - 1] == hop[3]) & (moved.owner[hop[0]] == hop[2])).sum() == 1
    ]  # fmt: skip
    scene = analysed(path).scene
    assert scene is not None and scene.frame == able[0][0]
    oxygens = run.atoms.ids[run.atoms.species == 1]
    assert [scene.ids[scene.old], scene.ids[scene.new]] == oxygens[able[0][2:]].tolist()


def test_no_scene_without_hops_or_of_frames_too_far_apart(tmp_path: Path) -> None:
    box = scripted(hop=False)
    path = written(tmp_path / "a.dump", box.positions, box.types, box.cell)
    results = analysed(path)
    assert results.grotthuss.n_rattles == 2 and results.scene is None
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    assert "3Dmol" not in text and "movie-hop" not in text
    assert text.count("<script") == 1
    box = scripted()
    path = written(tmp_path / "b.dump", box.positions[::10], box.types, box.cell)
    coarse = analyze(Run([path], ReadOptions(stride=10)), SETTINGS)
    assert coarse.scene is None


@pytest.mark.parametrize("killed_at", [20, 200])
def test_blocks_workers_and_interruptions_do_not_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    path = walkers(tmp_path / "a.dump", seed=7)
    whole = analysed(path).scene
    monkeypatch.setattr(run_module, "_ATOM_FRAMES_PER_BLOCK", 700)
    same(whole, analysed(path).scene)
    same(whole, analysed(path, workers=Workers(3)).scene)

    def die(n: int) -> None:
        if n >= killed_at:
            raise KilledError

    state = tmp_path / "state.npz"
    run = Run([path], ReadOptions())
    with pytest.raises(KilledError):
        analyze(run, SETTINGS, die, checkpoint=Checkpoint(state, run, SETTINGS, 0.0))
    said: list[str] = []
    run = Run([path], ReadOptions())
    keeper = Checkpoint(state, run, SETTINGS, 0.0, say=said.append)
    same(whole, analyze(run, SETTINGS, checkpoint=keeper).scene)
    assert said and "goes on after" in said[0]


def test_the_library_is_the_published_one() -> None:
    digest = hashlib.sha256((VENDOR / "3Dmol-min.js").read_bytes()).hexdigest()
    assert digest in (VENDOR / "README.md").read_text(encoding="utf-8")
    assert "3Dmol.js" in (VENDOR / "3Dmol-LICENSE.txt").read_text(encoding="utf-8")


def test_the_report_holds_the_viewer_once_and_loads_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    library = (VENDOR / "3Dmol-min.js").read_text(encoding="utf-8")
    assert text.count(library) == 1 and text.count('<figure class="movie"') == 1
    rest = text.replace(library, "")
    # The library waits as text; nothing that runs or is shown comes from elsewhere.
    assert '<script type="text/plain" id="library-3dmol">' in rest
    assert not re.search(r"fetch|XMLHttp|import\(|WebSocket|eval\(|src=|<link|<iframe", rest)
    for address in re.findall(r"https?://[^\s\"'<>]+", rest):
        assert address.startswith(("https://doi.org/", "http://www.w3.org/")), address
    data = data_of(rest, "hop")
    assert data["times"] == [10.0 * k for k in range(-15, 16)] and data["unit"] == "fs"
    frames, atoms = np.nonzero(data["owners"] >= 0)
    bonds = data["xyz"][frames, atoms] - data["xyz"][frames, data["owners"][frames, atoms]]
    assert np.allclose(np.linalg.norm(bonds, axis=1), 0.97, atol=0.03)
    # The two oxygens lie side by side.
    old, new = (data["xyz"][15, data["carriers"][k, 0]] for k in (0, -1))
    assert np.allclose(new - old, [2.8, 0, 0], atol=0.02)
    assert "H 4 (yellow) leaves the water of O 12 and goes to the hydroxide of O 10" in text


def test_a_whole_run_is_shown_in_its_box(tmp_path: Path) -> None:
    path = walkers(tmp_path / "a.dump", 60)
    page = pykoh.view(path, tmp_path / "view.html", options=ReadOptions(stride=2))
    data = data_of(page.read_text(encoding="utf-8"), "run")
    run = Run([path], ReadOptions(stride=2))
    blocks = list(run.blocks())
    moved = HydroxideTracker(run.atoms).add(blocks[0].positions, blocks[0].cells)
    oxygens = np.flatnonzero(run.atoms.species == 1)
    assert np.array_equal(data["carriers"], oxygens[moved.carriers])
    assert len(data["times"]) == 30 and data["times"][1] == 2 * DT
    heavy = np.array([element != "H" for element in data["elements"]])
    inside = data["xyz"][:, heavy]
    assert inside.min() >= -0.01 and inside.max() <= 12.01
    shift = (data["xyz"] - blocks[0].positions) / 12.0
    assert np.abs(shift - np.round(shift)).max() < 0.001
    frames, atoms = np.nonzero(data["owners"] >= 0)
    bonds = data["xyz"][frames, atoms] - data["xyz"][frames, data["owners"][frames, atoms]]
    assert np.linalg.norm(bonds, axis=1).max() < 1.0


def test_what_cannot_be_shown_is_refused_and_the_old_page_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, page = walkers(tmp_path / "a.dump", 60), tmp_path / "view.html"
    page.write_text("old")
    with pytest.raises(OutputError, match="exists already"):
        pykoh.view(path, page)
    with pytest.raises(OutputError, match=r"name it NAME\.html"):
        pykoh.view(path, tmp_path / "view.txt")
    with pytest.raises(OutputError, match="is a folder"):
        pykoh.view(path, tmp_path, force=True)
    with pytest.raises(OutputError, match="does not exist"):
        pykoh.view(path, tmp_path / "no" / "view.html")
    with pytest.raises(TrajectoryError, match="no such file"):
        pykoh.view(tmp_path / "b.dump", page, force=True)
    monkeypatch.setattr(view_module, "MOST_ATOM_FRAMES", 3000)
    shown = CliRunner().invoke(main, ["view", str(path), "-o", str(page), "--force"])
    assert shown.exit_code == 1 and len(shown.output.splitlines()) == 1
    assert "holds 35 frames of 84 atoms; choose frames with --stride N, --start PS" in shown.output
    assert page.read_text() == "old"
    given = ["view", str(path), "-o", str(page), "--force", "--stop", "0.2"]
    shown = CliRunner().invoke(main, given)
    assert shown.exit_code == 0 and "view.html (0." in shown.output
    assert "hydroxide ions, 21 frames from 0 to 0.2 ps" in page.read_text(encoding="utf-8")


def test_a_trajectory_that_was_cut_off_is_shown_with_a_warning(tmp_path: Path) -> None:
    path = walkers(tmp_path / "a.dump", 20)
    path.write_text(path.read_text()[:-200])
    given = ["view", str(path), "-o", str(tmp_path / "view.html")]
    shown = CliRunner().invoke(main, given)
    assert shown.exit_code == 0 and "Warning: " in shown.output and "incomplete" in shown.output
    assert "19 frames" in (tmp_path / "view.html").read_text(encoding="utf-8")


PROBE = """
<script>
"use strict";
const found = { before: document.querySelectorAll("canvas").length };
document.querySelector(".stage button").click();
const slider = document.querySelector(".controls input");
const time = () => document.querySelector(".controls output").textContent;
found.canvas = document.querySelectorAll(".stage canvas").length;
found.times = [0, 15, 30].map((frame) => {
  slider.value = frame;
  slider.dispatchEvent(new Event("input"));
  return time();
});
document.querySelector(".controls button").click();
found.playing = document.querySelector(".controls button").ariaLabel;
document.title = JSON.stringify(found);
</script>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_browser_shows_the_atoms(page: Path) -> None:
    assert CHROMIUM is not None
    probed = page.with_name("probed.html")
    text = page.read_text(encoding="utf-8")
    probed.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--enable-logging=stderr",
            "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
            f"--user-data-dir={page.parent / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND",
            "--window-size=900,900", "--dump-dom", probed.as_uri(),
        ],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert not re.findall(r"CONSOLE.*", done.stderr)
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None, done.stderr[-2000:]
    found = json.loads(title.group(1).replace("&quot;", '"'))
    assert found["before"] == 0 and found["canvas"] >= 1
    assert found["times"] == ["−150 fs", "0 fs", "150 fs"]
    assert found["playing"] == "pause"
