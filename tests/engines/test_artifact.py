"""``koh.pt`` itself: small, checked, readable without TorchScript, and by later pykoh."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from potentials import water_like_box
from pykoh.engines.artifact import load_artifact, save_artifact
from pykoh.engines.contents import FORMAT, PackedGraph, checksum, open_graph, pack_graph
from pykoh.engines.graph.graph import fast_graph
from pykoh.engines.mliap import MLIAPPotential
from pykoh.engines.module_tree import digest, rebuild
from pykoh.engines.periodic import PeriodicPotential
from pykoh.errors import ModelError

Make = Callable[[str], Path]
SHIPPED = Path(__file__).parents[2] / "potentials" / "koh-blyp-d3"

FORCES = """
import sys
import numpy as np
import torch
{before}
from pykoh.engines.periodic import PeriodicPotential
rng = np.random.default_rng(0)
cell = 7.0 * np.eye(3)
grid = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3) * 7.0 / 3
potential = PeriodicPotential.from_file(sys.argv[1], dtype="float64")
{then}
symbols = ["H", "O", "K"] * 9
result = potential(grid + rng.uniform(-0.3, 0.3, grid.shape), cell, potential.species_of(symbols))
print(type(potential.graph).__name__)
print(repr([float(result.energies_eV.sum()), *result.forces_eV_per_A.ravel().tolist()]))
"""
# As a torch that has dropped TorchScript would be.
NO_TORCHSCRIPT = """
for name in ("load", "save", "trace"):  # torch itself uses the others
    delattr(torch.jit, name)
"""


# What a GPU runs, on the CPU.
AS_SCRIPT = """
from pykoh.engines.artifact import load_artifact
from pykoh.engines.contents import open_script
_, packed = load_artifact(sys.argv[1])
potential.graph = open_script(packed, torch.device("cpu"), torch.float64)
"""


def forces(
    path: Path, before: str = "", then: str = "", **environment: str
) -> tuple[str, np.ndarray]:
    """Return the kind of graph, and energy and forces, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FORCES.format(before=before, then=then), str(path)],
        capture_output=True, text=True, env={**os.environ, **environment}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kind, numbers = done.stdout.strip().splitlines()
    return kind, np.array(eval(numbers))


@pytest.mark.parametrize("name", ["vector", "shipped"])  # the shipped one has scalars
def test_runs_without_torchscript_with_the_same_numbers(name: str, artifact: Make) -> None:
    path = SHIPPED / "koh.pt" if name == "shipped" else artifact(name)
    kind, scripted = forces(path, then=AS_SCRIPT)
    assert kind == "RecursiveScriptModule"
    kind, compiled = forces(path, NO_TORCHSCRIPT)
    assert kind == "FastGraph"
    assert np.abs(scripted[1:]).max() > 0.01
    # Other tables: each is right to some 1e-6 eV/Å.
    assert compiled == pytest.approx(scripted, abs=1e-5)
    assert forces(path, PYKOH_TORCHSCRIPT="0")[0] == "FastGraph"


# Parts that the modules of the fast route have got since the first artifacts of format 3.
ADDED_SINCE = {
    "n_gates", "ell_of_part", "is_gated", "reads_twice", "read_bias", "gate_mix", "read_middle",
    "middle_bias", "gate", "scalar",
}  # fmt: skip


def as_written_before(tree: dict) -> dict:
    """Return a tree without the parts that were added since."""
    found = dict(tree)
    for kind in ("values", "buffers", "children"):
        found[kind] = {k: v for k, v in tree[kind].items() if k not in ADDED_SINCE}
    found["children"] = {k: as_written_before(v) for k, v in found["children"].items()}
    return found


@pytest.mark.parametrize("name", ["scalar", "vector"])
def test_an_artifact_of_before_the_non_linear_blocks_is_read(name: str, artifact: Make) -> None:
    tree = load_artifact(artifact(name))[1].tree
    assert tree is not None
    before = as_written_before(tree)
    assert digest(before) != digest(tree)
    vectors = torch.tensor([[0.0, 0.1, 1.0], [0.0, -0.1, -1.0]], dtype=torch.float64)
    rows = torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([0, 1])
    for found, wanted in zip(
        rebuild(before)(vectors, *rows, 2), rebuild(tree)(vectors, *rows, 2), strict=True
    ):
        assert torch.equal(found, wanted)


