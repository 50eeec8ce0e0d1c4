"""A foundation that grows: the same energies, more to fit with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from labels import label_file
from potentials import random_mace, reference, water_like_box
from pykoh.cli import main
from pykoh.errors import TrainingError
from pykoh.export.read import read_mace_model, trusting_pickle
from pykoh.training.enlarge import Growth, enlarge
from pykoh.training.grow import grow
from pykoh.training.widen import widen


@pytest.fixture
def small(tmp_path: Path) -> Path:
    model = tmp_path / "small.model"
    random_mace(model, hidden="4x0e", max_ell=1, numbers=(1, 8, 19))
    return model


def write(model: object, path: Path) -> Path:
    torch.save(model, path)
    return path


@pytest.mark.parametrize("max_ell", [2, 3])
def test_a_grown_model_is_the_same_function(small: Path, tmp_path: Path, max_ell: int) -> None:
    atoms = water_like_box(2, 10)
    atoms.positions += np.random.default_rng(1).normal(scale=0.1, size=atoms.positions.shape)
    before = reference(small, atoms.copy())
    with trusting_pickle():
        model = grow(read_mace_model(small), max_ell, seed=1)
    assert int(model.spherical_harmonics.irreps_out.lmax) == max_ell
    assert new_products(model) < 1e-6
    after = reference(write(model, tmp_path / "large.model"), atoms.copy())
    for old, new in zip(before, after, strict=True):
        assert np.abs(np.asarray(old)).max() > 1e-4
        np.testing.assert_allclose(new, old, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("growth", [Growth(channels=6), Growth(max_ell=2, channels=9)])
@pytest.mark.parametrize("kind", [{}, {"first": "Density", "block": "Density", "n_layers": 3}])
def test_a_wider_model_is_the_same_function(
    tmp_path: Path, growth: Growth, kind: dict[str, Any]
) -> None:
    small = random_mace(
        tmp_path / "small.model", hidden="4x0e", max_ell=1, numbers=(1, 8, 19), **kind
    )
    atoms = water_like_box(2, 10)
    atoms.positions += np.random.default_rng(1).normal(scale=0.1, size=atoms.positions.shape)
    before = reference(small, atoms.copy())
    with trusting_pickle():
        model = enlarge(read_mace_model(small), growth)
    assert model.products[0].linear.irreps_in.num_irreps == growth.channels
    # The new channels have values that nothing reads yet: without them there is nothing to train.
    assert float(next(model.products[0].linear.weight_views())[:, 4:].abs().min()) > 0
    after = reference(write(model, tmp_path / "large.model"), atoms.copy())
    for old, new in zip(before, after, strict=True):
        assert np.abs(np.asarray(old)).max() > 1e-4
        np.testing.assert_allclose(new, old, rtol=1e-9, atol=1e-9)


def test_a_foundation_whose_function_would_change_is_refused(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(model: Any, channels: int, seed: int) -> Any:
        wider = widen(model, channels, seed)
        with torch.no_grad():
            wider.products[0].linear.weight += 0.01
        return wider

    monkeypatch.setattr("pykoh.training.enlarge.widen", careless)
    with pytest.raises(TrainingError, match="energy of a box of 27 atoms changes by"):
        enlarge(read_mace_model(small), Growth(channels=6))


def new_products(model: Any) -> float:
    """Return the largest coefficient of a product in which a feature of the new degree is."""
    largest = 0.0
    for product in model.products:
        for each in product.symmetric_contractions.contractions:
            terms = torch.einsum("abcp,zpk->abczk", each.U_tensors(3), each.weights_max)
            largest = max(largest, float(terms[4:].abs().max()))  # l = 0 and 1 are the first four
    return largest


def test_what_cannot_grow_is_refused(small: Path, tmp_path: Path) -> None:
    vector = tmp_path / "vector.model"
    random_mace(vector, hidden="4x0e+4x1o", max_ell=1, numbers=(1, 8, 19))
    with pytest.raises(TrainingError, match="scalar features"):
        grow(read_mace_model(vector), 3, seed=1)
    with pytest.raises(TrainingError, match="has max_ell 1; give more"):
        grow(read_mace_model(small), 1, seed=1)
    with pytest.raises(TrainingError, match=r"--grow-channels: only works for .* scalar features"):
        widen(read_mace_model(vector), 8, seed=1)
    with pytest.raises(TrainingError, match=r"--grow-channels 4: the foundation has 4; give more"):
        widen(read_mace_model(small), 4, seed=1)


def train(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["train", str(data), *arguments])


def test_training_goes_on_from_a_grown_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = random_mace(
        tmp_path / "small.model", hidden="4x0e", max_ell=1, numbers=(1, 8, 19), heads=["pbe", "d3"]
    )
    data = label_file(tmp_path / "l.extxyz", n_frames=2)
    common = ("-o", "m.model", "--foundation", str(small), "--epochs", "1", "--force")
    larger = ("--grow-ell", "2", "--grow-channels", "6")
    done = train(data, *common, *larger, "--foundation-head", "d3")
    assert done.exit_code == 0, done.output
    # Nothing of a finished training is lost if the next one cannot begin.
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for options, words in (
        (larger, "small.model: has the heads pbe, d3; choose one with --foundation-head NAME"),
        (("--foundation-head", "d4"), "small.model: has no head 'd4', only pbe, d3"),
        (("--foundation-head", "d3", "--grow-channels", "4"), "the foundation has 4; give more"),
    ):
        refused = train(data, *common, *options)
        assert refused.exit_code == 1 and words in refused.output, refused.output
        assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    model = read_mace_model("m.model")
    assert int(model.spherical_harmonics.irreps_out.lmax) == 2
    # What is new has begun to learn.
    assert new_products(model) > 1e-4
    assert float(model.readouts[0].linear.weight[4:].abs().min()) > 1e-5


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--grow-ell", "3"], "is for fine-tuning"),
        (["--grow-ell", "3", "--foundation", "small"], "name the file"),
        (["--grow-ell", "3", "--foundation", "S", "--method", "lora"], "--method naive"),
        (["--grow-channels", "96"], "--grow-channels is for fine-tuning; a new model takes --ch"),
        (["--foundation-head", "pbe"], "name the file of the model with --foundation FILE"),
        (["--foundation-head", "pbe", "--foundation", "small"], "with --foundation FILE"),
        (["--foundation-head", "pbe", "--foundation", "S"], "has no head 'pbe', only Default"),
        (["--max-ell", "3", "--foundation", "S"], "--grow-channels make it larger"),
        (["--cutoff", "6", "--foundation", "S"], "--cutoff: the foundation model determines it"),
    ],
)
def test_wrong_options(small: Path, tmp_path: Path, arguments: list[str], expected: str) -> None:
    data = label_file(tmp_path / "l.extxyz", n_frames=2)
    given = [str(small) if each == "S" else each for each in arguments]
    done = train(data, "-o", str(tmp_path / "m.model"), *given)
    assert done.exit_code == 1
    assert expected in done.output and "Traceback" not in done.output
