"""What `image verify` prints: the findings as `check` prints them, below an image instead of a machine."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from gpudoctor import __version__
from gpudoctor.facts.image import Layer
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement
from gpudoctor.report.model import FrameworkLine, Report, head, machine_line
from gpudoctor.report.style import Style
from gpudoctor.report.text import body

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-image-verify/1"


class AimedAt(Record):
    """What the image was judged for. `said_by`: the command line, "--snapshot FILE", or the image's label."""

    gpus: tuple[str, ...]
    driver: str
    said_by: str


class LeftOut(Record):
    """Causes that were not asked about, and why."""

    causes: tuple[str, ...]
    reason: str


class ImageLine(Record):
    """The image. `size`: bytes of its files as unpacked, `hidden` those that later layers remove or replace. Empty: not
    there, or not known."""

    name: str
    kind: str
    architecture: str
    created: str
    user: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    distribution: str
    frameworks: tuple[FrameworkLine, ...]
    size: int
    hidden: int
    layers: tuple[Layer, ...]
    target: AimedAt | None
    not_judged: tuple[LeftOut, ...]


class VerifyReport(Report):
    """What `gpudoctor image verify --format json` prints."""

    image: ImageLine


def verify_report(
    machine: Machine,
    judgement: Judgement,
    exit_code: int,
    target: AimedAt | None,
    not_judged: tuple[LeftOut, ...],
) -> VerifyReport:
    line = machine_line(machine)
    config = value_of(machine.image.config, None)
    layers = value_of(machine.image.layers, ())
    image = ImageLine(
        machine.image.name,
        machine.image.kind,
        config.architecture if config else line.architecture,
        config.created if config else "",
        config.user if config else "",
        config.entrypoint if config else (),
        config.command if config else (),
        line.distribution,
        line.frameworks,
        sum(layer.size for layer in layers),
        sum(layer.hidden for layer in layers),
        layers,
        target,
        not_judged,
    )
    return VerifyReport(**head(SCHEMA, "image verify", exit_code, judgement), image=image)


def render(report: VerifyReport, judgement: Judgement, style: Style, verbose: bool = False) -> str:
    lines = [*_head(report.image, style, verbose), *body(report, judgement, style, verbose)]
    for left in report.image.not_judged:
        names = ", ".join(left.causes)
        lines += textwrap.wrap(
            f"not judged: {names} ({left.reason})", style.width, initial_indent="  ", subsequent_indent="  "
        )
    return "\n".join(lines) + "\n"


def _head(image: ImageLine, style: Style, verbose: bool) -> Iterator[str]:
    parts = [p for p in (image.distribution, image.architecture) if p]
    size = f"{image.size / 1e6:.0f} MB in {len(image.layers)} layers" if image.layers else ""
    known = ", ".join(p for p in (*parts, size) if p) or "of no distribution that tells its name"
    yield style.paint(f"gpudoctor {__version__}", "bold") + f"  {image.name}: {known}"
    if image.target is not None:
        gpus = ", ".join(dict.fromkeys(image.target.gpus)) or "any GPU"
        driver = f"driver {image.target.driver}" if image.target.driver else "any driver"
        yield f"  for {gpus}, {driver} ({image.target.said_by})"
    frameworks = [
        f"{f.framework} {f.version}" + ("" if "+" in f.version or not f.cuda else f" (CUDA {f.cuda})")
        for f in image.frameworks
    ]
    runs = f"runs as {image.user or 'root'}" if image.kind not in ("folder", "filesystem-archive") else ""
    words = "; ".join(p for p in (*frameworks, runs) if p)
    if words:
        yield from textwrap.wrap(words, style.width, initial_indent="  ", subsequent_indent="  ")
    if verbose:
        for layer in image.layers:
            hidden = f", {layer.hidden / 1e6:.1f} MB of it hidden" if layer.hidden else ""
            said = layer.created_by.replace("\n", " ")[:60]
            yield f"  {layer.size / 1e6:9.1f} MB  {layer.digest[:19]}{hidden}  {style.paint(said, 'dim')}"
