"""An lmp for NVIDIA GPUs on a machine without one: what it was built with, and what it says."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from pykoh.cli.doctor import command as doctor
from pykoh.doctor.finding import ask
from pykoh.doctor.lammps import architectures, kokkos, read_help
from pykoh.doctor.lammps import lmp as find_build

pytestmark = pytest.mark.cuda_build


@pytest.fixture
def lmp() -> Path:
    return Path(os.environ["PYKOH_LMP_CUDA"]).resolve()


@pytest.fixture
def with_a_driver(lmp: Path) -> dict[str, str]:
    """Return the environment in which a library of the driver's name is found."""
    stub = lmp.parents[1] / "stub"
    return {"LD_LIBRARY_PATH": f"{stub}:{os.environ.get('LD_LIBRARY_PATH', '')}"}


def test_it_has_what_pykoh_needs(lmp: Path, with_a_driver: dict[str, str]) -> None:
    answer = ask([str(lmp), "-h"], environment=with_a_driver)
    build = read_help(answer.output)
    assert build is not None, answer.error
    assert "CUDA" in build.backends and build.has_mliap_kk and build.mpi
    assert {"KOKKOS", "ML-IAP", "ML-SNAP", "PYTHON"} <= build.packages
    assert (
        kokkos(build, lmp).found
        == f"{' '.join(build.backends)} for HOPPER90, with forward_exchange"
    )


def test_doctor_names_no_engine_that_needs_a_gpu(
    lmp: Path, with_a_driver: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", with_a_driver["LD_LIBRARY_PATH"])
    said = json.loads(CliRunner().invoke(doctor, ["--lmp", str(lmp), "--json"]).output)
    by_name = {finding["name"]: finding for finding in said["findings"]}
    assert by_name["lmp with ML-IAP"]["status"] == "ok", by_name["lmp with ML-IAP"]
    has_gpu = by_name["GPU"]["status"] == "ok"
    assert said["engines"]["mliap/kk"] == has_gpu
    # Plain mliap needs no GPU, in this build neither.
    assert said["engines"]["mliap"]


def test_without_a_driver_doctor_says_so(lmp: Path) -> None:
    if not ask([str(lmp), "-h"]).ok:
        finding, build = find_build(lmp)
        assert (
            build is None
            and "built for HOPPER90; it does not start without the driver" in finding.found
        )
    assert architectures(lmp) == ("HOPPER90",)


def test_without_a_gpu_kokkos_ends_with_a_message(
    lmp: Path, with_a_driver: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "in.lmp").write_text("units metal\n")
    arguments = [str(lmp), "-k", "on", "g", "1", "-sf", "kk", "-in", "in.lmp"]
    answer = ask(arguments, folder=tmp_path, environment=with_a_driver)
    assert not answer.ok and "cuda" in (answer.output + answer.error).lower()
