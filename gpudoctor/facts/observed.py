"""Values that admit ignorance.

A field of a fact is `Known`, `Absent` or `Unknown`; never a bare `None`. *Absent* means: we looked, in the
places named, and it is not there. *Unknown* means: we could not look. A tool that lets the second read as
the first reports a sick machine as healthy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, Union

from gpudoctor.facts.record import Record

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


class Known(Record, Generic[T_co]):
    """A value and where it was read: a path, a command, a library call.

    >>> Known("550.163.01", "/sys/module/nvidia/version").value
    '550.163.01'
    """

    value: T_co
    via: str


class Absent(Record):
    """Looked for and not there; `looked_in` names the places."""

    looked_in: str


class Unknown(Record):
    """Could not look. `would_help` says what could answer: `root`, `host`, `wake`, or nothing (empty)."""

    reason: str
    would_help: str = ""


Observed = Union[Known[T], Absent, Unknown]

#: The default of every observed field: nobody has asked. Reading it as "not there" would be a lie.
UNASKED = Unknown("not looked at")
#: It was asked, and had not answered when the time for everything was over.
LATE = Unknown("no answer before the deadline (--timeout gives more time)")


def value_of(observed: Observed[T], default: U) -> T | U:
    """The value if it is known, else `default`. For evidence and wording; a judgement uses `need`."""
    return observed.value if isinstance(observed, Known) else default


def known(observed: Observed[Any]) -> bool:
    return isinstance(observed, Known)


def absent(observed: Observed[Any]) -> bool:
    return isinstance(observed, Absent)


def unknown(observed: Observed[Any]) -> bool:
    return isinstance(observed, Unknown)


def mapped(observed: Observed[T], function: Callable[[T], U]) -> Observed[U]:
    """The same observation with its value put through `function`; ignorance passes through unchanged."""
    return Known(function(observed.value), observed.via) if isinstance(observed, Known) else observed


def first_known(*observations: Observed[T]) -> Observed[T]:
    """The first known value, else the first Unknown (ignorance outranks absence), else the last Absent."""
    for observed in observations:
        if isinstance(observed, Known):
            return observed
    for observed in observations:
        if isinstance(observed, Unknown):
            return observed
    return observations[-1] if observations else UNASKED
