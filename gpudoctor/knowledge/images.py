"""NVIDIA's CUDA images on Docker Hub: which tags there are, and what each demands of the driver."""

from __future__ import annotations

from typing import Any

from gpudoctor.knowledge.records import CudaImage
from gpudoctor.knowledge.tables import source, table


def cuda_image(cuda: str) -> CudaImage | None:
    """The images of a CUDA release, by the version in their tags ("12.4.1")."""
    found = table("images")
    row = next((r for r in found["rows"] if r["cuda"] == cuda), None)
    if row is None:
        return None
    tags = tuple(
        f"{cuda}-{flavour}-{distro}"
        for group in row["tags"]
        for flavour in group["flavours"]
        for distro in group["distros"]
    )
    return CudaImage(cuda, tags, _require(found, row), source(found, row["source"]))


def cuda_image_versions() -> tuple[str, ...]:
    """Every CUDA version that the table has images of, oldest first."""
    return tuple(row["cuda"] for row in table("images")["rows"])


def _require(found: dict[str, Any], row: dict[str, Any]) -> str:
    """NVIDIA_REQUIRE_CUDA in full, as the image has it (the order of its alternatives means nothing)."""
    windows = [
        f"brand={brand},driver>={start},driver<{end}"
        for start, end in row.get("branches", ())
        for brand in found["brands"][row["brands"]]
    ]
    return " ".join([row["require"], *windows])
