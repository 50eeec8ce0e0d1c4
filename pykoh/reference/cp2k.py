"""CP2K as a labeller: each frame has its own process and folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from pykoh import processes
from pykoh.chemistry import ATOM_MULTIPLICITY
from pykoh.errors import LabelError
from pykoh.reference.cp2k_input import RECIPES, cp2k_level, grid_of, input_text
from pykoh.reference.cp2k_output import parse_output
from pykoh.reference.level import Label, Level

if TYPE_CHECKING:
    from ase import Atoms

EXECUTABLES = ("cp2k.psmp", "cp2k.popt", "cp2k.ssmp", "cp2k")
# Length of the box of an isolated atom, Å: 3 Å more than the reach of the orbitals.
ATOM_BOX_A = 12.0
_INSTALL = (
    "install it (Debian: apt-get install cp2k cp2k-data libopenblas0-serial), or name it: "
    "--command '/path/to/cp2k.psmp'"
)


def find_command() -> list[str]:
    """Return the command of the first CP2K on the PATH.

    Raises:
        LabelError: there is none.
    """
    for name in EXECUTABLES:
        if found := shutil.which(name):
            return [found]
    raise LabelError(f"CP2K is not on the PATH (looked for {', '.join(EXECUTABLES)}); {_INSTALL}")


def version_of(command: list[str]) -> str:
    """Return e.g. ``"CP2K 2023.1"``.

    Raises:
        LabelError: the command does not run, or is not CP2K.
    """
    try:
        done = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabelError(f"{' '.join(command)}: does not run ({error}); {_INSTALL}") from error
    for line in done.stdout.splitlines():
        if "CP2K version" in line:
            return "CP2K " + line.split("CP2K version")[1].split()[0]
    raise LabelError(f"{' '.join(command)}: is not CP2K; {_INSTALL}")


class Cp2kLabeller:
    """Labels by CP2K at the fixed level of :mod:`pykoh.reference.cp2k_input`.

    Wavefunctions are kept in ``folder``, one for each trajectory. The next frame of the
    trajectory starts from it.

    Args:
        folder: an existing folder for wavefunctions.
        command: command that starts CP2K, e.g. ``["mpirun", "-n", "16", "cp2k.psmp"]``; by
            default the CP2K on the PATH.
        threads: OpenMP threads of each process.
        elements: of all frames; the grid of the level depends on them.
    """

    def __init__(
        self,
        folder: Path,
        command: list[str] | None = None,
        threads: int = 1,
        elements: Collection[str] = (),
    ) -> None:
        self.command = command or find_command()
        self._grid = grid_of(elements)
        self.level: Level = cp2k_level(version_of(self.command), self._grid)
        self.recipes = tuple(recipe.name for recipe in RECIPES)
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen] = set()
        self._stopped = False

    def label(self, atoms: Atoms, folder: Path, recipe: int) -> Label:
        """Compute one frame, see :class:`~pykoh.reference.level.Labeller`."""
        way = RECIPES[recipe]
        # Frames of a file without names of trajectories may have several compositions.
        contents = hashlib.sha256(" ".join(atoms.get_chemical_symbols()).encode()).hexdigest()[:8]
        kept = self._folder / f"{_file_name(str(atoms.info.get('run', '')))}-{contents}.wfn"
        guess = None
        if way.from_neighbour and kept.exists():
            guess = "guess.wfn"
            shutil.copyfile(kept, folder / guess)
        text = input_text(atoms, way, guess, grid=self._grid)
        label = self._run(atoms, folder, text, way.name, True)
        made = folder / "frame-RESTART.wfn"
        if atoms.info.get("run") and made.exists():
            made.replace(kept)
        return label

    def atom(self, symbol: str, folder: Path) -> Label:
        """Compute one isolated atom, spin-polarised, in a periodic box of 12 Å."""
        from ase import Atoms

        if symbol not in ATOM_MULTIPLICITY:
            raise LabelError(f"element {symbol}: pykoh does not know the spin of its atom")
        atom = Atoms(symbol, cell=[ATOM_BOX_A] * 3, pbc=True)
        way = RECIPES[1]
        spin = ATOM_MULTIPLICITY[symbol]
        text = input_text(atom, way, multiplicity=spin, stress=False, grid=self._grid)
        return self._run(atom, folder, text, way.name, with_stress=False)

    def stop(self) -> None:
        """End the running calculations and refuse later ones."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                processes.kill(process)

    def _run(self, atoms: Atoms, folder: Path, text: str, recipe: str, with_stress: bool) -> Label:
        (folder / "frame.inp").write_text(text)
        output = folder / "frame.out"
        with output.open("wb") as stream, self._lock:
            if self._stopped:
                raise LabelError("stopped")
            process = processes.start(
                [*self.command, "-i", "frame.inp"],
                folder,
                stream,
                OMP_NUM_THREADS=str(self._threads),
                # Open MPI needs both to run as root; containers often have no other user.
                OMPI_ALLOW_RUN_AS_ROOT="1",
                OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
            )
            self._running.add(process)
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            processes.kill(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        if self._stopped:
            raise LabelError("stopped")
        return parse_output(
            output.read_text(errors="replace"),
            output,
            len(atoms),
            recipe,
            usage.ru_utime + usage.ru_stime,
            with_stress,
        )


def _file_name(run: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in run) or "frames"
