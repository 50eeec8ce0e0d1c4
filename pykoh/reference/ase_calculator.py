"""Any ASE calculator as a labeller: ``--calculator MODULE:FACTORY``."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pykoh.errors import LabelError
from pykoh.reference.level import Label, Level

if TYPE_CHECKING:
    from ase import Atoms


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
        finally:
            sys.path.pop(0)
        example = self._new(name)
        parameters = getattr(example, "parameters", None) or {}
        settings = {key: str(value) for key, value in dict(parameters).items()}
        self.level = Level(name, {"calculator": name, **settings}, type(example).__name__)
        self.recipes: tuple[str, ...] = ("as given",)
        self._stopped = False

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
        start = time.process_time()
        try:
            energy = float(frame.get_potential_energy())
            forces = np.array(frame.get_forces())
            stress = self._stress(frame)
        except Exception as error:  # whatever a foreign calculator raises
            raise LabelError(f"{self.level.name}: {type(error).__name__}: {error}") from error
        return Label(
            energy_eV=energy,
            forces=forces,
            stress=stress,
            core_s=time.process_time() - start,
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
