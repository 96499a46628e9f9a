"""A stage of build-tf failed, and nothing known says why

What it is: `gpudoctor build-tf` stopped at a stage, and its log holds the words of none of the known causes.

Why it hurts: There is no wheel and no library yet.

How to tell: `gpudoctor build-tf status` names the stage and its log. The error that stopped Bazel stands before "Build did NOT complete
successfully", often many lines up.

How to fix: Read from the first line that begins with ERROR; run it again with --jobs=1 --verbose_failures, which brings the failing
command to the end of the log. What is built stays.

Sources: https://bazel.build/docs/user-manual
"""

from __future__ import annotations
