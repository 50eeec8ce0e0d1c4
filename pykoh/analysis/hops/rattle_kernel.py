"""Compiled stacks of proton transfers, on which a way back cancels the way there.

What a rattle is stands in :mod:`pykoh.analysis.hops.counter`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.survival import bin_between
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step

# Transfers of one identity within a window that no other led back from; more never occur.
STACK = 32


@step()
def finalise(
    bottom: NDArray[np.int32],
    reached: int,
    vector: FloatArray,
    window: int,
    main: int,
    identity: int,
    segment_frames: int,
    counts: FloatArray,
    last_hop: NDArray[np.int64],
    per_identity: NDArray[np.int64],
    edges: FloatArray,
    waiting: FloatArray,
    moments: FloatArray,
    hops: NDArray[np.int64],
    hop_vectors: FloatArray,
) -> None:
    """Count a transfer that can no longer be cancelled as a hop."""
    frame = np.int64(bottom[0])
    counts[frame // segment_frames, window] += 1.0
    if window != main:
        return
    per_identity[identity] += 1
    place = hops[0, 0] + 1
    hops[0, 0] = place
    hops[place, 0] = frame
    hops[place, 1] = identity
    hops[place, 2] = bottom[1]
    hops[place, 3] = reached
    length2 = 0.0
    for k in range(3):
        hop_vectors[place, k] = vector[k]
        length2 += vector[k] * vector[k]
    length = np.sqrt(length2)
    moments[0] += 1.0
    moments[1] += length
    moments[2] += length * length
    if last_hop[identity] >= 0:
        wait = frame - last_hop[identity]
        index = bin_between(edges, float(wait))
        waiting[index, 0] += 1.0
        waiting[index, 1] += wait
    last_hop[identity] = frame


@kernel(
    "(int64[:,::1], float64[:,::1], float64[::1], int64, int64, boolean, "
    "int32[:,:,:,::1], int32[:,::1], float64[:,:,::1], int64[:,::1], int64, "
    "float64[:,::1], int64[::1], int64[::1], float64[::1], float64[:,::1], float64[::1], "
    "int64[:,::1], float64[:,::1])",
)
def take(
    events: NDArray[np.int64],
    vectors: FloatArray,
    windows: FloatArray,
    main: int,
    now: int,
    everything: bool,
    stack: NDArray[np.int32],
    stack_to: NDArray[np.int32],
    stack_vector: FloatArray,
    depth: NDArray[np.int64],
    segment_frames: int,
    counts: FloatArray,
    last_hop: NDArray[np.int64],
    per_identity: NDArray[np.int64],
    edges: FloatArray,
    waiting: FloatArray,
    moments: FloatArray,
    hops: NDArray[np.int64],
    hop_vectors: FloatArray,
) -> None:
    """Take in transfers in order of time.

    Args:
        events: [n_events, 4], frame, identity, from, to.
        vectors: [n_events, 3], Å.
        windows: [n_windows], frames.
        main: the window for which waiting times are collected.
        now: frame up to which events were seen.
        everything: the run is over; what is on the stacks are hops.
        stack: [n_windows, n_id, STACK, 2], frame and the oxygen that was left; state.
        stack_to: [n_id, STACK], of the main window: the oxygen that was reached; state.
        stack_vector: [n_id, STACK, 3], of the main window, Å; state.
        depth: [n_windows, n_id]; state.
        segment_frames: frames per segment of ``counts``.
        counts: [n_segments, n_windows], hops; state.
        last_hop: [n_id], frame of the last hop or -1; state.
        per_identity: [n_id], hops; state.
        edges: [n_bins + 1], frames.
        waiting: [n_bins, 2], number and sum (frames) of waiting times; state.
        moments: [3], number, Σ length, Σ length²; state.
        hops: [1 + n, 4], out, from row 1 on frame, identity, from, to; their number in [0, 0].
        hop_vectors: [1 + n, 3], out, Å.
    """
    n_windows, n_id = depth.shape
    for e in range(events.shape[0] + 1):
        last = e == events.shape[0]
        begin = 0 if last else events[e, 1]
        end = n_id if last else events[e, 1] + 1
        for w in range(n_windows):
            for i in range(begin, end):
                frame = now if last else events[e, 0]
                d = depth[w, i]
                gone = 0
                while gone < d and (
                    (last and everything)
                    or frame - stack[w, i, gone, 0] > windows[w]
                    or (d - gone == STACK and not last)
                ):
                    finalise(
                        stack[w, i, gone],
                        stack_to[i, gone],
                        stack_vector[i, gone],
                        w,
                        main,
                        i,
                        segment_frames,
                        counts,
                        last_hop,
                        per_identity,
                        edges,
                        waiting,
                        moments,
                        hops,
                        hop_vectors,
                    )
                    gone += 1
                if gone > 0:
                    for place in range(gone, d):
                        for k in range(2):
                            stack[w, i, place - gone, k] = stack[w, i, place, k]
                        if w == main:
                            stack_to[i, place - gone] = stack_to[i, place]
                            for k in range(3):
                                stack_vector[i, place - gone, k] = stack_vector[i, place, k]
                    d -= gone
                if not last:
                    # The carrier before this event is where the top of the stack led to, so the
                    # event leads back from the top if it goes to the oxygen that the top had left.
                    if d > 0 and stack[w, i, d - 1, 1] == events[e, 3]:
                        d -= 1
                    else:
                        stack[w, i, d, 0] = events[e, 0]
                        stack[w, i, d, 1] = events[e, 2]
                        if w == main:
                            stack_to[i, d] = events[e, 3]
                            for k in range(3):
                                stack_vector[i, d, k] = vectors[e, k]
                        d += 1
                depth[w, i] = d
