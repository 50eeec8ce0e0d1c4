"""A trial of packed coordinates in another process: C code that meets damage there ends alone.

XTC packs coordinates bit by bit. Its headers are checked before (:mod:`pykoh.trajectory.gromacs`),
but whether the bits themselves make sense shows only when they are unpacked, and the C code that
does it may end its process at bits that were changed.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from pykoh.errors import TrajectoryError

PIECE = 64  # frames that are read at once
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

    Errors that mdtraj raises are left to the real reading.

    Args:
        path: the file.
        name: what messages call it.

    Raises:
        TrajectoryError: the process was ended by a signal.
    """
    state = path.stat()
    ended = _trial(str(path.resolve()), state.st_size, state.st_mtime_ns)
    if ended is not None:
        signal_name, done = ended
        raise TrajectoryError(
            f"{name}: its packed coordinates are damaged after frame {done} (within the next "
            f"{PIECE}; unpacking them ended with {signal_name}); copy the file again, or keep the "
            "frames before (gmx trjconv -e)"
        )


@lru_cache(maxsize=64)
def _trial(path: str, size: int, changed_ns: int) -> tuple[str, int] | None:
    """Return the signal and the whole frames before it; None if there was none."""
    done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True)
    if done.returncode >= 0:
        return None
    lines = done.stdout.split()
    return signal.Signals(-done.returncode).name, int(lines[-1]) if lines else 0
