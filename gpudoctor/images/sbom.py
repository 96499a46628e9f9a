"""A bill of materials of an image, from its own records, without running it: CycloneDX 1.5.

Read are Python's METADATA (PEP 566) and PKG-INFO, conda's conda-meta, dpkg's status (also distroless images' status.d) and
Alpine's installed database. RPM's database is binary: an image that has one is told of, not guessed. The same image gives the
same bytes: no time, no random number.

Sources: https://cyclonedx.org/docs/1.5/json/ https://github.com/package-url/purl-spec/blob/main/PURL-TYPES.rst
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from gpudoctor.facts.record import Record
from gpudoctor.system.port import FileInfo

#: A record is some kilobytes, dpkg's status some megabytes; what is larger is no record (bytes).
RECORD_LIMIT = 64 << 20
RPM = ("/var/lib/rpm/", "/usr/lib/sysimage/rpm/")


class Files(Protocol):
    """What an image's port and a folder's have: every file, and its bytes."""

    def walk(self) -> Iterator[tuple[str, FileInfo]]: ...

    def read(self, path: str, limit: int = ...) -> bytes: ...


class Component(Record):
    """One package. `kind` of the package URL: "pypi", "conda", "deb", "apk". `place`: the record that names it."""

    kind: str
    name: str
    version: str
    place: str
    architecture: str = ""
    licence: str = ""


class Materials(Record):
    """`unread`: package databases that are there and were not understood."""

    components: tuple[Component, ...]
    unread: tuple[str, ...] = ()


def materials(files: Files) -> Materials:
    """Every package that the image's records name; one that is there twice is named twice, with both places."""
    found: list[Component] = []
    unread: list[str] = []
    for path, info in files.walk():
        if info.kind != "file" or info.size > RECORD_LIMIT:
            continue
        if path.startswith(RPM) and path.endswith(("/rpmdb.sqlite", "/Packages", "/Packages.db")):
            unread.append(path)
        else:
            found += _components(files, path)
    found.sort(key=lambda c: (c.kind, c.name, c.version, c.place))
    return Materials(tuple(found), tuple(sorted(unread)))


def _components(files: Files, path: str) -> list[Component]:
    """What one record names; a broken one names nothing."""
    parse = _parser(path)
    if parse is None:
        return []
    try:
        return list(parse(files.read(path, RECORD_LIMIT), path))
    except (OSError, ValueError):
        return []


def _parser(path: str) -> Callable[[bytes, str], Iterable[Component]] | None:
    if path.endswith((".dist-info/METADATA", ".egg-info/PKG-INFO")):
        return _python
    if "/conda-meta/" in path and path.endswith(".json"):
        return _conda
    if path == "/var/lib/dpkg/status":
        return _debian
    if path.startswith("/var/lib/dpkg/status.d/") and not path.endswith(".md5sums"):
        return _debian
    return _alpine if path == "/lib/apk/db/installed" else None


def _python(data: bytes, path: str) -> Iterable[Component]:
    import email.parser
    import email.policy

    head = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(data)
    name, version = str(head["Name"] or ""), str(head["Version"] or "")
    if name and version:
        licence = str(head["License-Expression"] or "")
        yield Component("pypi", name.lower().replace("_", "-").replace(".", "-"), version, path, "", licence)


def _conda(data: bytes, path: str) -> Iterable[Component]:
    record = json.loads(data)
    if isinstance(record, dict) and record.get("name") and record.get("version"):
        yield Component(
            "conda", str(record["name"]), str(record["version"]), path, "", str(record.get("license") or "")
        )


def _debian(data: bytes, path: str) -> Iterable[Component]:
    for stanza in data.decode("utf-8", "replace").split("\n\n"):
        fields = _fields(stanza, ":")
        status = fields.get("Status", "install ok installed")
        if fields.get("Package") and fields.get("Version") and status.endswith(" installed"):
            yield Component("deb", fields["Package"], fields["Version"], path, fields.get("Architecture", ""))


def _alpine(data: bytes, path: str) -> Iterable[Component]:
    for stanza in data.decode("utf-8", "replace").split("\n\n"):
        fields = _fields(stanza, ":")
        if fields.get("P") and fields.get("V"):
            yield Component("apk", fields["P"], fields["V"], path, fields.get("A", ""), fields.get("L", ""))


def _fields(stanza: str, separator: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in stanza.splitlines():
        key, split, value = line.partition(separator)
        if split and key and not key[0].isspace():
            found.setdefault(key, value.strip())
    return found


# ---------------------------------------------------------------- CycloneDX


def cyclonedx(image: str, found: Materials, release: Mapping[str, str], version: str) -> dict[str, Any]:
    """The document. `release`: the image's os-release, for the package URLs of its distribution; `version`: ours."""
    import uuid

    components = [_component(c, release) for c in found.components]
    content = image + "\n" + json.dumps(components, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "gpudoctor", "version": version}]},
            "component": {"type": "container", "bom-ref": "image", "name": image},
            "properties": [{"name": "gpudoctor:unread", "value": path} for path in found.unread],
        },
        "components": components,
    }


def _component(component: Component, release: Mapping[str, str]) -> dict[str, Any]:
    url = package_url(component, release)
    made: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{url}#{component.place}",
        "name": component.name,
        "version": component.version,
        "purl": url,
        "properties": [{"name": "gpudoctor:record", "value": component.place}],
    }
    if component.licence:
        made["licenses"] = [{"license": {"name": component.licence}}]
    return made


def package_url(component: Component, release: Mapping[str, str]) -> str:
    """The package's URL.

    >>> package_url(Component("deb", "libc6", "2.35-0ubuntu3", "", "amd64"), {"ID": "ubuntu", "VERSION_ID": "22.04"})
    'pkg:deb/ubuntu/libc6@2.35-0ubuntu3?arch=amd64&distro=ubuntu-22.04'
    """
    system = release.get("ID", "")
    space = f"{quote(system)}/" if component.kind in ("deb", "apk") and system else ""
    qualifiers = []
    if component.architecture:
        qualifiers.append(f"arch={quote(component.architecture)}")
    if space and release.get("VERSION_ID"):
        qualifiers.append(f"distro={quote(system)}-{quote(release['VERSION_ID'])}")
    name, version = quote(component.name, safe=""), quote(component.version, safe="")
    return f"pkg:{component.kind}/{space}{name}@{version}" + (
        f"?{'&'.join(qualifiers)}" if qualifiers else ""
    )
