"""This Windows or WSL gives Linux no GPU

What it is: CUDA in WSL needs WSL 2, Windows 11 or Windows 10 21H2 (build 19044), and a WSL kernel of 4.19.121 or newer.
WSL 1 has no kernel of its own and no GPU; older builds and kernels do not offer /dev/dxg, the door to Windows' GPU.

Why it hurts: CUDA finds no device in this Linux, whatever is installed in it.

How to tell: The kernel's release ("...-Microsoft" is WSL 1; "...-microsoft-standard-WSL2" carries WSL 2's version), and
whether /dev/dxg exists although Windows' driver put its libraries into /usr/lib/wsl/lib.

How to fix: In Windows: `wsl --update`, for WSL 1 `wsl --set-version <distribution> 2`, then `wsl --shutdown`; update Windows
itself where it is too old.

Sources: https://docs.nvidia.com/cuda/archive/11.4.4/wsl-user-guide/index.html (the kernel)
https://www.tensorflow.org/install/pip (the build of Windows 10)
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.host import Host, Wsl
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import need
from gpudoctor.rules.wsl import LINUX_DRIVER
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, numbers, older

explains = (
    "kernel-headers-missing",
    "kernel-module-not-loaded",
    "dkms-build-failed",
    "wsl-libcuda-stub",
    "driver-not-answering",
    "gpu-lost-in-cuda",
    "gpu-missing-in-nvml",
)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"(?:Windows|Build|version|OS Build|Microsoft Windows).{0,40}10\.0\.(?:1[0-8]\d{3}|190[0-3]\d|1904[0-3])\b",
        0.8,
        needs=(r"WSL|wsl",),
    ),
    Signature(
        r"(?:WSL ?1\b(?!\.)|WSL version: 1\b(?!\.)|4\.4\.0-\d+-Microsoft|4\.19\.(?:\d{1,2}|1[01]\d)-microsoft)",
        0.82,
        needs=(r"nvidia|cuda|CUDA|GPU",),
    ),
    Signature(r"libdxcore\.so.{0,60}(?:not found|cannot open|no such file)", 0.85),
    Signature(r"/dev/dxg.{0,60}(?:No such file|does not exist|not found|cannot access)", 0.88),
    Signature(r"GPU access blocked by the operating system", 0.85, unless=(LINUX_DRIVER,)),
    Signature(
        r"Failed to initialize NVML: GPU access blocked by the operating system", 0.9, unless=(LINUX_DRIVER,)
    ),
    Signature(r"dxg.{0,60}(?:failed|error) .{0,60}(?:-\d+|ioctl)", 0.5, when="on-wsl"),
    # libnvidia-container's dxcore.c: the Windows side offers no GPU.
    Signature(r"WSL environment detected but no adapters were found", 0.92),
    Signature(r"(?:dxcore|libdxcore)\S* .{0,80}(?:failed|error|no adapters)", 0.7),
    Signature(
        r"(?:Windows|Build|version|OS Build).{0,40}10\.0\.(?:1[0-8]\d{3}|190[0-3]\d|1904[0-3])\b",
        0.82,
        when="on-wsl",
        needs=(r"nvidia-smi|cuda",),
    ),
    Signature(r"Failed to (?:initialize|properly shut down) NVML: N/A", 0.75),
    # The paravirtual device, in prose.
    Signature(
        r"/dev/dxg .{0,60}(?:not (?:available|present|there|found|exist\w*|created)|missing|gone|n't (?:exist|there|available|present|show\w*)|unavailable|disappear\w*)|(?:no|missing|without|don't (?:see|have)) [`'\"]?/dev/dxg",
        0.88,
    ),
    # WSL 1 by its kernel: 3.4.0 in 2016's builds, 4.4.0 until today; it has no GPU.
    Signature(
        r"/lib/modules/(?:3\.4\.0\+|4\.4\.0-\d+-Microsoft|4\.19\.\d+-microsoft)|(?:3\.4\.0\+|4\.4\.0-\d+-Microsoft|Microsoft@Microsoft\.com)",
        0.85,
        needs=(r"nvidia|cuda|GPU",),
    ),
    Signature(
        r"\bWSL ?1\b(?!\.)|(?:Bash|Ubuntu)[\w .]{0,12} on (?:Ubuntu on )?Win(?:dows|10|dows 10)\b(?! ?11)|wsl(?:\.exe)? --set-version|[\\\\/]lxss\b|\blxss(?:\.exe|Manager)|Windows Subsystem for Linux.{0,80}(?:not support|unsupported|no support|doesn't support)",
        0.8,
        needs=(r"nvidia|cuda|GPU",),
    ),
    # Windows before 21H2, in the words of winver, systeminfo, ver and templates of issues; Insider builds that lost the GPU.
    Signature(
        r"(?:Windows|OS Version|OS Build|Build|winver|Version)\b.{0,40}[: .(\[v]{1,3}(?:10\.0\.)?(?:1[0-8]\d{3}|190[0-3]\d|1904[0-3])(?:\.\d+)?\b",
        0.76,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU",),
    ),
    Signature(
        r"(?:Windows|Win) ?10(?:[ ,(/-]{1,3}(?:Pro|Home|Enterprise|Education|LTS[CB]|IoT|N|20(?:1[5-9])|version|ver\.?|v|build|release|update|professional|for|workstations|64-bit|x64)){0,6}[ ,(/-]{0,3}v?(?:1[5-9]0[379]|1511|2004|20H2|21H1)\b|(?:Windows|Win) ?10[ ,(]{1,3}(?:\w+ ){0,2}(?:LTSC 2019|LTSB|2019 LTSC)|Windows Server 201[69]\b",
        0.86,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU|cuInit|Quadro|GeForce|[RG]TX",),
    ),
    Signature(
        r"(?:preview|insider\w*|dev channel|upgrad\w+ to|updat\w+ to|downgrad\w+ to|roll\w* back to) .{0,30}\bbuilds? ?\d{5}\b|\bbuild 2(?:0[12]\d\d|1[0-3]\d\d)\d?\b|not .{0,20}Windows Insider|Insider (?:Program|Preview|Dev)",
        0.76,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU|dxg",),
    ),
    Signature(
        r"wsl(?:\.exe)? --update|(?:updat|upgrad)\w+ (?:to )?(?:windows|WSL|the WSL|WSL2?'?s?) ?(?:kernel|11|to|kernel version)?\b",
        0.66,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU", r"fix\w*|solv\w*|work\w*|help\w*|resolv\w*|not\b|n't"),
        unless=(r"libcuda\.so", r"/usr/lib/wsl"),
    ),
    Signature(
        r"(?:WSL ?2? )?(?:linux )?kernel(?: version)?[: ]{1,3}(?:4\.\d+\.\d+|5\.4\.(?:[0-6]?\d|7[01]))\b",
        0.68,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU",),
    ),
    Signature(
        r"kernel(?: version)?[: ]{1,3}(?:4\.\d+\.\d+|5\.(?:4\.\d+|10\.(?:\d|[123]\d)\b))",
        0.72,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU",),
    ),
    Signature(
        r"wsl -l -v.{0,120}(?:Running|Stopped|正在运行|已停止) 1\b|VERSION .{0,80}(?:Running|Stopped) 1\b",
        0.86,
        when="on-wsl",
    ),
    # Windows' previews between 10 and 11, of which several lost WSL's GPU.
    Signature(
        r"Microsoft Windows \[Version 10\.0\.2(?:0[0-3]\d\d|1[0-3]\d\d)(?:\.\d+)?\]|(?:build|version)(?: number)?:? ?(?:10\.0\.)?2(?:0[1-3]\d\d|1[0-3]\d\d)\.\d+",
        0.84,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU",),
    ),
    Signature(
        r"(?:insider|preview|dev)\w* .{0,20}\bbuild (?:10\.0\.)?2(?:0[1-3]\d\d|1[0-3]\d\d)\b|build 2(?:0[1-3]|1[0-3])\d\d\b",
        0.8,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU",),
    ),
    Signature(
        r"Windows (?:10 |11 |build )?2(?:0[1-3]|1[0-3])\d\d(?:\.\d+|\w{2}_release|_release|\b)",
        0.86,
        when="on-wsl",
        needs=(r"nvidia|cuda|GPU",),
    ),
)


#: NVIDIA's WSL guide: the oldest kernel; TensorFlow's installation page: Windows 10 21H2.
KERNEL, WINDOWS = "4.19.121", 19044


def check(host: Host, containers: Containers) -> Iterator[Problem | CouldNotTell]:
    wsl = need(host.wsl, "WSL")
    release = value_of(host.kernel, "").partition("-")[0]
    build = value_of(wsl.windows_build, "")
    if wsl.generation == 1:
        title = "This is WSL 1, which has no GPU"
    elif build.isdigit() and int(build) < WINDOWS:
        title = f"Windows build {build} gives WSL no GPU; {WINDOWS} is the first that does"
    elif is_version(release) and len(numbers(release)) > 1 and older(release, KERNEL):
        title = f"WSL's kernel {release} is too old for a GPU; {KERNEL} is the first with one"
    elif wsl.dxg == Known(False, getattr(wsl.dxg, "via", "")) and not isinstance(containers.inside, Known):
        if not value_of(wsl.libraries, False):
            yield CouldNotTell("neither /dev/dxg nor a driver library of Windows: it may have no NVIDIA GPU")
            return
        title = "Windows' driver is here (/usr/lib/wsl/lib), but /dev/dxg is missing"
    elif isinstance(wsl.dxg, (Unknown, Absent)):
        yield CouldNotTell("/dev/dxg could not be looked for")
        return
    else:
        return
    yield Problem(title, evidence=_evidence(host, wsl), fix=_fix(wsl))


def _evidence(host: Host, wsl: Wsl) -> tuple[Evidence, ...]:
    return (
        Evidence("WSL generation", str(wsl.generation), getattr(host.wsl, "via", "")),
        seen("kernel", host.kernel),
        seen("/dev/dxg", wsl.dxg),
        seen("Windows build", wsl.windows_build),
    )


def _fix(wsl: Wsl) -> Fix:
    if wsl.generation == 1:
        return Fix(
            "In Windows, turn this distribution into a WSL 2 one", ("wsl.exe --set-version <distribution> 2",)
        )
    return Fix(
        "In Windows, update WSL and Windows, then restart WSL", ("wsl.exe --update", "wsl.exe --shutdown")
    )
