"""Preparation of a foundation model for fine-tuning: precision, elements, zero of its energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pykoh.errors import TrainingError
from pykoh.export.read import mace_calculator, read_mace_model
from pykoh.files import replacing
from pykoh.reference.labels import ENERGY
from pykoh.training.enlarge import Growth, enlarge
from pykoh.training.heads import one_head

if TYPE_CHECKING:
    from ase import Atoms


def write_foundation(
    model: Any,
    target: Path,
    frames: Sequence[Atoms],
    e0_eV: dict[str, float],
    dtype: str,
    new_zero: bool,
) -> None:
    """Write a foundation with the precision of the training and the energy scale of its labels.

    If a foundation model has as many elements as the data, mace-torch 0.3.16 replaces the given
    energies of isolated atoms by those of the model (``load_foundations_elements`` copies every
    buffer of equal shape). With ``new_zero`` the file therefore has the labels' energies. Its mean
    interaction energy per atom is shifted to that of the labels, as at the start of a training
    from scratch. Forces do not change.

    Args:
        model: from :func:`read_foundation`; it is changed.
        target: file to write.
        frames: labelled frames of the training.
        e0_eV: energies of the isolated atoms, eV.
        dtype: float32 or float64.
        new_zero: False if the foundation keeps a head of its own.
    """
    import torch

    if new_zero:
        known = _elements(model)
        energies = model.atomic_energies_fn.atomic_energies
        for symbol, energy in e0_eV.items():
            energies[..., known.index(symbol)] = energy
        shift = _mean_residual(model, frames)
        if model.scale_shift is not None:
            model.scale_shift.shift += shift
    with replacing(target) as temporary:
        torch.save(model.to(getattr(torch, dtype)), temporary)


def read_foundation(
    source: Path, elements: Sequence[str], head: str | None = None, growth: Growth | None = None
) -> Any:
    """Read a model that is to be fine-tuned.

    Args:
        source: ``.model`` file.
        elements: symbols that it has to know.
        head: name of its head, for a model with several.
        growth: what it gets in addition, or None.

    Raises:
        TrainingError: the model does not know an element, or cannot grow.
        ModelError: the file is not a MACE model, or has no such head.
    """
    model = read_mace_model(source)
    known = _elements(model)
    missing = [symbol for symbol in elements if symbol not in known]
    if missing:
        raise TrainingError(
            f"{source}: does not know {', '.join(missing)} (its elements: {' '.join(known)}); "
            "choose another --foundation"
        )
    return enlarge(one_head(model, head, source), growth)


def _elements(model: Any) -> list[str]:
    from ase.data import chemical_symbols

    return [chemical_symbols[int(z)] for z in model.atomic_numbers]


def _mean_residual(model: Any, frames: Sequence[Atoms]) -> float:
    """Return the mean error of the energy per atom, label less model, eV."""
    calculator = mace_calculator(model)
    errors = [(f.info[ENERGY] - _energy(calculator, f)) / len(f) for f in frames]
    return float(np.mean(errors))


def _energy(calculator: Any, atoms: Atoms) -> float:
    """Return the energy of a frame, eV, in a third of the time that it takes with forces.

    Args:
        calculator: of :func:`pykoh.export.read.mace_calculator`, which always computes forces.
        atoms: the frame; its labels are not used.
    """
    from mace import data
    from mace.tools import torch_tools
    from mace.tools.torch_geometric.batch import Batch

    configuration = data.config_from_atoms(atoms.copy(), head_name=calculator.head)
    with torch_tools.default_dtype(calculator.default_dtype):
        graph = data.AtomicData.from_config(
            configuration,
            z_table=calculator.z_table,
            cutoff=calculator.r_max,
            heads=calculator.available_heads,
        )
        values = Batch.from_data_list([graph]).to_dict()
        return float(calculator.models[0](values, compute_force=False)["energy"].detach())


def check_zero(model_path: Path, e0_eV: dict[str, float]) -> None:
    """Check that a trained model has the given energies of isolated atoms."""
    from ase.data import atomic_numbers

    model = read_mace_model(model_path)
    numbers = [int(z) for z in model.atomic_numbers]
    energies = model.atomic_energies_fn.atomic_energies.detach().double().numpy().reshape(-1)
    for symbol, energy in e0_eV.items():
        found = float(energies[numbers.index(atomic_numbers[symbol])])
        if abs(found - energy) > 1e-4 * max(1.0, abs(energy)):
            raise TrainingError(
                f"{model_path}: the trained model has {found:.4f} eV for the isolated {symbol} "
                f"atom instead of {energy:.4f}; this version of mace-torch has changed it"
            )
