"""``pair_style mliap unified`` in a real LAMMPS with ML-IAP and Python (``make test-lammps``)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from potentials import ARCHITECTURES, FORCE_TOLERANCE, reference, water_like_box

pytestmark = pytest.mark.lammps
Make = Callable[[str], Path]
EV_PER_A3_IN_BAR = 1.602176634e6

INPUT = """
units metal
atom_style atomic
atom_modify map yes
boundary p p p
newton on
box tilt large
read_data box.data
python attach input 1 SELF format p here "from pykoh.engines.tags import attach"
python attach invoke
pair_style mliap unified {potential} 0
pair_coeff * * {elements}
neighbor 1.0 bin
timestep 0.00025
compute pe all pe/atom
thermo_style custom step pe etotal press pxx pyy pzz pxy pxz pyz
thermo_modify format float %.10f
thermo {steps}
velocity all create 300 5
fix nve all nve
dump d all custom {every} out.dump id type x y z fx fy fz c_pe
dump_modify d sort id format float %.12f
run 0
undump d
run {steps}
write_data end.data
"""


@pytest.fixture(scope="session")
def lmp() -> Path:
    path = os.environ.get("PYKOH_LMP", "")
    assert path and Path(path).is_file(), "set PYKOH_LMP to an lmp with ML-IAP: make test-lammps"
    return Path(path)


def write_box(path: Path, atoms: Atoms, order: tuple[str, ...]) -> None:
    """Write a box whose atom types follow ``order``."""
    from ase.data import atomic_masses, atomic_numbers

    cell = np.asarray(atoms.cell)
    lines = ["# test box", "", f"{len(atoms)} atoms", f"{len(order)} atom types", ""]
    lines += [f"0.0 {cell[k, k]:.12f} {axis}lo {axis}hi" for k, axis in enumerate("xyz")]
    lines += [f"{cell[1, 0]:.12f} {cell[2, 0]:.12f} {cell[2, 1]:.12f} xy xz yz", "", "Masses", ""]
    lines += [f"{k + 1} {atomic_masses[atomic_numbers[s]]:.6f}" for k, s in enumerate(order)]
    lines += ["", "Atoms # atomic", ""]
    for number, atom in enumerate(atoms, start=1):
        x, y, z = atom.position
        lines.append(f"{number} {order.index(atom.symbol) + 1} {x:.12f} {y:.12f} {z:.12f}")
    path.write_text("\n".join(lines) + "\n")


def run(
    folder: Path, lmp: Path, potential: Path, ranks: int, steps: int = 4, dtype: str = "float64",
    elements: str = "H O K", change: tuple[str, str] = ("", ""),
) -> subprocess.CompletedProcess:  # fmt: skip
    text = INPUT.format(potential=potential, elements=elements, steps=steps, every=1)
    (folder / "test.in").write_text(text.replace(*change) if change[0] else text)
    mpiexec = shutil.which("mpiexec")
    launcher = [mpiexec, "-n", str(ranks)] if ranks > 1 and mpiexec else []
    return subprocess.run(
        [*launcher, str(lmp), "-in", "test.in", "-screen", "none"],
        cwd=folder, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYKOH_DTYPE": dtype, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def last_row(folder: Path) -> dict[str, float]:
    lines = (folder / "log.lammps").read_text().splitlines()
    table = max(i for i, line in enumerate(lines) if line.split()[:1] == ["Step"])
    end = next(i for i in range(table, len(lines)) if lines[i].startswith("Loop"))
    return dict(zip(lines[table].split(), map(float, lines[end - 1].split()), strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parity_with_mace(
    tmp_path: Path, lmp: Path, mace_model: Make, artifact: Make, name: str, dtype: str
) -> None:
    box = water_like_box()
    box.set_cell(box.cell[:] @ np.array([[1, 0, 0], [0.2, 1, 0], [-0.1, 0.3, 1]]), scale_atoms=True)
    box.positions += [3.0, -2.0, 7.0]
    box.wrap()
    write_box(tmp_path / "box.data", box, ("H", "O", "K"))
    done = run(tmp_path, lmp, artifact(name), 1, steps=0, dtype=dtype)
    assert done.returncode == 0, done.stderr
    energy, forces, stress = reference(
        mace_model(name), box, "blyp" if name == "two_heads" else "Default"
    )
    frame = read(tmp_path / "out.dump", index=0, format="lammps-dump-text")
    assert frame.get_forces() == pytest.approx(forces, abs=FORCE_TOLERANCE[dtype])
    row = last_row(tmp_path)
    assert row["PotEng"] == pytest.approx(energy, abs=1e-6 if dtype == "float64" else 1e-3)
    per_atom = np.loadtxt(tmp_path / "out.dump", skiprows=9, max_rows=len(box))[:, 8]
    assert per_atom.sum() == pytest.approx(row["PotEng"], abs=1e-7)
    kinetic = row["TotEng"] - row["PotEng"]
    assert kinetic > 0
    ideal = 2.0 * kinetic / (3.0 * box.get_volume()) * EV_PER_A3_IN_BAR
    virial = -np.trace(stress) / 3 * EV_PER_A3_IN_BAR
    assert row["Press"] - ideal == pytest.approx(virial, abs=0.01 if dtype == "float64" else 30)


@pytest.mark.parametrize("name", ["scalar", "vector", "three_layers"])
def test_ranks_give_the_same_trajectory(
    tmp_path: Path, lmp: Path, artifact: Make, name: str
) -> None:
    rows = []
    for ranks in (1, 2, 4):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        write_box(folder / "box.data", water_like_box(), ("H", "O", "K"))
        done = run(folder, lmp, artifact(name), ranks)
        assert done.returncode == 0, done.stderr
        rows.append(last_row(folder))
    for row in rows[1:]:
        for key, value in rows[0].items():
            assert row[key] == pytest.approx(value, rel=1e-7, abs=1e-6), key


def test_ranks_without_atoms(tmp_path: Path, lmp: Path, artifact: Make) -> None:
    box = water_like_box(1, 4)
    box.set_cell([40, 40, 40], scale_atoms=False)
    rows = []
    for ranks in (1, 4):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        write_box(folder / "box.data", box, ("H", "O", "K"))
        done = run(folder, lmp, artifact("scalar"), ranks)
        assert done.returncode == 0, done.stderr
        rows.append(last_row(folder))
    if "MPI task" in (tmp_path / "4" / "log.lammps").read_text():
        assert " 0 min" in (tmp_path / "4" / "log.lammps").read_text(), "a rank has no atoms"
    assert rows[1]["TotEng"] == pytest.approx(rows[0]["TotEng"], abs=1e-7)


def test_types_in_another_order(
    tmp_path: Path, lmp: Path, mace_model: Make, artifact: Make
) -> None:
    box = water_like_box(1, 6)
    write_box(tmp_path / "box.data", box, ("K", "H", "O"))
    done = run(tmp_path, lmp, artifact("scalar"), 1, steps=0, elements="K H O")
    assert done.returncode == 0, done.stderr
    energy, _, _ = reference(mace_model("scalar"), box)
    assert last_row(tmp_path)["PotEng"] == pytest.approx(energy, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("python attach invoke", ""), "put these lines before pair_style"),
        (("newton on", "newton off"), "newton on"),
        ((".pt 0", ".pt 1"), "ghostneigh"),
    ],
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_wrong_inputs_say_what_to_do_and_end(
    tmp_path: Path, lmp: Path, artifact: Make, change: tuple[str, str], expected: str, ranks: int
) -> None:
    write_box(tmp_path / "box.data", water_like_box(1, 6), ("H", "O", "K"))
    done = run(tmp_path, lmp, artifact("scalar"), ranks, change=change)
    assert done.returncode != 0
    assert expected in done.stderr + done.stdout
