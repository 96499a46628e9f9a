"""The container toolkit's configuration points to the wrong place

What it is: /etc/nvidia-container-runtime/config.toml says where the driver lies (`root`). With a driver in a container
(the GPU operator's) that is /run/nvidia/driver; with the host's own driver it is /. After the one was replaced by the
other the file still names the old place. Or the file is no TOML any more.

Why it hurts: Every GPU container fails to start: "load library failed: libnvidia-ml.so.1", or a file that can't be
parsed, while nvidia-smi on the host works.

How to tell: `root` in the file, whether that folder exists, and whether the host's own loader finds the driver.

How to fix: Set root to "/" for the host's own driver (`nvidia-ctk config --set nvidia-container-cli.root=/ --in-place`),
or bring the driver's container up again.

Sources: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/getting-started.html
https://github.com/NVIDIA/nvidia-container-toolkit/issues/154
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import the_toolkit
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

#: Where the GPU operator's driver container shows its root.
OPERATOR = "/run/nvidia/driver"


explains = ("driver-not-installed", "driver-half-installed")

signatures: tuple[Signature | str, ...] = (
    # A line of config.toml that counts: the file that is installed has it commented out.
    Signature(r"(?<![#\w])(?<!#\s)root ?= ?\"/run/nvidia/driver\"", 0.88),
    Signature(
        r"(?<![#\w])(?<!#\s)root ?= ?\"/(?!run/nvidia/driver)[\w./-]+\"",
        0.95,
        needs=(r"nvidia-container", r"fail\w*|error|cannot|could not|no such|not found"),
    ),
    # nvidia-ctk and the runtime, where a driver's container is named and the host has its own.
    Signature(
        r"driver-?root[= ]{1,3}[\"']?/(?:run/nvidia|[\w.-]{2,40})[\w./-]*",
        0.86,
        needs=(
            r"nvidia-ctk|nvidia-container|cdi|device[- ]plugin",
            r"fail\w*|error|could ?n.t|cannot|can't|could not|not found|no such|empty|wrong",
        ),
        unless=(r"gpu[- ]operator.{0,200}(?:pod|daemonset)",),
    ),
    Signature(r"ldcache error: open failed: /run/nvidia/driver", 0.93),
    Signature(r"/run/nvidia/driver.{0,120}(?:no such file|not found|failed)", 0.85),
    Signature(r"ldcache error: open failed: /sbin/ldconfig\.real", 0.6),
    Signature(r"nvidia-container-cli: .{0,40}(?:chroot|path error).{0,60}/run/nvidia", 0.85),
    Signature(r"failed to (?:load|parse) config .{0,60}nvidia-container-runtime/config\.toml", 0.85),
    Signature(r"/etc/nvidia-container-runtime/config\.toml.{0,120}(?:error|invalid|parse)", 0.8),
    Signature(r"insufficient privileges to read device list from NVIDIA_VISIBLE_DEVICES", 0.88),
    # nvidia-container-cli --root=...: the folder that the configuration names is not there.
    Signature(
        r"initialization error: (?:driver error: )?change root failed|failed to change root directory|could not start driver service: change root failed",
        0.92,
    ),
    Signature(
        r"using root /run/nvidia/driver|--root=/run/nvidia/driver", 0.8, needs=(r"fail\w*|error|not found",)
    ),
    Signature(
        r"(?:/run/nvidia/driver|nvidia-container-runtime/config\.toml).{0,120}(?:comment\w*|chang\w+|remov\w+|revert\w*|edit\w*|set to|wrong)|(?:comment\w*|chang\w+|remov\w+|edit\w*|wrong) .{0,60}(?:/run/nvidia/driver|nvidia-container-runtime/config\.toml)",
        0.76,
        unless=(r"no-cgroups",),
    ),
    Signature(r"accept-nvidia-visible-devices-(?:envvar-when-unprivileged|as-volume-mounts)", 0.72),
    Signature(
        r"invalid runtime mode|unrecognized runtime mode|error (?:loading|parsing|reading) (?:nvidia-container-runtime )?config",
        0.7,
        needs=(r"nvidia",),
    ),
    # The loader's cache is asked of a program that the image, not the host, would need: the file wants "@/sbin/ldconfig".
    Signature(r"ldcache error: process \S{0,40}ldconfig\S* (?:failed|terminated)", 0.88),
    Signature(
        r"failed to inspect ldconfig path|container error: .{0,40}ldconfig",
        0.85,
        needs=(r"nvidia-container",),
    ),
    Signature(
        r"(?:parse|parsing|load\w*|read\w*|toml|invalid|unknown)\b.{0,80}nvidia-container-runtime/config\.toml",
        0.78,
        needs=(r"error|fail\w*|could not|invalid|cannot",),
    ),
    Signature(
        r"nvidia-container-runtime\S*:? .{0,30}(?:invalid|unknown|unrecognized|unsupported) mode", 0.85
    ),
    Signature(
        r"(?:looks?|looking|searche?s?|points?|pointing|refers?) (?:in|to|at|for \S+ in|under) [`'\"]?/run/nvidia/driver",
        0.85,
    ),
    Signature(
        r"nvidia-container-runtime\S*:? .{0,60}(?:failed to load config|unable to parse|error (?:loading|parsing))",
        0.84,
    ),
    Signature(r"ldconfig ?= ?\"?@?/sbin/ldconfig", 0.8, needs=(r"fail\w*|error|n't start",)),
)


def check(driver: Driver, containers: Containers) -> Iterator[Problem]:
    toolkit = the_toolkit(containers)
    file = value_of(toolkit.config_file, "/etc/nvidia-container-runtime/config.toml")
    subject = Subject("file", file, file)
    if isinstance(toolkit.config_error, Known):
        yield Problem(
            f"The container toolkit's configuration can't be read: {toolkit.config_error.value}",
            subject,
            evidence=(seen("error", toolkit.config_error),),
            fix=Fix(
                "Correct the file, or write the default one",
                (f"sudo nvidia-ctk config default --output={file}",),
                "unsafe",
            ),
        )
        return
    root = need_or(toolkit.driver_root, "root in the toolkit's configuration", "/")
    if root.rstrip("/") == "":
        return
    there = need_or(toolkit.driver_root_exists, f"{root} on this machine", False)
    own = [
        lib.real_path
        for lib in value_of(driver.libraries, ())
        if lib.name == "libnvidia-ml.so.1" and lib.origin == "loader" and not lib.real_path.startswith(root)
    ]
    if there and not (own and root.startswith(OPERATOR)):
        return
    evidence = [seen("root", toolkit.driver_root), seen(f"{root} exists", toolkit.driver_root_exists)]
    if own:
        evidence.append(Evidence("the host's own driver", own[0], getattr(driver.libraries, "via", "")))
    yield Problem(
        f"The container toolkit looks for the driver under {root}"
        + (f", the host has it at {own[0]}" if own else ", which is not there"),
        subject,
        evidence=tuple(evidence),
        fix=Fix(
            "Let the toolkit use the host's own driver"
            if own
            else "Start the driver's container, or use the host's driver",
            ("sudo nvidia-ctk config --set nvidia-container-cli.root=/ --in-place",) if own else (),
            "unsafe" if own else "manual",
        ),
    )
