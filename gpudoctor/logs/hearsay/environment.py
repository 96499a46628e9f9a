"""The variables of a text: `env`, `printenv`, `export` and `set` lines, and answers to `echo`."""

from __future__ import annotations

import re

from gpudoctor.facts.environment import Environment, Variable
from gpudoctor.facts.observed import Known
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

VIA = "the text"
#: Lines that set or show a variable and nothing else. Others, such as "NAME=value program", are read by `Told`.
_LINE = Lazy(
    r"^(?:export |set |setx |declare -x |\$env:|ENV |- )?(?P<name>(?:CUDA|CUBLAS|NVIDIA|NCCL|TF|XLA|JAX|TORCH|PYTORCH|NUMBA|COMPUTE)_\w{2,40})=[\"']?(?P<value>[^\"'\n]{0,400}?)[\"']?$",
    re.M,
)


def told(told: Told) -> tuple[Environment, tuple[str, ...]]:
    found = {name: value for name, value in told.variables.items() if name != "LD_LIBRARY_PATH"}
    if "=" in told.text:
        for match in _LINE.finditer(told.text):
            found.setdefault(match["name"], match["value"].strip())
    if not found:
        return Environment(), ()
    variables = tuple(Variable(name, value) for name, value in found.items())
    return Environment(variables=Known(variables, VIA)), (
        "visible-devices-hidden",
        "environment-variable-harmful",
    )
