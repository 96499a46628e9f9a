"""An image of a local engine: read where the engine keeps it, else from a copy that the engine makes.

A copy takes as long and as much room as the image is large. In place are read the folders of overlay2 (Docker) and of overlay
(podman), and the blobs of containerd's store; as root, through a socket of this machine, and where nothing about them is
unusual. Whatever is not as expected means a copy, never a guess.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from gpudoctor.errors import GpudoctorError
from gpudoctor.images.save import docker_client, save
from gpudoctor.system.image.archive import of_blobs, open_descriptor
from gpudoctor.system.image.folders import Folder, NotInPlace, may_read
from gpudoctor.system.image.layered import image_of
from gpudoctor.system.image.port import LayeredImage
from gpudoctor.system.image.sources import Damaged

#: For what an engine answers at once (seconds).
_ASK = 20.0
#: Where containerd keeps what was fetched and built: the one that Docker starts, and the machine's.
_CONTENT = (
    "{root}/containerd/daemon/io.containerd.content.v1.content",
    "/var/lib/containerd/io.containerd.content.v1.content",
)
#: Of a daemon: users have other numbers in its store, or its paths are those of a namespace of its own.
_ELSEWHERE = ("name=rootless", "name=userns")


def open_stored(name: str, engine: str, platform: str, timeout: float) -> LayeredImage:
    """`engine`: "docker", "podman", or "" for the first that has it.

    Raises GpudoctorError where no engine answers, none has the image, or the disk is full."""
    problems = []
    for one in [engine] if engine else ["docker", "podman"]:
        found = _in_place(one, name, platform, timeout)
        if found is not None:
            return found
        try:
            copy = save(name, one, timeout)
        except GpudoctorError as error:
            problems.append(error)
            continue
        return open_descriptor(copy, name, platform, "", timeout)
    if len(problems) == 1:
        raise problems[0]
    raise GpudoctorError(
        f"no engine here gives an image {name}",
        context="; ".join(p.what for p in problems),
        note="nothing was judged, and nothing is pulled",
        hint="pull or build it first, or give a file: `docker save -o image.tar IMAGE` where it is",
    )


def _in_place(engine: str, name: str, platform: str, timeout: float) -> LayeredImage | None:
    """None where it can't be: then asking for the copy says what is wrong, or works."""
    if not may_read():
        return None
    ask: Callable[[str, str, float], LayeredImage] = _docker if engine == "docker" else _podman
    try:
        return ask(name, platform, timeout)
    except (NotInPlace, Damaged, GpudoctorError, OSError, KeyError, TypeError, AttributeError, ValueError):
        return None


# ---------------------------------------------------------------- Docker


def _docker(name: str, platform: str, timeout: float) -> LayeredImage:
    from docker.errors import DockerException

    client = docker_client(_ASK)
    try:
        if not client.api.base_url.startswith("http+docker://"):
            raise NotInPlace("the daemon is on another machine")
        info, image = client.info(), client.api.inspect_image(name)
    except DockerException as error:
        raise NotInPlace(str(error)) from None
    finally:
        client.close()
    if any(str(option).startswith(_ELSEWHERE) for option in info.get("SecurityOptions") or ()):
        raise NotInPlace("the daemon's store is not written in this machine's own terms")
    root = str(info["DockerRootDir"])
    if any(
        "io.containerd.snapshotter" in str(word) for pair in info.get("DriverStatus") or () for word in pair
    ):
        return _content(root, image, name, platform, timeout)
    if image["GraphDriver"]["Name"] != "overlay2":
        raise NotInPlace(str(image["GraphDriver"]["Name"]))
    digest = str(image["Id"]).removeprefix("sha256:")
    with open(f"{root}/image/overlay2/imagedb/content/sha256/{digest}", "rb") as file:
        document = file.read()
    if hashlib.sha256(document).hexdigest() != digest:
        raise NotInPlace("the configuration in the store is not this image's")
    return _overlay(name, image, json.loads(document), timeout)


def _content(root: str, image: Mapping[str, Any], name: str, platform: str, timeout: float) -> LayeredImage:
    digest = str((image.get("Descriptor") or {}).get("digest") or image["Id"])
    for place in _CONTENT:
        folder = place.format(root=root)
        if os.path.isfile(f"{folder}/blobs/{digest.replace(':', '/')}"):
            return of_blobs(folder, digest, name, platform, timeout)
    raise NotInPlace("its blobs are not where containerd keeps them")


# ---------------------------------------------------------------- podman


def _podman(name: str, platform: str, timeout: float) -> LayeredImage:
    program = shutil.which("podman")
    if program is None:
        raise NotInPlace("podman is not on PATH")
    from gpudoctor.system.live import Live

    ran = Live(_ASK).run((program, "image", "inspect", name), _ASK)
    images: list[Any] = json.loads(ran.stdout) if ran.code == 0 else []
    if len(images) != 1 or images[0]["GraphDriver"]["Name"] != "overlay":
        raise NotInPlace("not an image of podman's overlay driver")
    image = images[0]
    document = {
        "architecture": image["Architecture"],
        "os": image["Os"],
        "created": image["Created"],
        "config": image["Config"],
        "history": image["History"],
    }
    return _overlay(name, image, document, timeout)


# ---------------------------------------------------------------- overlay


def _overlay(name: str, image: Mapping[str, Any], document: Any, timeout: float) -> LayeredImage:
    """`GraphDriver.Data`: the folder of the topmost layer, and those below it from the top down, as the mount takes them."""
    data = image["GraphDriver"]["Data"]
    below = [folder for folder in (data.get("LowerDir") or "").split(":") if folder]
    folders = [*reversed(below), data["UpperDir"]]
    digests = image["RootFS"]["Layers"]
    if len(folders) != len(digests) or not all(os.path.isabs(folder) for folder in folders):
        raise NotInPlace("the folders are not one for each layer")
    layers = [(digest, Folder(folder, digest)) for digest, folder in zip(digests, folders, strict=True)]
    tags = image.get("RepoTags") or ()
    reference = name if name in tags else next(iter(tags), "")
    return image_of(name, "engine", reference, document, list(layers), timeout)
