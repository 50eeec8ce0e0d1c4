"""Multiple time steps: the integrator, `pykoh run --inner`, and what it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import read
from click.testing import CliRunner

from pykoh.cli import main
from pykoh.engines.continuation import Description, check_continuation
from pykoh.engines.intervals import check_intervals
from pykoh.engines.multistep import MultipleSteps
from pykoh.engines.periodic import Evaluation, PeriodicPotential
from pykoh.errors import EngineError
from pykoh.resources import shipped
from started import pykoh
from test_run import CHECK, start, steps_of, thermo

Make = Callable[[str], Path]
REAL = shipped("potentials") / "koh-blyp-d3"


class Springs:
    """Atoms on springs of their own, with a weak cubic part: exact forces, no neighbours."""

    class metadata:  # noqa: N801  (an attribute of potentials)
        elements = ("H", "O")
        source = "springs"

    def __init__(self, stiffness: float, cubic: float) -> None:
        self.stiffness, self.cubic, self.calls = stiffness, cubic, 0

    def species_of(self, symbols: list[str]) -> np.ndarray:
        return np.arange(len(symbols))

    def __call__(self, x: np.ndarray, cell: np.ndarray, species: np.ndarray) -> Evaluation:
        self.calls += 1
        energies = (0.5 * self.stiffness * x**2 + self.cubic * x**3 / 3).sum(axis=1)
        return Evaluation(energies, -self.stiffness * x - self.cubic * x**2, np.zeros((3, 3)))


def respa(
    x: np.ndarray, v: np.ndarray, accurate: Any, fast: Any, dt: float, every: int, n_outer: int
) -> tuple[np.ndarray, np.ndarray]:
    """Integrate as Tuckerman, Berne and Martyna write it, with unit masses."""
    cell, species = np.eye(3), np.zeros(len(x), int)

    def slow() -> np.ndarray:
        f = accurate(x, cell, species).forces_eV_per_A - fast(x, cell, species).forces_eV_per_A
        return np.asarray(f)

    for _ in range(n_outer):
        v = v + 0.5 * every * dt * slow()
        for _ in range(every):
            v = v + 0.5 * dt * fast(x, cell, species).forces_eV_per_A
            x = x + dt * v
            v = v + 0.5 * dt * fast(x, cell, species).forces_eV_per_A
        v = v + 0.5 * every * dt * slow()
    return x, v


def test_velocity_verlet_with_these_forces_is_respa() -> None:
    rng = np.random.default_rng(3)
    x, v = rng.normal(size=(2, 4, 3))
    accurate, fast, every, dt = Springs(1.0, 0.2), Springs(0.8, 0.0), 4, 0.05
    expected = respa(x, v, accurate, fast, dt, every, 25)
    accurate.calls = 0
    scheme = MultipleSteps(accurate, fast, every)  # type: ignore[arg-type]
    cell, species = np.eye(3), np.zeros(4, int)
    f = scheme(0, False, x, cell, species).forces_eV_per_A
    for step in range(1, 25 * every + 1):
        v = v + 0.5 * dt * f
        x = x + dt * v
        found = scheme(step, False, x, cell, species)
        f = found.forces_eV_per_A
        v = v + 0.5 * dt * f
    assert x == pytest.approx(expected[0], abs=1e-12)
    assert v == pytest.approx(expected[1], abs=1e-12)
    assert accurate.calls == 26
    energy = accurate(x, cell, species).energies_eV.sum()
    assert found.energy_eV == pytest.approx(energy, abs=1e-12), "of the accurate potential"


def test_a_minimisation_uses_the_potential_itself() -> None:
    accurate, fast = Springs(1.0, 0.2), Springs(0.5, 0.0)
    scheme = MultipleSteps(accurate, fast, 4)  # type: ignore[arg-type]
    x = np.ones((2, 3))
    for step in (0, 1, 2):
        found = scheme(step, True, x, np.eye(3), np.zeros(2, int))
        expected = accurate(x, np.eye(3), np.zeros(2, int))
        assert (found.forces_eV_per_A == expected.forces_eV_per_A).all()
    assert fast.calls == 0


def test_a_run_may_begin_between_steps_of_the_potential() -> None:
    """Energies of the two may differ by any constant: without the difference they are wrong."""
    accurate, fast = Springs(1.0, 0.2), Springs(0.5, 0.0)
    scheme = MultipleSteps(accurate, fast, 4)  # type: ignore[arg-type]
    x = np.ones((2, 3))
    for step in (101, 102):
        found = scheme(step, False, x, np.eye(3), np.zeros(2, int))
        inner = fast(x, np.eye(3), np.zeros(2, int))
        assert (found.forces_eV_per_A == inner.forces_eV_per_A).all()
        energy = accurate(x, np.eye(3), np.zeros(2, int)).energies_eV.sum()
        assert found.energy_eV == pytest.approx(energy)
    accurate.calls = 0
    scheme(103, False, x, np.eye(3), np.zeros(2, int))
    assert accurate.calls == 0


def test_with_the_same_potential_twice_nothing_changes(
    tmp_path: Path, box: Path, artifact: Make
) -> None:
    frames = []
    for name, more in (("one", ()), ("two", ("--inner", str(artifact("one_layer"))))):
        folder = tmp_path / name
        folder.mkdir()
        words = ("--var", "ps", "0.02", "--dtype", "float64", *more)
        done = pykoh(folder, *start(folder, artifact("one_layer"), box, *words))
        assert done.returncode == 0, done.stderr
        frames.append(read(folder / "koh.dump", index=-1, format="lammps-dump-text").positions)
    assert frames[0] == pytest.approx(frames[1], abs=2e-5)


def test_the_shipped_pair_of_potentials(tmp_path: Path, box: Path) -> None:
    """Energies are those of the potential; the total energy stays; a continuation is exact."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    inner = ("--inner", str(REAL / "inner.pt"), "--every", "4", "--dtype", "float64")
    words = ("--var", "dump_fs", "50", "--var", "restart_ps", "0.05", *inner)
    whole = start(tmp_path / "whole", REAL / "koh.pt", box, *words)
    done = pykoh(tmp_path / "whole", *whole, "--var", "ps", "0.1")
    assert done.returncode == 0, done.stderr
    parts = start(tmp_path / "parts", REAL / "koh.pt", box, *words)
    for ps in ("0.0505", "0.1"):  # step 101 is no step of the accurate potential
        done = pykoh(tmp_path / "parts", *parts, "--var", "ps", ps)
        assert done.returncode == 0, done.stderr
    frames = [
        read(tmp_path / name / "koh.dump", index=-1, format="lammps-dump-text")
        for name in ("whole", "parts")
    ]
    assert frames[0].positions == pytest.approx(frames[1].positions, abs=2e-5)
    assert steps_of(tmp_path / "parts" / "koh.dump") == [0, 100, 200]
    potential = PeriodicPotential.from_file(REAL / "koh.pt", dtype="float64")
    last = frames[0]
    symbols = [" HOK"[number] for number in last.numbers]
    found = potential(last.positions, np.array(last.cell), potential.species_of(symbols))
    table = thermo(tmp_path / "whole" / "koh.log")
    # The dump has five decimals.
    assert table["PotEng"][-1] == pytest.approx(found.energies_eV.sum(), abs=5e-3)
    assert "outer steps of 2 fs" not in done.stderr, "the input has a thermostat"
    refused = pykoh(tmp_path / "whole", *whole[: -len(inner)], "--var", "ps", "0.2")
    assert (
        refused.returncode == 1 and f"use --inner {REAL / 'inner.pt'} --every 4" in refused.stderr
    )


