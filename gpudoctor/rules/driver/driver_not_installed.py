"""The GPU is there, the driver is not

What it is: The PCI bus shows an NVIDIA GPU, and nothing of NVIDIA's driver is on this machine: no kernel module, neither
in memory nor on disk, and no driver library.

Why it hurts: Nothing can use the GPU. CUDA's toolkit and a framework's own CUDA libraries are not the driver and do not
bring it; frameworks run on the CPU or stop with "Found no NVIDIA driver".

How to tell: An NVIDIA display device under /sys/bus/pci/devices, no /sys/module/nvidia, no nvidia.ko under /lib/modules,
no libcuda.so.1 and no libnvidia-ml.so.1. Often nouveau, the free driver without CUDA, has the GPU meanwhile.

How to fix: Install the driver from the distribution's packages, or from NVIDIA's repository, and reboot. Blackwell needs
the open flavour of the kernel module, GPUs before Turing the proprietary one of branch 580 or older.

Sources: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/
https://documentation.ubuntu.com/server/how-to/graphics/install-nvidia-drivers/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    described,
    family,
    gpus,
    in_memory,
    installation,
    native_linux,
    not_for_guests,
)
from gpudoctor.signature import Signature

explains = (*SYMPTOMS, "nouveau-active")

signatures: tuple[Signature | str, ...] = (
    # PyTorch on a machine without libcuda.
    Signature(r"Found no NVIDIA driver on your system", 0.8),
    # Singularity and Apptainer with --nv, on a host that has nothing to bring in.
    Signature(r"Could not find any (?:nv|NVIDIA) (?:files|binaries|libraries) on this host", 0.72),
    # collect_env where nothing else is told: a symptom.
    Signature(
        r"Nvidia driver version: (?:Could not collect|No CUDA)",
        0.45,
        when="not-in-container",
        needs=(r"Is CUDA available: (?:False|No)\b",),
        unless=(
            r"OS: (?:macOS|Mac OS)",
            r"Radeon|Advanced Micro Devices",
            r"CUDA used to build PyTorch: (?:None|Could not collect)",
        ),
    ),
    # libnvidia-container and nvidia-container-cli on a host without the driver's libraries.
    Signature(
        r"load library failed: libnvidia-ml\.so\.1: cannot open shared object file",
        0.85,
        unless=(r"snap", r"desktop-linux|Docker Desktop"),
    ),
    Signature(r"nvidia-container-cli: initialization error: driver error: failed to process request", 0.7),
    Signature(r"detection error: driver (?:rpc|error): failed to process request", 0.6),
    # nvidia-smi of another package, exit status 12.
    Signature(r"couldn't find libnvidia-ml\.so library in your system", 0.8, when="not-in-container"),
    Signature(
        r"nvidia-smi: command not found|'nvidia-smi' is not recognized|nvidia-smi: not found",
        0.5,
        needs=(r"nvidia-smi",),
        when="not-in-container",
    ),
    Signature(r"Command 'nvidia-smi' not found", 0.7, when="not-in-container"),
    # NVML through nvidia-ml-py: gpustat, nvitop, wandb.
    Signature(r"NVML Shared Library Not Found", 0.6, when="not-in-container"),
    # TensorFlow, dso_loader and cuda_diagnostics.cc.
    Signature(
        r"Could not find cuda drivers on your machine, GPU will not be used", 0.5, when="not-in-container"
    ),
    Signature(r"libcuda\.so\.1: cannot open shared object file", 0.55, when="not-in-container"),
    Signature(r"Could not load dynamic library 'libcuda\.so\.1'", 0.5, when="not-in-container"),
    Signature(r"kernel driver does not appear to be running on this host", 0.45, when="not-in-container"),
    # Numba, CuPy.
    Signature(r"CUDA driver library cannot be found", 0.7, when="not-in-container"),
    Signature(
        r"nvcuda\.dll.{0,40}(?:not found|could not be found|cannot)|Could not (?:find|load).{0,30}nvcuda\.dll",
        0.75,
        needs=(r"nvcuda\.dll",),
    ),
    Signature(r"(?:CUDA driver|libcuda\.so) (?:was )?not found", 0.6, when="not-in-container"),
    # torch/utils/cpp_extension.py, where a toolkit is there and PyTorch sees no GPU: a symptom.
    Signature(r"No CUDA runtime is found, using CUDA_HOME=", 0.35),
    # GPU Operator's validator, where the driver was left to the host.
    Signature(r"chroot: failed to run command 'nvidia-smi': No such file", 0.85),
    Signature(
        r"Failed to (?:load|open) (?:libcuda\.so|nvcuda\.dll)|(?:unable|failed) to (?:find|locate) (?:the )?(?:NVIDIA|CUDA) driver",
        0.6,
        when="not-in-container",
    ),
    # Julia, ffmpeg, Windows programs, conda's solver.
    Signature(r"libcuda\.so: cannot open shared object file", 0.55, when="not-in-container"),
    Signature(
        r"Could not find (?:the )?CUDA driver(?: library)?|No system CUDA driver found",
        0.7,
        when="not-in-container",
    ),
    Signature(
        r"Cannot load (?:libcuda\.so\.1|nvcuda\.dll)|Could not dynamically load CUDA",
        0.65,
        when="not-in-container",
    ),
    Signature(r"nothing provides __cuda needed by", 0.6),
    # nvidia-ml-py's exception, without its sentence; go-nvml and NVML by name.
    Signature(
        r"NVMLError_LibraryNotFound|NVML_ERROR_LIBRARY_NOT_FOUND|LIBRARY_NOT_FOUND.{0,40}nvml",
        0.6,
        when="not-in-container",
    ),
    # Shells, subprocesses and package managers, in the words of their languages.
    Signature(
        r"command not found: nvidia-smi|(?:unknown command:?|not find|executable) ['\"`]?nvidia-smi|No such file or directory: ['\"]nvidia-smi|"
        r"nvidia-smi['\"`]?:? (?:not found|No such file|cannot be found|does not exist|ENOENT)|spawn nvidia-smi ENOENT|"
        r"term 'nvidia-smi' is not recognized|nvidia-smi['\"]? is not recognized|Cannot run program \"nvidia-smi",
        0.55,
        when="not-in-container",
    ),
    Signature(
        r"nvidia-smi['\"`]?[:：]? ?(?:未找到命令|找不到命令|不是内部或外部命令|Befehl nicht gefunden|commande introuvable|orden no encontrada|comando non trovato|comando não encontrado|команда не найдена)",
        0.6,
        when="not-in-container",
    ),
    Signature(
        r"no such (?:an? )?(?:order|command|program)", 0.5, needs=(r"nvidia-smi",), when="not-in-container"
    ),
    Signature(
        r"(?:unable to|cannot|can't|could not|couldn't) (?:locate|find) (?:software )?package ['\"]?nvidia-(?:driver|utils|smi|open|\d{3})|无法定位软件包 nvidia|"
        r"Package 'nvidia-(?:driver|utils|\d{3})\S* has no installation candidate",
        0.75,
    ),
    # Other programs that look for the driver's library: hashcat, ollama, Rust's cudarc, Node, Windows programs.
    Signature(
        r"Unable to load (?:libcuda|nvcuda)",
        0.65,
        when="not-in-container",
        unless=(r"init failure|cuInit err",),
    ),
    Signature(
        r"Failed to initialize the NVIDIA main driver|Unable to dynamically load the \"cuda\" shared library|nvcuda\.dll (?:was )?(?:missing|not found)|nvml\.dll (?:was )?not found|"
        r"Failed to open dynamic library '(?:nvcuda\.dll|libcuda\.so)|(?:libcuda\.so(?:\.1)?|nvcuda\.dll): (?:cannot open|not found|The specified module)|DLL load failed .{0,60}nvcuda|libnvidia-ml\.so(?:\.1)?: cannot open shared object file",
        0.65,
        when="not-in-container",
    ),
    # The reporter says so.
    Signature(
        r"(?:hosts?|machines?|systems?|nodes?|computers?|servers?) .{0,60}(?:does not|do not|doesn't|don't|without|no) (?:have )?(?:any |the )?nvidia (?:drivers?|libraries) (?:installed)?|"
        r"nvidia drivers? (?:is|are|was|were) (?:not|n't) installed|(?:forgot|haven't|hadn't|not|didn't|did not) (?:to )?install(?:ed)? (?:the |any |an )?nvidia drivers?|没有安装驱动|没有安装显卡驱动|没有安装NVIDIA驱动|未安装驱动|未安装显卡驱动|未安装NVIDIA驱动|没安装驱动|没装驱动|没装显卡驱动|没安装显卡驱动",
        0.72,
        needs=(r"installed|driver|libraries|驱动", r"install|驱动"),
        when="not-in-container",
    ),
    # The reporter has not installed it; cudarc finds no library by any of its names; DCGM.
    Signature(
        r"(?:never|not|n't|forg[eo]t\w* to|haven't|didn't|without) (?:yet )?(?:installed?|installing|having) (?:the |any |an? |my )?(?:nvidia |gpu |graphics |display )*(?:driver|it\b.{0,40}driver)|no (?:nvidia )?drivers? (?:is |are |was |were )?(?:yet )?(?:installed|on (?:the|this|that) (?:box|machine|host|system))|没有安装显卡驱动|没安装显卡驱动|没有安装驱动|没安装驱动|未安装显卡驱动|未安装驱动|没有安装NVIDIA驱动|没装显卡驱动|没装驱动",
        0.74,
        needs=(r"nvidia|cuda|GPU|显卡",),
        when="not-in-container",
        unless=(r"inside the (?:VM|guest)", r"Key was rejected", r"couldn't communicate"),
    ),
    Signature(
        r"nvidia-driver-\d{3}\S* recommended .{0,40}(?:never|not|n't) install\w*|lists? nvidia-driver-\d{3}.{0,40}(?:never|not|n't|haven't) install\w*",
        0.85,
    ),
    Signature(
        r"Unable to find cuda lib under the names|Unable to dynamically load the \"?(?:cuda|nvcuda)\"? shared library",
        0.7,
    ),
    Signature(
        r"Cannot find libnvidia-ml\.so|no nvidia driver found|libnvidia-ml\.so (?:is )?not (?:found|installed)",
        0.7,
        when="not-in-container",
        unless=(r"device[- ]plugin|pod\b|gpu-feature|kubectl|k8s",),
    ),
    Signature(
        r"libcuda\.so(?:\.1)? => not found|CUDA driver library not found|(?:Failed to load|Could not load|Can't load|couldn't find) libcuda\b|JCudaDriver",
        0.7,
        when="not-in-container",
        unless=(r"is_available\(\).{0,10}True",),
    ),
    Signature(
        r"only (?:installed|have|had|ran|run) (?:the |apt install )?(?:nvidia-)?cuda[- ]toolkit|cuda toolkit .{0,40}--toolkit\b",
        0.78,
        when="not-in-container",
        needs=(r"nvidia-smi|libcuda|driver",),
    ),
    # Windows' loader in its own order of words; prose.
    Signature(
        r"specified module could not be found.{0,40}nvcuda\.dll|nvidia-smi (?:is |was )?(?:not found|not (?:there|recogni[sz]ed)|missing)|nvidia-smi 不是(?:内部|可识别)",
        0.6,
        when="not-in-container",
    ),
    # The package manager is asked for the driver and lists nothing: a prompt follows, or the end, or the reporter says so.
    Signature(
        r"(?:pacman -Qs?|dpkg -l|dpkg --get-selections|rpm -qa|(?:dnf|yum|apt) list (?:--)?installed|equery l\w*|zypper se -i|xbps-query -l) ?\|? ?(?:e?grep )?(?:-\w+ )*['\"]?\*?nvidia\*?['\"]?\W{0,3}(?:\n(?:[$#%>❯]|\S{1,40}@\S{1,60}[$#%]|\Z)|\s*\Z| ?(?:is|was|:|->|=>|shows?|prints?|lists?|gives?|returns?|finds?)? ?(?:nothing|empty|no output|none|no packages?|\(?empty\)?|没有输出|为空|无输出))",
        0.82,
        needs=(
            r"not |n't|no |fail\w*|error|cannot|could not|unable|False|无法|不|没",
            r"NVIDIA Corporation|GeForce|\b[RG]TX|Tesla|Quadro|A100|H100|V100|CUDA|torch|tensorflow|compatible GPUs|nvidia-smi",
        ),
        when="not-in-container",
        unless=(r"Driver Version: ?\d", r"(?:VGA|Display|3D) \w{0,12} ?controller: (?!NVIDIA)"),
    ),
    # libnvidia-container's sentence, cut; the managers of additional drivers.
    Signature(
        r"load library failed: libnvidia-ml\.so\.1(?!: (?!cannot open))",
        0.8,
        unless=(r"snap", r"desktop-linux|Docker Desktop", r"/usr/lib/wsl|\bWSL\b"),
    ),
    Signature(
        r"no (?:nvidia |proprietary |additional |graphics )*drivers? (?:is|are|was|were) (?:in use|being used|active)",
        0.76,
        needs=(r"nvidia|cuda|nvenc|GTX|RTX|GeForce",),
        when="not-in-container",
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    native_linux(host)
    if isinstance(containers.inside, Known):
        raise DoesNotApply("in a container the driver is the host's")
    if isinstance(host.tegra, Known):
        raise DoesNotApply("a Jetson's driver is part of its system image")
    found = not_for_guests(gpus(gpu))
    if not found:
        raise DoesNotApply("all GPUs are set aside for virtual machines")
    if in_memory(driver) or installation(host, driver):
        return
    evidence = [
        Evidence("GPU on the bus", f"{d.address} 10de:{d.device:04x}", "/sys/bus/pci/devices") for d in found
    ]
    evidence += [seen(f"kernel driver of {d.address}", d.driver) for d in found[:1]]
    evidence += [
        seen("module in memory", driver.module),
        seen("modules on disk", driver.module_files),
        Evidence("driver libraries", "none", getattr(driver.libraries, "via", "")),
    ]
    yield Problem(
        f"{described(found)} on the PCI bus, and no NVIDIA driver is installed",
        evidence=tuple(evidence),
        fix=_fix(host),
    )


def _fix(host: Host) -> Fix:
    summary = "Install NVIDIA's driver and reboot"
    commands = {
        "ubuntu": ("sudo ubuntu-drivers install", "sudo reboot"),
        "debian": ("sudo apt-get install nvidia-driver firmware-misc-nonfree", "sudo reboot"),
        "arch": ("sudo pacman -S nvidia-open", "sudo reboot"),
    }.get(family(host), ())
    if commands:
        return Fix(summary, commands)
    return Fix(f"{summary}: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/")
