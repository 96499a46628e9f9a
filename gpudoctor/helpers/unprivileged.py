"""Give up what a question does not need, then become the one who asks.

    python -I -S -c <this file> python <source> <argument>...
    python -I -S -c <this file> program <path> <argument>...

NVIDIA's libraries, run as root, make device nodes and load kernel modules; run by anyone else they start the setuid
nvidia-modprobe for it. Looking must change nothing: CAP_MKNOD and CAP_SYS_MODULE go from every set, no_new_privs
disarms setuid programs, /dev is read-only, and a crash leaves no core file. Ends with 125 if a root process could not give them up.
"""

import gc

# Before the imports: one short run makes little garbage, and passes over freshly imported code take a tenth of it.
gc.disable()

import ctypes
import os
import resource
import sys

PR_SET_PDEATHSIG, SIGKILL = 1, 9
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 23, 24, 38, 39
CAP_SYS_MODULE, CAP_MKNOD = 16, 27
UNWANTED = (1 << CAP_SYS_MODULE) | (1 << CAP_MKNOD)
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18


def give_up():
    """True if neither this process nor what it starts can make nodes or load modules."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in (CAP_SYS_MODULE, CAP_MKNOD):
        # Fails for non-root, which cannot gain them either: no_new_privs.
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Two words each of effective, permitted, inheritable. Lowering permitted and inheritable lowers ambient too.
    sets = (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) == 0:
        for place in range(3):
            sets[place] &= ~UNWANTED & 0xFFFFFFFF
        libc.capset(header, sets)
    libc.capget(header, sets)
    held = (sets[0] | sets[1] | sets[2]) & UNWANTED
    bounded = libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
    if os.geteuid() == 0:
        # For root an exec would bring back all that is bounded.
        bounded = bounded and not any(
            libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1
            for capability in (CAP_SYS_MODULE, CAP_MKNOD)
        )
    return bounded and not held


def shield_dev():
    """As root, see /dev through a read-only mount of our own: the libraries also chmod, chown and replace nodes.

    Devices still open for reading and writing, and what is mounted below (/dev/shm) stays as it is. Where a namespace can't be had, the lost capabilities must do.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and libc.unshare(CLONE_NEWNS) == 0:
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        if libc.mount(b"/dev", b"/dev", None, MS_BIND | MS_REC, None) == 0:
            libc.mount(b"none", b"/dev", None, MS_REMOUNT | MS_BIND | MS_RDONLY, None)


def die_with_parent():
    """Whoever asked may be ended by a signal that it can't act on: the question ends with it (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)


def no_core():
    """A limit of one byte: zero would still start a core_pattern's program (core(5))."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    least = 1 if hard == resource.RLIM_INFINITY else min(1, hard)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (least, hard))
    except (OSError, ValueError):
        pass


def main():
    kind, what = sys.argv[1], sys.argv[2]
    die_with_parent()
    no_core()
    shield_dev()
    if not give_up():
        sys.stderr.write("could not give up CAP_MKNOD and CAP_SYS_MODULE\n")
        sys.exit(125)
    if kind == "program":
        os.execv(what, sys.argv[2:])
    sys.argv = ["-c"] + sys.argv[3:]
    exec(compile(what, "<helper>", "exec"), {"__name__": "__main__"})


main()
