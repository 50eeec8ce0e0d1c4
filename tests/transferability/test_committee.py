"""``pykoh committee``: known relations between error and disagreement are found."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from click.testing import CliRunner, Result

from labels import frames
from potentials import ARCHITECTURES, random_mace, reference
from pykoh.arrays import FloatArray
from pykoh.cli import main
from pykoh.engines.committee import disagreement
from pykoh.errors import TrainingError
from pykoh.transferability.committee import AtomErrors, CommitteeTest, judge
from pykoh.transferability.committee_files import conclusion

N_ATOMS = 40
OFF = 0.4  # eV/Å


def ensemble(rng: np.random.Generator, common: float, n_runs: int = 6) -> CommitteeTest:
    """Judge four potentials whose errors are Gaussian, wider for some atoms, with a common part.

    The trajectories differ: all forces of one are off by more than those of another.
    """
    number: list[int] = []
    sigma: list[FloatArray] = []
    error: list[FloatArray] = []
    boxes: list[Atoms] = []
    for run in range(n_runs):
        size = rng.uniform(0.5, 1.5) * np.repeat([0.02, 0.05, 0.1, 0.2], N_ATOMS // 4)
        for _ in range(4):
            own = rng.normal(size=(4, N_ATOMS, 3)) * size[:, None]
            shared = common * rng.normal(size=(N_ATOMS, 3)) * size[:, None]
            number += [len(boxes)] * N_ATOMS
            sigma.append(disagreement(own + shared))
            error.append(np.linalg.norm(own[0] + shared, axis=1))
            boxes.append(Atoms("H", info={"run": f"run{run}", "molarity": 1.7}))
    atoms = AtomErrors(np.array(number), np.concatenate(sigma), np.concatenate(error))
    return judge(["a", "b", "c", "d"], boxes, atoms, 0.5, rng)


@pytest.mark.parametrize(("common", "truth"), [(0.0, 1.0), (1.0, np.sqrt(2)), (2.0, np.sqrt(5))])
def test_error_over_disagreement(common: float, truth: float) -> None:
    found = [ensemble(np.random.default_rng(seed), common).error_over_sigma for seed in range(12)]
    assert np.mean([each.value for each in found]) == pytest.approx(truth, rel=0.03)
    covered = sum(each.low <= truth <= each.high for each in found)
    assert covered >= 9, "95 % intervals, from six trajectories each"


def test_groups_frames_and_words() -> None:
    test = ensemble(np.random.default_rng(1), 0.0)
    assert sum(each.n_atoms for each in test.bins) == test.n_atoms == 24 * N_ATOMS
    errors = [each.error_eV_per_A.value for each in test.bins]
    assert errors[-1] > 5 * errors[0], "atoms with more disagreement have larger errors"
    largest = sorted(frame.largest_sigma_eV_per_A for frame in test.frames)
    assert largest[-3] < test.threshold_eV_per_A.value < largest[-1]
    assert test.n_flagged == sum(each > 0.5 for each in largest) > 0
    assert test.flagged_rmse_eV_per_A is not None and test.other_rmse_eV_per_A is not None
    assert test.flagged_rmse_eV_per_A > test.other_rmse_eV_per_A
    assert "on average they are equal" in conclusion(test)
    assert test.rank_correlation is not None and test.rank_correlation.low > 0
    assert "underestimates it" in conclusion(ensemble(np.random.default_rng(2), 2.0))


def test_potentials_that_are_the_same_say_nothing() -> None:
    none = AtomErrors(np.zeros(3, np.int64), np.zeros(3), np.ones(3))
    with pytest.raises(TrainingError, match="a, b: give the same forces"):
        judge(["a", "b"], [Atoms("H")], none, 0.3, np.random.default_rng(0))


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mace_model: Callable[[str], Path]
) -> Path:
    """Three models, and labels that are the forces of the first one, off by 0.4 eV/Å."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(mace_model("scalar"), tmp_path / "first.model")
    for seed in (5, 6):
        random_mace(tmp_path / f"other{seed}.model", seed=seed)
    made = []
    for kind in ("dilute", "dense"):
        for run in range(2):
            for frame in frames(kind, f"{kind}{run}", 2, seed=run):
                energy, forces, _ = reference(Path("first.model"), frame)
                frame.info.update(REF_energy=energy, level="x")
                frame.arrays["REF_forces"] = forces + np.array([OFF, 0.0, 0.0])
                made.append(frame)
    write(tmp_path / "l.extxyz", made, format="extxyz")
    return tmp_path


def committee(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["committee", *arguments, "--data", "l.extxyz"])


def test_from_files_to_files(place: Path) -> None:
    members = ("first.model", "other5.model", "other6.model")
    done = committee(*members, "--flag", "0.001")
    assert done.exit_code == 0, done.output
    found = json.loads((place / "committee" / "committee.json").read_text())
    assert found["potentials"] == ["first", "other5", "other6"]
    assert found["conclusion"] in done.output
    assert found["n_flagged"] == found["n_frames"] == 8 and found["n_trajectories"] == 4
    for each in found["bins"]:
        assert each["error_eV_per_A"]["value"] == pytest.approx(OFF, rel=1e-3)
    rmse = OFF / np.sqrt(3)
    assert found["force_rmse_of_flagged_eV_per_A"] == pytest.approx(rmse, rel=1e-3)
    rows = list(csv.DictReader((place / "committee" / "committee.csv").open()))
    assert [row["run"] for row in rows][::2] == ["dilute0", "dilute1", "dense0", "dense1"]
    assert all(float(row["largest_error_eV_per_A"]) == pytest.approx(OFF, rel=1e-2) for row in rows)
    first = frames("dilute", "dilute0", 2, seed=0)[0]
    sigma = disagreement(np.array([reference(Path(model), first)[1] for model in members]))
    seen = float(rows[0]["largest_disagreement_eV_per_A"])
    assert seen == pytest.approx(sigma.max(), rel=1e-2)
    for name in ("committee.png", "committee.svg"):
        assert (place / "committee" / name).stat().st_size > 5000
    assert "exists" in committee(*members).output, "earlier results are kept"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["first.model"], "first.model: is alone; a committee needs two or more"),
        (["first.model", "first.model"], "a model is named twice"),
        (["first.model", "none.model"], "none.model: "),
        (["first.model", "copy.model"], "give the same forces"),
        (["first.model", "two.model"], "two.model: has the heads pbe, blyp; take one with `pykoh"),
    ],
)
def test_refused_in_one_line(place: Path, arguments: list[str], words: str) -> None:
    shutil.copyfile("first.model", "copy.model")
    random_mace(Path("two.model"), **ARCHITECTURES["two_heads"])
    done = committee(*arguments)
    assert done.exit_code == 1 and words in done.output, done.output
    assert not (place / "committee").exists()
