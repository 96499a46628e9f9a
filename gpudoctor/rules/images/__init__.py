"""Container images before they run: what is in them, and the Dockerfiles and compose files that make and start them."""

from __future__ import annotations

from gpudoctor.facts.image import Image, is_image
from gpudoctor.facts.observed import Known


def not_applicable(image: Image) -> str:
    """A machine that is checked is no image: these rules are not even loaded then."""
    recipe = isinstance(image.dockerfile, Known) or isinstance(image.compose, Known)
    return "" if recipe or is_image(image) else "no image is examined"
