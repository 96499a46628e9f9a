"""Building TensorFlow from source: what a tree is, what would stop its build, the stages, and taking everything back.

`tree` reads a tree by its content, `starlark` evaluates the tree's own pure functions, `patching` carries out the
declarative edits of `bazel_patches/`. Nothing here is TensorFlow's text.
"""