def test_the_energy_is_conserved_without_a_thermostat(tmp_path: Path, box: Path) -> None:
    """Outer steps of 1 fs; those of 2 fs heat by 1e-4 eV/atom/ps, a wrong kick by far more."""
    (tmp_path / "koh.data").write_bytes(box.read_bytes())
    potential = ("--var", "potential", str(REAL / "koh.pt"), "--threads", "1")
    short = ("--var", "ps", "0.3", "--var", "average_ps", "0.1", "--var", "heat_ps", "0.1")
    done = pykoh(tmp_path, "run", "equilibrate.in", *potential, *short)
    assert done.returncode == 0, done.stderr
    text = (shipped("lammps_inputs") / "nve.in").read_text()
    (tmp_path / "nve.in").write_text(text.replace("thermo          100", "thermo          20"))
    inner = ("--inner", str(REAL / "inner.pt"), "--dtype", "float64")
    words = ("--var", "ps", "1.5", "--var", "restart_ps", "10", "--var", "data", "equil.data")
    done = pykoh(tmp_path, "run", "nve.in", *potential, *words, *inner, "--log", "nve.log")
    assert done.returncode == 0, done.stderr
    table = thermo(tmp_path / "nve.log")
    assert len(table["Step"]) == 151 and np.ptp(table["Temp"]) > 20
    drift = np.polyfit(table["Step"] * 0.0005, table["TotEng"] / 72, 1)[0]
    assert abs(drift) < 5e-5, f"{drift:.1e} eV/atom/ps"


