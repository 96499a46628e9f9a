"""`gpudoctor snapshot`."""

from __future__ import annotations

import click

from gpudoctor.cli.output import write_out
from gpudoctor.workflows.check import DEFAULT_TIMEOUT


@click.command("snapshot", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output", metavar="FILE", help="Write the snapshot there instead of to standard output.")
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="PATH",
    help="Also record this interpreter or environment (repeatable).",
)
@click.option("--root", metavar="DIR", help="Record another root file system.")
@click.option("--wake", is_flag=True, help="Ask a sleeping laptop GPU too (it wakes up).")
@click.option(
    "--no-redact", is_flag=True, help="Keep names, UUIDs and addresses as they are. For your own eyes."
)
@click.option(
    "--timeout",
    type=click.FloatRange(1.0, 3600.0),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="For everything together; what has not answered by then is not known.",
)
def command(
    output: str | None,
    pythons: tuple[str, ...],
    root: str | None,
    wake: bool,
    no_redact: bool,
    timeout: float,
) -> int:
    """Record this machine's facts as JSON, redacted, for judging elsewhere.

    Changes nothing on the machine. User and host names, GPU UUIDs, addresses, tokens and keys are replaced; equal values become equal pseudonyms, so
    `gpudoctor check --snapshot FILE` comes to the same verdicts as here. Exit codes: 0 recorded (what could not be looked at is recorded as such), 2 it
    can't be written, or wrong usage.

    \b
    Examples:
      gpudoctor snapshot --output monday.json
      gpudoctor check --snapshot monday.json
      gpudoctor snapshot --root /mnt/image --output image.json
    """
    import json

    from gpudoctor.system.port import Options
    from gpudoctor.workflows.check import Request, choose, facts
    from gpudoctor.workflows.snapshot import take

    request = Request(root=root or "", timeout=timeout, options=Options(wake=wake, pythons=pythons))
    machine = facts(request, choose((), ()), everything=True)
    write_out(json.dumps(take(machine, not no_redact), indent=1, ensure_ascii=False) + "\n", output)
    return 0
