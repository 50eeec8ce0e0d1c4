#!/bin/bash
# torch 2.13.0: leaving `torch.serialization.safe_globals([C])` takes back every earlier permission for C,
# also one that `add_safe_globals([C])` gave for the whole process, and that of an enclosing block.
#
# The block adds C to one set of the process and removes it at its end; it does not remember whether C was
# there before. So a library that reads its own file in such a block makes later `torch.load(...,
# weights_only=True)` of the program fail that had worked before. Of two threads that read at the same
# time, the one that is done first makes the other one fail. Nothing is read that should not be: the
# error is UnpicklingError.
#
# Remedy: ask `get_safe_globals()` before, and use the block only where C is not in it; one thread at a time.
# (https://github.com/pytorch/pytorch/pull/197380, open in September 2026, keeps blocks apart.)
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'torch==2.13.0' 'numpy==2.4.6'
cat > "$folder/read.py" <<'PYTHON'
import io
import pickle

import torch
from torch.serialization import add_safe_globals, safe_globals


class Box:
    """A class of the program's own."""


stream = io.BytesIO()
torch.save(Box(), stream)


def can_be_read() -> bool:
    try:
        torch.load(io.BytesIO(stream.getvalue()), weights_only=True)
    except pickle.UnpicklingError:
        return False
    return True


seen = {"at first": can_be_read()}
add_safe_globals([Box])
seen["after add_safe_globals"] = can_be_read()
with safe_globals([Box]):
    seen["in a block"] = can_be_read()
seen["after the block"] = can_be_read()
with safe_globals([Box]):
    with safe_globals([Box]):
        pass
    seen["in the outer of two blocks"] = can_be_read()
print(torch.__version__)
for when, readable in seen.items():
    print(f"{when}: {'read' if readable else 'UnpicklingError'}")
PYTHON
cat > "$folder/expected" <<'TEXT'
at first: UnpicklingError
after add_safe_globals: read
in a block: read
after the block: UnpicklingError
in the outer of two blocks: UnpicklingError
TEXT
"$folder/venv/bin/python" "$folder/read.py" | tee "$folder/seen"
tail -n +2 "$folder/seen" | diff "$folder/expected" - || { echo "torch has changed"; exit 1; }
