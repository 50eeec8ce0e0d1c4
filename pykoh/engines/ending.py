"""How an error ends a LAMMPS that runs on many ranks: one sentence, and every rank stops."""

from __future__ import annotations

import os
import sys
import time
from typing import NoReturn

# An error that all ranks find is said by rank 0, which ends the others within this time. One that
# a single rank finds is said by that rank after it.
OTHERS_WAIT_S = 20.0
_RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")


def rank() -> int:
    """Return this process's rank, from mpi4py if it is in use, else from the launcher; else 0."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized():
        return int(mpi.COMM_WORLD.rank)
    return next((int(os.environ[name]) for name in _RANK_VARIABLES if name in os.environ), 0)


def end_all_ranks(message: str) -> NoReturn:
    """Print one sentence and end this process and, through MPI, all others of the run."""
    if rank() > 0:
        time.sleep(OTHERS_WAIT_S)
    print(f"ERROR: {message}", file=sys.stderr, flush=True)
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized() and mpi.COMM_WORLD.size > 1:
        mpi.COMM_WORLD.Abort(1)
    # LAMMPS would print a traceback for any other exception; its launcher ends the other ranks.
    raise SystemExit(1)
