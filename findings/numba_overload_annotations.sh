#!/usr/bin/env bash
# numba 0.68.1 refuses an @overload whose typing function has type annotations, with a misleading
# message.
#
# numba compares the signature of the typing function with that of the implementation that it returns.
# The comparison treats annotations as part of a parameter's name: `def typing(a: Any, b: Any)` that
# returns `lambda a, b: …` (a lambda cannot have annotations) ends with "Typing and implementation
# arguments differ in argument names", although the names are the same. For an operator, numba then tries
# its other overloads and also prints "No implementation of function". Without the annotations the same
# code runs.
#
# Seen with numba 0.68.1, numpy 2.4.6: the annotated function is refused, the plain one gives 3.0.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet numba==0.68.1 numpy==2.4.6
cat > "$place/probe.py" <<'PY'
from typing import Any

from numba import njit, types
from numba.core.errors import TypingError
from numba.extending import overload


def annotated(a, b):
    raise NotImplementedError


def plain(a, b):
    raise NotImplementedError


@overload(annotated)
def _annotated(a: Any, b: Any) -> Any:
    if isinstance(a, types.Float):
        return lambda a, b: a + b
    return None


@overload(plain)
def _plain(a, b):
    if isinstance(a, types.Float):
        return lambda a, b: a + b
    return None


@njit
def use_annotated(x):
    return annotated(x, x)


@njit
def use_plain(x):
    return plain(x, x)


print("plain", use_plain(1.5))
try:
    print("annotated", use_annotated(1.5))
except TypingError as error:
    said = "differ in argument names" in str(error)
    print("annotated refused, argument names blamed:", said)
PY
found=$("$place/env/bin/python" "$place/probe.py")
echo "$found"
expected="plain 3.0
annotated refused, argument names blamed: True"
[ "$found" = "$expected" ] || { echo "numba behaves otherwise now" >&2; exit 1; }