def test_the_general_route_says_that_it_needs_torchscript(
    artifact: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYKOH_TORCHSCRIPT", "0")
    with pytest.raises(ModelError, match="no TorchScript, which potentials of the general route"):
        PeriodicPotential.from_file(artifact("zbl_agnesi"))


def test_no_deprecation_in_front_of_a_user(artifact: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = torch.jit.load

    def deprecated(*arguments: object, **options: object) -> object:
        warnings.warn("TorchScript is deprecated", FutureWarning, stacklevel=2)
        warnings.warn("TorchScript is deprecated", DeprecationWarning, stacklevel=2)
        return honest(*arguments, **options)

    monkeypatch.setattr(torch.jit, "load", deprecated)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PeriodicPotential.from_file(artifact("scalar"))


def test_tables_are_computed_not_stored(artifact: Make) -> None:
    assert artifact("scalar").stat().st_size < 400_000
    assert (SHIPPED / "koh.pt").stat().st_size < 3_000_000
    graph = open_graph(load_artifact(SHIPPED / "koh.pt")[1], torch.device("cpu"), torch.float64)
    assert sum(b.numel() * b.element_size() for b in graph.buffers()) > 10_000_000


def test_an_archive_with_its_weights_for_those_who_want_torchscript(artifact: Make) -> None:
    _, packed = load_artifact(artifact("vector"))
    whole = torch.jit.load(io.BytesIO(packed.numpy().tobytes()))
    ours = open_graph(packed, torch.device("cpu"), torch.float64)
    vectors = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], dtype=torch.float64)
    rows = torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([0, 1])
    one, other = whole(vectors, *rows, 2), ours(vectors, *rows, 2)
    # The one is plain torch, the other compiled loops with another table.
    assert torch.allclose(one[0], other[0], atol=1e-6)
    assert torch.allclose(one[1], other[1], atol=1e-5)
    assert other[1].abs().max() > 0


def test_a_flipped_bit_is_noticed_or_changes_nothing(artifact: Make, tmp_path: Path) -> None:
    right = load_artifact(artifact("scalar"))
    content = artifact("scalar").read_bytes()
    rng = np.random.default_rng(5)
    noticed = 0
    for place in rng.integers(len(content), size=60):
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        path = tmp_path / "changed.pt"
        path.write_bytes(bytes(changed))
        try:
            metadata, packed = load_artifact(path)
        except ModelError as error:
            noticed += 1
            assert str(path) in str(error) and "pykoh export" in str(error)
            assert "\n" not in str(error)
        else:  # zip keeps some bytes that nobody reads
            assert metadata == right[0] and digest(packed.tree) == digest(right[1].tree)
    assert noticed > 40


def test_lammps_own_way_in_checks_too(artifact: Make) -> None:
    potential = torch.load(artifact("scalar"), weights_only=False)
    assert isinstance(potential, MLIAPPotential)
    potential.checked()
    potential.tree["buffers"]["embedding"][0, 0] += 1e-9
    with pytest.raises(ModelError, match=r"damaged.*checksum"):
        potential._open(torch.device("cpu"))


def test_a_file_names_no_foreign_class() -> None:
    empty: dict = {"values": {}, "buffers": {}, "children": {}}
    for name in ("os:system", "pykoh.files:replacing", "pykoh.engines.graph.tables:np",
                 "pykoh.engines.graph.graph:NoSuchClass", "torch.nn:Linear"):  # fmt: skip
        with pytest.raises(ModelError, match="the potential names"):
            rebuild({"class": name, **empty})


def test_formats_of_before_are_read_and_those_to_come_refused(
    artifact: Make, mace_model: Make, tmp_path: Path
) -> None:
    metadata, packed = load_artifact(artifact("scalar"))
    assert metadata.format == FORMAT
    # Formats 1 and 2: the weights are in the archive, and there is no checksum.
    model = torch.load(mace_model("scalar"), weights_only=False)
    whole = PackedGraph(pack_graph(torch.jit.script(fast_graph(model))))
    for number in (1, 2):
        old = tmp_path / f"{number}.pt"
        torch.save(MLIAPPotential({**_plain(metadata), "format": number}, whole.archive), old)
        box = water_like_box()
        energies = []
        for path in (old, artifact("scalar")):
            potential = PeriodicPotential.from_file(path, dtype="float64")
            species = potential.species_of(box.get_chemical_symbols())
            found = potential(box.positions, np.asarray(box.cell), species)
            energies.append(float(found.energies_eV.sum()))
        assert energies[0] == pytest.approx(energies[1], abs=1e-6)
    save_artifact(tmp_path / "later.pt", replace(metadata, format=FORMAT + 1), packed)
    with pytest.raises(ModelError, match=rf"has format {FORMAT + 1}, this pykoh reads 1, 2 and 3"):
        load_artifact(tmp_path / "later.pt")


def _plain(metadata: object) -> dict:
    return asdict(metadata)  # type: ignore[call-overload]


def test_the_checksum_is_of_everything(artifact: Make) -> None:
    metadata, packed = load_artifact(artifact("scalar"))
    right = checksum(metadata, packed)
    assert checksum(replace(metadata, dtype="float32"), packed) != right
    assert checksum(metadata, PackedGraph(packed.archive[:-1], packed.tree)) != right


def test_threads_open_artifacts_at_the_same_time(artifact: Make) -> None:
    """Torch keeps one list of the classes that may be read; each thread needs it to the end."""
    path, together = artifact("scalar"), threading.Barrier(4)

    def load(_: int) -> int:
        together.wait()
        return sum(len(load_artifact(path)[0].elements) for _ in range(5))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(load, range(4))) == [15] * 4


def test_what_a_program_allowed_stays_allowed(artifact: Make) -> None:
    torch.serialization.add_safe_globals([MLIAPPotential])
    try:
        load_artifact(artifact("scalar"))
        assert MLIAPPotential in torch.serialization.get_safe_globals()
    finally:
        with torch.serialization.safe_globals([MLIAPPotential]):
            pass  # takes it away
    load_artifact(artifact("scalar"))
    assert MLIAPPotential not in torch.serialization.get_safe_globals()
