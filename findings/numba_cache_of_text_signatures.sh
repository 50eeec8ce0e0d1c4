#!/usr/bin/env bash
# numba 0.68.1: what is compiled ahead for a signature given as text is kept on disk, but no call ever
# finds it there.
#
# `dispatcher.compile("(float64[::1],)")` and `dispatcher.compile((types.float64[::1],))` compile the same
# machine code, and `cache=True` writes both to disk. The index on disk uses the argument of compile()
# itself as key. A call looks for a tuple of types, so code that was compiled from a text is compiled a
# second time in the next process, without a message. The two entries then lie beside each other.
#
# Seen with numba 0.68.1, numpy 2.4.6: after the text a call in a new process has 0 hits and 1 miss,
# after the tuple of types 1 hit and 0 misses.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet numba==0.68.1 numpy==2.4.6
cat > "$place/loops.py" <<'PY'
from numba import njit


@njit(cache=True)
def total(x):
    found = 0.0
    for i in range(len(x)):
        found += x[i]
    return found
PY
cat > "$place/ahead.py" <<'PY'
import sys

from numba import types

from loops import total

total.compile("(float64[::1],)" if sys.argv[1] == "text" else (types.float64[::1],))
PY
cat > "$place/call.py" <<'PY'
import sys

import numpy as np

from loops import total

total(np.ones(3))
hits, misses = total.stats.cache_hits, total.stats.cache_misses
print(sys.argv[1], "hits", sum(hits.values()), "misses", sum(misses.values()))
PY
cd "$place"
found=$(for given in text types; do
  rm -rf __pycache__
  env/bin/python ahead.py "$given"
  env/bin/python call.py "$given"
done)
echo "$found"
expected="text hits 0 misses 1
types hits 1 misses 0"
[ "$found" = "$expected" ] || { echo "numba behaves otherwise now" >&2; exit 1; }
