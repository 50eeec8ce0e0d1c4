"""``pair_style mliap unified`` in a real LAMMPS with ML-IAP and Python (``make test-lammps``)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.io import read

from lmp import ENGINES, KOKKOS, Lmp, lmp_of
from potentials import ARCHITECTURES, FORCE_TOLERANCE, reference, water_like_box
from pykoh.engines.periodic import PeriodicPotential
from pykoh.resources import shipped

pytestmark = pytest.mark.lammps
Make = Callable[[str], Path]
EV_PER_A3_IN_BAR = 1.602176634e6
SHIPPED = next(iter(shipped("potentials").glob("*/koh.pt")))

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
neigh_modify every 2 delay 0 check no
timestep 0.00025
compute pe all pe/atom
compute stress all stress/atom NULL virial
thermo_style custom step pe etotal press pxx pyy pzz pxy pxz pyz
thermo_modify format float %.10f
thermo {steps}
velocity all create 300 5
fix nve all nve
dump d all custom 1 out.dump id type x y z fx fy fz c_pe c_stress[*]
dump_modify d sort id format float %.12f
run 0
undump d
run {steps}
write_data end.data
"""


@pytest.fixture(params=ENGINES)
def lmp(request: pytest.FixtureRequest) -> Lmp:
    return lmp_of(request.param)


def write_box(path: Path, atoms: Atoms, order: tuple[str, ...] = ("H", "O", "K")) -> None:
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


def triclinic() -> Atoms:
    """Return a sheared box whose atoms were moved and wrapped."""
    box = water_like_box()
    box.set_cell(box.cell[:] @ np.array([[1, 0, 0], [0.2, 1, 0], [-0.1, 0.3, 1]]), scale_atoms=True)
    box.positions += [3.0, -2.0, 7.0]
    box.wrap()
    return box


def run(
    folder: Path, lmp: Lmp, potential: Path, ranks: int = 1, steps: int = 4,
    dtype: str = "float64", elements: str = "H O K", change: tuple[str, str] = ("", ""),
) -> subprocess.CompletedProcess:  # fmt: skip
    text = INPUT.format(potential=potential, elements=elements, steps=steps)
    assert change[0] in text
    (folder / "test.in").write_text(text.replace(*change) if change[0] else text)
    return lmp(folder, "test.in", "-screen", "none", ranks=ranks, dtype=dtype)


def ran(
    folder: Path, lmp: Lmp, potential: Path, ranks: int = 1, **options: object
) -> dict[str, float]:
    """Run and return the last row of thermodynamic output."""
    return last_row(folder, lmp, run(folder, lmp, potential, ranks, **options))


def last_row(
    folder: Path, lmp: Lmp, done: subprocess.CompletedProcess, log: str = "log.lammps"
) -> dict[str, float]:
    """Return the last row of thermodynamic output of a run that ended well."""
    assert done.returncode == 0, done.stderr + done.stdout
    lines = (folder / log).read_text().splitlines()
    assert any("mliap/kk" in line for line in lines) == bool(lmp.options), "the style asked for ran"
    return row_of(lines, -1)


def row_of(lines: list[str], number: int) -> dict[str, float]:
    """Return the last row of one of the tables of a log."""
    table = [i for i, line in enumerate(lines) if line.split()[:1] == ["Step"]][number]
    end = next(i for i in range(table, len(lines)) if lines[i].startswith("Loop"))
    return dict(zip(lines[table].split(), map(float, lines[end - 1].split()), strict=True))


def of_ranks(
    tmp_path: Path, lmp: Lmp, potential: Path, box: Atoms,
    counts: tuple[int, ...] = (1, 4), **options: object,
) -> list:  # fmt: skip
    """Return the last rows of runs on some numbers of ranks.

    LAMMPS makes 1 x 2 x 2 of four: each rank has the same neighbour on both sides along two axes,
    as with two ranks along one.
    """
    rows = []
    for ranks in counts:
        folder = tmp_path / str(ranks)
        folder.mkdir()
        write_box(folder / "box.data", box)
        rows.append(ran(folder, lmp, potential, ranks, **options))
        log = (folder / "log.lammps").read_text()
        assert "Loop time of" in log and f"on {ranks} procs" in log
    return rows


