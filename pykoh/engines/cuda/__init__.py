"""The fast graph in own kernels for CUDA, written in Triton.

Nothing here is imported on a CPU. Triton comes with torch's CUDA wheels and is no dependency of
pykoh: where it is missing, the graph runs in plain torch operations.
"""

from __future__ import annotations

from importlib.util import find_spec


def has_triton() -> bool:
    """Return whether triton can be imported."""
    return find_spec("triton") is not None
