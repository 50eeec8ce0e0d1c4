"""The captured graph on a GPU, used only where it proved itself against the plain one.

A captured CUDA graph (:mod:`pykoh.engines.fixed_shapes`) saves the launches of some two hundred
kernels a step. Whether it works depends on the card, the driver and the torch release. So it is
tried where it will run: at the first force call of each size its forces are compared with the
plain graph's, both are timed, and the faster one is used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from pykoh.engines.fixed_shapes import FixedShapes
from pykoh.errors import EngineError

SWITCH = "PYKOH_CUDA_GRAPH"
CALLS_TIMED = 5
# Largest difference of pair forces, in eV/Å or relative to the largest where that is above 1 eV/Å:
# the same sums in another order.
AGREEMENT = {torch.float32: 1e-4, torch.float64: 1e-9}

Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, int]
Result = tuple[torch.Tensor, torch.Tensor]


def switch() -> bool | None:
    """Return what the user wants: the captured graph, the plain one, or (None) the faster.

    Raises:
        EngineError: the variable has another value than 0 or 1.
    """
    text = os.environ.get(SWITCH, "").strip()
    if text not in ("", "0", "1"):
        raise EngineError(f"{SWITCH} is {text!r}; set it to 0 (never), 1 (always) or not at all")
    return None if not text else text == "1"


@dataclass(frozen=True, slots=True)
class Trial:
    """How the captured graph did beside the plain one.

    Attributes:
        difference: largest difference of pair forces, eV/Å (relative where they are above 1).
        plain_ms: median time of a call, ms.
        captured_ms: the same of the captured graph.
        limit: on the difference.
    """

    difference: float
    plain_ms: float
    captured_ms: float
    limit: float

    @property
    def agrees(self) -> bool:
        """Whether the forces are the same. What is not a number does not agree."""
        return self.difference <= self.limit

    @property
    def faster(self) -> bool:
        """Whether the captured graph takes less time."""
        return self.captured_ms < self.plain_ms


class SelfChecked:
    """A fast graph on one rank that runs captured where this is right and faster.

    Args:
        graph: the plain graph, of an artifact whose route is ``fast``.
        captured: the same with fixed shapes.
        wanted: from :func:`switch`.
        report: takes one line each time that a decision was made.

    Attributes:
        uses_captured: the last decision.
    """

    def __init__(
        self,
        graph: Callable[..., Result],
        captured: FixedShapes,
        wanted: bool | None,
        report: Callable[[str], None],
    ) -> None:
        self.graph, self.captured = graph, captured
        self.wanted, self.report = wanted, report
        self.uses_captured = wanted is not False
        self._broken = False
        self._tried_at: tuple[int, int, int] | None = None

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
        if self._broken or self.wanted is False or len(rij) == 0:
            return self.graph(*arguments)
        try:
            if not self._is_tried(n_local, len(rij)):
                return self._try(arguments)
            if self.uses_captured:
                result = self.captured(*arguments)
                if self._capacity() != self._tried_at:
                    # It grew in this call: other kernels may run now.
                    return self._try(arguments)
                return result
        except Exception as error:  # whatever the driver, torch or the capture raises
            self._give_up(error)
        return self.graph(*arguments)

    def _is_tried(self, n_atoms: int, n_edges: int) -> bool:
        if self._tried_at is None:
            return False
        atoms, edges, _ = self._tried_at
        # What was slower for one size may be faster for another.
        return self.uses_captured or (n_atoms <= atoms and n_edges <= edges)

    def _capacity(self) -> tuple[int, int, int]:
        return self.captured.n_atoms, self.captured.n_edges, self.captured.width

    def _give_up(self, error: Exception) -> None:
        self._broken, self.uses_captured = True, False
        lines = str(error).strip().splitlines()
        reason = f"{type(error).__name__}: {lines[0][:160] if lines else 'no reason given'}"
        self.report(f"the captured graph failed ({reason}); the plain graph goes on")

    def _try(self, arguments: Arguments) -> Result:
        """Compare both, decide, say so, and return what the plain graph gives."""
        energies, gradient = (part.clone() for part in self.captured(*arguments))
        plain_energies, plain = self.graph(*arguments)
        scale = max(float(plain.abs().max()), 1.0)
        # torch's maximum passes on what is not a number; Python's max() may lose it.
        differences = torch.stack(
            [
                (gradient - plain).abs().max(),
                (energies - plain_energies).abs().max().to(plain.dtype),
            ]
        )
        difference = float(differences.max()) / scale
        plain_s, captured_s = self._times(arguments)
        trial = Trial(difference, 1e3 * plain_s, 1e3 * captured_s, AGREEMENT[plain.dtype])
        self._tried_at = self._capacity()
        self.uses_captured = trial.agrees and (self.wanted is True or trial.faster)
        self.report(self._sentence(trial, arguments))
        if not trial.agrees:
            self._broken = True
        return plain_energies, plain

    def _times(self, arguments: Arguments) -> tuple[float, float]:
        """Return the median times of a call of each, in s, measured by turns."""
        calls: tuple[Callable[..., Result], ...] = (self.graph, self.captured)
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(CALLS_TIMED):
            for call, times in zip(calls, taken, strict=True):
                wait_for(arguments[0].device)
                begin = time.perf_counter()
                call(*arguments)
                wait_for(arguments[0].device)
                times.append(time.perf_counter() - begin)
        return sorted(taken[0])[CALLS_TIMED // 2], sorted(taken[1])[CALLS_TIMED // 2]

    def _sentence(self, trial: Trial, arguments: Arguments) -> str:
        size = f"{arguments[4]} atoms, {len(arguments[0])} pairs"
        numbers = (
            f"{size}: captured graph {trial.captured_ms:.2f} ms, plain {trial.plain_ms:.2f} ms per "
            f"force call, largest difference {trial.difference:.1e}"
        )
        if not trial.agrees:
            return f"{numbers} (limit {trial.limit:.0e}): NOT the same, the plain graph is used"
        if self.uses_captured and not trial.faster:
            return f"{numbers}; the captured graph is used because {SWITCH}=1"
        return f"{numbers}; the {'captured' if self.uses_captured else 'plain'} graph is used"


def wait_for(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
