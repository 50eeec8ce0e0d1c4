"""Compile the Triton kernels without a GPU, and print the resources of each kernel.

Usage: python benchmarks/cuda_kernels.py [koh.pt] [--dtype float32] [--json]

Every kernel that a force call launches is compiled with the arguments of that call, for compute
capability 8.0 (A100) and 9.0 (H100, H200). Needs triton with its own ptxas, and no GPU. Prints
the output of ptxas: registers of a thread, bytes spilled (stores and loads), shared memory.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from pykoh.engines.artifact import load_artifact
from pykoh.engines.cuda import loops, step
from pykoh.engines.cuda.graph import fused_graph
from pykoh.errors import PykohError

SHIPPED = Path(__file__).parents[1] / "potentials" / "koh-blyp-d3" / "koh.pt"
TYPES = {torch.float32: "*fp32", torch.float64: "*fp64", torch.int64: "*i64"}
OPTIONS = ("num_warps", "num_stages")


class Recorder:
    """Replaces a kernel and records the arguments of its launches."""

    def __init__(self, kernel: Any, calls: list[tuple[Any, tuple, dict]]) -> None:
        self.kernel, self.calls = kernel, calls

    def __getitem__(self, grid: object) -> Any:
        return lambda *given, **named: self.calls.append((self.kernel, given, named))


def recorded(potential: Path, dtype: torch.dtype) -> list[tuple[Any, tuple, dict]]:
    """Return the kernels of a force call with their arguments."""
    tree = load_artifact(potential)[1].tree
    if tree is None:
        raise SystemExit(f"{potential}: has the general route, or is too old; export it again")
    calls: list[tuple[Any, tuple, dict]] = []
    for module in (loops, step):
        for name, kernel in list(vars(module).items()):
            if isinstance(kernel, triton.JITFunction) and not name.startswith("_"):
                setattr(module, name, Recorder(kernel, calls))
    graph = fused_graph(tree, dtype, torch.device("cpu"))
    n = 64
    ring = torch.arange(n)
    rij = torch.ones((n, 3), dtype=dtype)
    graph(rij, ring.roll(1), ring, torch.zeros(n, dtype=torch.int64), n)
    return calls


def compiled(call: tuple[Any, tuple, dict], capability: int) -> dict[str, Any]:
    """Compile one kernel and return its resources."""
    kernel, given, named = call
    options: dict[str, int] = {"num_warps": 4} | {
        key: named[key] for key in OPTIONS if key in named
    }
    constants = {key: value for key, value in named.items() if key not in OPTIONS}
    signature, attributes = {}, {}
    for place, (name, value) in enumerate(zip(kernel.arg_names, given, strict=False)):
        signature[name] = TYPES[value.dtype] if isinstance(value, torch.Tensor) else "i32"
        if isinstance(value, torch.Tensor):  # torch's memory begins at multiples of 16 bytes
            attributes[(place,)] = [["tt.divisibility", 16]]
    signature |= dict.fromkeys(constants, "constexpr")
    source = ASTSource(kernel, signature, constants, attributes)
    found = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    return {
        "kernel": kernel.__name__, "sm": capability, "warps": options["num_warps"],
        "shared_bytes": found.metadata.shared, **usage(found.asm["ptx"]),
    }  # fmt: skip


def usage(ptx: str) -> dict[str, int]:
    """Return registers and spilled bytes from ptxas."""
    ptxas = triton.knobs.nvidia.ptxas.path
    target = re.search(r"^\.target (\w+)", ptx, re.M)
    assert target
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "k.ptx").write_text(ptx)
        said = subprocess.run(
            [ptxas, "-v", f"--gpu-name={target[1]}", "k.ptx", "-o", "k.cubin"],
            cwd=folder, capture_output=True, text=True, check=True,
        ).stderr  # fmt: skip
    numbers = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", said)
    registers = re.search(r"Used (\d+) registers", said)
    assert numbers and registers, said
    return {
        "registers": int(registers[1]),
        "spilled_bytes": int(numbers[1]) + int(numbers[2]),
    }


def main() -> None:
    """Compile and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("potential", type=Path, nargs="?", default=SHIPPED)
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--json", action="store_true", help="one object per line")
    args = parser.parse_args()
    seen = set()
    try:
        calls = recorded(args.potential, getattr(torch, args.dtype))
    except PykohError as error:
        raise SystemExit(str(error)) from None
    for call in calls:
        for capability in (80, 90):
            found = compiled(call, capability)
            text = json.dumps(found)
            if text in seen:
                continue
            seen.add(text)
            if args.json:
                print(text, flush=True)
            else:
                print(
                    f"sm_{found['sm']} {found['kernel']:20s} {found['warps']} warps, "
                    f"{found['registers']:3d} registers, {found['spilled_bytes']} bytes spilled, "
                    f"{found['shared_bytes']} bytes shared",
                    flush=True,
                )


if __name__ == "__main__":
    main()
