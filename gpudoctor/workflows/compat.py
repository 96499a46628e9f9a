"""`compat`: a what-if, or a file of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gpudoctor.advice.answer import Answer, answer
from gpudoctor.advice.question.reading import read
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError


def ask(given: Mapping[str, Any]) -> Answer:
    """Raises GpudoctorError for a question that can't be judged."""
    return answer(read(given))


def exit_code(found: Answer) -> int:
    """0 yes, 1 no, 2 not known."""
    return EXIT_CANNOT_TELL if found.compatible is None else 0 if found.compatible else 1


class Batch:
    """Answers a JSON Lines file: one object out for every line in. `exit_code` is 2 once a line could not be read."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._known: dict[bytes, str] = {}

    def answers(self, lines: Iterable[bytes]) -> Iterator[str]:
        for raw in lines:
            text = raw.rstrip(b"\r\n")
            if text not in self._known:
                if len(self._known) > 4096:
                    self._known.clear()
                self._known[text] = self._one(text)
            found = self._known[text]
            if found.startswith('{"error"'):
                self.exit_code = EXIT_CANNOT_TELL
            yield found

    def _one(self, text: bytes) -> str:
        from gpudoctor.report.compat import line

        try:
            given = json.loads(text.decode("utf-8"))
            if not isinstance(given, dict):
                raise GpudoctorError('a question is an object, such as {"gpu": "RTX 5090", "torch": "2.5.1"}')
            return json.dumps(line(ask(given)), ensure_ascii=False)
        except GpudoctorError as error:
            said = error.what + (f"; {error.hint}" if error.hint else "")
        except (ValueError, RecursionError) as error:
            said = f"the line is not JSON: {error}" if text.strip() else "the line is empty"
        except Exception as error:
            # A bug of ours in one line must not take the others' answers with it.
            said = f"gpudoctor broke on this line: {type(error).__name__}: {error}"
        return json.dumps({"error": said, "compatible": None}, ensure_ascii=False)


def read_lines(path: str) -> Iterator[bytes]:
    """The lines of a file, "-" is standard input. Raises GpudoctorError when it can't be read."""
    import sys

    if path == "-":
        yield from sys.stdin.buffer
        return
    try:
        with open(path, "rb") as file:
            yield from file
    except OSError as error:
        raise GpudoctorError(
            f"{path} can't be read: {error.strerror or error}", context="--batch", note="nothing was judged"
        ) from None
