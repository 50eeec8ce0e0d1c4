"""Allocator settings for repeated force calls on a CPU."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of giving it back to the kernel.

    Each force call allocates and frees the same hundreds of megabytes. By default glibc returns
    large blocks to the kernel, and the page faults of getting them again take more than half of
    a MACE force call. Does nothing where the C library has no ``mallopt``.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
