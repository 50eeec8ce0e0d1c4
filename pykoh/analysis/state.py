"""What an analysis has collected so far, as arrays and JSON: to be written, and to go on from.

The state of an object is all its attributes that are arrays, numbers, texts or None, and those of
the objects of :mod:`pykoh.analysis` that it holds. What its constructor makes of settings (frozen
dataclasses, functions) is no state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from pykoh.errors import TrajectoryError

_PLAIN = (bool, int, float, str, type(None))


def _is_part(value: Any) -> bool:
    """Return whether ``value`` is an object that collects."""
    return type(value).__module__.startswith("pykoh.analysis") and not is_dataclass(value)


def _is_setting(value: Any) -> bool:
    """Return whether ``value`` is made anew by a constructor."""
    settings = type(value).__module__.startswith("pykoh.")
    return isinstance(value, Callable) or settings  # type: ignore[arg-type]


def _parts(owner: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each attribute, those in lists and tuples one by one."""
    for key, value in sorted(vars(owner).items()):
        if isinstance(value, (list, tuple)):
            for index, entry in enumerate(value):
                yield f"{name}{key}[{index}]", entry
        else:
            yield f"{name}{key}", value


def gather(owner: Any, name: str = "") -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the plain values of an object, by path.

    Raises:
        TypeError: an attribute is none of what a state can hold.
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
        elif _is_part(value):
            more_arrays, more_plain = gather(value, f"{path}.")
            arrays.update(more_arrays)
            plain.update(more_plain)
        elif not _is_setting(value):
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
    def new(path: str, value: Any) -> Any:
        if path in arrays:
            unused.discard(path)
            return arrays[path]
        if path in plain:
            unused.discard(path)
            return plain[path]
        if isinstance(value, (np.ndarray, *_PLAIN)):
            raise TrajectoryError(f"the state lacks {path}")
        if _is_part(value):
            _put(value, f"{path}.", arrays, plain, unused)
        return value

    for key, value in sorted(vars(owner).items()):
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
