"""Where it ran: the system, the container, the variables, other vendors."""

from __future__ import annotations

import re

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told


def hidden_by_variable(told: Told) -> bool:
    """CUDA_VISIBLE_DEVICES is shown, and is empty, negative, or a number."""
    value = told.variables.get("CUDA_VISIBLE_DEVICES")
    return value is not None


_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")
_COUNTED = Lazy(
    rf"(?<![\w.:=-])(?P<n>{'|'.join(_NUMBERS[1:])}|single|1?\d)[ x×-]{{1,2}}(?:x )?(?:[a-z]+ |NVIDIA |GeForce ){{0,2}}?(?:GPUs?|cards?|graphics cards?|(?:[RG]TX ?)?\d{{4}}(?: ?Ti)?s?|[RG]TX|[AHVPLB]\d{{2,3}}s?|T4s?)(?![\w.])(?! (?:memory|hours?))|"
    r"(?:\(|GPUs? |cards? |devices? |ids? |number\w* |index\w* )(?:from )?0 ?(?:-|–|to|\.\.|~|到|至) ?(?P<last>\d{1,2})\b|(?P<zh>[一二两三四五六七八单1-9])(?:张|块|个)?(?:\w{0,6})?(?:卡|显卡|GPU)(?!号)",
    re.I,
)
_CHINESE = "零一二三四五六七八"


def _counted(told: Told) -> int:
    """How many GPUs the machine has, by nvidia-smi's list or by somebody's word; 0 where it is not told, or not in one voice."""
    if told.smi_devices:
        return len(told.smi_devices)
    counts = set()
    for found in _COUNTED.finditer(told.text):
        number = (found["n"] or found["zh"] or "").lower()
        if found["last"]:
            counts.add(int(found["last"]) + 1)
        elif number.isdigit():
            counts.add(int(number))
        elif number in ("single", "单"):
            counts.add(1)
        elif number == "两":
            counts.add(2)
        else:
            counts.add(_NUMBERS.index(number) if number in _NUMBERS else _CHINESE.index(number))
    return counts.pop() if len(counts) == 1 else 0


def mask_beyond_the_gpus(told: Told) -> bool:
    """The first entry of the told CUDA_VISIBLE_DEVICES is a number that none of the counted GPUs has."""
    first = told.variables.get("CUDA_VISIBLE_DEVICES", "").partition(",")[0].strip(" .;:)'\"")
    if not first.isdigit():
        return False
    count = _counted(told)
    return bool(count) and int(first) >= count


def singularity_without_nv(told: Told) -> bool:
    """Singularity or Apptainer is started in the text, and never with --nv or --nvccli."""
    starts = re.findall(
        r"\b(?:singularity|apptainer)\b(?: -\w)* +(?:run|exec|shell|instance)\b[^\n]*", told.text
    )
    return bool(starts) and not any("--nv" in start for start in starts)


def no_nvidia_runtime(match: re.Match[str], told: Told) -> bool:
    """`docker info` is shown, and its list of runtimes (group `runtimes`) has none of NVIDIA's."""
    return "nvidia" not in match["runtimes"].lower()


#: How a container is started by hand, with the lines that a backslash or a caret continues.
_STARTED = Lazy(
    r"\b(?:docker|podman|nerdctl)(?: container)? (?:run|create)\b(?P<rest>[^\n]*(?:(?<=[\\^`])\n[^\n]*){0,30})"
)
_WITH_GPU = Lazy(
    r"--gpus?\b|--runtime|--device|NV_GPU|nvidia-docker|nvidia\.com/gpu|--privileged|runtime: ?[\"']?nvidia|driver: ?[\"']?nvidia|capabilities: ?\[|device_requests|--nv\b|gpus: ",
    re.I,
)


def started_without_gpu(told: Told) -> bool:
    """`docker run` is shown, and neither it nor anything else in the text asks for a GPU."""
    return _STARTED.search(told.text) is not None and _WITH_GPU.search(told.text) is None


_COMPOSE_FILE = Lazy(r"^services:$|^version: ?[\"']?[23]", re.M)


def composed_without_gpu(told: Told) -> bool:
    """A compose file is shown, or its containers speak, and no line of the text asks for a GPU."""
    shown = told.composed or _COMPOSE_FILE.search(told.text) is not None
    return shown and _WITH_GPU.search(told.text) is None and not told.has("devices:")


#: A report is longer than that; what a person writes about one fault is not.
_SHORT = 40


def short_in_container(told: Told) -> bool:
    """A short text that speaks of a container: prose counts there, which in a manual would be advice."""
    return told.container and told.lines <= _SHORT


def short(told: Told) -> bool:
    return told.lines <= _SHORT


_BLOCK = Lazy(r"^(?P<name>Capacity|Allocatable):(?P<rows>(?:\n[\w./-]+: +[\w.]+){2,20})", re.M)


def node_lists_no_gpu(told: Told) -> bool:
    """`kubectl describe node` shows what the node has, and no GPU of NVIDIA's is among it."""
    blocks = [m["rows"] for m in _BLOCK.finditer(told.text)]
    return bool(blocks) and all(
        re.search(r"nvidia\.com/(?:gpu|mig)\S*: +[1-9]", rows) is None for rows in blocks
    )


