"""Checks of Python and its packages, GPU, MPI, CP2K, Slurm."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys

from pykoh.doctor.finding import Finding, ask, ask_python

CP2K_NAMES = ("cp2k.psmp", "cp2k", "cp2k.popt", "cp2k.ssmp")

_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({
    "version": torch.__version__,
    "built_for": torch.version.cuda or torch.version.hip,
    "devices": [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
    if cuda else [],
}))
"""
_MPI4PY = """
import json, mpi4py
from mpi4py import MPI
print(json.dumps({"version": mpi4py.__version__, "library": MPI.Get_library_version()}))
"""


def version_of(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def python() -> Finding:
    """Check the Python that runs pykoh."""
    found = f"{platform.python_version()} at {sys.executable}"
    return Finding("Python", "ok", found, "everything")


def numpy() -> Finding:
    """Check numpy."""
    version = version_of("numpy")
    if version is None:
        return Finding(
            "numpy", "missing", "not installed", "everything", "pip install --upgrade pykoh"
        )
    return Finding("numpy", "ok", version, "everything")


def torch_and_gpu() -> tuple[Finding, Finding]:
    """Check torch and the GPU, with the driver and with torch."""
    needed = "every engine"
    values, problem = ask_python(_TORCH) if version_of("torch") else ({}, "")
    if version_of("torch") is None:
        torch = Finding("torch", "missing", "not installed", needed, "pip install 'pykoh[run]'")
    elif problem:
        torch = Finding(
            "torch", "warning", f"does not load: {problem}", needed,
            "install it again: pip install --force-reinstall torch",
        )  # fmt: skip
    else:
        built = values["built_for"]
        torch = Finding("torch", "ok", f"{values['version']}, {built or 'CPU only'}", needed)
    return torch, _gpu(values.get("devices", []), values.get("built_for"))


def _gpu(devices: list[str], built_for: str | None) -> Finding:
    needed = "production runs of 10 ns and more"
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    answer = ask(query) if shutil.which("nvidia-smi") else None
    seen = answer.output.strip().splitlines() if answer and answer.ok else []
    driver = f"; driver {seen[0].split(',')[-1].strip()}" if seen else ""
    if devices:
        return Finding("GPU", "ok", f"{', '.join(devices)}{driver}", needed)
    if seen:
        remedy = "install the CUDA build of torch for this driver: see pytorch.org"
        if built_for:
            remedy = "update the driver, or install a torch built for it: see pytorch.org"
        return Finding(
            "GPU",
            "warning",
            f"{seen[0].split(',')[0]}{driver}: torch cannot use it",
            needed,
            remedy,
        )
    if answer is not None:
        return Finding(
            "GPU", "warning", f"nvidia-smi: {answer.last_line}", needed,
            "ask the administrator to load the NVIDIA driver",
        )  # fmt: skip
    return Finding(
        "GPU", "missing", "no NVIDIA driver, and torch finds no GPU", needed,
        "run this on the GPU node, e.g.: srun --gpus=1 pykoh doctor",
    )  # fmt: skip


def mace() -> Finding:
    """Check mace-torch, which only export and training need."""
    version = version_of("mace-torch")
    needed = "pykoh export and training; not for running"
    if version is None:
        remedy = "pip install 'pykoh[train]'"
        return Finding("mace-torch", "missing", "not installed", needed, remedy)
    return Finding("mace-torch", "ok", version, needed)


def cupy() -> Finding:
    """Check cupy, with which mliap/kk passes arrays on a GPU."""
    needed = "lmp with mliap/kk on an NVIDIA GPU"
    names = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x")
    versions = [f"{name} {version_of(name)}" for name in names if version_of(name)]
    if not versions:
        remedy = "for CUDA 12: pip install cupy-cuda12x"
        return Finding("cupy", "missing", "not installed", needed, remedy)
    _, problem = ask_python("import cupy; print('{}')")
    if problem:
        remedy = "install the cupy of your CUDA version, e.g. pip install cupy-cuda12x"
        return Finding("cupy", "warning", f"does not load: {problem}", needed, remedy)
    return Finding("cupy", "ok", versions[0], needed)


def mpi_family(text: str) -> str | None:
    """Return ``MPICH`` or ``Open MPI`` if the version text of an MPI names it."""
    for name, family in (("Open MPI", "Open MPI"), ("MPICH", "MPICH"), ("Intel(R) MPI", "MPICH")):
        if name in text:
            return family
    return None


def mpi4py(lammps_mpi: str | None) -> Finding:
    """Check mpi4py, and whether it uses the MPI of lmp.

    Args:
        lammps_mpi: the MPI in ``lmp -h``, or None without an lmp.
    """
    needed = "several MPI ranks without Kokkos"
    remedy = "install it for the MPI of lmp: pip install --no-binary mpi4py mpi4py"
    version = version_of("mpi4py")
    if version is None:
        return Finding("mpi4py", "missing", "not installed", needed, remedy)
    values, problem = ask_python(_MPI4PY)
    if problem:
        return Finding("mpi4py", "warning", f"{version} does not load: {problem}", needed, remedy)
    family = mpi_family(values["library"])
    found = f"{version}, {family or values['library'].split(',')[0].strip()[:40]}"
    cuda = cuda_aware(family, values["library"])
    found += {True: ", CUDA-aware", False: ", not CUDA-aware", None: ""}[cuda]
    other = mpi_family(lammps_mpi) if lammps_mpi else None
    if family and other and family != other:
        return Finding("mpi4py", "warning", f"{found}, but lmp uses {other}", needed, remedy)
    return Finding("mpi4py", "ok", found, needed)


def cuda_aware(family: str | None, library: str) -> bool | None:
    """Return whether an MPI accepts GPU buffers, or None if unknown.

    Args:
        family: from :func:`mpi_family`.
        library: ``MPI_Get_library_version``.
    """
    if family == "MPICH" and "--with-cuda" in library:
        return True
    if family == "Open MPI" and shutil.which("ompi_info"):
        answer = ask(["ompi_info", "--parsable", "--all"])
        for line in answer.output.splitlines():
            if "mpi_built_with_cuda_support:value:" in line:
                return line.endswith("true")
    return None


def cp2k() -> Finding:
    """Check CP2K, which labels frames."""
    needed = "pykoh label"
    path = next((p for name in CP2K_NAMES if (p := shutil.which(name))), None)
    if path is None:
        remedy = "apt-get install cp2k, conda install -c conda-forge cp2k, or your cluster's module"
        return Finding("CP2K", "missing", "not on PATH", needed, remedy)
    answer = ask([path, "--version"])
    first = next(iter(answer.output.splitlines()), "").strip()
    if not answer.ok or "CP2K" not in first:
        remedy = "install it again, or load the libraries that it was built with"
        return Finding("CP2K", "warning", f"{path}: {answer.last_line}", needed, remedy)
    return Finding("CP2K", "ok", f"{first} at {path}", needed)


def slurm() -> Finding:
    """Check Slurm and its controller."""
    needed = "batch jobs on a cluster"
    if not shutil.which("sbatch"):
        remedy = "run this on the cluster's login node; a single machine does not need Slurm"
        return Finding("Slurm", "missing", "no sbatch on PATH", needed, remedy)
    version = ask(["sbatch", "--version"])
    nodes = ask(["sinfo", "--noheader", "--format=%P %D"])
    if not version.ok or not nodes.ok:
        said = nodes.last_line if version.ok else version.last_line
        remedy = "ask whether slurmctld runs: scontrol ping"
        return Finding("Slurm", "warning", f"sbatch, but: {said}", needed, remedy)
    partitions = ", ".join(line.split()[0] for line in nodes.output.splitlines() if line.split())
    return Finding("Slurm", "ok", f"{version.output.strip()}; {partitions}", needed)
