#!/usr/bin/env bash
# numba 0.68.1: one assignment to a slice, `out[:, :] = x`, makes a compiled function compile functions
# that work on text.
#
# If the shapes differ, numba raises "cannot assign slice of shape … from input of shape …". The message
# is put together at run time by compiled code: str() of integers and str.join are compiled into each
# library that assigns to a slice, once for each number of dimensions. A small kernel then compiles
# several times as long as with two loops that do the same. Compile time cannot be checked here, so this
# counts what is compiled.
#
# Seen with numba 0.68.1, numpy 2.4.6: 0 functions of numba.cpython.unicode for the loops, 21 for the
# assignment. (Compiled in 0.8 s and 13.4 s, in one run on two busy cores of an AMD EPYC.)
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet numba==0.68.1 numpy==2.4.6
cat > "$place/probe.py" <<'PY'
import sys
import time

import numpy as np
from numba import njit
from numba.core import event


class Compiled(event.Listener):
    def __init__(self):
        self.modules = []

    def on_start(self, found):
        self.modules.append(found.data["dispatcher"].py_func.__module__)

    def on_end(self, found):
        pass


@njit
def loops(out, x):
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            out[i, k] = x[i, k]


@njit
def assignment(out, x):
    out[:, :] = x


@njit
def nothing(x):
    return x.shape[0]


nothing(np.ones((2, 3)))  # numba itself is loaded now
listener = Compiled()
event.register("numba:compile", listener)
for function in (loops, assignment):
    listener.modules.clear()
    began = time.perf_counter()
    function(np.zeros((2, 3)), np.ones((2, 3)))
    seconds = time.perf_counter() - began
    n = listener.modules.count("numba.cpython.unicode")
    print(function.__name__, "compiles functions of text:", "none" if n == 0 else f"more than 10: {n > 10}")
    print(f"{function.__name__}: {n} functions of text, {seconds:.1f} s", file=sys.stderr)
PY
found=$("$place/env/bin/python" "$place/probe.py")
echo "$found"
expected="loops compiles functions of text: none
assignment compiles functions of text: more than 10: True"
[ "$found" = "$expected" ] || { echo "numba behaves otherwise now" >&2; exit 1; }