def same(rows: list[dict[str, float]], rel: float = 1e-7, at: float = 1e-6) -> None:
    for row in rows[1:]:
        for key, value in rows[0].items():
            assert row[key] == pytest.approx(value, rel=rel, abs=at), key


def per_atom_virial(potential: PeriodicPotential, box: Atoms) -> np.ndarray:
    """Return ``[n, 6]`` eV: half of each pair's -r ⊗ dE/dr to either atom."""
    species = potential.species_of(box.get_chemical_symbols())
    cell = np.asarray(box.cell)
    images = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3) @ cell
    rij = box.positions[None, :, None] + images - box.positions[:, None, None]
    distance = np.linalg.norm(rij, axis=-1)
    i, j, k = np.nonzero((distance < potential.metadata.cutoff_A) & (distance > 1e-9))
    vectors = rij[i, j, k]
    _, gradient = potential.graph(
        torch.from_numpy(vectors), torch.from_numpy(j), torch.from_numpy(i),
        torch.from_numpy(species), len(box),
    )  # fmt: skip
    a, b = [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]
    pairs = -0.5 * vectors[:, a] * gradient.numpy()[:, b]
    result = np.zeros((len(box), 6))
    np.add.at(result, i, pairs)
    np.add.at(result, j, pairs)
    return result


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_parity_with_mace(
    tmp_path: Path, lmp: Lmp, mace_model: Make, artifact: Make, dtype: str
) -> None:
    """All architectures in one lmp, one after the other: `clear` leaves nothing of the last one."""
    box = triclinic()
    cases = {name: (artifact(name), box) for name in ARCHITECTURES}
    (tmp_path / "test.in").write_text(one_after_the_other(cases, tmp_path, steps=0))
    done = lmp(tmp_path, "test.in", "-screen", "none", dtype=dtype)
    for name in ARCHITECTURES:
        row = last_row(tmp_path, lmp, done, f"{name}.log")
        is_parity(tmp_path / f"{name}.dump", row, box, mace_model(name), artifact(name), dtype)


