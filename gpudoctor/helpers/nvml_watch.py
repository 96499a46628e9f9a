"""Watches GPUs through NVML while another process works. Arguments: the folder that pynvml lies in, the library's path or
"", and the seconds between two looks.

A line of JSON a look on standard output: {"t": CLOCK_MONOTONIC, "gpus": [{...}, ...]}; {"error": WORDS} where NVML does not
answer. It ends when its standard input does. Per GPU what it answers, and no more: memory in bytes, energy in millijoules
since the driver was loaded, power in milliwatts, clocks in MHz, rates in per cent.
"""

import ctypes
import json
import os
import select
import sys
import time

THROTTLE = {
    0x2: "applications-clocks-setting",
    0x4: "sw-power-cap",
    0x8: "hw-slowdown",
    0x10: "sync-boost",
    0x20: "sw-thermal-slowdown",
    0x40: "hw-thermal-slowdown",
    0x80: "hw-power-brake",
    0x100: "display-clock-setting",
    0x200: "board-limit",
    0x400: "reliability",
}


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def words(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def fixed(nvml, handle):
    """What does not change while we watch: asked once."""
    return {
        "sm_clock_max": lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, 1),
        "memory_clock_max": lambda: nvml.nvmlDeviceGetMaxClockInfo(handle, 2),
        "bus_width": lambda: nvml.nvmlDeviceGetMemoryBusWidth(handle),
        "link_generation_max": lambda: nvml.nvmlDeviceGetMaxPcieLinkGeneration(handle),
        "link_width_max": lambda: nvml.nvmlDeviceGetMaxPcieLinkWidth(handle),
    }


def looks(nvml, handle):
    return {
        "used": lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used,
        "energy": lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle),
        "power": lambda: nvml.nvmlDeviceGetPowerUsage(handle),
        "utilisation": lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "sm_clock": lambda: nvml.nvmlDeviceGetClockInfo(handle, 1),
        "link_generation": lambda: nvml.nvmlDeviceGetCurrPcieLinkGeneration(handle),
        "link_width": lambda: nvml.nvmlDeviceGetCurrPcieLinkWidth(handle),
        "throttle": lambda: throttle(nvml, handle),
        "pids": lambda: [p.pid for p in nvml.nvmlDeviceGetComputeRunningProcesses(handle)],
        "others": lambda: [p.pid for p in nvml.nvmlDeviceGetGraphicsRunningProcesses(handle)],
    }


def throttle(nvml, handle):
    reasons = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
    return [name for bit, name in sorted(THROTTLE.items()) if reasons & bit]


def answers(nvml, questions):
    """Only what was answered; a question that a device refuses is not asked of it again."""
    told = {}
    for name, question in list(questions.items()):
        try:
            told[name] = question()
        except nvml.NVMLError as error:
            if error.value == nvml.NVML_ERROR_NOT_SUPPORTED:
                del questions[name]
        except Exception:  # a pynvml that lacks the name
            del questions[name]
    return told


def instances(nvml, handle):
    try:
        if not nvml.nvmlDeviceGetMigMode(handle)[0]:
            return
        places = nvml.nvmlDeviceGetMaxMigDeviceCount(handle)
    except Exception:  # no MIG here
        return
    for place in range(places):
        try:
            mig = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)
            yield words(nvml.nvmlDeviceGetUUID(mig)), mig
        except nvml.NVMLError:
            continue


def watched(nvml):
    """[UUID, what does not change, what does] for each GPU and each MIG instance."""
    found = []
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid = words(nvml.nvmlDeviceGetUUID(handle))
        except nvml.NVMLError:
            continue
        found.append([uuid, answers(nvml, fixed(nvml, handle)), looks(nvml, handle)])
        for mig_uuid, mig in instances(nvml, handle):
            found.append([mig_uuid, {}, looks(nvml, mig)])
    return found


def main():
    folder, path, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
    sys.path.append(folder)
    import pynvml as nvml

    try:
        if path:
            ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
        nvml.nvmlInit()
        devices = watched(nvml)
    except Exception as error:
        say({"error": words(str(error)) or type(error).__name__})
        return
    while True:
        now = time.monotonic()
        gpus = [dict(answers(nvml, looks_), uuid=uuid, **known) for uuid, known, looks_ in devices]
        say({"t": now, "gpus": gpus})
        if select.select([0], [], [], max(0.0, pause - (time.monotonic() - now)))[0]:
            break
    sys.stdout.flush()
    # Without nvmlShutdown and without exit handlers: a driver that answered may still hang when it is let go.
    os._exit(0)


main()
