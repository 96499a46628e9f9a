"""Building GPU programs from source: what stops compilers and Bazel."""
