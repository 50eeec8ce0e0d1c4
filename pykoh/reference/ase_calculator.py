"""Any ASE calculator as a labeller: ``--calculator MODULE:FACTORY``."""

from __future__ import annotations

import importlib
import re
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pykoh.errors import LabelError
from pykoh.reference.level import Label, Level

if TYPE_CHECKING:
    from ase import Atoms


# The text of an object without one of its own ends in its place in memory, new in each process.
_PLACE = re.compile(r" at 0x[0-9a-fA-F]+")


def _spent_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class _Clock:
    """Processor time of frames that are computed at the same time.

    Threads of one process cannot be told apart in the time of its child processes, in which most
    DFT codes compute. What is spent while several frames run is shared by them: the time of one
    frame is not exact, the sum is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares_s: dict[object, float] = {}
        self._last_s = 0.0

    def begin(self) -> object:
        """Return a key of a frame that begins."""
        key = object()
        with self._lock:
            self._share()
            self._shares_s[key] = 0.0
        return key

    def end(self, key: object) -> float:
        """Return the processor time of a frame that ends, s."""
        with self._lock:
            self._share()
            return self._shares_s.pop(key)

    def _share(self) -> None:
        now = _spent_s()
        for key in self._shares_s:
            self._shares_s[key] += (now - self._last_s) / len(self._shares_s)
        self._last_s = now


class AseLabeller:
    """Labels by an ASE calculator, which a function of the user returns.

    pykoh cannot know the level of theory. It is described by the name ``MODULE:FACTORY`` and the
    calculator's ``parameters``. Each frame gets a new calculator, so that frames can be computed
    in parallel.

    Args:
        name: ``MODULE:FACTORY``, importable from the working folder; called without arguments.

    Raises:
        LabelError: the module or the function does not exist, or returns no calculator.
    """

    def __init__(self, name: str) -> None:
        module_name, _, factory_name = name.partition(":")
        if not module_name or not factory_name:
            raise LabelError(f"--calculator {name}: give MODULE:FACTORY, e.g. my_dft:calculator")
        sys.path.insert(0, str(Path.cwd()))
        try:
            self._factory = getattr(importlib.import_module(module_name), factory_name)
        except (ImportError, AttributeError) as error:
            raise LabelError(f"--calculator {name}: {error}") from error
        except Exception as error:  # whatever a foreign module raises
            raise LabelError(f"--calculator {name}: {type(error).__name__}: {error}") from error
        finally:
            sys.path.pop(0)
        example = self._new(name)
        parameters = getattr(example, "parameters", None) or {}
        settings = {key: _PLACE.sub("", str(value)) for key, value in dict(parameters).items()}
        self.level = Level(name, {"calculator": name, **settings}, type(example).__name__)
        self.recipes: tuple[str, ...] = ("as given",)
        self._stopped = False
        self._clock = _Clock()

    def _new(self, name: str) -> Any:
        try:
            calculator = self._factory()
        except Exception as error:  # whatever a foreign function raises
            raise LabelError(f"--calculator {name}: {type(error).__name__}: {error}") from error
        if not hasattr(calculator, "get_forces"):
            raise LabelError(f"--calculator {name}: returns a {type(calculator).__name__}, which "
                             "is not an ASE calculator")  # fmt: skip
        return calculator

    def label(self, atoms: Atoms, folder: Path, recipe: int) -> Label:
        """Compute one frame, see :class:`~pykoh.reference.level.Labeller`."""
        if self._stopped:
            raise LabelError("stopped")
        calculator = self._new(self.level.name)
        if hasattr(calculator, "directory"):
            calculator.directory = str(folder)
        frame = atoms.copy()
        frame.calc = calculator
        key, core_s = self._clock.begin(), 0.0
        try:
            energy = float(frame.get_potential_energy())
            forces = np.array(frame.get_forces())
            stress = self._stress(frame)
        except Exception as error:  # whatever a foreign calculator raises
            raise LabelError(f"{self.level.name}: {type(error).__name__}: {error}") from error
        finally:
            core_s = self._clock.end(key)
        return Label(
            energy_eV=energy,
            forces=forces,
            stress=stress,
            core_s=core_s,
            scf_steps=None,
            recipe=self.recipes[recipe],
            code=self.level.code,
        )

    @staticmethod
    def _stress(frame: Atoms) -> Any:
        from ase.calculators.calculator import PropertyNotImplementedError

        try:
            return np.array(frame.get_stress(voigt=False))
        except (PropertyNotImplementedError, NotImplementedError):
            return None

    def atom(self, symbol: str, folder: Path) -> Label:
        """Compute one isolated atom in a periodic box of 12 Å."""
        from ase import Atoms

        return self.label(Atoms(symbol, cell=[12.0] * 3, pbc=True), folder, 0)

    def stop(self) -> None:
        """Refuse further frames; those that are being computed are finished."""
        self._stopped = True
