"""Layers in zstd: unpacked into a temporary file, for its decoder can't be stopped and copied as that of gzip can."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from gpudoctor.errors import GpudoctorError
from gpudoctor.system.image.sources import Damaged, File, Source


def spooled(source: Source) -> Source:
    """What a zstd stream holds, in a temporary file that has no name.

    Raises GpudoctorError where no decoder is there, OSError where the disk is full."""
    make = _zstd(source.name)
    decoder, at = make(), 0
    with tempfile.TemporaryFile(prefix="gpudoctor-") as file:
        while data := source.pread(1 << 20, at):
            at += len(data)
            while data:
                if decoder.eof:  # some tools write a frame for each file
                    decoder = make()
                try:
                    out = decoder.decompress(data)
                except Exception as error:
                    raise Damaged(f"{source.name} is damaged: {error}") from None
                file.write(out)
                data = decoder.unused_data if decoder.eof else b""
        if not decoder.eof:
            raise Damaged(f"{source.name} ends early: the zstd stream was cut short")
        file.flush()
        return File(os.dup(file.fileno()), source.name)


def _zstd(name: str) -> Callable[[], Any]:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.ZstdDecompressor
    try:
        import zstandard
    except ImportError:
        raise GpudoctorError(
            f"{name} is compressed with zstd, which this Python can't read",
            note="nothing was judged",
            hint="install the package zstandard, or use Python 3.14",
        ) from None
    return lambda: zstandard.ZstdDecompressor().decompressobj()
