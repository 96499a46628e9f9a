"""What `plan driver`, `plan cuda` and their like answer, and what they share: the commands of a table, filled in for this
machine and its way to the network."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from gpudoctor.advice.doubts import Because
from gpudoctor.advice.question import Question
from gpudoctor.advice.route import Route
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence
from gpudoctor.knowledge import install
from gpudoctor.knowledge.install import Distro, Recipe
from gpudoctor.knowledge.mirrors import Profile

TARGETS = ("driver", "cuda", "cudnn", "tensorrt", "container-toolkit")
METHODS = ("apt", "dnf", "zypper", "runfile", "pip", "conda")


class Retired(Record):
    """A package source that has to go before a new one can come. `lines` of its file ("3"); `whole`: nothing else is in it.
    `key`: the short id of a key that apt-key added for it, "" where none is known."""

    file: str
    why: str
    lines: tuple[int, ...] = ()
    whole: bool = True
    key: str = ""


class Setting(Record):
    """Where something is to be installed. `on` is None where NVIDIA has no repository for the distribution, or none is
    known: `distribution` then says what was found. `cuda`: the CUDA that is wanted, "" for any."""

    asked: Question
    way: Route = Route()
    on: Distro | None = None
    distribution: str = ""
    like: tuple[str, ...] = ()
    method: str = ""
    prefix: str = ""
    version: str = ""
    cuda: str = ""
    retired: tuple[Retired, ...] = ()

    @property
    def windows(self) -> bool:
        return self.asked.system in ("Windows", "WSL2")


class Installation(Record):
    """What to install. `method` "apt", "dnf", "dnf5", "tdnf", "zypper", "runfile", "pip", "conda", or "windows" (by hand,
    on Windows). `branch` and `flavour` ("open", "proprietary") of a driver; `legacy`: the last branch for these GPUs.
    `notes`: what no command does. `gpus` are served, `left_out` are not; neither where none is known."""

    target: str
    version: str
    method: str
    distribution: str
    commands: tuple[str, ...]
    branch: int | None = None
    flavour: str = ""
    legacy: bool = False
    gpus: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    caveats: tuple[Because, ...] = ()
    reasons: tuple[Evidence, ...] = ()


class Installable(Record):
    """`installation` is None where nothing fits (`possible` False) or knowledge ends (None): `because` says why."""

    installation: Installation | None
    possible: bool | None = True
    because: tuple[Because, ...] = ()
    needs: tuple[str, ...] = ()


def refused(because: Iterable[Because], needs: Iterable[str] = ()) -> Installable:
    return Installable(None, False, tuple(because), tuple(needs))


def not_known(words: str, *needs: str) -> Installable:
    return Installable(None, None, (Because("question", words),), needs)


# ---------------------------------------------------------------- where


def manager(setting: Setting) -> str:
    """The package manager, also of a distribution that NVIDIA has no repository for: by its family."""
    if setting.on is not None:
        return setting.on.manager
    families = {
        "debian": "apt",
        "ubuntu": "apt",
        "rhel": "dnf",
        "fedora": "dnf",
        "suse": "zypper",
        "opensuse": "zypper",
    }
    return next((families[name] for name in setting.like if name in families), "")


def no_repository(setting: Setting, what: str) -> Installable:
    known = ", ".join(install.distro_names())
    if not setting.distribution:
        raise GpudoctorError(
            "the distribution is not known",
            context="--distribution",
            note="nothing was planned",
            hint=f"name it (ubuntu24.04, rhel9...), or a --method that needs none: {what}",
        )
    return not_known(
        f"how it is installed on {setting.distribution} is in no table ({known})",
        f"another method: {what}",
    )


# ---------------------------------------------------------------- commands


def fill(recipes: Iterable[Recipe], setting: Setting, values: Mapping[str, str]) -> tuple[str, ...]:
    """The recipes' commands with this machine's values. `$(uname -r)` and the like stay for the shell."""
    on = setting.on
    known = dict(values)
    if on is not None:
        known = {"distro": on.repository, "arch": on.arch, "full": on.full, "os": on.version, **known}
    known["machine"] = setting.asked.machine or "x86_64"
    return tuple(
        re.sub(r"\{(\w+)\}", lambda m: known[m[1]], command) for one in recipes for command in one.commands
    )


def routed(commands: Iterable[str], way: Route) -> tuple[str, ...]:
    """With the addresses of the mirror profile, and the proxy in the environment of whatever fetches."""
    found = [re.sub(r"https://[^\s'\"|#]+", lambda m: _address(str(m[0]), way.mirror), c) for c in commands]
    if not way.proxy:
        return tuple(found)
    # sudo -E: apt, dnf, zypper and curl all read the environment, and sudo would drop it
    kept = [re.sub(r"\bsudo (?!-E)", "sudo -E ", c) for c in found]
    return (f"export http_proxy={shlex.quote(way.proxy)} https_proxy={shlex.quote(way.proxy)}", *kept)


def _address(url: str, mirror: Profile) -> str:
    addresses = mirror.urls(url)
    if not addresses:
        raise GpudoctorError(
            f"{url} is needed, and the mirror profile blocks its host",
            context="--mirror",
            note="nothing was planned",
            hint="give it a rewrite, or take the host out of `blocked`",
        )
    return addresses[0]


#: The distribution's own files: another archive's path may look the same.
_APT_FILES = (
    "/etc/apt/sources.list /etc/apt/sources.list.d/ubuntu.sources /etc/apt/sources.list.d/debian.sources"
)


def distribution_mirror(setting: Setting) -> tuple[str, ...]:
    """The distribution's archive from the profile's mirror. Lines about security updates stay: mirrors lag."""
    if manager(setting) != "apt" or setting.on is None:
        return ()
    path = f"/{setting.on.id}"
    if setting.on.id == "ubuntu" and setting.asked.machine == "aarch64":
        path += "-ports"
    rule = next((r for r in setting.way.mirror.apt if r.verified and r.path == path), None)
    if rule is None:
        return ()
    # the host is not named: whatever serves this path today
    change = f"/security/!s#https?://[^/ ]+{rule.path}(/| |$)#{rule.to}\\1#"
    return (
        f"for f in {_APT_FILES}; do [ ! -f $f ] || sudo sed -i.before-mirror -E '{change}' $f; done",
        "sudo apt-get update",
    )


def migrated(setting: Setting) -> tuple[str, ...]:
    """Retired sources go first: one source with a key of its own and one without conflict."""
    found = []
    for old in setting.retired:
        file = shlex.quote(old.file)
        dropped = ";".join(f"{line}d" for line in old.lines)
        found.append(f"sudo rm {file}" if old.whole else f"sudo sed -i.before '{dropped}' {file}")
    for key in dict.fromkeys(old.key for old in setting.retired if old.key):
        found.append(f"! command -v apt-key || sudo apt-key del {key}")
    return tuple(found)


def migration_reasons(setting: Setting) -> tuple[Evidence, ...]:
    source = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/troubleshooting.html"
    return tuple(Evidence("retired", f"{old.file}: {old.why}", source) for old in setting.retired)


def pip_commands(setting: Setting, requirement: str, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Into a virtual environment, by the way that was asked for."""
    from gpudoctor.advice.route import pip_options

    way, python, windows = setting.way, setting.asked.python, setting.asked.system == "Windows"
    word = f'"{requirement}"' if windows else shlex.quote(requirement)
    interpreter = f"py -{python or '3'}" if windows else f"python{python or '3'}"
    made, inside = f"{interpreter} -m venv .venv", ".venv\\Scripts\\python" if windows else ".venv/bin/python"
    options = pip_options(way.indexes(""), way.proxy)
    options += "".join(f" --extra-index-url {url}" for url in extra)
    if not way.wheelhouse:
        return made, f"{inside} -m pip install {word}{options}"
    folder = f'"{way.wheelhouse}"' if windows else shlex.quote(way.wheelhouse)
    return (
        f"{interpreter} -m pip download --dest {folder} {word}{options}",
        made,
        f"{inside} -m pip install --no-index --find-links {folder} {word}",
    )


def unverified(one: Recipe) -> tuple[Because, ...]:
    if one.verified:
        return ()
    return (Because("question", f"these commands are not from NVIDIA's guide: {one.source}"),)
