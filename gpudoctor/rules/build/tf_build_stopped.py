"""A Bazel build stopped, and nothing known says why

What it is: Bazel ended before all targets were built; none of the known causes is in its output.

Why it hurts: There is no wheel and no library.

How to tell: "Build did NOT complete successfully" at the end; the error that stopped it stands before it, often many lines up.

How to fix: Read from the first line that begins with ERROR; run it again with --jobs=1 --verbose_failures, which brings the failing
command to the end of the log. What is built stays.

Sources: https://bazel.build/docs/user-manual
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"Build did NOT complete successfully", 0.3),
)
