"""The MD step of a LAMMPS restart file."""

from __future__ import annotations

import os
import struct
from pathlib import Path

_MAGIC = b"LammpS RestartT\0"
_STRINGS = (0, 4)  # flags of LAMMPS's header whose values are texts: version, units
_NTIMESTEP = 5


def restart_step(path: Path) -> int | None:
    """Return the MD step of a LAMMPS restart file, or None if the file is incomplete.

    Reads the header (LAMMPS's ``write_restart.cpp``: flag and value, one after the other) and the
    mark that LAMMPS writes at the end.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
            stream.seek(-len(_MAGIC), os.SEEK_END)
            if not head.startswith(_MAGIC) or stream.read() != _MAGIC:
                return None
        at = len(_MAGIC)
        order, _ = struct.unpack_from("<ii", head, at)
        if order != 1:  # written on a machine of the other byte order
            return None
        at += 8
        while True:
            flag, value = struct.unpack_from("<ii", head, at)
            if flag == _NTIMESTEP:
                return int(struct.unpack_from("<q", head, at + 4)[0])
            at += 8 + (value if flag in _STRINGS else 0)
    except (OSError, struct.error):
        return None
