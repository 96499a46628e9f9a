"""Every copy of CUDA's user libraries, the loader's search, and what each framework would load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpudoctor.facts.frameworks import Interpreter
from gpudoctor.facts.libraries import Library, Load, LoaderDir
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.parsers.cudalibs import family_of, maybe
from gpudoctor.probes._copies import Site, copies, names_in
from gpudoctor.system import loader
from gpudoctor.system.port import Port, exists, is_dir, observe

_VIA = "LD_LIBRARY_PATH, /etc/ld.so.cache, default folders, toolkits, wheels, conda"


def interpreters(port: Port) -> Observed[tuple[Interpreter, ...]]:
    """The interpreters whose environments are examined, with their builds (asked once, whoever asks first)."""

    def ask() -> Observed[tuple[Interpreter, ...]]:
        import importlib

        try:
            frameworks = importlib.import_module("gpudoctor.probes.frameworks")
        except ImportError:
            return Unknown("interpreters are not examined")
        answer: Observed[tuple[Interpreter, ...]] = frameworks.FIELDS["interpreters"](port)
        return answer

    return port.memo("libraries.interpreters", ask)


def _copies(port: Port) -> Observed[tuple[Library, ...]]:
    def ask() -> tuple[Library, ...]:
        known = value_of(interpreters(port), ())
        sites = [
            Site(folder, i.prefix)
            for i in known
            for folder in i.path_order
            if folder.endswith(("site-packages", "dist-packages"))
        ]
        conda = [i.prefix for i in known if i.kind == "conda" and i.prefix]
        if port.env.get("CONDA_PREFIX", "").startswith("/"):
            conda.append(port.env["CONDA_PREFIX"])
        return copies(port, sites, conda)

    return port.memo("libraries.copies", lambda: observe(ask, _VIA))


def _search(port: Port) -> Observed[tuple[LoaderDir, ...]]:
    return observe(lambda: tuple(loader_search(port)), "LD_LIBRARY_PATH, /etc/ld.so.conf, default folders")


def loader_search(port: Port) -> list[LoaderDir]:
    """The folders in the loader's order, each once, with who names it."""
    found: dict[str, LoaderDir] = {}
    for place in loader.search_dirs(port):
        if place.path not in found:
            there: Observed[bool] = Known(is_dir(port, place.path), place.path)
            found[place.path] = LoaderDir(place.path, place.source, there, place.empty)
    return list(found.values())


def _cache(port: Port) -> Observed[str]:
    answer = observe(lambda: loader.read_cache(port), loader.CACHE)
    return Known(loader.CACHE, loader.CACHE) if isinstance(answer, Known) else answer


def _uncached(port: Port) -> Observed[tuple[str, ...]]:
    """CUDA libraries in ldconfig's folders that the cache does not know; ldconfig has to be run."""
    answer = observe(lambda: loader.read_cache(port), loader.CACHE)
    if not isinstance(answer, Known):
        return answer if isinstance(answer, Absent) else Unknown(answer.reason)
    cached = {e.path for e in answer.value}
    real = {port.realpath(path) for path in cached if maybe(path.rpartition("/")[2])}
    missing = []
    for place in loader.configured_dirs(port):
        for name in sorted(names_in(port, place.path)):
            path = f"{place.path}/{name}"
            if maybe(name) and family_of(name) and ".so." in name and port.realpath(path) not in real:
                missing.append(path)
    gone = [e.path for e in answer.value if maybe(e.name) and not exists(port, e.path)]
    return Known(tuple(missing + gone), loader.CACHE)


def _loads(port: Port) -> Observed[tuple[Load, ...]]:
    known = interpreters(port)
    if not isinstance(known, Known):
        return known
    if not any(i.builds for i in known.value):
        return Known((), "no framework is installed")
    from gpudoctor.probes._loads import loads

    return observe(lambda: loads(port, known.value, _copies(port)), "ELF files and the loader's rules")


FIELDS: dict[str, Callable[[Port], Observed[Any]]] = {
    "copies": _copies,
    "search": _search,
    "cache": _cache,
    "uncached": _uncached,
    "loads": _loads,
}
