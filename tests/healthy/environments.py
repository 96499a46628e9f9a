"""Python environments as their installers leave them, as files of a small root: dist-infos with their requirements, NVIDIA's
wheels in the layouts of CUDA 11, 12 and 13, libraries that say what they need and hold GPU code for what they are published for.

Composed: names, versions and pins as in the METADATA of the wheels named; sonames, RPATHs and targets as in their files and
in PyTorch's and TensorFlow's release notes. The libraries have no code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gpudoctor.facts.record import Record
from tests.sysroot import shared_object
from tests.unit.test_fatbin import container, elf, entry

PYTHON = "3.11"
VENV = "/home/u/venv"
LINUX = "; platform_system == 'Linux' and platform_machine == 'x86_64'"

#: CUDA major -> component -> sonames. Those of 13 lie together in nvidia/cu13/lib, but for cuDNN, NCCL, cuSPARSELt, NVSHMEM.
LIBRARIES: Mapping[int, Mapping[str, tuple[str, ...]]] = {
    11: {
        "cuda_runtime": ("libcudart.so.11.0",), "cuda_nvrtc": ("libnvrtc.so.11.2",), "cuda_cupti": ("libcupti.so.11.8",),
        "cublas": ("libcublas.so.11", "libcublasLt.so.11"), "cufft": ("libcufft.so.10",), "curand": ("libcurand.so.10",),
        "cusolver": ("libcusolver.so.11",), "cusparse": ("libcusparse.so.11",), "nccl": ("libnccl.so.2",),
        "nvtx": ("libnvToolsExt.so.1",),
    },
    12: {
        "cuda_runtime": ("libcudart.so.12",), "cuda_nvrtc": ("libnvrtc.so.12",), "cuda_cupti": ("libcupti.so.12",),
        "cublas": ("libcublas.so.12", "libcublasLt.so.12"), "cufft": ("libcufft.so.11",), "curand": ("libcurand.so.10",),
        "cusolver": ("libcusolver.so.11",), "cusparse": ("libcusparse.so.12",), "nvjitlink": ("libnvJitLink.so.12",),
        "nccl": ("libnccl.so.2",), "nvtx": ("libnvToolsExt.so.1",), "cusparselt": ("libcusparseLt.so.0",),
        "cufile": ("libcufile.so.0",), "cuda_nvcc": (), "nvshmem": ("libnvshmem_host.so.3",),
    },
    13: {
        "cuda_runtime": ("libcudart.so.13",), "cuda_nvrtc": ("libnvrtc.so.13",), "cuda_cupti": ("libcupti.so.13",),
        "cublas": ("libcublas.so.13", "libcublasLt.so.13"), "cufft": ("libcufft.so.12",), "curand": ("libcurand.so.10",),
        "cusolver": ("libcusolver.so.12",), "cusparse": ("libcusparse.so.12",), "nvjitlink": ("libnvJitLink.so.13",),
        "nccl": ("libnccl.so.2",), "nvtx": ("libnvtx3interop.so.1",), "cusparselt": ("libcusparseLt.so.0",),
        "cufile": ("libcufile.so.0",), "nvvm": ("libnvvm.so.4",), "cuda_nvcc": (), "nvshmem": ("libnvshmem_host.so.3",),
    },
}  # fmt: skip
APART = ("cudnn", "nccl", "cusparselt", "nvshmem")
CUDNN = {
    8: ("libcudnn.so.8", *(f"libcudnn_{p}.so.8" for p in (
        "ops_infer", "ops_train", "cnn_infer", "cnn_train", "adv_infer", "adv_train"))),
    9: ("libcudnn.so.9", *(f"libcudnn_{p}.so.9" for p in (
        "graph", "ops", "cnn", "adv", "engines_precompiled", "engines_runtime_compiled", "heuristic"))),
}  # fmt: skip
#: What CUDA's own parts of torch are linked with.
LINKED = ("cuda_runtime", "cublas", "cufft", "curand", "cusolver", "cusparse", "cudnn", "nccl")


class Torch(Record):
    """A published wheel: `pins` component -> version; `local`: the version names its variant, as those of PyTorch's index do."""

    version: str
    cuda: str
    capabilities: tuple[int, ...]
    pins: Mapping[str, str]
    triton: str
    local: bool = True


