"""Time of a force call on a CPU: this pykoh, another one, MACECalculator and symmetrix.

Usage: python benchmarks/force_call.py NAME.model -o FOLDER [--vs CHECKOUT] [--atoms 165 999]
       python benchmarks/force_call.py NAME.model -o FOLDER --threads 1 2 --without mace symmetrix
       python benchmarks/force_call.py --random 128x0e …

Each engine has its own process, for each number of threads. The engines make their calls by turns
of CALLS_PER_TURN, so that other work on the machine affects all of them. The first call of a turn
does not count: threads of the engine before may still look for work, and the caches hold its
numbers. The calls are complete calls of ASE calculators, at positions that change a little each
time (for --vs: of both checkouts). Boxes are 6.26 mol/L KOH. symmetrix is measured if the PyPI
package symmetrix-xl can be imported. Writes force_call.json and force_call.svg. Times are medians
of wall times in ms; the JSON file also has the best ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
HERE = Path(__file__).resolve().parent
LABELS = {
    "pykoh": "pykoh", "before": "pykoh, before", "mace": "MACECalculator",
    "symmetrix": "symmetrix-xl",
}  # fmt: skip
CALLS_PER_TURN = 10
ONE_THREAD = ", one thread"


def serve(engine: str, potential: str, dtype: str, threads: int) -> None:
    """Answer requests on standard input: a new box as JSON, or the same box again."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # keep output of libraries out of the answers
    import torch
    from ase import Atoms

    torch.set_num_threads(threads)
    calculator: Any
    if engine == "mace":
        from mace.calculators import MACECalculator

        calculator = MACECalculator(
            model_paths=potential, device="cpu", default_dtype=dtype, head="Default"
        )
    elif engine == "symmetrix":
        from symmetrix import Symmetrix

        calculator = Symmetrix(potential, dtype=dtype)
    else:
        from pykoh.engines.calculator import PykohCalculator

        calculator = PykohCalculator(potential, dtype=dtype)
    atoms = Atoms()
    rng = np.random.default_rng(0)
    for line in sys.stdin:
        request = json.loads(line)
        if "symbols" in request:
            atoms = Atoms(request["symbols"], request["positions"], cell=request["cell"], pbc=True)
            atoms.calc = calculator
        atoms.positions += rng.normal(scale=0.002, size=atoms.positions.shape)
        start = time.perf_counter()
        forces = atoms.get_forces()
        print((time.perf_counter() - start) * 1e3, float(np.abs(forces).max()), file=answers)
        answers.flush()


def box(n_atoms: int, folder: Path) -> dict[str, Any]:
    """Return a box of KOH that `pykoh build` packed."""
    from ase.io import read

    target = folder / f"box_{n_atoms}.data"
    if not target.exists():
        command = [sys.executable, "-m", "pykoh", "build", "--molarity", "6.26", "--temperature"]
        command += ["298.15", "--atoms", str(n_atoms), "-o", str(target)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=HERE.parent)
    atoms: Any = read(target.with_suffix(".extxyz"))
    return {
        "symbols": atoms.get_chemical_symbols(),
        "positions": atoms.positions.tolist(),
        "cell": np.asarray(atoms.cell).tolist(),
    }


