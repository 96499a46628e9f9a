"""Building GPU programs from source: what stops compilers and Bazel."""

from __future__ import annotations

#: All causes of this family are known from text alone: there is nothing to judge, and no need to import them for it.
only_from_text = True