def is_parity(
    dump: Path, row: dict[str, float], box: Atoms, model: Path, potential: Path, dtype: str
) -> None:
    """Compare what lmp wrote with MACE's calculator and with the potential outside of LAMMPS."""
    name = model.stem
    head = "blyp" if "heads" in ARCHITECTURES[name] else "Default"
    energy, forces, stress = reference(model, box, head)
    frame = read(dump, index=0, format="lammps-dump-text")
    assert frame.get_forces() == pytest.approx(forces, abs=FORCE_TOLERANCE[dtype]), name
    assert row["PotEng"] == pytest.approx(energy, abs=1e-6 if dtype == "float64" else 1e-3)
    atoms = np.loadtxt(dump, skiprows=9, max_rows=len(box))
    assert atoms[:, 8].sum() == pytest.approx(row["PotEng"], abs=1e-7)
    kinetic = row["TotEng"] - row["PotEng"]
    assert kinetic > 0
    ideal = 2.0 * kinetic / (3.0 * box.get_volume()) * EV_PER_A3_IN_BAR
    virial = -np.trace(stress) / 3 * EV_PER_A3_IN_BAR
    near = {"float64": {"rel": 1e-6, "abs": 0.01}, "float32": {"rel": 1e-4, "abs": 30.0}}[dtype]
    assert row["Press"] - ideal == pytest.approx(virial, **near)

    exact = PeriodicPotential.from_file(potential, dtype="float64")
    species = exact.species_of(box.get_chemical_symbols())
    alone = exact(box.positions, np.asarray(box.cell), species).energies_eV
    assert atoms[:, 8] == pytest.approx(alone, abs=1e-7 if dtype == "float64" else 1e-3)
    # LAMMPS gives minus stress times volume, in bar Å³.
    expected = -per_atom_virial(exact, box) * EV_PER_A3_IN_BAR
    scale = np.abs(expected).max()
    assert atoms[:, 9:15] == pytest.approx(
        expected, abs=scale * (1e-7 if dtype == "float64" else 1e-4)
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_parity_of_the_shipped_potential(tmp_path: Path, lmp: Lmp, dtype: str) -> None:
    box = triclinic()
    write_box(tmp_path / "box.data", box)
    row = ran(tmp_path, lmp, SHIPPED, ranks=2, steps=0, dtype=dtype)
    energy, forces, _ = reference(next(iter(SHIPPED.parent.glob("*.model"))), box)
    frame = read(tmp_path / "out.dump", index=0, format="lammps-dump-text")
    assert frame.get_forces() == pytest.approx(forces, abs=FORCE_TOLERANCE[dtype])
    assert row["PotEng"] == pytest.approx(energy, abs=1e-6 if dtype == "float64" else 1e-3)


def test_ranks_give_the_same_trajectory(
    tmp_path: Path, lmp: Lmp, mace_model: Make, artifact: Make
) -> None:
    """Several architectures and boxes in one lmp: most of its time is its start, on each rank."""
    whole, small = water_like_box(), water_like_box(1, 4)
    assert max(small.cell.lengths()) < 5.5, "atoms are their own neighbours, several times"
    sparse = small.copy()
    sparse.set_cell([40, 40, 40], scale_atoms=False)
    names = ("scalar", "vector", "three_layers", "zbl_agnesi")
    cases = {name: (artifact(name), whole) for name in names}
    cases |= {"small": (artifact("vector"), small), "sparse": (artifact("scalar"), sparse)}
    rows: dict[str, list] = {name: [] for name in cases}
    for ranks in (1, 2, 4):
        folder = tmp_path / str(ranks)
        folder.mkdir()
        (folder / "test.in").write_text(one_after_the_other(cases, folder, steps=6))
        done = lmp(folder, "test.in", "-screen", "none", ranks=ranks, dtype="float64")
        for name in cases:
            rows[name].append(last_row(folder, lmp, done, f"{name}.log"))
            assert f"on {ranks} procs" in (folder / f"{name}.log").read_text()
    for of_name in rows.values():
        same(of_name)
    assert "0 min" in (tmp_path / "4" / "sparse.log").read_text(), "a rank has no atoms"
    energy, _, _ = reference(mace_model("vector"), small)
    log = (tmp_path / "2" / "small.log").read_text().splitlines()
    assert row_of(log, 0)["PotEng"] == pytest.approx(energy, abs=1e-6)


def one_after_the_other(cases: Mapping[str, tuple[Path, Atoms]], folder: Path, steps: int) -> str:
    """Return an input that runs several boxes, each with a potential, a log and a dump."""
    script = ""
    for name, (potential, box) in cases.items():
        write_box(folder / f"{name}.data", box)
        text = INPUT.format(potential=potential, elements="H O K", steps=steps)
        for file in ("out.dump", "box.data"):
            assert text.count(file) == 1
            text = text.replace(file, f"{name}{Path(file).suffix}")
        script += f"clear\nlog {name}.log\n{text}"
    return script


def test_fixed_shapes_give_the_same_trajectory(
    tmp_path: Path, lmp: Lmp, artifact: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a captured CUDA graph runs, in lmp, where pairs and neighbours change in number."""
    rows, said = [], []
    for switch in ("0", "1"):
        monkeypatch.setenv("PYKOH_CUDA_GRAPH", switch)
        folder = tmp_path / switch
        folder.mkdir()
        write_box(folder / "box.data", triclinic())
        done = run(folder, lmp, artifact("scalar"), steps=30)
        rows.append(last_row(folder, lmp, done))
        said.append("captured graph is used" in done.stdout)
    # The compiled loops have other tables, each right to some 1e-6 eV/Å.
    same(rows, rel=1e-6, at=1e-3)
    assert said == [False, True]


def test_ranks_agree_in_single_precision(tmp_path: Path, lmp: Lmp, artifact: Make) -> None:
    rows = of_ranks(tmp_path, lmp, artifact("vector"), triclinic(), dtype="float32")
    same(rows, rel=1e-5, at=30.0)


def test_types_in_another_order(tmp_path: Path, lmp: Lmp, mace_model: Make, artifact: Make) -> None:
    box = water_like_box(1, 6)
    write_box(tmp_path / "box.data", box, ("K", "H", "O"))
    row = ran(tmp_path, lmp, artifact("scalar"), steps=0, elements="K H O")
    energy, _, _ = reference(mace_model("scalar"), box)
    assert row["PotEng"] == pytest.approx(energy, abs=1e-6)


def test_energy_is_conserved_without_thermostat(tmp_path: Path, lmp: Lmp) -> None:
    box = water_like_box(3, 22)
    write_box(tmp_path / "box.data", box)
    relaxed = (
        "velocity all",
        "minimize 0 1e-3 60 200\nreset_timestep 0\nthermo 10\nvelocity all",
    )
    ran(tmp_path, lmp, SHIPPED, 2, steps=300, change=relaxed)
    lines = (tmp_path / "log.lammps").read_text().splitlines()
    start = max(i for i, line in enumerate(lines) if line.split()[:1] == ["Step"])
    end = next(i for i in range(start, len(lines)) if lines[i].startswith("Loop"))
    total = np.array([float(line.split()[2]) for line in lines[start + 1 : end]])
    assert len(total) == 31
    off = 1000 * (total - total[0]) / len(box)
    assert np.abs(off).max() < 0.5, "meV/atom: it fluctuates"
    assert abs(off[-10:].mean() - off[5:15].mean()) < 0.1, "meV/atom: it does not drift"


@pytest.mark.parametrize("ranks", [1, 2])
def test_restart_gives_the_same_trajectory(
    tmp_path: Path, lmp: Lmp, artifact: Make, ranks: int
) -> None:
    write_box(tmp_path / "box.data", water_like_box())
    whole = ran(
        tmp_path, lmp, artifact("vector"), ranks, steps=20,
        change=("run 20", "run 10\nwrite_restart half.restart\nrun 10"),
    )  # fmt: skip
    second = tmp_path / "second"
    second.mkdir()
    text = (tmp_path / "test.in").read_text().replace("read_data box.data", "read_restart h")
    text = text.replace("read_restart h", "read_restart ../half.restart")
    text = text.replace("velocity all create 300 5\n", "").replace("run 0\n", "")
    text = text.replace("run 10\nwrite_restart half.restart\nrun 10", "run 10")
    (second / "test.in").write_text(text)
    done = lmp(second, "test.in", "-screen", "none", ranks=ranks)
    assert done.returncode == 0, done.stderr
    lines = (second / "log.lammps").read_text().splitlines()
    row = next(line for line in reversed(lines) if line.split()[:1] == ["20"])
    assert list(map(float, row.split())) == pytest.approx(list(whole.values()), rel=1e-6, abs=1e-4)


WRONG = [
    (("newton on", "newton off"), "the potential needs `newton on` at the top of the input script"),
    ((".pt 0", ".pt 1"), "write `pair_style mliap unified FILE 0`"),
]


@pytest.mark.parametrize(("change", "expected"), WRONG)
def test_wrong_inputs_say_what_to_do_and_end(
    tmp_path: Path, lmp: Lmp, artifact: Make, change: tuple[str, str], expected: str
) -> None:
    """On two ranks: none of them waits for ever."""
    if change[0] == "newton on" and lmp.options:
        pytest.skip("with Kokkos the command line rules, see the test below")
    write_box(tmp_path / "box.data", water_like_box(1, 6))
    one_sentence(run(tmp_path, lmp, artifact("scalar"), 2, change=change), expected)


def one_sentence(done: subprocess.CompletedProcess, expected: str) -> None:
    said = done.stderr + done.stdout
    assert done.returncode != 0, said
    assert said.count(expected) == 1, said
    assert "Traceback" not in said
    line = next(line for line in said.splitlines() if expected in line)
    assert line.startswith("ERROR: ")


@pytest.mark.parametrize("ranks", [1, 2])
def test_plain_without_the_handle(tmp_path: Path, artifact: Make, ranks: int) -> None:
    write_box(tmp_path / "box.data", water_like_box(1, 6))
    done = run(
        tmp_path, lmp_of("plain"), artifact("scalar"), ranks, change=("python attach invoke", "")
    )
    one_sentence(done, "put these lines before pair_style")


@pytest.mark.kokkos
@pytest.mark.parametrize("ranks", [1, 2])
def test_kokkos_without_the_handle_runs(tmp_path: Path, artifact: Make, ranks: int) -> None:
    """Kokkos exchanges by itself; the handle saves work only."""
    rows = []
    for name, change in (("with", ("", "")), ("without", ("python attach invoke", ""))):
        folder = tmp_path / name
        folder.mkdir()
        write_box(folder / "box.data", water_like_box())
        rows.append(ran(folder, lmp_of("kokkos"), artifact("vector"), ranks, change=change))
    same(rows)


@pytest.mark.kokkos
@pytest.mark.parametrize("ranks", [1, 2])
def test_newton_off_with_kokkos(tmp_path: Path, artifact: Make, ranks: int) -> None:
    write_box(tmp_path / "box.data", water_like_box(1, 6))
    off = Lmp(lmp_of("kokkos").path, (*KOKKOS[:9], "off", "neigh", "full"))
    done = run(tmp_path, off, artifact("scalar"), ranks, change=("newton on", "newton off"))
    one_sentence(done, "the potential needs `newton on` at the top of the input script")


TOLD = (
    "python attach input 1 SELF format p here",
    "variable what string {potential}\nvariable who string '{elements}'\n"
    "python attach input 3 SELF v_what v_who format pss here",
)


@pytest.mark.parametrize("told", [True, False], ids=["attach knows", "at the first step"])
def test_elements_that_do_not_fit_the_masses_are_refused(
    tmp_path: Path, artifact: Make, told: bool
) -> None:
    write_box(tmp_path / "box.data", water_like_box(), order=("O", "H", "K"))
    potential = artifact("scalar")
    change = ("", "")
    if told:
        change = TOLD[0], TOLD[1].format(potential=potential, elements="H O K")
    done = run(tmp_path, lmp_of("plain"), potential, change=change)
    assert done.returncode != 0
    assert "atom type 1 has mass 15.999" in done.stdout + done.stderr
    assert "order the elements of pair_coeff" in done.stdout + done.stderr
    # In the order of the types it runs.
    if told:
        change = TOLD[0], TOLD[1].format(potential=potential, elements="O H K")
    done = run(tmp_path, lmp_of("plain"), potential, change=change, elements="O H K")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_damaged_potential_is_refused(tmp_path: Path, artifact: Make) -> None:
    write_box(tmp_path / "box.data", water_like_box())
    potential = torch.load(artifact("scalar"), weights_only=False)
    potential.tree["buffers"]["embedding"][0, 0] += 1e-9
    torch.save(potential, tmp_path / "changed.pt")
    done = run(tmp_path, lmp_of("plain"), tmp_path / "changed.pt")
    assert done.returncode != 0 and "this potential is damaged" in done.stdout + done.stderr