class Engine:
    """A process that answers requests."""

    def __init__(self, name: str, potential: Path, dtype: str, threads: int, root: Path) -> None:
        self.times: list[float] = []
        environment = {
            **os.environ, "OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": "10000",
            "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1",
            "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}",
        }  # fmt: skip
        engine = "pykoh" if name == "before" else name
        given = ["--serve", engine, dtype, str(threads), str(potential)]
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "force_call.py"), *given],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=root,
        )  # fmt: skip

    def ask(self, request: dict[str, Any]) -> float:
        """Return the time of one call, ms."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if len(answer) != 2:
            raise SystemExit("an engine ended; see its output above")
        return float(answer[0])


def measure(engines: dict[str, Engine], n_atoms: int, folder: Path, calls: int) -> dict[str, Any]:
    """Return the times of all engines for one box."""
    whole = box(n_atoms, folder)
    times: dict[str, list[float]] = {name: [] for name in engines}
    for engine in engines.values():
        for _ in range(3):  # compilation, TorchScript's specialising
            engine.ask(whole)
    for _ in range(-(-calls // CALLS_PER_TURN)):
        for name, engine in engines.items():
            engine.ask({})
            times[name] += [engine.ask({}) for _ in range(CALLS_PER_TURN)]
    found = {
        name: {"median_ms": float(np.median(each)), "best_ms": min(each)}
        for name, each in times.items()
    }
    print(
        len(whole["symbols"]), {k: round(v["median_ms"], 1) for k, v in found.items()}, flush=True
    )
    return {"atoms": len(whole["symbols"]), **found}


def plot(results: list[dict[str, Any]], title: str, target: Path) -> None:
    """Write ms per call over atoms."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, LogLocator

    figure, axes = plt.subplots(figsize=(6, 4.5))
    names = [key for key in results[0] if key != "atoms"]
    # What all engines have in common is said once.
    common = ONE_THREAD if all(name.endswith(ONE_THREAD) for name in names) else ""
    for name in names:
        axes.loglog(
            [each["atoms"] for each in results], [each[name]["median_ms"] for each in results],
            "o-", label=name.removesuffix(common),
        )  # fmt: skip
    axes.set(xlabel="atoms", ylabel="ms per force call", title=title + common)
    for axis, kind in ((axes.xaxis, "atoms"), (axes.yaxis, "ms")):
        axis.set_minor_formatter("")
        if kind == "atoms":
            axis.set_major_locator(FixedLocator([each["atoms"] for each in results]))
        else:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")
    axes.set_ylim(bottom=0.3 * axes.get_ylim()[0])
    axes.legend(frameon=False, loc="lower right", ncols=2)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(target)


def label(name: str, threads: int) -> str:
    """Return the name of an engine in results and figure."""
    return LABELS[name] + (ONE_THREAD if threads == 1 else f", {threads} threads")


def main() -> None:
    """Parse the command line, measure, write."""
    if sys.argv[1:2] == ["--serve"]:
        engine, dtype, threads, potential = sys.argv[2:]
        serve(engine, potential, dtype, int(threads))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--random", help="irreps of an untrained model, 6 Å, e.g. 128x0e")
    parser.add_argument("-o", dest="folder", type=Path, required=True)
    parser.add_argument("--vs", type=Path, help="another checkout of pykoh")
    parser.add_argument("--atoms", type=int, nargs="+", default=[165, 999])
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="of each engine")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--without", nargs="*", default=[], help="engines to leave out")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    root, model = HERE.parent, given.model
    if given.random:
        sys.path.insert(0, str(root / "tests"))
        from potentials import random_mace

        model = random_mace(
            given.folder / f"{given.random}.model", hidden=given.random, cutoff=6.0,
            radial_mlp=(64, 64, 64),
        )  # fmt: skip
    if model is None or not model.is_file():
        raise SystemExit(f"{model or 'no model'}: give a MACE model file, or --random IRREPS")
    if given.vs and not (given.vs / "pykoh").is_dir():
        raise SystemExit(f"{given.vs}: no checkout of pykoh (it has no folder pykoh)")
    engines: dict[str, Engine] = {}
    roots = {"pykoh": root} | ({"before": given.vs.resolve()} if given.vs else {})
    for name, where in roots.items():
        # Each model in the folder has its own file.
        digest = hashlib.sha256(model.read_bytes() + str(where).encode()).hexdigest()[:12]
        target = given.folder.resolve() / f"{name}_{digest}.pt"
        if not target.exists():
            command = [sys.executable, "-m", "pykoh", "export", str(model.resolve()), "-o"]
            done = subprocess.run(
                [*command, str(target)], check=False, cwd=where, stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(where)},
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(done.returncode)  # its output says why
        for n in given.threads:
            engines[label(name, n)] = Engine(name, target, given.dtype, n, where)
    others = [name for name in ("mace", "symmetrix") if name not in given.without]
    try:
        import symmetrix  # noqa: F401
    except ImportError:
        others = [name for name in others if name != "symmetrix"]
    for name in others:
        for n in given.threads:
            engines[label(name, n)] = Engine(name, model.resolve(), given.dtype, n, root)
    results = [measure(engines, n, given.folder, given.calls) for n in given.atoms]
    what = {"model": str(model.name), "dtype": given.dtype, "threads": given.threads}
    (given.folder / "force_call.json").write_text(
        json.dumps({**what, "results": results}, indent=1)
    )
    plot(results, f"{model.stem}, {given.dtype}", given.folder / "force_call.svg")
    for each in engines.values():
        each.process.kill()


if __name__ == "__main__":
    main()
