"""Mirror profiles: `--mirror none|cn|FILE`. Where pip, conda, apt and Bazel fetch instead of from their default places.

A profile is data: the two that have names are rows of `data/mirrors.json`, each row with its source; a FILE is the
user's own, JSON or TOML (docs/mirrors.md):

    pip = "https://mirror.example.com/pypi/simple"
    torch = "https://mirror.example.com/pytorch/{variant}"
    conda = ["https://mirror.example.com/conda-forge"]
    blocked = ["storage.googleapis.com"]
    [[apt]]
    path = "/ubuntu"
    to = "https://mirror.example.com/ubuntu"
    [[rewrites]]
    prefix = "github.com/"
    to = ["mirror.example.com/github/"]
    keep = true
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.knowledge.tables import source, table


class Mirror(Record):
    """An index or a channel. Not `verified`: named by third parties only; never chosen, only told of."""

    name: str
    url: str
    source: str
    verified: bool = True


class AptRule(Record):
    """A distribution's archive: a source whose path starts with `path` ("/ubuntu") is fetched from `to` instead,
    whatever its host. Sources of security updates are left alone: mirrors lag."""

    path: str
    to: str
    source: str
    verified: bool = True


class Rewrite(Record):
    """A download whose URL, without its scheme, starts with `prefix` ("github.com/") is fetched with one of `to`
    in its place, in order. `keep`: the original address comes last; else it is not asked."""

    prefix: str
    to: tuple[str, ...]
    source: str
    keep: bool = False
    verified: bool = True


class Profile(Record):
    """`pip`, `torch` and `conda` in order of preference; `blocked`: hosts that are not asked at all. Empty is "as the
    tool is configured". `origin`: "the table" or the file's path."""

    name: str
    pip: tuple[Mirror, ...] = ()
    torch: tuple[Mirror, ...] = ()
    conda: tuple[Mirror, ...] = ()
    apt: tuple[AptRule, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    blocked: tuple[str, ...] = ()
    source: str = ""
    checked: str = ""
    origin: str = "the table"

    @property
    def pip_index(self) -> str:
        """The index for pip and uv; "" is their own."""
        return next((m.url for m in self.pip if m.verified), "")

    @property
    def conda_channels(self) -> tuple[str, ...]:
        """Channels for conda, the first alone suffices; () is conda's own."""
        return tuple(m.url for m in self.conda if m.verified)

    def torch_index(self, variant: str) -> str:
        """The index of PyTorch's builds of `variant` ("cu126"); "" is PyTorch's own."""
        found = next((m.url for m in self.torch if m.verified), "")
        return found.replace("{variant}", variant)

    def urls(self, url: str) -> tuple[str, ...]:
        """Where to fetch `url` from, best first; () where every address is blocked. As Bazel's downloader does it: every
        rule that matches adds its addresses in place of the original, and only then hosts are blocked.

        >>> profile("none").urls("https://github.com/a.tar.gz")
        ('https://github.com/a.tar.gz',)
        """
        scheme, _, rest = url.partition("://")
        found: list[str] = []
        for rule in self.rewrites:
            if rule.verified and rest.startswith(rule.prefix):
                found += [to + rest[len(rule.prefix) :] for to in rule.to] + ([rest] if rule.keep else [])
        whole = [f if "://" in f else f"{scheme}://{f}" for f in found or [rest]]
        return tuple(u for u in dict.fromkeys(whole) if u.split("/")[2] not in self.blocked)

    def apt_uri(self, uri: str) -> str:
        """A source of apt's, by the rule for its path: the host is not looked at, but for security sources.

        >>> profile("cn").apt_uri("http://some.host/ubuntu/")
        'https://mirrors.ustc.edu.cn/ubuntu/'
        """
        match = re.fullmatch(r"https?://([^/]+)(/.*)", uri)
        if match is None or "security" in uri:
            return uri
        for rule in self.apt:
            rest = match[2][len(rule.path) :]
            if rule.verified and match[2].startswith(rule.path) and rest[:1] in ("", "/"):
                return rule.to + rest
        return uri

    def downloader_config(self) -> str:
        """For Bazel's `--experimental_downloader_config=FILE`: one rule a line; "" where nothing is changed."""
        lines = [f"block {host}" for host in self.blocked]
        for rule in self.rewrites:
            if rule.verified:
                pattern = re.sub(r"([.+?()\[\]{}^$|\\])", r"\\\1", rule.prefix)
                kept = [rule.prefix] if rule.keep else []
                lines += [f"rewrite {pattern}(.*) {to}$1" for to in (*rule.to, *kept)]
        return "\n".join(lines) + "\n" if lines else ""


def names() -> tuple[str, ...]:
    return tuple(row["name"] for row in table("mirrors")["profiles"])


def profile(name_or_path: str) -> Profile:
    """The profile of a name ("none", "cn"; "" is "none") or of a file. Raises GpudoctorError for anything else."""
    found = table("mirrors")
    wanted = name_or_path or "none"
    row = next((r for r in found["profiles"] if r["name"] == wanted), None)
    if row is None:
        return _of_file(name_or_path)

    def said(one: Mapping[str, Any]) -> dict[str, Any]:
        return {**one, "source": source(found, one["source"])}

    return Profile(
        name=row["name"],
        pip=tuple(Mirror(**said(m)) for m in row["pip"]),
        torch=tuple(Mirror(**said(m)) for m in row["torch"]),
        conda=tuple(Mirror(**said(m)) for m in row["conda"]),
        apt=tuple(AptRule(**said(r)) for r in row["apt"]),
        rewrites=tuple(Rewrite(**{**said(r), "to": tuple(r["to"])}) for r in row["rewrites"]),
        blocked=tuple(b["host"] for b in row["blocked"]),
        source=source(found, row["source"]),
        checked=found["checked"],
    )


# ---------------------------------------------------------------- the user's file

_LISTS = ("pip", "torch", "conda", "blocked")
_TABLES = {"apt": {"path", "to"}, "rewrites": {"prefix", "to", "keep"}}
#: A profile is a page of text; what is larger is another file.
_LARGEST = 1_000_000


def _of_file(path: str) -> Profile:
    data = _parsed(path)
    unknown = sorted(set(data) - {"name", *_LISTS, *_TABLES})
    if unknown:
        known = ", ".join(("name", *_LISTS, *_TABLES))
        raise _bad(path, f"has no field {unknown[0]!r}", f"the fields are {known}")
    if not isinstance(data.get("name", ""), str):
        raise _bad(path, "gives a name that is no text", 'name = "office"')
    lists = {key: _texts(path, key, data.get(key, [])) for key in _LISTS}
    for key in ("pip", "torch", "conda"):
        for url in lists[key]:
            _url(path, key, url)
    for host in lists["blocked"]:
        if not re.fullmatch(r"[A-Za-z0-9.-]+", host):
            raise _bad(
                path, f"blocks {host!r}, which is no host name", 'blocked = ["storage.googleapis.com"]'
            )
    where = f"the profile {path}"
    name = data.get("name") or path
    return Profile(
        name=name,
        pip=tuple(Mirror(name, url, where) for url in lists["pip"]),
        torch=tuple(Mirror(name, url, where) for url in lists["torch"]),
        conda=tuple(Mirror(name, url, where) for url in lists["conda"]),
        apt=tuple(_apt(path, row) for row in _rows(path, "apt", data)),
        rewrites=tuple(_rewrite(path, row) for row in _rows(path, "rewrites", data)),
        blocked=lists["blocked"],
        source=where,
        origin=path,
    )


def _parsed(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        known = ", ".join(names())
        raise GpudoctorError(
            f"there is no mirror profile {path!r}",
            context="--mirror",
            note=f"not the name of one ({known}), and as a file: {error.strerror or error}",
            hint=f"--mirror {' | '.join(names())} | FILE; docs/mirrors.md says what the file holds",
        ) from None
    if len(raw) > _LARGEST:
        raise _bad(path, "is larger than a megabyte", "is it the right file?")
    try:
        text = raw.decode()
        if text.lstrip()[:1] == "{":
            import json

            data = json.loads(text)
        else:
            from gpudoctor.codec import toml_loads

            data = toml_loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(path, f"is neither JSON nor TOML: {error}", "docs/mirrors.md has an example") from None
    return dict(data)


def _bad(path: str, what: str, hint: str) -> GpudoctorError:
    return GpudoctorError(f"the mirror profile {what}", context=path, note="nothing was done", hint=hint)


def _texts(path: str, key: str, value: Any) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(v, str) and v for v in found):
        raise _bad(path, f"needs text, or a list of texts, as {key!r}", f'{key} = ["…"]')
    return tuple(found)


def _url(path: str, key: str, url: str) -> str:
    if not re.fullmatch(r"(https?|file)://[^\s'\"\\`$<>|;&]+", url):
        hint = "an address with https://, http:// or file://, and without spaces or quotes"
        raise _bad(path, f"gives {url!r} as {key!r}, which is no address", hint)
    return url


def _rows(path: str, key: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows, fields = data.get(key, []), _TABLES[key]
    shaped = isinstance(rows, list) and all(
        isinstance(r, dict) and fields - {"keep"} <= set(r) <= fields for r in rows
    )
    if not shaped:
        raise _bad(path, f"needs tables with the fields {', '.join(sorted(fields))} as {key!r}", f"[[{key}]]")
    return list(rows)


def _apt(path: str, row: Mapping[str, Any]) -> AptRule:
    if not isinstance(row["path"], str) or not re.fullmatch(r"/[\w.+~/-]+", row["path"]):
        raise _bad(path, f"gives {row['path']!r} as a path of apt's", 'path = "/ubuntu"')
    if not isinstance(row["to"], str):
        raise _bad(path, "needs one address as 'to' of 'apt'", 'to = "https://mirror.example.com/ubuntu"')
    return AptRule(row["path"].rstrip("/"), _url(path, "apt", row["to"]).rstrip("/"), f"the profile {path}")


def _rewrite(path: str, row: Mapping[str, Any]) -> Rewrite:
    prefix, to = row["prefix"], _texts(path, "to", row["to"])
    if not isinstance(prefix, str) or not re.fullmatch(r"[\w.-]+(?::\d+)?/[^\s$]*", prefix):
        raise _bad(
            path,
            f"gives {prefix!r} as the prefix of a rewrite",
            'a host and a path, without https://: "github.com/"',
        )
    for one in to:
        if not re.fullmatch(r"(?:https?://)?[\w.-]+(?::\d+)?/[^\s$]*", one):
            raise _bad(
                path,
                f"gives {one!r} as the target of a rewrite",
                'a host and a path that ends in "/": "mirror.example.com/github/"',
            )
    if not isinstance(row.get("keep", False), bool):
        raise _bad(path, "gives a 'keep' that is neither true nor false", "keep = true")
    return Rewrite(prefix, to, f"the profile {path}", row.get("keep", False))
