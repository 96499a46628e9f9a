"""cudnn-shadowed-by-ld-library-path: TensorFlow finds its libraries by RUNPATH, so LD_LIBRARY_PATH comes first."""

from __future__ import annotations

from gpudoctor.facts.environment import PathEntry
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import libraries as parts

OLD = "/opt/cudnn-8/lib"


def tensorflow() -> Machine:
    return parts.with_framework(healthy.h100_node(), "tensorflow", cudnn="9.1")


def shadowed(version: str = "9.0.0") -> Machine:
    """A cuDNN 9.0.0 on LD_LIBRARY_PATH, put there by ~/.bashrc, before the wheel's 9.1.0."""
    sonames = [s for s in parts.WHEELS if s.startswith("libcudnn")]
    loads = [parts.elsewhere(s, OLD, version, framework="tensorflow") for s in sonames]
    copies = tuple(parts.system_copy(s, OLD, version) for s in sonames)
    machine = parts.changed(tensorflow(), *loads, copies=copies)
    entry = PathEntry(
        "LD_LIBRARY_PATH", OLD, Known(True, OLD), Known("/home/u/.bashrc:12", "/home/u/.bashrc")
    )
    return machine.replace(environment=machine.environment.replace(paths=Known((entry,), "environ")))


def test_an_older_cudnn_in_front_is_named_with_the_line_that_put_it_there() -> None:
    assert causes(shadowed()) == {"cudnn-shadowed-by-ld-library-path"}
    found = finding(shadowed(), "cudnn-shadowed-by-ld-library-path")
    assert "9.0.0" in found.title and "9.1.0.70" in found.title and found.severity == "failure"
    assert found.fix is not None and "/home/u/.bashrc:12" in found.fix.summary
    assert found.fix.commands == ("unset LD_LIBRARY_PATH",)


def test_the_version_mismatch_is_its_consequence() -> None:
    assert folded(shadowed())["cudnn-version-mismatch"] == "cudnn-shadowed-by-ld-library-path"


def test_a_newer_one_of_the_same_major_works_and_is_a_warning() -> None:
    assert finding(shadowed("9.5.1"), "cudnn-shadowed-by-ld-library-path").severity == "warning"


def test_torch_finds_cudnn_by_rpath_but_its_parts_by_runpath() -> None:
    """libcudnn.so.9 from the wheel (RPATH), its parts from LD_LIBRARY_PATH: https://github.com/pytorch/pytorch/issues/185512"""
    torch = parts.with_framework(healthy.h100_node())
    part = "libcudnn_graph.so.9"
    machine = parts.changed(
        torch, parts.elsewhere(part, OLD, "9.5.1"), copies=(parts.system_copy(part, OLD, "9.5.1"),)
    )
    assert causes(machine) == {"cudnn-shadowed-by-ld-library-path"}
    assert finding(machine, "cudnn-shadowed-by-ld-library-path").severity == "failure"
    assert folded(machine) == {"cudnn-mixed-sublibraries": "cudnn-shadowed-by-ld-library-path"}


def test_a_cudnn_on_the_path_that_rpath_passes_by_is_harmless() -> None:
    """torch's DT_RPATH comes before LD_LIBRARY_PATH; another folder there changes nothing."""
    torch = parts.with_framework(healthy.h100_node())
    assert causes(parts.changed(torch, copies=(parts.system_copy("libcudnn.so.9", OLD, "8.9.7"),))) == set()


def test_the_same_version_in_front_is_harmless() -> None:
    assert causes(shadowed("9.1.0")) == set()


def test_wheels_alone_are_well() -> None:
    assert causes(tensorflow()) == set()


def test_an_old_one_on_the_path_and_none_in_the_environment() -> None:
    machine = shadowed("8.0.3")
    copies = tuple(c for c in machine.libraries.copies.value if c.owner != parts.PREFIX)
    machine = machine.replace(libraries=machine.libraries.replace(copies=Known(copies, "LD_LIBRARY_PATH")))
    assert causes(machine) == {"cudnn-shadowed-by-ld-library-path"}


def test_without_a_gpu_nobody_loads_it() -> None:
    server = healthy.no_gpu_server()
    machine = shadowed().replace(gpu=server.gpu, driver=server.driver)
    assert "cudnn-shadowed-by-ld-library-path" not in {f.id for f in judgement(machine).findings}
