"""What a text tells of the machine besides its complaint: versions, GPUs, variables. Read once, by name.

Samples: collect_env's "Nvidia driver version: 410.104", nvidia-smi's banner, nvcc's "release 11.3, V11.3.109",
`echo $LD_LIBRARY_PATH` with the answer in the next line, pip's "torch==2.5.1+cu124", conda's and `pip list`'s columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.reading import Text
from gpudoctor.parsers.nvidia_smi import SmiTable, parse_table

if TYPE_CHECKING:
    from gpudoctor.facts.frameworks import Package
    from gpudoctor.facts.gpu import NvmlDevice
    from gpudoctor.parsers.system_lists import Slot

_DRIVER = Lazy(
    r"(?:nvidia driver version|driver version|nvrm version: nvidia unix \S+ kernel module|kmd version|"
    r"kernel driver version|nvidia driver(?:s)?|nvidia-driver|driver|驱动(?:程序)?(?:的?版本)?号?|nvidia-smi)(?:[ :=：是为]{0,4}| is (?:at |still )?|(?<=smi)\??\n)v?(\d{3}\.\d{1,3}(?:\.\d{1,3})?)\b",
    re.I,
)
#: A branch alone, in prose: "driver 470", "nvidia-driver-535", "驱动 470".
_BRANCH = Lazy(
    r"(?:\bdrivers?(?: version| branch)?|驱动(?:程序)?(?:的?版本)?号?)[ :=：是为-]{1,4}v?(\d{3})(?![\d.%]| ?(?:MB|GB|MiB|W|ms|s|K|line))\b",
    re.I,
)
_SMI_CUDA = Lazy(
    r"(?:CUDA UMD Version|(?:Driver|KMD) Version ?: \S+\s{1,3}(?:[-*•] ?)?(?:CUDA ?版本(?:号)?[:：] ?)?CUDA Version ?|reports CUDA Version|nvidia-smi(?:(?!install|torch|tensorflow|toolkit|nvcc|\. |;)[^\n]){0,60}?CUDA(?: Version)?)[ :]{1,3}(\d{1,2}\.\d)",
    re.I,
)
_NVCC = Lazy(r"release (\d{1,2}\.\d{1,2}), V\d|Build cuda_(\d{1,2}\.\d{1,2})\.r", re.I)
_TOOLKIT = Lazy(
    r"(?:CUDA runtime version:|(?<![\w./-])cuda/(?=\d)|toolkit:? (?:is )?(?:version )?(?:cuda )?|cuda[ -]?toolkit[ =:/]{1,3}|/usr/local/cuda-|installed cuda |cudatoolkit[ =]{1,12}|cuda-toolkit-|libcudart\.so\.(?=\d+(?:\.\d+)? \(libc6)|"
    r"nvidia-cuda-runtime-cu\d\d[ =]{1,30}|cuda-cudart[ =]{1,30}|"
    r"(?<![A-Za-z0-9_.])CUDA(?:/cuDNN)?(?:[ -]?(?:version|版本号?)(?: is|是|为)?)?[ :=:：（(]{0,3}v?|CUDA\\v)(\d{1,2}\.\d{1,2})",
    re.I,
)
_BUILT = Lazy(r"CUDA used to build PyTorch: (\S+)|torch\.version\.cuda\W{1,4}(\d\d?\.\d)", re.I)
_PACKAGE = Lazy(
    r"(?<![\w./-])(?P<name>torch|pytorch|torchvision|torchaudio|tensorflow(?:-gpu|-cpu|-intel)?|jax|jaxlib|cupy-cuda\d+x?|onnxruntime(?:-gpu)?|"
    r"flash[-_]attn|xformers|bitsandbytes|triton|numba|vllm|keras)(?P<between>==|(?: is(?: still| at| on)?| (?:(?:was|is|got|been) )?(?:up|down)(?:grad|dat)ed(?: from \S{1,12})? to| from \S{1,12} (?:to|->)| to)?[ =:：(]{1,30}(?:version:? |版本(?:号|是|为)?[:： ]?)?)v?(?P<version>\d{1,2}\.\d{1,2}(?:\.\d{1,3})?[\w.+]{0,20})",
    re.I,
)
_TORCH = Lazy(
    r"(?:PyTorch version(?: \(GPU\?\))?|torch\.__version__|pytorch\.version)\W{1,6}(\d{1,2}\.\d{1,2}\.\d[\w.+]{0,20})",
    re.I,
)
_TF = Lazy(
    r"(?:tensor ?flow(?:-gpu|-intel)?(?: version(?: \([^)\n]{1,30}\))?| v)?|tf\.__version__|tf\.version\.VERSION|tf(?:-gpu)?(?: version)?|tensorflow:)\W{0,6}(?:version |is )?v?(\d\.\d{1,2}(?:\.\d{1,2})?)|\btf ?v?(2\.\d{1,2}(?:\.\d{1,2})?)\b",
    re.I,
)
_WINDOWS = Lazy(
    r"\bWindows(?: (?:OS|version|machine|PC|laptop))?[ :_-]{0,2}(?:1[01]|7|8|Server|NT|x64|x86)|\bwin ?(?:1[01]|7|8)\b|\[WinError \d|\bWindows_NT\b|\b(?:on|native|in|use|using|running) windows\b(?! (?:sub|size|of\b))|\bwindows (?:machine|pc|laptop|workstation|box|desktop computer|computer|host|notebook|vm|user)\b|(?m:^|[,;(] ?)windows ?[:;.)]|windows ?(?:系统|下|上|平台|电脑)|(?:在|用) ?windows|"
    r"\b(?:cudart|cublas|cudnn\w{0,20}|nvcuda)(?:64_\d+)?\.dll|\b(?:win32|win_amd64|mingw64)\b|[A-Z]:\\|C:/Users|OS: Microsoft Windows|PS C:|_windows\b",
    re.I,
)
_WSL = Lazy(
    r"\bW(?:SL|LS) ?[12]?\b|microsoft-standard|/usr/lib/wsl|Windows Subsystem for Linux|\d-Microsoft\b|(?:Bash|Ubuntu)[\w .]{0,12} on (?:Ubuntu on )?Win(?:dows|10|11)",
    re.I,
)
_CONTAINER = Lazy(
    r"docker run|docker exec|docker-compose|docker compose|Dockerfile|/\.dockerenv|container(?:s|ized)?\b|kubectl|\bpod\b|kubepods|podman|(?:in|inside|using|via|with|jellyfin|plex|frigate|ollama) (?:a |the )?docker\b|docker ?(?:里|中|镜像|容器)|容器|singularity|apptainer|\.sif\b|enroot|nvcr\.io|/usr/local/nvidia/lib|root@[0-9a-f]{12}\b|"
    r"(?m:^)(?!process|command|script|job|child|task|worker|build|program|it\b)[\w.-]{2,80} exited with code \d|Attaching to [\w.-]+|\bcompose\.ya?ml\b|\bnerdctl\b|\bdevcontainer|\bECS task|\bfargate\b",
    re.I,
)
_VARIABLE = Lazy(
    r"(?P<name>CUDA_VISIBLE_DEVICES|LD_LIBRARY_PATH|CUDA_HOME|CUDA_PATH|NVIDIA_VISIBLE_DEVICES|NVIDIA_DRIVER_CAPABILITIES|NCCL_SOCKET_IFNAME|TORCH_CUDA_ARCH_LIST|XLA_FLAGS)[\"'\]]{0,2}[ :]{0,2}(?:=|: ?)[ \"']{0,2}(?P<value>[^\s\"';#)]{0,400})"
)
_ECHOED = Lazy(r"echo \"?\$\{?(?P<name>\w{2,40})\}?\"?\n(?P<value>[^\n]{0,400})")
_SAID = Lazy(
    r"(?P<name>CUDA_VISIBLE_DEVICES|LD_LIBRARY_PATH|CUDA_HOME|CUDA_PATH)[`'\"]? (?:gives|is|prints|shows|contains|includes|points to|was|has|(?:is )?set to|->|=>)[ `:\"']{1,4}(?P<value>[/\d-][^\s`'\"]{0,400})"
)
_GPU = Lazy(
    r"(?<![A-Za-z0-9_])(?:NVIDIA )?((?:GeForce )?(?:RTX|GTX|GT) ?(?:A?\d{3,4})(?: ?(?:Ti|SUPER|Ada|M\b|PRO))*|(?:[Gg]e[Ff]orce )?[rRgG][tT][xX] ?\d{4}(?: ?(?:[tT][iI]|[sS][uU][pP][eE][rR])\b)*|Tesla [A-Z]\d{1,3}\w*|Quadro [\w ]{2,12}|A100\S*|H100\S*|H200\S*|B200\S*|GB200\S*|(?i:(?:9[5-8]0|10[5-8]0|16[56]0|20[678]0|30[5-9]0|40[678]0|50[678]0) ?Ti\b)|L40S?|L4\b|A10G?\b|A40\b|V100\S*|T4\b|P100\S*|P40\b|P4\b|M40\b|M60\b|K40\w?\b|K80\b|TITAN [\w ]{1,8}|RTX PRO \d{4})"
)


#: A card by its number alone: "my 3090", "显卡3060", "5060 Ti".
_CARD = Lazy(
    r"(?:\b(?:my|an?|the|on|with|two|have)|显卡(?:是)?|[单双两]卡) ?(?:nvidia )?((?:10[5-8]0|16[56]0|[2-5]0[5-9]0)(?: ?(?:Ti|SUPER|D))?)\b(?! ?(?:MiB|MB|GB|steps?|epochs?|images?|samples?|tokens?|lines?|files?|W\b|%|[.:]\d))|"
    r"(?<![\w.])((?:10[5-8]0|16[56]0|[2-5]0[5-9]0) ?(?:Ti|SUPER))\b",
    re.I,
)
_PYTHON = Lazy(r"\bpython(?: version| 版本)?[ :=：]{1,4}v?(3\.\d{1,2}(?:\.\d{1,2})?)\b", re.I)
_CONDA_DRIVER = Lazy(r"\b__cuda=(\d{1,2}\.\d)\b")
#: PyTorch's own word for a build without CUDA, by collect_env and its likes.
_WITHOUT_CUDA = Lazy(
    r"CUDA used to build PyTorch: (?:None|Could not collect|N/A)|torch\.version\.cuda(?:\)|\W){1,5}None|Torch not compiled with CUDA",
    re.I,
)
_ROCM = Lazy(r"ROCM used to build PyTorch: (\d+\.\d+)", re.I)
_TF_WITHOUT_CUDA = Lazy(
    r"is_built_with_cuda\(\)\W{1,6}False|'is_cuda_build', False|is_cuda_build['\"]?: False", re.I
)
_DRIVER_SILENT = Lazy(
    r"NVIDIA-SMI has failed because it couldn't communicate|/proc/driver/nvidia/version: No such file", re.I
)
#: The GPU is not used, not seen, or something fails: what a person says, and what programs answer.
_NO_USE = Lazy(
    r"(?:is_available(?:\(\))?|CUDA[ _]available|Is CUDA available|GPU available|Using GPU)\W{0,12}(?:(?:returns?|is|gives?|prints?|says?|shows?|stays?|reports?|remains?|evaluates to|->|返回|是|显示|输出)\W{0,4}){0,2}(?:False|No)\b|"
    r"list_physical_devices\([^)]{0,12}\)\W{0,8}(?:returns? )?\[\]|PyTorch version \(GPU\?\): \S+ \(False\)|jax\.devices\(\)[^\n]{0,20}\n?\[?CpuDevice|pytorch\.cuda: not available",
    re.I,
)
_PROSE = Lazy(
    r"\b(?:not|no|never|none|nothing|empty|cannot|can't|won't|fails?|failed|failing|error|errors|crash\w*|slow\w*|hangs?|stuck|wrong|broken|problem|issue|unable|unavailable|unusable|undetected|invisible|trouble|strange|"
    r"why|help|instead|whereas|although|only|cpu|weird|missing|doesn't|isn't|didn't|can i|how (?:do|to|can))\b|n't\b|不|没|无法|失败|报错|为什么|怎么|出错|求助|卡|慢",
    re.I,
)
#: What no table says after its colon: "torch 2.2.0 with torchvision 0.15.2: the import crashes".
_SAID_SO = Lazy(
    r"^[\w./@() ?-]{8,44} ?: (?:\S+ ){1,10}?(?:crash(?:es|ed)|doesn't|won't|can't|isn't|hangs|is stuck|fails)\b",
    re.I,
)
#: Lines of which the words are a program's: tables, lists, "key : value", commands.
_SHOWN = Lazy(
    r"^(?:[|+#$>=*\[<(-]|>>>|\S+(?:==|=)\S|[\w./@() ?-]{2,44} ?: |\S+ \d+(?:\.\d+)+\S*(?: \S+){0,2}$|GPU \d+:|lib\S+ \(|Kernel |Package Version|\d\d:\d\d\.\d )"
)
#: "Failed to init CUDA: ..." has a key's form, and is none.
_FAILED = Lazy(r"\W{0,2}(?:failed|unable|cannot|can't|could not|couldn't)\b", re.I)
_PROMPT = Lazy(r"^(?:\(\w{1,20}\) )?(?:\S{1,40}@\S{1,40}[:~]\S{0,60} ?)?[$#] ")


def _spelled(gpu: str) -> str:
    """People write "rtx 3060 ti", tables "RTX 3060 Ti"."""
    if not gpu.lower().startswith(("rtx", "gtx", "geforce")):
        return gpu
    spelled = re.sub(
        r"geforce",
        "GeForce",
        re.sub(r"[rg]tx|super", lambda found: found[0].upper(), gpu, flags=re.I),
        flags=re.I,
    )
    return re.sub(r"(?<=\d) ?ti\b", " Ti", spelled, flags=re.I)


class Told:
    def __init__(self, text: Text) -> None:
        self.text = text.joined
        self.composed = text.composed
        self.lines = len(text.lines)
        self.low = self.text.lower()

    def has(self, *words: str) -> bool:
        """Any of these, in lower case, is somewhere in the text."""
        return any(word in self.low for word in words)

    def _all(self, pattern: Lazy) -> Iterator[str]:
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
            if "driver" in self.low or "驱动" in self.low or "nvidia-smi" in self.low
            else self.smi.kmd_version
        )

    @cached_property
    def driver_branch(self) -> int:
        """A branch that is told without the rest of the version ("driver 470"); 0 for none."""
        if "driver" not in self.low and "驱动" not in self.low:
            return 0
        found = next(self._all(_BRANCH), "")
        return int(found) if found and 300 <= int(found) <= 699 else 0

    @cached_property
    def driver_silent(self) -> bool:
        """nvidia-smi finds no driver to speak with, and no table is shown: it is not loaded, whatever version is told."""
        return _DRIVER_SILENT.search(self.text) is not None and not self.smi.kmd_version

    @cached_property
    def driver_cuda(self) -> str:
        return self.smi.cuda_version or next(self._all(_SMI_CUDA), "") or next(self._all(_CONDA_DRIVER), "")

    @cached_property
    def smi_devices(self) -> tuple[NvmlDevice, ...]:
        """As nvidia-smi describes them in one of its outputs."""
        if not self.has(
            "nvidia-smi", "(uuid: gpu-", "attached gpus", "<gpu id=", "pci.bus_id", "driver_version"
        ):
            return ()
        from gpudoctor.parsers.nvidia_smi_devices import devices

        return devices(self.text, "nvidia-smi in the text")

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """What lspci lists, of NVIDIA's and of displays."""
        if not self.has(" controller: ", " controller [0", "bridge: nvidia"):
            return ()
        from gpudoctor.parsers.system_lists import lspci

        return lspci(self.text)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Loaded modules by lsmod; the first is "" where only some are shown. Empty: none is shown."""
        if not self.has("used by", "lsmod"):
            return ()
        from gpudoctor.parsers.system_lists import lsmod

        return lsmod(self.text) or ()

    @cached_property
    def listed(self) -> dict[str, Package]:
        """Packages as pip or conda list them, by normalised name."""
        if not (
            self.has(
                "package version",
                "[conda]",
                "[pip",
                "pip list",
                "pip3 list",
                "conda list",
                "pip show",
                "name: ",
            )
            or "==" in self.text
            or "pypi" in self.low
        ):
            return {}
        from gpudoctor.parsers.package_lists import packages

        return {own.name: own for own in packages(self.text, "the text")}

    @cached_property
    def python(self) -> str:
        return next(self._all(_PYTHON), "")

    @cached_property
    def torch_without_cuda(self) -> str:
        """The kind of a build that PyTorch itself says has no CUDA: "cpu", "rocm6.2"; "" where it does not say."""
        if "torch" not in self.low or self.torch_cuda:
            return ""
        rocm = _ROCM.search(self.text)
        if rocm:
            return f"rocm{rocm[1]}"
        return "cpu" if _WITHOUT_CUDA.search(self.text) else ""

    @cached_property
    def tensorflow_without_cuda(self) -> bool:
        return "cuda" in self.low and _TF_WITHOUT_CUDA.search(self.text) is not None

    @cached_property
    def complains(self) -> bool:
        """Somebody says that something is amiss, in prose, or a program answers that it has no GPU."""
        if _NO_USE.search(self.text):
            return True
        for line in self.text.split("\n"):
            shown = _SHOWN.match(line) and not (_SAID_SO.search(line) or _FAILED.match(line))
            if shown or _PROMPT.match(line):
                continue
            if _PROSE.search(line):
                return True
        return False

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
    def torch_stated(self) -> str:
        """What PyTorch says of itself, before any list: several environments may be listed beside it."""
        return next(self._all(_TORCH), "") if "torch" in self.low else ""

    @cached_property
    def packages(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for match in _PACKAGE.finditer(self.text):
            name = match["name"].lower().replace("_", "-")
            found.setdefault("torch" if name == "pytorch" else name, match["version"].rstrip("."))
        if self.torch_stated:
            found["torch"] = self.torch_stated
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
        return self.composed or _CONTAINER.search(self.text) is not None

    @cached_property
    def variables(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for pattern in (_ECHOED, _VARIABLE, _SAID):
            for match in pattern.finditer(self.text):
                value = match["value"].strip()
                if match["name"].endswith("_VISIBLE_DEVICES"):
                    value = value.rstrip(".,:!?`")  # a sentence goes on; no list ends so
                found.setdefault(match["name"], value)
        return found

    @cached_property
    def gpus(self) -> tuple[str, ...]:
        named = [_spelled(" ".join(g.split())) for g in self._all(_GPU)]
        named += [
            f"{'GTX' if g[0] == '1' else 'RTX'} {' '.join(g.split())}" for g in self._all(_CARD) if not named
        ]
        return tuple(dict.fromkeys(named))
