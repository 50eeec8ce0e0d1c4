"""Who looks at blocks of frames: this thread, threads of this machine, or processes on several.

The compiled kernels run without Python's lock, so threads use all cores of a machine and share its
memory. Other engines need nothing but the interface of :class:`concurrent.futures.Executor`, which
dask and mpi4py have; there blocks of positions travel to the workers and findings back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

from pykoh.errors import EngineError

_T = TypeVar("_T")


class Workers:
    """Runs functions, here or elsewhere.

    Args:
        n: threads in all, this one included; 1 runs everything at once and here.
        executor: runs everything instead; closed with this.
        in_flight: calls that may wait at once; by default twice the threads.
    """

    def __init__(
        self, n: int = 1, executor: Executor | None = None, in_flight: int | None = None
    ) -> None:
        self._executor = executor
        self._threads: ThreadPoolExecutor | None = None
        if executor is None and n > 1:
            self._executor = self._threads = ThreadPoolExecutor(n, thread_name_prefix="pykoh")
        self.in_flight = in_flight if in_flight is not None else (2 * n if n > 1 else 0)

    def submit(self, function: Callable[..., _T], *args: Any) -> Future[_T]:
        """Return the future result of ``function(*args)``."""
        if self._executor is not None:
            return self._executor.submit(function, *args)
        future: Future[_T] = Future()
        future.set_result(function(*args))
        return future

    def beside(self, function: Callable[..., _T], *args: Any) -> Future[_T]:
        """Return the future result of ``function(*args)`` with large arguments: it stays here."""
        if self._threads is not None:
            return self._threads.submit(function, *args)
        future: Future[_T] = Future()
        future.set_result(function(*args))
        return future

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True)


def dask_workers(address: str, timeout_s: float = 20.0) -> Workers:
    """Return the workers of a dask cluster.

    Args:
        address: of its scheduler, e.g. ``tcp://10.0.0.1:8786``.
        timeout_s: how long to wait for its answer.

    Raises:
        EngineError: dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
        from distributed.comm import connect
    except ImportError:
        raise EngineError("--dask needs dask: pip install 'pykoh[dask]', on every node") from None

    async def greet() -> None:
        # A client that cannot connect prints tracebacks of its threads; a bare connection does not.
        comm = await asyncio.wait_for(connect(address, timeout=timeout_s), 2.0 * timeout_s)
        await comm.close()

    try:
        asyncio.run(greet())
        client = Client(address, timeout=timeout_s, set_as_default=False)
    except Exception as error:  # of any kind: what answers may be no scheduler at all
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineError(
            f"--dask {address}: no scheduler answers ({reason}); start one with 'dask scheduler' "
            "and give the address that it prints"
        ) from None
    n = max(1, sum(client.nthreads().values()))
    return Workers(executor=_Closing(client), in_flight=3 * n)


class _Closing(Executor):
    """The executor of a dask client, which is closed with it."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run on the cluster; pure=False keeps dask from hashing the positions."""
        future: Future[Any] = self._client.submit(function, *args, pure=False, **kwargs)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the connection; the cluster goes on."""
        self._client.close()
