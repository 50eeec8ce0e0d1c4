"""The exported artifact against MACE's own calculator, and what export refuses."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import (
    ARCHITECTURES,
    ENERGY_TOLERANCE_EV,
    FORCE_TOLERANCE,
    random_mace,
    reference,
    water_like_box,
)
from pykoh.cli import main
from pykoh.engines.artifact import load_artifact
from pykoh.engines.calculator import PykohCalculator
from pykoh.engines.periodic import PeriodicPotential
from pykoh.errors import ModelError
from pykoh.export.export import export_model

Make = Callable[[str], Path]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_energy_forces_and_stress_agree_with_mace(
    name: str, mace_model: Make, artifact: Make
) -> None:
    box = water_like_box()
    box.set_cell(box.cell[:] @ np.array([[1, 0, 0], [0.2, 1, 0], [-0.1, 0.3, 1]]), scale_atoms=True)
    head = "blyp" if "heads" in ARCHITECTURES[name] else "Default"
    energy, forces, stress = reference(mace_model(name), box, head)
    assert np.abs(forces).max() > 0.01, "the reference has forces to compare"
    for dtype, tolerance in FORCE_TOLERANCE.items():
        box.calc = PykohCalculator(artifact(name), dtype=dtype)
        limit = ENERGY_TOLERANCE_EV * (1 if dtype == "float64" else 20)
        assert abs(box.get_potential_energy() - energy) / len(box) < limit
        assert np.abs(box.get_forces() - forces).max() < tolerance
        assert np.abs(box.get_stress(voigt=False) - stress).max() < tolerance / 10


@pytest.fixture(scope="module")
def potential(artifact: Make) -> PeriodicPotential:
    return PeriodicPotential.from_file(artifact("scalar"))


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_invariance_under_wrapping_permutation_rotation_and_translation(
    potential: PeriodicPotential, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    box = water_like_box(1, 6)
    species = potential.species_of(box.get_chemical_symbols())
    cell = np.asarray(box.cell)
    before = box.positions.copy()
    first = potential(box.positions, cell, species)
    assert np.array_equal(before, box.positions), "the input is not changed"
    order = rng.permutation(len(box))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    images = rng.integers(-2, 3, (len(box), 3)) @ cell
    moved = (box.positions + images + rng.normal(size=3))[order] @ rotation
    second = potential(moved, cell @ rotation, species[order])
    assert second.energies_eV == pytest.approx(first.energies_eV[order], abs=1e-9)
    expected = first.forces_eV_per_A[order] @ rotation
    assert second.forces_eV_per_A == pytest.approx(expected, abs=1e-8)


def test_forces_and_virial_are_derivatives_of_the_energy(potential: PeriodicPotential) -> None:
    box = water_like_box(1, 6)
    species = potential.species_of(box.get_chemical_symbols())
    cell = np.asarray(box.cell)
    result = potential(box.positions, cell, species)
    step = 1e-4
    rng = np.random.default_rng(0)
    for atom, axis in zip(rng.integers(0, len(box), 6), rng.integers(0, 3, 6), strict=True):
        shift = np.zeros_like(box.positions)
        shift[atom, axis] = step
        up = potential(box.positions + shift, cell, species).energies_eV.sum()
        down = potential(box.positions - shift, cell, species).energies_eV.sum()
        assert result.forces_eV_per_A[atom, axis] == pytest.approx(
            -(up - down) / (2 * step), abs=1e-6
        )
    for i, j in ((0, 0), (1, 2)):
        strain = np.zeros((3, 3))
        strain[i, j] = step
        energies = [
            potential(
                box.positions @ (np.eye(3) + s), cell @ (np.eye(3) + s), species
            ).energies_eV.sum()
            for s in (strain, -strain)
        ]
        assert result.virial_eV[i, j] == pytest.approx(
            -(energies[0] - energies[1]) / (2 * step), abs=1e-5
        )


def test_one_atom_and_atoms_without_neighbours(potential: PeriodicPotential) -> None:
    cell = 30.0 * np.eye(3)
    for positions in (np.zeros((1, 3)), np.array([[0.0, 0, 0], [15.0, 0, 0]])):
        species = np.zeros(len(positions), dtype=np.int64)
        result = potential(positions, cell, species)
        assert np.abs(result.forces_eV_per_A).max() == 0.0
        assert result.energies_eV == pytest.approx(result.energies_eV[0], abs=1e-12)


def test_neighbour_list_is_renewed_when_atoms_move(artifact: Make) -> None:
    potential = PeriodicPotential.from_file(artifact("scalar"), skin=0.6)
    fresh = PeriodicPotential.from_file(artifact("scalar"), skin=0.0)
    box = water_like_box(1, 6)
    species = potential.species_of(box.get_chemical_symbols())
    rng = np.random.default_rng(1)
    positions = box.positions.copy()
    for _ in range(12):
        positions = positions + rng.normal(scale=0.05, size=positions.shape)
        a = potential(positions, np.asarray(box.cell), species)
        b = fresh(positions, np.asarray(box.cell), species)
        assert a.forces_eV_per_A == pytest.approx(b.forces_eV_per_A, abs=1e-10)
    assert 1 < potential.rebuilds < fresh.rebuilds


def test_artifact_runs_without_mace_torch(artifact: Make) -> None:
    code = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('mace', 'e3nn'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "import numpy as np\n"
        "from pykoh.engines.periodic import PeriodicPotential\n"
        f"p = PeriodicPotential.from_file({str(artifact('vector'))!r})\n"
        "r = p(np.eye(3), 9 * np.eye(3), p.species_of(['H', 'O', 'K']))\n"
        "print(float(np.abs(r.forces_eV_per_A).max()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 0


def test_loading_an_artifact_runs_no_foreign_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "owned",))

    path = tmp_path / "evil.pt"
    torch.save(Evil(), path)
    with pytest.raises(ModelError, match="not a pykoh potential"):
        load_artifact(path)
    assert not (tmp_path / "owned").exists()


def test_unknown_element_is_named(potential: PeriodicPotential) -> None:
    with pytest.raises(ModelError, match="not Na"):
        potential.species_of(["H", "O", "Na"])


def _refused(arguments: list[str]) -> str:
    result = CliRunner().invoke(main, ["export", *arguments])
    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, SystemExit)
    message = result.output.strip().splitlines()[-1]
    assert message.startswith("Error: ")
    assert "Traceback" not in result.output
    return message


def test_refuses_what_is_not_an_exportable_model(
    tmp_path: Path, mace_model: Make, artifact: Make
) -> None:
    out = tmp_path / "koh.pt"
    empty = tmp_path / "empty.model"
    empty.touch()
    text = tmp_path / "text.model"
    text.write_text("not a model\n")
    cut = tmp_path / "cut.model"
    cut.write_bytes(mace_model("scalar").read_bytes()[:5000])
    state = tmp_path / "checkpoint.pt"
    torch.save({"model": {}, "epoch": 3}, state)
    other = tmp_path / "other.model"
    torch.save(torch.nn.Linear(2, 2), other)
    plain = tmp_path / "plain.model"
    plain.write_bytes(pickle.dumps([1, 2, 3]))
    for path, expected in (
        (tmp_path / "missing.model", "no such file"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (text, "is not a MACE model: torch has not written this file; give the .model"),
        (cut, "cut off or damaged"),
        (plain, "MACE"),
        (state, "checkpoint"),
        (other, "holds a Linear"),
        (artifact("scalar"), "already an exported potential"),
    ):
        assert expected in _refused([str(path), "-o", str(out)])
        assert not out.exists()
    assert "is a folder" in _refused(["."]), "a folder without a name, and no -o"


def test_refuses_a_missing_or_ambiguous_head(tmp_path: Path, mace_model: Make) -> None:
    model, out = str(mace_model("two_heads")), str(tmp_path / "koh.pt")
    assert "choose one with --head" in _refused([model, "-o", out])
    assert "no head 'pbe0'" in _refused([model, "-o", out, "--head", "pbe0"])


def _changed(tmp_path: Path, mace_model: Make, change: Callable[[torch.nn.Module], object]) -> Path:
    """Return the file of a model that was changed; what ``change`` returns is saved if it does."""
    path = tmp_path / "changed.model"
    model = torch.load(mace_model("scalar"), weights_only=False)
    torch.save(change(model) or model, path)
    return path


def _with_lora(model: torch.nn.Module) -> None:
    from mace.modules.lora import inject_LoRAs

    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    inject_LoRAs(model, rank=2)
    torch.set_default_dtype(default)
    generator = torch.Generator().manual_seed(3)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data = 0.3 * torch.randn(weight.shape, generator=generator, dtype=weight.dtype)


def test_low_rank_changes_are_merged(tmp_path: Path, mace_model: Make) -> None:
    source = _changed(tmp_path, mace_model, _with_lora)
    report = export_model(source, tmp_path / "koh.pt", "float64")
    assert report.metadata.route == "fast", "after merging it is an ordinary model"
    box = water_like_box()
    energy, forces, _ = reference(source, box)
    plain, _, _ = reference(mace_model("scalar"), box)
    assert abs(energy - plain) > 0.1, "the low-rank changes do something"
    box.calc = PykohCalculator(report.path)
    assert box.get_potential_energy() == pytest.approx(energy, abs=1e-5)
    assert np.abs(box.get_forces() - forces).max() < 1e-5


def test_weights_that_are_not_numbers_are_named(tmp_path: Path, mace_model: Make) -> None:
    def spoil(model: torch.nn.Module) -> None:
        model.products[1].linear.weight.data[3] = np.nan

    message = _refused([str(_changed(tmp_path, mace_model, spoil)), "-o", str(tmp_path / "k.pt")])
    assert "1 of 64 weights of products.1.linear.weight are not numbers" in message
    assert "diverged" in message


def test_the_energy_of_a_model_with_dipoles(tmp_path: Path) -> None:
    source = random_mace(tmp_path / "dipoles.model", kind="EnergyDipolesMACE", hidden="8x0e+8x1o",
                         max_ell=2)  # fmt: skip
    report = export_model(source, tmp_path / "koh.pt", "float64")
    box = water_like_box()
    energy, forces, stress = reference(source, box, model_type="EnergyDipoleMACE")
    assert np.abs(forces).max() > 0.01
    box.calc = PykohCalculator(report.path)
    assert box.get_potential_energy() == pytest.approx(energy, abs=1e-5)
    assert np.abs(box.get_forces() - forces).max() < 1e-5
    assert np.abs(box.get_stress(voigt=False) - stress).max() < 1e-6


def test_a_model_without_an_energy_says_so(tmp_path: Path, mace_model: Make) -> None:
    def without_energy(model: torch.nn.Module) -> None:
        model.__class__ = type("AtomicDipolesMACE", (type(model),), {})

    from pykoh.export.read import check_supported

    model = torch.load(mace_model("scalar"), weights_only=False)
    without_energy(model)
    with pytest.raises(ModelError, match="gives dipoles but no energy and forces"):
        check_supported(model, "x.model")


def test_an_exception_in_the_fast_route_takes_the_general_one(
    tmp_path: Path, mace_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pykoh.engines.graph import graph as fast
    from pykoh.export import graph

    def fails(*arguments: object) -> None:
        raise KeyError("an architecture that nobody has tried")

    monkeypatch.setattr(fast, "pack_fast_graph", fails)
    report = export_model(mace_model("scalar"), tmp_path / "koh.pt")
    assert report.metadata.route == "general"
    assert "the fast route failed (KeyError" in report.note
    message = _refused([str(mace_model("scalar")), "-o", str(tmp_path / "f.pt"),
                        "--route", "fast"])  # fmt: skip
    assert "the export failed (KeyError" in message
    monkeypatch.setattr(graph, "script_graph", fails)
    message = _refused([str(mace_model("scalar")), "-o", str(tmp_path / "g.pt")])
    assert "the export failed (KeyError" in message and not (tmp_path / "g.pt").exists()


def test_a_wrong_stress_stops_the_export(
    tmp_path: Path, mace_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pykoh.export import verify

    honest = verify._reference

    def squeezed(*arguments: object) -> list:
        return [(e, f, s + 1e-5 * np.eye(3)) for e, f, s in honest(*arguments)]  # type: ignore[arg-type]

    monkeypatch.setattr(verify, "_reference", squeezed)
    with pytest.raises(ModelError, match=r"eV/Å³ \(limit 1e-06\); nothing was written"):
        export_model(mace_model("scalar"), tmp_path / "koh.pt")


def test_existing_artifact_is_kept_unless_forced(tmp_path: Path, mace_model: Make) -> None:
    out = tmp_path / "koh.pt"
    out.write_text("precious")
    model = str(mace_model("scalar"))
    assert "exists already" in _refused([model, "-o", str(out)])
    assert out.read_text() == "precious"
    result = CliRunner().invoke(
        main, ["export", model, "-o", str(out), "--force", "--trained-at", "0.56,6.26"]
    )
    assert result.exit_code == 0, result.output
    metadata, _ = load_artifact(out)
    assert metadata.elements == ("H", "O", "K")
    assert metadata.training_molarities_mol_per_L == (0.56, 6.26)
    assert "float64 against MACE" in result.output


def test_disagreement_stops_the_export(
    tmp_path: Path, mace_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pykoh.export import verify

    honest = verify._reference

    def shifted(*arguments: object) -> list:
        return [(e + 1.0, f, s) for e, f, s in honest(*arguments)]  # type: ignore[arg-type]

    monkeypatch.setattr(verify, "_reference", shifted)
    with pytest.raises(ModelError, match="nothing was written"):
        export_model(mace_model("scalar"), tmp_path / "koh.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["scalar", "nonlinear", "zbl_agnesi"])
def test_some_elements_of_a_model_have_the_same_energies(name: str, tmp_path: Path) -> None:
    numbers = (1, 3, 6, 8, 11, 16, 17, 19, 35, 37, 53, 55)
    model = random_mace(tmp_path / "many.model", **{**ARCHITECTURES[name], "numbers": numbers})
    head = "blyp" if ARCHITECTURES[name].get("heads") else None
    target = tmp_path / "few.pt"
    report = export_model(model, target, "float64", head, elements=("K", "O", "H"))
    assert report.metadata.elements == ("H", "O", "K")
    assert report.metadata.route == ("general" if name == "zbl_agnesi" else "fast")
    box = water_like_box()
    energy, forces, _ = reference(model, box, head or "Default")
    box.calc = PykohCalculator(target)
    assert box.get_potential_energy() == pytest.approx(energy, abs=ENERGY_TOLERANCE_EV)
    assert np.abs(box.get_forces() - forces).max() < FORCE_TOLERANCE["float64"]


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ("H,O,Na", "does not know Na; its elements are H O K"),
        ("H,O,Q", "'Q' is not an element"),
        ("H,O,H", "name each element once"),
        (",", "name each element once"),
    ],
)
def test_elements_that_are_not_there_are_one_line(
    elements: str, reason: str, mace_model: Callable[[str], Path], tmp_path: Path
) -> None:
    arguments = ["export", str(mace_model("scalar")), "-o", str(tmp_path / "x.pt")]
    result = CliRunner().invoke(main, [*arguments, "--elements", elements])
    assert result.exit_code != 0
    assert reason in result.output and "Traceback" not in result.output
