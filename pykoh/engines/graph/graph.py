"""The TorchScript graph of the fast route: operations on rows of neighbours.

Same call as :class:`pykoh.export.graph.EdgeGraph`. What it does otherwise:

* Edges are laid out in rows of equal length per chunk of atoms (atoms sorted by their number of
  neighbours), so that sums over neighbours are batched matrix products.
* The radial network up to its last layer is a cubic spline of the distance
  (:mod:`pykoh.engines.graph.tables`).
* The first layer's messages depend on the sender's element alone; they are summed element by
  element before the channels are mixed.
* The symmetric contraction is a polynomial with few monomials
  (:mod:`pykoh.engines.graph.contraction`).
* On a CPU the work on pairs and the contraction are compiled loops (:mod:`pykoh.engines.cpu`);
  elsewhere plain torch operations.
* The derivative is written out. Each layer after the first exchanges ghosts once on the way
  forward and once in the backward pass, whatever atoms a rank has.
"""

from __future__ import annotations

import copy
import warnings
from typing import List, Tuple

import torch

import pykoh.engines.ghost
import pykoh.engines.operators  # noqa: F401  registers torch.ops.pykoh.sum_neighbours
from pykoh.engines import cpu, module_tree
from pykoh.engines.contents import PackedGraph, pack_graph
from pykoh.engines.graph.harmonics import Harmonics
from pykoh.engines.graph.kept import KeptChunk, KeptUpdate
from pykoh.engines.graph.layer import Layer
from pykoh.engines.graph.rows import Rows, arrange
from pykoh.engines.graph.spline import Places, place
from pykoh.engines.graph.supports import obstacle
from pykoh.engines.graph.tables import pairs_of_species
from pykoh.engines.scripting import unscripted
from pykoh.errors import ModelError

# Atoms times channels per chunk: on a CPU the rows of a chunk stay in the cache, on a GPU launches
# are saved.
CPU_CHUNK = 1280
VECTOR_CPU_CHUNK = 512
GPU_CHUNK = 8192  # atoms
# Chunks of the last layer that are kept for the backward pass at a time.
CHUNKS_KEPT = 16


