"""Names of causes as a value of click's, to be completed."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType


class CauseName(StringParamType):
    """The id of a cause, or the name of a family; completed by the shell, checked by the workflow."""

    name = "cause"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from gpudoctor.rules.registry import causes, families

        names = [*families(), *(cause.id for cause in causes())]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]
