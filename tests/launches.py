"""How many operators of a call compute: on a GPU each of them is a kernel launch or more."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from pykoh.engines.contents import without_compiled_loops

# They take memory or give a tensor another shape.
FREE = {"detach", "_unsafe_view", "is_same_size", "lift_fresh", "alias"}


class Launches(TorchDispatchMode):
    """Counts what the dispatcher sees below autograd, also of TorchScript; views are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Count one operator and run it."""
        name = func._schema.name.split("::")[1]
        aliases = [each.alias_info for each in func._schema.returns]
        is_view = bool(aliases) and all(alias and not alias.is_write for alias in aliases)
        if not is_view and name not in FREE and "empty" not in name:
            self.counts[name] += 1
        return func(*args, **(kwargs or {}))


def needs_triton() -> None:
    """Skip a module of tests on machines for which there is no triton; elsewhere it has to be."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("triton is for Linux on x86_64", allow_module_level=True)


def launches(call: Callable[[], object]) -> Counter[str]:
    """Return the operators that one call runs, after two calls in which torch compiles."""
    for _ in range(2):
        call()
    with Launches() as seen:
        call()
    return seen.counts


def as_on_a_gpu(graph: Any) -> None:
    """Give a fast graph on a CPU the operations and the chunks it has on a GPU."""
    without_compiled_loops(graph)
    graph.cpu_chunk = graph.gpu_chunk
    for index in range(graph.n_layers):
        getattr(graph.layers, str(index)).update.contraction.atoms_at_a_time = graph.gpu_chunk