class FastGraph(torch.nn.Module):
    """Energies and pair forces of one head of a MACE model.

    Args:
        model: an eager model in float64 that :func:`obstacle` has nothing against.
        head: index of the head whose energy is computed.
    """

    def __init__(self, model: torch.nn.Module, head: int = 0) -> None:
        super().__init__()
        self.n_species = int(model.atomic_numbers.numel())
        self.cutoff = float(model.r_max)
        self.n_layers = len(model.interactions)
        self.gpu_chunk, self.chunks_kept = GPU_CHUNK, CHUNKS_KEPT
        self.compiled = True
        scalar = all(block.conv_tp.irreps_in1.lmax == 0 for block in model.interactions)
        n_channels = int(model.node_embedding.linear.irreps_out[0].mul)
        self.cpu_chunk = max((CPU_CHUNK if scalar else VECTOR_CPU_CHUNK) // n_channels, 1)
        with torch.no_grad():
            self.harmonics = Harmonics(model.spherical_harmonics)
            layers = [Layer(model, index, head) for index in range(self.n_layers)]
            # All tables have the same intervals, so that rows are placed in them once.
            self.n_intervals = max(layer.n_intervals for layer in layers)
            for index, layer in enumerate(layers):
                if layer.n_intervals < self.n_intervals:
                    layers[index] = Layer(model, index, head, self.n_intervals)
            self.layers = torch.nn.ModuleList(layers)
            self.by_species = any(layer.by_species for layer in layers)
            pairs, table = pairs_of_species(model)
            self.n_tables = len(pairs)
            self.register_buffer("pair_table", torch.from_numpy(table).flatten())
            embedding = model.node_embedding(torch.eye(self.n_species, dtype=torch.float64))
            self.register_buffer("embedding", embedding)
            self.scale, self.shift = 1.0, 0.0
            if hasattr(model, "scale_shift"):
                scale = torch.atleast_1d(model.scale_shift.scale)
                shift = torch.atleast_1d(model.scale_shift.shift)
                self.scale = float(scale[head if scale.numel() > 1 else 0])
                self.shift = float(shift[head if shift.numel() > 1 else 0])
            e0 = torch.atleast_2d(model.atomic_energies_fn.atomic_energies)[head].double()
            # Integers (1e-12 eV): casting the module to float32 must not round energies of 1e3 eV.
            self.register_buffer("e0_pico_ev", torch.round(e0 * 1e12).to(torch.int64))

    @unscripted
    def complete(self) -> None:
        """Add what artifacts of 0.1.0 before the compiled force call do not have."""
        self.compiled = True

    def forward(
        self,
        rij: torch.Tensor,
        sender: torch.Tensor,
        receiver: torch.Tensor,
        species: torch.Tensor,
        n_local: int,
        width: int = 0,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Evaluate the potential.

        Args:
            rij: ``[n_edges, 3]`` Å, position of the sender minus position of the receiver. Edges
                at or beyond the cutoff count for nothing.
            sender: ``[n_edges]`` int64, row of the neighbour (may be a ghost, >= n_local).
            receiver: ``[n_edges]`` int64, row of the central atom, below n_local, in any order
                (sorted is fastest).
            species: ``[n_total]`` int64, index into the potential's elements.
            n_local: atoms whose energies are computed; the other rows are ghosts.
            width: 0, or rows for each atom, as many as it has neighbours or more. All shapes then
                follow from those of the arguments, and the host never waits for the device, so
                that the call can be captured as a graph. Receivers have to ascend; edges with the
                receiver ``n_local`` (at the end) fill up and count for nothing. An atom with more
                neighbours makes all energies NaN.

        Returns:
            Energies ``[n_local]`` in eV (float64) and dE/dr_ij ``[n_edges, 3]`` in eV/Å.
        """
        rij = rij.detach()
        compiled = self.compiled and width == 0 and rij.device.type == "cpu"
        if not torch.jit.is_scripting() and compiled:
            return cpu.force_call(self, rij, sender, receiver, species, n_local)
        n_total = species.size(0)
        chunk = self.gpu_chunk if rij.is_cuda else self.cpu_chunk
        rows = arrange(
            rij,
            sender,
            receiver,
            species,
            n_local,
            chunk,
            self.n_species,
            self.cutoff,
            self.by_species,
            width,
        )
        n_chunks = len(rows.atoms) - 1
        distance = torch.sqrt((rows.vectors * rows.vectors).sum(0))
        unit = rows.vectors / distance
        places = place(distance, self.pair_table, rows.pair, self.n_intervals, self.cutoff)
        powers = self.harmonics.powers(unit)
        y = self.harmonics(powers)
        grad_y = torch.zeros_like(y)
        grad_distance = torch.zeros_like(distance)

        # Arrays per atom are in the order of the rows except where ghosts are exchanged.
        features = self.embedding.index_select(0, rows.species)
        energies: List[torch.Tensor] = []
        chunks_of: List[List[KeptChunk]] = []
        kept_of: List[KeptUpdate] = []
        grad_sent = torch.zeros((0, 0), dtype=rij.dtype, device=rij.device)
        grad_features = grad_sent
        for index, layer in enumerate(self.layers):
            if index > 0:
                sent = layer.up(features, rows.species).index_select(0, rows.restore)
                sent = torch.ops.pykoh.ghost_exchange(sent, n_total)
            elif layer.by_species:
                sent = layer.sent_by_species
            else:
                sent = layer.sent_by_species.index_select(0, species)
            if index + 1 < self.n_layers:
                features, energy, chunks, kept = layer.forward(
                    y, places, sent, features, rows, 0, n_chunks
                )
                chunks_of.append(chunks)
                kept_of.append(kept)
            else:
                # The last layer goes back at once, while what it needs is in the cache.
                grad_sent = torch.zeros_like(sent)
                parts: List[torch.Tensor] = [distance[:0]]
                backs: List[torch.Tensor] = [features[:0]]
                for first in range(0, n_chunks, self.chunks_kept):
                    last = min(first + self.chunks_kept, n_chunks)
                    old = features[rows.atoms[first] : rows.atoms[last]]
                    new, part, chunks, kept = layer.forward(y, places, sent, old, rows, first, last)
                    back = layer.backward(
                        new[:0],
                        self.scale,
                        y,
                        places,
                        rows,
                        first,
                        last,
                        chunks,
                        kept,
                        grad_y,
                        grad_distance,
                        grad_sent,
                    )
                    parts.append(part)
                    backs.append(back)
                energy = torch.cat(parts)
                grad_features = torch.cat(backs)
            energies.append(energy)
        for step in range(self.n_layers):
            index = self.n_layers - 1 - step
            if step > 0:
                grad_features, grad_sent = self.layer_backward(
                    index,
                    grad_features,
                    y,
                    places,
                    rows,
                    chunks_of[index],
                    kept_of[index],
                    grad_y,
                    grad_distance,
                    n_total,
                )
            if index > 0:
                grad_sent = torch.ops.pykoh.ghost_reduce(grad_sent, n_local)
                grad_sent = grad_sent.index_select(0, rows.order)
                grad_features = grad_features + self.up_backward(index, grad_sent, rows.species)

        grad_unit = self.harmonics.gradient(powers, grad_y)
        radial = grad_distance - (grad_unit * unit).sum(0) / distance
        grad_vectors = unit * radial + grad_unit / distance
        gradient = torch.empty_like(rij)
        gradient.index_copy_(0, rows.edges, -grad_vectors.index_select(1, rows.place).t())
        energy = self.with_free_atoms(torch.stack(energies).double().sum(0), rows.species)
        if width > 0:
            fills = receiver >= n_local
            gradient = gradient.masked_fill(fills.unsqueeze(1), 0.0)
            counts = torch.zeros((n_local + 1,), dtype=energy.dtype, device=energy.device)
            counts = counts.index_add_(0, receiver, torch.ones_like(receiver).to(energy.dtype))
            too_many = (counts[:n_local] > width).any()
            energy = energy.masked_fill(too_many, float("nan"))
        return energy.index_select(0, rows.restore), gradient

    def with_free_atoms(self, energy: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return energies ``[n]`` scaled and with those of the free atoms, eV."""
        e0 = self.e0_pico_ev.index_select(0, species).double() * 1e-12
        return energy * self.scale + self.shift + e0

    def layer_backward(
        self,
        which: int,
        upstream: torch.Tensor,
        y: torch.Tensor,
        places: Places,
        rows: Rows,
        chunks: List[KeptChunk],
        kept: KeptUpdate,
        grad_y: torch.Tensor,
        grad_distance: torch.Tensor,
        n_total: int,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Run :meth:`Layer.backward` of one layer for all atoms.

        (TorchScript can't index a list of modules by a variable: it looks for the layer.)
        """
        grad_features = upstream
        grad_sent = upstream
        for index, layer in enumerate(self.layers):
            if index == which:
                grad_sent = y.new_zeros((n_total, layer.n_sent))
                grad_features = layer.backward(
                    upstream,
                    self.scale,
                    y,
                    places,
                    rows,
                    0,
                    len(rows.atoms) - 1,
                    chunks,
                    kept,
                    grad_y,
                    grad_distance,
                    grad_sent,
                )
        return grad_features, grad_sent

    def up_backward(
        self, which: int, upstream: torch.Tensor, species: torch.Tensor
    ) -> torch.Tensor:
        """Return the derivative of what a layer sends with respect to the features before."""
        result = upstream
        for index, layer in enumerate(self.layers):
            if index == which:
                result = layer.up.backward(upstream, species)
        return result


def fast_graph(model: torch.nn.Module, head: int = 0) -> FastGraph:
    """Return the :class:`FastGraph` of an eager MACE model, in float64.

    The model is copied first. Raises :class:`ModelError` naming what the route does not cover.
    """
    reason = obstacle(model)
    if reason is not None:
        raise ModelError(f"the fast route does not cover this model: {reason}; use --route general")
    return FastGraph(copy.deepcopy(model).double().cpu().eval(), head).eval()


def pack_fast_graph(model: torch.nn.Module, head: int = 0) -> PackedGraph:
    """Return the graph of :func:`fast_graph` as an artifact holds it: script, and weights beside.

    Raises :class:`ModelError` naming what the route does not cover.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = fast_graph(model, head)
        tree = module_tree.describe(graph)
        return PackedGraph(pack_graph(torch.jit.script(module_tree.emptied(graph))), tree)
