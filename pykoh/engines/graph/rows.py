"""Edges laid out as rows of neighbours of equal length, chunk by chunk of atoms."""

from __future__ import annotations

from typing import List, NamedTuple

import torch

from pykoh.engines.graph.spline import one_hot


class Rows(NamedTuple):
    """Where each edge is, and what each row holds (N atoms, P rows, E edges).

    Chunk c has the sorted atoms ``atoms[c]`` to ``atoms[c + 1]``, each with the same number of
    rows among ``rows[c]`` to ``rows[c + 1]``. Rows without an edge point beyond the cutoff.

    Attributes:
        atoms: first sorted atom of each chunk, and N.
        rows: first row of each chunk, and P.
        starts: ``[N + 1]`` first row of each sorted atom, and P.
        order: ``[N]`` atom of each sorted place: most neighbours first.
        restore: ``[N]`` sorted place of each atom.
        species: ``[N]`` of the sorted atoms.
        neighbour: ``[P]`` the sender.
        is_of: ``[S, P]`` 1 where the sender is of the species; empty if S is 0.
        pair: ``[P]`` receiver's species · number of species + sender's.
        vectors: ``[3, P]`` Å, from the sender to the receiver (MACE's sign).
        edges: ``[E]`` edge of each entry of ``place``.
        place: ``[E]`` its row.
    """

    atoms: List[int]
    rows: List[int]
    starts: torch.Tensor
    order: torch.Tensor
    restore: torch.Tensor
    species: torch.Tensor
    neighbour: torch.Tensor
    is_of: torch.Tensor
    pair: torch.Tensor
    vectors: torch.Tensor
    edges: torch.Tensor
    place: torch.Tensor


def arrange(
    rij: torch.Tensor,
    sender: torch.Tensor,
    receiver: torch.Tensor,
    species: torch.Tensor,
    n_local: int,
    chunk: int,
    n_species: int,
    cutoff: float,
    by_species: bool,
    width: int,
) -> Rows:
    """Lay edges out in rows, as many for each atom of a chunk as its fullest atom needs.

    Args:
        rij: ``[E, 3]`` Å.
        sender: ``[E]``.
        receiver: ``[E]`` below ``n_local``, in any order if ``width`` is 0.
        species: ``[n_total]``.
        n_local: atoms that have rows.
        chunk: atoms per chunk.
        n_species: elements of the potential.
        cutoff: Å.
        by_species: whether ``is_of`` is wanted.
        width: 0, or rows for each atom: see :func:`arrange_fixed`.
    """
    if width > 0:
        return arrange_fixed(
            rij, sender, receiver, species, n_local, chunk, n_species, cutoff, by_species, width
        )
    device = rij.device
    counts = torch.zeros((n_local,), dtype=torch.int64, device=device)
    counts = counts.index_add_(0, receiver, torch.ones_like(receiver))
    sorted_counts, order = torch.sort(counts, descending=True)
    largest = sorted_counts[::chunk]
    unsorted = (receiver[1:] < receiver[:-1]).any().to(torch.int64).view(1)
    # The one time that the host waits for the device.
    host: List[int] = torch.cat([unsorted, largest]).tolist()
    atoms: List[int] = [0]
    rows: List[int] = [0]
    for width in host[1:]:
        end = min(atoms[-1] + chunk, n_local)
        rows.append(rows[-1] + (end - atoms[-1]) * width)
        atoms.append(end)
    n_rows = rows[-1]

    ascending = torch.arange(receiver.size(0), device=device)
    edges = ascending
    if host[0] > 0:
        edges = torch.argsort(receiver, stable=True)
        rij, sender, receiver = rij[edges], sender[edges], receiver[edges]
    first_edge = torch.cumsum(counts, 0) - counts
    widths = largest.repeat_interleave(chunk)[:n_local]
    starts = torch.constant_pad_nd(torch.cumsum(widths, 0), [1, 0])
    first_row = torch.empty_like(order).index_copy_(0, order, starts[:-1])
    shift = (first_row - first_edge).index_select(0, receiver)
    place = ascending + shift

    vectors = torch.zeros((3, n_rows), dtype=rij.dtype, device=device)
    vectors[0] = 2.0 * cutoff
    vectors.index_copy_(1, place, -rij.t())
    neighbour = torch.zeros((n_rows,), dtype=torch.int64, device=device)
    neighbour.index_copy_(0, place, sender)
    central = torch.zeros_like(neighbour)
    central.index_copy_(0, place, species.index_select(0, receiver))
    neighbour_species = species.index_select(0, neighbour)
    is_of = one_hot(neighbour_species, n_species if by_species else 0, rij.dtype)
    restore = torch.empty_like(order)
    restore.index_copy_(0, order, torch.arange(n_local, device=device))
    return Rows(
        atoms,
        rows,
        starts,
        order,
        restore,
        species.index_select(0, order),
        neighbour,
        is_of,
        central * n_species + neighbour_species,
        vectors,
        edges,
        place,
    )


def arrange_fixed(
    rij: torch.Tensor,
    sender: torch.Tensor,
    receiver: torch.Tensor,
    species: torch.Tensor,
    n_local: int,
    chunk: int,
    n_species: int,
    cutoff: float,
    by_species: bool,
    width: int,
) -> Rows:
    """Lay edges out in ``width`` rows for each atom: all shapes are known before, nothing is read.

    Args as :func:`arrange`, but receivers ascend, and edges that only fill up ``rij`` have the
    receiver ``n_local`` and come last.
    """
    device = rij.device
    atoms: List[int] = []
    rows: List[int] = []
    for first in range(0, n_local, chunk):
        atoms.append(first)
        rows.append(first * width)
    atoms.append(n_local)
    n_rows = n_local * width
    rows.append(n_rows)
    counts = torch.zeros((n_local + 1,), dtype=torch.int64, device=device)
    counts = counts.index_add_(0, receiver, torch.ones_like(receiver))
    first_edge = torch.cumsum(counts, 0) - counts
    edges = torch.arange(receiver.size(0), device=device)
    place = receiver * width + edges - first_edge.index_select(0, receiver)
    # What only fills up goes to one more row, which is then left out.
    place = torch.clamp(place, max=n_rows)
    vectors = torch.zeros((3, n_rows + 1), dtype=rij.dtype, device=device)
    vectors[0] = 2.0 * cutoff
    vectors.index_copy_(1, place, -rij.t())
    neighbour = torch.zeros((n_rows + 1,), dtype=torch.int64, device=device)
    neighbour.index_copy_(0, place, sender)
    neighbour = neighbour[:n_rows]
    neighbour_species = species.index_select(0, neighbour)
    is_of = one_hot(neighbour_species, n_species if by_species else 0, rij.dtype)
    order = torch.arange(n_local, device=device)
    own = species.index_select(0, order)
    central = own.unsqueeze(1).expand(n_local, width).flatten()
    return Rows(
        atoms,
        rows,
        torch.arange(n_local + 1, device=device) * width,
        order,
        order,
        own,
        neighbour,
        is_of,
        central * n_species + neighbour_species,
        vectors[:, :n_rows].contiguous(),
        edges,
        torch.clamp(place, max=n_rows - 1),
    )
