"""bar-not-assigned: memory windows without an address."""

from __future__ import annotations

from gpudoctor.facts.gpu import Bar
from gpudoctor.facts.host import KernelEvent
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill


def with_bars(*bars: Bar) -> Machine:
    desktop = healthy.rtx5090_desktop()
    (device,) = desktop.gpu.pci.value
    pci = Known((device.replace(bars=Known(bars, "/sys/bus/pci")),), "/sys/bus/pci/devices")
    return desktop.replace(gpu=desktop.gpu.replace(pci=pci))


def test_a_large_window_without_an_address() -> None:
    machine = with_bars(Bar(0, 64 << 20, True), Bar(1, 32 << 30, False))
    assert causes(machine) == {"bar-not-assigned"}
    found = finding(machine, "bar-not-assigned")
    assert found.evidence[0].value == "32768 MiB, no address" and found.subject.kind == "device"


def test_the_kernels_words_count_where_the_bars_are_not_known() -> None:
    """The line's words: NVIDIA/open-gpu-kernel-modules issue 862."""
    machine = with_bars()
    (device,) = machine.gpu.pci.value
    hidden = Known((device.replace(bars=Unknown("permission denied")),), "/sys/bus/pci/devices")
    machine = machine.replace(gpu=machine.gpu.replace(pci=hidden))
    assert any(s.id == "bar-not-assigned" for s in judgement(machine).skipped)
    text = "NVRM: BAR1 is 0M @ 0x0 (PCI:0000:01:00.0)"
    machine = ill.with_log(machine, KernelEvent("bar", text, None, "0000:01:00", 1.0))
    assert finding(machine, "bar-not-assigned").severity == "failure"


def test_a_small_io_window_is_harmless() -> None:
    assert (
        causes(
            with_bars(Bar(0, 64 << 20, True), Bar(1, 32 << 30, True), Bar(3, 0, False), Bar(5, 128, False))
        )
        == set()
    )


def test_windows_of_virtual_functions_are_not_needed() -> None:
    assert causes(with_bars(Bar(0, 64 << 20, True), Bar(1, 32 << 30, True), Bar(8, 4 << 30, False))) == set()


def test_an_empty_memory_window_counts() -> None:
    assert causes(with_bars(Bar(0, 64 << 20, True), Bar(1, 0, False))) == {"bar-not-assigned"}


def test_what_the_kernel_says_of_another_device_is_not_the_gpus() -> None:
    text = "pci 0000:41:00.0: BAR 5: can't assign; no space"
    machine = ill.with_log(healthy.rtx5090_desktop(), KernelEvent("bar", text, None, "0000:41:00", 1.0))
    assert causes(machine) == set()
