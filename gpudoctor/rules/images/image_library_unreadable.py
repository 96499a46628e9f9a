"""The image's user may not read what its framework needs

What it is: The interpreter, or a library that the loader's search ends at, lies below a folder that the image's user may not
enter, or is a file that only root may read: an environment in /root, files copied with a strict umask.

Why it hurts: For root, who built and tried the image, all works. For the user the loader passes the file by ("cannot open
shared object file: Permission denied") and frameworks leave the GPU out.

How to tell: Owner and mode of the file and of every folder above it, against the user's uid and groups.

How to fix: Install outside of /root (a virtual environment in /opt/venv), or COPY --chown and chmod a+rX.

Sources: https://man7.org/linux/man-pages/man7/path_resolution.7.html
https://docs.docker.com/reference/dockerfile/#user
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._image import the_image
from gpudoctor.rules.judging import need


def check(image: Image) -> Iterator[Problem]:
    account = need(the_image(image).account, "user of the image")
    if not account.unreadable:
        return
    first = account.unreadable[0]
    more = f" and {len(account.unreadable) - 1} more" if len(account.unreadable) > 1 else ""
    yield Problem(
        f"{account.name or 'the user'} (uid {account.uid}) may not read {first}{more}",
        evidence=tuple(Evidence("not readable", path) for path in account.unreadable[:8]),
        fix=Fix("Install it outside of /root, or open it to all", (f"RUN chmod -R a+rX {_top(first)}",)),
    )


def _top(path: str) -> str:
    return "/" + "/".join(path.split("/")[1:3])
