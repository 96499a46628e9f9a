"""Changes that make a healthy machine ill: one device's answers, lines of the kernel log, variables."""

from __future__ import annotations

from typing import Any

from gpudoctor.facts.environment import Variable
from gpudoctor.facts.gpu import NvmlDevice
from gpudoctor.facts.host import KernelEvent
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.machines.parts.gpu import address


def with_device(machine: Machine, index: int, **fields: Any) -> Machine:
    """NVML's device of that index with other answers; plain values are known by NVML."""
    answers = {
        name: value if isinstance(value, (Known, Absent, Unknown)) else Known(value, "nvml")
        for name, value in fields.items()
    }
    nvml = machine.gpu.nvml.value
    devices = tuple(one.replace(**answers) if one.index == index else one for one in nvml.devices)
    return machine.replace(gpu=machine.gpu.replace(nvml=Known(nvml.replace(devices=devices), "nvml")))


def lost(machine: Machine, index: int) -> Machine:
    """NVML answers every question about that device with "GPU is lost" (NVML_ERROR_GPU_IS_LOST)."""
    fields = {name: Unknown("GPU is lost") for name in NvmlDevice.record_fields if name != "index"}
    return with_device(machine, index, **fields)


def with_log(machine: Machine, *events: KernelEvent) -> Machine:
    return machine.replace(host=machine.host.replace(kernel_log=Known(events, "/dev/kmsg")))


def xid(code: int, text: str = "", gpu: int = 0) -> KernelEvent:
    """A line as the kernel module words it: "NVRM: Xid (PCI:0000:01:00): 79, pid=71039, name=Media, GPU has ..."."""
    where = address(gpu)[:-2]
    return KernelEvent("xid", f"NVRM: Xid (PCI:{where}): {code}, {text}", code, where, 1000.0)


def with_variable(machine: Machine, name: str, value: str, set_by: str = "") -> Machine:
    place = Known(set_by, set_by) if set_by else Absent("start-up files")
    variables = Known((Variable(name, value, place),), "environ")
    return machine.replace(environment=machine.environment.replace(variables=variables))


def with_cuda(machine: Machine, shown: int, unmasked: int | None = None, code: int = 0) -> Machine:
    """libcuda shows the first `shown` devices; `unmasked` without CUDA_VISIBLE_DEVICES (as before, unless given)."""
    cuda = machine.gpu.cuda.value
    count = cuda.devices_unmasked if unmasked is None else Known(unmasked, "cuInit")
    name = {0: "CUDA_SUCCESS", 100: "CUDA_ERROR_NO_DEVICE", 802: "CUDA_ERROR_SYSTEM_NOT_READY"}[code]
    state = "answered" if code == 0 else "failed"
    answer = cuda.replace(
        state=state, code=code, name=name, devices=cuda.devices[:shown], devices_unmasked=count
    )
    return machine.replace(gpu=machine.gpu.replace(cuda=Known(answer, "libcuda")))
