"""The driver's memory module, nvidia-uvm, does not work

What it is: CUDA needs a second kernel module beside nvidia.ko: nvidia-uvm, with its node /dev/nvidia-uvm. It is not
loaded, its node is missing or does not open, or it broke when the machine went to sleep and woke up.

Why it hurts: nvidia-smi works and every CUDA program fails: cuInit ends in error 999, PyTorch says "CUDA unknown error
... Setting the available devices to be zero".

How to tell: NVML answers, libcuda answers 999, and nvidia_uvm is missing in /proc/modules, or /dev/nvidia-uvm is missing
or refuses, or the kernel log shows a wake-up since boot.

How to fix: Make the node with `nvidia-modprobe -c 0 -u`; after a suspend stop what uses the GPU and load the module anew.
Against the next time: NVreg_PreserveVideoMemoryAllocations=1 and the nvidia-suspend and nvidia-resume services.

Sources: https://github.com/pytorch/pytorch/issues/49081
https://github.com/NixOS/nixpkgs/issues/334180
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import DeviceNode, Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import events, native_linux, quoted
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature, error_code

explains = ("smoke-ran-on-cpu", "driver-not-answering", "gpu-lost-in-cuda")

signatures: tuple[Signature | str, ...] = (
    # PyTorch, c10/cuda/CUDAFunctions.cpp, error 999 at initialisation.
    Signature(r"CUDA unknown error - this may be due to an incorrectly set up environment", 0.8),
    Signature(r"Error 999: unknown error", 0.8),
    Signature(r"CUDA_ERROR_UNKNOWN(?:: unknown error| \(999\)|\b)", 0.65, unless=(r"Xid", r"fallen off")),
    Signature(r"cuInit.{0,80}(?:CUDA_ERROR_UNKNOWN|999|unknown error)", 0.75),
    Signature(r"cudaGetDeviceCount.{0,120}(?:999|unknown error)", 0.75),
    Signature(r"cuda runtime error \((?:30|999)\) : unknown error", 0.75),
    Signature(r"code=(?:30|999)\((?:cudaErrorUnknown|CUDA_ERROR_UNKNOWN)\)", 0.75),
    Signature(r"/dev/nvidia-uvm.{0,60}(?:No such file|does not exist|not found|cannot access)", 0.85),
    Signature(
        r"nvidia[-_]uvm.{0,80}(?:could not|failed|error|not found)",
        0.6,
        unless=(
            r"bad exit status",
            r"Bad return status",
            r"Key was rejected",
            r"Required key",
            r"module not found: 'nvidia'",
            r"Operation not permitted",
        ),
    ),
    Signature(r"failed call to cuInit: UNKNOWN ERROR \((?:-1|303|999)\)", 0.4),
    Signature(
        r"(?:suspend|resume|hibernat|sleep).{0,400}(?:unknown error|cuda.{0,40}(?:not available|stops? working))",
        0.5,
        needs=(r"cuda",),
    ),
    Signature(error_code(30, 999), 0.72),
    Signature(r"THCudaCheck FAIL file=\S{1,160} line=\d+ error=30 :", 0.75),
    # The module by its name: modprobe of every age, nvidia-docker 1.
    Signature(
        r"(?:could not insert|could not find module by name=|Module) '?nvidia[-_](?:\d+[-_])?uvm",
        0.8,
        unless=(r"Operation not permitted", r"Key was rejected", r"Required key"),
    ),
    Signature(r"Could not load UVM kernel module", 0.93),
    # ollama: the driver's library is there, and cuInit sees nothing through it.
    Signature(r"no nvidia devices detected by library \S*libcuda", 0.5),
    Signature(r"nvidia-modprobe -u\b|nvidia-modprobe -c ?0 -u", 0.45, needs=(r"cuda|cuInit",)),
    Signature(r"CUDA: unknown error|cudaErrorUnknown", 0.68, unless=(r"Xid", r"fallen off")),
    # It worked before the machine slept.
    Signature(
        r"(?:cuda|gpu|nvidia|torch|tensorflow|\bjax\b|ollama|blender|initiali[sz]ation)[^\n]{0,120}(?:after|on|when|following|from|upon) (?:the |a |my |every |each |any )?(?:\w+ ){0,3}?(?:suspen[ds]\w*|resum\w+(?= (?:from |after |the (?:laptop|machine|system|computer|pc))|[.,;:)]|$)(?! from (?:a |the |my |last )?(?:\w+ )?(?:checkpoint|ckpt|epoch|step))|hibernat\w+|(?:s3 |s0ix |pc |laptop )?sleep|wak(?:e|ing|es)(?:[- ]?up)?)\b",
        0.66,
        needs=(
            r"suspend|resum|hibern|sleep|wake|waking",
            r"fail\w*|error|not work\w*|n't work|stops?|stopped|broken|lost|unavailable|not available|crash\w*|no longer|unknown|not detect\w*|can't|cannot|gone|missing|dead|falls? back|on (?:the )?cpu|until",
        ),
        unless=(r"Xid", r"fallen off", r"GSP", r"time\.sleep|sleep\(", r"RmInitAdapter"),
    ),
    Signature(
        r"(?:after|following|upon) (?:the |a |my )?(?:\w+ ){0,3}?(?:suspen[ds]\w*|resum\w+ from (?:an? )?(?:suspen[ds]|sleep|hibernat|standby)\w*|hibernat\w+|wak(?:e|ing)[- ]?up|sleep mode)\b[^\n]{0,200}(?:cuda|gpu|nvidia|torch|tensorflow)",
        0.66,
        needs=(
            r"suspend|resum|hibern|sleep|wake|waking",
            r"fail\w*|error|not work\w*|n't work|stops?|stopped|broken|lost|unavailable|not available|crash\w*|no longer|unknown|not detect\w*|can't|cannot|gone|missing|dead|falls? back|on (?:the )?cpu",
        ),
        unless=(r"Xid", r"fallen off", r"GSP", r"RmInitAdapter"),
    ),
    Signature(
        r"休眠后|休眠之后|睡眠后|睡眠之后|挂起后|挂起之后|待机后|待机之后|休眠恢复|休眠唤醒|睡眠唤醒",
        0.66,
        needs=(r"cuda|GPU|nvidia",),
    ),
    # The remedy in the text.
    Signature(
        r"(?:rmmod|modprobe -r|modprobe|insmod) nvidia[-_]uvm\b|(?:reload\w*|unload\w*|load\w*) (?:the )?nvidia[-_]uvm",
        0.66,
        needs=(r"uvm",),
        unless=(
            r"Operation not permitted",
            r"Key was rejected",
            r"Required key",
            r"not found in directory",
            r"lxc\.|/etc/pve",
        ),
    ),
    Signature(
        r"NVreg_PreserveVideoMemoryAllocations|nvidia-(?:suspend|resume|hibernate)\.service",
        0.5,
        needs=(r"cuda|torch|ollama",),
    ),
    # ggml, Blender, Julia, Rust, hashcat, older samples: error 999 in their words.
    Signature(
        r"failed to initialize CUDA: unknown error|CUDA initialization: unknown error|cuInit(?:\(\w*\))?:? unknown error|ERROR_UNKNOWN\)|code 999\b|error code:? 999|CudaError::UnknownError|CUDA error: unknown error|CUDA_ERROR_UNKNOWN",
        0.7,
        unless=(r"Xid", r"fallen off"),
    ),
    Signature(
        r"/dev/nvidia-uvm.{0,40}(?:missing|not present|not created|isn't|absent|not exist)|(?:missing|no|without|create|created|creating) [`'\"]?/dev/nvidia-uvm\b",
        0.78,
    ),
    # Whatever CUDA answers: it began with a suspend, and a reboot mends it.
    Signature(
        r"\b(?:suspend\w*|hibernat\w+|sleep mode|(?:put|puts|putting) (?:my |the )?(?:\w+ )?(?:to|into) sleep|wakes? (?:up )?from|from sleep)\b",
        0.9,
        needs=(
            r"CUDA error|CUDA_ERROR|cuda\.is_available|cudaError|cuInit|unspecified launch failure|no CUDA-capable",
            r"re-?boot\w*|repoot|restart\w*|reload\w*",
        ),
        unless=(r"Xid", r"fallen off", r"GSP", r"time\.sleep|sleep\(", r"RmInitAdapter"),
    ),
    Signature(r"CUDA unknown error", 0.7, unless=(r"Xid", r"fallen off")),
    Signature(
        r"(?:resum\w+ from (?:an? )?(?:suspen[ds]\w*|sleep|hibernat\w+|standby)|(?:goes|went|going) (?:in)?to (?:standby|sleep|suspend)|after .{0,20}standby)\b",
        0.72,
        needs=(r"cuda|nvidia", r"no longer|fail\w*|error|n't|not |stop\w*|until|lost"),
        unless=(
            r"Xid",
            r"fallen off",
            r"GSP",
            r"RmInitAdapter",
            r"keeps? (?:on )?running|Lost display notification",
        ),
    ),
    Signature(
        r"(?:after|when|once|since|whenever|every time) (?:the |my |a |this )?(?:laptop|machine|computer|pc|system|desktop|host|it) (?:wakes?|woke|resumes?|resumed|comes? back|came back|sleeps|slept|goes to sleep|suspends?|suspended|hibernate\w*)\b",
        0.72,
        needs=(
            r"cuda|nvidia|torch|tensorflow|ollama",
            r"False|fail\w*|error|not work\w*|n't work|stops?|stopped|broken|lost|unavailable|not available|no longer|unknown|not detect\w*|until|gone",
        ),
        unless=(r"Xid", r"fallen off", r"GSP", r"RmInitAdapter"),
    ),
    Signature(
        r"挂起恢复|挂起后|挂起之后|挂起唤醒|休眠恢复|休眠后|休眠之后|休眠唤醒|睡眠恢复|睡眠后|睡眠之后|睡眠唤醒|待机恢复|待机后|待机唤醒|合盖后|合盖之后|从休眠|从睡眠|从挂起",
        0.72,
        needs=(
            r"cuda|GPU|nvidia|显卡|torch|jax|tensorflow|ollama",
            r"不可用|不能|无法|失败|报错|False|没有|消失|重启|只能|用不了",
        ),
    ),
    Signature(r"Module nvidia[-_]uvm not found", 0.9, unless=(r"Module nvidia not found",)),
    # ollama's own words for cuInit's 999.
    Signature(
        r"(?:nvcuda init failure|cuInit err|cudart init failure|nvcuda library init failure)[:= ]{1,3}999\b",
        0.92,
    ),
    # The laptop's lid.
    Signature(
        r"(?:after|when|whenever|once|since|until|every time|each time|always) (?:I |we |the |my )*(?:\w+ )?(?:clos\w+|shut\w*|open\w*) (?:the |my |its )?(?:laptop'?s? )?lid\b|\blid (?:is |was |has been |gets )?(?:closed|shut|opened|close)\b|合上盖子|合上笔记本|合盖再|合盖重新|一合盖|合盖以后",
        0.72,
        needs=(
            r"cuda|nvidia|torch|tensorflow|ollama|GPU",
            r"False|fail\w*|error|not |n't|stop\w*|broken|lost|unavailable|no longer|unknown|until|gone|Unable|back to|不|没|无法|False|重启",
        ),
        unless=(r"Xid", r"fallen off", r"GSP", r"RmInitAdapter"),
    ),
    # nvidia-smi answers after the machine slept, and CUDA does not.
    Signature(
        r"\b(?:suspen(?:d|sion)\w*|resum(?:e[ds]?|ing)|hibernat\w+|stand-?by|(?:woke|wak(?:e|es|ing)) up)\b",
        0.8,
        needs=(
            r"nvidia-smi.{0,60}(?:work\w*|run\w*|fine|ok|shows?|lists?|normal|success\w*)|(?:(?:even )?though|but|while|although) nvidia-smi",
            r"cuda|GPU|torch|tensorflow|ollama",
            r"(?:not|no|n't|stop\w*|fail\w*|until|restart\w*|re-?boot\w*|100 ?% cpu|on cpu|to (?:the )?cpu|unknown|gone|lost|missing|dead|broken|disappear\w*)",
        ),
        unless=(
            r"Xid",
            r"fallen off",
            r"GSP",
            r"RmInitAdapter",
            r"time\.sleep|sleep\(",
            r"resum\w+ (?:from )?(?:the |a |my )?(?:\w+ )?(?:checkpoint|training|epoch|run|download|job)",
        ),
    ),
)


#: CUDA_ERROR_UNKNOWN.
UNKNOWN = 999
NODE = "/dev/nvidia-uvm"


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    native_linux(host)
    need(driver.module, "NVIDIA kernel module in memory")
    nvml = need(gpu.nvml, "answer of NVML")
    if nvml.code != 0 or not nvml.devices:
        raise DoesNotApply("NVML finds no working GPU: UVM is not what is missing")
    if isinstance(gpu.cuda, Known) and gpu.cuda.value.code != UNKNOWN:
        return  # CUDA gets past UVM
    nodes = need(driver.nodes, "device nodes")
    node = next((n for n in nodes if n.path == NODE), None)
    error = value_of(node.open_error, "") if node else ""
    if error in ("EPERM", "EACCES"):
        return  # who may open it is another cause
    loaded = "nvidia_uvm" in value_of(driver.loaded_modules, ())
    not_yet = not loaded or node is None
    inside = isinstance(containers.inside, Known)
    if not_yet and not inside and value_of(driver.modprobe_helper, False):
        # Our own question to libcuda runs without the right to load modules, so 999 is what it must say here.
        raise CannotLook(
            "nvidia-uvm is not loaded yet; the first CUDA program loads it through nvidia-modprobe"
        )
    if isinstance(gpu.cuda, Unknown) and not not_yet:
        raise CannotLook(f"libcuda: {gpu.cuda.reason}", gpu.cuda.would_help)
    if not_yet or isinstance(gpu.cuda, Known):
        yield _problem(host, driver, gpu, node, error, loaded, inside)


def _problem(
    host: Host, driver: Driver, gpu: Gpu, node: DeviceNode | None, error: str, loaded: bool, inside: bool
) -> Problem:
    resumed = events(host, "resume")
    if inside and node is None:
        what, fix = (
            f"{NODE} is not in this container",
            Fix(f"Start the container again with {NODE} (--gpus does that)"),
        )
    elif node is None or not loaded:
        what = f"{NODE} is missing" if node is None else "the module nvidia_uvm is not loaded"
        fix = Fix("Load nvidia-uvm and make its node", ("sudo nvidia-modprobe -c 0 -u",), "safe")
    else:
        what = (
            f"{NODE} does not open ({error})"
            if error
            else "broken since the machine slept"
            if resumed
            else "CUDA's error 999"
        )
        commands = ("sudo modprobe -r nvidia_uvm", "sudo modprobe nvidia_uvm")
        fix = Fix(
            "Stop what uses the GPU (containers too), and load nvidia-uvm anew; or reboot", commands, "unsafe"
        )
    cuda = value_of(gpu.cuda, None)
    evidence = [
        Evidence("NVML", "answers", "nvml"),
        Evidence("cuInit", f"{cuda.code} {cuda.name}" if cuda else "not asked", "libcuda"),
        Evidence("nvidia_uvm", "loaded" if loaded else "not loaded", "/proc/modules"),
        Evidence(NODE, f"{node.major}:{node.minor}" if node else "missing", "/dev"),
        *quoted(host, resumed[-1:]),
    ]
    return Problem(f"CUDA cannot start although nvidia-smi works: {what}", evidence=tuple(evidence), fix=fix)