@pytest.mark.parametrize(
    ("every", "variables", "message"),
    [
        (3, {}, "must divide 100"),
        (5, {"pressure_fs": "2.0", "timestep_fs": "0.5"}, "--var pressure_fs 2.5"),
        (4, {"pressure_fs": "2.0", "timestep_fs": "0.25"}, None),
        (4, {"pressure_fs": "2.0", "timestep_fs": "0.5"}, None),
        (5, {"pressure_fs": "0", "timestep_fs": "0.5"}, None),
        (4, {}, None),
        # LAMMPS rounds 4.5 steps to 5.
        (4, {"pressure_fs": "2.25", "timestep_fs": "0.5"}, "every 5 MD steps"),
        (5, {"pressure_fs": "2.25", "timestep_fs": "0.5"}, None),
        (4, {"pressure_fs": "0", "timestep_fs": "1.0"}, "4 MD steps of 1 fs are longer than 2.5"),
        (100, {"pressure_fs": "0", "timestep_fs": "0.5"}, "heat the liquid"),
        (2, {"pressure_fs": "0", "timestep_fs": "1.25"}, None),
        (0, {}, "at least 2"),
    ],
)
def test_results_are_written_at_steps_of_the_potential(
    every: int, variables: dict[str, str], message: str | None
) -> None:
    if message is None:
        check_intervals(every, variables)
        return
    with pytest.raises(EngineError, match=message):
        check_intervals(every, variables)


@pytest.mark.parametrize(
    ("thermo", "message"), [("10", "divide 10, .*use 2 or 5"), ("1", "use `thermo 100`")]
)
def test_thermo_lines_of_an_own_input_are_written_at_such_steps(thermo: str, message: str) -> None:
    script = shipped("lammps_inputs", "nve.in").read_text()
    check_intervals(4, {}, script)
    with pytest.raises(EngineError, match=message):
        check_intervals(4, {}, script.replace("thermo          100", f"thermo {thermo}"))


def test_another_inner_potential_is_another_simulation(tmp_path: Path) -> None:
    first = Description("koh.in", {}, "a", "a", "b", 4, "old.pt")
    name = str(tmp_path / "koh")
    check_continuation(name, first, print)
    Path(f"{name}.restart").touch()
    check_continuation(name, first, print)
    for change, message in (
        ({"every": 2}, "every 4.*, not multiple time steps .--every 2"),
        ({"every": 1, "inner_sha256": None}, "not single time steps"),
        ({"inner_sha256": "c"}, "another potential as --inner. To continue it, use the earlier"),
        ({"inner_sha256": "c", "inner": "new.pt"}, "use --inner old.pt. For"),
        ({"every": 2, "inner": "new.pt"}, "use --inner old.pt --every 4. For"),
    ):
        with pytest.raises(EngineError, match=message):
            check_continuation(name, dataclasses.replace(first, **change), print)


def test_bad_options_give_one_line(
    tmp_path: Path, box: Path, artifact: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    potential, other = artifact("scalar"), artifact("zbl_agnesi")
    (tmp_path / "check.in").write_text(CHECK)
    own = ("run", "check.in", "--var", "data", str(box), "--var", "potential", str(potential))
    shipped_input = start(tmp_path, potential, box)
    for words, message in (
        ((*shipped_input, "--inner", "none.pt"), "none.pt"),
        ((*shipped_input, "--inner", str(box)), "koh.data"),
        ((*shipped_input, "--inner", str(other), "--every", "1"), "--every"),
        ((*shipped_input, "--inner", str(other), "--every", "7"), "must divide 100"),
        ((*shipped_input, "--every", "4"), "add --inner FILE"),
        ((*own, "--inner", str(other)), "no variable `stage`"),
    ):
        done = CliRunner().invoke(main, words)
        assert done.exit_code != 0 and message in done.output.splitlines()[-1], done.output
        assert isinstance(done.exception, SystemExit)
        assert not (tmp_path / "koh.dump").exists()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fix 1 all nve", False),
        ("fix 1 all nvt temp 300 300 0.1", True),
        ('if "1 > 0" then "fix 1 all nvt temp 300 300 0.1"', True),
        ("fix 1 all &\n  nvt temp 300 300 0.1", True),
        ("fix 1 all ${ens} temp 300 300 0.1", True),
        ("fix 1 all nve\nfix 2 all temp/csvr 300 300 0.1 4", True),
        ("fix 1 all nve  # no fix 1 all nvt", False),
    ],
)
def test_long_outer_steps_need_a_thermostat(line: str, expected: bool) -> None:
    from pykoh.engines.simulation import _warn_of_long_steps

    said: list[str] = []
    _warn_of_long_steps(4, {"timestep_fs": "0.5"}, line, said.append)
    assert (not said) == expected
