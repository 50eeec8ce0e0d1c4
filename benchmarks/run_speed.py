"""Time of an MD step of `pykoh run`: single and multiple time steps, and another version of pykoh.

Usage: python benchmarks/run_speed.py -o FOLDER [--vs CHECKOUT] [--atoms 165 1008] [--threads 1]

Runs koh.in on boxes of 6.3 mol/L KOH that are equilibrated for a moment, by turns: as it is, with
`--inner inner.pt` (every second and every fourth step), and with another checkout. Each checkout
exports the model itself. The time is that of LAMMPS's loop: no imports, no compilation. CPU time is
that of all threads; on a busy machine compare it instead of wall time. Writes run_speed.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
HERE = Path(__file__).resolve().parents[1]
SHIPPED = HERE / "potentials" / "koh-blyp-d3"


def pykoh(root: Path, folder: Path, *words: object) -> None:
    """Run pykoh of a checkout."""
    subprocess.run(
        [sys.executable, "-m", "pykoh", *map(str, words)],
        cwd=folder, check=True, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip


def box(n_atoms: int, folder: Path) -> None:
    """Write koh.data, a box that was at 298 K for 0.05 ps."""
    words = ("--molarity", 6.3, "--temperature", 298.15, "--atoms", n_atoms)
    pykoh(HERE, folder, "build", *words, "-o", "koh.data")
    pykoh(
        HERE, folder, "run", "equilibrate.in", "--var", "potential", SHIPPED / "koh.pt",
        "--var", "ps", 0.03, "--var", "heat_ps", 0.02, "--var", "average_ps", 0.02,
        "--threads", 1, "--var", "name", "equil", "--var", "data", "koh.data",
    )  # fmt: skip


def step(
    folder: Path, root: Path, potential: Path, steps: int, words: list[str]
) -> tuple[float, float]:
    """Return wall and CPU time of an MD step, ms."""
    for old in folder.glob("speed.*"):
        old.unlink()
    pykoh(
        root, folder, "run", HERE / "lammps_inputs" / "koh.in", "--var", "data", "equil.data",
        "--var", "potential", potential, "--var", "name", "speed", "--var", "ps", 0.0005 * steps,
        "--var", "restart_ps", 1000, *words,
    )  # fmt: skip
    log = (folder / "speed.log").read_text()
    wall, found = re.findall(r"Loop time of (\S+) on .* for (\d+) steps", log)[-1]
    percent = float(re.findall(r"([\d.]+)% CPU use", log)[-1])
    ms = 1e3 * float(wall) / int(found)
    return ms, ms * percent / 100.0


def main() -> None:
    """Measure by turns, print medians and the best, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--vs", type=Path, help="another checkout")
    parser.add_argument("--atoms", type=int, nargs="+", default=[165])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()
    if given.vs and not (given.vs / "pykoh").is_dir():
        # Otherwise Python would import the pykoh that is installed, and compare it with itself.
        raise SystemExit(f"{given.vs}: no checkout of pykoh (it has no folder pykoh)")
    given.output.mkdir(parents=True, exist_ok=True)
    ways: dict[str, tuple[Path, Path, list[str]]] = {}
    for name, root in (("now", HERE), *([("before", given.vs.resolve())] if given.vs else [])):
        potential = given.output.resolve() / f"{name}.pt"
        model = SHIPPED / "koh-blyp-d3.model"
        pykoh(root, given.output, "export", model, "-o", potential, "--force")
        ways[name] = root, potential, []
    for every in (2, 4):
        words = ["--inner", str(SHIPPED / "inner.pt"), "--every", str(every)]
        ways[f"inner, every {every}"] = HERE, ways["now"][1], words
    rows = []
    for n_atoms in given.atoms:
        folder = given.output.resolve() / str(n_atoms)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        box(n_atoms, folder)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(given.turns):
            for name, (root, potential, words) in ways.items():
                options = [*words, "--threads", str(given.threads)]
                times[name].append(step(folder, root, potential, given.steps, options))
        for name, found in times.items():
            wall, cpu = ([each[k] for each in found] for k in (0, 1))
            rows.append(
                {
                    "atoms": n_atoms, "threads": given.threads, "way": name,
                    "wall_ms": round(median(wall), 2), "best_wall_ms": round(min(wall), 2),
                    "cpu_ms": round(median(cpu), 2), "best_cpu_ms": round(min(cpu), 2),
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    (given.output / "run_speed.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
