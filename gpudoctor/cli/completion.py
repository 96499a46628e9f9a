"""`gpudoctor completion`."""

from __future__ import annotations

import click

from gpudoctor.cli.output import write_out


@click.command("completion", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
def command(shell: str) -> int:
    """Print the completion script of SHELL: bash, zsh or fish.

    Exit codes: 0 printed, 2 wrong usage.

    \b
    Examples:
      gpudoctor completion bash > ~/.local/share/bash-completion/completions/gpudoctor
      gpudoctor completion zsh > "${fpath[1]}/_gpudoctor"
      gpudoctor completion fish > ~/.config/fish/completions/gpudoctor.fish
    """
    from click.shell_completion import get_completion_class

    from gpudoctor.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    write_out(kind(cli, {}, "gpudoctor", "_GPUDOCTOR_COMPLETE").source() + "\n", None)
    return 0