TORCH = {
    "2.4.1+cu118": Torch("2.4.1", "11.8", (50, 60, 70, 75, 80, 86, 90), {
        "cuda_nvrtc": "11.8.89", "cuda_runtime": "11.8.89", "cuda_cupti": "11.8.87", "cudnn": "9.1.0.70",
        "cublas": "11.11.3.6", "cufft": "10.9.0.58", "curand": "10.3.0.86", "cusolver": "11.4.1.48",
        "cusparse": "11.7.5.86", "nccl": "2.20.5", "nvtx": "11.8.86"}, "3.0.0"),
    "2.1.2": Torch("2.1.2", "12.1", (50, 60, 70, 75, 80, 86, 90), {
        "cuda_nvrtc": "12.1.105", "cuda_runtime": "12.1.105", "cuda_cupti": "12.1.105", "cudnn": "8.9.2.26",
        "cublas": "12.1.3.1", "cufft": "11.0.2.54", "curand": "10.3.2.106", "cusolver": "11.4.5.107",
        "cusparse": "12.1.0.106", "nccl": "2.18.1", "nvtx": "12.1.105"}, "2.1.0", False),
    "2.6.0+cu124": Torch("2.6.0", "12.4", (50, 60, 70, 75, 80, 86, 90), {
        "cuda_nvrtc": "12.4.127", "cuda_runtime": "12.4.127", "cuda_cupti": "12.4.127", "cudnn": "9.1.0.70",
        "cublas": "12.4.5.8", "cufft": "11.2.1.3", "curand": "10.3.5.147", "cusolver": "11.6.1.9",
        "cusparse": "12.3.1.170", "cusparselt": "0.6.2", "nccl": "2.21.5", "nvtx": "12.4.127", "nvjitlink": "12.4.127"},
        "3.2.0"),
    "2.7.1+cu126": Torch("2.7.1", "12.6", (50, 60, 70, 75, 80, 86, 90), {
        "cuda_nvrtc": "12.6.77", "cuda_runtime": "12.6.77", "cuda_cupti": "12.6.80", "cudnn": "9.5.1.17",
        "cublas": "12.6.4.1", "cufft": "11.3.0.4", "curand": "10.3.7.77", "cusolver": "11.7.1.2",
        "cusparse": "12.5.4.2", "cusparselt": "0.6.3", "nccl": "2.26.2", "nvtx": "12.6.77", "nvjitlink": "12.6.85",
        "cufile": "1.11.1.6"}, "3.3.1"),
    "2.8.0": Torch("2.8.0", "12.8", (70, 75, 80, 86, 90, 100, 120), {
        "cuda_nvrtc": "12.8.93", "cuda_runtime": "12.8.90", "cuda_cupti": "12.8.90", "cudnn": "9.10.2.21",
        "cublas": "12.8.4.1", "cufft": "11.3.3.83", "curand": "10.3.9.90", "cusolver": "11.7.3.90",
        "cusparse": "12.5.8.93", "cusparselt": "0.7.1", "nccl": "2.27.3", "nvtx": "12.8.90", "nvjitlink": "12.8.93",
        "cufile": "1.13.1.3"}, "3.4.0", False),
    "2.9.0+cu130": Torch("2.9.0", "13.0", (75, 80, 86, 90, 100, 120), {
        "cuda_nvrtc": "13.0.48", "cuda_runtime": "13.0.48", "cuda_cupti": "13.0.48", "cudnn": "9.13.0.50",
        "cublas": "13.0.0.19", "cufft": "12.0.0.15", "curand": "10.4.0.35", "cusolver": "12.0.3.29",
        "cusparse": "12.6.2.49", "cusparselt": "0.8.0", "nccl": "2.27.7", "nvshmem": "3.3.24", "nvtx": "13.0.39",
        "nvjitlink": "13.0.39", "cufile": "1.15.0.42"}, "3.5.0"),
}  # fmt: skip

