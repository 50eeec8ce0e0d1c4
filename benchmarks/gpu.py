"""Speed of pykoh on your GPU, as a table that you can send to us.

Usage: python benchmarks/gpu.py koh.pt --lmp PATH/lmp -o FOLDER [--mace NAME.model]

For boxes of 6.26 mol/L KOH: ms per step and ns/day of NVE in `mliap/kk` with the plain graph, the
captured one, own CUDA kernels, these captured, and pykoh's own choice; the name of this choice; GPU
memory; and, with --mace, MACE's own ML-IAP object in the same lmp. Of one force call: the
largest deviation from the CPU in double precision, and the number of kernel launches.

Takes about fifteen minutes. Writes gpu.json (all data) and gpu.md (for the issue form). With
--cpu it runs without a GPU, in plain `mliap`, to test the script.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]
os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")

TIMESTEP_PS = 0.0005
GPU_OPTIONS = ["-k", "on", "g", "1", "-sf", "kk", "-pk", "kokkos", "newton", "on", "neigh", "half"]
# Output of a run in which pykoh has tried other methods than the plain graph.
CHOICE = re.compile(
    r"^pykoh: (.*(?: is used| are used|not used|goes on|tried again|no CUDA).*)$", re.M
)
# PYKOH_CUDA_GRAPH and PYKOH_CUDA_KERNELS of each engine.
ENGINES = {
    "pykoh": ("", ""),
    "pykoh, plain": ("0", "0"),
    "pykoh, captured": ("1", "0"),
    "pykoh, kernels": ("0", "1"),
    "pykoh, captured kernels": ("1", "1"),
}


@dataclass
class Row:
    """One engine in one box."""

    engine: str
    atoms: int
    ms_per_step: float = float("nan")
    memory_MiB: float = float("nan")
    said: str = ""
    error: str = ""
    ns_per_day: float = field(init=False, default=float("nan"))

    def finish(self) -> None:
        """Compute the values that follow from the time of a step."""
        self.ns_per_day = 86400.0 / (self.ms_per_step * 1e-3) * TIMESTEP_PS * 1e-3


class MemoryWatch(threading.Thread):
    """Largest increase of the memory in use on the first GPU while a block runs, MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done = threading.Event()
        self.before, self.most = self._now(), 0.0

    @staticmethod
    def _now() -> float:
        ask = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "-i", "0"]
        try:
            return float(subprocess.run(ask, capture_output=True, text=True, check=True).stdout)
        except (OSError, ValueError, subprocess.CalledProcessError):
            return float("nan")

    def run(self) -> None:
        """Read the memory every half second."""
        while not self.done.wait(0.5):
            self.most = max(self.most, self._now())

    def __enter__(self) -> MemoryWatch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.join()

    @property
    def used(self) -> float:
        """Return MiB."""
        return self.most - self.before


