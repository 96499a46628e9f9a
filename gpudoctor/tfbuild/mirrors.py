"""Where Bazel and the pip inside Bazel fetch from: files in the work folder, options for them, nothing in the tree."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gpudoctor.facts.record import Record
from gpudoctor.knowledge.mirrors import Profile
from gpudoctor.tfbuild.request import Request
from gpudoctor.tfbuild.state import Workdir


class Sources(Record):
    """`options`: for Bazel. `repo_env`: variables for repository rules. `files`: name in the work folder -> text."""

    options: tuple[str, ...]
    repo_env: Mapping[str, str]
    files: Mapping[str, str]


def sources(profile: Profile, request: Request, workdir: Workdir) -> Sources:
    """What a profile and the options mean. With the profile "none" and no folders: nothing at all."""
    files: dict[str, str] = {}
    options: list[str] = []
    environ: dict[str, str] = {}
    config = profile.downloader_config()
    if config:
        files["downloader.cfg"] = f"# Bazel's downloader, profile {profile.name}\n{config}"
        # absolute: before 7.3 a relative path is taken from where bazel was called, not from the workspace
        options.append(f"--experimental_downloader_config={workdir.file('downloader.cfg')}")
    if profile.pip_index:
        # The pip inside Bazel runs isolated: it ignores PIP_INDEX_URL and the user's files, and heeds PIP_CONFIG_FILE.
        files["pip.conf"] = f"[global]\nindex-url = {profile.pip_index}\ntimeout = 60\nretries = 5\n"
        environ["PIP_CONFIG_FILE"] = workdir.file("pip.conf")
    if request.distdir:
        options.append(f"--distdir={os.path.realpath(request.distdir)}")
    if request.repository_cache:
        options.append(f"--repository_cache={os.path.realpath(request.repository_cache)}")
    return Sources(tuple(options), environ, files)


def answers(profile: Profile, host: str) -> str:
    """The host that is asked in the place of `host`: "" where the profile blocks it."""
    urls = profile.urls(f"https://{host}/")
    if not urls:
        return ""
    return urls[0].split("://", 1)[1].split("/")[0]


#: Hosts that serve only parts which a GPU wheel does not need (models of demos, tests, other platforms).
OPTIONAL = ("repo.radeon.com", "developer.arm.com", "developer.android.com")
#: Without one of these no hermetic build gets anywhere; the others are asked after.
NEEDED = ("github.com", "developer.download.nvidia.com", "mirror.bazel.build")
