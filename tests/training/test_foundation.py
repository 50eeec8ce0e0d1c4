"""A foundation before it is fine-tuned: its energies are shifted to those of the labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labels import frames, label
from potentials import ARCHITECTURES, random_mace, reference
from pykoh.errors import ModelError, TrainingError
from pykoh.export.read import mace_calculator, read_mace_model
from pykoh.training.foundation import _energy, read_foundation, write_foundation

E0_EV = {"H": -0.1, "O": -0.2, "K": -0.3}


def labelled() -> list:
    return [label(each) for kind in ("dilute", "dense") for each in frames(kind, kind, 2, 5)]


def mean_error(model: Path, given: list) -> float:
    """Return the mean of label less model, eV per atom, by MACE's own calculator."""
    return float(np.mean([(f.info["REF_energy"] - reference(model, f)[0]) / len(f) for f in given]))


@pytest.mark.parametrize("new_zero", [True, False])
def test_a_foundation_gets_the_zero_of_the_labels(tmp_path: Path, new_zero: bool) -> None:
    source = random_mace(tmp_path / "f.model", hidden="4x0e", max_ell=1)
    given = labelled()
    model = read_foundation(source, list(E0_EV))
    write_foundation(model, tmp_path / "a.model", given, E0_EV, "float64", new_zero)
    before, after = mean_error(source, given), mean_error(tmp_path / "a.model", given)
    assert abs(before) > 1.0, "a random model with energies of isolated atoms of DFT size"
    assert after == pytest.approx(0.0 if new_zero else before, abs=1e-7)
    old, new = (reference(each, given[0])[1] for each in (source, tmp_path / "a.model"))
    np.testing.assert_allclose(new, old, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", ["two_heads", "nonlinear"])
def test_one_head_of_several_is_fine_tuned(tmp_path: Path, kind: str) -> None:
    source = random_mace(tmp_path / "f.model", **ARCHITECTURES[kind])
    frame = labelled()[0]
    wanted = [reference(source, frame, head)[0] for head in ("pbe", "blyp")]
    assert wanted[0] != pytest.approx(wanted[1], abs=1e-3)
    for head, energy in zip(("pbe", "blyp"), wanted, strict=True):
        single = read_foundation(source, ["H", "O"], head)
        assert list(single.heads) == [head]
        frame.calc = mace_calculator(single)
        assert frame.get_potential_energy() == pytest.approx(energy, abs=1e-6)


def test_a_head_has_to_be_named(tmp_path: Path) -> None:
    source = random_mace(tmp_path / "f.model", **ARCHITECTURES["two_heads"])
    with pytest.raises(ModelError, match="pbe, blyp; choose one with --foundation-head NAME"):
        read_foundation(source, ["H"])
    with pytest.raises(ModelError, match="has no head 'b3lyp', only pbe, blyp"):
        read_foundation(source, ["H"], "b3lyp")


def test_a_head_that_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random_mace(tmp_path / "f.model", **ARCHITECTURES["two_heads"])
    monkeypatch.setattr("pykoh.training.heads.energy_change", lambda *given: 0.25)
    with pytest.raises(TrainingError, match=r"f.model: the head pbe alone gives a box .* 0.25 eV"):
        read_foundation(source, ["H"], "pbe")


def test_energies_without_forces_are_those_with_forces(tmp_path: Path) -> None:
    model = read_mace_model(random_mace(tmp_path / "f.model", hidden="4x0e", max_ell=1))
    calculator = mace_calculator(model)
    for frame in labelled():
        alone = _energy(calculator, frame)
        frame.calc = calculator
        assert alone == pytest.approx(frame.get_potential_energy(), abs=1e-9)
