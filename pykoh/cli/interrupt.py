"""What Ctrl-C leaves behind, in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def interruptible(left: Callable[[], str]) -> Iterator[None]:
    """Say on Ctrl-C what the command has left behind.

    Args:
        left: returns the words for the user.

    Raises:
        ClickException: in place of KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt:
        click.echo("", err=True)  # behind the ^C of the terminal
        raise click.ClickException(f"interrupted; {left()}") from None


def left_by_analysis(output: Path) -> str:
    """Return what an interrupted analysis has left: its output as it was, perhaps a state."""
    from pykoh.analysis.results.folder import checkpoint_file

    state = checkpoint_file(output)
    first, last = state.name.split("checkpoint.npz")[0], "checkpoint.npz"  # a series: one a run
    beside = sorted(state.parent.iterdir()) if state.parent.is_dir() else []
    states = [path for path in beside if path.name.startswith(first) and path.name.endswith(last)]
    unchanged = f"nothing was changed in {output}"
    if not states:
        return f"{unchanged}, and no state was kept"
    return f"{unchanged}; the same command continues from {', '.join(map(str, states))}"
