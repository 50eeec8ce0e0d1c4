"""The real ``lmp`` that tests run in: plain ML-IAP, or Kokkos on a CPU."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

KOKKOS = ("-k", "on", "t", "1", "-sf", "kk", "-pk", "kokkos", "newton", "on", "neigh", "half")
ENGINES = ["plain", pytest.param("kokkos", marks=pytest.mark.kokkos)]
VARIABLE = {"plain": "PYKOH_LMP", "kokkos": "PYKOH_LMP_KOKKOS"}
MAKE = {"plain": "make test-lammps", "kokkos": "make test-kokkos"}
# MPICH: a rank that waits leaves its core to others, because tests have more ranks than cores.
WAITING = {
    "MPIR_CVAR_CH4_PROGRESS_THROTTLE": "1",
    "MPIR_CVAR_CH4_PROGRESS_THROTTLE_NO_PROGRESS_COUNT": "64",
}


@dataclass(frozen=True, slots=True)
class Lmp:
    """An lmp and how it is started."""

    path: Path
    options: tuple[str, ...]

    def __call__(
        self, folder: Path, script: str | Path, *arguments: str, ranks: int = 1,
        dtype: str = "float64", timeout: float = 300,
    ) -> subprocess.CompletedProcess:  # fmt: skip
        """Run an input script and return what it printed."""
        launcher = []
        if ranks > 1:
            mpiexec = shutil.which("mpiexec")
            assert mpiexec, "several ranks need mpiexec on PATH"
            launcher = [mpiexec, "-n", str(ranks)]
        return subprocess.run(
            [*launcher, str(self.path), *self.options, "-in", str(script), *arguments],
            cwd=folder, capture_output=True, text=True, timeout=timeout,
            env={**os.environ, **WAITING, "PYKOH_DTYPE": dtype, "OMP_NUM_THREADS": "1",
                 "OMP_PROC_BIND": "false"},
        )  # fmt: skip


def lmp_of(engine: str) -> Lmp:
    """Return the lmp of an engine; the test fails if there is none."""
    path = os.environ.get(VARIABLE[engine], "")
    assert path and Path(path).is_file(), f"{VARIABLE[engine]} names no lmp: use {MAKE[engine]}"
    return Lmp(Path(path), KOKKOS if engine == "kokkos" else ())
