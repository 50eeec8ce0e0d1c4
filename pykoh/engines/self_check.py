"""Faster ways on a GPU, used only where they proved themselves against the plain graph.

Of a step of a small box most is waiting for the launches of some two hundred kernels. A captured
CUDA graph (:mod:`pykoh.engines.fixed_shapes`) launches them all at once; own kernels
(:mod:`pykoh.engines.cuda`) are fewer than thirty; both go together. Whether they work depends on
the card, the driver and the releases of torch and Triton. So they are tried where they will run:
at the first force call of each size their forces are compared with the plain graph's, all are
timed, and the fastest is used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from pykoh.engines.fixed_shapes import FixedShapes, room
from pykoh.errors import EngineError

SWITCH = "PYKOH_CUDA_GRAPH"
KERNELS = "PYKOH_CUDA_KERNELS"
PLAIN = "the plain graph"
CALLS_TIMED = 5
# Largest difference of pair forces, in eV/Å or relative to the largest where that is above 1 eV/Å:
# the same sums in another order,
AGREEMENT = {torch.float32: 1e-4, torch.float64: 1e-9}
# or from other tables of the radial functions, each of which is right to some 1e-6 eV/Å.
AGREEMENT_OF_TABLES = {torch.float32: 1e-4, torch.float64: 1e-5}

Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, int]
Result = tuple[torch.Tensor, torch.Tensor]


def switch(name: str = SWITCH) -> bool | None:
    """Return what the user wants: always, never, or (None) where it is faster.

    Args:
        name: of the environment variable.

    Raises:
        EngineError: the variable has another value than 0 or 1.
    """
    text = os.environ.get(name, "").strip()
    if text not in ("", "0", "1"):
        raise EngineError(f"{name} is {text!r}; set it to 0 (never), 1 (always) or not at all")
    return None if not text else text == "1"


@dataclass(slots=True)
class Way:
    """Another way to evaluate the plain graph.

    Attributes:
        name: as in "the captured graph".
        call: evaluates.
        captured: whether it is captured.
        kernels: whether it runs own kernels.
        seconds: median time of a call; not a number before it was tried.
        difference: largest difference of pair forces, eV/Å (relative where they are above 1).
    """

    name: str
    call: Callable[..., Result]
    captured: bool = False
    kernels: bool = False
    seconds: float = field(default=float("nan"), init=False)
    difference: float = field(default=float("nan"), init=False)

    def limit(self, dtype: torch.dtype) -> float:
        """Return what the difference may be."""
        return (AGREEMENT_OF_TABLES if self.kernels else AGREEMENT)[dtype]

    @property
    def growths(self) -> int:
        """How often its buffers grew: other kernels may run after that."""
        return getattr(self.call, "growths", 0)


def ways(
    graph: Any,
    fused: Callable[[], Any] | None,
    dtype: torch.dtype,
    device: torch.device,
    captured: bool | None,
    kernels: bool | None,
    report: Callable[[str], None],
) -> list[Way]:
    """Return the ways that may be tried.

    Args:
        graph: the plain graph.
        fused: makes the graph of own kernels; None if the artifact is too old for it.
        dtype: their precision.
        device: where they run.
        captured: from :func:`switch`; False: nothing is captured, True: nothing else is tried.
        kernels: the same of own kernels.
        report: takes a line if own kernels are wanted and can't be had.
    """
    found: list[Way] = []
    if captured is not False and kernels is not True:
        found.append(Way("the captured graph", FixedShapes(graph, dtype, device), captured=True))
    own: Any = None
    if kernels is not False and fused is not None:
        try:
            own = fused()
        except Exception as error:  # Triton is missing or broken, or the potential is not covered
            report(f"no CUDA kernels ({_reason(error)})")
    if own is not None and captured is not True:
        found.append(Way("the CUDA kernels", own, kernels=True))
    if own is not None and captured is not False:
        fixed = FixedShapes(own, dtype, device, by_width=False)
        found.append(Way("the captured CUDA kernels", fixed, captured=True, kernels=True))
    return found


class SelfChecked:
    """A fast graph on one rank that runs in the fastest way that is right.

    Args:
        graph: the plain graph, of an artifact whose route is ``fast``.
        candidates: other ways, from :func:`ways`.
        forced: what the user wants to be used although it is slower: the name of its variable.
        report: takes one line each time that a decision was made.

    Attributes:
        used: the way that was decided on; None: the plain graph.
    """

    def __init__(
        self,
        graph: Callable[..., Result],
        candidates: list[Way],
        forced: str | None,
        report: Callable[[str], None],
    ) -> None:
        self.graph, self.ways = graph, list(candidates)
        self.forced, self.report = forced, report
        self.used: Way | None = None
        self._tried_at: tuple[int, int] | None = None

    def __call__(
        self,
        rij: torch.Tensor,
        sender: torch.Tensor,
        receiver: torch.Tensor,
        species: torch.Tensor,
        n_local: int,
    ) -> Result:
        """Evaluate; arguments and results are those of the graph."""
        arguments = (rij, sender, receiver, species, n_local)
        if not self.ways or len(rij) == 0:
            return self.graph(*arguments)
        if not self._is_tried(n_local, len(rij)):
            return self._try(arguments)
        if self.used is not None:
            growths = self.used.growths
            result = self._guarded(self.used, arguments)
            if result is not None:
                return result if self.used.growths == growths else self._try(arguments)
        return self.graph(*arguments)

    def _is_tried(self, n_atoms: int, n_edges: int) -> bool:
        if self._tried_at is None:
            return False
        if self.used is not None and self.used.captured:
            return True  # what it is captured for tells when it grows
        # What was slower for one size may be faster for another.
        return n_atoms <= self._tried_at[0] and n_edges <= self._tried_at[1]

    def _guarded(self, way: Way, arguments: Arguments) -> Result | None:
        """Return what a way gives, or None if it failed: then it is not used again."""
        try:
            return way.call(*arguments)
        except Exception as error:  # whatever the driver, torch, Triton or the capture raises
            self.ways.remove(way)
            self.used = None if self.used is way else self.used
            self._tried_at = None
            after = "the other ways are tried again" if self.ways else f"{PLAIN} goes on"
            self.report(f"{way.name} failed ({_reason(error)}); {after}")
            return None

    def _try(self, arguments: Arguments) -> Result:
        """Compare and time all ways, decide, say so, and return what the plain graph gives."""
        plain = self.graph(*arguments)
        for way in list(self.ways):
            found = self._guarded(way, arguments)
            if found is not None:
                way.difference = _difference(found, plain)
        dtype = plain[1].dtype
        right = [way for way in self.ways if way.difference <= way.limit(dtype)]
        wrong = [way for way in self.ways if way not in right]
        plain_s, right = self._timed(arguments, right)
        self._tried_at = (arguments[4], room(len(arguments[0])))
        fastest = min(right, key=lambda way: way.seconds, default=None)
        faster = fastest is not None and (bool(self.forced) or fastest.seconds < plain_s)
        self.used = fastest if faster else None
        size = f"{arguments[4]} atoms, {len(arguments[0])} pairs"
        for way in wrong:
            self.report(
                f"{size}: {way.name}: largest difference {way.difference:.1e} (limit "
                f"{way.limit(dtype):.0e}): NOT the same, not used"
            )
        self.ways = right
        for way in right:
            if way is not self.used and isinstance(way.call, FixedShapes):
                way.call.release()
        if right or wrong:  # what failed has been said
            self.report(self._sentence(size, plain_s, right))
        return plain

    def _timed(self, arguments: Arguments, right: list[Way]) -> tuple[float, list[Way]]:
        """Return the median time of the plain graph, s, and the ways that could be timed."""
        while True:
            try:
                plain_s, *seconds = self._times(arguments, right)
            except _FailedError as failed:
                right = [way for way in right if way is not failed.way]
                continue
            for way, own in zip(right, seconds, strict=True):
                way.seconds = own
            return plain_s, right

    def _times(self, arguments: Arguments, right: list[Way]) -> list[float]:
        """Return the median times of a call of the plain graph and of ways, in s, by turns."""
        taken: list[list[float]] = [[] for _ in range(1 + len(right))]
        for _ in range(CALLS_TIMED):
            for way, times in zip([None, *right], taken, strict=True):
                wait_for(arguments[0].device)
                begin = time.perf_counter()
                if way is None:
                    self.graph(*arguments)
                elif self._guarded(way, arguments) is None:
                    raise _FailedError(way)
                wait_for(arguments[0].device)
                times.append(time.perf_counter() - begin)
        return [sorted(times)[CALLS_TIMED // 2] for times in taken]

    def _sentence(self, size: str, plain_s: float, right: list[Way]) -> str:
        parts = [f"{PLAIN} {1e3 * plain_s:.2f} ms"]
        parts += [f"{way.name} {1e3 * way.seconds:.2f} ms" for way in right]
        numbers = f"{size}: {', '.join(parts)} per force call"
        if right:
            numbers += f", largest difference {max(way.difference for way in right):.1e}"
        name = PLAIN if self.used is None else self.used.name
        reason = ""
        if self.used is not None and not self.used.seconds < plain_s:
            reason = f" because {self.forced}=1"
        verb = "are" if name.endswith("kernels") else "is"
        return f"{numbers}; {name} {verb} used{reason}"


class _FailedError(Exception):
    def __init__(self, way: Way) -> None:
        super().__init__(way.name)
        self.way = way


def _difference(found: Result, plain: Result) -> float:
    """Return the largest difference of pair forces and energies, see :class:`Way`."""
    scale = max(float(plain[1].abs().max()), 1.0)
    # torch's maximum passes on what is not a number; Python's max() may lose it.
    differences = torch.stack(
        [
            (found[1] - plain[1]).abs().max(),
            (found[0] - plain[0]).abs().max().to(plain[1].dtype),
        ]
    )
    return float(differences.max()) / scale


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160] if lines else 'no reason given'}"


def wait_for(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