#: TensorFlow -> (keras, ml-dtypes is left out; numpy range), component -> version of its extra "and-cuda".
_TF_12_2 = {
    "cublas": "12.2.5.6", "cuda_cupti": "12.2.142", "cuda_nvcc": "12.2.140", "cuda_nvrtc": "12.2.140",
    "cuda_runtime": "12.2.140", "cudnn": "8.9.4.25", "cufft": "11.0.8.103", "curand": "10.3.3.141",
    "cusolver": "11.5.2.141", "cusparse": "12.1.2.141", "nccl": "2.16.5", "nvjitlink": "12.2.140",
}  # fmt: skip
_TF_12_3 = {
    "cublas": "12.3.4.1", "cuda_cupti": "12.3.101", "cuda_nvcc": "12.3.107", "cuda_nvrtc": "12.3.107",
    "cuda_runtime": "12.3.101", "cudnn": "8.9.7.29", "cufft": "11.0.12.1", "curand": "10.3.4.107",
    "cusolver": "11.5.4.101", "cusparse": "12.2.0.103", "nccl": "2.19.3", "nvjitlink": "12.3.101",
}  # fmt: skip
_TF_12_5 = {
    "cublas": "12.5.3.2", "cuda_cupti": "12.5.82", "cuda_nvcc": "12.5.82", "cuda_nvrtc": "12.5.82",
    "cuda_runtime": "12.5.82", "cudnn": "9.3.0.75", "cufft": "11.2.3.61", "curand": "10.3.6.82",
    "cusolver": "11.6.3.83", "cusparse": "12.5.1.3", "nccl": "2.23.4", "nvjitlink": "12.5.82",
}  # fmt: skip
TENSORFLOW: Mapping[str, tuple[str, str, str, str, Mapping[str, str]]] = {
    "2.15.1": ("12.2", "keras<2.16,>=2.15.0", "2.15.0", "numpy<2.0.0,>=1.23.5", _TF_12_2),
    "2.16.2": ("12.3.2", "keras>=3.0.0", "3.3.3", "numpy<2.0.0,>=1.23.5; python_version <= '3.11'", _TF_12_3),
    "2.17.1": ("12.3.2", "keras>=3.2.0", "3.5.0", "numpy<2.0.0,>=1.23.5; python_version <= '3.11'", _TF_12_3),
    "2.18.1": ("12.5.1", "keras>=3.5.0", "3.9.2", "numpy<2.1.0,>=1.26.0", {**_TF_12_5, "nccl": "2.21.5"}),
    "2.19.1": ("12.5.1", "keras>=3.5.0", "3.10.0", "numpy<2.2.0,>=1.26.0", _TF_12_5),
    "2.20.0": ("12.5.1", "keras>=3.10.0", "3.11.3", "numpy>=1.26.0", {**_TF_12_5, "nccl": "2.25.1"}),
}
TF_CAPABILITIES = (60, 70, 80, 89, 90)


class Environment(Record):
    """`files` of its own; `python`: what `--python` would be given; `variables` of a shell in which it is active. `cuda`: the
    newest CUDA that it was built with; `capabilities`: the GPUs that it has code for, as numbers."""

    files: Mapping[str, bytes | str]
    python: str
    variables: Mapping[str, str]
    cuda: str
    capabilities: tuple[int, ...]


