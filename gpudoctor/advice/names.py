"""Names and versions that people write, as the tables spell them. What is not there is refused with its nearest; what
is newer than the tables is let through, because "not known" is an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from gpudoctor import knowledge
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.versions import at_least, branch, capability, compare, is_version, major, older, release


class Card(Record):
    """A GPU of the question. `capability` is "" where the name alone does not decide it; `kind` as in GpuModel,
    `device` its PCI id or 0; `source` says how the capability is known."""

    name: str
    capability: str
    kind: str = ""
    device: int = 0
    source: str = ""


#: How a GPU can be named where no name is near.
_A_GPU = "a product's name as NVIDIA writes it ('RTX 4090'), or a compute capability (sm_89, 8.9)"


def _bad(what: str, near: Iterable[str] = (), key: str = "", else_: str = "") -> GpudoctorError:
    found = list(near)
    hint = f"did you mean {' or '.join(found)}?" if found else else_
    return GpudoctorError(what, context=f"--{key}" if key else "", note="nothing was judged", hint=hint)


# ---------------------------------------------------------------- GPUs


def cards(gpus: Sequence[str], capabilities: Sequence[str]) -> tuple[Card, ...]:
    """The GPUs of a question. A capability beside one name must agree with it; beside none it stands alone."""
    found = [card(text) for text in gpus]
    given = [_capability(text) for text in capabilities]
    if not found:
        return tuple(Card(f"a GPU of compute capability {c}", c, source="as asked") for c in given)
    if given and len(given) != len(found):
        raise _bad(f"{len(found)} GPUs and {len(given)} compute capabilities", key="gpu")
    for index, cc in enumerate(given):
        known = found[index].capability
        if known and known != cc:
            raise _bad(f"{found[index].name} has compute capability {known}, not {cc}", [known], "cc")
        found[index] = found[index].replace(capability=cc, source=found[index].source or "as asked")
    return tuple(found)


def card(text: str) -> Card:
    if re.fullmatch(r"(?:sm_|compute_|cc\s*)?\d{1,2}\.?\d[af]?", text.strip(), re.I):
        cc = _capability(text)
        return Card(f"a GPU of compute capability {cc}", cc, source="as asked")
    found = _models(text) or _models(_spaced(text))
    if not found:
        raise _bad(f"no NVIDIA GPU named {text!r} is in the table", _nearest_product(text), "gpu", _A_GPU)
    known = {model.capability for model in found}
    first = found[0]
    if len(known) > 1 or first.capability is None:
        return Card(text, "", first.kind)
    return Card(text, first.capability, first.kind, _device(first.product), first.source)


def _capability(text: str) -> str:
    plain = re.sub(r"^cc\s*", "", text.strip().lower())
    try:
        whole, part = capability(plain if "." in plain else plain.rstrip("af"))
    except ValueError:
        raise _bad(f"{text!r} is no compute capability", ["8.6", "sm_86"], "cc") from None
    cc = f"{whole}.{part}"
    known = _capabilities()
    if cc not in known:
        near = sorted(known, key=lambda c: abs(float(c) - float(cc)))[:3]
        raise _bad(f"there is no compute capability {cc} in the tables", near, "cc")
    return cc


@lru_cache(maxsize=1)
def _capabilities() -> frozenset[str]:
    from gpudoctor.knowledge.tables import table

    found = {row[0] for row in table("gpus")["chips"].values() if row[0]}
    for row in table("toolkits")["rows"]:
        found |= {c.rstrip("af") for c in row["targets"]}
    return frozenset(found)


@lru_cache(maxsize=512)
def _models(text: str) -> tuple[knowledge.GpuModel, ...]:
    """Every product that people may mean by this name. "RTX 6000" is a Quadro and an Ada: both are listed, and then
    the name decides nothing."""
    exact = [
        knowledge.gpu_by_name(name) for name in (text, f"GeForce {text}", f"Quadro {text}", f"Tesla {text}")
    ]
    found = [model for model in exact if model is not None]
    plain = knowledge.plain_name(text)
    if exact[0] is None or re.match(r"rtx \d{4}$", plain):
        found += _family(plain)
    return tuple(found)


def _family(plain: str) -> list[knowledge.GpuModel]:
    """The products whose names go on after this one: "A100" of "A100 PCIe 80GB"."""
    from gpudoctor.knowledge.tables import table

    if not any(c.isdigit() for c in plain) and len(plain) < 4:
        return []
    found = []
    names = [row[0] for row in table("gpus")["products"]] + [row[0] for row in table("gpus")["names"]]
    for name in names:
        # "K40" also names the K40m and the K40c
        letter = "[a-z]?" if plain[-1].isdigit() else ""
        if plain.split()[0] in name.lower() and re.match(
            rf"{re.escape(plain)}{letter}(?: |$)", knowledge.plain_name(name)
        ):
            model = knowledge.gpu_by_name(name)
            if model is not None:
                found.append(model)
    return found


def _device(product: str) -> int:
    from gpudoctor.knowledge.tables import table

    return next((int(row[3].split()[0], 16) for row in table("gpus")["products"] if row[0] == product), 0)


def _spaced(text: str) -> str:
    """ "RTX3060Ti" is written with spaces."""
    apart = re.sub(r"(?i)\b(rtx|gtx|gt|quadro|tesla|titan|geforce)(?=\d|rtx|gtx)", r"\1 ", text)
    apart = re.sub(r"(?i)\b(rtx|gtx|gt)(?=\d)", r"\1 ", apart)
    return re.sub(r"(?i)(?<=\d)(ti|super)\b", r" \1", apart)


def _nearest_product(text: str) -> list[str]:
    import difflib

    from gpudoctor.knowledge.tables import table

    brands = re.compile(r"\b(?:geforce|quadro|nvidia)\b ?")
    products = {brands.sub("", knowledge.plain_name(row[0])): row[0] for row in table("gpus")["products"]}
    plain = brands.sub("", knowledge.plain_name(_spaced(text)))
    # a number alone is most often that of one product: "5090"
    numbers = [word for word in plain.split() if any(c.isdigit() for c in word)]
    same = [name for name in products if numbers and numbers[0] in name.split()]
    near = difflib.get_close_matches(plain, same, 3, 0.3) or difflib.get_close_matches(
        plain, products, 3, 0.6
    )
    return [products[name] for name in near]


# ---------------------------------------------------------------- versions


def bad_version(text: str, what: str, such_as: str) -> GpudoctorError:
    return _bad(f"{text!r} is no version of {what}", [such_as], "version")


def driver(text: str) -> str:
    """ "570.86.10", or a branch: "570", "R570"."""
    plain = re.sub(r"^[rR](?=\d)", "", text).removesuffix(".x").removesuffix(".xx")
    if not re.fullmatch(r"\d{3}(?:\.\d{1,3}){0,2}", plain) or not 300 <= branch(plain) <= 999:
        raise _bad(f"{text!r} is no NVIDIA driver version", ["550.163.01", "570"], "driver")
    return plain


def cuda(text: str, key: str, major_will_do: bool = False) -> str:
    """A CUDA release: "12.4" or "12.4.1". One that never was is refused, a newer one than the tables let through."""
    from gpudoctor.knowledge.tables import table

    if not is_version(text):
        raise _bad(f"{text!r} is no CUDA version", ["12.8", "13.0"], key)
    known = {release(row["cuda"]) for row in table("driver")["toolkits"]}
    known |= {r for row in table("toolkits")["rows"] for r in row["releases"]}
    order = sorted(known, key=lambda r: tuple(map(int, r.split("."))))
    if "." not in text:
        if major_will_do and any(major(r) == int(text) for r in known):
            return text
        raise _bad(
            f"CUDA {text} is a whole series: name a release"
            if any(major(r) == int(text) for r in order)
            else f"there is no CUDA {text}",
            [r for r in order if major(r) == int(text)][-2:] or order[-2:],
            key,
        )
    if release(text) in known or (older(order[-1], text) and major(text) <= major(order[-1]) + 1):
        return text
    if older(text, order[0]):
        return text
    near = sorted(order, key=lambda r: _distance(r, text))[:2]
    raise _bad(f"there is no CUDA {release(text)}", sorted(near, key=float), key)


def _distance(one: str, other: str) -> float:
    a, b = (tuple(map(int, release(v).split("."))) for v in (one, other))
    return abs((a[0] - b[0]) * 100 + a[1] - b[1])


def framework(name: str, text: str) -> str:
    """A release of a framework; "2.5" means its newest patch."""
    from gpudoctor.knowledge.tables import table

    plain = text.strip().lstrip("v=")
    # 2.15.0.post1 and release candidates are versions too, of PEP 440
    if not re.fullmatch(r"\d+(?:\.\d+){0,3}(?:\.?(?:post|rc|a|b|dev)\d+)*", plain):
        raise _bad(f"{text!r} is no version of {name}", [knowledge.newest(name).value], name)
    versions = [v for row in table(name)["builds"] for v in row["versions"]]
    if plain in versions or not is_version(plain):
        return plain
    within = [v for v in versions if is_version(v) and v.startswith(plain + ".")]
    if within and plain.count(".") < 2:
        newest_patch: str = max(within, key=lambda v: tuple(map(int, v.split("."))))
        return newest_patch
    numbered = [v for v in versions if is_version(v)]
    oldest = min(numbered, key=lambda v: tuple(map(int, v.split("."))))
    newest = max(numbered, key=lambda v: tuple(map(int, v.split("."))))
    if older(plain, oldest) or (compare(plain, newest) > 0 and major(plain) <= major(newest) + 1):
        return plain
    wanted = newest if older(newest, plain) else plain
    near = sorted(dict.fromkeys(numbered), key=lambda v: _far(v, wanted))[:3]
    raise _bad(f"there is no {name} {plain}", near, name)


def _far(one: str, other: str) -> tuple[int, ...]:
    a, b = ((*map(int, v.split(".")), 0, 0)[:3] for v in (one, other))
    return tuple(abs(x - y) for x, y in zip(a, b, strict=True))


def variant(version: str, wanted: str) -> str:
    """A variant of a torch release. One that this release was not published in is refused."""
    if wanted in ("", "cpu"):
        return wanted
    from gpudoctor.knowledge.tables import table

    if not re.fullmatch(r"cu\d{2,3}", wanted):
        raise _bad(f"torch {version}+{wanted} is no CUDA build", ["cu126", "cu128"], "torch")
    row = next((r for r in table("torch")["builds"] if version in r["versions"]), None)
    if row is not None and wanted not in row["variants"]:
        near = [f"{version}+{v}" for v in sorted(row["variants"], key=lambda v: int(v[2:]))]
        raise _bad(f"there is no torch {version}+{wanted} in the table", near, "torch")
    return wanted


#: The newest Python that is anywhere near a release.
_NEWEST_PYTHON = (3, 16)


def python(text: str) -> str:
    plain = re.sub(r"^(?:cp|python|py)?\s*(?=\d)", "", text.lower())
    if re.fullmatch(r"3\d{1,2}", plain):
        plain = f"3.{plain[1:]}"
    if not re.fullmatch(r"\d\.\d{1,2}(?:\.\d+)?", plain):
        raise _bad(f"{text!r} is no Python version", ["3.12", "3.13"], "python")
    numbers = tuple(map(int, plain.split(".")))[:2]
    if numbers > _NEWEST_PYTHON or numbers < (2, 6) or (2, 7) < numbers < (3, 0):
        raise _bad(f"there is no Python {plain}", ["3.13", "3.14"], "python")
    return plain


#: The newest compilers that NVIDIA's newest header names, and one more that may be out by now.
_COMPILERS = {"gcc": (3, 17), "clang": (3, 23)}


def compiler(family: str, text: str) -> str:
    lowest, highest = _COMPILERS[family]
    plain = re.sub(rf"^(?:{family}|g\+\+)[- ]?(?=\d)", "", text)
    if not is_version(plain) or not lowest <= major(plain) <= highest:
        raise _bad(f"there is no {family} {text}", [f"{family} {highest - 1}"], family)
    return plain


def newer_than_tables(what: str, version: str) -> bool:
    newest = knowledge.newest(what).value
    return is_version(version) and not at_least(newest, release(version))
