"""This GPU works only with the open kernel module

What it is: NVIDIA's kernel module comes in two flavours. Blackwell GPUs (and Grace Hopper) are supported by the open one
only; the proprietary flavour loads and refuses the GPU.

Why it hurts: nvidia-smi says "No devices were found", although the module is loaded and of the right version.

How to tell: The licence of the module is "NVIDIA" (the open one's is "Dual MIT/GPL"), the GPU's generation needs the open
one; the kernel log says "requires use of the NVIDIA open kernel modules".

How to fix: Install the -open flavour of the same driver and reboot.

Sources: https://github.com/NVIDIA/open-gpu-kernel-modules/issues/872
https://developer.nvidia.com/blog/nvidia-transitions-fully-towards-open-source-gpu-kernel-modules/
https://github.com/truenas/scale-build/pull/895
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import CouldNotTell, Problem
from gpudoctor.rules.driver._flavour import judge
from gpudoctor.rules.driver._installation import SYMPTOMS
from gpudoctor.signature import Signature

explains = (*SYMPTOMS, "gpu-init-failed")

signatures: tuple[Signature | str, ...] = (
    # nv.c of branches 555 and later; nvidia-installer.
    Signature(r"requires use of (?:the )?NVIDIA open kernel modules", 0.97),
    Signature(
        r"No devices were found",
        0.85,
        when="blackwell-shown",
        unless=(
            r"RmInitAdapter|GSP|rm_init_adapter|nvidia-open|open kernel module.{0,20}installed|Dual MIT/GPL",
        ),
    ),
    Signature(
        r"(?:Blackwell|RTX 50\d\d|RTX PRO \d{4}).{0,300}(?:proprietary|closed)",
        0.6,
        needs=(r"No devices were found|nvidia-smi",),
    ),
    # The reporter's words for the kernel's message, or for what a script left out.
    Signature(
        r"open(?:[- ]source)?(?: gpu)? kernel modules? (?:being |are |is |was |were )?(?:required|needed|necessary)|requir\w+ (?:the )?(?:use of )?(?:the )?(?:nvidia )?open(?:[- ]source)?(?: gpu)? kernel modules?|"
        r"(?:must|have to|need to|should|needs to) (?:use|install|be) (?:the )?(?:nvidia[- ])?open(?:[- ]source)? (?:kernel )?(?:modules?|drivers?|variant|version)",
        0.9,
        needs=(
            r"open kernel|open gpu|open-source|open source|nvidia open|nvidia-open|open module|open driver|open variant|open version",
            r"nvidia|NVRM",
        ),
    ),
    Signature(
        r"(?:not|n't|without|missing|instead of|need\w*|requir\w+|switch\w* to|chang\w+ to|install\w*|only) (?:to )?(?:install\w* |use |using |the )*[`'\"]?(?:nvidia-open\b|nvidia-driver-\d{3}(?:-server)?-open|nvidia-open-dkms|open kernel modules?|\S*kmod-nvidia-open)",
        0.66,
        when="blackwell-shown",
        unless=(r"RmInitAdapter|GSP",),
    ),
    # The reporter names the flavour that is installed, and the GPU that it does not drive.
    Signature(
        r"(?:proprietary|closed(?:[- ]source)?)\W{0,4} (?:\w+ ){0,2}(?:kernel )?(?:modules?|drivers?|flavou?rs?|variants?|version)\b|闭源驱动|闭源版",
        0.8,
        when="blackwell-shown",
        needs=(r"nothing|no GPUs?|fail\w*|not |n't|No devices|cannot|can't|requires?|need\w*|无法",),
        unless=(r"RmInitAdapter|WPR2",),
    ),
    Signature(
        r"hardware\.nvidia\.open ?= ?false|kernelModuleType: ?(?:open|proprietary|auto)|nvidia-open(?:-dkms|-lts)?\b",
        0.74,
        when="blackwell-shown",
        needs=(r"fail\w*|not |n't|No devices|cannot|can't|requires?|need\w*|fix\w*|works?",),
        unless=(r"RmInitAdapter|WPR2|everything works|works (?:fine|great|well)",),
    ),
    Signature(
        r"(?:needs?|requires?|only (?:works?|supports?) with|must use|supported only by) (?:the )?open (?:kernel )?(?:modules?|drivers?|flavou?r)",
        0.82,
        needs=(r"nvidia|GH200|GB200|Blackwell|Grace",),
    ),
    Signature(r"_with_kmod_nvidia_open|kmod-nvidia-open|built proprietary", 0.8, when="blackwell-shown"),
    # nvidia-smi's sentence as people retell it.
    Signature(
        r"nvidia-smi['\"`]? (?:\w+ )?(?:finds?|found|sees?|shows?|lists?|reports?|says|detects?|returns?|gives?|prints?):? ?['\"`]?no (?:nvidia )?(?:devices?|GPUs?|cards?)\b|nvidia-smi ?(?:显示|提示|报)?[:：]? ?(?:找不到|没有|未找到)(?:任何)?(?:设备|显卡|GPU)",
        0.84,
        when="blackwell-shown",
        unless=(
            r"RmInitAdapter|GSP|rm_init_adapter|Dual MIT/GPL|fallen off|Xid",
            r"open (?:kernel )?(?:module|driver|variant|flavou?r)s? (?:is|are|was|were) (?:already )?(?:installed|loaded|used)|(?:using|installed|running|with) (?:the )?nvidia-(?:open|driver-\d{3}(?:-server)?-open)",
        ),
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    yield from judge(host, driver, gpu, "open", "needs-open-module")