class Site:
    """A site folder that is filled package by package."""

    def __init__(self, prefix: str = VENV, installer: str = "pip", base: str = "/usr") -> None:
        self.prefix, self.installer, self.base = prefix, installer, base
        self.site = f"{prefix}/lib/python{PYTHON}/site-packages"
        self.files: dict[str, bytes | str] = {f"{self.site}/README.txt": ""}

    def package(self, name: str, version: str, requires: Sequence[str] = (), tag: str = "") -> None:
        info = f"{self.site}/{name.replace('-', '_')}-{version}.dist-info"
        lines = [f"Requires-Dist: {line}" for line in requires]
        self.files[f"{info}/METADATA"] = "\n".join(
            ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, "", ""]
        )
        self.files[f"{info}/RECORD"] = f"{info.rpartition('/')[2]}/METADATA,,\n"
        self.files[f"{info}/INSTALLER"] = f"{self.installer}\n"
        if tag:
            self.files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nTag: {tag}\n"

    def nvidia(self, major: int, pins: Mapping[str, str]) -> None:
        """NVIDIA's wheels of these versions, where that major's lie."""
        for component, version in pins.items():
            self.package(distribution(component, major), version)
            inside = component if major < 13 or component in APART else "cu13"
            folder = f"{self.site}/nvidia/{inside}"
            names = sonames(component, major, version)
            self.files |= {f"{folder}/lib/{name}": shared_object(name, runpath="$ORIGIN") for name in names}
            if component in ("cuda_nvcc", "nvvm"):
                self.files[f"{folder}/nvvm/libdevice/libdevice.10.bc"] = "BC"

    def write(self, path: str, content: bytes | str = "") -> None:
        self.files[f"{self.site}/{path}"] = content

    def environment(self, cuda: str, capabilities: tuple[int, ...], **variables: str) -> Environment:
        self.files[f"{self.prefix}/pyvenv.cfg"] = (
            f"home = {self.base}/bin\ninclude-system-site-packages = false\nversion = {PYTHON}.9\n"
        )
        self.files[f"{self.prefix}/bin/python"] = f"-> {self.base}/bin/python{PYTHON}"
        shell = {
            "VIRTUAL_ENV": self.prefix,
            "PATH": f"{self.prefix}/bin:/usr/bin",
            "HOME": "/home/u",
            **variables,
        }
        return Environment(self.files, f"{self.prefix}/bin/python", shell, cuda, capabilities)


def distribution(component: str, major: int) -> str:
    name = f"nvidia-{component.replace('_', '-')}"
    return name if major == 13 and component not in APART else f"{name}-cu{major}"


def sonames(component: str, major: int, version: str = "") -> tuple[str, ...]:
    if component == "cudnn":
        return CUDNN[int(version.partition(".")[0])]
    return LIBRARIES[major][component]


def linked_with(pins: Mapping[str, str], major: int, components: Sequence[str] = LINKED) -> list[str]:
    """The first soname of each: what a framework's own libraries name."""
    return [sonames(c, major, pins[c])[0] for c in components if c in pins]


def places(pins: Mapping[str, str], major: int, up: str) -> str:
    found = [c if major < 13 or c in APART else "cu13" for c in pins]
    return ":".join([*(f"{up}/nvidia/{c}/lib" for c in dict.fromkeys(found)), "$ORIGIN"])


def code(capabilities: Sequence[int]) -> bytes:
    return elf(container(*(entry(2, number) for number in capabilities)))


def add_torch(site: Site, name: str) -> Torch:
    one = TORCH[name]
    major, variant = int(one.cuda.partition(".")[0]), "cu" + one.cuda.replace(".", "")
    version = f"{one.version}+{variant}" if one.local else one.version
    pins = [f"{distribution(c, major)}=={v}{LINUX}" for c, v in one.pins.items()]
    requires = [
        "filelock",
        "sympy",
        *pins,
        f"triton=={one.triton}{LINUX}",
        "optree>=0.9.1; extra == 'optree'",
    ]
    site.package("torch", version, requires, "cp311-cp311-manylinux_2_28_x86_64")
    site.nvidia(major, one.pins)
    site.write(
        "torch/version.py",
        f"__version__ = '{one.version}+{variant}'\ndebug = False\ncuda = '{one.cuda}'\nhip = None\nxpu = None\n",
    )
    site.write("torch/__init__.py", "# https://github.com/pytorch/pytorch/issues/138460\n")
    rpath = places(one.pins, major, "$ORIGIN/../..")
    needs = linked_with(one.pins, major)
    site.write(
        "torch/lib/libtorch_global_deps.so",
        shared_object("libtorch_global_deps.so", needed=needs, rpath=rpath),
    )
    site.write("torch/lib/libtorch_cuda.so", code(one.capabilities))
    flags = " ".join(f"sm_{number}" for number in one.capabilities)
    site.write("torch/lib/libtorch_python.so", elf(f"\0{flags}\0".encode(), b".rodata"))
    site.write("torch/lib/libc10.so", shared_object("libc10.so", glibc="GLIBC_2.17"))
    site.package("triton", one.triton, tag="cp311-cp311-manylinux_2_17_x86_64")
    site.write("triton/__init__.py")
    return one


