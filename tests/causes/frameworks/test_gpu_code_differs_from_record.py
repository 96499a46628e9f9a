"""gpu-code-differs-from-record: TensorFlow's build_info against the code in its library. The targets are those of the real
wheel of 2.18.1, whose build_info and libtensorflow_cc.so.2 agree."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Cubin, Ptx, Targets
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks

NAMED = ("6.0", "7.0", "8.0", "8.9", "9.0")


def holding(*capabilities: str) -> Machine:
    library = "/opt/venv/lib/python3.12/site-packages/tensorflow/libtensorflow_cc.so.2"
    cubins = tuple(Cubin(capability) for capability in capabilities)
    serving = Known(dict.fromkeys(capabilities, 279), library)
    held = Targets(cubins, (Ptx("9.0", "", "8.3"),), "fatbin", library, 395, serving)
    named = Targets(tuple(Cubin(c) for c in NAMED), (Ptx("9.0"),), "build_info")
    build = frameworks.tensorflow(targets=Known(held, library), declared=Known(named, "build_info.py"))
    return healthy.h100_node().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))


def test_code_that_is_named_and_not_there_is_said() -> None:
    machine = holding("8.0", "8.9", "9.0")
    assert "gpu-code-differs-from-record" in causes(machine)
    assert "sm_60, sm_70" in finding(machine, "gpu-code-differs-from-record").title


def test_a_record_that_agrees_with_the_binary_is_well() -> None:
    assert "gpu-code-differs-from-record" not in causes(holding(*NAMED))
