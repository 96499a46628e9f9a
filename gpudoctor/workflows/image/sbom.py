"""`image sbom`: the bill of materials of an image, from its own records."""

from __future__ import annotations

import os
from typing import Any

from gpudoctor import __version__
from gpudoctor.errors import GpudoctorError
from gpudoctor.images.sbom import Materials, cyclonedx, materials
from gpudoctor.parsers import os_release
from gpudoctor.workflows.image.verify import Request, open_files


def sbom(request: Request) -> tuple[dict[str, Any], Materials]:
    """The CycloneDX document, and what it was made of. Raises GpudoctorError for an image that can't be read, or one
    whose records name nothing: an empty bill would read as "nothing in it"."""
    port = open_files(request)
    found = materials(port)
    if not found.components:
        unread = f"; not understood: {', '.join(found.unread)}" if found.unread else ""
        raise GpudoctorError(
            f"no package record was found in {request.image}{unread}",
            note="no bill was written",
            hint="images FROM scratch, and those of RPM distributions, can't be told this way",
        )
    release: dict[str, str] = {}
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            said = os_release.parse(port.read(path, 1 << 16).decode("utf-8", "replace"))
        except (OSError, ValueError):
            continue
        release = {"ID": said.id, "VERSION_ID": said.version}
        break
    return cyclonedx(os.path.basename(request.image.rstrip("/")), found, release, __version__), found
