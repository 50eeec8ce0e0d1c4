"""A MACE model with finer angular resolution and the same energies.

A larger ``max_ell`` gives the atomic features spherical harmonics of a higher degree, and the model
more parameters. What the model has learned is kept: all old weights stay. The weights of the
products of up to three features (the symmetric contraction, doi:10.48550/arXiv.2206.07697) solve a
linear system that the old function satisfies exactly, with zero for all new terms. Fine-tuning
starts from this model.
"""

from __future__ import annotations

import itertools
from typing import Any

from pykoh.errors import TrainingError
from pykoh.training.rebuild import rebuilt, scalar_config

# Relative to the largest coefficient of a product, for float32 weights.
_TOLERANCE = 1e-5


def grow(model: Any, max_ell: int, seed: int) -> Any:
    """Return a model with ``max_ell`` whose energies are those of ``model``.

    Args:
        model: model of mace-torch.
        max_ell: of the spherical harmonics of the edges; larger than that of the model.
        seed: for the new weights between edges and features; they have no effect at first.

    Raises:
        TrainingError: the model already has this ``max_ell``, its features are not scalars, or its
            weights cannot be kept.
    """
    import torch

    config = scalar_config(model, "--grow-ell")
    if config["max_ell"] >= max_ell:
        raise TrainingError(
            f"--grow-ell {max_ell}: the foundation has max_ell {config['max_ell']}; give more"
        )
    larger = rebuilt(model, {**config, "max_ell": max_ell}, seed)
    state = larger.state_dict()
    for name, value in model.state_dict().items():
        if state[name].shape == value.shape:
            state[name] = value
        elif ".conv_tp_weights." in name:
            state[name][:, : value.shape[1]] = value  # one column for each path, in the order of l
        elif name.endswith((".linear.weight", ".skip_tp.weight")):
            state[name][: len(value)] = value  # one block for each l
        elif not (".symmetric_contractions." in name or name.endswith(".output_mask")):
            raise TrainingError(f"--grow-ell: {name} of this model cannot be kept; leave it out")
    larger.load_state_dict(state)
    with torch.no_grad():
        for old, new in zip(_contractions(model), _contractions(larger), strict=True):
            for order in range(1, old.correlation + 1):
                _keep_product(old, new, order)
    return larger


def _contractions(model: Any) -> list[Any]:
    """Return the symmetric contractions of all layers."""
    products = (product.symmetric_contractions.contractions for product in model.products)
    return list(itertools.chain.from_iterable(products))


def _weights(contraction: Any, order: int) -> Any:
    """Return [elements, paths, channels], the weights of products of ``order`` features."""
    if order == contraction.correlation:
        return contraction.weights_max
    return contraction.weights[contraction.correlation - 1 - order]


def _keep_product(old: Any, new: Any, order: int) -> None:
    """Set the weights of products of ``order`` features to give the values of the smaller model."""
    import torch

    small, large = old.U_tensors(order).double(), new.U_tensors(order).double()
    given, wanted = _weights(old, order), _weights(new, order)
    elements, _, channels = given.shape
    # [features, ..., elements, channels]: zero for products with a feature of the new degree.
    target = torch.zeros(*large.shape[:-1], elements, channels, dtype=torch.float64)
    inner = (slice(small.shape[0]),) * order
    target[inner] = torch.einsum("...p,zpc->...zc", small, given.double())
    basis = large.reshape(-1, large.shape[-1])
    flat = target.reshape(len(basis), -1)
    solution = torch.linalg.lstsq(basis, flat, driver="gelsd").solution
    left = float((basis @ solution - flat).abs().max())
    if left > _TOLERANCE * max(float(flat.abs().max()), 1e-12):
        raise TrainingError(
            f"--grow-ell: products of {order} features of this model cannot be kept; leave it out"
        )
    wanted.copy_(solution.reshape(-1, elements, channels).permute(1, 0, 2))
