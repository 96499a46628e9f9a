"""What the rules on images share."""

from __future__ import annotations

from gpudoctor.facts.image import Config, Image, is_image
from gpudoctor.findings import DoesNotApply
from gpudoctor.rules.judging import need


def the_image(image: Image) -> Image:
    if not is_image(image):
        raise DoesNotApply("no image is examined")
    return image


def the_config(image: Image) -> Config:
    """DoesNotApply for an unpacked folder, which has none."""
    return need(the_image(image).config, "configuration of the image")


def megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
