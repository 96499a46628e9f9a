"""Asks NVML, through nvidia-ml-py. Arguments: the folder that pynvml lies in, and the library's path or "".

Lines of JSON on standard output: {"at": CALL} before a call that might never return, {"answer": {...}} whenever a
part is complete; the last answer counts, and "final" is true in it if nothing is missing. Per field:
{"known": VALUE}, {"absent": WORDS} or {"unknown": WORDS, "code": NVML's}.
"""

import ctypes
import os
import sys

try:
    # What `json` is made of: the package imports `re` and more, as long as all the rest of this start.
    from _json import encode_basestring_ascii, make_encoder

    _pieces = make_encoder(None, repr, encode_basestring_ascii, None, ": ", ", ", False, False, True)

    def to_json(value):
        return "".join(_pieces(value, 0))

    if to_json({"a": [1, None, "\u00e9"]}) != '{"a": [1, null, "\\u00e9"]}':
        raise TypeError("another Python's encoder")
except (ImportError, TypeError):
    from json import dumps as to_json

SONAME = "libnvidia-ml.so.1"
NOT_SUPPORTED, LIBRARY_NOT_FOUND = 3, 12
#: NVML's words in kebab case. Bit 0 (idle) is no throttling.
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
COMPUTE_MODES = {0: "default", 1: "exclusive-thread", 2: "prohibited", 3: "exclusive-process"}
FABRIC = {0: "not-supported", 1: "not-started", 2: "in-progress", 3: "completed"}


def say(**message):
    # Unbuffered: what was said before a crash must be out.
    line = (to_json(message) + "\n").encode("ascii")
    while line:
        line = line[os.write(1, line) :]


