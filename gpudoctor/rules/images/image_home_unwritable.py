"""The image's user can't write to its home or to a cache folder

What it is: The user that the image runs as has no right to write into its HOME, or into a folder that a variable of the
image names for caches (XDG_CACHE_HOME, CUDA_CACHE_PATH, TORCH_HOME, HF_HOME, TRITON_CACHE_DIR).

Why it hurts: CUDA compiles PTX anew at every start, because ~/.nv can't be written; Triton and torch.compile stop with
"Permission denied"; models that are downloaded at the first use can't be kept.

How to tell: Owner and mode of the folders in the image against the user's uid and groups. A HOME that does not exist can
be made only where the folder above it is writable. Volumes that are mounted at run time are not seen.

How to fix: useradd --create-home, COPY --chown, or let HOME and the caches lie in a folder that the user owns.

Sources: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
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
    if not account.unwritable:
        return
    who = f"{account.name or 'a user without a name'} (uid {account.uid})"
    yield Problem(
        f"{who} can't write to {', '.join(account.unwritable)}",
        severity="warning",
        evidence=(
            Evidence("user", who, "the image's configuration and /etc/passwd"),
            Evidence("HOME", account.home),
            *(Evidence("not writable", path) for path in account.unwritable),
        ),
        fix=Fix(
            "Give the user these folders",
            (f"RUN install -d -o {account.uid} -g {account.gid} {' '.join(account.unwritable)}",),
        ),
    )
