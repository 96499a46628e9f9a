"""What a text tells of the machine besides its complaint: versions, GPUs, variables. Read once, by name.

Samples: collect_env's "Nvidia driver version: 410.104", nvidia-smi's banner, nvcc's "release 11.3, V11.3.109",
`echo $LD_LIBRARY_PATH` with the answer in the next line, pip's "torch==2.5.1+cu124", conda's and `pip list`'s columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from gpudoctor.logs.reading import Text
from gpudoctor.parsers.nvidia_smi import SmiTable, parse_table

_DRIVER = re.compile(
    r"(?:nvidia driver version|driver version|nvrm version: nvidia unix \S+ kernel module|kmd version|"
    r"kernel driver version|nvidia driver(?:s)?|nvidia-driver|driver)[ :=]{1,4}v?(\d{3}\.\d{1,3}(?:\.\d{1,3})?)\b",
    re.I,
)
_SMI_CUDA = re.compile(
    r"(?:CUDA UMD Version|(?:Driver|KMD) Version ?: \S+\s{1,3}CUDA Version ?|reports CUDA Version|nvidia-smi[^\n]{0,60}CUDA(?: Version)?)[ :]{1,3}(\d{1,2}\.\d)",
    re.I,
)
_NVCC = re.compile(r"release (\d{1,2}\.\d{1,2}), V\d", re.I)
_TOOLKIT = re.compile(
    r"(?:CUDA runtime version:|toolkit:? (?:is )?(?:version )?(?:cuda )?|cuda[ -]?toolkit[ =:/]{1,3}|/usr/local/cuda-|installed cuda |cudatoolkit[ =]{1,12}|cuda-toolkit-|libcudart\.so\.(?=\d+(?:\.\d+)? \(libc6)|"
    r"nvidia-cuda-runtime-cu\d\d[ =]{1,30}|cuda-cudart[ =]{1,30}|"
    r"(?<![\w.])CUDA(?:/cuDNN)?(?: version(?: is)?)?(?:[ :=]{1,3}|(?<=version))v?|CUDA\\v)(\d{1,2}\.\d{1,2})",
    re.I,
)
_BUILT = re.compile(r"CUDA used to build PyTorch: (\S+)|torch\.version\.cuda\W{1,4}(\d\d?\.\d)", re.I)
_PACKAGE = re.compile(
    r"(?<![\w./-])(?P<name>torch|pytorch|torchvision|torchaudio|tensorflow(?:-gpu|-cpu|-intel)?|jax|jaxlib|cupy-cuda\d+x?|onnxruntime(?:-gpu)?|"
    r"flash[-_]attn|xformers|bitsandbytes|triton|numba|vllm|keras)(?P<between>==|[ =:]{1,30}(?:version:? )?)v?(?P<version>\d{1,2}\.\d{1,2}(?:\.\d{1,3})?[\w.+]{0,20})",
    re.I,
)
_TORCH = re.compile(r"(?:PyTorch version|torch\.__version__)\W{1,6}(\d{1,2}\.\d{1,2}\.\d[\w.+]{0,20})", re.I)
_TF = re.compile(
    r"(?:tensor ?flow(?:-gpu|-intel)?(?: version| v)?|tf\.__version__|tf(?:-gpu)?(?: version)?|tensorflow:)\W{1,6}(?:version |is )?v?(\d\.\d{1,2}(?:\.\d{1,2})?)|\btf ?v?(2\.\d{1,2}(?:\.\d{1,2})?)\b",
    re.I,
)
_WINDOWS = re.compile(
    r"\bWindows(?: (?:OS|version|machine|PC|laptop))?[ :_-]{0,2}(?:1[01]|7|8|Server|NT|x64|x86)|\bwin ?(?:1[01]|7|8)\b|\[WinError \d|\bWindows_NT\b|\b(?:on|native|in) windows\b(?! subsystem)|"
    r"\b(?:cudart|cublas|cudnn\w{0,20}|nvcuda)(?:64_\d+)?\.dll|\b(?:win32|win_amd64|mingw64)\b|[A-Z]:\\|C:/Users|OS: Microsoft Windows|PS C:|_windows\b",
    re.I,
)
_WSL = re.compile(r"\bWSL ?2?\b|microsoft-standard|/usr/lib/wsl", re.I)
_CONTAINER = re.compile(
    r"docker run|docker exec|docker-compose|docker compose|Dockerfile|/\.dockerenv|container(?:ized)?\b|kubectl|\bpod\b|kubepods|podman|(?:in|inside|using|via|with|jellyfin|plex|frigate|ollama) (?:a |the )?docker\b|docker ?(?:里|中|镜像|容器)|容器|singularity|apptainer|\.sif\b|enroot|nvcr\.io|/usr/local/nvidia/lib|root@[0-9a-f]{12}\b",
    re.I,
)
_VARIABLE = re.compile(
    r"(?P<name>CUDA_VISIBLE_DEVICES|LD_LIBRARY_PATH|CUDA_HOME|CUDA_PATH|NVIDIA_VISIBLE_DEVICES|NVIDIA_DRIVER_CAPABILITIES|NCCL_SOCKET_IFNAME|TORCH_CUDA_ARCH_LIST|XLA_FLAGS)[\"'\]]{0,2}[ :]{0,2}(?:=|: ?)[ \"']{0,2}(?P<value>[^\s\"';#)]{0,400})"
)
_ECHOED = re.compile(r"echo \"?\$\{?(?P<name>\w{2,40})\}?\"?\n(?P<value>[^\n]{0,400})")
_SAID = re.compile(
    r"(?P<name>CUDA_VISIBLE_DEVICES|LD_LIBRARY_PATH|CUDA_HOME|CUDA_PATH)[`'\"]? (?:gives|is|prints|shows|contains|includes|points to|was|has|(?:is )?set to|->|=>)[ `:\"']{1,4}(?P<value>[/\d-][^\s`'\"]{0,400})"
)
_GPU = re.compile(
    r"\b(?:NVIDIA )?((?:GeForce )?(?:RTX|GTX|GT) ?(?:A?\d{3,4})(?: ?(?:Ti|SUPER|Ada|M\b|PRO))*|Tesla [A-Z]\d{1,3}\w*|Quadro [\w ]{2,12}|A100\S*|H100\S*|H200\S*|B200\S*|GB200\S*|L40S?|L4\b|A10G?\b|A40\b|V100\S*|T4\b|P100\S*|P40\b|P4\b|M40\b|M60\b|K40\w?\b|K80\b|TITAN [\w ]{1,8}|RTX PRO \d{4})"
)


class Told:
    def __init__(self, text: Text) -> None:
        self.text = text.joined
        self.low = self.text.lower()

    def has(self, *words: str) -> bool:
        """Any of these, in lower case, is somewhere in the text."""
        return any(word in self.low for word in words)

    def _all(self, pattern: re.Pattern[str]) -> Iterator[str]:
        for found in pattern.finditer(self.text):
            yield next((g for g in found.groups() if g), "")

    @cached_property
    def smi(self) -> SmiTable:
        return parse_table(self.text) if "nvidia-smi" in self.low else SmiTable()

    @cached_property
    def driver(self) -> str:
        """The newest mention does not win: the first does, and nvidia-smi's own before it."""
        return (
            self.smi.kmd_version or next(self._all(_DRIVER), "")
            if "driver" in self.low
            else self.smi.kmd_version
        )

    @cached_property
    def driver_cuda(self) -> str:
        return self.smi.cuda_version or next(self._all(_SMI_CUDA), "")

    @cached_property
    def nvcc(self) -> str:
        return next(self._all(_NVCC), "")

    @cached_property
    def toolkits(self) -> tuple[str, ...]:
        """Releases of installed CUDA that are shown or told of, without the driver's ceiling."""
        if not self.has("cuda", "nvcc", "toolkit"):
            return ()
        found = [self.nvcc, *self._all(_TOOLKIT)]
        said_by_driver = self.driver_cuda
        if said_by_driver and not self.nvcc:
            found = [f for f in found if f != said_by_driver]
        return tuple(dict.fromkeys(f for f in found if f))

    @cached_property
    def torch_cuda(self) -> str:
        """The CUDA that PyTorch was built with; "" when not told, or none."""
        found = next(self._all(_BUILT), "") if "torch" in self.low else ""
        return found if found[:1].isdigit() else ""

    @cached_property
    def packages(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for match in _PACKAGE.finditer(self.text):
            name = match["name"].lower().replace("_", "-")
            found.setdefault("torch" if name == "pytorch" else name, match["version"].rstrip("."))
        torch = next(self._all(_TORCH), "")
        if torch:
            found["torch"] = torch
        tf = next(self._all(_TF), "")
        if tf:
            found.setdefault("tensorflow", tf)
        return found

    @cached_property
    def windows(self) -> bool:
        return _WINDOWS.search(self.text) is not None and not self.wsl

    @cached_property
    def wsl(self) -> bool:
        return _WSL.search(self.text) is not None

    @cached_property
    def container(self) -> bool:
        return _CONTAINER.search(self.text) is not None

    @cached_property
    def variables(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for pattern in (_ECHOED, _VARIABLE, _SAID):
            for match in pattern.finditer(self.text):
                found.setdefault(match["name"], match["value"].strip())
        return found

    @cached_property
    def gpus(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(" ".join(g.split()) for g in self._all(_GPU)))
