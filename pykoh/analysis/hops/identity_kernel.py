"""Compiled steps that follow hydroxide identities from frame to frame.

The rules stand in :mod:`pykoh.analysis.hops.identity`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step

_LONGEST_CHAIN = 16


def room_for_events(n_identities: int) -> int:
    """Return how many events :func:`follow` wants room for: those of one frame and more."""
    return 2 * _LONGEST_CHAIN * n_identities + 1024


@step()
def _minimum_image(
    a: FloatArray, b: FloatArray, cell: FloatArray, inverse: FloatArray
) -> tuple[float, float, float]:
    """Return the minimum-image vector from a to b (Cartesian, Å)."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    s0 = x * inverse[0, 0] + y * inverse[1, 0] + z * inverse[2, 0]
    s1 = x * inverse[0, 1] + y * inverse[1, 1] + z * inverse[2, 1]
    s2 = x * inverse[0, 2] + y * inverse[1, 2] + z * inverse[2, 2]
    n0, n1, n2 = np.floor(s0 + 0.5), np.floor(s1 + 0.5), np.floor(s2 + 0.5)
    return (
        x - n0 * cell[0, 0] - n1 * cell[1, 0] - n2 * cell[2, 0],
        y - n0 * cell[0, 1] - n1 * cell[1, 1] - n2 * cell[2, 1],
        z - n0 * cell[0, 2] - n1 * cell[1, 2] - n2 * cell[2, 2],
    )


@step()
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
    room = np.empty(n_o, dtype=np.int64)
    for o in range(n_o):
        room[o] = max(0, 2 - counts[o])
    surplus = -n_id
    for o in range(n_o):
        surplus += room[o]
    while surplus > 0:
        best = np.inf
        leave = -1
        for donor in range(n_o):
            if counts[donor] < 3:
                continue
            for o in range(n_o):
                if room[o] > 0:
                    x, y, z = _minimum_image(oxygen[donor], oxygen[o], cell, inverse)
                    r2 = x * x + y * y + z * z
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


@step()
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


@step()
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


@step()
def _jump(
    frame: int,
    identity: int,
    target: int,
    oxygen: FloatArray,
    cell: FloatArray,
    inverse: FloatArray,
    carrier: NDArray[np.int64],
    structural: FloatArray,
    vector: FloatArray,
    event: NDArray[np.int64],
) -> None:
    """Move an identity to the oxygen ``target``; write the vector and the event."""
    origin = carrier[identity]
    x, y, z = _minimum_image(oxygen[origin], oxygen[target], cell, inverse)
    vector[0], vector[1], vector[2] = x, y, z
    for k in range(3):
        structural[identity, k] += vector[k]
    event[0], event[1], event[2], event[3] = frame, identity, origin, target
    carrier[identity] = target


