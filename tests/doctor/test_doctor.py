"""`pykoh doctor`: real programs, and programs that are not what they should be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pykoh
from pykoh.doctor import lammps, smoke
from pykoh.doctor.finding import ask, ask_python
from pykoh.doctor.lammps import architectures, gpu_aware_mpi, kokkos, read_help
from pykoh.doctor.lammps import lmp as find_build
from pykoh.doctor.software import mpi_family

HERE = Path(pykoh.__file__).parents[1]
HELP = """
Large-scale Atomic/Molecular Massively Parallel Simulator - {release}

MPI v4.0: Open MPI v5.0.7, package: Debian OpenMPI

{kokkos}

Installed packages:

{packages}

List of individual style options included in this LAMMPS executable

* Pair styles:

mliap           {style}
"""
GPU_BUILD = {
    "release": "22 Jul 2025",
    "kokkos": "KOKKOS package API: CUDA Serial\nKOKKOS package precision: double",
    "packages": "EXTRA-FIX KOKKOS ML-IAP\nML-SNAP PYTHON",
    "style": "mliap/kk",
}


def doctor(folder: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess:
    environment = {**os.environ} if path is None else {**os.environ, "PATH": path}
    return subprocess.run(
        [sys.executable, "-m", "pykoh", "doctor", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=300, env=environment,
    )  # fmt: skip


def program(folder: Path, text: str, status: int = 0, name: str = "lmp") -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {status}\n")
    path.chmod(0o755)
    return path


def by_name(document: dict) -> dict[str, dict]:
    return {finding["name"]: finding for finding in document["findings"]}


def test_this_machine_as_json(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--json", path=str(tmp_path))
    document = json.loads(done.stdout)
    found = by_name(document)
    assert found["Python"]["found"].startswith(f"3.{sys.version_info.minor}.")
    assert found["torch"]["status"] == "ok"
    assert found["LAMMPS from PyPI"]["status"] == "ok", found["LAMMPS from PyPI"]
    # Nothing is on this PATH.
    for name in ("CP2K", "Slurm"):
        assert found[name]["status"] == "missing"
    for finding in document["findings"]:
        assert finding["needed_for"]
        assert (finding["remedy"] == "") == (finding["status"] == "ok")
        assert "\n" not in finding["found"] + finding["remedy"]
    assert document["engines"]["embedded"] is True
    assert document["smoke"] is None
    assert done.returncode == 0


def test_every_missing_thing_has_a_remedy_in_the_text(tmp_path: Path) -> None:
    done = doctor(tmp_path, path=str(tmp_path))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    wrong = [k for k, line in enumerate(lines) if line.startswith(("missing", "warning"))]
    assert wrong
    for k in wrong:
        assert "needed for: " in lines[k + 1]
        assert "remedy: " in lines[k + 2]
    assert lines[-1].startswith("Engines that run on this machine: embedded")


@pytest.mark.parametrize(
    ("change", "expected", "remedy"),
    [
        ({"release": "29 Aug 2024"}, "too old", "cmake/"),
        ({"packages": "ML-IAP"}, "built without PYTHON", "cmake/"),
        ({"packages": "KOKKOS MOLECULE"}, "built without ML-IAP and PYTHON", "cmake/"),
    ],
)
def test_lmp_that_cannot_run_the_potential(
    tmp_path: Path, change: dict, expected: str, remedy: str
) -> None:
    path = program(tmp_path, HELP.format(**{**GPU_BUILD, **change}))
    finding, build = lammps.lmp(path)
    assert finding.status == "warning" and build is None
    assert expected in finding.found and str(path) in finding.found
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [("hello", 0, "not that of LAMMPS"), ("cannot open shared object file", 127, "cannot open")],
)
def test_lmp_that_is_none(tmp_path: Path, text: str, status: int, expected: str) -> None:
    finding, build = lammps.lmp(program(tmp_path, text, status))
    assert finding.status == "warning" and expected in finding.found and build is None


def test_lmp_of_pypi_has_no_python(tmp_path: Path) -> None:
    real = Path(sys.executable).with_name("lmp")
    if not real.exists():
        pytest.skip("the lmp of PyPI's LAMMPS is not installed")
    document = json.loads(doctor(tmp_path, "--json", "--lmp", str(real)).stdout)
    finding = by_name(document)["lmp with ML-IAP"]
    assert finding["status"] == "warning" and "built without PYTHON" in finding["found"]
    assert document["engines"] == {"embedded": True, "mliap": False, "mliap/kk": False}


def test_lmp_that_does_not_exist(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--lmp", "nowhere")
    assert done.returncode == 1
    assert done.stderr.strip() == ("Error: --lmp nowhere: no such file; give the path of an lmp")


def test_status_is_1_when_no_engine_runs(tmp_path: Path) -> None:
    """A lammps module that does not load hides PyPI's."""
    broken = tmp_path / "lammps"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise OSError('liblammps.so: cannot open')\n")
    done = subprocess.run(
        [sys.executable, "-m", "pykoh", "doctor", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{HERE}", "PATH": str(tmp_path)},
    )  # fmt: skip
    document = json.loads(done.stdout)
    assert by_name(document)["LAMMPS from PyPI"]["status"] == "warning"
    assert "pip install" in by_name(document)["LAMMPS from PyPI"]["remedy"]
    assert not any(document["engines"].values())
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_slurm_and_cp2k_that_do_not_answer(tmp_path: Path) -> None:
    program(tmp_path, "slurm 24.05", 0, "sbatch")
    failing = "#!/bin/sh\necho 'slurm_load_partitions: Unable to contact controller' >&2\nexit 1\n"
    (tmp_path / "sinfo").write_text(failing)
    (tmp_path / "sinfo").chmod(0o755)
    program(tmp_path, "", 1, "cp2k.psmp")
    document = json.loads(doctor(tmp_path, "--json", path=f"{tmp_path}:/bin:/usr/bin").stdout)
    found = by_name(document)
    assert found["Slurm"]["status"] == "warning"
    assert "Unable to contact controller" in found["Slurm"]["found"]
    assert found["CP2K"]["status"] == "warning"


def test_reading_what_lmp_says() -> None:
    build = read_help(HELP.format(**GPU_BUILD))
    assert build is not None
    assert (build.date, build.release) == (20250722, "22 Jul 2025")
    assert build.packages == {"EXTRA-FIX", "KOKKOS", "ML-IAP", "ML-SNAP", "PYTHON"}
    assert build.backends == ("CUDA", "Serial") and build.has_mliap_kk
    assert build.kokkos_arguments[:4] == ["-k", "on", "g", "1"]
    assert mpi_family(build.mpi) == "Open MPI"
    plain = read_help(HELP.format(**{**GPU_BUILD, "kokkos": "", "style": "mm3"}))
    assert plain is not None and plain.backends == () and not plain.has_mliap_kk
    assert read_help("") is None
    assert read_help("Massively Parallel Simulator - 1 Foo 2025") is None


def test_which_gpus_a_build_is_for(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "liblammps.so.0").write_bytes(b"\x00ZEN4\x00\x00HOPPER90\x00GPU architecture\x00")
    (folder / "liblammps.so").symlink_to("liblammps.so.0")
    (tmp_path / "bin").mkdir()
    lmp = program(tmp_path / "bin", HELP.format(**GPU_BUILD))
    assert architectures(lmp) == ("HOPPER90",)
    build = read_help(HELP.format(**GPU_BUILD))
    assert "CUDA Serial for HOPPER90" in kokkos(build, lmp).found
    assert kokkos(build, lmp).status == "ok"
    without = kokkos(build, lmp, has_gpu=False)
    assert without.status == "warning" and without.found.endswith("this machine has no GPU")
    # A machine without a driver, e.g. a login node.
    said = "lmp: error while loading shared libraries: libcuda.so.1: cannot open shared object file"
    lmp.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 127\n")
    finding, nothing = find_build(lmp)
    assert nothing is None and finding.status == "warning"
    assert "built for HOPPER90; it does not start without the driver" in finding.found
    assert "on a GPU node" in finding.remedy


@pytest.mark.parametrize(
    ("mpi", "variable", "ok", "said"),
    [
        ("MPI v4.1: MPICH Version: 5.0.2", None, False, "is not 1: LAMMPS turns"),
        ("MPI v3.1: MPICH Version: CRAY MPICH 8.1", "1", True, "MPICH_GPU_SUPPORT_ENABLED is 1"),
        ("", None, False, "without MPI"),
    ],
)
def test_mpi_between_gpus(
    mpi: str, variable: str | None, ok: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MPICH_GPU_SUPPORT_ENABLED", raising=False)
    if variable:
        monkeypatch.setenv("MPICH_GPU_SUPPORT_ENABLED", variable)
    text = HELP.format(**GPU_BUILD).replace(
        "MPI v4.0: Open MPI v5.0.7, package: Debian OpenMPI", mpi
    )
    (finding,) = gpu_aware_mpi(read_help(text))
    assert (finding.status == "ok") is ok and said in finding.found
    assert ok or finding.remedy
    on_a_cpu = read_help(HELP.format(**{**GPU_BUILD, "kokkos": "KOKKOS package API: OpenMP"}))
    assert gpu_aware_mpi(on_a_cpu) == gpu_aware_mpi(None) == []


def test_programs_that_hang_or_fail() -> None:
    assert "no answer in 0.2 s" in ask(["sleep", "5"], timeout_s=0.2).error
    assert not ask(["/nonexistent/program"]).ok
    killed = ask([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    assert not killed.ok and killed.last_line == "killed by signal 9"
    values, problem = ask_python("raise ValueError('why')")
    assert (values, problem) == ({}, "ValueError: why")


def test_importing_it_imports_nothing_heavy() -> None:
    code = (
        "import sys, pykoh.cli.doctor, pykoh.doctor.lammps, pykoh.doctor.software, "
        "pykoh.doctor.smoke; print([m for m in ('torch', 'numpy', 'lammps') if m in sys.modules])"
    )
    assert ask([sys.executable, "-c", code]).output.strip() == "[]"


def test_ten_steps_really_run(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--smoke", "--json", path=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    (result,) = json.loads(done.stdout)["smoke"]
    assert result["engine"] == "embedded" and result["ok"], result
    assert result["ms_per_step"] > 0
    first, last = result["energies_eV"]
    assert first != last and abs(first - last) < 5, "ten steps of 0.5 fs change the energy a little"


def test_engines_that_disagree_are_failures() -> None:
    right = smoke.Smoke("embedded", True, 1.0, (-100.0, -101.0))
    near = smoke.Smoke("mliap", True, 1.0, (-100.0001, -101.0001))
    far = smoke.Smoke("mliap/kk", True, 1.0, (-100.0, -101.1))
    nan = smoke.Smoke("mliap/kk", True, 1.0, (float("nan"), -101.0))
    for other, ok in ((near, True), (far, False), (nan, False)):
        first, second = smoke._compared([right, other], 102)
        assert first.ok and second.ok is ok
    assert "differs from embedded's" in smoke._compared([right, far], 102)[1].problem


@pytest.mark.lammps
def test_a_real_lmp(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--smoke", "--json", "--lmp", os.environ["PYKOH_LMP"])
    document = json.loads(done.stdout)
    assert by_name(document)["lmp with ML-IAP"]["status"] == "ok"
    assert document["engines"]["mliap"] is True
    results = {result["engine"]: result for result in document["smoke"]}
    assert {"embedded", "mliap"} <= set(results)
    assert all(result["ok"] for result in results.values()), results
    for a, b in zip(results["embedded"]["energies_eV"], results["mliap"]["energies_eV"],
                    strict=True):  # fmt: skip
        assert a == pytest.approx(b, abs=1e-3)


@pytest.mark.lammps
def test_a_real_lmp_whose_python_lacks_pykoh(tmp_path: Path) -> None:
    real = os.environ["PYKOH_LMP"]
    hidden = tmp_path / "hidden" / "pykoh"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('No module named pykoh')\n")
    lmp = tmp_path / "lmp"
    text = Path(real).read_bytes()[:200].decode(errors="replace")
    wrapper = re.search(r"^exec (\S+) (\S+)", text, re.MULTILINE)
    if wrapper is None:
        pytest.skip("needs an lmp behind a wrapper that sets PYTHONPATH")
    lmp.write_text(
        f'#!/bin/sh\nexec {wrapper[1]} env PYTHONPATH="{hidden.parent}" {wrapper[2]} "$@"\n'
    )
    lmp.chmod(0o755)
    document = json.loads(doctor(tmp_path, "--json", "--lmp", str(lmp)).stdout)
    finding = by_name(document)["lmp with ML-IAP"]
    assert finding["status"] == "warning", finding
    assert "No module named" in finding["found"]
    assert "PYTHONPATH" in finding["remedy"]
