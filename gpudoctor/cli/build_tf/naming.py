"""How the commands of `build-tf` name a tree."""

from __future__ import annotations

import os

import click

from gpudoctor.errors import GpudoctorError


def absolute(path: str) -> str:
    """ "" stays "": the option was not given."""
    return os.path.abspath(os.path.expanduser(path)) if path else ""


def tree_of(ctx: click.Context, source: str) -> str:
    """The tree of a subcommand: --source after it, or before it. Raises GpudoctorError where neither was given."""
    found = source or ctx.obj or ""
    if not found:
        raise GpudoctorError(
            "which tree?", context="--source is missing", note="nothing was done", hint="--source TREE"
        )
    return absolute(found)
