"""Time per MD step: pykoh in LAMMPS against ASE with MACECalculator and MACE's own ML-IAP object.

Usage: python benchmarks/step_speed.py NAME.model -o FOLDER [--lmp PATH] [--kokkos PATH]
       python benchmarks/step_speed.py --random 128x0e -o FOLDER …

"ase" is MACECalculator as a script would use it. It runs first, because pykoh's engines set the
allocator of the whole process to keep freed memory. "embedded" is the force call of `pykoh run`,
"mliap" and "mliap/kk" are steps in an lmp that cmake/ built, "mace mliap/kk" is MACE's object in
the same lmp (MACE_ALLOW_CPU=true; e3nn kernels, as cuEquivariance wants a GPU).

Compare wall times on a quiet machine. On a busy machine compare the CPU time of all threads, which
is written too. The fixed cost is the time of a step with three atoms and six edges.
Launches are the operators of one force call, without views, with the chunks that a GPU
gets. On a GPU each is one kernel or more. The memory of an lmp is the most that its process held.

Writes step_speed.json and step_speed.png.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pykoh.engines.spinning import OWN_CORES_SPIN_COUNT

os.environ.setdefault("GOMP_SPINCOUNT", OWN_CORES_SPIN_COUNT)
os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
os.environ.setdefault("MACE_ALLOW_CPU", "true")  # read when MACE's object is made
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

INPUT = """
units metal
atom_style atomic
atom_modify map yes
newton on
read_data box.data
{attach}
{pad}
pair_style mliap unified {potential} 0
pair_coeff * * H O K
timestep 0.0005
neighbor 1.0 bin
velocity all create 300 1
fix nve all nve
thermo 1000000
run {warm}
run {steps}
"""
ATTACH = """python attach input 1 SELF format p here "from pykoh.engines.tags import attach"
python attach invoke"""
# MACE's object exchanges all features at once; a host build of LAMMPS has no buffers for this.
PAD = "fix pad all property/atom d2_pad {columns} ghost yes"
KOKKOS = ["-k", "on", "t", "{threads}", "-sf", "kk", "-pk", "kokkos"]
KOKKOS += ["newton", "on", "neigh", "half"]
# Runs a command and prints the most memory that it held, kB. A small process has to do that: Linux
# counts the memory of the process that starts a program as the program's own.
MEMORY = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""
Times = dict[str, float]


def mace_object(model_path: Path, target: Path, dtype: str) -> None:
    """Write MACE's own ML-IAP object, as its create_lammps_model does, without cuEquivariance."""
    import torch
    from mace.calculators.lammps_mliap_mace import LAMMPS_MLIAP_MACE

    model = torch.load(model_path, map_location="cpu", weights_only=False)
    model = model.double() if dtype == "float64" else model.float()
    model.lammps_mliap = True
    torch.save(LAMMPS_MLIAP_MACE(model), target)


def in_lammps(
    folder: Path, lmp: Path, text: str, options: list[str], threads: int, dtype: str
) -> Times:
    """Run an input; return wall and CPU time per step of its last `run`, ms, and the memory, MB."""
    (folder / "in.lmp").write_text(text)
    command = [str(lmp), *options, "-in", "in.lmp", "-screen", "none", "-log", "log.lmp"]
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *command],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "PYKOH_DTYPE": dtype,
             "MACE_ALLOW_CPU": "true", "OMP_PROC_BIND": "false"},
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"{lmp}: failed: {done.stderr[-500:]}")
    log = (folder / "log.lmp").read_text()
    wall, steps = re.findall(r"Loop time of (\S+) on .* for (\d+) steps", log)[-1]
    percent = float(re.findall(r"([\d.]+)% CPU use", log)[-1])
    per_step = 1e3 * float(wall) / int(steps)
    memory = int(done.stdout.split()[-1]) / 1024
    return {"wall_ms": per_step, "cpu_ms": per_step * percent / 100.0, "memory_MB": memory}


def in_process(call: Callable[[np.ndarray], object], box: Any, repeat: int) -> Times:
    """Return the shortest wall and CPU time of calls with shaken positions, ms."""
    rng = np.random.default_rng(0)
    walls, cpus = [], []
    for turn in range(repeat + 2):
        positions = box.positions + rng.normal(scale=0.01, size=box.positions.shape)
        wall, cpu = time.perf_counter(), time.process_time()
        call(positions)
        if turn > 1:  # the first calls compile
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
    return {"wall_ms": 1e3 * min(walls), "cpu_ms": 1e3 * min(cpus)}


def tiny_box() -> Any:
    """Return three atoms far from their images, for the fixed cost of a step."""
    from ase import Atoms

    return Atoms(
        "OHK",
        positions=[[5.0, 5.0, 5.0], [5.9, 5.1, 5.0], [5.0, 5.0, 8.0]],
        cell=[25.0] * 3,
        pbc=True,
    )


