"""A test of packed coordinates in another process, which damaged data may end.

XTC packs coordinates bit by bit. :mod:`pykoh.trajectory.gromacs` checks the headers. But damage in
the packed bits shows only when they are unpacked, and the C code for this may then end its process.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from pykoh.errors import TrajectoryError

PIECE = 64  # frames per read
CHILD = f"""
import sys
from mdtraj.formats import XTCTrajectoryFile
with XTCTrajectoryFile(sys.argv[1]) as file:
    done = 0
    while True:
        found = len(file.read(n_frames={PIECE})[0])
        done += found
        print(done, flush=True)
        if found == 0:
            break
"""


def require_decodable(path: Path, name: str) -> None:
    """Unpack all frames of an XTC file once, in another process.

    Exceptions of mdtraj are not handled here; they come again when the file is read.

    Args:
        path: the file.
        name: its name in messages.

    Raises:
        TrajectoryError: a signal ended the process.
    """
    state = path.stat()
    ended = _trial(str(path.resolve()), state.st_size, state.st_mtime_ns)
    if ended is not None:
        signal_name, done = ended
        raise TrajectoryError(
            f"{name}: its packed coordinates are damaged within the {PIECE} frames after frame "
            f"{done} (unpacking ended with {signal_name}); copy the file again, or keep the "
            "frames before (gmx trjconv -e)"
        )


@lru_cache(maxsize=64)
def _trial(path: str, size: int, changed_ns: int) -> tuple[str, int] | None:
    """Return the signal and the number of complete frames before it; None without a signal."""
    done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True)
    if done.returncode >= 0:
        return None
    lines = done.stdout.split()
    return signal.Signals(-done.returncode).name, int(lines[-1]) if lines else 0
