"""Which of several CDI specifications counts."""

from __future__ import annotations

from collections.abc import Sequence

from gpudoctor.facts.containers import CdiSpec

#: Later folders win (the CDI library's default order).
ORDER = ("/etc/cdi", "/var/run/cdi", "/run/cdi")


def folder(spec: CdiSpec) -> str:
    return spec.path.rpartition("/")[0]


def priority(spec: CdiSpec) -> int:
    place = folder(spec)
    return ORDER.index(place) if place in ORDER else -1


def winners(spec: CdiSpec, specs: Sequence[CdiSpec]) -> list[CdiSpec]:
    """Specifications of a later folder that define devices of this one."""
    if priority(spec) < 0:
        return []
    return [
        other
        for other in specs
        if priority(other) > priority(spec) and set(other.devices) & set(spec.devices)
    ]


def overridden(spec: CdiSpec, specs: Sequence[CdiSpec]) -> bool:
    """All of its devices are defined in later folders too: no engine looks at it."""
    stronger: set[str] = set()
    for other in winners(spec, specs):
        stronger |= set(other.devices)
    return bool(spec.devices) and set(spec.devices) <= stronger
