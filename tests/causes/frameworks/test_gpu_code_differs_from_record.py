"""gpu-code-differs-from-record: TensorFlow's build_info and PyTorch's list of targets against the code in their libraries. The
targets are those of the real wheel of TensorFlow 2.18.1, whose build_info and libtensorflow_cc.so.2 agree, and of torch 2.5.1+cu124."""

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


def torch_that_says(*capabilities: str) -> Machine:
    path = "/home/u/venv/lib/python3.11/site-packages/torch/lib/libtorch_python.so"
    named = Targets(tuple(Cubin(c) for c in capabilities), (Ptx("9.0"),), "arch_flags")
    build = frameworks.torch().replace(declared=Known(named, path))
    return healthy.h100_node().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))


def test_a_torch_whose_list_names_more_than_its_library_holds() -> None:
    machine = torch_that_says(*frameworks.CU124, "10.0")
    assert causes(machine) == {"gpu-code-differs-from-record"}
    found = finding(machine, "gpu-code-differs-from-record")
    assert "sm_100" in found.title and found.fix is not None
    assert found.fix.commands[0].endswith(
        "torch==2.5.1+cu124 --index-url https://download.pytorch.org/whl/cu124"
    )


def test_a_torch_whose_list_is_that_of_its_library_is_well() -> None:
    """ "compute_90" in the list is PTX, no machine code that would have to be there."""
    assert causes(torch_that_says(*frameworks.CU124)) == set()
