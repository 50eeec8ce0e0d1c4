"""The shipped inputs in an lmp that has ML-IAP with Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from inputs import NVE, SHORT, copy_box, data_file, run, steps_of, thermo
from lmp import ENGINES, Lmp, lmp_of
from pykoh.resources import shipped


def lmp_run(lmp: Lmp, folder: Path, script: str, *variables: str, ranks: int = 1) -> str:
    pairs = [word for k in range(0, len(variables), 2) for word in ("-var", *variables[k : k + 2])]
    done = lmp(folder, shipped("lammps_inputs", script), *pairs, ranks=ranks)
    return f"{done.returncode} {done.stdout} {done.stderr}"


@pytest.mark.lammps
@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_inputs_in_an_lmp(
    tiny_box: Path, equilibrated: Path, tmp_path: Path, engine: str
) -> None:
    """A run goes on with another number of ranks."""
    lmp = lmp_of(engine)
    folder = copy_box(tiny_box, tmp_path / "lmp")
    npt = f"{SHORT} npt_ps 0.02 pressure -200000"
    for _ in range(2):  # at the end nothing changes
        said = lmp_run(lmp, folder, "equilibrate.in", *npt.split(), ranks=2)
        assert said[0] == "0", said
        assert steps_of(folder / "equil.dump") == list(range(0, 111, 2))
    volume = data_file(folder / "equil.data")[0]
    assert volume != pytest.approx(data_file(equilibrated / "equil.data")[0], rel=1e-3)
    shutil.copy(equilibrated / "equil.data", folder)
    short = ("transport_fs", "4", "restart_ps", "0.005")
    for ps, ranks in (("0.01", 2), ("0.02", 1)):
        said = lmp_run(lmp, folder, "nve.in", "ps", ps, *short, ranks=ranks)
        assert said[0] == "0", said
    rows = thermo(folder / "log.lammps")
    embedded = copy_box(equilibrated, tmp_path / "embedded")
    shutil.copy(equilibrated / "equil.data", embedded)
    assert run(embedded, "nve.in", f"{NVE} ps 0.02").returncode == 0
    for name, value in thermo(embedded / "nve.log")[40].items():
        assert rows[40][name] == pytest.approx(value, rel=1e-5, abs=0.1), name
    assert np.loadtxt(folder / "nve.pressure.txt")[:, 0].tolist() == list(range(0, 41, 4))
    assert steps_of(folder / "nve.transport.dump") == list(range(0, 41, 8))
    assert steps_of(folder / "nve.dump") == [0, 20, 40]
    said = lmp_run(lmp, folder, "koh.in", "ps", "0.005", "data", "equil.data", ranks=1)
    assert said[0] == "0", said


@pytest.mark.lammps
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("script", ["koh.in", "nve.in", "equilibrate.in"])
def test_no_frame_is_there_twice_after_a_kill(
    equilibrated: Path, tmp_path: Path, engine: str, script: str
) -> None:
    """The run goes on from a restart that is older than the last frames."""
    lmp, ranks = lmp_of(engine), 2 if script == "koh.in" else 1
    folder = copy_box(equilibrated, tmp_path)
    lengths = {"heat_ps": "0.005", "average_ps": "0.001"} if script == "equilibrate.in" else {}
    variables = {"data": str(equilibrated / "equil.data"), "name": "go", "dump_fs": "1", **lengths}
    words = [word for pair in variables.items() for word in pair]
    said = lmp_run(lmp, folder, script, "ps", "0.010", "restart_ps", "0.005", *words, ranks=ranks)
    assert said[0] == "0", said
    first = steps_of(folder / "go.dump")
    assert first == list(range(0, first[-1] + 1, 2)) and len(first) > 10
    frames = (folder / "go.dump").read_text()
    with (folder / "go.dump").open("a") as stream:
        for step in (first[-1] + 2, first[-1] + 4):
            stream.write(f"ITEM: TIMESTEP\n{step}\nstale\n")
        stream.write("ITEM: TIMESTEP\n9")
    said = lmp_run(lmp, folder, script, "ps", "0.015", "restart_ps", "0.005", *words, ranks=ranks)
    assert said[0] == "0", said
    after = steps_of(folder / "go.dump")
    assert after == list(range(0, after[-1] + 1, 2)) and after[-1] == first[-1] + 10
    assert "stale" not in (folder / "go.dump").read_text()
    assert (folder / "go.dump").read_text()[: len(frames) // 2] == frames[: len(frames) // 2]


@pytest.mark.lammps
@pytest.mark.parametrize(
    ("script", "variables", "expected"),
    [
        ("koh.in", ["cation", "Na"], "knows H, O, K, not Na"),
        ("koh.in", ["potential", "no.pt"], "no.pt"),
        ("koh.in", ["potential", "my koh.pt"], "my koh.pt: LAMMPS takes no spaces in names"),
        ("koh.in", ["potential", "koh.data"], "koh.data: is not a pykoh potential"),
        ("nve.in", ["data", "koh.data"], "koh.data has no velocities: run equilibrate.in"),
        ("nve.in", ["data", "koh.data", "seed", "2"], "set temperature"),
        ("koh.in", ["name", "old"], "move it away or set name"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ranks", [1, 2])
def test_refusals_in_an_lmp(
    tiny_box: Path, tmp_path: Path, script: str, variables: list[str], expected: str, ranks: int,
    engine: str,
) -> None:  # fmt: skip
    folder = copy_box(tiny_box, tmp_path)
    (folder / "old.dump").write_text("precious")
    said = lmp_run(lmp_of(engine), folder, script, *variables, ranks=ranks)
    assert said[0] != "0"
    assert said.count(expected) == 1, said


@pytest.mark.lammps
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("script", ["koh.in", "nve.in", "equilibrate.in"])
def test_an_lmp_that_is_too_old_says_so(
    tiny_box: Path, tmp_path: Path, script: str, ranks: int, engine: str
) -> None:
    """The oldest version is set beyond this lmp's."""
    folder = copy_box(tiny_box, tmp_path)
    text = shipped("lammps_inputs", script).read_text()
    assert text.count("version<20250722") == 1
    (folder / "late.in").write_text(text.replace("version<20250722", "version<99990101"))
    done = lmp_of(engine)(folder, "late.in", "-var", "data", "koh.data", ranks=ranks)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    # The echo of the command goes to the log file alone.
    assert said.count("ERROR: this LAMMPS is older than 22 Jul 2025") == 1, said
