"""Records to JSON and back, and their JSON Schema: all three derived from the types, so they cannot disagree.

Shapes: a record is an object of its fields; a tuple an array; `Known` is `{"value": …, "via": …}`, `Absent` is
`{"absent": where}`, `Unknown` is `{"unknown": why, "would_help": …}`. Nothing else serialises records.

Third-party text formats (TOML, YAML) are read here too: their packages are imported only when a file of theirs is met.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeVar

from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.facts.record import Record

R = TypeVar("R", bound=Record)


class CodecError(ValueError):
    """What does not fit its type. `where` is a path such as "gpu.nvml.devices[2].uuid"."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where or 'top level'}: {problem}")
        self.where = where or "top level"
        self.problem = problem


def encode(value: Any) -> Any:
    """A record (or any value inside one) as plain JSON values."""
    if isinstance(value, Known):
        return {"value": encode(value.value), "via": value.via}
    if isinstance(value, Absent):
        return {"absent": value.looked_in}
    if isinstance(value, Unknown):
        return {"unknown": value.reason, "would_help": value.would_help}
    if isinstance(value, Record):
        return {name: encode(getattr(value, name)) for name in value.record_fields}
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def to_json(value: Any, indent: int | None = 2) -> str:
    import json

    return json.dumps(encode(value), indent=indent, ensure_ascii=False)


def decode(kind: type[R], data: Any) -> R:
    """A record of type `kind`. Fields that are missing take their default (an observed field: "not looked at");
    names that `kind` does not have are left out, so a newer tool's snapshot can be read. Raises CodecError."""
    result: R = _decode(kind, data, "")
    return result


def _decode(kind: Any, data: Any, where: str) -> Any:
    import types
    import typing

    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return data
    if origin in (typing.Union, types.UnionType):
        return _decode_union(arguments, data, where)
    if origin is typing.Literal:
        if data not in arguments:
            raise CodecError(where, f"{data!r} is not one of {', '.join(map(repr, arguments))}")
        return data
    if origin is tuple:
        items = _expect(list, data, where)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_decode(arguments[0], item, f"{where}[{n}]") for n, item in enumerate(items))
        if len(items) != len(arguments):
            raise CodecError(where, f"{len(items)} values where {len(arguments)} belong")
        return tuple(
            _decode(a, item, f"{where}[{n}]")
            for n, (a, item) in enumerate(zip(arguments, items, strict=True))
        )
    if origin is not None and issubclass(origin, Mapping):
        pairs = _expect(dict, data, where)
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in pairs.items()}
    if isinstance(kind, type) and issubclass(kind, Record):
        return _decode_record(kind, data, where)
    return _decode_scalar(kind, data, where)


