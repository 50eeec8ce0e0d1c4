"""The Triton kernels compile for GPUs that are not here, and fit into their registers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launches import needs_triton

needs_triton()
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "cuda_kernels.py"
KERNELS = {
    "edges_forward", "sum_neighbours", "contract", "atoms_forward", "sum_neighbours_back",
    "atoms_backward", "edges_backward",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_kernel_compiles_and_nothing_is_spilled(dtype: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--dtype", dtype, "--json"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for capability in (80, 90):
        assert {each["kernel"] for each in found if each["sm"] == capability} == KERNELS
    for each in found:
        assert each["spilled_bytes"] == 0 and each["registers"] <= 255, each
        assert each["shared_bytes"] < 48 * 1024, each
