"""What is left of a force call between the loops and the matrix products, as Triton kernels.

Geometry of the edges ahead and back, and what a layer does with each atom's features: each is one
kernel, where plain torch launches ten to thirty.
"""

from __future__ import annotations

import triton
import triton.language as tl

# They change from step to step, as in pykoh.engines.cuda.loops.
SIZES = ("n_atoms", "n_edges")


@triton.jit
def _monomials(u, MAX_ELL: tl.constexpr):
    """Return the products of up to MAX_ELL components of u, in the order of ``Harmonics``."""
    found = (u[0] * 0.0 + 1.0,)
    if MAX_ELL >= 1:
        found = found + u
    if MAX_ELL >= 2:
        for i in tl.static_range(3):
            for j in tl.static_range(i, 3):
                found = found + (u[i] * u[j],)
    if MAX_ELL >= 3:
        for i in tl.static_range(3):
            for j in tl.static_range(i, 3):
                for k in tl.static_range(j, 3):
                    found = found + (u[i] * u[j] * u[k],)
    return found


@triton.jit
def _unit(rij, edge, live):
    """Return the components of MACE's unit vectors (receiver minus sender) and the distances."""
    a = -tl.load(rij + 3 * edge, mask=live, other=1.0)
    b = -tl.load(rij + 3 * edge + 1, mask=live, other=0.0)
    c = -tl.load(rij + 3 * edge + 2, mask=live, other=0.0)
    r = tl.sqrt(a * a + b * b + c * c)
    return (a / r, b / r, c / r), r


