"""Frozen records: the one base class of every fact, finding and report.

Why not `dataclasses`: start-up is a feature. On the reference machine `import dataclasses` costs as much as
the bare interpreter does, and every frozen dataclass compiles its methods at import (about 0.4 ms each).
A `Record` subclass costs a few microseconds, and type checkers see the same thing (PEP 681).
"""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Any:
        return lambda cls: cls


@dataclass_transform(frozen_default=True, eq_default=True)
class Record:
    """A frozen value with named fields, declared by annotations as in a dataclass.

    Fields without a default come first. Instances compare and hash by type and fields, print as they are
    written, and refuse assignment (`AttributeError`). `replace(**changes)` gives a changed copy.
    """

    record_fields: ClassVar[tuple[str, ...]] = ()
    _required: ClassVar[int] = 0
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = [
            n
            for n, a in cls.__annotations__.items()
            if not str(a).startswith(("ClassVar", "typing.ClassVar"))
        ]
        fields = list(cls.record_fields) + [n for n in own if n not in cls.record_fields]
        cls.record_fields = tuple(fields)
        required = 0
        for name in fields:
            if hasattr(cls, name):
                break
            required += 1
        cls._required = required
        cls._defaults = {name: getattr(cls, name) for name in fields[required:]}

    if not TYPE_CHECKING:

        def __init__(self, *args, **kwargs):
            fields = self.record_fields
            values = self.__dict__
            values.update(self._defaults)
            if args:
                if len(args) > len(fields):
                    raise TypeError(f"{type(self).__name__} takes {len(fields)} values, not {len(args)}")
                values.update(zip(fields, args))  # noqa: B905 - fewer positional values than fields is usual
            if kwargs:
                taken = fields[: len(args)]
                for name in kwargs:
                    if name not in fields or name in taken:
                        raise TypeError(f"{type(self).__name__} has no free field {name!r}")
                values.update(kwargs)
            if len(values) != len(fields):
                missing = next(name for name in fields if name not in values)
                raise TypeError(f"{type(self).__name__} needs {missing!r}")

    def replace(self, **changes: Any) -> Self:
        """The same record with some fields changed. Raises TypeError for a name that is no field."""
        values = dict(self.__dict__)
        unknown = set(changes) - set(self.record_fields)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {sorted(unknown)[0]!r}")
        values.update(changes)
        return type(self)(**values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *(_hashable(self.__dict__[name]) for name in self.record_fields)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{n}={self.__dict__[n]!r}" for n in self.record_fields)
        return f"{type(self).__name__}({inner})"


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(sorted((k, _hashable(v)) for k, v in value.items()))
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(v) for v in value)
    return value


def field_types(cls: type[Record]) -> dict[str, Any]:
    """Field name -> resolved type. Costs an evaluation of every annotation: for the codec, not for start-up."""
    hints = typing.get_type_hints(cls)
    return {name: hints[name] for name in cls.record_fields}