def torch(name: str, **variables: str) -> Callable[[], Environment]:
    def make() -> Environment:
        site = Site()
        one = add_torch(site, name)
        site.package("numpy", "1.26.4" if one.version.startswith("2.1") else "2.1.3")
        return site.environment(one.cuda, one.capabilities, **variables)

    return make


def add_tensorflow(site: Site, version: str) -> str:
    cuda, keras, keras_version, numpy, pins = TENSORFLOW[version]
    extra = [f"{distribution(c, 12)}=={v}; extra == 'and-cuda'" for c, v in pins.items()]
    site.package("tensorflow", version, [keras, numpy, *extra], "cp311-cp311-manylinux_2_17_x86_64")
    site.package("keras", keras_version)
    site.nvidia(12, pins)
    cudnn = pins["cudnn"].partition(".")[0]
    named = ", ".join(f"'sm_{n}'" for n in TF_CAPABILITIES[:-1]) + ", 'compute_90'"
    site.write(
        "tensorflow/python/platform/build_info.py",
        f"import collections\nbuild_info = collections.OrderedDict([('cuda_version', '{cuda}'), "
        f"('cudnn_version', '{cudnn}'), ('cuda_compute_capabilities', [{named}]), ('is_cuda_build', True), "
        "('is_rocm_build', False)])\n",
    )
    runpath = "$ORIGIN:" + places(pins, 12, "$ORIGIN/..")
    for library in ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"):
        site.write(f"tensorflow/{library}", shared_object(library, runpath=runpath))
    return cuda


def tensorflow(version: str) -> Callable[[], Environment]:
    def make() -> Environment:
        site = Site()
        cuda = add_tensorflow(site, version)
        site.package("numpy", "1.26.4")
        return site.environment(cuda, TF_CAPABILITIES)

    return make


def jax(version: str, major: int) -> Callable[[], Environment]:
    pins = {
        c: v
        for c, v in (TORCH["2.9.0+cu130"] if major == 13 else TORCH["2.8.0"]).pins.items()
        if c != "cusparselt"
    }
    pins |= {"cuda_nvcc": "13.0.48", "nvvm": "13.0.48"} if major == 13 else {"cuda_nvcc": "12.8.93"}
    pins["nvshmem"] = "3.3.24"
    capabilities = (75, 80, 90, 100, 120) if major == 13 else (50, 60, 70, 80, 90, 100, 120)

    def make() -> Environment:
        site = Site()
        site.package(
            "jax",
            version,
            [f"jaxlib<={version},>={version}", "numpy>=2.0", f"jax-cuda{major}-plugin; extra == 'x'"],
        )
        site.package("jaxlib", version, ["numpy>=2.0"], "cp311-cp311-manylinux_2_27_x86_64")
        extra = [
            f"{distribution(c, major)}>={v.partition('.')[0]}.0; extra == 'with-cuda'"
            for c, v in pins.items()
        ]
        site.package(f"jax-cuda{major}-plugin", version, [f"jax-cuda{major}-pjrt=={version}", *extra])
        site.package(f"jax-cuda{major}-pjrt", version)
        site.package("numpy", "2.2.6")
        site.write("jax/__init__.py")
        site.write(f"jax_cuda{major}_plugin/_solver.so", code(capabilities))
        site.write(f"jax_cuda{major}_plugin/_prng.so", code(capabilities))
        runpath = places(pins, major, "$ORIGIN/../..")
        plugin = shared_object("xla_cuda_plugin.so", runpath=runpath)
        site.write(f"jax_plugins/xla_cuda{major}/xla_cuda_plugin.so", plugin)
        site.nvidia(major, pins)
        return site.environment("13.0" if major == 13 else "12.8", capabilities)

    return make


