"""The package has no wheel for this Python

What it is: Compiled packages are published per Python release. There is no build of the wanted package for the Python
that asks, mostly because that Python is too new or has reached its end.

Why it hurts: pip says "Could not find a version that satisfies the requirement torch (from versions: none)", lists other
versions only, or tries to compile from source and fails.

How to tell: No wheel of the release has this Python's tag (cp314) on any index.

How to fix: Make an environment with a Python that the release supports: `uv venv --python 3.12`, or conda with
python=3.12.

Sources: https://github.com/pytorch/pytorch/blob/main/RELEASE.md
https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
"""
