"""GNU grep as the prefilter's prefilter: which lines hold one of thousands of strings.

It reads them all at once (Aho and Corasick's automaton), forty megabytes of random words in a second, where the standard library has
nothing of the kind. It is given a log's lines as its input and our own strings as its arguments: nothing of a log is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

#: Seconds for a megabyte. It takes 0.03.
_DEADLINE = 20.0
#: The kernel takes no longer argument (MAX_ARG_STRLEN, 128 KiB).
_ARGUMENT = 100_000


class Grep:
    """`works`: there is a GNU grep and it has not failed; others (busybox, BSD) look for each string by itself."""

    def __init__(self) -> None:
        self.works = b"GNU grep" in (self._run(["--version"], b"") or b"")

    def lines_with(self, strings: Iterable[bytes], text: bytes) -> list[int] | None:
        """The indices of the lines that hold one of the strings (none of which is empty or has a line end), None where that can't be
        told."""
        return self.begin(strings, text)()

    def begin(self, strings: Iterable[bytes], text: bytes) -> Callable[[], list[int] | None]:
        """The same, asked for at once and waited for when what this returns is called."""
        import threading

        arguments: list[str | bytes] = ["-a", "-n", "-F"]
        for pattern in _joined(strings):
            arguments += ["-e", pattern]
        if len(arguments) == 3:  # without a string it would take the name of a file for one
            return list
        answers: list[bytes | None] = []
        thread = threading.Thread(target=lambda: answers.append(self._run(arguments, text)), daemon=True)
        thread.start()

        def finish() -> list[int] | None:
            thread.join()
            said = answers[0] if answers else None  # no answer at all is not "no line"
            return None if said is None else [int(line.partition(b":")[0]) - 1 for line in said.splitlines()]

        return finish

    def _run(self, arguments: Sequence[str | bytes], text: bytes) -> bytes | None:
        import subprocess

        from gpudoctor.system.process import kill_group

        try:
            process = subprocess.Popen(
                ("grep", *arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**_environ(), "LC_ALL": "C"},
                start_new_session=True,
            )
        except OSError:
            self.works = False
            return None
        try:
            said, _ = process.communicate(text, _DEADLINE)
        except subprocess.TimeoutExpired:
            self.works = False
            return None
        finally:
            if process.returncode is None:
                kill_group(process, running=True)
        if process.returncode in (0, 1):  # 1: none
            return said
        self.works = False
        return None


def _environ() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if not name.startswith("GREP_")}


def _joined(strings: Iterable[bytes]) -> list[bytes]:
    """Line by line in as many arguments as it takes."""
    found: list[list[bytes]] = [[]]
    size = 0
    for string in strings:
        if size + len(string) >= _ARGUMENT:
            found.append([])
            size = 0
        found[-1].append(string)
        size += len(string) + 1
    return [b"\n".join(some) for some in found if some]
