"""What the potential is told at each step: the stage of the input, the cell, the time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from potentials import random_mace
from pykoh.export.export import export_model
from pykoh.resources import shipped
from started import pykoh

# A minimisation, whose last step the run does not repeat; then a cell that is strained and tilted.
INPUT = """
units metal
atom_style atomic
atom_modify map yes
read_data koh.data
pair_style zero 5.0
pair_coeff * *
variable engine index embedded
variable stage string minimising
fix pykoh all external pf/callback 1 1
fix_modify pykoh energy yes virial yes
thermo 1
thermo_style custom step lx ly xy time
minimize 0 0 2 20
variable next equal step+1
reset_timestep ${next}
variable stage string running
timestep 0.0005
fix nve all nve
run 3
run 2 pre no
change_box all triclinic
fix strain all deform 1 x scale 1.01 xy delta 0.5
timestep 0.00025
run 4
"""

RECORD = """
import json, sys
from pathlib import Path
from pykoh.engines import embedded
from pykoh.engines.multistep import EachStep
from pykoh.engines.periodic import PeriodicPotential

seen = []

class Recorder(EachStep):
    def __call__(self, step, minimising, x, cell, species):
        seen.append([step, minimising, cell[0, 0], cell[1, 1], cell[1, 0]])
        return super().__call__(step, minimising, x, cell, species)

potential = PeriodicPotential.from_file("koh.pt")
report = lambda progress: seen[-1].extend([progress.time_ps, progress.timestep_ps])
embedded.run_input(Path("in.lmp"), {}, Recorder(potential), report, Path("log.lmp"))
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def folder(box: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("embedded")
    (place / "koh.data").write_bytes(box.read_bytes())
    (place / "in.lmp").write_text(INPUT)
    export_model(random_mace(place / "koh.model", cutoff=4.0), place / "koh.pt")
    return place


def test_stage_cell_and_time_are_those_of_lammps(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RECORD], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    log = (folder / "log.lmp").read_text()
    rows = re.findall(r"^ +(\d+)" + r" +([-+.\de]+)" * 4 + r" *$", log, re.MULTILINE)
    of_step = {int(step): list(map(float, rest)) for step, *rest in rows}
    begins = 1 + max(step for step, minimising, *_ in seen if minimising)
    assert begins > 1 and all(step >= begins for step, minimising, *_ in seen if not minimising)
    for step, minimising, lx, ly, xy, time_ps, _ in seen:
        assert minimising == (step < begins)
        # `fix deform` changes the cell after the forces of a step.
        before = of_step[step - 1] if step - 1 in of_step else of_step[step]
        assert (lx, ly, xy) == pytest.approx(tuple(before[:3]), abs=1e-4)
        assert minimising or time_ps == pytest.approx(of_step[step][3], abs=1e-6)
    assert seen[-1][2] > 1.005 * seen[0][2] and seen[-1][4] > 0.3
    assert [seen[0][6], seen[-6][6], seen[-1][6]] == [0.001, 0.0005, 0.00025]


def test_an_element_that_the_masses_contradict_is_refused(folder: Path, tmp_path: Path) -> None:
    """Otherwise a box of KOH would be recorded, and analysed, as NaOH."""
    for name in ("koh.data", "koh.pt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    script = str(shipped("lammps_inputs", "koh.in"))
    done = pykoh(tmp_path, "run", script, "--var", "cation", "Na", "--var", "ps", "0.001")
    assert done.returncode == 1
    assert "type 3 has mass 39.0983, which is K, but the input calls it Na" in done.stderr
    assert not (tmp_path / "koh.dump").exists()
    done = pykoh(tmp_path, "run", script, "--var", "ps", "0.001", "--var", "relax", "5")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damaged", ["koh.data", "koh.restart"])
def test_a_damaged_file_is_named_with_what_to_do(
    folder: Path, tmp_path: Path, damaged: str
) -> None:
    for name in ("koh.data", "koh.pt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    script = str(shipped("lammps_inputs", "koh.in"))
    words = ["run", script, "--var", "relax", "5", "--var", "ps"]
    if damaged == "koh.restart":
        assert pykoh(tmp_path, *words, "0.001").returncode == 0
    content = (tmp_path / damaged).read_bytes()
    (tmp_path / damaged).write_bytes(content[: len(content) // 2])
    done = pykoh(tmp_path, *words, "0.002")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "LAMMPS says" in last
    assert ("older restart file" if damaged == "koh.restart" else "pykoh build") in last
