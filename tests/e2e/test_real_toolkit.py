"""The toolkit of the machine that the tests run on, where it has one."""

from __future__ import annotations

import shutil
import time

import pytest

from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.probes import cuda
from gpudoctor.system.live import Live
from gpudoctor.system.port import Options
from gpudoctor.versions import major
from tests.judged import causes
from tests.machines import healthy

NVCC = shutil.which("nvcc")
pytestmark = pytest.mark.skipif(NVCC is None, reason="no nvcc on PATH: no CUDA toolkit is installed here")


@pytest.fixture(scope="module")
def here() -> Cuda:
    port = Live()
    return Cuda(**{name: probe(port) for name, probe in cuda.FIELDS.items()})


def says(nvcc: str) -> str:
    """nvcc's own word, to compare with: "13.0.88"."""
    ran = Live().run([nvcc, "--version"], 30)
    return ran.stdout.partition(", V")[2].split()[0]


def test_path_leads_to_the_toolkit_whose_version_nvcc_prints(here: Cuda) -> None:
    assert NVCC is not None
    assert isinstance(here.selections, Known) and isinstance(here.toolkits, Known)
    chosen = next(s for s in here.selections.value if s.selector == "PATH")
    assert chosen.value == NVCC
    kit = next(t for t in here.toolkits.value if t.real_prefix == value_of(chosen.prefix, ""))
    assert value_of(kit.version, "") == says(NVCC)
    if shutil.which("ptxas"):
        own = next(t for t in kit.tools if t.name == "ptxas")
        assert value_of(own.version, "") == says(own.path)


def test_the_compiler_on_path_is_within_the_headers_bounds_and_nothing_is_found(here: Cuda) -> None:
    """Whoever installed compiler and toolkit here made them fit; on a server without a GPU nothing else is judged."""
    assert isinstance(here.compilers, Known) and here.compilers.value
    version = value_of(here.compilers.value[0].version, "")
    if not version:
        pytest.skip("the compiler here does not show its version")
    ran = Live().run([here.compilers.value[0].path, "-dumpversion"], 30)
    assert major(version) == major(ran.stdout.strip())
    assert causes(healthy.no_gpu_server().replace(cuda=here)) == set()


def test_a_kernel_compiles_and_its_targets_are_read_back() -> None:
    result = cuda.compiled(Live(timeout=120, options=Options(build=True)))
    assert isinstance(result, Known), result
    assert result.value.ok, result.value.output
    assert any(target.startswith("sm_") for target in result.value.targets), result.value


def test_looking_runs_nothing_and_takes_a_few_milliseconds(
    here: Cuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of `check` has a budget; a single started program would cost more than this probe may."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a program was run")

    monkeypatch.setattr(Live, "run", forbidden)
    best = 1.0
    for _ in range(5):
        port = Live()
        start = time.process_time()
        for name, probe in cuda.FIELDS.items():
            answer = probe(port)
            assert answer is not None, name
        best = min(best, time.process_time() - start)
    assert best < 0.05, f"{best * 1000:.1f} ms of processor time"