@kernel(
    "(int64, float64[:,:,::1], float64[:,:,::1], float64[:,:,::1], int64[:,::1], "
    "int64[:,::1], int64, int64[::1], float64[:,::1], int64[::1], int64[::1], "
    "float64[:,::1], float64[:,::1], int64[:,::1], float64[:,:,:,::1], int64[::1], "
    "int64[:,::1], float64[:,::1])",
)
def follow(
    begin: int,
    oxygen: FloatArray,
    cells: FloatArray,
    inverses: FloatArray,
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
    events: NDArray[np.int64],
    vectors: FloatArray,
) -> tuple[int, int]:
    """Follow the identities through a block of frames.

    Args:
        begin: first of the frames that are still to be followed.
        oxygen: [n_frames, n_o, 3], Å, unwrapped.
        cells: [n_frames, 3, 3], Å.
        inverses: [n_frames, 3, 3], 1/Å, of the cells.
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
        events: [:func:`room_for_events`, 4], out: frame, identity, from, to.
        vectors: as many, [3], out, Å: each jump.

    Returns:
        The number of events, and the frame before which there was no more room for them;
        n_frames, if there was.
    """
    n_frames, n_o = counts.shape
    n_h, n_id = owner.shape[1], carrier.shape[0]
    n_events = 0
    received = np.empty(n_h, dtype=np.int64)
    donors = np.empty(n_h, dtype=np.int64)
    chain = np.empty(_LONGEST_CHAIN, dtype=np.int64)
    room = np.empty(n_o, dtype=np.int64)
    occupied = np.empty(n_o, dtype=np.int64)
    free = np.empty(n_o, dtype=np.int64)
    stays = np.empty(n_id, dtype=np.int64)  # an array of another type takes longer to compile
    for f in range(begin, n_frames):
        if n_events + n_id * _LONGEST_CHAIN > events.shape[0]:
            return n_events, f
        frame = first_frame + f
        ionised = False
        for o in range(n_o):
            room[o] = max(0, 2 - counts[f, o])
            if counts[f, o] != 1 and counts[f, o] != 2:
                ionised = True
        if ionised:
            tally[0] += 1
        if frame == 0:
            _start(oxygen[f], counts[f], cells[f], inverses[f], carrier)
        else:
            n_moved = np.int64(0)  # a plain 0 would have a type of its own in _chain
            for i in range(n_h):
                if owner[f, i] != previous_owner[i]:
                    received[n_moved] = owner[f, i]
                    donors[n_moved] = previous_owner[i]
                    n_moved += 1
            for i in range(n_id):
                for k in range(3):
                    vehicular[i, k] += oxygen[f, carrier[i], k] - previous_oxygen[carrier[i], k]
            if n_moved > 0:
                for o in range(n_o):
                    occupied[o] = 0
                for i in range(n_id):
                    occupied[carrier[i]] += 1
                leaving = 0
                for i in range(n_id):
                    # Only where there are more than can stay, the order of arrival decides.
                    enough = occupied[carrier[i]] <= room[carrier[i]]
                    stays[i] = 1 if enough or _stays(carrier, arrived, room, i) else 0
                    leaving += 1 - stays[i]
                for i in range(n_id):
                    if stays[i] == 0:
                        occupied[carrier[i]] -= 1
                for i in range(n_id):
                    if leaving == 0:
                        break
                    if stays[i] == 1:
                        continue
                    links = _chain(carrier[i], received, donors, n_moved, room, occupied, chain)
                    if links == 0:
                        continue
                    if links > 1:
                        tally[1] += 1
                    stays[i] = 1
                    leaving -= 1
                    occupied[chain[links - 1]] += 1
                    for link in range(links):
                        _jump(
                            frame, i, chain[link], oxygen[f], cells[f], inverses[f], carrier,
                            structural, vectors[n_events], events[n_events],
                        )  # fmt: skip
                        n_events += 1
                    arrived[i] = frame
                n_free = 0
                if leaving > 0:
                    for o in range(n_o):
                        if room[o] > occupied[o]:
                            free[n_free] = o
                            n_free += 1
                while leaving > 0:
                    best = np.inf
                    mover, target = np.int64(-1), np.int64(-1)
                    for i in range(n_id):
                        if stays[i] == 1:
                            continue
                        origin = oxygen[f, carrier[i]]
                        for k in range(n_free):
                            o = free[k]
                            if room[o] > occupied[o]:
                                x, y, z = _minimum_image(
                                    origin, oxygen[f, o], cells[f], inverses[f]
                                )
                                r2 = x * x + y * y + z * z
                                if r2 < best:
                                    best, mover, target = r2, i, o
                    if mover < 0:
                        break
                    _jump(
                        frame, mover, target, oxygen[f], cells[f], inverses[f], carrier,
                        structural, vectors[n_events], events[n_events],
                    )  # fmt: skip
                    n_events += 1
                    arrived[mover] = frame
                    occupied[target] += 1
                    stays[mover] = 1
                    leaving -= 1
        for i in range(n_id):
            carriers[f, i] = carrier[i]
            for k in range(3):
                paths[0, f, i, k] = vehicular[i, k] + structural[i, k]
                paths[1, f, i, k] = vehicular[i, k]
                paths[2, f, i, k] = structural[i, k]
        for i in range(n_h):
            previous_owner[i] = owner[f, i]
        for o in range(n_o):
            for k in range(3):
                previous_oxygen[o, k] = oxygen[f, o, k]
    return n_events, n_frames