# ---------------------------------------------------------------- what people put beside a framework


def vllm(site: Site) -> None:
    """As vllm 0.8.5 with torch 2.6.0+cu124: its own kernels, xformers, flash-attn, Ray's and OpenAI's clients."""
    site.package(
        "vllm",
        "0.8.5",
        ["torch==2.6.0", "torchaudio==2.6.0", "torchvision==0.21.0", "xformers==0.0.29.post2"],
    )
    site.package("ninja", "1.11.1.4")
    xformers(site, "0.0.29.post2", "2.6.0", 1204)
    pair(site, "2.6.0", "0.21.0", "cu124")
    site.package("flash-attn", "2.7.4.post1+cu12torch2.6cxx11abiFALSE", ["torch", "einops"])
    site.write("flash_attn/__init__.py")
    site.write("flash_attn_2_cuda.cpython-311-x86_64-linux-gnu.so", code((80, 90)))


def xformers(site: Site, version: str, torch_version: str, cuda: int) -> None:
    """FlashAttention 3 for Hopper lies in a library of its own, and has more containers than the rest."""
    site.package("xformers", version, [f"torch=={torch_version}", "numpy"])
    said = f'{{"version": {{"cuda": {cuda}, "torch": "{torch_version}+cu124"}}, "env": {{}}}}'
    site.write("xformers/cpp_lib.json", said)
    site.write("xformers/_C.so", code((60, 70, 75, 80, 86, 90)))
    hopper = [container(entry(2, 90, 0x100000)) for _ in range(5)]
    site.write("xformers/_C_flashattention3.so", elf(b"".join(hopper)))


def sageattention(site: Site) -> None:
    site.package("sageattention", "2.2.0", ["torch"])
    site.write("sageattention/__init__.py")
    for number in (80, 89, 90):
        site.write(
            f"sageattention/_qattn_sm{number}.abi3.so",
            elf(b"".join(container(entry(2, number)) for _ in range(number - 70))),
        )


def pair(site: Site, torch_version: str, vision: str, variant: str) -> None:
    site.package("torchvision", f"{vision}+{variant}", [f"torch=={torch_version}", "numpy", "pillow"])
    site.write("torchvision/_C.so", code((50, 60, 70, 75, 80, 86, 90)))
    site.package("torchaudio", f"{torch_version}+{variant}", [f"torch=={torch_version}"])
    site.write("torchaudio/lib/libtorchaudio.so", code((50, 60, 70, 75, 80, 86, 90)))


def training(site: Site) -> None:
    """Lightning, Transformers, PEFT, bitsandbytes: what a notebook for fine-tuning has."""
    for name, version in (
        ("transformers", "4.51.3"),
        ("accelerate", "1.6.0"),
        ("peft", "0.15.2"),
        ("lightning", "2.5.1"),
    ):
        site.package(name, version, ["torch>=2.0"])
    site.package("bitsandbytes", "0.45.5", ["torch<3,>=2.0", "numpy>=1.17"])
    for number in (118, 120, 121, 122, 123, 124, 125, 126, 128):
        site.write(f"bitsandbytes/libbitsandbytes_cuda{number}.so", shared_object("x.so"))
    site.write("bitsandbytes/libbitsandbytes_cpu.so", shared_object("y.so"))
    site.package("ipykernel", "6.29.5")


def with_torch(
    name: str, *more: Callable[[Site], None], installer: str = "pip", oldest: int = 0
) -> Callable[[], Environment]:
    """`oldest`: the first GPU that all of it has code for."""

    def make() -> Environment:
        site = Site(installer=installer)
        one = add_torch(site, name)
        site.package("numpy", "2.1.3")
        for add in more:
            add(site)
        return site.environment(one.cuda, tuple(c for c in one.capabilities if c >= oldest))

    return make