def _decode_scalar(kind: Any, data: Any, where: str) -> Any:
    if kind is type(None):
        return _expect(type(None), data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if kind is int and isinstance(data, bool):
        raise CodecError(where, "a truth value where a number belongs")
    return _expect(kind, data, where)


def _decode_union(choices: tuple[Any, ...], data: Any, where: str) -> Any:
    import typing

    known = next((c for c in choices if typing.get_origin(c) is Known), None)
    if known is not None:
        return _decode_observed(typing.get_args(known)[0], data, where)
    if data is None and type(None) in choices:
        return None
    rest = [c for c in choices if c is not type(None)]
    return _decode(rest[0], data, where) if len(rest) == 1 else data


def _decode_observed(kind: Any, data: Any, where: str) -> Any:
    fields = _expect(dict, data, where)
    if "value" in fields:
        return Known(
            _decode(kind, fields["value"], where), _expect(str, fields.get("via", ""), f"{where}.via")
        )
    if "absent" in fields:
        return Absent(_expect(str, fields["absent"], f"{where}.absent"))
    if "unknown" in fields:
        help_ = _expect(str, fields.get("would_help", ""), f"{where}.would_help")
        return Unknown(_expect(str, fields["unknown"], f"{where}.unknown"), help_)
    raise CodecError(where, "neither value, absent nor unknown")


def _decode_record(kind: type[Record], data: Any, where: str) -> Record:
    from gpudoctor.facts.record import field_types

    fields = _expect(dict, data, where)
    types = field_types(kind)
    values = {
        name: _decode(types[name], fields[name], f"{where}.{name}" if where else name)
        for name in kind.record_fields
        if name in fields
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise CodecError(where, str(error)) from None


def _expect(kind: Any, data: Any, where: str) -> Any:
    if not isinstance(data, kind):
        raise CodecError(where, f"{type(data).__name__} where {getattr(kind, '__name__', kind)} belongs")
    return data


# ---------------------------------------------------------------- schema

_SCALARS: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


class _Definitions(dict[str, Any]):
    """Name -> schema. Two records may bear one name (a driver's `Package` is not a framework's): the second gets its
    module's before it."""

    def __init__(self) -> None:
        self._kinds: dict[str, type[Record]] = {}

    def name(self, kind: type[Record]) -> str:
        name = kind.__name__
        if self._kinds.setdefault(name, kind) is not kind:
            name = kind.__module__.rpartition(".")[2].title().replace("_", "") + name
            assert self._kinds.setdefault(name, kind) is kind, f"two records are called {name}"
        return name


def schema(kind: type[Record], identifier: str, title: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a record type, with a definition per record."""
    definitions = _Definitions()
    top = _schema(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        "title": title,
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema(kind: Any, definitions: _Definitions) -> dict[str, Any]:
    import types
    import typing

    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return {}
    if origin in (typing.Union, types.UnionType):
        known = next((c for c in arguments if typing.get_origin(c) is Known), None)
        if known is not None:
            return _observed_schema(typing.get_args(known)[0], definitions)
        return {"anyOf": [_schema(choice, definitions) for choice in arguments]}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if isinstance(kind, type) and issubclass(kind, Record):
        return _record_schema(kind, definitions)
    return {"type": _SCALARS[kind]}


def _observed_schema(kind: Any, definitions: _Definitions) -> dict[str, Any]:
    """Known, Absent or Unknown: a definition per type of value, and one each for the other two."""
    import json
    import re

    text = {"type": "string"}
    value = _schema(kind, definitions)
    name = "Known_" + "_".join(re.findall(r"\w+", json.dumps(value).replace("#/$defs/", "")))
    definitions[name] = _object({"value": value, "via": text})
    definitions["Absent"] = _object({"absent": text})
    definitions["Unknown"] = _object({"unknown": text, "would_help": text})
    return {"oneOf": [{"$ref": f"#/$defs/{choice}"} for choice in (name, "Absent", "Unknown")]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _record_schema(kind: type[Record], definitions: _Definitions) -> dict[str, Any]:
    from gpudoctor.facts.record import field_types

    name = definitions.name(kind)
    if name not in definitions:
        definitions[name] = {}  # a record may contain itself (a subject's parent)
        fields = {field: _schema(hint, definitions) for field, hint in field_types(kind).items()}
        about = (kind.__doc__ or "").strip().partition("\n\n")[0]
        definitions[name] = {"description": " ".join(about.split()), **_object(fields)}
    return {"$ref": f"#/$defs/{name}"}


# ---------------------------------------------------------------- third-party text formats


def toml_loads(text: str) -> dict[str, Any]:
    """A TOML document. Raises ValueError that names line and column.

    >>> toml_loads("version = 2")
    {'version': 2}
    """
    if sys.version_info >= (3, 11):
        import tomllib as toml
    else:
        import tomli as toml
    try:
        return dict(toml.loads(text))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def yaml_loads(text: str) -> Any:
    """A YAML document (JSON is YAML too). Raises ValueError that names line and column.

    >>> yaml_loads("kind: nvidia.com/gpu")
    {'kind': 'nvidia.com/gpu'}
    """
    import yaml

    # libyaml's loader is ten times as fast; a CDI specification of an eight-GPU node has a thousand lines.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_deep(yaml.parse(text, Loader=loader))
        return yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{place}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


#: Nobody nests deeper by intention.
DEEPEST = 64


def _refuse_deep(events: Any) -> None:
    """libyaml's loader builds nested nodes by recursion in C: brackets by the ten thousand crash the interpreter."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > DEEPEST:
            mark = event.start_mark
            raise ValueError(f"line {mark.line + 1}, column {mark.column + 1}: nested too deeply")


def yaml_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """The line, from 1, of every key and list item of a YAML document. Raises ValueError as `yaml_loads` does.

    >>> yaml_lines("services:\\n  a:\\n    image: x")[("services", "a", "image")]
    3
    """
    import yaml

    yaml_loads(text)  # says what is wrong with it
    found: dict[tuple[str | int, ...], int] = {}

    def walk(node: Any, path: tuple[str | int, ...], depth: int) -> None:
        if depth > DEEPEST:  # an anchor within itself
            return
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                found[(*path, str(key.value))] = key.start_mark.line + 1
                walk(value, (*path, str(key.value)), depth + 1)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                found[(*path, number)] = item.start_mark.line + 1
                walk(item, (*path, number), depth + 1)

    walk(yaml.compose(text, Loader=yaml.SafeLoader), (), 0)
    return found
