"""The TorchScript graph of any MACE model: edge vectors in, energies and pair forces out.

It runs MACE's own interaction, product and readout blocks. Two things differ from MACE's forward:
the graph takes edge vectors instead of positions, and where MACE would call into LAMMPS the graph
calls the operator of :mod:`pykoh.engines.ghost`. This module needs mace-torch; what it makes does
not.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, List, Optional, Tuple

import torch
from e3nn.util import jit
from e3nn.util.jit import compile_mode
from mace.modules import blocks

import pykoh.engines.ghost  # noqa: F401  registers torch.ops.pykoh.ghost_exchange
from pykoh.errors import ModelError, PykohError
from pykoh.export.adapters import adapt


def handle_lammps(
    self: Any,
    node_feats: torch.Tensor,
    lammps_class: Optional[Any],
    lammps_natoms: Tuple[int, int],
    first_layer: bool,
) -> torch.Tensor:
    """Stand in for ``InteractionBlock.handle_lammps``: rows for ghost atoms.

    In the first layer a row depends on the element alone, so that ghosts need no exchange.
    """
    if first_layer:
        assert isinstance(lammps_class, torch.Tensor)  # the ghosts' species
        return torch.cat([node_feats, self.first_features.index_select(0, lammps_class)], 0)
    return torch.ops.pykoh.ghost_exchange(node_feats, lammps_natoms[0] + lammps_natoms[1])


@contextmanager
def _ghosts_by_operator() -> Iterator[None]:
    """Let MACE's interaction blocks be scripted with the ghost operator in place."""
    original = blocks.InteractionBlock.handle_lammps
    blocks.InteractionBlock.handle_lammps = handle_lammps
    try:
        yield
    finally:
        blocks.InteractionBlock.handle_lammps = original


# Blocks that pass the one-hot elements of the atoms along with their features.
_ELEMENTS_BESIDE_FEATURES = ("RealAgnosticResidualNonLinearInteractionBlock",)


