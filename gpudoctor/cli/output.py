"""Where output goes, for every command; and lists of names."""

from __future__ import annotations

import errno
import os
import sys

from gpudoctor.errors import GpudoctorError

#: Something has been written to standard output.
printed = False


def split_names(values: tuple[str, ...]) -> tuple[str, ...]:
    """`--select a,b --select c` -> a, b, c."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())


def write_out(text: str, output: str | None) -> None:
    """To standard output, or to a file that is either whole or not there."""
    # A name that is no UTF-8 comes with surrogates, which no encoder takes: they become \udcff, JSON's own escape.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if output in (None, "-"):
        _print(text)
        return
    assert output is not None
    write_file(text.encode("utf-8"), output, "--output")


def write_file(data: bytes, output: str, option: str) -> None:
    """A file that is either whole or not there. Raises GpudoctorError."""
    if os.path.exists(output) and not os.path.isfile(output):
        # A device, a pipe, /dev/stdout: written to. Renaming a file over it, root would replace /dev/null for everybody.
        _write_into(data, output, option)
        return
    folder = os.path.dirname(output) or "."
    temporary = os.path.join(folder, f".{os.path.basename(output)}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, output)
    except OSError as error:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise GpudoctorError(
            f"{output} can't be written: {error.strerror or error}",
            context=option,
            note="nothing was written",
        ) from None


def _write_into(data: bytes, output: str, option: str) -> None:
    try:
        with open(output, "wb") as file:
            file.write(data)
    except OSError as error:
        raise GpudoctorError(
            f"{output} can't be written: {error.strerror or error}", context=option
        ) from None


def _print(text: str) -> None:
    """Whole, or an error: a report that never arrived must not end as if it had."""
    global printed
    printed = True
    try:
        if sys.stdout is None:  # Python's own answer to `>&-`
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # `| head` had enough
    except OSError as error:
        if sys.stdout is not None:  # what is still in its buffer would complain again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise GpudoctorError(
            f"standard output can't be written: {error.strerror or error}",
            note="the report was not delivered",
            hint="--output FILE writes it to a file",
        ) from None
