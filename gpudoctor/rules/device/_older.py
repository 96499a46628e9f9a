"""GPUs that a build's or a toolkit's GPU code begins above: which they are, and an older build that still has them."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build, Cubin, Interpreter, Targets
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Fix
from gpudoctor.rules.architectures import older_than_all
from gpudoctor.rules.judging import Device
from gpudoctor.rules.targets import serves
from gpudoctor.versions import capability

#: Variants of torch from new to old, to look for one of the same release that still has the GPU.
OLDER_VARIANTS = ("cu128", "cu126", "cu124", "cu121", "cu118")


def nothing_for(targets: Targets, gpu: str) -> bool:
    """Nothing in the build is for this GPU or an older one: newer builds will not help."""
    return older_than_all(targets, gpu) and serves(targets, gpu, None).how == "none"


def oldest(targets: Targets) -> str:
    held = [code.capability for code in targets.cubins] + [code.capability for code in targets.ptx]
    return min(held, key=capability)


def capability_of(one: Device) -> str:
    return value_of(one.compute_capability, "")


def digits(text: str) -> str:
    return "".join(map(str, capability(text)))


def names(gpus: list[Device]) -> str:
    first = f"{gpus[0].subject.label} ({capability_of(gpus[0])})"
    return first if len(gpus) == 1 else f"{first} and {len(gpus) - 1} more"


def older_build(interpreter: Interpreter, build: Build, gpu: str) -> Fix:
    from gpudoctor import knowledge

    if build.framework == "torch":
        plain = build.version.partition("+")[0]
        for variant in OLDER_VARIANTS:
            row = knowledge.torch_build(plain, variant)
            if row is None or not row.capabilities or variant == build.variant:
                continue
            held = Targets(tuple(Cubin(c) for c in row.capabilities), (), "table")
            if serves(held, gpu, None).how == "cubin":
                return Fix(
                    f"Install torch {plain} for {variant}, which still has this GPU",
                    (
                        f"{interpreter.path} -m pip install --force-reinstall torch=={plain} "
                        f"--index-url https://download.pytorch.org/whl/{variant}",
                    ),
                )
    return Fix(f"Install an older {build.framework} that still has code for sm_{digits(gpu)}")
