"""This bitsandbytes has no library for Windows

What it is: bitsandbytes before 0.43 was published with Linux libraries only. On Windows it looks for a .so file that can't
be loaded there.

Why it hurts: Importing it, or everything that loads a model in 8 or 4 bits, fails with "Could not find module ...
libbitsandbytes_cuda121.so", "WindowsPath" and ".so" in one message, or falls back to the CPU library.

How to tell: A Windows path and a .so file in the messages of bitsandbytes.

How to fix: Install bitsandbytes 0.43 or newer, which has wheels for Windows; unofficial packages such as
bitsandbytes-windows are no longer needed and must go first.

Sources: https://github.com/bitsandbytes-foundation/bitsandbytes/blob/main/CHANGELOG.md (0.43.0)
files of bitsandbytes 0.42.0 (py3-none-any) and 0.43.0 (win_amd64 among them) on PyPI
https://huggingface.co/docs/bitsandbytes/main/en/installation
"""
