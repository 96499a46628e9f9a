"""Every fix that is pip's, end to end: a real environment is ill by the real rules, real pip mends it, the rules find it well,
and undo gives back every file as it was, without an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from gpudoctor.changes.restore import undo
from gpudoctor.changes.transaction import apply
from gpudoctor.facts.machine import Machine
from gpudoctor.system.writer import Writer
from tests import judged
from tests.changes.environments import Dist, Environment, Source, template
from tests.changes.mending import ids, plan_for
from tests.machines import healthy
from tests.machines.parts import gpu
from tests.sysroot import shared_object
from tests.unit.test_fatbin import container, elf, entry

pytestmark = pytest.mark.slow

LAPTOP = healthy.rtx3050_laptop
#: Component of nvidia/ -> (distribution, version, sonames), as CUDA 12's wheels have them.
NVIDIA: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "cuda_runtime": ("nvidia-cuda-runtime-cu12", "12.5.82", ("libcudart.so.12",)),
    "cublas": ("nvidia-cublas-cu12", "12.5.3.2", ("libcublas.so.12", "libcublasLt.so.12")),
    "cufft": ("nvidia-cufft-cu12", "11.2.3.61", ("libcufft.so.11",)),
    "cusolver": ("nvidia-cusolver-cu12", "11.6.3.83", ("libcusolver.so.11",)),
    "cusparse": ("nvidia-cusparse-cu12", "12.5.1.3", ("libcusparse.so.12",)),
    "cudnn": ("nvidia-cudnn-cu12", "9.3.0.75", ("libcudnn.so.9", *(
        f"libcudnn_{part}.so.9" for part in
        ("graph", "ops", "cnn", "adv", "heuristic", "engines_precompiled", "engines_runtime_compiled")))),
}  # fmt: skip
PLACES = ":".join(f"$ORIGIN/../nvidia/{component}/lib" for component in NVIDIA)


def gpu_code(*architectures: int) -> bytes:
    return elf(container(*(entry(2, number) for number in architectures)))


def nvidia(component: str, version: str = "", without: str = "") -> Dist:
    name, usual, sonames = NVIDIA[component]
    files = {
        f"nvidia/{component}/lib/{soname}": shared_object(soname, runpath="$ORIGIN")
        for soname in sonames
        if soname != without
    }
    return Dist(name, version or usual, {f"nvidia/{component}/__init__.py": "", **files})


def torch(version: str = "2.6.0+cu124", *requires: str, **files: bytes) -> Dist:
    tag = version.partition("+")[2]
    cuda = f"'{tag[2:4]}.{tag[4:]}'" if tag.startswith("cu") else "None"
    hip = "'6.2'" if tag.startswith("rocm") else "None"
    says = f"__version__ = '{version}'\ncuda = {cuda}\nhip = {hip}\nxpu = None\n"
    libraries = {f"torch/lib/{name}.so": data for name, data in files.items()}
    return Dist("torch", version, {"torch/__init__.py": "", "torch/version.py": says, **libraries}, requires)


def tensorflow(name: str = "tensorflow", cuda: bool = True) -> Dist:
    said = {
        "is_cuda_build": cuda,
        "cuda_version": "12.5.1",
        "cudnn_version": "9",
        "cuda_compute_capabilities": ["sm_86"],
    }
    files: dict[str, str | bytes] = {
        "tensorflow/__init__.py": "",
        "tensorflow/python/platform/build_info.py": f"build_info = {said!r}\n",
    }
    if cuda:
        files["tensorflow/libtensorflow_framework.so.2"] = shared_object(
            "libtensorflow_framework.so.2", runpath=PLACES
        )
    pins = tuple(f"{name}=={version}" for name, version, _ in NVIDIA.values())
    return Dist(name, "2.18.0", files, (), {"and-cuda": pins} if name == "tensorflow" else {})


def extension(name: str, version: str, library: bytes, *requires: str) -> Dist:
    folder = name.replace("-", "_")
    return Dist(name, version, {f"{folder}/__init__.py": "", f"{folder}/_C.so": library}, requires)


def jax(version: str = "0.4.38") -> Dist:
    plugin = (f"jax-cuda12-plugin=={version}", f"jax-cuda12-pjrt=={version}")
    return Dist(
        "jax", version, {"jax/__init__.py": ""}, (f"jaxlib<={version},>={version}",), {"cuda12": plugin}
    )


def jax_parts(version: str = "0.4.38") -> list[Dist]:
    return [
        Dist("jax-cuda12-plugin", version, {"jax_cuda12_plugin/__init__.py": ""}),
        Dist("jax-cuda12-pjrt", version, {"jax_plugins/xla_cuda12/__init__.py": ""}),
    ]


def pure(name: str, version: str, *requires: str, folder: str = "") -> Dist:
    place = folder or name.replace("-", "_")
    return Dist(name, version, {f"{place}/__init__.py": f"version = {version!r}\n"}, requires)


def volta() -> Machine:
    return LAPTOP().replace(gpu=gpu.answering(1, "Tesla V100-SXM2-16GB", "7.0", 0x1DB1, 16 << 30, True))


class Case(NamedTuple):
    """`ill`: what is installed; `house`: what can be had. `gone`: files that somebody has removed."""

    ill: list[Dist]
    house: list[Dist | Source]
    machine: object = LAPTOP
    gone: tuple[str, ...] = ()
    imports: bool = False


IMPORTS = "import typing_extras_of_test\nimport torch.version\n__version__ = '2.6.0+cu124'\n"
ALL_NVIDIA = [nvidia(component) for component in NVIDIA]
PLAIN = shared_object("_C.so")
NCCL = shared_object("libnccl.so.2")
WITH_NCCL = shared_object("libtorch_cuda.so", needed=("libnccl.so.2",), rpath="$ORIGIN/../../nvidia/nccl/lib")


def nccl(version: str) -> Dist:
    return Dist("nvidia-nccl-cu12", version, {"nvidia/nccl/lib/libnccl.so.2": NCCL})


def without(component: str) -> list[Dist]:
    return [nvidia(c) for c in NVIDIA if c != component]


CASES: Mapping[str, Case] = {
    "abi-mismatch-extension": Case(
        [torch(), extension("flash-attn", "2.7.4+cu12torch2.5cxx11abiFALSE", PLAIN)],
        [Source("flash-attn", "2.7.4", "flash_attn", {"plain": gpu_code(86)})],
    ),
    "cpu-only-wheel": Case([torch("2.5.1+cpu")], [torch("2.5.1+cu124")]),
    "cpu-only-wheel of TensorFlow": Case([tensorflow("tensorflow-cpu", cuda=False)], [tensorflow(), *ALL_NVIDIA]),
    "cuda-libs-missing-for-framework": Case([tensorflow()], [tensorflow(), *ALL_NVIDIA]),
    "cudnn-lacks-gpu-kernels": Case(
        [nvidia("cudnn", "9.11.0.98")], [nvidia("cudnn", "9.11.0.98"), nvidia("cudnn", "9.10.2.21")], volta
    ),
    "cudnn-missing": Case([tensorflow(), *without("cudnn")], [nvidia("cudnn")]),
    "cudnn-sublibrary-missing": Case(
        [tensorflow(), *ALL_NVIDIA],
        [nvidia("cudnn"), nvidia("cudnn", "9.9.0.52")],
        gone=("nvidia/cudnn/lib/libcudnn_ops.so.9",),
    ),
    "cudnn-version-mismatch": Case(
        [tensorflow(), *without("cudnn"), nvidia("cudnn", "9.1.0.70")], [nvidia("cudnn"), nvidia("cudnn", "9.1.0.70")]
    ),
    "duplicate-dist-info": Case(
        [pure("keras", "3.5.0"), pure("keras", "3.6.0")], [pure("keras", "3.5.0"), pure("keras", "3.6.0")]
    ),
    "duplicate-distributions": Case(
        [pure("onnxruntime", "1.20.1"), pure("onnxruntime-gpu", "1.20.1", folder="onnxruntime")],
        [pure("onnxruntime-gpu", "1.20.1", folder="onnxruntime")],
    ),
    "extension-built-without-cuda": Case(
        [torch(), extension("torch-scatter", "2.1.2", PLAIN)],
        [Source("torch-scatter", "2.1.2", "torch_scatter", {"plain": PLAIN, "cuda": gpu_code(86)})],
    ),
    "extension-lacks-gpu-arch": Case(
        [torch(), extension("torch-scatter", "2.1.2", gpu_code(90))],
        [Source("torch-scatter", "2.1.2", "torch_scatter", {"plain": gpu_code(90), "8.6": gpu_code(86)})],
    ),
    "framework-cuda-version-mismatch": Case(
        [pure("cupy-cuda11x", "13.3.0", folder="cupy"), nvidia("cuda_runtime")],
        [pure("cupy-cuda12x", "13.3.0", folder="cupy")],
    ),
    "framework-pins-broken": Case(
        [torch("2.6.0+cu124", "nvidia-cublas-cu12==12.4.5.8"), nvidia("cublas")],
        [nvidia("cublas", "12.4.5.8"), nvidia("cublas")],
    ),
    "import-fails": Case(
        [Dist("torch", "2.6.0+cu124", {"torch/__init__.py": IMPORTS, "torch/version.py": "cuda = None\n"})],
        [pure("typing-extras-of-test", "1.0")],
        imports=True,
    ),
    "jax-cpu-only-jaxlib": Case([jax(), pure("jaxlib", "0.4.38")], [jax(), pure("jaxlib", "0.4.38"), *jax_parts()]),
    "jax-plugin-mismatch": Case(
        [jax(), pure("jaxlib", "0.4.38"), *jax_parts("0.4.30")],
        [jax(), pure("jaxlib", "0.4.38"), *jax_parts("0.4.30"), *jax_parts()],
    ),
    "keras-tensorflow-mismatch": Case(
        [pure("keras", "2.15.0"), pure("tensorflow", "2.18.0", "keras>=3.5.0")],
        [pure("keras", "2.15.0"), pure("keras", "3.6.0", "rich-of-test"), pure("rich-of-test", "1.0")],
    ),
    "libcudart-missing": Case([tensorflow(), *without("cuda_runtime")], [nvidia("cuda_runtime")]),
    "libdevice-not-found": Case([tensorflow(), *ALL_NVIDIA], [pure("nvidia-cuda-nvcc-cu12", "12.5.82")]),
    "nccl-version-mismatch": Case(
        [torch("2.6.0+cu124", "nvidia-nccl-cu12==2.21.5", libtorch_cuda=WITH_NCCL), nccl("2.20.5")],
        [nccl("2.20.5"), nccl("2.21.5")],
    ),
    "numpy-too-new-for-framework": Case(
        [torch("2.2.0+cu121"), pure("numpy", "2.1.0")], [pure("numpy", "2.1.0"), pure("numpy", "1.26.4")]
    ),
    "numpy-too-old-for-framework": Case(
        [pure("tensorflow", "2.18.0", "numpy<2.1.0,>=1.26.0"), pure("numpy", "1.24.0")],
        [pure("numpy", "1.24.0"), pure("numpy", "2.0.2"), pure("numpy", "2.1.0")],
    ),
    "torchvision-torchaudio-mismatch": Case(
        [torch(), extension("torchvision", "0.20.1+cu124", gpu_code(86), "torch==2.5.1")],
        [torch(), extension("torchvision", "0.21.0+cu124", gpu_code(86), "torch==2.6.0"),
         extension("torchvision", "0.20.1+cu124", gpu_code(86), "torch==2.5.1")],
    ),
    "triton-torch-mismatch": Case(
        [torch("2.6.0+cu124", "triton==3.2.0"), pure("triton", "3.1.0")], [pure("triton", "3.1.0"), pure("triton", "3.2.0")]
    ),
    "wheel-lacks-gpu-arch": Case(
        [torch("2.7.0+cu126", libtorch_cuda=gpu_code(80, 90))],
        [torch("2.7.0+cu126", libtorch_cuda=gpu_code(80, 90)), torch("2.7.0+cu128", libtorch_cuda=gpu_code(80, 90, 120))],
        healthy.rtx5090_desktop,
    ),
    "wrong-accelerator-build": Case([torch("2.5.1+rocm6.2")], [torch("2.5.1+cu124")]),
}  # fmt: skip


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield template(tmp_path_factory.mktemp("pip") / "venv")


def made(
    place: Path, case: Case, pip: Path | None, monkeypatch: pytest.MonkeyPatch, **more: str
) -> Environment:
    env = Environment(place, pip)
    env.installed(case.ill, **more)
    env.offered(case.house)
    for name in case.gone:
        (env.site / name).unlink()
    for name, value in env.variables().items():
        monkeypatch.setenv(name, value)
    return env


def cause_of(name: str) -> str:
    return name.partition(" ")[0]


@pytest.mark.parametrize("name", CASES)
def test_ill_mended_well_and_as_before(
    name: str, tmp_path: Path, pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, cause = CASES[name], cause_of(name)
    env = made(tmp_path, case, pip, monkeypatch)
    proven(env, case, cause, monkeypatch)


def proven(env: Environment, case: Case, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = env.picture()
    machine = env.machine(case.machine(), case.imports)  # type: ignore[operator]
    assert cause in ids(machine), ids(machine)
    plan = plan_for(cause, machine, env.port(), None)
    outcome = apply(plan, Writer("", env.state))
    assert outcome.state == "applied", (outcome, judged.finding(machine, cause).fix)
    after = env.machine(case.machine(), case.imports)  # type: ignore[operator]
    assert cause not in ids(after), [f.title for f in judged.judgement(after).findings]
    assert env.picture() != before
    for variable in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(variable, "/no/such/place")  # what comes back comes from what was kept
    back = undo(Writer("", env.state))
    assert back.state == "undone", back
    assert env.picture() == before
    assert not list(Path(env.state, "packages").iterdir())  # nothing is kept for longer than it is needed
