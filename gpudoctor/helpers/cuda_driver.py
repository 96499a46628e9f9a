"""Asks libcuda: cuInit, the version, the devices. Argument: the library's path, or "" to load it by its soname.

No context is made, so no GPU memory is taken. Speaks as helpers/nvml.py does.
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

SONAME = "libcuda.so.1"
#: For a library that does not name its own errors (a stub's cuGetErrorName answers 34 as well).
NAMES = {
    0: "CUDA_SUCCESS",
    3: "CUDA_ERROR_NOT_INITIALIZED",
    34: "CUDA_ERROR_STUB_LIBRARY",
    100: "CUDA_ERROR_NO_DEVICE",
    802: "CUDA_ERROR_SYSTEM_NOT_READY",
    803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    804: "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
    999: "CUDA_ERROR_UNKNOWN",
}
CC_MAJOR, CC_MINOR = 75, 76
NO_DEVICE = 100


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


def error_name(cuda, code):
    text = ctypes.c_char_p()
    try:
        if cuda.cuGetErrorName(code, ctypes.byref(text)) == 0 and text.value:
            return text.value.decode("ascii", "replace")
    except AttributeError:
        pass
    return NAMES.get(code, "")


class Failed(Exception):
    pass


def checked(cuda, name, *arguments):
    try:
        function = getattr(cuda, name)
    except AttributeError:
        raise Failed("the library has no %s" % name) from None
    code = function(*arguments)
    if code != 0:
        raise Failed("%s: %d %s" % (name, code, error_name(cuda, code)))


def ask(question, *arguments):
    try:
        return {"known": question(*arguments)}
    except Failed as error:
        return {"unknown": str(error)}
    except Exception as error:  # this field only
        return {"unknown": "%s: %s" % (type(error).__name__, error)}


def driver_version(cuda):
    number = ctypes.c_int()
    checked(cuda, "cuDriverGetVersion", ctypes.byref(number))
    return "%d.%d" % (number.value // 1000, number.value % 1000 // 10)


def device_count(cuda):
    number = ctypes.c_int()
    checked(cuda, "cuDeviceGetCount", ctypes.byref(number))
    return number.value


def counted(cuda, code, name):
    """Only success and "no device" tell a number; after any other code there may be eight."""
    if code == NO_DEVICE:
        return {"known": 0}
    return ask(device_count, cuda) if code == 0 else {"unknown": "cuInit: %d %s" % (code, name)}


def name_of(cuda, device):
    text = ctypes.create_string_buffer(256)
    checked(cuda, "cuDeviceGetName", text, 256, device)
    return text.value.decode("utf-8", "replace")


def uuid_of(cuda, device):
    """A MIG instance answers with its own UUID in the newer function and with its GPU's in the older one."""
    old, new = ctypes.create_string_buffer(16), ctypes.create_string_buffer(16)
    checked(cuda, "cuDeviceGetUuid", old, device)
    prefix, raw = "GPU", old.raw
    if hasattr(cuda, "cuDeviceGetUuid_v2") and cuda.cuDeviceGetUuid_v2(new, device) == 0 and new.raw != raw:
        prefix, raw = "MIG", new.raw
    text = "".join("%02x" % byte for byte in bytearray(raw))
    return "%s-%s-%s-%s-%s-%s" % (prefix, text[:8], text[8:12], text[12:16], text[16:20], text[20:])


def pci_of(cuda, device):
    text = ctypes.create_string_buffer(32)
    checked(cuda, "cuDeviceGetPCIBusId", text, 32, device)
    domain, _, rest = text.value.decode("ascii").lower().partition(":")
    return "%04x:%s" % (int(domain, 16), rest)


def capability_of(cuda, device):
    numbers = []
    for attribute in (CC_MAJOR, CC_MINOR):
        number = ctypes.c_int()
        checked(cuda, "cuDeviceGetAttribute", ctypes.byref(number), attribute, device)
        numbers.append(number.value)
    return "%d.%d" % tuple(numbers)


def memory_of(cuda, device):
    size = ctypes.c_size_t()
    checked(cuda, "cuDeviceTotalMem_v2", ctypes.byref(size), device)
    return size.value


QUESTIONS = (
    ("name", name_of),
    ("uuid", uuid_of),
    ("pci", pci_of),
    ("compute_capability", capability_of),
    ("memory", memory_of),
)


def main():
    path = sys.argv[1]
    answer = {"code": None, "name": "", "devices": []}
    say(at="dlopen of %s" % (path or SONAME))
    try:
        cuda = ctypes.CDLL(path or SONAME)
    except OSError as error:
        answer["error"] = str(error)
        say(answer=answer, final=True)
        return
    answer["library"] = ask(lambda: os.path.realpath(mapped_file(cuda.cuInit)))
    say(answer=answer, at="cuInit")
    answer["code"] = cuda.cuInit(0)
    answer["name"] = error_name(cuda, answer["code"])
    say(answer=answer, at="cuDriverGetVersion")
    answer["version"] = ask(driver_version, cuda)  # answers even after a failed cuInit
    say(answer=answer, at="cuDeviceGetCount")
    answer["count"] = counted(cuda, answer["code"], answer["name"])
    for ordinal in range(answer["count"].get("known", 0)):
        device = ctypes.c_int()
        say(at="cuDeviceGet of device %d" % ordinal)
        got = ask(checked, cuda, "cuDeviceGet", ctypes.byref(device), ordinal)
        entry = {"ordinal": ordinal}
        for field, question in QUESTIONS:
            say(at="%s of device %d" % (field, ordinal))
            entry[field] = ask(question, cuda, device) if "known" in got else got
        answer["devices"].append(entry)
        say(answer=answer)
    say(answer=answer, final=True)
    os._exit(0)  # libcuda's exit handlers are not part of the question


main()
