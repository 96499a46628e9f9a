"""What is built for which GPUs, and whether anybody has built this release with the tool before."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.tfbuild.capabilities import compiled, for_gpus, runs_on
from gpudoctor.tfbuild.preflight.cuda import cuda_wanted
from gpudoctor.tfbuild.preflight.model import Look, Row
from gpudoctor.versions import capability, older

#: Releases of which a whole build with this tool was reported (docs/build-tf.md). Stages up to configure ran on all that the page names.
BUILT_BEFORE: tuple[str, ...] = ()


def version(look: Look) -> Iterator[Row]:
    """Nobody's first build shall be a surprise."""
    found = value_of(look.tree.version, "")
    if not found:
        yield Row("version", "warning", "the tree does not say which release it is", "judged by its files")
    elif not look.release:
        yield Row("version", "warning", f"TensorFlow {found}: which clang and Bazel it is tested with is not known", "newer than the table, or not a release")  # fmt: skip
    elif found not in BUILT_BEFORE:
        yield Row(
            "version", "warning", f"nobody has reported a whole build of TensorFlow {found} with this tool",
            "what is proven, and on what, is in docs/build-tf.md", "keep the logs of the work folder: `gpudoctor build-tf status` names them, and the first one to build may meet what nobody has met",
        )  # fmt: skip
    else:
        yield Row("version", "ok", f"TensorFlow {found} was built with this tool before")


def wanted(look: Look) -> str:
    """The capabilities to build for: as asked, or those of the GPUs here."""
    if look.request.capabilities != "auto":
        return look.request.capabilities
    return for_gpus(look.machine.gpus)


def capabilities(look: Look) -> Iterator[Row]:
    value = wanted(look)
    if not value:
        why = "no GPU here" if look.machine.gpus_known else "the GPUs here could not be read"
        yield Row("capabilities", "failure", f"{why}: which capabilities to build for is not known", "",
                  "--capabilities sm_86,compute_90 names them")  # fmt: skip
        return
    found = compiled(look.tree, value)
    if not isinstance(found, Known):
        yield Row(
            "capabilities",
            "unknown",
            f"{value}: whether the tree accepts it can't be read",
            getattr(found, "reason", ""),
        )
        return
    if found.value.refused:
        yield Row("capabilities", "failure", f"the tree refuses the capabilities {value}", found.value.refused,
                  _hint(look, value), "tf-build-configuration")  # fmt: skip
        return
    cuda = cuda_wanted(look)
    targets = knowledge.toolkit_targets(cuda) if cuda else None
    have = {capability(t.rstrip("af")) for t in targets.sm} if targets else set()
    unknown = [c for c in found.value.accepted if have and capability(c) not in have]
    if unknown:
        yield Row("capabilities", "failure", f"CUDA {cuda} does not compile for {', '.join(unknown)}",
                  targets.source if targets else "", _newer(cuda), "nvcc-arch-unsupported")  # fmt: skip
    elif not found.value.ptx:
        yield Row("capabilities", "warning", f"{value}: no PTX, so a newer GPU will not run the wheel", found.via,
                  "compute_XY instead of sm_XY for the newest has machine code and PTX")  # fmt: skip
    else:
        said = "" if have else f"; what CUDA {cuda or '?'} compiles for is not in the table"
        yield Row(
            "capabilities",
            "ok",
            f"{value}: the tree makes {', '.join(found.value.accepted)} of it",
            found.via + said,
        )


def _hint(look: Look, value: str) -> str:
    plain = ",".join(f"sm_{a}{b}" for a, b in (capability(part) for part in value.split(",")))
    again = compiled(look.tree, plain)
    if plain != value and isinstance(again, Known) and not again.value.refused:
        return f"--capabilities {plain}"
    return "this tree takes two digits (sm_86, compute_90, 8.6) only: sm_100 and newer need 2.19 or later"


def _newer(cuda: str) -> str:
    return "leave them away, or take a CUDA that knows them" if not older(cuda, "12.0") else "a newer CUDA"


def gpus(look: Look) -> Iterator[Row]:
    if not look.machine.gpus_known:
        yield Row("gpus", "unknown", "the GPUs here could not be read: whether the wheel runs on them is not known", "",
                  "`gpudoctor check` says why")  # fmt: skip
        return
    if not look.machine.gpus:
        yield Row("gpus", "warning", "there is no GPU here: the wheel can be built, and not tried", "",
                  "the smoke test needs a machine with the GPU")  # fmt: skip
        return
    found = compiled(look.tree, wanted(look))
    if not isinstance(found, Known) or found.value.refused:
        yield Row(
            "gpus",
            "unknown",
            "whether the wheel runs on the GPUs here is not known",
            ", ".join(look.machine.gpus),
        )
        return
    for gpu in sorted(set(look.machine.gpus)):
        how = runs_on(found.value.accepted, gpu)
        if how == "no":
            yield Row("gpus", "failure", f"the wheel would not run on the GPU here ({gpu})", ", ".join(found.value.accepted),
                      f"--capabilities {for_gpus(look.machine.gpus)}", "wheel-lacks-gpu-arch")  # fmt: skip
        else:
            words = {"exact": "machine code of its own", "same-major": "machine code of its family", "ptx": "PTX, compiled when a kernel starts first"}  # fmt: skip
            yield Row(
                "gpus", "ok", f"the GPU here ({gpu}) runs {words[how]}", ", ".join(found.value.accepted)
            )