def measure(row: Row, folder: Path, lmp: Path, text: str, environment: dict[str, str]) -> Row:
    """Run an input in lmp and fill in a row; a failure is part of the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "in.lmp").write_text(text)
    options = [] if environment.get("CUDA_VISIBLE_DEVICES") == "" else GPU_OPTIONS
    command = [str(lmp), *options, "-in", "in.lmp", "-log", "log.lmp"]
    try:
        with MemoryWatch() as memory:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=600,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_PROC_BIND": "false", **environment},
            )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        row.error = str(error)[:200]
        return row
    (folder / "screen").write_text(done.stdout + done.stderr)
    loops = re.findall(r"Loop time of (\S+) on .* for (\d+) steps", done.stdout)
    if done.returncode or len(loops) < 2:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        row.error = next((line for line in lines if "ERROR" in line), (lines or ["no output"])[-1])
        return row
    wall, steps = loops[-1]
    row.ms_per_step = 1e3 * float(wall) / int(steps)
    row.memory_MiB = memory.used
    row.said = " | ".join(CHOICE.findall(done.stdout))
    row.finish()
    return row


def force_call(potential: Path, box: Any, device: str) -> dict[str, Any]:
    """Return the deviation from the CPU in float64, and the kernels of one call (plain graph)."""
    import torch
    from torch.profiler import ProfilerActivity, profile
    from vesin import NeighborList

    from pykoh.engines.artifact import load_artifact
    from pykoh.engines.contents import open_graph

    metadata, packed = load_artifact(potential)
    finder = NeighborList(cutoff=metadata.cutoff_A, full_list=True, sorted=True)
    i, j, rij = finder.compute(box.positions, np.asarray(box.cell), True, "ijD")
    species = [metadata.elements.index(s) for s in box.get_chemical_symbols()]
    indices = [torch.tensor(np.asarray(x, dtype=np.int64)) for x in (j, i, species)]
    vectors = torch.from_numpy(rij)
    exact = open_graph(packed, torch.device("cpu"), torch.float64)(vectors, *indices, len(box))
    graph = open_graph(packed, torch.device(device), torch.float32)
    given = (vectors.to(device, torch.float32), *(x.to(device) for x in indices), len(box))
    for _ in range(4):  # TorchScript specialises itself
        gradient = graph(*given)[1]
    off = float((gradient.double().cpu() - exact[1]).abs().max())
    result: dict[str, Any] = {"atoms": len(box), "largest_deviation_eV_per_A": off}
    if device == "cuda":
        with profile(activities=[ProfilerActivity.CUDA]) as recorded:
            graph(*given)
            torch.cuda.synchronize()
        kernels = [e for e in recorded.events() if str(e.device_type).endswith("CUDA")]
        result["kernels"] = len(kernels)
    return result


def environment_of(device: str) -> dict[str, Any]:
    """Return card, driver and versions."""
    import torch

    from pykoh.provenance import versions

    found: dict[str, Any] = {"python": platform.python_version(), **versions()}
    found["cpu"] = platform.processor() or platform.machine()
    if device == "cuda":
        found["card"] = torch.cuda.get_device_name(0)
        found["cuda"] = torch.version.cuda
        ask = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "-i", "0"]
        found["driver"] = subprocess.run(ask, capture_output=True, text=True).stdout.strip()
    return found


def table(results: dict[str, Any]) -> str:
    """Return gpu.md."""
    env = results["environment"]
    head = ", ".join(f"{key} {value}" for key, value in env.items() if value)
    lines = [f"`{results['potential']}`; {head}", ""]
    lines += [
        "| atoms | engine | ms per step | ns/day | GPU memory, MiB | |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["rows"]:
        note = row["error"] or row["said"]
        lines.append(
            f"| {row['atoms']} | {row['engine']} | {row['ms_per_step']:.2f} | "
            f"{row['ns_per_day']:.1f} | {row['memory_MiB']:.0f} | {note} |"
        )
    lines += ["", "| atoms | largest deviation from the CPU, eV/Å | kernels per force call |"]
    lines += ["|---|---|---|"]
    for call in results["force_calls"]:
        lines.append(
            f"| {call['atoms']} | {call['largest_deviation_eV_per_A']:.1e} | "
            f"{call.get('kernels', '–')} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, write after each row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("potential", type=lambda text: Path(text).resolve())
    parser.add_argument("--lmp", type=lambda text: Path(text).resolve(), required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--mace", type=lambda text: Path(text).resolve(), help="the .model file")
    parser.add_argument("--atoms", type=int, nargs="+", default=[54, 165, 300, 1000, 2660])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--cpu", action="store_true", help="without a GPU, to try the script")
    args = parser.parse_args()
    for path in filter(None, (args.potential, args.lmp, args.mace)):
        if not path.is_file():
            parser.error(f"{path}: no such file")
    from export_speed import box_of
    from step_speed import ATTACH, INPUT, mace_object

    from test_mliap import write_box

    device = "cpu" if args.cpu else "cuda"
    folder = args.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {
        "potential": args.potential.name,
        "environment": environment_of(device),
        "date": time.strftime("%Y-%m-%d"),
        "force_calls": [],
        "rows": [],
    }
    engines = dict(ENGINES)
    other = {"CUDA_VISIBLE_DEVICES": ""} if args.cpu else {}
    if args.mace:
        mace_object(args.mace, folder / "mace.pt", "float32")
        engines["MACE's object"] = ("", "")
    for size in args.atoms:
        box = box_of(size)
        results["force_calls"].append(force_call(args.potential, box, device))
        for engine, (graph, kernels) in engines.items():
            here = folder / f"{len(box)}-{re.sub('[^a-z]+', '-', engine.lower())}"
            here.mkdir(exist_ok=True)
            write_box(here / "box.data", box)
            potential = folder / "mace.pt" if engine.startswith("MACE") else args.potential
            text = INPUT.format(
                attach=ATTACH, pad="", potential=potential, warm=50, steps=args.steps
            )
            row = Row(engine, len(box))
            settings = {"PYKOH_CUDA_GRAPH": graph, "PYKOH_CUDA_KERNELS": kernels}
            settings |= {"PYKOH_DTYPE": "float32", **other}
            measure(row, here, args.lmp, text, settings)
            print(f"{row.atoms} atoms, {engine}: {row.ms_per_step:.2f} ms {row.error}", flush=True)
            results["rows"].append(asdict(row))
            (folder / "gpu.json").write_text(json.dumps(results, indent=1))
            (folder / "gpu.md").write_text(table(results))
    print(f"\n{table(results)}\nWritten to {folder / 'gpu.md'} and gpu.json.")


if __name__ == "__main__":
    main()
