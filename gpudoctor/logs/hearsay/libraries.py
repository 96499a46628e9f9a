"""The CUDA libraries of a text, as `ldconfig -p` lists them."""

from __future__ import annotations

from gpudoctor.facts.libraries import Libraries, Library
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.logs.told import Told

VIA = "the text"


def told(told: Told) -> tuple[Libraries, tuple[str, ...]]:
    if " => /" not in told.text:
        return Libraries(), ()
    from gpudoctor.parsers.cudalibs import family_of, version_in
    from gpudoctor.parsers.system_lists import ldconfig

    shown, _ = ldconfig(told.text)
    copies = []
    for name, path in shown:
        family = family_of(name)
        if family and ".so." in name:
            version = version_in(path.rpartition("/")[2])
            found = Known(version, VIA) if version else Unknown("the name does not tell it")
            copies.append(Library(family, name, path, path, "loader-cache", found))
    if not copies:
        return Libraries(), ()
    return Libraries(copies=Known(tuple(copies), VIA), cache=Known("/etc/ld.so.cache", VIA)), (
        "framework-cuda-version-mismatch",
    )
