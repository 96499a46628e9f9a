"""`gpudoctor completion`."""

from __future__ import annotations

import click


@click.command("completion", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of SHELL.

    \b
    bash:  gpudoctor completion bash > ~/.local/share/bash-completion/completions/gpudoctor
    zsh:   gpudoctor completion zsh > "${fpath[1]}/_gpudoctor"
    fish:  gpudoctor completion fish > ~/.config/fish/completions/gpudoctor.fish
    """
    from click.shell_completion import get_completion_class

    from gpudoctor.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "gpudoctor", "_GPUDOCTOR_COMPLETE").source())
    return 0
