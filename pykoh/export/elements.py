"""A model of many elements restricted to a few.

A foundation model knows 89 elements. Tables for each pair of elements and matrices for each element
make it large and slow; a solution of KOH needs three.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from ase.data import atomic_numbers, chemical_symbols

from pykoh.errors import ModelError


class _Embedded(torch.nn.Module):
    """A linear map of one-hot elements, fed with those that were kept.

    Args:
        inner: takes ``[n, S]`` one-hot elements.
        select: ``[s, S]``, from kept elements to those of the model.
    """

    def __init__(self, inner: torch.nn.Module, select: torch.Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.select: torch.Tensor
        self.register_buffer("select", select.clone())

    def forward(self, elements: torch.Tensor) -> torch.Tensor:
        """Return what the map gives for ``[n, s]``."""
        return self.inner(torch.matmul(elements, self.select))


class _NodeEmbedding(_Embedded):
    """The same for mace-torch's ``LinearNodeEmbeddingBlock``."""

    def __init__(self, inner: torch.nn.Module, select: torch.Tensor) -> None:
        super().__init__(inner, select)
        self.linear = inner.linear


class _Skip(torch.nn.Module):
    """A self-connection with weights per element, fed with the elements that were kept."""

    def __init__(self, inner: torch.nn.Module, select: torch.Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.irreps_in1, self.irreps_out = inner.irreps_in1, inner.irreps_out
        self.select: torch.Tensor
        self.register_buffer("select", select.clone())

    def forward(self, features: torch.Tensor, elements: torch.Tensor) -> torch.Tensor:
        """Return features mixed by element; elements are ``[n, s]``."""
        return self.inner(features, torch.matmul(elements, self.select))


def parse_elements(text: str | None) -> tuple[str, ...] | None:
    """Return the symbols of a text such as ``H,O,K``; None for none.

    Raises:
        ModelError: a word is no element, or stands there twice.
    """
    if text is None:
        return None
    words = tuple(word for word in text.replace(",", " ").split())
    for word in words:
        if word not in atomic_numbers or word == "X":
            raise ModelError(f"--elements {text!r}: {word!r} is not an element; e.g. H,O,K")
    if len(set(words)) < len(words) or not words:
        raise ModelError(f"--elements {text!r}: name each element once, e.g. H,O,K")
    return words


def restricted(model: Any, elements: tuple[str, ...], path: object) -> Any:
    """Return a copy of a MACE model that knows some of its elements, with the same energies.

    Args:
        model: an eager model.
        elements: symbols; their order is that of the model.
        path: for messages.

    Raises:
        ModelError: the model lacks an element.
    """
    known = [int(z) for z in model.atomic_numbers]
    missing = [symbol for symbol in elements if atomic_numbers[symbol] not in known]
    if missing:
        names = " ".join(chemical_symbols[z] for z in known)
        raise ModelError(f"{path}: does not know {' '.join(missing)}; its elements are {names}")
    wanted = {atomic_numbers[symbol] for symbol in elements}
    kept = [index for index, z in enumerate(known) if z in wanted]
    if len(kept) == len(known):
        return model
    model = copy.deepcopy(model)
    select = torch.eye(len(known), dtype=model.atomic_energies_fn.atomic_energies.dtype)[kept]
    model.atomic_numbers = model.atomic_numbers[kept]
    energies = model.atomic_energies_fn.atomic_energies
    model.atomic_energies_fn.atomic_energies = energies[..., kept]
    model.node_embedding = _NodeEmbedding(model.node_embedding, select)
    for block in model.interactions:
        for name in ("source_embedding", "target_embedding"):
            if hasattr(block, name):
                setattr(block, name, _Embedded(getattr(block, name), select))
        if hasattr(block.skip_tp, "irreps_in1"):
            block.skip_tp = _Skip(block.skip_tp, select)
    for product in model.products:
        for contraction in product.symmetric_contractions.contractions:
            _select_weights(contraction, kept, len(known))
    return model


def _select_weights(contraction: Any, kept: list[int], n_elements: int) -> None:
    """Keep the rows of some elements; a contraction for all elements alike has one row."""
    if len(contraction.weights_max) != n_elements:
        return
    contraction.weights_max = torch.nn.Parameter(contraction.weights_max.detach()[kept])
    for index, weights in enumerate(contraction.weights):
        contraction.weights[index] = torch.nn.Parameter(weights.detach()[kept])