def plot(results: dict, target: Path) -> None:
    """Draw wall time per step over the number of atoms."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), constrained_layout=True)
    for engine in results["engines"]:
        rows = [row for row in results["rows"] if engine in row]
        axes.loglog(
            [row["atoms"] for row in rows],
            [row[engine]["wall_ms"] for row in rows],
            marker="o",
            label=engine,
        )
    axes.set_xlabel("atoms")
    axes.set_title(results["random"] or results["model"], fontsize=10)
    axes.set_ylabel(f"ms per step ({results['dtype']}, {results['threads']} threads)")
    axes.legend(frameon=False)
    figure.savefig(target, dpi=130)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--random", help="hidden irreps of an untrained model, r_max 6 Å")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--lmp", type=lambda path: Path(path).resolve())
    parser.add_argument("--kokkos", type=lambda path: Path(path).resolve())
    parser.add_argument(
        "--atoms", type=int, nargs="+", default=[9, 15, 21, 60, 150, 300, 1000, 3000]
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument(
        "--most",
        type=float,
        default=20.0,
        help="s; an engine that takes longer for a step gets no larger boxes",
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    import torch
    from export_speed import ase_calculator, box_of, exported

    from launches import launches

    torch.set_num_threads(args.threads)
    args.output.mkdir(parents=True, exist_ok=True)
    folder = args.output.resolve()
    model = args.model
    if args.random:
        from potentials import random_mace

        model = folder / "random.model"
        random_mace(model, hidden=args.random, cutoff=6.0, radial_mlp=(64, 64, 64))
    model = model.resolve()
    boxes = [tiny_box(), *(box_of(n) for n in args.atoms)]
    rows: list[dict[str, Any]] = [{"atoms": len(box)} for box in boxes]
    for row, box in zip(rows, boxes, strict=True):
        row["ase"] = in_process(ase_calculator(str(model), args.dtype, box), box, args.steps // 2)
        if row["ase"]["wall_ms"] > 1e3 * args.most:
            break

    from pykoh.export.export import export_model

    export_model(model, folder / "koh.pt", dtype=args.dtype)
    lmps: dict[str, tuple[Path, list[str], str, str]] = {}
    if args.lmp:
        lmps["mliap"] = (args.lmp, [], "koh.pt", "")
    if args.kokkos:
        options = [word.format(threads=args.threads) for word in KOKKOS]
        lmps["mliap/kk"] = (args.kokkos, options, "koh.pt", "")
        mace_object(model, folder / "mace.pt", args.dtype)
        columns = 4 * max(
            torch.load(model, weights_only=False).products[0].linear.irreps_out.dim, 6
        )
        lmps["mace mliap/kk"] = (args.kokkos, options, "mace.pt", PAD.format(columns=columns))
    engines = ["ase", "embedded", *lmps]
    tired: set[str] = set()
    for row, box in zip(rows, boxes, strict=True):
        box.write(folder / "box.data", format="lammps-data", specorder=["H", "O", "K"], masses=True)
        for engine in engines[1:]:
            if engine in tired:
                continue
            if engine == "embedded":
                call = exported(folder / "koh.pt", args.dtype, box)
                row[engine] = in_process(call, box, args.steps)
            else:
                lmp, options, potential, pad = lmps[engine]
                attach = ATTACH if potential == "koh.pt" else ""
                text = INPUT.format(
                    attach=attach, pad=pad, potential=potential, warm=3, steps=args.steps
                )
                row[engine] = in_lammps(folder, lmp, text, options, args.threads, args.dtype)
            if row[engine]["wall_ms"] > 1e3 * args.most:
                tired.add(engine)
        print(json.dumps(row), flush=True)
    small = boxes[1]
    results: dict[str, Any] = {
        "model": model.name,
        "random": args.random,
        "dtype": args.dtype,
        "threads": args.threads,
        "engines": engines,
        "rows": rows[1:],
        "fixed_cost": rows[0],
        "launches": {
            "ase": sum(
                launches(_bound(ase_calculator(str(model), args.dtype, small), small)).values()
            ),
            "graph": graph_launches(folder / "koh.pt", args.dtype, small),
        },
        "largest_memory_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    (folder / "step_speed.json").write_text(json.dumps(results, indent=1) + "\n")
    plot(results, folder / "step_speed.png")
    print(json.dumps({key: results.get(key) for key in ("fixed_cost", "launches")}))


def graph_launches(artifact: Path, dtype: str, box: Any) -> int:
    """Return the launches of the force call of an artifact, with the chunks of a GPU."""
    from launches import as_on_a_gpu, launches
    from pykoh.engines.periodic import PeriodicPotential

    potential = PeriodicPotential.from_file(artifact, dtype=dtype)
    as_on_a_gpu(potential.graph)
    species, cell = potential.species_of(box.get_chemical_symbols()), np.asarray(box.cell)
    call = _bound(lambda positions: potential(positions, cell, species), box)
    return sum(launches(call).values())


def _bound(call: Callable[[np.ndarray], object], box: Any) -> Callable[[], object]:
    rng = np.random.default_rng(0)  # a calculator would not compute the same positions again
    return lambda: call(box.positions + rng.normal(scale=0.01, size=box.positions.shape))


if __name__ == "__main__":
    main()