def onnxruntime(site: Site) -> None:
    """onnxruntime-gpu 1.22.0: torch, imported first, brings CUDA's libraries into the process."""
    site.package("onnxruntime-gpu", "1.22.0", ["numpy>=1.21.6"])
    site.write(
        "onnxruntime/capi/version_info.py", "package_name = 'onnxruntime-gpu'\ncuda_version = '12.8'\n"
    )
    site.write("onnxruntime/__init__.py", "def preload_dlls(cuda=True, cudnn=True): ...\n")
    site.write("onnxruntime/capi/libonnxruntime_providers_cuda.so", code((60, 70, 75, 80, 86, 90)))


def leftovers(site: Site) -> None:
    """An upgrade that Windows-like locks or a full disk interrupted: pip renames first, and says "Ignoring invalid distribution"."""
    site.files[f"{site.site}/~orch-2.5.1.dist-info/METADATA"] = (
        "Metadata-Version: 2.1\nName: torch\nVersion: 2.5.1\n\n"
    )
    site.files[f"{site.site}/~orch/version.py"] = "__version__ = '2.5.1+cu121'\ncuda = '12.1'\n"


def editable(site: Site) -> None:
    """The user's own project, installed with pip -e beside torch."""
    site.package("my-model", "0.1.0", ["torch", "numpy"])
    info = f"{site.site}/my_model-0.1.0.dist-info"
    site.files[f"{info}/direct_url.json"] = (
        '{"dir_info": {"editable": true}, "url": "file:///home/u/my-model"}'
    )
    site.write("__editable__.my_model-0.1.0.pth", "/home/u/my-model/src\n")
    site.files["/home/u/my-model/src/my_model/__init__.py"] = ""


def everything() -> Environment:
    """torch, TensorFlow and Keras in one environment, as notebooks' images have them: pins of both can't be had at once, so
    TensorFlow comes without its extra and uses torch's libraries of the same majors."""
    site = Site()
    one = add_torch(site, "2.7.1+cu126")
    site.package(
        "tensorflow", "2.18.1", ["keras>=3.5.0", "numpy<2.1.0,>=1.26.0"], "cp311-cp311-manylinux_2_17_x86_64"
    )
    site.package("keras", "3.9.2")
    site.package("numpy", "2.0.2")
    site.package("nvidia-cuda-nvcc-cu12", "12.5.82")
    site.write("nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc", "BC")
    runpath = "$ORIGIN:" + places(one.pins, 12, "$ORIGIN/..")
    site.write(
        "tensorflow/libtensorflow_framework.so.2",
        shared_object("libtensorflow_framework.so.2", runpath=runpath),
    )
    site.write(
        "tensorflow/python/platform/build_info.py",
        "build_info = {'cuda_version': '12.5.1', 'cudnn_version': '9', 'is_cuda_build': True, "
        "'cuda_compute_capabilities': ['sm_60', 'sm_70', 'sm_80', 'sm_89', 'compute_90']}\n",
    )
    return site.environment("12.6", TF_CAPABILITIES)


