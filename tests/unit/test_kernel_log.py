"""The kernel log's parser, on wordings from public bug reports (named beside each)."""

from __future__ import annotations

import pytest

from gpudoctor.parsers.kernel_log import KEPT, parse_kmsg, parse_text

# NVIDIA/open-gpu-kernel-modules#696, nixos-hardware#1880, siderolabs/talos#8764, cuda-samples#104, public logs of an
# RTX 5090 and of vfio hosts; SXid lines as NVIDIA's fabric manager guide prints them.
WORDINGS = [
    ("xid", 79, "0000:3b:00", "NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."),
    ("xid", 119, "0000:01:00", "NVRM: Xid (PCI:0000:01:00): 119, pid=1234, name=python, Timeout after 6s of waiting for RPC response from GPU0 GSP!"),
    ("sxid", 20034, "0000:cd:00", "nvidia-nvswitch3: SXid (PCI:0000:cd:00.0): 20034, Fatal, Link 24 LTSSM Fault Up"),
    ("rm-init-failed", None, "0000:98:00", "NVRM: GPU 0000:98:00.0: RmInitAdapter failed! (0x62:0x65:1792)"),
    ("rm-init-failed", None, "0000:98:00", "NVRM: GPU 0000:98:00.0: rm_init_adapter failed, device minor number 0"),
    ("gsp", None, "", "NVRM: RmInitAdapter: Cannot initialize GSP firmware RM"),
    ("gsp", None, "", "NVRM: _kgspBootGspRm: unexpected WPR2 already up, cannot proceed with booting GSP"),
    ("gsp", None, "0000:01:00", "nvidia 0000:01:00.0: Direct firmware load for nvidia/515.43.04/gsp.bin failed with error -2"),
    ("fallen-off-bus", None, "0000:01:00", "NVRM: GPU 0000:01:00.0: GPU has fallen off the bus."),
    ("bar", None, "0000:0a:00", "NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:\\x0aNVRM: BAR1 is 0M @ 0x0 (PCI:0000:0a:00.0)"),
    ("bound-elsewhere", None, "0000:01:00", "NVRM: GPU 0000:01:00.0 is already bound to vfio-pci."),
    ("bound-elsewhere", None, "0000:01:00", "NVRM: GPU 0000:01:00.0 is already bound to NovaCore."),
    ("module-rejected", None, "", "Loading of module with unavailable key is rejected"),
    ("module-rejected", None, "", "Loading of unsigned module is rejected"),
    ("module-rejected", None, "", "Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7"),
    ("module-unfit", None, "", "nvidia: version magic '6.1.0-17-amd64 SMP' should be '6.1.0-18-amd64 SMP preempt mod_unload modversions '"),
    ("module-unfit", None, "", "nvidia: disagrees about version of symbol module_layout"),
    ("resume", None, "", "PM: suspend exit"),
    ("nouveau", None, "0000:01:00", "nouveau 0000:01:00.0: NVIDIA GP107 (137000a1)"),
    ("oom-killer", None, "", "Out of memory: Killed process 4242 (python) total-vm:91234kB, anon-rss:1234kB"),
    ("nvrm", None, "", "NVRM: No NVIDIA GPU found."),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "pci", "message"), WORDINGS)
def test_each_wording_is_understood_in_kmsg_and_in_a_log_file(
    kind: str, code: int | None, pci: str, message: str
) -> None:
    (record,) = parse_kmsg(f"3,1021,7205812,-;{message}\n")
    assert (record.kind, record.code, record.pci) == (kind, code, pci)
    assert record.seconds == pytest.approx(7.205812)
    plain = message.replace("\\x0a", "#012")
    (line,) = parse_text(f"Nov 20 06:12:33 box kernel: [    7.205812] {plain}\n")
    assert (line.kind, line.code, line.pci) == (kind, code, pci)
    assert line.seconds == pytest.approx(7.205812)


def test_a_message_that_the_driver_wraps_is_one_event_in_every_layout() -> None:
    parts = (
        "NVRM: The NVIDIA GPU 0000:02:00.0 (PCI ID: 10de:2c58)",
        "NVRM: installed in this system requires use of the NVIDIA open kernel modules.",
    )
    dmesg = f"[    5.559842] {parts[0]}\n               {parts[1]}\n[    5.56] NVRM: GPU 0000:02:00.0: RmInitAdapter failed! (0x22:0x56:884)\n"
    kmsg = f"3,9,5559842,-;{parts[0]}\\x0a{parts[1]}\n3,10,5560000,-;NVRM: GPU 0000:02:00.0: RmInitAdapter failed! (0x22:0x56:884)\n"
    records = f"3,9,5559842,-;{parts[0]}\n3,10,5559843,-;{parts[1]}\n3,11,5560000,-;NVRM: GPU 0000:02:00.0: RmInitAdapter failed! (0x22:0x56:884)\n"
    for events in (parse_text(dmesg), parse_kmsg(kmsg), parse_kmsg(records)):
        assert [e.kind for e in events] == ["needs-open-module", "rm-init-failed"]
        assert events[0].pci == "0000:02:00"


