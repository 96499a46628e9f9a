"""Faults for the child of a smoke run, planted from its environment: SMOKE_FAULT=WHAT[:PHASE]. Nothing of ours is touched:
the operating system's calls and the framework itself are made ill, before the framework is imported."""

import os
import sys

FAULT, _, PHASE = os.environ.get("SMOKE_FAULT", "").partition(":")
#: Only the child carries this: gpudoctor itself starts in the same environment.
IN_CHILD = "GPUDOCTOR_SMOKE_RUN" in os.environ


def hang():
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def segfault():
    import ctypes

    ctypes.string_at(0)


def abort():
    os.abort()


def no_memory():
    """A real limit: from here on the process gets no more than 30 MB of addresses."""
    import resource

    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + (30 << 20), resource.RLIM_INFINITY))


def when_the_phase_begins(act):
    """The child announces its phases on a pipe: a write to it that names ours is the moment."""
    write = os.write

    def watched(fd, data):
        done = write(fd, data)
        if b'"begin"' in data and b'"%s"' % PHASE.encode() in data:
            act()
        return done

    os.write = watched


def after_import(name, change):
    """Change a module as soon as it has been imported."""
    import importlib.util

    class Finder:
        def find_spec(self, wanted, path=None, target=None):
            if wanted != name:
                return None
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(name)
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                change(module)

            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Finder())


def wrong_products(torch):
    """One element of each product is off by one, as a broken multiplier would have it."""
    true = torch.Tensor.__matmul__

    def product(one, other):
        got = true(one, other)
        if got.dtype != torch.float64:
            got.view(-1)[0] += 1
        return got

    torch.Tensor.__matmul__ = product


def uphill(torch):
    true = torch.autograd.grad
    torch.autograd.grad = lambda *a, **k: tuple(-40 * g for g in true(*a, **k))


def liar(torch):
    """A torch without CUDA that claims to have it, in all that it says of itself."""
    from types import SimpleNamespace

    cpu_to = torch.Tensor.to

    def to(self, *args, **kwargs):
        args = tuple(torch.device("cpu") if isinstance(a, torch.device) else a for a in args)
        # Half precision is slow on CPUs; the lie does not depend on it.
        args = tuple(torch.float32 if a in (torch.float16, torch.bfloat16) else a for a in args)
        return cpu_to(self, *args, **kwargs)

    class Event:
        def __init__(self, enable_timing=False):
            self.at = 0.0

        def record(self):
            import time

            self.at = time.monotonic()

        def synchronize(self):
            pass

        def elapsed_time(self, other):
            return (other.at - self.at) * 900

    told = SimpleNamespace(
        name="NVIDIA H100 80GB HBM3", major=9, minor=0, multi_processor_count=132, total_memory=80 << 30
    )
    ones = torch.ones
    torch.cuda.is_available = lambda: True
    torch.cuda.synchronize = lambda *a: None
    torch.cuda.Event = Event
    torch.cuda.get_device_properties = lambda *a: told
    torch.cuda.mem_get_info = lambda *a: (79 << 30, 80 << 30)
    torch.ones = lambda *a, **k: ones(*a, **{n: v for n, v in k.items() if n != "device"})
    torch.Tensor.to = to
    torch.Tensor.is_cuda = property(lambda self: True)


def soft_placement(tensorflow):
    """A TensorFlow that lists a GPU and quietly puts what is meant for it on the CPU."""
    config = tensorflow.config
    config.set_soft_device_placement(True)
    config.set_soft_device_placement = lambda enabled: None
    config.list_physical_devices = lambda kind=None: ["/physical_device:GPU:0"]


AT_A_PHASE = {"hang": hang, "segfault": segfault, "abort": abort, "no-memory": no_memory}
IN_TORCH = {"wrong-products": wrong_products, "uphill": uphill, "liar": liar}

if IN_CHILD and FAULT in AT_A_PHASE:
    when_the_phase_begins(AT_A_PHASE[FAULT])
elif IN_CHILD and FAULT in IN_TORCH:
    after_import("torch", IN_TORCH[FAULT])
elif IN_CHILD and FAULT == "soft-placement":
    after_import("tensorflow", soft_placement)