@compile_mode("script")
class EdgeGraph(torch.nn.Module):
    """Energies and pair forces of one head of a MACE model from edge vectors.

    Args:
        model: an eager MACE or ScaleShiftMACE model in float64; it is taken over, not copied.
        head: index of the head whose energy is computed.
    """

    def __init__(self, model: torch.nn.Module, head: int = 0) -> None:
        super().__init__()
        for parameter in model.parameters():
            parameter.requires_grad = False
        self.head = head
        self.n_species = int(model.atomic_numbers.numel())
        self.register_buffer("atomic_numbers", model.atomic_numbers)
        self.node_embedding = model.node_embedding
        self.radial_embedding = model.radial_embedding
        self.spherical_harmonics = model.spherical_harmonics
        self.interactions = model.interactions
        self.products = model.products
        self.readouts = model.readouts
        # With one readout only (use_last_readout_only) it reads the last layer.
        self.first_readout = len(model.interactions) - len(model.readouts)
        if hasattr(model, "pair_repulsion_fn"):
            self.pair_repulsion_fn = model.pair_repulsion_fn
        if hasattr(model, "scale_shift"):
            scale = torch.atleast_1d(model.scale_shift.scale)
            shift = torch.atleast_1d(model.scale_shift.shift)
            self.scale = float(scale[head if scale.numel() > 1 else 0])
            self.shift = float(shift[head if shift.numel() > 1 else 0])
        else:
            self.scale, self.shift = 1.0, 0.0
        e0 = torch.atleast_2d(model.atomic_energies_fn.atomic_energies)[head].double()
        # Integers (1e-12 eV): casting the module to float32 must not round energies of 1e3 eV.
        self.register_buffer("e0_pico_ev", torch.round(e0 * 1e12).to(torch.int64))
        one_hot = torch.eye(self.n_species, dtype=torch.float64)
        with torch.no_grad():
            first = model.interactions[0].linear_up(model.node_embedding(one_hot))
            if type(model.interactions[0]).__name__ in _ELEMENTS_BESIDE_FEATURES:
                first = torch.cat([first, one_hot], dim=-1)
        for interaction in self.interactions:
            interaction.register_buffer("first_features", first.clone())

    def forward(
        self,
        rij: torch.Tensor,
        sender: torch.Tensor,
        receiver: torch.Tensor,
        species: torch.Tensor,
        n_local: int,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Evaluate the potential.

        Args:
            rij: ``[n_edges, 3]`` Å, position of the sender minus position of the receiver.
            sender: ``[n_edges]`` int64, row of the neighbour (may be a ghost, >= n_local).
            receiver: ``[n_edges]`` int64, row of the central atom, below n_local.
            species: ``[n_total]`` int64, index into the potential's elements.
            n_local: atoms whose energies are computed; the other rows are ghosts.

        Returns:
            Energies ``[n_local]`` in eV (float64) and dE/dr_ij ``[n_edges, 3]`` in eV/Å.
        """
        rij = rij.detach().requires_grad_(True)
        attributes = torch.nn.functional.one_hot(species, self.n_species).to(rij.dtype)
        local = attributes[:n_local]
        # MACE's edge vector points from the sender to the receiver.
        vectors = -rij
        lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
        edge_index = torch.stack([sender, receiver])
        edge_attrs = self.spherical_harmonics(vectors)
        edge_feats, cutoff = self.radial_embedding(
            lengths, attributes, edge_index, self.atomic_numbers
        )
        heads = torch.full((n_local,), self.head, dtype=torch.int64, device=rij.device)
        energy = torch.zeros((n_local,), dtype=rij.dtype, device=rij.device)
        if hasattr(self, "pair_repulsion_fn"):
            repulsion = self.pair_repulsion_fn(lengths, attributes, edge_index, self.atomic_numbers)
            energy = energy + repulsion[:n_local]
        counts = (n_local, species.size(0) - n_local)
        ghosts = species[n_local:]
        features = self.node_embedding(local)
        outputs: List[torch.Tensor] = []
        layer = 0
        for interaction, product in zip(self.interactions, self.products):
            messages, skip = interaction(
                node_attrs=local,
                node_feats=features,
                edge_attrs=edge_attrs,
                edge_feats=edge_feats,
                edge_index=edge_index,
                cutoff=cutoff,
                lammps_class=ghosts,
                lammps_natoms=counts,
                first_layer=layer == 0,
            )
            features = product(node_feats=messages, sc=skip, node_attrs=local)
            outputs.append(features)
            layer += 1
        layer = self.first_readout
        for readout in self.readouts:
            energy = energy + readout(outputs[layer], heads)[:, self.head]
            layer += 1
        energy = self.scale * energy + self.shift
        # Even without edges: all ranks have to take part in the reverse exchange.
        total = energy.sum()
        seeds: List[Optional[torch.Tensor]] = [torch.ones_like(total)]
        gradient = torch.autograd.grad([total], [rij], seeds, allow_unused=True)[0]
        if gradient is None:
            gradient = torch.zeros_like(rij)
        e0 = self.e0_pico_ev.index_select(0, species[:n_local]).double() * 1e-12
        return energy.detach().double() + e0, gradient


def script_graph(model: torch.nn.Module, head: int = 0) -> torch.jit.ScriptModule:
    """Return the scripted :class:`EdgeGraph` of an eager MACE model, in float64.

    The model is copied first. Raises :class:`ModelError` if TorchScript can't represent a block.
    """
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with warnings.catch_warnings(), _ghosts_by_operator():
            warnings.simplefilter("ignore")
            ours = copy.deepcopy(model).double().cpu().eval()
            adapt(ours)
            graph = EdgeGraph(ours, head).eval()
            scripted: torch.jit.ScriptModule = jit.compile(graph)
            return scripted
    except PykohError:
        raise
    except Exception as error:  # what TorchScript raises can be anything
        kinds = sorted({type(block).__name__ for block in model.interactions})
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"this model cannot be turned into TorchScript (interaction {', '.join(kinds)}): "
            f"{reason[:200]}; nothing was written; please report the model's training options"
        ) from error
    finally:
        torch.set_default_dtype(default)
