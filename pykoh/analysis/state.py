"""What an analysis has collected so far, as arrays and JSON: to be written, and to go on from.

A class that collects names in ``STATE`` the attributes that change while it does. Each is an array,
a number, a text, None, an object of such a class, or a list or tuple of these. What its constructor
makes of its arguments is no state: an object that goes on is made by the same constructor call.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pykoh.errors import TrajectoryError

_PLAIN = (bool, int, float, str, type(None))


def _collects(value: Any) -> bool:
    """Return whether ``value`` is an object of a class that names its state."""
    return hasattr(type(value), "STATE")


def _parts(owner: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each part of the state, those in lists and tuples one by one."""
    for key in sorted(owner.STATE):
        value = getattr(owner, key)
        if isinstance(value, (list, tuple)):
            for index, entry in enumerate(value):
                yield f"{name}{key}[{index}]", entry
        else:
            yield f"{name}{key}", value


def gather(owner: Any, name: str = "") -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the plain values of the state of an object, by path.

    Raises:
        TypeError: a part of it is none of what a state can hold.
    """
    arrays: dict[str, np.ndarray] = {}
    plain: dict[str, Any] = {}
    for path, value in _parts(owner, name):
        if isinstance(value, np.ndarray):
            arrays[path] = value
        elif isinstance(value, np.generic):
            plain[path] = value.item()
        elif isinstance(value, _PLAIN):
            plain[path] = value
        elif _collects(value):
            more_arrays, more_plain = gather(value, f"{path}.")
            arrays.update(more_arrays)
            plain.update(more_plain)
        else:
            raise TypeError(f"{path}: a {type(value).__name__} cannot be kept in a state")
    return arrays, plain


def put_back(owner: Any, arrays: dict[str, np.ndarray], plain: dict[str, Any]) -> None:
    """Give an object, made by the same constructor call, the state that :func:`gather` took.

    Raises:
        TrajectoryError: the state is that of another kind of object.
    """
    unused = set(arrays) | set(plain)
    _put(owner, "", arrays, plain, unused)
    if unused:
        raise TrajectoryError(f"the state has {min(unused)}, which this version does not know")


def _put(
    owner: Any,
    name: str,
    arrays: dict[str, np.ndarray],
    plain: dict[str, Any],
    unused: set[str],
) -> None:
    """Set the state of an object from the parts whose paths begin with ``name``."""

    def new(path: str, value: Any) -> Any:
        if path in arrays:
            unused.discard(path)
            return arrays[path]
        if path in plain:
            unused.discard(path)
            return plain[path]
        if not _collects(value):
            raise TrajectoryError(f"the state lacks {path}")
        _put(value, f"{path}.", arrays, plain, unused)
        return value

    for key in sorted(owner.STATE):
        value = getattr(owner, key)
        path = f"{name}{key}"
        if isinstance(value, (list, tuple)):
            # What was empty at first may have grown (and the other way round).
            length = len(value)
            while f"{path}[{length}]" in unused:
                length += 1
            entries = [
                new(f"{path}[{index}]", value[index] if index < len(value) else None)
                for index in range(length)
            ]
            setattr(owner, key, type(value)(entries))
        else:
            setattr(owner, key, new(path, value))
