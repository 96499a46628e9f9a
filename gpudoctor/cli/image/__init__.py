"""`gpudoctor image`: its subcommands, each a module of this folder, loaded when it is asked for."""

from __future__ import annotations

from gpudoctor.cli.main import Commands

#: Subcommand -> its line in --help. The module is gpudoctor.cli.image.<name>, its click command `command`.
COMMANDS = {
    "plan": "Choose base, CUDA, Python and wheel for a framework, a GPU and a driver.",
    "build": "Build an image, and name the cause if a step fails.",
    "lint": "Say what in a Dockerfile or a compose file will not work with GPUs.",
    "sbom": "Write the bill of materials of an image, from its own records.",
    "verify": "Say what is wrong with an image, without a GPU and without running it.",
    "run": "Check host and container as a pair, from within a throwaway container.",
}

command = Commands(
    "image",
    COMMANDS,
    "gpudoctor.cli.image",
    help="""Container images for GPUs: planned for a driver, built, and checked before they run.

    Exit codes: 0 nothing is broken, or done; 1 something is, impossible, or a step failed; 2 not known, unreadable, or wrong
    usage.

    \b
    Examples:
      gpudoctor image plan torch --gpu 'RTX 4090' --driver 550.163.01 --output my-image
      gpudoctor image build my-image -t my/image:1
      gpudoctor image verify my/image:1 --driver 550.163.01
      gpudoctor image lint Dockerfile compose.yaml
    """,
    context_settings={"help_option_names": ["-h", "--help"]},
)
