"""Compiled steps that follow hydroxide identities from frame to frame.

The rules stand in :mod:`pykoh.analysis.hops.identity`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pykoh.arrays import FloatArray

_LONGEST_CHAIN = 16


@njit(cache=True, nogil=True)
def _minimum_image(
    a: FloatArray, b: FloatArray, cell: FloatArray, inverse: FloatArray, out: FloatArray
) -> float:
    """Write the minimum-image vector from a to b (Cartesian, Å); return its squared length."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    s0 = x * inverse[0, 0] + y * inverse[1, 0] + z * inverse[2, 0]
    s1 = x * inverse[0, 1] + y * inverse[1, 1] + z * inverse[2, 1]
    s2 = x * inverse[0, 2] + y * inverse[1, 2] + z * inverse[2, 2]
    n0, n1, n2 = np.floor(s0 + 0.5), np.floor(s1 + 0.5), np.floor(s2 + 0.5)
    total = 0.0
    out[0] = x - n0 * cell[0, 0] - n1 * cell[1, 0] - n2 * cell[2, 0]
    out[1] = y - n0 * cell[0, 1] - n1 * cell[1, 1] - n2 * cell[2, 1]
    out[2] = z - n0 * cell[0, 2] - n1 * cell[1, 2] - n2 * cell[2, 2]
    for k in range(3):
        total += out[k] * out[k]
    return total


@njit(cache=True, nogil=True)
def _start(
    oxygen: FloatArray,
    counts: NDArray[np.int64],
    cell: FloatArray,
    inverse: FloatArray,
    carrier: NDArray[np.int64],
) -> None:
    """Choose the oxygens of the identities in the first frame.

    Where water is split just then, the hydroxides nearest to the H3O+ are left out.
    """
    n_o, n_id = counts.shape[0], carrier.shape[0]
    room = np.maximum(2 - counts, 0)
    vector = np.empty(3)
    surplus = room.sum() - n_id
    while surplus > 0:
        best = np.inf
        leave = -1
        for donor in range(n_o):
            if counts[donor] < 3:
                continue
            for o in range(n_o):
                if room[o] > 0:
                    r2 = _minimum_image(oxygen[donor], oxygen[o], cell, inverse, vector)
                    if r2 < best:
                        best = r2
                        leave = o
        room[leave] -= 1
        surplus -= 1
    i = 0
    for o in range(n_o):
        for _ in range(room[o]):
            carrier[i] = o
            i += 1


@njit(cache=True, nogil=True)
def _stays(
    carrier: NDArray[np.int64], arrived: NDArray[np.int64], room: NDArray[np.int64], i: int
) -> bool:
    """Return whether identity i keeps its oxygen: room for it and all that came before it."""
    earlier = 0
    for j in range(carrier.shape[0]):
        if j == i or carrier[j] != carrier[i]:
            continue
        if arrived[j] < arrived[i] or (arrived[j] == arrived[i] and j < i):
            earlier += 1
    return earlier < room[carrier[i]]


@njit(cache=True, nogil=True)
def _chain(
    origin: int,
    received: NDArray[np.int64],
    donors: NDArray[np.int64],
    n_moved: int,
    room: NDArray[np.int64],
    used: NDArray[np.int64],
    chain: NDArray[np.int64],
) -> int:
    """Follow protons from ``origin`` against their motion to an oxygen with room.

    Args:
        origin: the oxygen that the identity leaves.
        received: [n_moved], oxygen that received each proton that moved.
        donors: [n_moved], oxygen that gave it.
        n_moved: protons that moved in this frame.
        room: [n_o], identities that each oxygen can carry.
        used: [n_o], identities that it carries already.
        chain: [_LONGEST_CHAIN], out, the oxygens after ``origin``.

    Returns:
        The number of links, 0 if there is no such oxygen.
    """
    queue = np.empty(n_moved + 1, dtype=np.int64)
    parent = np.empty(n_moved + 1, dtype=np.int64)
    queue[0] = origin
    parent[0] = -1
    head, tail = 0, 1
    while head < tail:
        for m in range(n_moved):
            if received[m] != queue[head]:
                continue
            donor = donors[m]
            visited = False
            for q in range(tail):
                if queue[q] == donor:
                    visited = True
                    break
            if visited:
                continue
            queue[tail] = donor
            parent[tail] = head
            if room[donor] > used[donor]:
                length = 0
                place = tail
                while place > 0:
                    length += 1
                    place = parent[place]
                if length > chain.shape[0]:
                    return 0
                place = tail
                for link in range(length - 1, -1, -1):
                    chain[link] = queue[place]
                    place = parent[place]
                return length
            tail += 1
        head += 1
    return 0


