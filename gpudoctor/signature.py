"""Signatures: what a cause looks like in text. They stand in the cause's own file and stay strings until `diagnose`
needs one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpudoctor.facts.record import Record


def error_code(*codes: int) -> str:
    """A pattern for a CUDA error that a program prints as a number, which says more than its sentence.

    Samples: ollama's "cuda driver library init failure: 999", Triton's and Numba's "cuInit returned 100",
    "CUDA error 2 at", PyTorch 1.x's "cuda runtime error (30)", the CUDA samples' "cudaGetDeviceCount returned 35".
    """
    numbers = "|".join(map(str, codes))
    return (
        r"(?:cuInit|cudaGetDeviceCount|cuDeviceGetCount|cudaSetDevice|driver library init failure|cudart init failure|"
        r"driver library to enumerate GPUs|failed to get device context|CUDA error|CUDA failure|CUDA initialization failure|cudaSuccess|CUDA runtime error|CUDA driver error|cudaError|CUDA API failed)"
        r"(?:\(\w{0,20}\))?[\s:=(#\[]{0,4}(?:(?:returned|returns|failed|failure|results in|result|with|error|code|status|err)[\s:=(#\[]{1,4}){0,4}"
        rf"(?:{numbers})\b(?!\.?\d)"
    )


#: MIG in use: its mode, an instance's name or the profile of a slice. nvidia-smi's table says "MIG M." for any GPU.
MIG = (
    r"\bMIG[- ](?:mode |GPU )?(?:enabled|on\b|GPU|instances?|devices?|slices?|partitions?)|\bMIG-[0-9a-fG]{3}|\bMIG \d+g\.|"
    r"(?:enabl\w+|activat\w+|turn\w+ on|switch\w+ on) MIG\b|\b[1-7]g\.\d{1,3}gb\b"
)


def exported_xid(*codes: int) -> str:
    """A pattern for an Xid outside the kernel's log: monitors print its number as a value.

    Samples: dcgm-exporter's `DCGM_FI_DEV_XID_ERRORS{gpu="3",device="nvidia3"} 79`, `dcgm_xid_errors 79`, Datadog's `nvml.xid: 79`,
    node-problem-detector's "XidError: 79", `"xid": 79`.
    """
    numbers = "|".join(map(str, codes))
    return rf"xid_?(?:errors?|code|event|number|id)?\b(?:\{{[^}}\n]{{0,400}}\}})?[\s:=|\"']{{1,6}}(?:{numbers})\b(?!\.?[1-9])"


class Signature(Record):
    """A wording that betrays a cause.

    `pattern` is a regular expression, matched without regard to case. A space in it stands for any white space, a line
    break too, so that wrapped messages match; `.`, `*` and `+` are bounded when it is compiled. Each of its
    alternatives must hold a run of ordinary characters outside groups: the prefilter looks for that run.

    `confidence`: 0.9 and more where the wording names the cause; about 0.7 where it nearly does; 0.4 for a symptom that
    other causes have too, and that counts only where nothing says more. `needs`: patterns that must all be somewhere in
    the text; `unless`: patterns of which none may be. `when`: the name of a condition in `logs.conditions`, for what
    takes arithmetic ("the free memory would have been enough").

    `explanation` and `fix` may quote the pattern's named groups ("built for CUDA {built}"); empty: the page speaks.
    """

    pattern: str
    confidence: float = 0.9
    needs: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    when: str = ""
    explanation: str = ""
    fix: str = ""

    if not TYPE_CHECKING:  # spelled out: every command that loads the causes makes hundreds of these

        def __init__(self, pattern, confidence=0.9, needs=(), unless=(), when="", explanation="", fix=""):
            values = self.__dict__
            values["pattern"], values["confidence"] = pattern, confidence
            values["needs"], values["unless"], values["when"] = needs, unless, when
            values["explanation"], values["fix"] = explanation, fix