def conda() -> Environment:
    """conda-forge: pytorch 2.5.1 for CUDA 12.6, its libraries in the environment's own lib."""
    prefix = "/home/u/miniforge3/envs/ml"
    site = Site(prefix, "conda")
    lib = f"{prefix}/lib"
    records = {
        "python": ("3.11.9", "hb806964_0_cpython"), "pytorch": ("2.5.1", "cuda126_py311hd1a58b1_303"),
        "libtorch": ("2.5.1", "cuda126_hebb32c0_303"), "pytorch-gpu": ("2.5.1", "cuda126_mkl_ha999a5f_303"),
        "cuda-version": ("12.6", "h7480c83_3"), "cuda-cudart": ("12.6.77", "h5888daf_0"), "cudnn": ("9.3.0.75", "hc149ed5_0"),
        "libcublas": ("12.6.4.1", "h5888daf_1"), "libcufft": ("11.3.0.4", "hbd13f7d_0"), "nccl": ("2.23.4.1", "h03a54cd_3"),
        "libcurand": ("10.3.7.77", "hbd13f7d_0"), "libcusolver": ("11.7.1.2", "h5888daf_1"), "libcusparse": ("12.5.4.2", "hbd13f7d_0"),
        "libnvjitlink": ("12.6.85", "hbd13f7d_0"), "numpy": ("2.1.3", "py311h71ddf71_0"), "triton": ("3.1.0", "cuda126py311h"),
        "cuda-nvcc-tools": ("12.6.85", "he02047a_0"),
    }  # fmt: skip
    for name, (version, build) in records.items():
        site.files[f"{prefix}/conda-meta/{name}-{version}-{build}.json"] = (
            f'{{"name": "{name}", "version": "{version}", "build": "{build}", "build_string": "{build}"}}'
        )
    site.files[f"{prefix}/conda-meta/history"] = ""
    for component in (
        "cuda_runtime",
        "cublas",
        "cufft",
        "curand",
        "cusolver",
        "cusparse",
        "nvjitlink",
        "nccl",
    ):
        for name in LIBRARIES[12][component]:
            site.files[f"{lib}/{name}"] = shared_object(name, rpath="$ORIGIN")
    for name in CUDNN[9]:
        site.files[f"{lib}/{name}"] = shared_object(name, rpath="$ORIGIN")
    site.package("torch", "2.5.1", ["sympy==1.13.1"])
    site.write("torch/version.py", "__version__ = '2.5.1'\ncuda = '12.6'\nhip = None\n")
    site.write("torch/__init__.py")
    needs = [LIBRARIES[12][c][0] for c in ("cuda_runtime", "cublas", "cufft", "cusolver", "nccl")] + [
        "libcudnn.so.9"
    ]
    site.write(
        "torch/lib/libtorch_global_deps.so",
        shared_object("libtorch_global_deps.so", needed=needs, rpath="$ORIGIN/../../../../"),
    )
    site.files[f"{lib}/libtorch_cuda.so"] = code((50, 60, 70, 75, 80, 86, 89, 90))
    site.package("numpy", "2.1.3")
    site.files[f"{prefix}/bin/python3.11"] = "\x7fELF"
    site.files[f"{lib}/python{PYTHON}/os.py"] = ""
    files = {**site.files, f"{prefix}/bin/python": "-> python3.11", f"{prefix}/bin/python3": "-> python3.11"}
    shell = {
        "CONDA_PREFIX": prefix,
        "CONDA_DEFAULT_ENV": "ml",
        "PATH": f"{prefix}/bin:/usr/bin",
        "HOME": "/home/u",
    }
    return Environment(files, f"{prefix}/bin/python", shell, "12.6", (50, 60, 70, 75, 80, 86, 89, 90))


def cupy(site: Site) -> None:
    site.package("cupy-cuda12x", "13.4.1", ["numpy<2.6,>=1.22"])
    site.write("cupy/__init__.py")


ENVIRONMENTS: Mapping[str, Callable[[], Environment]] = {
    **{f"torch {name}": torch(name) for name in TORCH},
    **{f"tensorflow[and-cuda] {version}": tensorflow(version) for version in TENSORFLOW},
    "jax[cuda12] 0.6.2": jax("0.6.2", 12),
    "jax[cuda13] 0.8.0": jax("0.8.0", 13),
    "vllm": with_torch("2.6.0+cu124", vllm, oldest=80),
    "SageAttention": with_torch("2.6.0+cu124", sageattention, oldest=80),
    "fine-tuning notebook": with_torch("2.6.0+cu124", training),
    "torchvision and torchaudio by uv": with_torch(
        "2.6.0+cu124", lambda site: pair(site, "2.6.0", "0.21.0", "cu124"), installer="uv"
    ),
    "onnxruntime-gpu beside torch": with_torch("2.6.0+cu124", onnxruntime),
    "cupy beside torch": with_torch("2.6.0+cu124", cupy),
    "leftovers of an upgrade": with_torch("2.6.0+cu124", leftovers),
    "editable project": with_torch("2.6.0+cu124", editable),
    "torch and TensorFlow": everything,
    "conda-forge": conda,
    "PYTHONPATH to a source folder": torch("2.6.0+cu124", PYTHONPATH="/home/u/src"),
    "LD_LIBRARY_PATH to a folder of no CUDA": torch("2.6.0+cu124", LD_LIBRARY_PATH="/home/u/lib"),
}