def mapped_file(function):
    """The file that a function of a loaded library lies in."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    with open("/proc/self/maps") as maps:
        for line in maps:
            parts = line.split(None, 5)
            first, _, last = parts[0].partition("-")
            if len(parts) == 6 and int(first, 16) <= address < int(last, 16):
                return parts[5].strip()
    return ""


def words(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def version(number):
    return "%d.%d" % (number // 1000, number % 1000 // 10)


class Device:
    """One device. Every method asks one field; `ask` turns NVML's errors into what the field says."""

    #: NVML's numbers of brands -> names, of the pynvml that is there.
    brands = {}

    def __init__(self, nvml, index):
        self.nvml, self.index, self.handle = nvml, index, None

    def all(self):
        fields = sorted(name for name in dir(self) if name.startswith("get_"))
        try:
            say(at="nvmlDeviceGetHandleByIndex of GPU %d" % self.index)
            self.handle = self.nvml.nvmlDeviceGetHandleByIndex(self.index)
        except self.nvml.NVMLError as error:
            lost = {"unknown": words(str(error)), "code": error.value}
            return dict([("index", self.index)] + [(name[4:], lost) for name in fields])
        answers = {"index": self.index}
        for name in fields:
            say(at="%s of GPU %d" % (name[4:], self.index))
            answers[name[4:]] = ask(self.nvml, getattr(self, name))
        return answers

    def get_uuid(self):
        return words(self.nvml.nvmlDeviceGetUUID(self.handle))

    def get_name(self):
        return words(self.nvml.nvmlDeviceGetName(self.handle))

    def get_pci(self):
        domain, _, rest = words(self.nvml.nvmlDeviceGetPciInfo(self.handle).busId).lower().partition(":")
        return "%04x:%s" % (int(domain, 16), rest)

    def get_compute_capability(self):
        return "%d.%d" % tuple(self.nvml.nvmlDeviceGetCudaComputeCapability(self.handle))

    def get_memory_total(self):
        return self.nvml.nvmlDeviceGetMemoryInfo(self.handle).total

    def get_memory_used(self):
        return self.nvml.nvmlDeviceGetMemoryInfo(self.handle).used

    def get_mig_enabled(self):
        return bool(self.nvml.nvmlDeviceGetMigMode(self.handle)[0])

    def get_mig_instances(self):
        try:
            if not self.nvml.nvmlDeviceGetMigMode(self.handle)[0]:
                return []
        except self.nvml.NVMLError as error:
            if error.value == NOT_SUPPORTED:
                return []
            raise
        found = []
        for place in range(self.nvml.nvmlDeviceGetMaxMigDeviceCount(self.handle)):
            try:
                mig = self.nvml.nvmlDeviceGetMigDeviceHandleByIndex(self.handle, place)
            except self.nvml.NVMLError as error:
                if error.value == self.nvml.NVML_ERROR_NOT_FOUND:
                    continue
                raise
            name = ask(self.nvml, lambda mig=mig: words(self.nvml.nvmlDeviceGetName(mig))).get("known", "")
            memory = ask(self.nvml, lambda mig=mig: self.nvml.nvmlDeviceGetMemoryInfo(mig).total)
            uuid = words(self.nvml.nvmlDeviceGetUUID(mig))
            found.append([uuid, name.rpartition("MIG ")[2] if "MIG " in name else "", memory.get("known", 0)])
        return found

    def get_ecc_enabled(self):
        return bool(self.nvml.nvmlDeviceGetEccMode(self.handle)[0])

    def get_ecc_uncorrected_volatile(self):
        return self.nvml.nvmlDeviceGetTotalEccErrors(self.handle, 1, 0)

    def get_ecc_uncorrected_aggregate(self):
        return self.nvml.nvmlDeviceGetTotalEccErrors(self.handle, 1, 1)

    def get_remapped_rows(self):
        return [int(n) for n in self.nvml.nvmlDeviceGetRemappedRows(self.handle)]

    def get_retired_pages_pending(self):
        return bool(self.nvml.nvmlDeviceGetRetiredPagesPendingStatus(self.handle))

    def get_link_generation(self):
        return self.nvml.nvmlDeviceGetCurrPcieLinkGeneration(self.handle)

    def get_link_generation_max(self):
        return self.nvml.nvmlDeviceGetMaxPcieLinkGeneration(self.handle)

    def get_link_width(self):
        return self.nvml.nvmlDeviceGetCurrPcieLinkWidth(self.handle)

    def get_link_width_max(self):
        return self.nvml.nvmlDeviceGetMaxPcieLinkWidth(self.handle)

    def get_throttle(self):
        reasons = self.nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self.handle)
        return [name for bit, name in sorted(THROTTLE.items()) if reasons & bit]

    def get_persistence(self):
        return bool(self.nvml.nvmlDeviceGetPersistenceMode(self.handle))

    def get_compute_mode(self):
        mode = self.nvml.nvmlDeviceGetComputeMode(self.handle)
        return COMPUTE_MODES.get(mode, str(mode))

    def get_nvlinks(self):
        states = []
        for link in range(self.nvml.NVML_NVLINK_MAX_LINKS):
            try:
                states.append(bool(self.nvml.nvmlDeviceGetNvLinkState(self.handle, link)))
            except self.nvml.NVMLError as error:
                # A device has fewer links than there are numbers: the first that is not there ends the row.
                if error.value in (NOT_SUPPORTED, self.nvml.NVML_ERROR_INVALID_ARGUMENT):
                    break
                raise
        return states

    def get_fabric(self):
        info = self.nvml.c_nvmlGpuFabricInfoV_t()
        self.nvml.nvmlDeviceGetGpuFabricInfoV(self.handle, ctypes.byref(info))
        if info.state == 3 and info.status != 0:
            return "error %d" % info.status
        return FABRIC.get(info.state, "error %d" % info.state)

    def get_processes(self):
        found = {}
        asked = ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses")
        for name in asked:
            for one in getattr(self.nvml, name)(self.handle):
                title = ask(self.nvml, lambda one=one: words(self.nvml.nvmlSystemGetProcessName(one.pid)))
                memory = -1 if one.usedGpuMemory is None else one.usedGpuMemory
                found[one.pid] = [one.pid, title.get("known", "")[:200], memory]
        return [found[pid] for pid in sorted(found)]

    def get_temperature(self):
        return self.nvml.nvmlDeviceGetTemperature(self.handle, 0)

    def get_power(self):
        return self.nvml.nvmlDeviceGetPowerUsage(self.handle) / 1000.0

    def get_power_limit(self):
        return self.nvml.nvmlDeviceGetEnforcedPowerLimit(self.handle) / 1000.0

    def get_brand(self):
        number = self.nvml.nvmlDeviceGetBrand(self.handle)
        if not self.brands:
            names = [n for n in vars(self.nvml) if n.startswith("NVML_BRAND_") and n != "NVML_BRAND_COUNT"]
            for name in sorted(names, reverse=True):
                self.brands[getattr(self.nvml, name)] = name[11:].lower().replace("_", "-")
        return self.brands.get(number, str(number))

    def get_vbios(self):
        return words(self.nvml.nvmlDeviceGetVbiosVersion(self.handle))


