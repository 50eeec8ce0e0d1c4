"""A run that begins out of equilibrium is found, one in equilibrium is not, and both are said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import report_cases
from exact import ornstein_uhlenbeck
from pykoh.analysis.common.equilibration import (
    Watched,
    drift_warnings,
    drifts,
    halves_warning,
    record,
)
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results.summary import summary
from pykoh.analysis.results.write import as_json
from pykoh.report.page import write_report
from pykoh.report.sections import summary as cards
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import H, K, Molecules, O, write_dump

SIDE, SPACING = 5, 3.6


def liquid(seed: int, spread: np.ndarray, n_koh: int = 6) -> tuple[np.ndarray, list[int]]:
    """Return molecules and ions that rattle about lattice points, by ``spread`` [n_frames] (Å)."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"), -1).reshape(-1, 3)
    grid = rng.permutation(grid) * SPACING
    n_o = len(grid) - n_koh
    heavy = ornstein_uhlenbeck(rng, len(spread), (len(grid), 3), 5.0, 1.0)
    heavy = grid + spread[:, None, None] * heavy
    owner = np.repeat(np.arange(n_o), [1] * n_koh + [2] * (n_o - n_koh))
    bonds = rng.normal(size=(len(owner), 3))
    bonds *= 0.97 / np.linalg.norm(bonds, axis=1)[:, None]
    frames = np.concatenate([heavy[:, owner] + bonds, heavy], axis=1)
    return frames, [H] * len(owner) + [O] * n_o + [K] * n_koh


def analysed(folder: Path, spread: np.ndarray, seed: int = 1, **settings: object) -> object:
    frames, types = liquid(seed, spread)
    path = write_dump(
        folder / "run.dump", frames, types, SIDE * SPACING * np.eye(3), digits=".4f",
        times=[0.05 * k for k in range(len(frames))],
    )  # fmt: skip
    return analyze(Run([path], ReadOptions()), Settings(temperature_K=300.0, **settings))


def test_a_box_straight_from_a_lattice_is_said_everywhere(tmp_path: Path) -> None:
    ramp = np.minimum(np.linspace(0.05, 1.6, 400), 0.35)
    results = analysed(tmp_path, ramp)
    assert any(text.startswith("O around O") for text in results.input.drifts)
    tree = as_json(results)
    assert tree["input"]["begins_in_equilibrium"] is False
    assert any(w["quantity"] == "input.equilibration" for w in tree["warnings"])
    assert summary(results).startswith("NOT IN EQUILIBRIUM: ")
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    body = text[text.index("<main>") :]
    assert body.index('class="banner"') < body.index('id="summary"')
    assert "✓" not in cards(results)


def test_a_run_in_equilibrium_has_no_banner(tmp_path: Path) -> None:
    results = analysed(tmp_path, np.full(400, 0.35))
    assert results.input.drifts == ()
    assert as_json(results)["input"]["begins_in_equilibrium"] is True
    assert "EQUILIBRIUM" not in summary(results)
    assert '"banner"' not in write_report(results, tmp_path).read_text(encoding="utf-8")


def test_a_few_frames_do_not_tell(tmp_path: Path) -> None:
    results = analysed(tmp_path, np.full(10, 0.35))
    assert results.input.drifts is None
    assert as_json(results)["input"]["begins_in_equilibrium"] is None


def test_correlated_noise_is_rarely_a_drift() -> None:
    found = 0
    for seed in range(200):
        noise = ornstein_uhlenbeck(np.random.default_rng(seed), 64, (1,), 3.0, 1.0)[:, 0]
        found += drifts([Watched("x", "", 10.0 + noise, np.ones(64))]) != ()
    assert found <= 6


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_energy_counts_its_change_not_its_size(tmp_path: Path, sign: float) -> None:
    rng = np.random.default_rng(2)
    n = 2000
    energy = -5e5 + rng.normal(size=n) + sign * 5.0 * np.exp(-np.arange(n) / 300.0)
    rows = np.column_stack([np.arange(n), 0.002 * np.arange(n), 300 + rng.normal(size=n), energy])
    path = tmp_path / "koh.pressure.txt"
    np.savetxt(path, rows, header="pressure\nstep time_ps temperature_K potential_eV", fmt="%.9g")
    found = drifts(record([str(path)], 0.0, 99.0))
    assert found is not None
    assert [text.split(" -")[0] for text in found] == ["potential energy"]
    first, second = (float(word) for word in found[0].split() if word.startswith("-"))
    assert sign * (first - second) > 1.0
    later = drifts(record([str(path)], 2.4, 99.0))
    assert later == ()


def test_a_record_without_these_columns_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "koh.pressure.txt"
    path.write_text("# pressure tensor\n# step time_ps pxx_bar\n0 0.0 1.0\n2 0.001 2.0\n")
    assert drifts(record([str(path)], 0.0, 1.0)) is None
    assert drift_warnings(None) == []


def test_no_verdict_is_converged_in_a_run_that_drifts() -> None:
    results = report_cases.full()
    assert "✓" in cards(results)
    moved = dataclasses.replace(results.input, drifts=("temperature 400 K, then 300 K",))
    drifting = dataclasses.replace(
        results, input=moved, warnings=tuple(drift_warnings(moved.drifts))
    )
    assert "✓" not in cards(drifting)
    json.dumps(as_json(drifting))


def test_halves_that_differ_are_a_warning() -> None:
    rng = np.random.default_rng(5)
    steady, time = rng.poisson(30.0, 64).astype(float), np.full(64, 60.0)
    assert halves_warning("x", "per ps", steady, time) == []
    rising = np.concatenate([steady[:32], 2.0 * steady[32:]])
    (warning,) = halves_warning("grotthuss.hop_rate_per_ps", "per ps", rising, time)
    numbers = [float(word) for word in warning.reason.split() if word.startswith("0.")]
    assert numbers == pytest.approx([0.5, 1.0], rel=0.1)
    assert halves_warning("x", "per ps", steady[:8], time[:8]) == []


def test_halves_of_noise_rarely_differ() -> None:
    found = 0
    for seed in range(200):
        noise = ornstein_uhlenbeck(np.random.default_rng(seed), 64, (1,), 1.0, 1.0)[:, 0]
        found += bool(halves_warning("x", "", 10.0 + noise, np.ones(64)))
    assert found <= 6


def test_the_hop_rate_of_halves_is_compared(tmp_path: Path) -> None:
    """An ion that hops in the second half of a run only."""
    scene = Molecules([[0, 0, 0], [2.7, 0, 0], [9, 9, 9]], [1, 2, 2])
    scene.wait(400)
    for _ in range(40):
        scene.hop(0, to=1)
        scene.wait(5)
        scene.hop(1, to=0)
        scene.wait(5)
    path = write_dump(
        tmp_path / "run.dump", scene.positions, scene.types, scene.cell,
        times=0.1 * np.arange(len(scene.positions)),
    )  # fmt: skip
    results = analyze(Run([path], ReadOptions()), Settings(temperature_K=300.0))
    reasons = results.reasons("grotthuss.hop_rate_per_ps")
    assert any("halves of the run differ" in reason for reason in reasons)
