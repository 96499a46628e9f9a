"""What the programs share: the way they speak, and how a phase fails.

    python -u smoke_torch.py CONFIG EVENT_FD

CONFIG is JSON: {"phases": [...], "device": "gpu" or "cpu", "allow_cpu": bool, "quick": bool, "burn": seconds, ...}. Events
are lines of JSON on EVENT_FD, each with "t" (CLOCK_MONOTONIC): begin, end, device, hold, first-result, info.
"""

import ctypes
import json
import math
import os
import signal
import sys
import time

#: The witness outside looks ten times a second, and energy counters move as seldom as that (seconds).
SEEN_AFTER = 0.8


class Ill(Exception):
    """A phase whose result is wrong. `illness`: see facts/smoke.py."""

    def __init__(self, illness, message, **values):
        Exception.__init__(self, message)
        self.illness, self.values = illness, values


class NotHere(Exception):
    """A phase that this machine or this version has no use for: skipped, with the reason."""


class Child(object):
    """The way to the parent, and what this run was asked to do."""

    def __init__(self):
        self.config = json.loads(sys.argv[1])
        self.fd = int(sys.argv[2])
        os.set_inheritable(self.fd, False)
        self.quick = not self.config.get("full")
        self.allow_cpu = bool(self.config.get("allow_cpu"))
        self.values, self.curve, self.history = {}, [], []
        self.held_at = 0.0
        _die_with_parent()
        _no_core()

    def say(self, event, **more):
        more.update(event=event, t=time.monotonic())
        data = (json.dumps(more) + "\n").encode("ascii")
        while data:
            data = data[os.write(self.fd, data) :]

    def imported(self, **info):
        self.say("info", **info)
        self.say("end", phase="import", state="passed", values={})

    def hold(self, size):
        """So many bytes are held on the device from now on."""
        self.held_at = time.monotonic()
        self.say("hold", bytes=size)

    def run(self, phases, busy):
        """`phases`: name -> function without arguments. The first illness that makes the rest worthless ends it. `busy`: a
        little work on the device, repeated until somebody who looks ten times a second must have seen it."""
        for name in self.config["phases"]:
            function = phases.get(name)
            if function is None:
                continue
            self.values, self.curve = {}, []
            self.say("begin", phase=name)
            if not self.one(name, function):
                break
        else:
            while self.held_at and time.monotonic() < self.held_at + SEEN_AFTER:
                busy()
        self.say("begin", phase="exit")
        sys.stdout.flush()
        sys.stderr.flush()
        # The kernel lets go of the device; taking a framework down module by module costs as much as a phase.
        os._exit(0)

    def one(self, name, function):
        try:
            function()
        except NotHere as reason:
            self.end(name, "skipped", message=str(reason))
        except Ill as ill:
            self.values.update(ill.values)
            self.end(name, "failed", ill.illness, str(ill))
            return ill.illness != "placement"
        except Exception as error:  # whatever a framework raises is the finding
            _print_traceback()
            self.end(name, "failed", illness_of(error), words(error))
            return name != "context"  # without a device nothing else has a meaning
        else:
            self.end(name, "passed")
        return True

    def end(self, name, state, illness="", message=""):
        values = {k: v for k, v in self.values.items() if isinstance(v, (int, float)) and math.isfinite(v)}
        curve = [float(x) if math.isfinite(x) else -1.0 for x in self.curve]
        self.history.append((name, curve, values))
        self.say(
            "end",
            phase=name,
            state=state,
            illness=illness,
            message=message[:4000],
            values=values,
            curve=curve,
        )

    def failed_import(self, error):
        _print_traceback()
        self.end("import", "failed", "memory" if illness_of(error) == "memory" else "import", words(error))

    def check_convergence(self, what, share):
        """The losses that were collected in `curve`: finite all along, and the last at most `share` of the first."""
        if not all(math.isfinite(loss) for loss in self.curve):
            bad = next(i for i, loss in enumerate(self.curve) if not math.isfinite(loss))
            raise Ill("convergence", "%s: the loss is %r at step %d" % (what, self.curve[bad], bad))
        first, last = self.curve[0], self.curve[-1]
        self.values.update(loss_first=first, loss_last=last, steps=len(self.curve))
        if last > share * first:
            raise Ill(
                "convergence",
                "%s: the loss went from %.4g to %.4g in %d steps; at most %.4g was expected"
                % (what, first, last, len(self.curve), share * first),
            )

    def check_accuracy(self, what, accuracy, least):
        self.values["accuracy"] = accuracy
        if not accuracy >= least:
            raise Ill(
                "convergence",
                "%s: %.3f of the held-out examples are right, at least %.2f was expected"
                % (what, accuracy, least),
            )


def words(error):
    text = str(error).strip()
    return "%s: %s" % (type(error).__name__, text) if text else type(error).__name__


#: Wordings by which an exception names what ails it; the first that fits.
ILLNESSES = (
    ("shared-memory", ("/dev/shm", "shm_open", "shared memory", "torch_shm", "bus error", "/torch_")),
    (
        "memory",
        (
            "out of memory",
            "outofmemory",
            "memoryerror",
            "can't allocate memory",
            "cannot allocate memory",
            "resource_exhausted",
            "resourceexhausted",
            "oom when allocating",
            "cublas_status_alloc_failed",
            "bad_alloc",
            "failed to map segment",
        ),
    ),
    (
        "compiler",
        (
            "c compiler",
            "c++ compiler",
            "invalidcxxcompiler",
            "no working c++",
            "cppcompileerror",
            "ptxas",
            "libdevice",
            "python.h",
            "tritonmissing",
            "cannot find -lcuda",
            "backendcompilerfailed",
            "gcc",
        ),
    ),
)


def illness_of(error):
    text = words(error).lower()
    while getattr(error, "__cause__", None) is not None:
        error = error.__cause__
        text += " " + words(error).lower()
    for illness, marks in ILLNESSES:
        if any(mark in text for mark in marks):
            return illness
    return ""


def _print_traceback():
    import traceback

    traceback.print_exc()
    sys.stderr.flush()


def _die_with_parent():
    """If gpudoctor is killed, so are we (PR_SET_PDEATHSIG)."""
    try:
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
    except (OSError, AttributeError):
        pass


def _no_core():
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        # One byte: zero would still start a core_pattern's program (core(5)).
        resource.setrlimit(
            resource.RLIMIT_CORE, (1 if hard == resource.RLIM_INFINITY else min(1, hard), hard)
        )
    except (ImportError, OSError, ValueError):
        pass


def driver_uuid():
    """The UUID of the first device that libcuda counts in this process, or "": it heeds the same mask as the framework."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        device, old, new = ctypes.c_int(), ctypes.create_string_buffer(16), ctypes.create_string_buffer(16)
        if cuda.cuInit(0) != 0 or cuda.cuDeviceGet(ctypes.byref(device), 0) != 0:
            return ""
        if cuda.cuDeviceGetUuid(old, device) != 0:
            return ""
        raw, prefix = old.raw, "GPU"
        newer = getattr(cuda, "cuDeviceGetUuid_v2", None)
        if newer is not None and newer(new, device) == 0 and new.raw != raw:
            raw, prefix = new.raw, "MIG"
    except (OSError, AttributeError):
        return ""
    text = "".join("%02x" % byte for byte in bytearray(raw))
    return "-".join([prefix, text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


def free_bytes():
    """(free, total) of the current context by libcuda, or None."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        if cuda.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total)) != 0:
            return None
    except (OSError, AttributeError):
        return None
    return free.value, total.value
