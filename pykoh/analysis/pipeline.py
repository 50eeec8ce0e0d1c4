"""All analyses of a run in one pass over its frames, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from pykoh.analysis import KERNELS
from pykoh.analysis.checkpoint import Checkpoint
from pykoh.analysis.collect import Analysis
from pykoh.analysis.observable import Factory
from pykoh.analysis.per_frame import FoundInBlock
from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.settings import Settings
from pykoh.analysis.workers import Workers
from pykoh.compilation import compile_all
from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import FrameBlock, Run

__all__ = ["Settings", "analyze"]


def analyze(
    run: Run,
    settings: Settings,
    progress: Callable[[int], None] | None = None,
    workers: Workers | None = None,
    checkpoint: Checkpoint | None = None,
    observables: Sequence[Factory] = (),
) -> AnalysisResults:
    """Read a run once and return all analyses of it.

    Args:
        run: the trajectory.
        settings: definitions.
        progress: called after each block with the number of frames so far.
        workers: who looks at blocks of frames; by default this thread. The numbers are the same.
        checkpoint: where the state is written now and then, and taken from if there is one; the
            numbers are the same.
        observables: make observables of the user's own: classes, or :func:`functools.partial` of
            them (:class:`pykoh.analysis.observable.Observable`).

    Raises:
        TrajectoryError: the trajectory cannot be used.
        ObservableError: an observable of the user's own fails.
        OutputError: the state cannot be written.
    """
    analysis: Analysis | None = None
    workers = workers or Workers(1)
    n_read = 0
    if (
        checkpoint is not None
        and (found := checkpoint.resume(workers.beside, observables)) is not None
    ):
        analysis, n_read = found
    n_done = n_read
    waiting: deque[tuple[FrameBlock, Future[FoundInBlock]]] = deque()

    def fold() -> None:
        nonlocal n_done
        assert analysis is not None
        frames, found = waiting.popleft()
        analysis.add(frames, found.result())
        n_done += len(frames.steps)
        if progress is not None:
            progress(n_done)

    with workers:
        for frames in run.blocks():
            if analysis is None:
                analysis = Analysis(run, settings, frames, workers.beside, observables)
                compile_all(KERNELS)
                if checkpoint is not None:
                    checkpoint.began(frames)
            waiting.append(
                (frames, workers.submit(analysis.work, n_read, frames.positions, frames.cells))
            )
            n_read += len(frames.steps)
            # Blocks in flight are bounded, so memory is; one by one, so that workers have work.
            while len(waiting) > workers.in_flight:
                fold()
            if checkpoint is not None and checkpoint.due():
                while waiting:
                    fold()
                checkpoint.save(analysis, n_read)
        while waiting:
            fold()
        if checkpoint is not None and checkpoint.at_end and checkpoint.long():
            assert analysis is not None  # it took long
            checkpoint.save(analysis, n_read)
        if analysis is None:
            raise TrajectoryError(f"{', '.join(run.paths)}: no frame can be used")
        return analysis.results()
