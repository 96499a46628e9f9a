"""The toolkit's own /etc/nvidia-container-runtime/config.toml. Its file comes with most keys commented out:

    [nvidia-container-cli]
    #no-cgroups = false
    ldconfig = "@/sbin/ldconfig"

A key that is set goes below its commented line, and every comment stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpudoctor.runtimes.edited import Edited, Refused
from gpudoctor.runtimes.toml_text import Document

PATH = "/etc/nvidia-container-runtime/config.toml"
#: Keys that may be set, and what they hold (the toolkit's api/config/v1).
KEYS: Mapping[str, type] = {
    "disable-require": bool,
    "accept-nvidia-visible-devices-envvar-when-unprivileged": bool,
    "accept-nvidia-visible-devices-as-volume-mounts": bool,
    "supported-driver-capabilities": str,
    "nvidia-container-cli.no-cgroups": bool,
    "nvidia-container-cli.ldconfig": str,
    "nvidia-container-cli.root": str,
    "nvidia-container-cli.path": str,
    "nvidia-container-cli.load-kmods": bool,
    "nvidia-container-cli.debug": str,
    "nvidia-container-cli.ldcache": str,
    "nvidia-container-cli.user": str,
    "nvidia-container-runtime.mode": str,
    "nvidia-container-runtime.debug": str,
    "nvidia-container-runtime.log-level": str,
}
MODES = ("auto", "legacy", "cdi", "csv", "jit-cdi")


def value_of(key: str, given: str) -> bool | str:
    """The value that `given` (from a command line) means for this key. Raises Refused for what the toolkit would not take."""
    if key not in KEYS:
        raise Refused(f"the toolkit has no setting {key}", hint=f"known: {', '.join(KEYS)}")
    if KEYS[key] is bool:
        if given not in ("true", "false"):
            raise Refused(f"{key} is true or false, not {given!r}")
        return given == "true"
    if key.endswith(".mode") and given not in MODES:
        raise Refused(f"{key} is one of {', '.join(MODES)}, not {given!r}")
    if key.endswith(".ldconfig") and not given.startswith("@/"):
        raise Refused(
            f"{key} must start with @/: without the @ it is the container's ldconfig",
            hint='"@/sbin/ldconfig" on most systems',
        )
    return given


def put(text: str, settings: Mapping[str, bool | str]) -> Edited:
    """Set keys ("nvidia-container-cli.no-cgroups" -> False). Raises Refused."""
    document = Document(text)
    changed = []
    for key, value in settings.items():
        path = tuple(key.split("."))
        if document.get(*path) != value:
            document.put(path, value)
            changed.append(key)
    return Edited(document.text, tuple(changed))


def unset(text: str, keys: tuple[str, ...]) -> Edited:
    """Take keys out: the toolkit's own defaults hold again. Raises Refused."""
    document = Document(text)
    changed = []
    for key in keys:
        path = tuple(key.split("."))
        if document.get(*path) is not None:
            document.drop(path)
            changed.append(key)
    return Edited(document.text, tuple(changed))
