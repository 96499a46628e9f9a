"""What several commands share: names of causes to complete, where output goes."""

from __future__ import annotations

import os
import sys

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from gpudoctor.errors import GpudoctorError


class CauseName(StringParamType):
    """The id of a cause, or the name of a family; completed by the shell, checked by the workflow."""

    name = "cause"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from gpudoctor.rules.registry import causes, families

        names = [*families(), *(cause.id for cause in causes())]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def split_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """`--select a,b --select c` -> a, b, c."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def write_out(text: str, output: str | None) -> None:
    """To standard output, or to a file that is either whole or not there."""
    if output in (None, "-"):
        sys.stdout.write(text)
        return
    assert output is not None
    folder = os.path.dirname(os.path.abspath(output))
    temporary = os.path.join(folder, f".{os.path.basename(output)}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, output)
    except OSError as error:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise GpudoctorError(
            f"{output} can't be written: {error.strerror or error}",
            context="--output",
            note="nothing was written",
        ) from None
