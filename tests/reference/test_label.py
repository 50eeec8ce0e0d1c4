"""``pykoh label``: resuming, failures, levels; with an ASE calculator and with CP2K itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from click.testing import CliRunner

from labels import frames
from pykoh.cli import main
from pykoh.reference.ase_calculator import AseLabeller
from pykoh.reference.frame_queue import alternate_trajectories

# A calculator that takes its time, fails at chosen frames, and counts its calls.
TEACHER = """
import time
from pathlib import Path

from ase.calculators.lj import LennardJones


class Slow(LennardJones):
    def calculate(self, atoms=None, *args, **kwargs):
        with Path("calls").open("a") as stream:
            stream.write(f"{len(atoms)}\\n")
        time.sleep(float(Path("delay").read_text()) if Path("delay").exists() else 0.0)
        if Path("broken").exists() and abs(atoms.positions[0, 0] - BROKEN) < 1e-6:
            raise RuntimeError("SCF did not converge")
        super().calculate(atoms, *args, **kwargs)


def calculator():
    return Slow(sigma=1.0, epsilon=0.05, rc=2.5, smooth=True)


def other():
    return Slow(sigma=1.1, epsilon=0.05, rc=2.5, smooth=True)


def nothing():
    return None


class Lost(Slow):
    def calculate(self, atoms=None, *args, **kwargs):
        super().calculate(atoms, *args, **kwargs)
        if len(atoms) > 1:
            self.results["forces"][0, 0] = float("nan")


def lost():
    return Lost(sigma=1.0, epsilon=0.05, rc=2.5, smooth=True)


class Outside(Slow):
    # Spends 0.3 s in a process of its own, as most DFT codes do.
    def calculate(self, atoms=None, *args, **kwargs):
        import subprocess, sys

        code = "import time\\nwhile time.process_time() < 0.3: pass"
        subprocess.run([sys.executable, "-c", code], check=True)
        super().calculate(atoms, *args, **kwargs)