def ask(nvml, question):
    try:
        return {"known": question()}
    except nvml.NVMLError as error:
        if error.value == NOT_SUPPORTED:
            return {"absent": words(str(error))}
        return {"unknown": words(str(error)), "code": error.value}
    except Exception as error:  # a pynvml that lacks a name, a value that will not convert: this field only
        return {"unknown": "%s: %s" % (type(error).__name__, error)}


class Late(type(sys)):
    """A module of the standard library that is imported when something of it is asked for that is not here."""

    def __getattr__(self, name):
        if name.startswith("__"):  # the import system's own questions
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        __import__(self.__name__)
        return getattr(sys.modules[self.__name__], name)


def import_pynvml():
    """pynvml imports `ctypes.util` for a function that it never calls, and `string` for one line; with all that these
    two import they take as long as pynvml itself (nvidia-ml-py 13.615)."""
    late_string, late_util = Late("string"), Late("ctypes.util")
    late_string.capwords = lambda text, sep=None: (sep or " ").join(
        word.capitalize() for word in text.split(sep)
    )
    late_util.find_library = lambda name: late_util.__getattr__("find_library")(name)
    for module in (late_string, late_util):
        sys.modules.setdefault(module.__name__, module)
    import pynvml

    return pynvml


def main():
    folder, path = sys.argv[1], sys.argv[2]
    sys.path.append(folder)
    nvml = import_pynvml()

    answer = {"code": None, "message": "", "devices": []}
    say(at="dlopen of %s" % (path or SONAME))
    try:
        # By soname, as any process would. With a path the copy is loaded first; pynvml's dlopen then gets that one.
        library = ctypes.CDLL(path or SONAME, ctypes.RTLD_GLOBAL if path else ctypes.DEFAULT_MODE)
    except OSError as error:
        answer.update(code=LIBRARY_NOT_FOUND, message=str(error))
        say(answer=answer, final=True)
        return
    try:
        nvml._LoadNvmlLibrary()
        answer["library"] = {"known": os.path.realpath(mapped_file(library.nvmlInit_v2))}
    except Exception as error:
        answer["library"] = {"unknown": "%s: %s" % (type(error).__name__, error)}
    say(at="nvmlSystemGetNVMLVersion")
    # "12.550.163.01": the API's major version, then the library's own. It answers before nvmlInit.
    answer["library_version"] = ask(nvml, lambda: words(nvml.nvmlSystemGetNVMLVersion()).partition(".")[2])
    say(answer=answer)
    say(at="nvmlInit")
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        answer.update(code=error.value, message=words(str(error)))
        say(answer=answer, final=True)
        return
    answer.update(code=0, message="Success")
    say(answer=answer, at="nvmlSystemGetDriverVersion")
    answer["driver_version"] = ask(nvml, lambda: words(nvml.nvmlSystemGetDriverVersion()))
    say(answer=answer, at="nvmlSystemGetCudaDriverVersion")
    answer["cuda_version"] = ask(nvml, lambda: version(nvml.nvmlSystemGetCudaDriverVersion_v2()))
    say(answer=answer, at="nvmlDeviceGetCount")
    count = ask(nvml, nvml.nvmlDeviceGetCount)
    if "known" not in count:
        answer["message"] = "nvmlDeviceGetCount: " + (count.get("unknown") or count.get("absent"))
    for index in range(count.get("known", 0)):
        answer["devices"].append(Device(nvml, index).all())
        say(answer=answer)
    say(answer=answer, final=True)
    # Without nvmlShutdown and without exit handlers: a driver that answered may still hang when it is let go.
    os._exit(0)


main()
