"""There is no NVIDIA GPU in this machine

What it is: The PCI bus can be read and shows no NVIDIA display device, and no driver library answers as if there were
one.

Why it hurts: CUDA programs cannot run here, whatever is installed. GPU builds of frameworks fall back to the CPU, or
stop.

How to tell: /sys/bus/pci/devices holds no device of vendor 0x10de and class 0x03. A virtual machine shows only what was
passed through to it; a card that sits badly or has no power is not on the bus either.

A driver may be installed all the same (a virtual machine whose GPU was taken away, an image made for many machines): then
nvmlInit says 9 (its module is not loaded) or lists no device, cuInit says 100, nvidia-smi ends with 6 or 9. The module is
loaded by the GPU's appearance on the bus: one that is loaded without a GPU speaks of a card that was there before.

How to fix: Use another machine (or another instance type), pass a GPU through to this virtual machine, or install CPU
builds. If a card is built in: check its seat, its power plugs and the slot's BIOS setting.

Sources: https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#verify-you-have-a-cuda-capable-gpu
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, Severity
from gpudoctor.rules.driver._installation import SYMPTOMS, installation
from gpudoctor.rules.judging import gpu_ruled_out
from gpudoctor.signature import Signature

explains = (*SYMPTOMS, "driver-not-installed", "visible-devices-hidden", "driver-too-old-for-runtime")

#: Something fails: a sentence that only tells which machines have GPUs is no complaint.
COMPLAINT = (
    r"error|fail(?:s|ed|ing|ure)\b|crash\w*|exception|traceback|Found no NVIDIA|No CUDA GPUs|no CUDA-capable|NO_DEVICE|cannot|can't|could not|couldn't|unable|not found|"
    r"not (?:able|available|detected|supported|working)|insufficient|\bFalse\b|doesn't work|won't|not work|has no effect|abort\w*|报错|无法|失败"
)

signatures: tuple[Signature | str, ...] = (
    # PyTorch's collect_env, lspci and rocminfo beside a CUDA program.
    Signature(
        r"(?:VGA compatible controller|Display controller|3D controller).{0,60}(?:Advanced Micro Devices|AMD/ATI|Intel Corporation)",
        0.6,
        unless=(r"10de:", r"NVIDIA Corporation", r"GeForce", r"Tesla \w"),
    ),
    Signature(
        r"no supported gpu(?:\(s\)|s)? (?:detected|found)",
        0.6,
        needs=(r"AMD|Radeon|Intel|Apple",),
        unless=(r"GeForce|RTX|Tesla",),
    ),
    Signature(r"(?:Apple M\d|mps\b|macOS).{0,200}Torch not compiled with CUDA enabled", 0.85),
    Signature(
        r"Torch not compiled with CUDA enabled",
        0.85,
        needs=(r"(?:OS: macOS|Mac OS X|Darwin|Apple M\d|/opt/homebrew|/Users/|\bMac(?:Book)?\b)",),
    ),
    Signature(
        r"(?:Radeon|AMD Ryzen .{0,30}Graphics|Iris\S* Xe|UHD Graphics).{0,300}(?:No CUDA GPUs|no NVIDIA|CUDA.{0,20}not available)",
        0.7,
    ),
    Signature(
        r"OS: (?:macOS|Mac OS X)", 0.5, needs=(r"cuda|nvidia",), unless=(r"CUDA used to build PyTorch: None",)
    ),
    # Kubernetes, compose: a reservation on a host that has no GPU.
    Signature(r"You appear to be running.{0,40}without (?:an? )?(?:NVIDIA )?GPU", 0.6),
    Signature(r"You do not appear to have an NVIDIA GPU supported by the", 0.9),
    Signature(
        r"nvml error: (?:no device|not found)|no nvidia (?:devices?|gpus?) (?:was |were )?(?:detected|found)",
        0.5,
        unless=(r"GeForce|RTX|Tesla",),
    ),
    Signature(
        r"nvidia-container-cli: initialization error: (?:nvml error: )?(?:cuda error: )?no cuda-capable device",
        0.7,
    ),
    Signature(
        r"no NVIDIA display device|NVRM: No NVIDIA (?:graphics adapter|GPU) found",
        0.6,
        unless=(r"NovaCore|nouveau",),
    ),
    # The reporter says so.
    Signature(
        r"(?:without|has no|have no|don't have (?:an? )?|doesn't have (?:an? )?|there is no|lacks an?) ?(?:dedicated )?NVIDIA (?:GPU|card|graphics?)",
        0.75,
    ),
    # Programs that ask PyTorch and give up; the reporter's card is another vendor's.
    Signature(
        r"(?:Torch is not able to use GPU|No CUDA GPUs are available|CUDA is not available|no NVIDIA driver)",
        0.85,
        needs=(
            r"\bRX ?\d{3,4}\b|Radeon|\bAMD (?:GPU|card|graphics)|\(AMD\)|on AMD\b|Intel (?:Arc|Iris|UHD|HD Graphics)",
        ),
        unless=(r"GeForce|\bRTX\b|\bGTX\b|Tesla|Quadro",),
    ),
    # Whatever asks for CUDA fails, and the only graphics that the text names is another vendor's.
    Signature(
        r"Found no NVIDIA driver|No CUDA GPUs are available|no CUDA-capable device|CUDA_ERROR_NO_DEVICE|No NVIDIA (?:graphics card|GPU|device|card)s?|cudaErrorNoDevice|"
        r"couldn't communicate with the NVIDIA driver|nvidia-smi: command not|'nvidia-smi' is not recognized|(?:cuInit|cudaGetDeviceCount)(?:\(\w?\))? returned (?:100|38)\b|list_physical_devices\([^)]{0,14}\)\W{0,4}(?:is |returns |gives |shows )?\W{0,4}\[\]|nvidia-smi (?:is |was )?(?:not (?:found|there|recogni[sz]ed|installed)|missing)|CUDA driver version is insufficient|"
        r"cuda\.is_available|libcuda\.so\S*: cannot open|Could not find cuda drivers|nvcuda\.dll|CUDA (?:is )?not available|GPU (?:is )?not (?:found|available|detected)|NVML Shared Library Not Found|"
        r"not able to use (?:the )?GPU|No compatible GPUs?|NO GPU DETECTED|Nvidia driver version: Could not collect|No devices were found|CUDA unknown error|requires? (?:an? )?NVIDIA (?:GPU|graphics)",
        0.84,
        when="other-vendor-shown",
        unless=(r"\+rocm", r"CUDA Driver Version ?: \d"),
    ),
    Signature(
        r"Torch not compiled with CUDA enabled", 0.94, when="other-vendor-shown", unless=(r"\+rocm", r"\+cpu")
    ),
    # The reporter says so, in other words.
    Signature(
        r"(?:don't|do not|doesn't|does not|didn't|(?<!might\s)(?<!may\s)not) (?:even )?(?:have|has|had|having|own|contain) (?:an?y? |any kind of )?(?:dedicated |discrete |physical )?(?:NVIDIA|CUDA[- ](?:capable|enabled|compatible)|CUDA|nvidia's) ?(?:GPUs?|cards?|graphics?|adapters?|devices?|hardware|video|display)",
        0.8,
        needs=(r"do not|n't|does not|not have|not has|not own|not contain",),
    ),
    Signature(
        r"(?:has|have|with|there (?:is|are)|got) (?:no|zero) (?:dedicated |discrete |physical )?(?:NVIDIA|CUDA[- ](?:capable|enabled)|CUDA) (?:GPUs?|cards?|graphics|adapters?|hardware)",
        0.8,
        needs=(r"no nvidia|zero nvidia|no cuda|zero cuda|no dedicated|no discrete|no physical",),
        unless=(r"no CUDA-capable device is detected\s*$",),
    ),
    Signature(
        r"(?:machines?|nodes?|hosts?|servers?|laptops?|computers?|PCs?|VMs?|instances?|systems?|runners?|workstations?|box(?:es)?) (?:that |which )?(?:without|with no|lacking|has no|have no|having no|had no|(?:does|do)(?: not|n't) have|not having) (?:an? |any |the )?(?:NVIDIA |CUDA |dedicated |discrete |real |physical )?(?:GPUs?\b(?! (?:index|id|number|quota|memory|#?\d))|graphics cards?|video cards?)",
        0.78,
        needs=(r"cuda|nvidia|gpu", COMPLAINT),
        unless=(r"container-runtime|device-plugin|nvidia-docker", r"--gpus"),
    ),
    Signature(
        r"(?:non-?gpu|gpu-?less|cpu[- ]only|no-gpu) (?:machines?|nodes?|hosts?|servers?|laptops?|computers?|VMs?|instances?|systems?|runners?|workstations?)|(?:machines?|nodes?|hosts?|servers?) (?:do not |don't )?(?:all )?have gpus",
        0.76,
        needs=(r"libcuda|no CUDA-capable|Found no NVIDIA|NO_DEVICE|nvml|No CUDA|nvidia-smi|driver",),
        unless=(r"--gpus",),
    ),
    Signature(
        r"没有独立显卡|没有显卡(?!驱动)|没有英伟达显卡|没有NVIDIA的?显卡(?!驱动)|没有任何显卡|没有GPU|没有 GPU|没有NVIDIA ?(?:GPU|显卡)|没有英伟达|没有N卡|没有 N卡|无NVIDIA|无英伟达|无独立显卡|没有独显",
        0.72,
        needs=(r"cuda|nvidia|driver",),
        unless=(r"--gpus", r"容器|docker"),
    ),
    # Colab and Kaggle give a processor alone unless a GPU is asked for.
    Signature(
        r"(?:change|hardware|select|set|enable) (?:the |your )?(?:runtime type|accelerator|GPU accelerator)|(?:colab|kaggle).{0,80}(?:without (?:a )?GPU|no GPU|CPU runtime|not (?:using|enabled) (?:a )?GPU)",
        0.82,
        needs=(r"Found no NVIDIA|No CUDA|no CUDA-capable|NO_DEVICE|nvidia-smi|libcuda|cuda\.is_available",),
    ),
    # lspci finds none; ubuntu-drivers; NVIDIA's installer.
    Signature(r"You do not appear to have an NVIDIA GPU", 0.9),
    Signature(
        r"(?:this|the) (?:machine|system|computer|host|node) (?:does not|doesn't) (?:appear to )?have an? (?:NVIDIA )?GPU",
        0.78,
    ),
    # Rented and lent machines without one: EC2's general types, runners, codespaces, small servers; small computers.
    Signature(
        r"(?:instance(?: type)?|runners?|codespaces?|VPS|VM|droplet|server|machine|node|laptop|computer|device|PC|box|NAS|host)s? .{0,20}(?:has|have|with|having) no (?:dedicated |discrete |physical )?(?:GPUs?\b|graphics card|video card)(?! (?:memory|quota|resources?|flag|access|support|driver))",
        0.84,
        needs=(
            r"Found no NVIDIA|No CUDA|no CUDA-capable|NO_DEVICE|nvidia-smi|libcuda|cuda\.is_available|could not select|NVML|CUDA",
        ),
        unless=(r"--gpus all", r"in the container"),
    ),
    Signature(
        r"(?:n't|not|no) (?:even )?(?:have|has|own|got) (?:an? |any )?(?:dedicated |discrete |physical |separate )?(?:GPU|graphics card|video card|显卡)\b(?! (?:memory|quota|flag|access|support|driver|enabled))",
        0.8,
        needs=(
            r"Found no NVIDIA|No CUDA|no CUDA-capable|NO_DEVICE|nvidia-smi|libcuda|cuda\.is_available|could not select|NVML|CUDA",
            COMPLAINT,
        ),
        unless=(
            r"(?:if|when|in case) you (?:don't|do not) (?:have|own)|you (?:don't|do not) (?:have|own) (?:an? )?GPU ?[?,]|(?:for|those|users|people) (?:who|that|with) (?:don't|do not|no)",
            r"--gpus all",
            r"(?:container|pod|docker|session) .{0,20}(?:n't|not) have",
        ),
    ),
    Signature(
        r"could not select device driver",
        0.97,
        needs=(
            r"(?:n't|not|no) (?:even )?(?:have )?(?:an? |any )?(?:dedicated |discrete |nvidia )?(?:GPU|graphics card)\b",
        ),
        unless=(r"nvidia-smi (?:works|shows|prints)", r"GeForce|\bRTX\b|\bGTX\b|Tesla"),
    ),
    # Docker asks for a GPU, and the only graphics that the text names is another vendor's.
    Signature(
        r"could not select device driver|nvidia-container-cli: initialization error",
        0.96,
        when="other-vendor-shown",
        unless=(
            r"nvidia-smi (?:works|shows|prints)|NVIDIA-SMI \d",
            r"hybrid|dual graphics|Optimus|dedicated nvidia",
        ),
    ),
    Signature(
        r"\b(?:t[234]a?|m[5-7]\w?|c[5-7]\w?|r[5-7]\w?)\.\d{0,2}x?(?:large|medium|micro|small)\b",
        0.85,
        needs=(
            r"Found no NVIDIA|No CUDA|no CUDA-capable|NO_DEVICE|nvidia-smi|libcuda|could not select|NVML",
        ),
    ),
    # Boards' and hypervisors' own graphics, and nothing else on the bus.
    Signature(
        r"ASPEED (?:Technology|Graphics)|VMware SVGA|Cirrus Logic|\bQXL\b|Virtio (?:1\.0 )?GPU|Matrox \w+|VirtualBox Graphics|bochs-drm",
        0.78,
        needs=(
            r"couldn't communicate|No devices|not found|No CUDA|Found no NVIDIA|nvidia-smi|no CUDA-capable",
        ),
        unless=(r"NVIDIA Corporation|GeForce|\bRTX\b|\bGTX\b|Tesla|10de:|A100|H100",),
    ),
    Signature(
        r"\((?:no|without(?: a)?) GPU\)|\bM[1-4] mac\b",
        0.8,
        needs=(r"nvidia", r"not found|error|fail\w*|driver"),
    ),
    # A program that looks for a card of NVIDIA's says so, and the reporter quotes it.
    Signature(
        r"(?:complain\w*|says?|said|error\w*|message|crash\w*|exits?|fails?|claims?) .{0,40}(?:no|not (?:having )?(?:found|detected|finding)|n't (?:find|detect)|without|need\w* an?|requires? an?|missing an?) (?:any |a |compatible |supported )?nvidia (?:GPUs?|cards?|graphics|video cards?|hardware)\b(?! driver)",
        0.62,
        unless=(r"GeForce|\bRTX|\bGTX|Tesla|Quadro|A100|H100|nvidia-smi", r"docker|container|pod\b"),
    ),
    Signature(
        r"(?:no|without(?: an?y?)?|zero) (?:dedicated |discrete |physical |nvidia )?GPUs? (?:attached|present|installed|in (?:it|this|the) (?:machine|VM|server|box|host|node|laptop)|at all)|(?:only|just) (?:an? |the )?(?:integrated|onboard|intel|amd|built-in) (?:graphics|GPU|video)|(?:integrated|onboard|intel|amd) (?:graphics|GPU|video)(?: card)? only\b",
        0.84,
        needs=(
            r"Found no NVIDIA|No CUDA|no CUDA-capable|NO_DEVICE|nvidia|libcuda|cuda",
            r"found no|no cuda|not |n't|fail\w*|error|nothing|empty|False|no such|no-?capable|can I",
        ),
        unless=(r"--gpus", r"GeForce|\bRTX|\bGTX|Tesla|Quadro"),
    ),
    # lspci is asked for NVIDIA's and prints nothing.
    Signature(
        r"lspci ?\| ?e?grep (?:-\w+ )*['\"]?(?:nvidia|NVIDIA|10de)['\"]?[^\n]{0,20}\s{1,3}(?:the )?(?:result|output)?.{0,20}(?:is empty|empty|nothing|no output|returns? no|prints? no|shows? no|gives? no)",
        0.8,
        unless=(r"GeForce|\bRTX|\bGTX|Tesla|Quadro|A100|H100|passthrough",),
    ),
    # GitHub's runners; the device plugin on a node without one.
    Signature(
        r"(?:github actions?|github(?:'s)? (?:hosted )?runners?|codespaces?\b|CI runners?|gitlab|circleci|travis|runs-on:|ubuntu-(?:latest|2\d\.04) runner|hosted runner)",
        0.78,
        needs=(
            r"Found no NVIDIA|No CUDA GPUs|no CUDA-capable|NO_DEVICE|libcuda\.so\.1: cannot|couldn't communicate",
        ),
        unless=(r"self-hosted|GeForce|\bRTX|\bGTX|Tesla|\bT4\b|A10G?\b",),
    ),
    # macOS' list of displays.
    Signature(
        r"Chipset Model: (?:Intel|AMD|Radeon|Apple)",
        0.84,
        needs=(r"cuda|nvidia|nvcc",),
        unless=(r"Chipset Model: (?:NVIDIA|GeForce)",),
    ),
    Signature(
        r"(?:could not insert '?nvidia\w*'?: No such device|couldn't communicate with the NVIDIA driver)",
        0.9,
        needs=(
            r"(?:VGA compatible controller|Display controller): (?:Cirrus|Red Hat|VMware|ASPEED|Matrox|Microsoft|InnoTek)",
        ),
        unless=(r"NVIDIA Corporation|10de:",),
    ),
    # Issue templates: the line for the card says none.
    Signature(
        r"(?:^|[-* ])GPUs?(?:/VRAM|\(s\)| model| type)? ?[:=] ?(?:none|no gpu|no|nil|n/a|not present|-)(?=$|[,.; ])",
        0.97,
        needs=(
            r"could not select device driver|Found no NVIDIA|No CUDA|no CUDA-capable|NO_DEVICE|libcuda\.so\.1|nvidia-container-cli",
        ),
        unless=(r"GeForce|\bRTX|\bGTX|Tesla|A100|H100",),
    ),
    Signature(
        r"(?:gpu[-: ]?less|no-?gpu|cpu[- ]only) (?:mode|mini|PC|box|server|machine|host|laptop)|(?:chipset|intel|onboard|integrated) (?:graphics|GPU)? ?(?:happens|only)",
        0.97,
        needs=(r"could not select device driver",),
        unless=(r"GeForce|\bRTX|\bGTX|Tesla|A100|H100",),
    ),
    # TensorFlow looks for its libraries, JAX for its plugin, whatever the machine has.
    Signature(
        r"Could not load dynamic library '(?:cudart|libcudart|cublas|cudnn|libcu|nvcuda)|\[?CpuDevice\(id=0\)|a CUDA-enabled jaxlib is not installed|No devices found\. Waiting indefinitely|could not load NVML library|WSL environment detected but no adapters were found",
        0.94,
        when="other-vendor-shown",
        unless=(r"\+rocm|ROCm|rocm", r"hybrid|dual graphics|Optimus"),
    ),
    # "Whose only graphics is the Intel Iris Xe", "lspci only shows the Virtio GPU": no other is there, whatever fails.
    Signature(
        r"\b(?:only|just|sole|nothing but)\b(?: \w+){0,3}? (?:graphics|GPUs?|video|display|adapter|card)s?(?: (?:card|adapter|chip|device|controller|is|are|in|it|here|this|has|on|the|a|an|of|machine|laptop|box|server))* .{0,24}(?:Intel|AMD|Radeon|Iris|UHD|Vega|Apple|Virtio|VMware|Matrox|ASPEED|Cirrus|QXL|Arc\b)|"
        r"\b(?:only|just) (?:\w+ )?(?:an? |the |my |its |one |shows? |lists? |sees? |has |have |got |with ){0,3}['\"(]?(?:an? |the )?(?:integrated |onboard |internal )?(?:Intel|AMD|Radeon|Iris|UHD|Vega|Apple|Red Hat|Virtio|VMware|Matrox|ASPEED|Cirrus|QXL)\b[^\n]{0,40}(?:GPU|graphics|Radeon|Iris|UHD|Vega|Xe|SVGA|iGPU|APU)|"
        r"(?:Intel|AMD) [^\n.,;]{0,30}(?:graphics|GPU|Iris|UHD|HD \d{3,4}|Radeon|Vega|Xe|APU)[^\n.,;]{0,16} (?:only\b(?! (?:for|as|when|in|on|the|used|drives?|with))|alone\b|and nothing else|and no other)",
        0.93,
        when="other-vendor-shown",
        needs=(r"cuda|nvidia|driver", COMPLAINT),
        unless=(r"\+rocm|ROCm|rocm", r"hybrid|dual graphics|Optimus"),
    ),
    # Docker's and WSL's answers on a machine of which somebody says that it has no such card.
    Signature(
        r"WSL environment detected but no adapters were found|nvidia-container-cli: initialization error|could not select device driver",
        0.96,
        needs=(
            r"(?:n't|not|no) (?:even )?(?:have |has |own |got )?(?:an? |any )?(?:dedicated |discrete )?nvidia(?:'s)? (?:GPU|graphics|card|video)|without (?:an? |any )?nvidia (?:GPU|graphics|card|video)",
        ),
        unless=(r"GeForce|\bRTX|\bGTX|Tesla|Quadro|NVIDIA-SMI \d", r"did not find|not detect\w*|not see"),
    ),
)


#: nvmlInit: NVML_ERROR_DRIVER_NOT_LOADED.
NOT_LOADED = 9

TITLES = {
    "runs": ": the driver runs and lists no device",
    "stopped": "; a driver is installed, its module is not loaded",
    "none": "",
}
FIXES = {
    "runs": Fix(
        "If a GPU belongs here it has left the bus: see what the kernel says, search the bus again, then switch the "
        "machine off and on and check the card's seat and power",
        ("sudo dmesg | grep -iE 'NVRM|fallen off'", "echo 1 | sudo tee /sys/bus/pci/rescan"),
    ),
    "stopped": Fix(
        "Nothing, if no GPU belongs here; the driver may stay. If one does: pass it through to this machine, or check its "
        "seat and power. Loading the module by hand changes nothing before a GPU is on the bus",
        ("lspci -nn -d 10de:",),
    ),
    "none": Fix("Use a machine with an NVIDIA GPU, pass one through to this one, or install CPU builds"),
}

#: NVIDIA_VISIBLE_DEVICES: these ask for nothing. (CUDA's base images set "all": who runs one expects a GPU.)
NOTHING = frozenset({"", "void", "none"})


def check(
    host: Host, driver: Driver, gpu: Gpu, containers: Containers, expectation: Expectation
) -> Iterator[Problem]:
    if isinstance(host.tegra, Known):
        raise DoesNotApply("a Jetson's GPU is not on the PCI bus")
    if isinstance(gpu.pci, Unknown):
        raise CannotLook(f"PCI bus: {gpu.pci.reason}", gpu.pci.would_help)
    if not gpu_ruled_out(gpu, wsl=isinstance(host.wsl, Known)):
        if isinstance(gpu.pci, Known):
            return
        raise CannotLook("without a PCI bus a GPU can't be ruled out")
    severity, why = _asked(host, driver, containers, expectation)
    displays = [d for d in value_of(gpu.pci, ()) if d.is_display]
    seen_there = ", ".join(f"{d.address} {d.vendor:04x}:{d.device:04x}" for d in displays[:4]) or "none"
    state, said = _driver_here(driver, gpu)
    title = f"No NVIDIA GPU in this machine{TITLES[state]}"
    yield Problem(
        title + (f", but {why.what}" if why and severity == "failure" else ""),
        severity=severity,
        evidence=(
            Evidence("display devices on the bus", seen_there, "/sys/bus/pci/devices"),
            *said,
            *((why,) if why else ()),
        ),
        fix=FIXES[state],
    )


def _driver_here(driver: Driver, gpu: Gpu) -> tuple[str, tuple[Evidence, ...]]:
    """What the driver without a GPU answers: "runs" (and lists no device), "stopped" (its module is not loaded), "none"."""
    nvml, cuda, smi = value_of(gpu.nvml, None), value_of(gpu.cuda, None), value_of(gpu.smi, None)
    said: list[Evidence] = []
    if isinstance(driver.module, Known):
        said.append(Evidence("module in memory", driver.module.value.version, driver.module.via))
    if nvml is not None and nvml.code is not None:
        words = "no device is listed" if nvml.code == 0 else nvml.message
        said.append(Evidence("nvmlInit", f"{nvml.code} {words}".rstrip(), value_of(nvml.library, "NVML")))
    if cuda is not None and cuda.code is not None:
        said.append(
            Evidence("cuInit", f"{cuda.code} {cuda.name}".rstrip(), value_of(cuda.library, "libcuda"))
        )
    if smi is not None and smi.exit_code is not None:
        first = smi.output.strip().partition("\n")[0]
        said.append(Evidence("nvidia-smi", f"exit {smi.exit_code}: {first}", smi.path))
    if isinstance(driver.module, Known) or (nvml is not None and nvml.code == 0):
        return "runs", tuple(said)
    return ("stopped" if nvml is not None and nvml.code == NOT_LOADED else "none"), tuple(said)


def _asked(
    host: Host, driver: Driver, containers: Containers, expectation: Expectation
) -> tuple[Severity, Evidence | None]:
    """Who wants a GPU here. Where nobody does the machine is not ill, and the finding is a note."""
    if expectation.gpu:
        return "failure", Evidence(f"{expectation.gpu} expects one", expectation.gpu)
    inside = value_of(containers.inside, None)
    visible = value_of(inside.visible_devices, "") if inside else ""
    if visible not in NOTHING:
        return "failure", Evidence(
            f"NVIDIA_VISIBLE_DEVICES asks for {visible}", visible, "environment of process 1"
        )
    parts = installation(host, driver) if inside is None else ()
    return "note", parts[0] if parts else None
