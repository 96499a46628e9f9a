"""An image as its maker left it: configuration, layers, and files that are of interest in images only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gpudoctor.facts.observed import Absent, Known, Observed
from gpudoctor.facts.recipe import Compose, Dockerfile
from gpudoctor.facts.record import Record

#: The default of every field: a machine is judged, not an image.
NO_IMAGE = Absent("no image is examined")
NO_RECIPE = Absent("no Dockerfile and no compose file is examined")


class Config(Record):
    """The image's configuration. `user` as written ("1000:1000", "app", "" is root). `created`: RFC 3339.
    `labels` and `env` as they stand; `architecture` "amd64", `system` "linux"."""

    env: Mapping[str, str] = {}
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    working_dir: str = ""
    architecture: str = ""
    system: str = ""
    created: str = ""


class Layer(Record):
    """`digest` of the layer as it lies there ("sha256:..."; "" where nothing says it). `size`: bytes of its files,
    `hidden`: those of them that later layers remove or replace. `created_by`: the history's line."""

    digest: str
    size: int
    files: int
    hidden: int
    created_by: str = ""


class DriverFile(Record):
    """A file named as a library of the driver. `kind`: "empty" (0 bytes), "stub" (of a toolkit, or so small that it can
    be nothing else), "compat" (of cuda-compat), "real". `reached`: its folder is one that the loader searches."""

    path: str
    size: int
    kind: Literal["empty", "stub", "compat", "real"]
    reached: bool


class Account(Record):
    """Whom the image's processes run as. `name` "" where /etc/passwd does not know the number. `home`: $HOME, else that
    of /etc/passwd, else "/". `unwritable`: HOME and the folders that caches are put in, as far as they can't be
    written; `unreadable`: libraries of the frameworks that can't be read."""

    uid: int
    gid: int
    name: str = ""
    home: str = "/"
    unwritable: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


class WheelTag(Record):
    """A wheel in the image. `tags` of its WHEEL file ("cp310-cp310-manylinux_2_28_x86_64")."""

    package: str
    version: str
    interpreter: str
    tags: tuple[str, ...]


class Waste(Record):
    """What a running container never needs. `files` counted, `size` in bytes together."""

    kind: Literal["apt-lists", "apt-archives", "pip-cache", "conda-packages", "static-libraries", "hidden"]
    place: str
    size: int
    files: int


class Image(Record):
    """`name`: as it was given, `kind` of archive ("engine": read where an engine keeps it), `config` Absent for an unpacked folder, which has none. `plan`: what
    `image plan` wrote into the label. `driver_files`: on all paths; `waste`: largest first. `dockerfile` or `compose` alone
    is known where a recipe is linted."""

    name: str = ""
    kind: Literal[
        "", "docker-archive", "oci-archive", "oci-layout", "filesystem-archive", "folder", "engine"
    ] = ""
    config: Observed[Config] = NO_IMAGE
    layers: Observed[tuple[Layer, ...]] = NO_IMAGE
    driver_files: Observed[tuple[DriverFile, ...]] = NO_IMAGE
    account: Observed[Account] = NO_IMAGE
    wheels: Observed[tuple[WheelTag, ...]] = NO_IMAGE
    waste: Observed[tuple[Waste, ...]] = NO_IMAGE
    dockerfile: Observed[Dockerfile] = NO_RECIPE
    compose: Observed[Compose] = NO_RECIPE


def is_image(image: Image) -> bool:
    return isinstance(image.driver_files, Known)
