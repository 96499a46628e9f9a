"""Pictures of a smoke run: loss curves, and rates as bars against the device's peak and against its siblings.

HTML and SVG are written here, self-contained; PNG needs matplotlib beside gpudoctor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from html import escape

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.facts.smoke import Run

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
_WIDTH, _PANEL, _LEFT, _BAR = 760, 220, 290, 18


class Curve(Record):
    name: str
    points: tuple[float, ...]


class Bar(Record):
    """`peak`: what the device could do at best, 0 where that is not known."""

    name: str
    value: float
    unit: str
    peak: float = 0.0
    peak_from: str = ""


def curves(run: Run) -> tuple[Curve, ...]:
    return tuple(
        Curve(f"{t.framework}, {t.label}: {p.name}", p.curve)
        for t in run.trials
        for p in t.phases
        if len(p.curve) > 1
    )


def bars(run: Run) -> tuple[Bar, ...]:
    """Every rate that was measured, of all devices side by side."""
    from gpudoctor.knowledge.peaks import peak_of

    found = []
    for trial in run.trials:
        for phase in trial.phases:
            for name, value in phase.values.items():
                unit = "TFLOP/s" if name.endswith("_tflops") else "GB/s" if name.endswith("_gbs") else ""
                if unit:
                    best = peak_of(trial.device, name)
                    found.append(
                        Bar(
                            f"{name}, {trial.label}",
                            value,
                            unit,
                            best.value if best else 0.0,
                            best.basis if best else "",
                        )
                    )
    return tuple(sorted(found, key=lambda b: b.name))


def must_be_drawable(path: str) -> None:
    """Before anything runs. Raises GpudoctorError for another ending, a folder that is not there, PNG without matplotlib."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in (".html", ".svg", ".png"):
        raise GpudoctorError(
            f"{path} ends in none of .html, .svg, .png", context="--save-plot", note="nothing was run"
        )
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise GpudoctorError(
            f"there is no folder {os.path.dirname(path)}", context="--save-plot", note="nothing was run"
        )
    if ending == ".png":
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            raise GpudoctorError(
                "PNG needs matplotlib, which is not installed beside gpudoctor",
                context=f"--save-plot {path}",
                note="nothing was run",
                hint=f"--save-plot {os.path.splitext(path)[0]}.html needs nothing",
            ) from None


def drawn(run: Run, path: str) -> bytes:
    """The file's content, by the ending of its name."""
    ending = os.path.splitext(path)[1].lower()
    if ending == ".png":
        return _png(run)
    drawing = svg(run)
    if ending == ".html":
        title = "gpudoctor smoke"
        drawing = (
            f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n'
            f"<body>{drawing}</body></html>\n"
        )
    return drawing.encode()


def svg(run: Run) -> str:
    """One drawing: a panel of curves, logarithmic, and a panel of bars. Panels without data say so."""
    lines, rates = curves(run), bars(run)
    top = 40 + _PANEL + 16 * ((len(lines) + 1) // 2 + 1)
    height = top + 50 + _BAR * max(1, len(rates)) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        _text(12, 20, f"gpudoctor smoke, {run.mode}: loss by step", 14),
        *_curve_panel(lines),
        _text(12, top + 20, "rates; the outline is the device's peak", 14),
        *_bar_panel(rates, top + 34),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, size: int = 11, colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}">{escape(text)}</text>'


def _curve_panel(lines: Sequence[Curve]) -> Iterator[str]:
    import math

    if not lines:
        yield _text(12, 50, "no curve was recorded")
        return
    # Losses that are no number were recorded as -1: they have no place on a logarithmic axis.
    values = [v for line in lines for v in line.points if v > 0] or [1.0]
    low, high = math.log10(min(values)), math.log10(max(values))
    span = (high - low) or 1.0
    yield f'<rect x="50" y="30" width="{_WIDTH - 70}" height="{_PANEL}" fill="none" stroke="#bbb"/>'
    for power in range(math.floor(low), math.ceil(high) + 1):
        y = 30 + _PANEL * (high - power) / span
        if 30 <= y <= 30 + _PANEL:
            yield f'<line x1="50" x2="{_WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>'
            yield _text(8, y + 4, f"{10.0**power:g}")
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        step = (_WIDTH - 70) / max(1, len(line.points) - 1)
        points = " ".join(
            f"{50 + i * step:.1f},{30 + _PANEL * (high - math.log10(v)) / span:.1f}"
            for i, v in enumerate(line.points)
            if v > 0
        )
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        x, y = 50 + (number % 2) * 340, 30 + _PANEL + 16 * (number // 2 + 1)
        yield _text(x, y, line.name, colour=colour)


def _bar_panel(rates: Sequence[Bar], top: float) -> Iterator[str]:
    if not rates:
        yield _text(12, top + 14, "no rate was measured (--full measures them)")
        return
    widest: dict[str, float] = {}
    for bar in rates:
        widest[bar.unit] = max(widest.get(bar.unit, 0.0), bar.value, bar.peak)
    for number, bar in enumerate(rates):
        y, scale = top + number * _BAR, (_WIDTH - _LEFT - 190) / (widest[bar.unit] or 1.0)
        x = _LEFT
        yield _text(12, y + 12, bar.name)
        yield f'<rect x="{x}" y="{y + 2}" width="{bar.value * scale:.1f}" height="{_BAR - 6}" fill="#0072b2"/>'
        if bar.peak:
            yield (
                f'<rect x="{x}" y="{y + 2}" width="{bar.peak * scale:.1f}" height="{_BAR - 6}" '
                'fill="none" stroke="#d55e00"/>'
            )
        of = f" of {bar.peak:.4g} ({bar.peak_from})" if bar.peak else ""
        yield _text(x + max(bar.value, bar.peak) * scale + 6, y + 12, f"{bar.value:.4g}{of} {bar.unit}")


def _png(run: Run) -> bytes:
    import io

    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    lines, rates = curves(run), bars(run)
    figure, (upper, lower) = pyplot.subplots(2, 1, figsize=(10, 8 + 0.25 * len(rates)))
    for line in lines:
        upper.semilogy([v if v > 0 else float("nan") for v in line.points], label=line.name)
    upper.set_title(f"gpudoctor smoke, {run.mode}: loss by step")
    if lines:
        upper.legend(fontsize="small")
    lower.barh([b.name for b in rates], [b.value for b in rates])
    lower.barh([b.name for b in rates], [b.peak for b in rates], fill=False, edgecolor="red")
    lower.set_title("rates (GB/s, TFLOP/s); the outline is the device's peak")
    figure.tight_layout()
    data = io.BytesIO()
    figure.savefig(data, format="png")
    pyplot.close(figure)
    return data.getvalue()
