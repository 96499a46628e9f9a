"""PATH and LD_LIBRARY_PATH: entries that lead nowhere, mean something else than they seem to, or are stale."""

from __future__ import annotations

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.observed import Known

#: A path that concerns this family has one of these in it (path_entry_missing asks for more).
_WORDS = ("cuda", "cudnn", "nvidia", "tensorrt", "nccl", "nvhpc", "hpc_sdk")


def not_applicable(environment: Environment) -> str:
    """No variable of CUDA's is set, no LD_LIBRARY_PATH, and PATH names nothing of NVIDIA's."""
    if not isinstance(environment.variables, Known) or not isinstance(environment.paths, Known):
        return ""
    if any(variable.name != "PATH" for variable in environment.variables.value):
        return ""
    for entry in environment.paths.value:
        if entry.variable != "PATH" or any(word in entry.value.lower() for word in _WORDS):
            return ""
    return "no variable and no path of CUDA's is set"
