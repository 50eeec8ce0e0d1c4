"""A MACE model of another size, with random weights, from the options of a given one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pykoh.errors import TrainingError
from pykoh.export.read import mace_calculator

# Largest change of an energy, relative to the root mean square of the forces times 1 Å.
_TOLERANCE = {"float32": 1e-3, "float64": 1e-8}


def scalar_config(model: Any, option: str) -> dict[str, Any]:
    """Return the options that mace-torch makes a model from.

    Args:
        model: model of mace-torch with scalar features.
        option: of the command line, for errors.

    Raises:
        TrainingError: mace-torch cannot tell the options, or the features are not scalars.
    """
    from mace.tools.scripts_utils import extract_config_mace_model

    config: dict[str, Any] = extract_config_mace_model(model)
    if "error" in config:
        raise TrainingError(f"{option}: {config['error']}; leave it out")
    if config["hidden_irreps"].lmax > 0:
        raise TrainingError(f"{option}: only works for models with scalar features (max L 0)")
    return config


def rebuilt(model: Any, config: dict[str, Any], seed: int) -> Any:
    """Return a new model of the same kind and precision, with random weights.

    Args:
        model: of mace-torch; it is not changed.
        config: options of the new model.
        seed: for its weights.
    """
    import torch

    with as_precise_as(model), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type(model)(**config)


@contextmanager
def as_precise_as(model: Any) -> Iterator[None]:
    """Give models that are made inside the precision of ``model``; keep mace-torch quiet."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(next(model.parameters()).dtype)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of mace-torch and TorchScript, about their own code
            yield
    finally:
        torch.set_default_dtype(before)


def energy_change(model: Any, other: Any, head: str | None = None) -> float | None:
    """Return by how much another model changes the energy of a small box, eV.

    Args:
        model: of mace-torch.
        other: a model with the same elements that should give the same energies.
        head: of the first model, if it has several.

    Returns:
        None if the change is no more than rounding.
    """
    from ase import Atoms
    from ase.data import chemical_symbols

    if other is model:
        return None
    symbols = [chemical_symbols[int(z)] for z in model.atomic_numbers]
    sites = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    moved = np.random.default_rng(0).uniform(-0.3, 0.3, size=sites.shape)
    box = Atoms(
        [symbols[i % len(symbols)] for i in range(len(sites))],
        positions=2.0 * sites + moved,
        cell=[6.0] * 3,
        pbc=True,
    )
    energies, scale = [], 0.0
    for calculator in (mace_calculator(model, head), mace_calculator(other)):
        box.calc = calculator
        energies.append(float(box.get_potential_energy()))
        scale = float(np.sqrt(np.mean(box.get_forces() ** 2)))
    change = energies[1] - energies[0]
    precision = str(next(model.parameters()).dtype).removeprefix("torch.")
    return None if abs(change) <= _TOLERANCE[precision] * scale else change
