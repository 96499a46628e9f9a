"""keras-tensorflow-mismatch: a keras that TensorFlow does not accept. Composed from METADATA of tensorflow 2.18.0 (keras>=3.5.0)."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(keras: str) -> Machine:
    server = healthy.no_gpu_server()
    tensorflow = frameworks.package("tensorflow", "2.18.0", "keras>=3.5.0", "numpy<2.1.0,>=1.26.0")
    python = frameworks.python(frameworks.tensorflow(), tensorflow, frameworks.package("keras", keras))
    return server.replace(frameworks=frameworks.with_pythons(python))


def test_keras_2_beside_tensorflow_2_18() -> None:
    assert causes(machine("2.15.0")) == {"keras-tensorflow-mismatch"}
    fix = finding(machine("2.15.0"), "keras-tensorflow-mismatch").fix
    assert fix is not None and fix.commands[0].endswith("'keras>=3.5.0'")


def test_keras_3_is_well() -> None:
    assert causes(machine("3.7.0")) == set()
