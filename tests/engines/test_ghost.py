"""The operators for features of ghost atoms."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import torch
from pykoh.engines.ghost import OwnersOnThisRank, exchanging

own = torch.tensor([[1.0], [2.0]], requires_grad=True)
weights = torch.tensor([[1.0], [10.0], [100.0], [1000.0]])
with exchanging(OwnersOnThisRank(torch.tensor([1, 1]))):
    with_ghosts = torch.ops.pykoh.ghost_exchange(own, 4)
    (with_ghosts * weights).sum().backward()
print(with_ghosts.flatten().tolist(), own.grad.flatten().tolist())
print("torch._dynamo" in sys.modules)
"""


def test_the_operators_do_not_import_the_compiler_of_torch() -> None:
    """That would take each rank of an lmp more than a second."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[1.0, 2.0, 2.0, 2.0] [1.0, 1110.0]", "False"]
