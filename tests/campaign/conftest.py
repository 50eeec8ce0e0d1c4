"""Restart files for the tests of campaigns."""

from __future__ import annotations

import subprocess
import sys

import pytest

WRITE_RESTART = """
from pykoh.engines.embedded import load_lammps
lmp = load_lammps(["-screen", "none", "-log", "none"])
lmp.commands_string('''
units metal
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 single 1 1 1
mass 1 1.0
pair_style none
comm_modify cutoff 2.0
reset_timestep {step}
write_restart {name}
''')
"""


@pytest.fixture(scope="session")
def restarts(tmp_path_factory: pytest.TempPathFactory) -> dict[int, bytes]:
    """Restart files that LAMMPS wrote at some steps."""
    folder = tmp_path_factory.mktemp("restarts")
    found = {}
    for step in (0, 40, 5_000_000_000):
        code = WRITE_RESTART.format(step=step, name="r")
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
        found[step] = (folder / "r").read_bytes()
    return found
