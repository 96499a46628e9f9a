"""A CUDA build was asked for where it is not published

What it is: Versions with a local part such as 2.5.1+cu124 exist on PyTorch's own index only. The default index of Python
packages refuses local parts, so pip can't find them there.

Why it hurts: pip says "Could not find a version that satisfies the requirement torch==2.5.1+cu124" and lists versions
without a local part, though the command was copied from somewhere.

How to tell: The wanted version has a +cuNNN part, and those that pip lists have none.

How to fix: Name the index: `--index-url https://download.pytorch.org/whl/cu124` (`--extra-index-url` in a requirements
file that names other packages too).

Sources: https://pytorch.org/get-started/locally/
https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers
"""
