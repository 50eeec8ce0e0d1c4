"""A force call of the fast graph on one GPU: Triton kernels, and torch for the matrix products.

It takes the weights of a :class:`~pykoh.engines.graph.graph.FastGraph` as an artifact has them, so
that a potential need not be exported again. The rows of an atom are its edges: nothing is filled
up, no host waits, and a call launches fewer than thirty kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from pykoh.engines import module_tree
from pykoh.engines.cuda import launch, step
from pykoh.errors import EngineError

EDGES_PER_PROGRAM = 128

Sparse = tuple[tuple[tuple[int, float], ...], ...]


def obstacle(graph: Any) -> str | None:
    """Return what keeps a fast graph from these kernels, or None.

    Args:
        graph: a :class:`~pykoh.engines.graph.graph.FastGraph`.
    """
    for layer in graph.layers:
        messages, update = layer.messages, layer.update
        if type(messages).__name__ != "ScalarMessages" or messages.n_gates:
            return "its features have vectors"
        if type(update.contraction).__name__ != "Polynomial" or update.is_gated:
            return "its contraction is not to scalars"
        if messages.radial.has_density or update.has_density:
            return "its messages are divided by a density"
        if update.mixes_by_element:
            return "its messages are mixed element by element"
        if update.reads_twice:
            return "its readout has two hidden layers"
        if update.n_out != update.n_scalars or update.n_out != messages.n_sent:
            return "its layers have different numbers of channels"
        if update.has_skip and update.skip_width != update.n_out:
            return "its self-connection has other channels than its features"
    return None


@dataclass(frozen=True, slots=True)
class FusedLayer:
    """The weights of one layer as the kernels take them.

    Attributes:
        up: ``[C, C]`` features to what is sent; not used in the first layer.
        sent: ``[S, C]`` what each element sends in the first layer.
        by_species: whether the sender's element alone matters.
        table: ``[T, n_intervals, max_ell + 1, 6, C]`` of the radial functions.
        mix: ``[M, C, C]``.
        mix_back: the same transposed.
        coefficients: ``[K, S, C]`` of the contraction.
        terms: which K are what, see :func:`pykoh.engines.cuda.loops.contract`.
        linear: ``[C, C]``.
        linear_back: the same transposed.
        skip: ``[S, C]`` of the elements in the first layer, else ``[C, S C]``; None without.
        skip_back: ``[C, S C]``.
        read_in: ``[C, H]``.
        read_out: ``[H]``, or ``[C]`` if there is no hidden layer; empty without readout.
    """

    up: torch.Tensor
    sent: torch.Tensor
    by_species: bool
    table: torch.Tensor
    mix: torch.Tensor
    mix_back: torch.Tensor
    coefficients: torch.Tensor
    terms: launch.Terms
    linear: torch.Tensor
    linear_back: torch.Tensor
    skip: torch.Tensor | None
    skip_back: torch.Tensor
    read_in: torch.Tensor
    read_out: torch.Tensor


def fused_layer(layer: Any, index: int) -> FusedLayer:
    """Return the weights of a layer of a fast graph."""
    messages, update, contraction = layer.messages, layer.update, layer.update.contraction
    skip: torch.Tensor | None = None
    if update.has_skip:
        skip = update.first_skip if index == 0 else update.skip.blocks[0].matrix
    terms = launch.terms_by_component(
        contraction.factors.tolist(), len(contraction.of_pair), len(contraction.of_single)
    )
    return FusedLayer(
        layer.up.blocks[0].matrix,
        layer.sent_by_species,
        messages.by_species,
        messages.radial_table,
        messages.compiled_mix,
        messages.compiled_mix.transpose(1, 2).contiguous(),
        contraction.coefficients,
        terms,
        update.linear.blocks[0].matrix,
        update.linear.blocks[0].matrix_back,
        skip,
        update.skip.blocks[0].matrix_back,
        update.read_in if update.reads_hidden else update.read_in.new_zeros((0, 0)),
        update.read_out.flatten().contiguous(),
    )


def fused_graph(tree: module_tree.Tree, dtype: torch.dtype, device: torch.device) -> FusedGraph:
    """Return the force call of a graph as an artifact holds it.

    Raises:
        EngineError: there are no kernels for it.
    """
    graph = module_tree.rebuild(tree)
    reason = obstacle(graph)
    if reason is not None:
        raise EngineError(f"there are none for this potential: {reason}")
    return FusedGraph(graph, dtype, device)


def sparse(matrix: torch.Tensor) -> Sparse:
    """Return the entries of each row that are not zero, with their columns."""
    return tuple(
        tuple((column, value) for column, value in enumerate(row) if value != 0.0)
        for row in matrix.tolist()
    )


class FusedGraph:
    """Energies and pair forces of the atoms of one rank, without ghosts.

    Args:
        graph: a fast graph in double precision that :func:`obstacle` has nothing against.
        dtype: to run in.
        device: where.
    """

    def __init__(self, graph: Any, dtype: torch.dtype, device: torch.device) -> None:
        self.n_species, self.cutoff = int(graph.n_species), float(graph.cutoff)
        harmonics = graph.harmonics
        self.max_ell = int(harmonics.max_ell)
        self.harmonics = launch.flattened(sparse(harmonics.coefficients))
        self.slopes = launch.flattened(sparse(harmonics.derivative))
        graph = graph.to(device, dtype)
        self.layers = [fused_layer(layer, index) for index, layer in enumerate(graph.layers)]
        self.embedding, self.e0_pico_ev = graph.embedding, graph.e0_pico_ev
        self.pair_table = graph.pair_table
        self.scale = torch.tensor(
            [float(graph.scale), float(graph.shift)], dtype=torch.float64, device=device
        )

    def __call__(
        self,
        rij: torch.Tensor,
        sender: torch.Tensor,
        receiver: torch.Tensor,
        species: torch.Tensor,
        n_local: int,
        width: int = 0,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Evaluate; arguments and results are those of the fast graph.

        Args:
            rij: ``[n_edges, 3]`` Å.
            sender: ``[n_edges]``.
            receiver: ``[n_edges]``, ascending; ``n_local`` (at the end) for edges that fill up.
            species: ``[n_local]``.
            n_local: atoms.
            width: of no importance here.

        Raises:
            EngineError: there are ghosts.
        """
        if len(species) != n_local:
            raise EngineError(
                "the CUDA kernels are for one rank; use the graph as it is on several"
            )
        rij, sender, receiver, species = (
            each.contiguous() for each in (rij, sender, receiver, species)
        )
        y, distance, pair, sender_species = self._edges(rij, sender, receiver, species)
        start = torch.searchsorted(receiver, torch.arange(n_local + 1, device=rij.device))
        rows = (y, distance, pair)
        energies = torch.empty(n_local, dtype=torch.float64, device=rij.device)

        features = self.embedding
        kept: list[tuple[torch.Tensor, ...]] = []
        for index, layer in enumerate(self.layers):
            if index > 0:
                sent, source = torch.mm(features, layer.up), sender
            elif layer.by_species:
                sent, source = layer.sent, sender_species
            else:
                sent, source = layer.sent.index_select(0, species), sender
            given = (*rows, source, start, sent, layer.table, self.pair_table)
            sums = launch.sum_neighbours(*given, self.cutoff)
            x = torch.bmm(sums, layer.mix)
            value, derivative = launch.contract_terms(x, species, layer.coefficients, layer.terms)
            features, slope = self._atoms_forward(index, value, features, species, energies)
            kept.append((source, sent, derivative, slope))

        grad_y, grad_distance = torch.empty_like(y), torch.empty_like(distance)
        for index in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[index]
            source, sent, derivative, slope = kept[index]
            grad_x = derivative * torch.mm(slope, layer.linear_back)
            # What an element sends is fixed; the first layer backward writes, the others add.
            grad_sent = torch.zeros_like(sent) if index > 0 else None
            launch.sum_neighbours_back(
                torch.bmm(grad_x, layer.mix_back),
                *rows,
                source,
                start,
                sent,
                layer.table,
                self.pair_table,
                self.cutoff,
                grad_y,
                grad_distance,
                grad_sent,
                adds=index + 1 < len(self.layers),
            )
            if grad_sent is not None:
                self._atoms_backward(index, slope, grad_sent, kept[index - 1][3], species)
        return energies, self._gradient(rij, receiver, grad_y, grad_distance, n_local)

    def _edges(
        self,
        rij: torch.Tensor,
        sender: torch.Tensor,
        receiver: torch.Tensor,
        species: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        n_edges = len(rij)
        y = rij.new_empty(((self.max_ell + 1) ** 2, n_edges))
        distance, pair = rij.new_empty(n_edges), torch.empty_like(sender)
        sender_species = torch.empty_like(sender)
        if n_edges:
            step.edges_forward[(-(-n_edges // EDGES_PER_PROGRAM),)](
                rij,
                sender,
                receiver,
                species,
                y,
                distance,
                pair,
                sender_species,
                n_edges,
                len(species),
                FAR=2.0 * self.cutoff,
                N_SPECIES=self.n_species,
                MAX_ELL=self.max_ell,
                BEGINS=self.harmonics[0],
                TERMS=self.harmonics[1],
                BLOCK=EDGES_PER_PROGRAM,
            )
        return y, distance, pair, sender_species

    def _gradient(
        self,
        rij: torch.Tensor,
        receiver: torch.Tensor,
        grad_y: torch.Tensor,
        grad_distance: torch.Tensor,
        n_atoms: int,
    ) -> torch.Tensor:
        n_edges, gradient = len(rij), torch.empty_like(rij)
        if n_edges:
            step.edges_backward[(-(-n_edges // EDGES_PER_PROGRAM),)](
                rij,
                receiver,
                grad_y,
                grad_distance,
                gradient,
                n_edges,
                n_atoms,
                MAX_ELL=self.max_ell,
                BEGINS=self.slopes[0],
                TERMS=self.slopes[1],
                BLOCK=EDGES_PER_PROGRAM,
            )
        return gradient

    def _atoms_forward(
        self,
        index: int,
        value: torch.Tensor,
        features: torch.Tensor,
        species: torch.Tensor,
        energies: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the new features and the derivative of the energy with respect to them."""
        layer = self.layers[index]
        mixed = torch.mm(value, layer.linear)
        own = mixed
        if layer.skip is not None:
            own = layer.skip if index == 0 else torch.mm(features, layer.skip)
        new, slope = torch.empty_like(mixed), torch.empty_like(mixed)
        n_channels, n_hidden = mixed.size(1), layer.read_in.size(1)
        if len(mixed):
            step.atoms_forward[(len(mixed),)](
                mixed,
                own,
                species,
                layer.read_in,
                layer.read_out,
                self.e0_pico_ev,
                new,
                slope,
                energies,
                self.scale,
                N_SPECIES=self.n_species,
                N_CHANNELS=n_channels,
                N_HIDDEN=n_hidden,
                CHANNELS=launch.power_of_two(n_channels),
                HIDDEN=launch.power_of_two(n_hidden),
                OWN=0 if layer.skip is None else 1 if index == 0 else 2,
                READS=layer.read_out.numel() > 0,
                FIRST=index == 0,
                num_warps=2,
            )
        return new, slope

    def _atoms_backward(
        self,
        index: int,
        slope: torch.Tensor,
        grad_sent: torch.Tensor,
        before: torch.Tensor,
        species: torch.Tensor,
    ) -> None:
        """Add to the slopes of the layer before what comes back from layer ``index``."""
        layer = self.layers[index]
        through_up = torch.mm(grad_sent, layer.up.t())
        own = through_up if layer.skip is None else torch.mm(slope, layer.skip_back)
        if len(slope):
            step.atoms_backward[(len(slope),)](
                before,
                through_up,
                own,
                species,
                N_SPECIES=self.n_species,
                N_CHANNELS=slope.size(1),
                CHANNELS=launch.power_of_two(slope.size(1)),
                OWN=layer.skip is not None,
                num_warps=2,
            )
