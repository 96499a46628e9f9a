"""The loader does not find WSL's libcuda

What it is: Windows' driver put libcuda.so.1 into /usr/lib/wsl/lib, and the loader does not take it: the folder is not in
its configuration, or the toolkit's link-time stub comes first.

Why it hurts: Frameworks say "libcuda.so.1: cannot open shared object file" or "CUDA driver is a stub library" (34), while
nvidia-smi, which looks there by itself, works.

How to tell: /usr/lib/wsl/lib holds libcuda, and the first libcuda.so.1 of the loader is a stub, an empty file, or none.

How to fix: Name the folder in /etc/ld.so.conf.d and run ldconfig (WSL writes /etc/ld.so.conf.d/ld.wsl.conf itself unless
wsl.conf forbids it). Take folders named stubs out of LD_LIBRARY_PATH. The notice "libcuda.so.1 is not a symbolic link" is
harmless.

Sources: https://github.com/microsoft/WSL/issues/5663
https://github.com/microsoft/WSL/issues/8587
https://docs.nvidia.com/cuda/wsl-user-guide/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.host import Host
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

explains = (
    "libcuda-stub-on-path",
    "driver-not-installed",
    "smoke-ran-on-cpu",
    "driver-not-answering",
    "gpu-lost-in-cuda",
)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"(?:libcuda\.so(?:\.1)?(?!\.?\d? \(libc6)|NVRTC|cuInit|CUDA driver|cuda drivers|No CUDA|CUDA_ERROR_NO_DEVICE|no CUDA-capable|nvvm).{0,200}/usr/lib/wsl/lib|(?<!=>\x20)/usr/lib/wsl/lib(?!/libcuda\.so\.1 is not a symbolic).{0,300}(?:libcuda|No CUDA|NO_DEVICE|no CUDA-capable|not found)",
        0.75,
        unless=(r"is not a symbolic link\s*\Z",),
    ),
    Signature(
        r"(?:libcuda\.so\.1: cannot open|Could not load dynamic library 'libcuda\.so\.1'|Found no NVIDIA driver|CUDA_ERROR_NO_DEVICE|libcuda\.so: cannot open|Could not load library libcudnn\w* .{0,60}libcuda\.so)",
        0.72,
        when="on-wsl",
    ),
    Signature(r"libcuda\.so: cannot open shared object file", 0.8, when="on-wsl"),
    Signature(r"(?:No CUDA GPUs are available|no CUDA-capable device is detected)", 0.66, when="on-wsl"),
    Signature(
        r"/usr/lib/wsl/lib/libcuda\.so\.1 (?:is not a symbolic link|not found)",
        0.5,
        needs=(r"cannot open|Error|False|NO_DEVICE|failed",),
    ),
    # Triton, which asks ldconfig for libcuda.
    Signature(r"libcuda\.so cannot found", 0.9, when="on-wsl"),
    # cuda-python, Triton, Numba, JAX: each opens the library by its own name.
    Signature(
        r"(?:dlopen|load|open|find|locate|loading|opening)(?:ed|ing)? (?:\w+ |the |library |shared ){0,3}['\"`]?libcuda(?:\.so)?\b|libcuda(?:\.so)?(?:\.1)?['\"`]? (?:was |is |could |can )?(?:not(?! a symbolic)|cannot|can't|missing)|cannot find -lcuda\b",
        0.84,
        when="on-wsl",
    ),
    Signature(
        r"/lib/wsl/lib.{0,120}(?:LD_LIBRARY_PATH|ld\.so\.conf|ldconfig|ln -s|symlink)|(?:LD_LIBRARY_PATH|ld\.so\.conf|ln -sf?|symlink).{0,120}/lib/wsl/lib",
        0.7,
        needs=(
            r"cuda|nvidia|GPU",
            # Somebody suffers, or found what helps; a sentence of documentation has neither.
            r"(?:not|n't|cannot|unable|fails?|failed) (?:\w+ ){0,3}(?:find|found|detect\w*|see|seen|work\w*|load\w*|open|locate\w*|available|recogni[sz]e\w*)|error|No CUDA|NO_DEVICE|no CUDA-capable|False|devices? is 0|"
            r"fix\w*|resolv\w*|solv\w*|solution|work-?around|worked (?:for|too)|how to (?:fix|solve)|找不到|报错|解决",
        ),
        unless=(r"need not be set|(?:is |are )?not (?:needed|necessary|required)|already (?:set|there|in)",),
    ),
    Signature(
        r"(?:nvidia-smi: command not found|nvidia-smi['\"`]?:? not found|Could not find cuda drivers|libnvidia-ml\.so(?:\.1)?: cannot open|NVML Shared Library Not Found|CUDA driver library cannot be found)",
        0.62,
        when="on-wsl",
    ),
    # cudarc's list of names; the toolkit's mounts of Windows' driver store; a driver of Linux over Windows' library; Chinese prose.
    Signature(
        r"Unable to find cuda lib under the names|Unable to dynamically load the ['\"]?(?:cuda|nvcuda)['\"]? shared library",
        0.86,
        when="on-wsl",
    ),
    # The stub, by the driver's own words.
    Signature(
        r"CUDA driver is a stub library|CUDA_ERROR_STUB_LIBRARY|cudaErrorStubLibrary", 0.98, when="on-wsl"
    ),
    # Whatever did not load (cuDNN opens libcuda itself): a link to Windows' libcuda mended it.
    Signature(
        r"(?:sym)?link(?:s|ed|ing)? .{0,60}/usr/lib/wsl/lib/libcuda|ln -sf? ?\S{0,4} ?/usr/lib/wsl/lib/libcuda\S* [/~$.]\S|/usr/lib/wsl/lib/libcuda\S* .{0,40}(?:linked|symlink\w*|copied) (?:in)?to",
        0.88,
        needs=(
            r"Could not load|cannot|could not|not found|error|fail\w*|had to|fix\w*|solv\w*|work\w*|need\w* to|missing",
        ),
        unless=(
            r"is not a symbolic link\s*\Z",
            r"no (?:need|longer)",
            r"overwr\w+|undefined symbol|file too short",
        ),
    ),
    # Linux's own folder holds the link that Windows' should be.
    Signature(
        r"/(?:usr/)?lib/x86_64-linux-gnu/libcuda\.so: (?:undefined symbol|file too short|invalid)",
        0.8,
        when="on-wsl",
    ),
    Signature(r"Error: libcuda\.so: cannot open shared object file", 0.94, when="on-wsl"),
    Signature(
        r"stat failed: /usr/lib/wsl/drivers/|/usr/lib/wsl/drivers/\S{1,120}libcuda\S{0,12}:? .{0,20}(?:no such file|not found)",
        0.85,
    ),
    Signature(
        r"(?:找不到|没有找到|缺少|无法(?:找到|加载)) ?libcuda\.so|libcuda\.so(?:\.1)? ?(?:找不到|不存在|软链接)",
        0.84,
        when="on-wsl",
    ),
    Signature(r"overwr\w+ .{0,20}libcuda|libcuda\S* .{0,30}(?:overwritten|replaced)", 0.84, when="on-wsl"),
    # The folder itself, by other names; a count of none.
    Signature(
        r"/lib/wsl/lib\b",
        0.72,
        needs=(
            r"LD_LIBRARY_PATH|ldconfig|ld\.so\.conf",
            r"fix\w*|solv\w*|resolv\w*|solution|work-?around|(?:not|n't) (?:detect|find|see)\w*|devices? is 0|error",
        ),
        unless=(r"need not be set|not (?:needed|necessary|required)",),
    ),
    # Linux's own folder before Windows': nvidia-smi and CUDA stop.
    Signature(
        r"LD_LIBRARY_PATH\S{0,40}[:=]/usr/lib/x86_64-linux-gnu",
        0.74,
        when="on-wsl",
        needs=(
            r"nvidia-smi|cuda|libcuda",
            r"no(?:t|( longer)) (?:\w+ )?work|n't work|stop\w*|fail\w*|error|broke\w*|not found",
        ),
    ),
)


LIB = "/usr/lib/wsl/lib"


def check(host: Host, driver: Driver) -> Iterator[Problem]:
    wsl = need(host.wsl, "WSL")
    if wsl.generation != 2 or not need(wsl.libraries, "driver libraries of Windows"):
        raise DoesNotApply(f"no libcuda of Windows' driver in {LIB}")
    copies = [c for c in need(driver.libraries, "driver libraries") if c.name == "libcuda.so.1"]
    first = next((c for c in copies if c.origin != "unreached"), None)
    if first is not None and first.origin != "stub" and first.size != 0:
        return
    if first is None:
        title = f"The loader does not know {LIB}, where WSL's libcuda is"
        fix = Fix(
            f"Tell the loader about {LIB}",
            (f"echo {LIB} | sudo tee /etc/ld.so.conf.d/ld.wsl.conf", "sudo ldconfig"),
            "safe",
        )
    else:
        what = "a stub" if first.origin == "stub" else "an empty file"
        title = f"The loader's libcuda.so.1 is {what}: {first.path}"
        fix = Fix(
            f"Take {first.path.rpartition('/')[0]} out of LD_LIBRARY_PATH and the loader's configuration",
            (f"grep -rn '{first.path.rpartition('/')[0]}' /etc/ld.so.conf.d ~/.bashrc ~/.profile",),
        )
    yield Problem(
        title,
        evidence=(
            Evidence(
                "libcuda.so.1 of the loader",
                first.path if first else "none",
                getattr(driver.libraries, "via", ""),
            ),
            *(Evidence("copy", c.real_path, c.origin) for c in copies[:3]),
        ),
        fix=fix,
    )