@triton.jit(do_not_specialize=SIZES)
def edges_forward(
    rij,  # [E, 3]
    sender,  # [E] int64
    receiver,  # [E] int64
    species,  # [n] int64
    y,  # [M, E], written to
    distance,  # [E], written to
    pair,  # [E] int64, written to
    sender_species,  # [E] int64, written to
    n_edges,
    n_atoms,
    FAR: tl.constexpr,
    N_SPECIES: tl.constexpr,
    MAX_ELL: tl.constexpr,
    TERMS: tl.constexpr,
    BEGINS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write what the loops need of each edge; edges of the receiver ``n_atoms`` are FAR.

    Args (beyond arrays):
        TERMS: ``(monomial, coefficient)`` of Y, component by component.
        BEGINS: first term of each component, and their number.
    """
    edge = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_edge = edge < n_edges
    central = tl.load(receiver + edge, mask=is_edge, other=0)
    live = is_edge & (central < n_atoms)
    u, r = _unit(rij, edge, live)
    tl.store(distance + edge, tl.where(live, r, FAR), mask=is_edge)
    other = tl.load(sender + edge, mask=live, other=0)
    of_central = tl.load(species + central, mask=live, other=0)
    of_other = tl.load(species + other, mask=live, other=0)
    tl.store(pair + edge, of_central * N_SPECIES + of_other, mask=is_edge)
    tl.store(sender_species + edge, of_other, mask=is_edge)
    p = _monomials(u, MAX_ELL)
    for m in tl.static_range((MAX_ELL + 1) * (MAX_ELL + 1)):
        value = r * 0.0
        for i in tl.static_range(tl.constexpr(BEGINS[m]), tl.constexpr(BEGINS[m + 1])):
            value += p[TERMS[i][0]] * TERMS[i][1]
        tl.store(y + m * n_edges + edge, value, mask=is_edge)


@triton.jit(do_not_specialize=SIZES)
def edges_backward(
    rij,
    receiver,
    grad_y,  # [M, E]
    grad_distance,  # [E]
    gradient,  # [E, 3], written to
    n_edges,
    n_atoms,
    MAX_ELL: tl.constexpr,
    TERMS: tl.constexpr,
    BEGINS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write dE/dr of each edge; 0 for those of the receiver ``n_atoms``.

    Where receivers do not ascend the gradient is no number: nobody has looked before.

    Args (beyond arrays):
        TERMS: ``(monomial, coefficient)`` of dY/du, axis by axis and component by component.
        BEGINS: first term of each axis and component, and their number.
    """
    edge = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_edge = edge < n_edges
    central = tl.load(receiver + edge, mask=is_edge, other=0)
    following = tl.load(receiver + edge + 1, mask=edge + 1 < n_edges, other=n_atoms)
    live = is_edge & (central < n_atoms)
    u, r = _unit(rij, edge, live)
    p = _monomials(u, MAX_ELL)
    N_COMPONENTS: tl.constexpr = (MAX_ELL + 1) * (MAX_ELL + 1)
    grad_u = ()
    for axis in tl.static_range(3):
        own = r * 0.0
        for m in tl.static_range(N_COMPONENTS):
            slope = r * 0.0
            for i in tl.static_range(
                tl.constexpr(BEGINS[axis * N_COMPONENTS + m]),
                tl.constexpr(BEGINS[axis * N_COMPONENTS + m + 1]),
            ):
                slope += p[TERMS[i][0]] * TERMS[i][1]
            own += slope * tl.load(grad_y + m * n_edges + edge, mask=live, other=0.0)
        grad_u = grad_u + (own,)
    along = u[0] * grad_u[0] + u[1] * grad_u[1] + u[2] * grad_u[2]
    radial = tl.load(grad_distance + edge, mask=live, other=0.0) - along / r
    for axis in tl.static_range(3):
        # rij points the other way.
        found = tl.where(live, -(u[axis] * radial + grad_u[axis] / r), 0.0)
        found = tl.where(following < central, float("nan"), found)
        tl.store(gradient + 3 * edge + axis, found, mask=is_edge)


@triton.jit
def atoms_forward(
    mixed,  # [n, C] of the contraction
    own,  # [n, S, C] of the features before, or [S, C] of the elements
    species,  # [n] int64
    read_in,  # [C, H]
    read_out,  # [H], or [C] without a hidden layer
    e0_pico_ev,  # [S] int64
    features,  # [n, C], written to
    slope,  # [n, C], written to: scale dE/d features
    energies,  # [n] float64, written to or added to
    scale,  # [2] float64: scale and shift
    N_SPECIES: tl.constexpr,
    N_CHANNELS: tl.constexpr,
    N_HIDDEN: tl.constexpr,
    CHANNELS: tl.constexpr,
    HIDDEN: tl.constexpr,
    OWN: tl.constexpr,
    READS: tl.constexpr,
    FIRST: tl.constexpr,
):
    """Do one atom's self-connection and readout.

    Args (beyond arrays):
        OWN: 0 without a self-connection, 1 if ``own`` is of the elements, 2 of the atoms.
        READS: whether the layer has a readout.
        FIRST: whether ``energies`` begin with this layer.
    """
    atom = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, CHANNELS)
    is_channel = channel < N_CHANNELS
    kind = tl.load(species + atom)
    f = tl.load(mixed + atom * N_CHANNELS + channel, mask=is_channel, other=0.0)
    if OWN > 0:
        row = kind
        if OWN == 2:
            row = atom * N_SPECIES + kind
        f += tl.load(own + row * N_CHANNELS + channel, mask=is_channel, other=0.0)
    tl.store(features + atom * N_CHANNELS + channel, f, mask=is_channel)
    by_scale = tl.load(scale)
    if FIRST:
        e0 = tl.load(e0_pico_ev + kind).to(tl.float64) * 1e-12
        energy = e0 + tl.load(scale + 1)
    else:
        energy = tl.load(energies + atom)
    back = tl.zeros((CHANNELS,), mixed.dtype.element_ty)
    if READS and N_HIDDEN == 0:
        back = tl.load(read_out + channel, mask=is_channel, other=0.0)
        energy += tl.sum(f * back, 0).to(tl.float64) * by_scale
    elif READS:
        hidden = tl.arange(0, HIDDEN)
        is_hidden = hidden < N_HIDDEN
        place = tl.expand_dims(channel * N_HIDDEN, 1) + tl.expand_dims(hidden, 0)
        both = tl.expand_dims(is_channel, 1) & tl.expand_dims(is_hidden, 0)
        matrix = tl.load(read_in + place, mask=both, other=0.0)
        out = tl.load(read_out + hidden, mask=is_hidden, other=0.0)
        z = tl.sum(tl.expand_dims(f, 1) * matrix, 0)
        s = 1.0 / (1.0 + tl.exp(-z))
        energy += tl.sum(z * s * out, 0).to(tl.float64) * by_scale
        grad_z = s * (1.0 + z * (1.0 - s)) * out
        back = tl.sum(matrix * tl.expand_dims(grad_z, 0), 1)
    tl.store(energies + atom, energy)
    scaled = (back * by_scale).to(mixed.dtype.element_ty)
    tl.store(slope + atom * N_CHANNELS + channel, scaled, mask=is_channel)


@triton.jit
def atoms_backward(
    slope,  # [n, C], added to
    through_up,  # [n, C]
    own,  # [n, S, C]
    species,  # [n] int64
    N_SPECIES: tl.constexpr,
    N_CHANNELS: tl.constexpr,
    CHANNELS: tl.constexpr,
    OWN: tl.constexpr,
):
    """Add to one atom's slope what comes back from the layer after: messages, self-connection."""
    atom = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, CHANNELS)
    is_channel = channel < N_CHANNELS
    here = atom * N_CHANNELS + channel
    total = tl.load(slope + here, mask=is_channel, other=0.0)
    total += tl.load(through_up + here, mask=is_channel, other=0.0)
    if OWN:
        row = atom * N_SPECIES + tl.load(species + atom)
        total += tl.load(own + row * N_CHANNELS + channel, mask=is_channel, other=0.0)
    tl.store(slope + here, total, mask=is_channel)