@njit(cache=True, nogil=True)
def follow(
    oxygen: FloatArray,
    cells: FloatArray,
    owner: NDArray[np.int64],
    counts: NDArray[np.int64],
    first_frame: int,
    previous_owner: NDArray[np.int64],
    previous_oxygen: FloatArray,
    carrier: NDArray[np.int64],
    arrived: NDArray[np.int64],
    vehicular: FloatArray,
    structural: FloatArray,
    carriers: NDArray[np.int64],
    paths: FloatArray,
    tally: NDArray[np.int64],
) -> tuple[NDArray[np.int64], FloatArray]:
    """Follow the identities through a block of frames.

    Args:
        oxygen: [n_frames, n_o, 3], Å, unwrapped.
        cells: [n_frames, 3, 3], Å.
        owner: [n_frames, n_h], oxygen of each H.
        counts: [n_frames, n_o], H of each oxygen.
        first_frame: number of the block's first frame since the beginning.
        previous_owner: [n_h], state between calls.
        previous_oxygen: [n_o, 3], Å, state.
        carrier: [n_id], state, oxygen of each identity.
        arrived: [n_id], state, frame since which it is there.
        vehicular: [n_id, 3], Å, state, displacement with oxygens.
        structural: [n_id, 3], Å, state, displacement by hops.
        carriers: [n_frames, n_id], out.
        paths: [3, n_frames, n_id, 3], out, Å: total, vehicular, structural displacement.
        tally: [2], state: frames with ionised water or oxide ions, chains of several protons.

    Returns:
        [n_events, 4] frame, identity, from, to; and [n_events, 3], Å, each jump.
    """
    n_frames, n_o = counts.shape
    n_h, n_id = owner.shape[1], carrier.shape[0]
    events = np.empty((64, 4), dtype=np.int64)
    vectors = np.empty((64, 3))
    n_events = 0
    received = np.empty(n_h, dtype=np.int64)
    donors = np.empty(n_h, dtype=np.int64)
    chain = np.empty(_LONGEST_CHAIN, dtype=np.int64)
    room = np.empty(n_o, dtype=np.int64)
    occupied = np.zeros(n_o, dtype=np.int64)
    free = np.empty(n_o, dtype=np.int64)
    stays = np.empty(n_id, dtype=np.bool_)
    vector = np.empty(3)
    for f in range(n_frames):
        frame = first_frame + f
        ionised = False
        for o in range(n_o):
            room[o] = max(0, 2 - counts[f, o])
            if counts[f, o] != 1 and counts[f, o] != 2:
                ionised = True
        if ionised:
            tally[0] += 1
        if frame == 0:
            _start(oxygen[f], counts[f], cells[f], np.linalg.inv(cells[f]), carrier)
        else:
            n_moved = 0
            for i in range(n_h):
                if owner[f, i] != previous_owner[i]:
                    received[n_moved] = owner[f, i]
                    donors[n_moved] = previous_owner[i]
                    n_moved += 1
            for i in range(n_id):
                for k in range(3):
                    vehicular[i, k] += oxygen[f, carrier[i], k] - previous_oxygen[carrier[i], k]
            if n_moved > 0:
                inverse = np.linalg.inv(cells[f])
                occupied[:] = 0
                for i in range(n_id):
                    occupied[carrier[i]] += 1
                leaving = 0
                for i in range(n_id):
                    # Only where there are more than can stay, the order of arrival decides.
                    enough = occupied[carrier[i]] <= room[carrier[i]]
                    stays[i] = enough or _stays(carrier, arrived, room, i)
                    if not stays[i]:
                        leaving += 1
                for i in range(n_id):
                    if not stays[i]:
                        occupied[carrier[i]] -= 1
                for i in range(n_id):
                    if leaving == 0:
                        break
                    if stays[i]:
                        continue
                    links = _chain(carrier[i], received, donors, n_moved, room, occupied, chain)
                    if links == 0:
                        continue
                    if links > 1:
                        tally[1] += 1
                    stays[i] = True
                    leaving -= 1
                    occupied[chain[links - 1]] += 1
                    for link in range(links):
                        if n_events == events.shape[0]:
                            events = np.concatenate((events, np.empty_like(events)))
                            vectors = np.concatenate((vectors, np.empty_like(vectors)))
                        a, b = carrier[i], chain[link]
                        _minimum_image(oxygen[f, a], oxygen[f, b], cells[f], inverse, vector)
                        for k in range(3):
                            structural[i, k] += vector[k]
                        events[n_events, 0] = frame
                        events[n_events, 1] = i
                        events[n_events, 2] = a
                        events[n_events, 3] = b
                        vectors[n_events] = vector
                        n_events += 1
                        carrier[i] = b
                    arrived[i] = frame
                n_free = 0
                if leaving > 0:
                    for o in range(n_o):
                        if room[o] > occupied[o]:
                            free[n_free] = o
                            n_free += 1
                while leaving > 0:
                    best = np.inf
                    mover, target = -1, -1
                    for i in range(n_id):
                        if stays[i]:
                            continue
                        for k in range(n_free):
                            o = free[k]
                            if room[o] > occupied[o]:
                                r2 = _minimum_image(
                                    oxygen[f, carrier[i]], oxygen[f, o], cells[f], inverse, vector
                                )
                                if r2 < best:
                                    best, mover, target = r2, i, o
                    if mover < 0:
                        break
                    if n_events == events.shape[0]:
                        events = np.concatenate((events, np.empty_like(events)))
                        vectors = np.concatenate((vectors, np.empty_like(vectors)))
                    _minimum_image(
                        oxygen[f, carrier[mover]], oxygen[f, target], cells[f], inverse, vector
                    )
                    for k in range(3):
                        structural[mover, k] += vector[k]
                    events[n_events, 0] = frame
                    events[n_events, 1] = mover
                    events[n_events, 2] = carrier[mover]
                    events[n_events, 3] = target
                    vectors[n_events] = vector
                    n_events += 1
                    carrier[mover] = target
                    arrived[mover] = frame
                    occupied[target] += 1
                    stays[mover] = True
                    leaving -= 1
        for i in range(n_id):
            carriers[f, i] = carrier[i]
            for k in range(3):
                paths[0, f, i, k] = vehicular[i, k] + structural[i, k]
                paths[1, f, i, k] = vehicular[i, k]
                paths[2, f, i, k] = structural[i, k]
        previous_owner[:] = owner[f]
        previous_oxygen[:, :] = oxygen[f]
    return events[:n_events], vectors[:n_events]
