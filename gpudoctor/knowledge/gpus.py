"""GPUs by PCI device id and by name."""

from __future__ import annotations

import re

from gpudoctor.knowledge.records import GpuModel
from gpudoctor.knowledge.tables import source, table


def gpu_by_pci(device: int) -> GpuModel | None:
    """The NVIDIA GPU with PCI device id `device` (0x2684)."""
    wanted = f"{device:04x}"
    found = table("gpus")
    for product, chip, kind, ids in found["products"]:
        if wanted in ids.split():
            capability, architecture = _chip(found["chips"], chip)
            return GpuModel(
                product, capability, chip, architecture, kind, source(found, ["pci.ids", "chips"])
            )
    return None


def gpu_by_name(name: str) -> GpuModel | None:
    """The GPU that nvidia-smi, NVML or NVIDIA's lists call `name`. The capability is None where products of that
    name differ in it: ask by PCI id then, or ask NVML."""
    plain = plain_name(name)
    # Laptop GPUs before Ampere bear their desktop twin's name in nvidia-smi, or a name that no desktop GPU has.
    matches = _named(plain) or _named(f"{plain} laptop") if plain else []
    if not matches:
        return None
    first = matches[0]
    if len({match.capability for match in matches}) == 1:
        chips = {match.chip for match in matches}
        return first if len(chips) == 1 else first.replace(chip=None)
    architectures = {match.architecture for match in matches}
    return first.replace(
        capability=None, chip=None, architecture=first.architecture if len(architectures) == 1 else None
    )


def pci_id(product: str) -> int | None:
    """The PCI device id of a product as pci.ids spells it ("GeForce RTX 3090"), which is how lspci does; the first of several."""
    ids = next((ids for name, _, _, ids in table("gpus")["products"] if name == product), "")
    return int(ids.split()[0], 16) if ids else None


def plain_name(name: str) -> str:
    """A product's name without what differs between nvidia-smi, pci.ids and NVIDIA's lists.

    >>> plain_name("NVIDIA GeForce RTX 3050 Laptop GPU"), plain_name("GeForce RTX 3050 Mobile")
    ('geforce rtx 3050 laptop', 'geforce rtx 3050 laptop')
    """
    text = re.sub(
        r"\(.*?\)|\bnvidia\b|\bgeneration\b|\bgpu\b|\bdesign\b|\bwith\b|\btesla\b", " ", name.lower()
    )
    text = re.sub(r"\bmobile\b", "laptop", text)
    text = re.sub(r"(?<=\d)gb\b", "g", text)
    return " ".join(re.sub(r"[-_]", " ", text).split())


def _named(wanted: str) -> list[GpuModel]:
    """Every product of that plain name. Only names that hold its number are looked at closely: that is 20 times faster."""
    found = table("gpus")
    words = wanted.split()
    number = next((word for word in words if any(c.isdigit() for c in word)), max(words, key=len))
    from_pci = source(found, ["pci.ids", "chips"])
    models = []
    for product, chip, kind, _ in found["products"]:
        if number in product.lower() and wanted in map(plain_name, _spellings(product)):
            capability, architecture = _chip(found["chips"], chip)
            models.append(GpuModel(product, capability, chip, architecture, kind, from_pci))
    for product, capability, kind, where in found["names"]:
        if number in product.lower() and wanted == plain_name(product):
            models.append(GpuModel(product, capability, None, None, kind, source(found, [where, "chips"])))
    return models


def _spellings(product: str) -> list[str]:
    """ "GeForce RTX 2070 Mobile / Max-Q" names two products that share a device id, "Quadro RTX 6000/8000" too."""
    pair = re.fullmatch(r"(.* )(\d{4})/(\d{4})", product)
    if pair is not None:
        return [product, pair[1] + pair[2], pair[1] + pair[3]]
    first, *others = product.split(" / ")
    base = re.sub(r" (Mobile|PCIe|\S*GB)$", "", first)
    spelled = [product, first]
    for other in others:
        spelled += (
            [other, f"{base} {other}"] if not re.match(r"(?:GeForce|Quadro|Tesla|GRID)", other) else [other]
        )
    return spelled


def _chip(chips: dict[str, list[str]], chip: str) -> tuple[str | None, str | None]:
    """Capability and architecture; several chips of one product are joined by "/" and agree."""
    known = chips.get(chip.split("/")[0])
    return (known[0], known[1]) if known else (None, None)
