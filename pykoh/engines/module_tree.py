"""Modules of the fast graph as plain values and tensors, and back.

An artifact holds them so that it runs without TorchScript, and so that what follows from a few
numbers (spline tables, transposed matrices) need not be stored: a module that has a method ``fill``
computes the buffers that its class names in ``derived``. A class that has got more parts since an
artifact was written adds them in a method ``complete``.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import Any

import torch

from pykoh.errors import ModelError

Tree = dict[str, Any]
# Nothing else is ever built from a file. Files name the classes by where they once were, so that
# every release reads those of every other.
_OURS = "pykoh.engines.graph."
_IN_FILES = "pykoh.export.fast."
_LIST = "torch.nn.modules.container:ModuleList"
_OF_EVERY_MODULE = frozenset(torch.nn.Module().__dict__)
_PLAIN = (bool, int, float, str, type(None))


def describe(module: torch.nn.Module) -> Tree:
    """Return a module as nested dictionaries of plain values and tensors.

    Derived buffers are left out. Raises :class:`TypeError` if an attribute is neither.
    """
    kind = type(module)
    derived = getattr(kind, "derived", ())
    values = {k: v for k, v in module.__dict__.items() if k not in _OF_EVERY_MODULE}
    for name, value in values.items():
        if not _is_plain(value):
            raise TypeError(f"{kind.__name__}.{name} is a {type(value).__name__}")
    return {
        "class": f"{kind.__module__}:{kind.__qualname__}".replace(_OURS, _IN_FILES, 1),
        "values": values,
        "buffers": {
            name: buffer.detach().clone()
            for name, buffer in module.named_buffers(recurse=False)
            if name not in derived
        },
        "children": {name: describe(child) for name, child in module.named_children()},
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(each) for each in value)
    if isinstance(value, dict):
        return all(_is_plain(each) for pair in value.items() for each in pair)
    return isinstance(value, _PLAIN)


def rebuild(tree: Tree) -> torch.nn.Module:
    """Return the module that :func:`describe` was given, with its derived buffers computed.

    Raises:
        ModelError: the tree names a class that is not of the fast graph.
    """
    kind = _class_of(str(tree["class"]))
    module = kind.__new__(kind)
    torch.nn.Module.__init__(module)
    for name, value in tree["values"].items():
        setattr(module, name, value)
    for name, buffer in tree["buffers"].items():
        module.register_buffer(name, buffer)
    for name, child in tree["children"].items():
        module.add_module(name, rebuild(child))
    complete: Any = getattr(module, "complete", None)
    if complete is not None:
        complete()
    for name in getattr(kind, "derived", ()):
        module.register_buffer(name, torch.empty(0, dtype=torch.float64))
    fill: Any = getattr(module, "fill", None)
    if fill is not None:
        fill()
    return module.eval()


def _class_of(name: str) -> type[torch.nn.Module]:
    where, _, what = name.partition(":")
    if name == _LIST:
        return torch.nn.ModuleList
    if not where.startswith(_IN_FILES):
        raise ModelError(f"the potential names the class {name}, which is not of pykoh's graph")
    try:
        kind = getattr(import_module(where.replace(_IN_FILES, _OURS, 1)), what)
    except (ImportError, AttributeError) as error:
        raise ModelError(
            f"the potential names {name}, which this pykoh does not have; export it again"
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise ModelError(f"the potential names {name}, which is no module")
    return kind


def emptied(module: torch.nn.Module) -> torch.nn.Module:
    """Take all buffers out of a module, in place: what is left is its code and plain values."""
    for each in module.modules():
        # Two names may stand for one tensor.
        for name, buffer in each.named_buffers(recurse=False, remove_duplicate=False):
            setattr(each, name, buffer.new_empty(0))
    return module


def take_buffers(target: Any, source: torch.nn.Module) -> None:
    """Give a module the buffers of another of the same structure; shapes may differ.

    A script of an earlier release has no place for what was added since (``complete``).
    """
    for name, buffer in source.named_buffers(remove_duplicate=False):
        *path, leaf = name.split(".")
        owner = target
        for part in path:
            owner = getattr(owner, part)
        if hasattr(owner, leaf):
            setattr(owner, leaf, buffer)


def digest(content: Any) -> str:
    """Return the SHA-256 of nested dictionaries, sequences, plain values and tensors."""
    state = hashlib.sha256()
    _add(state, content)
    return state.hexdigest()


def _add(state: Any, content: Any) -> None:
    if isinstance(content, dict):
        for key in sorted(content):
            state.update(f"{{{key}:".encode())
            _add(state, content[key])
    elif isinstance(content, list | tuple):
        state.update(f"[{len(content)}:".encode())
        for each in content:
            _add(state, each)
    elif isinstance(content, torch.Tensor):
        state.update(f"{content.dtype}{tuple(content.shape)}".encode())
        state.update(content.contiguous().numpy().tobytes())
    else:
        state.update(f"{type(content).__name__}:{content!r};".encode())
