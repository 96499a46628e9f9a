"""Kernels in a profile of XLA's kind (*.xplane.pb), which TensorFlow and JAX write: a protobuf, read without its library.

Fields, of tsl/profiler/protobuf/xplane.proto: XSpace.planes 1; XPlane.name 2, lines 3, event_metadata 4 (map: key 1, value 2);
XLine.events 4; XEvent.metadata_id 1, duration_ps 3; XEventMetadata.name 2.
"""

import os


def fields(data):
    """(number, value): whole numbers as such, everything else as bytes."""
    at, end = 0, len(data)
    while at < end:
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            width = 8 if kind == 1 else 4
            value, at = data[at : at + width], at + width
        yield key >> 3, value


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def planes(data):
    """(name, [(event's name, picoseconds)]) of each plane."""
    for number, plane in fields(data):
        if number != 1:
            continue
        name, events, known = "", [], {}
        for field, value in fields(plane):
            if field == 2:
                name = value.decode("utf-8", "replace")
            elif field == 4:
                entry = dict(fields(value))
                told = dict(fields(entry.get(2, b"")))
                known[entry.get(1, 0)] = told.get(2, b"").decode("utf-8", "replace")
            elif field == 3:
                events += [dict(fields(event)) for f, event in fields(value) if f == 4]
        yield name, [(known.get(e.get(1, 0), ""), e.get(3, 0)) for e in events]


def files(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".xplane.pb"):
                yield os.path.join(place, name)


def kernels(folder):
    """What the child says of a profile: how many kernels ran on a GPU, how long, and some of their names."""
    found, seen = [], []
    for path in files(folder):
        with open(path, "rb") as file:
            for name, events in planes(file.read()):
                seen.append(name)
                if name.startswith("/device:GPU"):
                    found += [e for e in events if e[0] and not e[0].lower().startswith(("memcpy", "memset"))]
    why = (
        ""
        if found
        else "no kernel among the planes of the profile (%s)" % (", ".join(sorted(set(seen))) or "none")
    )
    names = sorted({name for name, _ in found})
    return {"count": len(found), "seconds": sum(t for _, t in found) / 1e12, "names": names[:3], "why": why}
