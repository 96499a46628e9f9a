"""tf-gpu-on-windows-unsupported: TensorFlow after 2.10 on Windows. Composed from tensorflow#58629."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def on_windows(version: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    build = frameworks.tensorflow(version, variant="cpu", cuda=Absent("x"), targets=Absent("x"))
    return laptop.replace(
        host=laptop.host.replace(system=Known("Windows", "text"), libc=Absent("Windows")),
        frameworks=frameworks.with_pythons(frameworks.python(build.replace(glibc=Absent("Windows")))),
    )


def test_tensorflow_2_18_on_windows() -> None:
    assert causes(on_windows("2.18.0")) == {"tf-gpu-on-windows-unsupported"}
    assert "2.18.0" in finding(on_windows("2.18.0"), "tf-gpu-on-windows-unsupported").title


def test_2_10_has_gpu_support_there() -> None:
    assert "tf-gpu-on-windows-unsupported" not in causes(on_windows("2.10.1"))


def test_the_same_version_on_linux_is_well() -> None:
    laptop = healthy.rtx3050_laptop()
    python = frameworks.python(frameworks.tensorflow())
    assert "tf-gpu-on-windows-unsupported" not in causes(
        laptop.replace(frameworks=frameworks.with_pythons(python))
    )