def test_the_legacy_branch_message_is_one_event_with_both_versions() -> None:
    # nixos-hardware#1880
    text = """[Sun May 17 15:55:50 2026] NVRM: The NVIDIA NVIDIA GeForce GTX 1050 GPU installed in this system is
                           NVRM:  supported through the NVIDIA 580.xx Legacy drivers. Please
                           NVRM:  visit http://www.nvidia.com/object/unix.html for more
                           NVRM:  information.  The 595.71.05 NVIDIA driver will ignore
                           NVRM:  this GPU.  Continuing probe...
[Sun May 17 15:55:50 2026] NVRM: No NVIDIA GPU found.
"""
    first, second = parse_text(text)
    assert first.kind == "unsupported-gpu" and "580.xx" in first.text and "595.71.05" in first.text
    assert second.kind == "nvrm"


def test_the_pre_turing_message_of_the_open_module() -> None:
    # NVIDIA/open-gpu-kernel-modules#322
    text = """[ 1157.046099] NVRM: The NVIDIA GPU 0000:af:00.0 (PCI ID: 10de:1db5)
               NVRM: installed in this system is not supported by open
               NVRM: nvidia.ko because it does not include the required GPU
               NVRM: System Processor (GSP).
               NVRM: Please see the 'Open Linux Kernel Modules' and 'GSP
               NVRM: Firmware' sections in the driver README, available on
               NVRM: the Linux graphics driver download page at
               NVRM: www.nvidia.com.
"""
    first = parse_text(text)[0]
    assert (first.kind, first.pci) == ("no-gsp-in-gpu", "0000:af:00")


def test_the_mismatch_message_keeps_both_versions() -> None:
    text = """[2140090.470492] NVRM: API mismatch: the client has the version 470.129.06, but
                 NVRM: this kernel module has the version 470.103.01.  Please
                 NVRM: make sure that this kernel module and all NVIDIA driver
                 NVRM: components have the same version.
"""
    (event,) = parse_text(text)
    assert event.kind == "version-mismatch" and "470.129.06" in event.text and "470.103.01" in event.text


@pytest.mark.parametrize(
    "harmless",
    [
        "nvidia: module verification failed: signature and/or required key missing - tainting kernel",
        "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025",
        "nvidia-nvlink: Nvlink Core is being initialized, major device number 234",
        "nvidia 0000:01:00.0: vgaarb: VGA decodes changed: olddecodes=io+mem,decodes=none:owns=none",
        'audit: type=1400 apparmor="DENIED" name="/dev/nvidiactl"',
        "EXT4-fs (sda1): mount request rejected",
    ],
)
def test_what_every_healthy_machine_says_is_no_event(harmless: str) -> None:
    assert parse_kmsg(f"6,1,2,-;{harmless}\n") == ()


def test_what_an_older_kernel_said_is_no_evidence() -> None:
    text = (
        "Nov 19 10:00:00 box kernel: [  100.0] NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n"
        "Nov 20 06:00:00 box kernel: [    0.000000] Linux version 6.8.0-45-generic (buildd@lcy02) #45-Ubuntu\n"
        "Nov 20 06:00:09 box kernel: [    9.0] NVRM: Xid (PCI:0000:01:00): 13, pid=7, Graphics Exception\n"
    )
    assert [e.code for e in parse_text(text)] == [13]


def test_a_million_lines_of_one_kind_are_a_few_events_in_their_order() -> None:
    lines = [f"3,{n},{n},-;NVRM: Xid (PCI:0000:01:00): 31, pid={n}" for n in range(5000)]
    lines.insert(4000, "3,1,4000,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.")
    events = parse_kmsg("\n".join(lines))
    assert len(events) == KEPT + 1
    assert "pid=0" in events[0].text and "pid=4999" in events[-1].text
    assert [e.code for e in events].index(79) == 1


@pytest.mark.parametrize(
    "garbage",
    ["", "\0" * 4096, "NVRM:", "NVRM: " * 5000, "3,x,y;NVRM: Xid (PCI:", "NVRM: Xid (PCI:0000:01:00): x"],
)
def test_garbage_is_no_event_with_a_number(garbage: str) -> None:
    assert all(e.code is None for e in parse_kmsg(garbage) + parse_text(garbage))
