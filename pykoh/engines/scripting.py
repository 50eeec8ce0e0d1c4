"""TorchScript where this torch has it: it is deprecated since torch 2.11."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

F = TypeVar("F", bound=Callable[..., Any])


def exported(method: F) -> F:
    """Mark a method that TorchScript compiles although ``forward`` does not call it."""
    mark = getattr(getattr(torch, "jit", None), "export", None)
    return method if mark is None else mark(method)


def unscripted(method: F) -> F:
    """Mark a method that TorchScript has to leave alone."""
    mark = getattr(getattr(torch, "jit", None), "unused", None)
    return method if mark is None else mark(method)


def has_torchscript() -> bool:
    """Return whether archives can be loaded here; ``PYKOH_TORCHSCRIPT=0`` says no."""
    if os.environ.get("PYKOH_TORCHSCRIPT") == "0":
        return False
    return hasattr(getattr(torch, "jit", None), "load")


@contextmanager
def without_deprecations() -> Iterator[None]:
    """Hide that TorchScript is deprecated: it is nothing that a user can change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
