"""The way that packages take to the machine: a mirror, a proxy, a folder of wheels that somebody carries there."""

from __future__ import annotations

import re
import shlex

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence
from gpudoctor.knowledge.mirrors import Profile, profile

#: Where PyTorch publishes its builds, one index for each variant.
TORCH_INDEX = "https://download.pytorch.org/whl/"

_PROXY = re.compile(r"(https?|socks4a?|socks5h?)://(?:[^\s@'\"`$\\]+@)?[\w.-]+(?::\d{1,5})?/?")


class Route(Record):
    """`proxy` "" is the tools' own; `wheelhouse` "" is an installation over the network."""

    mirror: Profile = Profile("none")
    proxy: str = ""
    wheelhouse: str = ""

    def indexes(self, variant: str) -> tuple[str, ...]:
        """The first index and those beside it. `variant`: a build that only PyTorch's index has ("cu126"), or "".
        () is what pip is configured to use."""
        own = self.mirror.pip_index
        if not variant:
            return (own,) if own else ()
        torch = self.mirror.torch_index(variant) or f"{TORCH_INDEX}{variant}"
        # PyTorch's own index has all that torch requires; of a mirror nobody knows.
        return (own, torch) if own else (torch,)


def route(mirror: str = "", proxy: str = "", wheelhouse: str = "") -> Route:
    """Raises GpudoctorError for an unknown profile and for a proxy that is none."""
    if proxy and not _PROXY.fullmatch(proxy):
        raise GpudoctorError(
            f"{proxy!r} is no proxy",
            context="--proxy",
            note="nothing was planned",
            hint="a scheme, a host and a port: http://127.0.0.1:3128 or socks5h://127.0.0.1:1080",
        )
    if any(c in wheelhouse for c in "\n\r\0"):
        raise GpudoctorError("the name of the wheelhouse has a line break in it", context="--wheelhouse")
    return Route(profile(mirror), proxy, wheelhouse)


def pip_options(indexes: tuple[str, ...], proxy: str = "") -> str:
    """Behind `pip install`; with a space in front, "" where there are none."""
    found = [f" --index-url {shlex.quote(url)}" for url in indexes[:1]]
    found += [f" --extra-index-url {shlex.quote(url)}" for url in indexes[1:]]
    found += [f" --proxy {shlex.quote(proxy)}"] if proxy else []
    return "".join(found)


def requirement_lines(indexes: tuple[str, ...]) -> list[str]:
    """The same in a requirements file. It has no place for a proxy."""
    return [f"--{'extra-' if number else ''}index-url {url}" for number, url in enumerate(indexes) if url]


def uv_options(indexes: tuple[str, ...]) -> str:
    """uv takes a package from the first index that has it, unless told to look at all of them."""
    strategy = " --index-strategy unsafe-best-match" if len(indexes) > 1 else ""
    return pip_options(indexes) + strategy


def reasons(way: Route, variant: str) -> list[Evidence]:
    """Why these addresses, and what else is known."""
    found = []
    chosen = [m for m in way.mirror.pip if m.url == way.mirror.pip_index]
    if variant:
        url = way.mirror.torch_index(variant)
        chosen += [m for m in way.mirror.torch if m.url.replace("{variant}", variant) == url]
    for mirror in chosen:
        found.append(Evidence("mirror", f"{mirror.name}: {mirror.url}", _dated(way.mirror, mirror.source)))
    if way.mirror.name != "none" and variant and not way.mirror.torch_index(variant):
        words = f"the profile {way.mirror.name} has no mirror of PyTorch's builds: they come from PyTorch"
        found.append(Evidence("mirror", words, way.mirror.source))
    if way.proxy.startswith("socks"):
        words = "pip speaks SOCKS only with PySocks installed: carry its wheel there, or use an HTTP proxy"
        found.append(
            Evidence("proxy", words, "https://pip.pypa.io/en/stable/user_guide/#using-a-proxy-server")
        )
    return found


def _dated(mirror: Profile, text: str) -> str:
    return f"{text}; read on {mirror.checked}" if mirror.checked else text