def outside():
    made = Outside(sigma=1.0, epsilon=0.05, rc=2.5, smooth=True)
    made.parameters["profile"] = object()  # its text has an address
    return made
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a teacher, two trajectories of three frames, and nothing labelled."""
    made = [*frames("dense", "a", 3, seed=1), *frames("dense", "b", 3, seed=2)]
    write(tmp_path / "frames.extxyz", made, format="extxyz")
    broken = read(tmp_path / "frames.extxyz", index=1).positions[0, 0]
    text = TEACHER.replace("BROKEN", repr(float(broken)))
    (tmp_path / "teacher.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "teacher", raising=False)
    return tmp_path


def call(*arguments: str, calculator: str = "teacher:calculator"):
    options = ["label", "frames.extxyz", "-o", "l.extxyz", "--calculator", calculator]
    return CliRunner().invoke(main, [*options, *arguments])


def labels(place: Path) -> list[Atoms]:
    return [a for a in read(place / "l.extxyz", index=":") if len(a) > 1]


def test_labels_hold_what_the_calculator_gives(place: Path) -> None:
    done = call("--jobs", "2")
    assert done.exit_code == 0, done.output
    made = read(place / "l.extxyz", index=":")
    assert [a.info["config_type"] for a in made[:3]] == ["IsolatedAtom"] * 3
    source = read(place / "frames.extxyz", index=":")
    from teacher import calculator  # type: ignore[import-not-found]

    assert {a.info["run"] for a in made[3:]} == {"a", "b"}
    for label in made[3:]:
        twin = next(f for f in source if np.allclose(f.positions, label.positions, atol=1e-7))
        twin.calc = calculator()
        assert label.info["REF_energy"] == pytest.approx(twin.get_potential_energy(), abs=1e-7)
        assert label.arrays["REF_forces"] == pytest.approx(twin.get_forces(), abs=1e-6)
    assert not (place / "l.work").exists()


def test_a_second_call_computes_nothing_again(place: Path) -> None:
    assert call().exit_code == 0
    first, calls = (place / "l.extxyz").read_bytes(), (place / "calls").read_text()
    done = call()
    assert done.exit_code == 0
    assert (place / "l.extxyz").read_bytes() == first
    # The level is asked anew, the frames are not.
    assert (place / "calls").read_text() == calls


def test_a_label_that_is_not_a_number_is_a_failure(place: Path) -> None:
    done = call(calculator="teacher:lost")
    assert done.exit_code == 1 and "6 of 6 frames failed" in done.output
    reasons = json.loads((place / "l.json").read_text())["failures"].values()
    assert all("a force is not a number" in reason for reason in reasons)
    assert not labels(place)


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_the_cost_counts_other_processes_once(place: Path, jobs: str) -> None:
    done = call("--jobs", jobs, "--no-atoms", calculator="teacher:outside")
    assert done.exit_code == 0, done.output
    spent = sum(float(frame.info["core_s"]) for frame in labels(place))
    assert 6 * 0.3 <= spent < 6 * 1.5
    # In the next process an object of the parameters has another address.
    command = [sys.executable, "-m", "pykoh", "label", "frames.extxyz", "-o", "l.extxyz"]
    command += ["--no-atoms", "--calculator", "teacher:outside"]
    again = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr


def test_kill_loses_at_most_the_frames_in_flight(place: Path) -> None:
    (place / "delay").write_text("0.5")
    command = [sys.executable, "-m", "pykoh", "label", "frames.extxyz", "-o", "l.extxyz"]
    process = subprocess.Popen([*command, "--calculator", "teacher:calculator"], cwd=place)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (place / "l.extxyz").exists() and len(read(place / "l.extxyz", index=":")) >= 5:
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(labels(place))
    assert 2 <= kept < 6
    before = len((place / "calls").read_text().splitlines())
    (place / "delay").unlink()
    assert call().exit_code == 0
    assert len(labels(place)) == 6
    # Three isolated atoms and the kept frames are not computed again.
    assert len((place / "calls").read_text().splitlines()) == before + 6 - kept
    assert before - 3 - kept <= 1


def test_a_frame_that_fails_is_listed_and_can_be_retried(place: Path) -> None:
    (place / "broken").touch()
    done = call()
    assert done.exit_code == 1
    assert "1 of 6 frames failed" in done.output and "--retry-failed" in done.output
    assert len(labels(place)) == 5
    failures = json.loads((place / "l.json").read_text())["failures"]
    assert [text for text in failures.values() if "SCF did not converge" in text]
    again = call()
    assert again.exit_code == 1, "a failure is not forgotten"
    (place / "broken").unlink()
    assert call("--retry-failed").exit_code == 0
    assert len(labels(place)) == 6
    assert json.loads((place / "l.json").read_text())["failures"] == {}


def test_another_level_is_refused_and_changes_nothing(place: Path) -> None:
    assert call().exit_code == 0
    first = (place / "l.extxyz").read_bytes()
    done = call(calculator="teacher:other")
    assert done.exit_code == 1
    assert "choose another name with -o" in done.output
    assert (place / "l.extxyz").read_bytes() == first


def test_two_potentials_of_pykoh_are_two_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import os\nimport pykoh\n\n\ndef calculator():\n"
        "    return pykoh.Calculator(os.environ['POTENTIAL'])\n"
    )
    keys = []
    for name in ("koh-blyp-d3", "koh-7net0-distilled", "koh-blyp-d3"):
        path = Path(__file__).parents[2] / "potentials" / name / "koh.pt"
        monkeypatch.setenv("POTENTIAL", str(path))
        keys.append(AseLabeller("mine:calculator").level.key)
    assert keys[0] != keys[1] and keys[0] == keys[2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("teacher", "give MODULE:FACTORY"),
        ("no_such_module:f", "no_such_module"),
        ("teacher:missing", "missing"),
        ("teacher:nothing", "not an ASE calculator"),
        ("unready:calculator", "KeyError: 'NOT_SET_ANYWHERE'"),
    ],
)
def test_wrong_calculators(place: Path, name: str, expected: str) -> None:
    (place / "unready.py").write_text("import os\nos.environ['NOT_SET_ANYWHERE']\n")
    done = call(calculator=name)
    assert done.exit_code == 1 and expected in done.output
    assert not (place / "l.extxyz").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["label", "none.extxyz"], "no such file"),
        (["label", "frames.extxyz", "-o", "x.xyz"], "name it x.extxyz"),
        (["label", "frames.extxyz", "-o", "frames.extxyz"], "also a file of frames"),
        (["label", "frames.extxyz", "-o", "no/l.extxyz"], "create it first"),
        (["label", "frames.extxyz", "-o", "/proc/l.extxyz"], "cannot be written"),
        (["label", "frames.extxyz", "--command", "/no/cp2k"], "does not run"),
        (["label", "frames.extxyz", "--command", "true"], "is not CP2K"),
        (["label", "frames.extxyz", "--command", ""], "--command is empty"),
        (["label", "frames.extxyz", "--command", "mpirun 'cp2k"], "a quotation mark is not closed"),
    ],
)
def test_wrong_options(place: Path, arguments: list[str], expected: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert expected in done.output and "Traceback" not in done.output


def test_trajectories_take_turns() -> None:
    order = alternate_trajectories(
        [*frames("dense", "a", 3, seed=1), *frames("dense", "b", 2, seed=2)]
    )
    assert [frame.info["run"] for frame in order] == ["a", "b", "a", "b", "a"]


def test_sodium_has_a_finer_grid_and_a_level_of_its_own() -> None:
    from pykoh.reference.cp2k_input import RECIPES, cp2k_level, grid_of, input_text, settings_of

    # The key of the shipped labels of KOH.
    assert cp2k_level("CP2K", grid_of("HOK")).key == "c2dac985619c"
    level = cp2k_level("CP2K", grid_of(["H", "O", "Na"]))
    assert level.key != "c2dac985619c"
    for symbols, cutoff in (("KOH", "400"), ("NaOH", "1200"), ("LiOH", "400")):
        box = Atoms(symbols, positions=np.eye(3) * 3, cell=[9.0] * 3, pbc=True)
        assert f"CUTOFF {cutoff}\n" in input_text(box, RECIPES[0])
    # Isolated atoms and frames without Na are on the grid of all frames.
    text = input_text(Atoms("H", cell=[9.0] * 3, pbc=True), RECIPES[1], grid=grid_of(["Na"]))
    assert settings_of(text) == level.settings


def two_waters() -> Atoms:
    from ase.build import molecule

    box = molecule("H2O") + molecule("H2O")
    box.positions[3:] += [2.9, 0.2, 0.1]
    box.set_cell([7.0, 6.0, 6.0])
    box.center()
    box.pbc = True
    box.info["run"] = "w"
    return box


def test_cp2k_forces_are_the_slope_of_its_energy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("cp2k.psmp") is None:
        pytest.skip("CP2K is not installed: apt-get install cp2k cp2k-data libopenblas0-serial")
    monkeypatch.chdir(tmp_path)
    step = 0.02
    made = [two_waters() for _ in range(3)]
    for frame, shift in zip(made, (-step, 0.0, step), strict=True):
        frame.positions[1, 1] += shift
    write("f.extxyz", made, format="extxyz")
    done = CliRunner().invoke(main, ["label", "f.extxyz", "-o", "l.extxyz", "--no-atoms"])
    assert done.exit_code == 0, done.output
    low, middle, high = sorted(read("l.extxyz", index=":"), key=lambda frame: frame.positions[1, 1])
    slope = (high.info["REF_energy"] - low.info["REF_energy"]) / (2 * step)
    # Central difference and the grid of 400 Ry: a few meV/Å.
    assert middle.arrays["REF_forces"][1, 1] == pytest.approx(-slope, abs=0.02)
    assert middle.info["level"] == "BLYP-D3/DZVP-MOLOPT-SR-GTH"
    # Atomisation of water is exothermic: -17.2 Hartree is what BLYP gives for a molecule.
    assert middle.info["REF_energy"] / 2 == pytest.approx(-17.2 * 27.211, abs=3.0)
