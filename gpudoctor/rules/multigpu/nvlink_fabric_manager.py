"""The NVSwitch fabric is not ready: the Fabric Manager does not run, or is of another version

What it is: On servers whose GPUs are joined by NVSwitches a service, NVIDIA's Fabric Manager, has to set up the switches before CUDA may
use the GPUs. It must be of exactly the driver's version.

Why it hurts: nvidia-smi works and every CUDA program fails with error 802, "system not yet initialized".

How to tell: libcuda answers 802, or NVML's fabric state is not "completed", or NVSwitches are on the bus and no Fabric Manager of the
driver's version runs. Without NVSwitches the service has nothing to do and its failure means nothing.

How to fix: Install the Fabric Manager of the driver's exact version and start it. On HGX B200 and later, where it runs and the state stays
"in progress", load the InfiniBand modules (mlx5_ib, ib_umad) first. On hosts without NVSwitch that answer 802, the driver's release notes
name `nokaslr`.

Sources: https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/index.html
https://github.com/pytorch/pytorch/issues/35710
https://github.com/NVIDIA/gpu-operator/issues/2781
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Absent, Known, Unknown, known, value_of
from gpudoctor.findings import MACHINE, CannotLook, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import devices, driver_version
from gpudoctor.rules.witnesses import nvswitches
from gpudoctor.signature import Signature, error_code
from gpudoctor.versions import branch, is_version

explains = ("smoke-ran-on-cpu", "driver-not-answering", "gpu-lost-in-cuda", "nvlink-inactive")

signatures: tuple[Signature | str, ...] = (
    # CUDA error 802 and its names; the service's own log.
    Signature(r"Error 802: system not yet initialized", 0.93),
    Signature(r"system not yet initialized", 0.92),
    r"cudaErrorSystemNotReady",
    r"CUDA_ERROR_SYSTEM_NOT_READY",
    Signature(
        r"(?:fabric ?manager|nv-fabricmanager).{0,120}(?:version.{0,40}(?:don't|doesn't|does not|do not) match|mismatch|not (?:running|active)|failed|inactive)",
        0.9,
        unless=(r"NV_WARN_NOTHING_TO_DO",),
    ),
    Signature(
        r"fabric-?manager\S{0,12} (?:is |was |has )?(?:still |stayed |remained )(?:at|on) (?:version )?\d{3}\.",
        0.86,
    ),
    Signature(r"interface version .{0,80}(?:don't|doesn't) match", 0.9, needs=(r"abric",)),
    Signature(r"Fabric\n(?:.{0,60}\n){0,1}State : In Progress", 0.85),
    Signature(r"(?:Unit )?nvidia-fabricmanager(?:\.service)? (?:could not be found|not loaded|failed)", 0.8),
    Signature(error_code(802), 0.88),
    # NCCL's NVLink SHARP, which needs the fabric that the manager set up; it was restarted, or is of another version.
    Signature(r"transport/nvls\.cc:\d+ NCCL WARN Cuda failure", 0.75),
    Signature(r"fabric manager .{0,60}interface version .{0,40}don't match", 0.95),
    # Rust and Julia; gpu-burn, TensorRT and Triton print the sentence; the service by its other names.
    r"ERROR_SYSTEM_NOT_READY|\bSystemNotReady\b",
    Signature(
        r"(?:install\w*|start\w*|restart\w*|enabl\w*|missing|without|need\w*|run\w*|match\w*|same version) .{0,60}fabric[- ]?manager|systemctl (?:status|start|restart|enable)(?: --now)? nvidia-fabricmanager",
        0.72,
        unless=(r"NV_WARN_NOTHING_TO_DO", r"could not be located"),
    ),
    Signature(
        r"fabric[- ]?manager .{0,80}(?:never|not|isn't|wasn't|unable|error|fatal|timed? ?out|exited|mismatch|missing)",
        0.78,
        unless=(r"NV_WARN_NOTHING_TO_DO",),
    ),
    Signature(
        r"NVSwitch .{0,80}(?:fail\w*|not initiali[sz]ed|fatal|error)|Fabric State ?: ?(?:In Progress|Not Started)|GPU Fabric .{0,30}(?:In Progress|fail\w*)",
        0.75,
        unless=(r"NV_WARN_NOTHING_TO_DO",),
    ),
    # The number alone, in prose; the manager's own failures.
    Signature(
        r"CUDA\b.{0,60}\b802\b.{0,30}(?:system|error|initiali)|\b802 system|error (?:code )?802\b|\b802\b.{0,20}not yet initiali[sz]ed",
        0.85,
        needs=(r"cuda|nvswitch|fabric",),
    ),
    Signature(
        r"(?:cudaGetDeviceCount\(\)|cuInit|CUDA initiali[sz]ation|torch\.cuda).{0,80}\b802\b(?![.\d])",
        0.78,
        needs=(r"cuda|torch", r"A100|A800|H100|H200|H800|H20\b|B200|SXM|HGX|DGX|NVSwitch|fabric"),
        unless=(r"NV_WARN_NOTHING_TO_DO",),
    ),
    Signature(r"\bError 802\b", 0.85, needs=(r"cuda|torch|nvidia|SXM|HGX|DGX",)),
)


#: cuInit: CUDA_ERROR_SYSTEM_NOT_READY.
NOT_READY = 802


def check(driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    cuda = value_of(gpu.cuda, None)
    switches = nvswitches(gpu)
    waiting = [
        (one, value_of(one.nvml.fabric, ""))
        for one in devices(gpu)
        if one.nvml and value_of(one.nvml.fabric, "not-supported") not in ("completed", "not-supported")
    ]
    not_ready = cuda is not None and cuda.code == NOT_READY
    # A container sees the host's bus and not its services.
    service = "" if known(containers.inside) or not switches else _service(driver, gpu)
    if not (not_ready or waiting or service):
        if known(gpu.pci) and not switches:
            raise DoesNotApply("no NVSwitch on the bus")
        if isinstance(driver.fabric_manager, Unknown) and not (cuda and cuda.code == 0):
            # Where CUDA answers, the fabric is ready, whoever made it so.
            raise CannotLook(
                f"Fabric Manager: {driver.fabric_manager.reason}", driver.fabric_manager.would_help
            )
        if not known(gpu.cuda) and not known(gpu.pci):
            raise CannotLook("neither the bus nor libcuda can be asked")
        return
    evidence = [seen("driver", driver_version(driver, gpu))]
    if not_ready:
        evidence.append(Evidence("cuInit", f"{NOT_READY} CUDA_ERROR_SYSTEM_NOT_READY", "libcuda"))
    evidence.append(Evidence("NVSwitches on the bus", str(len(switches)), getattr(gpu.pci, "via", "")))
    evidence += [
        Evidence(f"fabric state of {one.subject.label}", state, "NVML") for one, state in waiting[:2]
    ]
    if isinstance(driver.fabric_manager, Known):
        evidence.append(seen("Fabric Manager runs", driver.fabric_manager.value.running))
        evidence.append(seen("Fabric Manager's version", driver.fabric_manager.value.version))
    else:
        evidence.append(seen("Fabric Manager", driver.fabric_manager))
    broken = not_ready or bool(waiting)
    works = not broken and _starts(gpu)
    why = service or (f"CUDA answers {NOT_READY}" if not_ready else f"its state is {waiting[0][1]!r}")
    yield Problem(
        f"CUDA starts, and will not after the next reset or reboot: {why}"
        if works
        else f"The NVSwitch fabric is not ready: {why}",
        MACHINE,
        "failure" if broken or not (_runs(driver) or _starts(gpu)) else "warning",
        tuple(evidence),
        fix=_fix(driver, gpu, bool(switches)),
    )


def _starts(gpu: Gpu) -> bool:
    """CUDA shows devices, which it does on a fabric that somebody has set up."""
    cuda = value_of(gpu.cuda, None)
    return cuda is not None and cuda.code == 0 and bool(cuda.devices)


def _runs(driver: Driver) -> bool:
    manager = value_of(driver.fabric_manager, None)
    return manager is not None and value_of(manager.running, False) is True


def _service(driver: Driver, gpu: Gpu) -> str:
    """What is wrong with the service, as the end of a sentence; "" when nothing is, or it is not known."""
    if isinstance(driver.fabric_manager, Absent):
        return "the Fabric Manager is not installed"
    manager = value_of(driver.fabric_manager, None)
    if manager is None:
        return ""
    if value_of(manager.running, True) is False:
        return "the Fabric Manager does not run"
    ours, theirs = value_of(manager.version, ""), value_of(driver_version(driver, gpu), "")
    if ours and theirs and ours.partition("-")[0] != theirs:
        return f"the Fabric Manager is {ours}, the driver {theirs}"
    return ""


def _fix(driver: Driver, gpu: Gpu, switches: bool) -> Fix:
    version = value_of(driver_version(driver, gpu), "")
    start = "sudo systemctl enable --now nvidia-fabricmanager"
    if not switches and not known(driver.fabric_manager):
        return Fix(
            "If this is an NVSwitch system, install and start the Fabric Manager of the driver's version; "
            "if it is not, see the driver's release notes on nokaslr",
            (start,),
        )
    if known(driver.fabric_manager) and not _runs(driver):
        return Fix(
            "Start the Fabric Manager", (start, "journalctl -u nvidia-fabricmanager --no-pager | tail")
        )
    if not is_version(version):
        return Fix("Install the Fabric Manager of the driver's exact version and start it", (start,))
    return Fix(
        f"Install the Fabric Manager {version}, the driver's own version, and start it",
        (f"sudo apt-get install 'nvidia-fabricmanager-{branch(version)}={version}*'", start),
    )