_POD = Lazy(r"^kind: ?(?:Pod|Deployment|Job|StatefulSet)|^Containers:|kubectl describe pods?\b", re.M)


def pod_asks_for_no_gpu(told: Told) -> bool:
    """A pod's specification or description is shown, with its containers, and none of them asks for a GPU."""
    return (
        _POD.search(told.text) is not None
        and told.has("containers:", "image:")
        and not told.has("nvidia.com/", "runtimeclassname")
    )


#: Graphics of other vendors, in the words of lspci, Windows, collect_env, inxi and reporters. Their processors do not count.
_OTHERS = Lazy(
    r"(?<![A-Za-z])Intel(?:\(R\)|®| Corporation)? ?(?:\(R\) |® )?(?:\w+ ){0,3}?(?:Iris|U?HD Graphics|U?HD \d{3,4}|Xe Graphics|Arc\b|Graphics|GMA|integrated|iGPU)|\b(?:Iris(?:\(R\)|®)? (?:Xe|Plus|Pro|Graphics)|UHD Graphics|Intel (?:GPU|card|laptop graphics))|"
    r"\bRadeon\b|(?<![A-Za-z])AMD[- ]?(?:的)?(?:GPU|card|graphics|RX|Vega|Instinct|Radeon|显卡|独显)|\b(?:integrated )?Vega graphics|\(AMD\)|on AMD\b|\bRX ?(?:Vega|[4-9]\d{2,3})(?: ?XTX?| ?GRE|[MS])?\b|\bVega ?\d{1,2}\b|\bgfx(?:9|10|11|12)\w{1,3}\b|"
    r"\bMac ?Book|\bApple (?:M\d|Silicon)|\bmacOS\b|\bOS ?X\b|\biMac\b|\bMac (?:mini|Studio|Pro)\b|\bM[1-5] (?:Mac|Pro|Max|Ultra)\b|\bMac (?:with )?(?:an )?M[1-5]\b|\bmy Mac\b|\bRaspberry ?Pi\b|\bSurface (?:Pro|Go|Laptop)\b|\bintegrated graphics\b|\b(?:Intel|AMD)[- ]only\b|\bSteam ?Deck\b|\bROG Ally\b|\bLegion Go\b|\bChromebooks?\b|\bSynology\b|\bStrix (?:Halo|Point)\b|\bRyzen AI\b|\bSnapdragon\b|\bArc [AB]\d{3}|"
    r"Virtio (?:1\.0 )?GPU|\bVMware SVGA|\bVMSVGA|Cirrus Logic|\bQXL\b|VirtualBox Graphics|bochs-drm|llvmpipe|"
    r"(?:苹果|Mac)电脑|集成显卡|核显|A卡|集显",
    re.I,
)


_NVIDIAS = Lazy(
    r"\bGeForce|\b[RG]TX|\bQuadro|\bTesla\b|\bTITAN\b|\bJetson|\b(?:A100|H100|H200|B200|V100|P100|L40S?|A10G?|A40|T4|K80)\b|NVIDIA Corporation|\b10de:|\bMX ?\d{3}\b|"
    r"\bG[TP]X? ?\d{3,4}M?\b|nvidia-smi works|\bN卡",
    re.I,
)


def other_vendor_shown(told: Told) -> bool:
    """The text names graphics of Intel, AMD or Apple, and none of NVIDIA's."""
    return _OTHERS.search(told.text) is not None and _NVIDIAS.search(told.text) is None and not told.gpus


#: NVIDIA's, where nobody writes more of the name than the number.
_BARE = Lazy(r"(?<![\w.-])A(?:[245]000|4500|5500|6000|16|30|40|100|800)\b|FORCE_CUDA", re.I)


def nvidia_alone_shown(told: Told) -> bool:
    """The text names a GPU of NVIDIA's, and no graphics of AMD, Intel or Apple."""
    if _OTHERS.search(told.text) is not None:
        return False
    return bool(told.gpus) or _NVIDIAS.search(told.text) is not None or _BARE.search(told.text) is not None


_DESKTOP = Lazy(r"Docker[- ]Desktop", re.I)


_LINUXES = Lazy(
    r"\b(?:Linux|Ubuntu|Debian|Fedora|Arch|Manjaro|Mint|Pop!?_?OS|CentOS|RHEL|openSUSE|apt|systemctl)\b", re.I
)


def desktop_on_linux(told: Told) -> bool:
    """Docker Desktop is named, on a Linux that is no WSL: its virtual machine has no GPU."""
    return (
        _DESKTOP.search(told.text) is not None
        and _LINUXES.search(told.text) is not None
        and not told.windows
        and not told.wsl
        and not told.has("macos", "mac os", "windows")
    )


def on_windows(told: Told) -> bool:
    return told.windows


def on_wsl(told: Told) -> bool:
    return told.wsl


def in_container(told: Told) -> bool:
    return told.container


def driver_answers(told: Told) -> bool:
    """nvidia-smi printed its table, or named a GPU."""
    return bool(told.smi.kmd_version) or re.search(r"\(UUID: GPU-", told.text) is not None
