"""The GPU probe: small /sys trees, fake driver libraries, and drivers that crash or hang."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.facts.gpu import Bar, CudaDriver, Gpu, MigInstance, Nvml, PciDevice, Process, RemappedRows
from gpudoctor.facts.observed import UNASKED, Absent, Known, Unknown
from gpudoctor.probes import gpu, pci
from gpudoctor.system import child
from gpudoctor.system.live import Live
from gpudoctor.system.port import TEXT_LIMIT, NotHere, Options
from gpudoctor.system.root import Root
from tests import fakes

cc = pytest.mark.cc
pytestmark = pytest.mark.filterwarnings("error")

RESOURCE_OK = """0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x00000000f0000000 0x00000000f1ffffff 0x000000000014220c
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x000000000000e000 0x000000000000e07f 0x0000000000040101
0x0000000000000000 0x0000000000000000 0x0000000000000000
0x00000000f7000000 0x00000000f707ffff 0x0000000000046200
"""
#: lspci's "Region 1: Memory at <unassigned>": this kernel kept the size and marked it unset.
RESOURCE_UNSET = RESOURCE_OK.replace(
    "0x0000000000000000 0x0000000000000000 0x0000000000000000\n",
    "0x0000000000000000 0x00000007ffffffff 0x000000002014220c\n",
    1,
)


def put(root: Path, path: str, text: str = "") -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def device(
    root: Path,
    address: str,
    vendor: str = "0x10de",
    number: str = "0x25a2",
    code: str = "0x030000",
    driver: str = "nvidia",
    status: str = "active",
    resource: str = RESOURCE_OK,
) -> None:
    folder = f"{pci.FOLDER}/{address}"
    for name, text in {
        "vendor": vendor,
        "device": number,
        "class": code,
        "resource": resource,
        "power/runtime_status": status,
        "current_link_width": "8",
        "max_link_width": "16",
        "current_link_speed": "2.5 GT/s PCIe",
        "max_link_speed": "16.0 GT/s PCIe",
    }.items():
        put(root, f"{folder}/{name}", text + "\n")
    if driver:
        os.symlink(f"../../../bus/pci/drivers/{driver}", root / f"{folder}/driver".lstrip("/"))


def only(root: Path, options: Options = Options()) -> PciDevice:
    found = gpu.pci(Root(str(root), options=options))
    assert isinstance(found, Known) and len(found.value) == 1
    return found.value[0]


# ---------------------------------------------------------------- the bus


def test_an_active_gpu_with_its_link_and_bars(tmp_path: Path) -> None:
    device(
        tmp_path,
        "0000:01:00.0",
        resource=RESOURCE_OK.replace("f0000000 0x00000000f1ffffff", "f0000000 0x00000000f1ffffff"),
    )
    one = only(tmp_path)
    assert (one.vendor, one.device, one.class_code, one.is_display) == (0x10DE, 0x25A2, 0x030000, True)
    assert one.driver == Known("nvidia", f"{pci.FOLDER}/0000:01:00.0/driver")
    assert isinstance(one.link_width, Known) and one.link_width.value == 8
    assert isinstance(one.link_speed_max, Known) and one.link_speed_max.value == 16.0
    assert isinstance(one.bars, Known)
    assert Bar(0, 16 << 20, True) in one.bars.value and Bar(2, 32 << 20, True) in one.bars.value


def test_a_virtual_machines_share_is_no_gpu_of_the_host(tmp_path: Path) -> None:
    """SR-IOV: a virtual function has the class and the driver of a GPU, and a link to the one that it is a part of."""
    device(tmp_path, "0000:01:00.0")
    device(tmp_path, "0000:01:00.4")
    os.symlink("../0000:01:00.0", tmp_path / f"{pci.FOLDER}/0000:01:00.4/physfn".lstrip("/"))
    assert only(tmp_path).address == "0000:01:00.0"


def switch(root: Path, *controls: int | None) -> None:
    """GPUs below the ports of one PCIe switch: each port's ACSCtl, or None for what an ordinary user may read of it."""
    top = "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"
    for number, control in enumerate(controls):
        gpu_at, port_at = f"0000:{number + 3:02x}:00.0", f"0000:02:{number:02x}.0"
        device(root, gpu_at)
        tree = root / f"{top}/{port_at}/{gpu_at}".lstrip("/")
        tree.parent.mkdir(parents=True)
        (root / f"{pci.FOLDER}/{gpu_at}".lstrip("/")).rename(tree)
        os.symlink(
            f"../../..{top.removeprefix('/sys')}/{port_at}/{gpu_at}",
            root / f"{pci.FOLDER}/{gpu_at}".lstrip("/"),
        )
        space = bytearray(b"\xb5\x10\x47\x87".ljust(4096, b"\0"))
        space[0x100:0x104] = (0x0001 | 1 << 16 | 0x148 << 20).to_bytes(
            4, "little"
        )  # error reporting, then ACS
        space[0x148:0x150] = (
            (0x000D | 1 << 16).to_bytes(4, "little") + b"\x5f\0" + (control or 0).to_bytes(2, "little")
        )
        put(root, f"{pci.FOLDER}/{port_at}/vendor", "0x10b5\n")
        file = root / f"{pci.FOLDER}/{port_at}/config".lstrip("/")
        file.write_bytes(space if control is not None else space[:64])


class Guest(Root):
    """A virtual machine, by its processor's flags."""

    def read(self, path: str, limit: int = TEXT_LIMIT) -> bytes:
        return (
            b"flags\t\t: fpu vme hypervisor lahf_lm\n"
            if path == "/proc/cpuinfo"
            else super().read(path, limit)
        )


def ports(root: Path, kind: type[Root] = Root) -> dict[str, object]:
    found = gpu.pci(kind(str(root)))
    assert isinstance(found, Known)
    return {
        b.address: b.acs for one in found.value if isinstance(one.bridges, Known) for b in one.bridges.value
    }


def test_the_ports_at_which_the_ways_to_two_gpus_part_tell_their_acs(tmp_path: Path) -> None:
    switch(tmp_path, 0x001D, 0x0000)
    told = ports(tmp_path)
    assert list(told) == ["0000:00:01.0", "0000:01:00.0", "0000:02:00.0", "0000:02:01.0"]
    assert told["0000:02:00.0"] == Known(0x1D, f"{pci.FOLDER}/0000:02:00.0/config")
    assert told["0000:02:01.0"] == Known(0, f"{pci.FOLDER}/0000:02:01.0/config")
    assert told["0000:00:01.0"] == Absent("no GPUs part here")


def test_an_ordinary_user_reads_no_acs_and_a_virtual_machine_has_its_hypervisors(tmp_path: Path) -> None:
    switch(tmp_path, None, None)
    refused = ports(tmp_path)["0000:02:00.0"]
    assert isinstance(refused, Unknown) and refused.would_help == "root"
    assert ports(tmp_path, Guest)["0000:02:00.0"] == Absent("a virtual machine")


def test_a_port_without_acs(tmp_path: Path) -> None:
    switch(tmp_path, 0, 0)
    file = tmp_path / f"{pci.FOLDER}/0000:02:00.0/config".lstrip("/")
    file.write_bytes(file.read_bytes()[:0x100])
    assert isinstance(ports(tmp_path)["0000:02:00.0"], Absent)
    file.write_bytes(b"\xff" * 4096)
    assert ports(tmp_path)["0000:02:00.0"] == Unknown(
        f"{pci.FOLDER}/0000:02:00.0/config: the port does not answer"
    )


def test_no_field_of_a_device_stays_unasked(tmp_path: Path) -> None:
    device(tmp_path, "0000:01:00.0")
    assert UNASKED not in only(tmp_path).__dict__.values()


def test_a_sleeping_laptop_gpu_is_seen_and_its_link_left_alone(tmp_path: Path) -> None:
    device(tmp_path, "0000:01:00.0", code="0x030200", status="suspended")
    one = only(tmp_path)
    assert isinstance(one.runtime_status, Known) and one.runtime_status.value == "suspended"
    assert one.link_width == Unknown("GPU is asleep", "wake")
    assert isinstance(only(tmp_path, Options(wake=True)).link_width, Known)


def test_nouveau_and_no_driver(tmp_path: Path) -> None:
    device(tmp_path, "0000:01:00.0", driver="nouveau")
    device(tmp_path, "0000:02:00.0", driver="")
    found = gpu.pci(Root(str(tmp_path)))
    assert isinstance(found, Known)
    assert isinstance(found.value[0].driver, Known) and found.value[0].driver.value == "nouveau"
    assert found.value[1].driver == Absent(f"{pci.FOLDER}/0000:02:00.0/driver")


def test_an_nvswitch_is_nvidias_but_no_gpu(tmp_path: Path) -> None:
    device(tmp_path, "0000:05:00.0", number="0x22a3", code="0x068000", driver="nvidia-nvswitch")
    assert not only(tmp_path).is_display


def test_other_vendors_display_devices_alone(tmp_path: Path) -> None:
    device(tmp_path, "0000:03:00.0", vendor="0x1002", driver="amdgpu")
    device(tmp_path, "0000:00:1f.3", vendor="0x8086", code="0x040300", driver="snd_hda_intel")
    assert only(tmp_path).vendor == 0x1002


@pytest.mark.parametrize(
    ("resource", "size"),
    [
        (RESOURCE_UNSET, 32 << 30),
        (RESOURCE_UNSET.replace("0x000000002014220c", "0x000000000014220c"), 32 << 30),
        (
            RESOURCE_UNSET.replace("0x0000000000000000 0x00000007f", "0x0000000800000000 0x0000000ff"),
            32 << 30,
        ),
        (RESOURCE_OK, 0),
    ],
    ids=["kept and marked unset", "kept at zero", "marked unset elsewhere", "blanked"],
)
def test_a_memory_window_without_an_address(tmp_path: Path, resource: str, size: int) -> None:
    device(tmp_path, "0000:01:00.0", resource=resource)
    bars = only(tmp_path).bars
    assert isinstance(bars, Known) and Bar(1, size, False) in bars.value


def test_an_assigned_memory_window(tmp_path: Path) -> None:
    assigned = RESOURCE_UNSET.replace(
        "0x0000000000000000 0x00000007ffffffff 0x000000002014220c",
        "0x0000007000000000 0x00000077ffffffff 0x000000000014220c",
    )
    device(tmp_path, "0000:01:00.0", resource=assigned)
    bars = only(tmp_path).bars
    assert isinstance(bars, Known) and Bar(1, 32 << 30, True) in bars.value


@pytest.mark.parametrize("garbage", ["", "\0\xff", "zzz", "0x1 0x2\n" * 6, "Unknown", "9" * 400])
def test_garbage_in_sys_is_ignorance(tmp_path: Path, garbage: str) -> None:
    device(tmp_path, "0000:01:00.0", resource=garbage, status=garbage)
    for name in ("current_link_width", "max_link_speed"):
        put(tmp_path, f"{pci.FOLDER}/0000:01:00.0/{name}", garbage)
    one = only(tmp_path)
    for observed in (one.bars, one.link_width, one.link_speed_max):
        assert isinstance(observed, Unknown)
    assert isinstance(one.runtime_status, Unknown) or garbage == "zzz"


def test_a_bus_that_is_not_there_or_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(NotHere):
        raise_if_unknown(gpu.pci(Root(str(tmp_path))))
    (tmp_path / "sys/bus").mkdir(parents=True)
    assert gpu.pci(Root(str(tmp_path))) == Absent(pci.FOLDER)


def raise_if_unknown(observed: object) -> None:
    if isinstance(observed, Unknown):
        raise NotHere(observed.reason)


# ---------------------------------------------------------------- without asking


def test_no_library_starts_no_helper_and_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "run_unprivileged", lambda *_: pytest.fail("a helper was started"))
    root = Root(str(tmp_path))
    for answer in (gpu.nvml(root), gpu.cuda(root)):
        assert isinstance(answer, Absent) and "/etc/ld.so.cache" in answer.looked_in
    assert isinstance(gpu.smi(root), Absent)


def test_another_root_with_a_driver_is_not_executed(tmp_path: Path) -> None:
    put(tmp_path, "/usr/lib64/libnvidia-ml.so.1", "\x7fELF\x02")
    (tmp_path / "sys/bus").mkdir(parents=True)
    with pytest.raises(NotHere):
        gpu.nvml(Root(str(tmp_path)))


class Asleep(Live):
    """This machine, but with the /sys of a laptop whose GPU sleeps."""

    def __init__(self, root: Path, env: dict[str, str], options: Options = Options()) -> None:
        super().__init__(env=env, options=options)
        self._root = Root(str(root))

    def listdir(self, path: str) -> list[str]:
        return self._root.listdir(path) if path.startswith("/sys") else super().listdir(path)

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        return self._root.read(path, limit) if path.startswith("/sys") else super().read(path, limit)

    def readlink(self, path: str) -> str:
        return self._root.readlink(path) if path.startswith("/sys") else super().readlink(path)


# ---------------------------------------------------------------- fake drivers


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[object]:
    """Answers of a fake machine, by name or as lines to append, as (nvml, cuda)."""
    if fakes.CC is None:
        pytest.skip("no C compiler")
    folder = fakes.libraries("nvml", "cuda")

    def env(name: str, *more: str, **changes: str) -> dict[str, str]:
        file = tmp_path / "answers.txt"
        file.write_text("\n".join([*more, fakes.answers(name).read_text()]))
        base = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(folder)}
        return {**base, "FAKE_NVML": str(file), "FAKE_CUDA": str(file), **changes}

    yield env


def nvml(env: dict[str, str], timeout: float = 20.0) -> Nvml:
    answer = gpu.nvml(Live(timeout, env=env))
    assert isinstance(answer, Known), answer
    return answer.value


def cuda(env: dict[str, str], timeout: float = 20.0) -> CudaDriver:
    answer = gpu.cuda(Live(timeout, env=env))
    assert isinstance(answer, Known), answer
    return answer.value


def value(observed: object) -> object:
    assert isinstance(observed, Known), observed
    return observed.value


@cc
def test_a_node_of_eight_h100(machine) -> None:  # type: ignore[no-untyped-def]
    env = machine("h100-8x")
    said, driver = nvml(env), cuda(env)
    assert (said.state, said.code, len(said.devices)) == ("answered", 0, 8)
    assert (value(said.library_version), value(said.driver_version), value(said.cuda_version)) == (
        "550.163.01",
        "550.163.01",
        "12.4",
    )
    assert str(value(said.library)).endswith("libnvidia-ml.so.1")
    first = said.devices[0]
    assert UNASKED not in first.__dict__.values()
    assert value(first.pci) == "0000:1a:00.0" and value(first.compute_capability) == "9.0"
    assert value(first.memory_total) == 81559 << 20 and value(first.memory_used) == 4 << 20
    assert value(first.remapped_rows) == RemappedRows(0, 0, False, False)
    assert value(first.nvlinks) == (True,) * 18 and value(first.fabric) == "completed"
    assert value(first.throttle) == () and value(first.compute_mode) == "default"
    assert value(first.brand) == "nvidia" and value(first.power_limit) == 700.0
    assert value(first.ecc_uncorrected_volatile) == 0 and value(first.mig_instances) == ()
    assert isinstance(first.retired_pages_pending, Absent)
    assert (driver.state, driver.code, driver.name) == ("answered", 0, "CUDA_SUCCESS")
    assert value(driver.version) == "12.4" and value(driver.devices_unmasked) == 8
    assert [value(d.uuid) for d in driver.devices] == [value(d.uuid) for d in said.devices]
    assert value(driver.devices[7].pci) == value(said.devices[7].pci)
    assert value(driver.devices[0].memory) == 81559 << 20


@cc
def test_one_lost_gpu_of_eight_speaks_for_itself_alone(machine) -> None:  # type: ignore[no-untyped-def]
    said = nvml(machine("a100-8x-one-lost"))
    assert said.state == "answered" and len(said.devices) == 8
    lost = [d.index for d in said.devices if d.memory_total == Unknown("GPU is lost")]
    assert lost == [5]
    assert all(isinstance(v, Unknown) for n, v in said.devices[5].__dict__.items() if n != "index")


@cc
def test_a_gpu_whose_handle_cant_be_had_keeps_its_place(machine) -> None:  # type: ignore[no-untyped-def]
    said = nvml(machine("t4", "gpu.0.handle error 4"))
    assert said.devices[0].index == 0
    assert said.devices[0].name == Unknown("Insufficient Permissions", "root")


@cc
def test_ecc_errors_and_a_pending_remap(machine) -> None:  # type: ignore[no-untyped-def]
    first, second = nvml(machine("h100-8x-ecc")).devices[:2]
    assert value(first.ecc_uncorrected_volatile) == 1 and value(first.ecc_uncorrected_aggregate) == 3
    assert value(first.remapped_rows) == RemappedRows(0, 1, True, False)
    assert value(second.ecc_uncorrected_volatile) == 0


@cc
def test_mig(machine) -> None:  # type: ignore[no-untyped-def]
    env = machine("h100-8x-mig")
    first = nvml(env).devices[0]
    assert value(first.mig_enabled) is True
    assert value(first.mig_instances) == (
        MigInstance("MIG-5c2d8e11-0000-5000-8000-000000000000", "3g.40gb", 40448 << 20),
        MigInstance("MIG-5c2d8e11-0000-5000-8000-000000000002", "1g.10gb", 9856 << 20),
    )
    assert value(cuda(env).devices[0].uuid) == "MIG-5c2d8e11-0000-5000-8000-000000000000"


@cc
def test_an_older_gpu_and_its_processes(machine) -> None:  # type: ignore[no-untyped-def]
    one = nvml(machine("t4-exclusive")).devices[0]
    assert value(one.processes) == (Process(77, "", 20 << 20), Process(4242, "/usr/bin/python3", 1024 << 20))
    assert value(one.compute_mode) == "exclusive-process" and value(one.brand) == "tesla"
    assert value(one.retired_pages_pending) is False and isinstance(one.remapped_rows, Absent)


@cc
def test_a_hot_gpu_names_its_throttling(machine) -> None:  # type: ignore[no-untyped-def]
    assert value(nvml(machine("rtx5090-hot")).devices[0].throttle) == ("hw-slowdown", "hw-thermal-slowdown")


@cc
def test_what_a_laptop_gpu_does_not_have_is_absent(machine) -> None:  # type: ignore[no-untyped-def]
    one = nvml(machine("rtx3050-laptop")).devices[0]
    for observed in (one.ecc_enabled, one.mig_enabled, one.power_limit, one.fabric):
        assert isinstance(observed, Absent) and "Not Supported" in observed.looked_in


@cc
def test_a_fabric_in_progress(machine) -> None:  # type: ignore[no-untyped-def]
    env = machine("h100-8x-no-fabric")
    assert value(nvml(env).devices[0].fabric) == "in-progress"
    assert (cuda(env).code, cuda(env).name) == (802, "CUDA_ERROR_SYSTEM_NOT_READY")


@cc
@pytest.mark.parametrize(
    ("name", "nvml_code", "cuda_code"), [("mismatch", 18, 803), ("unknown", 999, 999), ("not-loaded", 9, 100)]
)
def test_failures_keep_their_codes(machine, name: str, nvml_code: int, cuda_code: int) -> None:  # type: ignore[no-untyped-def]
    env = machine(name)
    said, driver = nvml(env), cuda(env)
    assert (said.state, said.code, driver.state, driver.code) == ("failed", nvml_code, "failed", cuda_code)
    assert value(said.library_version) == "550.163.01" and value(driver.version) == "12.4"
    assert isinstance(said.driver_version, Unknown)
    assert isinstance(driver.devices_unmasked, Known if cuda_code == 100 else Unknown)


@cc
@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("stub", 34, "CUDA_ERROR_STUB_LIBRARY"), ("compat", 804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE")],
)
def test_libcuda_alone_fails(machine, name: str, code: int, words: str) -> None:  # type: ignore[no-untyped-def]
    driver = cuda(machine(name))
    assert (driver.state, driver.code, driver.name) == ("failed", code, words)


@cc
@pytest.mark.parametrize(
    ("mask", "code", "seen"), [("2,0", 0, 2), ("-1", 100, 0), ("", 100, 0), ("9", 100, 0)]
)
def test_what_the_variable_hides_is_counted(machine, mask: str, code: int, seen: int) -> None:  # type: ignore[no-untyped-def]
    driver = cuda(machine("h100-8x", CUDA_VISIBLE_DEVICES=mask))
    assert (driver.code, len(driver.devices), value(driver.devices_unmasked)) == (code, seen, 8)


@cc
def test_a_file_that_is_no_library_is_a_failure_with_the_loaders_words(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"")
    (tmp_path / "libcuda.so.1").write_bytes(b"")
    env = {"LD_LIBRARY_PATH": str(tmp_path)}
    assert (nvml(env).state, nvml(env).code) == ("failed", 12) and "too short" in nvml(env).message
    assert (cuda(env).state, cuda(env).code) == ("failed", None) and "too short" in cuda(env).detail


# ---------------------------------------------------------------- drivers that misbehave


@cc
@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("crash nvmlInit_v2", "SIGSEGV in nvmlInit"),
        ("abort nvmlInit_v2", "SIGABRT in nvmlInit"),
        ("exit nvmlInit_v2", "ended with status 7 in nvmlInit"),
    ],
)
def test_a_crash_in_nvml_init_names_the_call(machine, how: str, words: str) -> None:  # type: ignore[no-untyped-def]
    said = nvml(machine("t4", how))
    assert said.state == "crashed" and said.code is None and words in said.detail
    assert value(said.library_version) == "550.163.01"


@cc
def test_a_crash_at_a_device_keeps_what_was_said_before(machine) -> None:  # type: ignore[no-untyped-def]
    said = nvml(machine("h100-8x", "crash nvmlDeviceGetTemperature"))
    assert (said.state, said.code, value(said.driver_version)) == ("crashed", 0, "550.163.01")
    assert "temperature of GPU 0" in said.detail


@cc
@pytest.mark.parametrize("how", ["hang nvmlInit_v2", "hang-family nvmlInit_v2"])
def test_a_hang_ends_at_its_deadline_with_its_name(machine, how: str) -> None:  # type: ignore[no-untyped-def]
    started = time.monotonic()
    said = nvml(machine("t4", how), timeout=1.5)
    assert time.monotonic() - started < 1.4
    assert said.state == "hung" and "nvmlInit" in said.detail


@cc
@pytest.mark.parametrize("how", ["hang cuInit", "hang-family cuInit"])
def test_libcuda_that_hangs_is_not_asked_twice(machine, how: str) -> None:  # type: ignore[no-untyped-def]
    started = time.monotonic()
    driver = cuda(machine("t4", how, CUDA_VISIBLE_DEVICES="0"), timeout=1.5)
    assert time.monotonic() - started < 1.4
    assert driver.state == "hung" and isinstance(driver.devices_unmasked, Unknown)


@cc
def test_libcuda_that_crashes(machine) -> None:  # type: ignore[no-untyped-def]
    driver = cuda(machine("t4", "crash cuDeviceGetName"))
    assert (driver.state, driver.code) == ("crashed", 0) and "name of device 0" in driver.detail


@cc
def test_a_sleeping_gpu_is_not_woken_unless_asked(machine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    root = tmp_path / "root"
    device(root, "0000:01:00.0", status="suspended")
    env = machine("rtx3050-laptop", "crash nvmlInit_v2", "crash cuInit".replace("crash", "abort"))
    port = Asleep(root, env)
    assert gpu.nvml(port) == gpu.cuda(port) == Unknown("GPU is asleep", "wake")
    woken = gpu.nvml(Asleep(root, env, Options(wake=True)))
    assert isinstance(woken, Known) and woken.value.state == "crashed"


@cc
def test_a_gpu_that_sleeps_under_nouveau_does_not_keep_us_from_asking(machine, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    root = tmp_path / "root"
    device(root, "0000:01:00.0", status="suspended", driver="nouveau")
    assert isinstance(gpu.nvml(Asleep(root, machine("not-loaded"))), Known)


# ---------------------------------------------------------------- nvidia-smi


def smi_script(folder: Path, script: str) -> Live:
    (folder / "nvidia-smi").write_text("#!/bin/sh\n" + script)
    (folder / "nvidia-smi").chmod(0o755)
    return Live(2.0, env={"PATH": f"{folder}:/usr/bin:/bin"})


BANNER = "| NVIDIA-SMI 550.163.01             Driver Version: 550.163.01     CUDA Version: 12.4     |"


def test_nvidia_smi_answers(tmp_path: Path) -> None:
    said = value(gpu.smi(smi_script(tmp_path, f"echo '{BANNER}'\n")))
    assert (said.state, said.exit_code, said.path) == ("answered", 0, f"{tmp_path}/nvidia-smi")  # type: ignore[attr-defined]
    assert value(said.kmd_version) == "550.163.01" and value(said.cuda_version) == "12.4"  # type: ignore[attr-defined]


def test_nvidia_smi_fails_with_its_words_on_stdout(tmp_path: Path) -> None:
    script = "echo 'Failed to initialize NVML: Driver/library version mismatch'\nexit 18\n"
    said = value(gpu.smi(smi_script(tmp_path, script)))
    assert (said.state, said.exit_code) == ("failed", 18) and "mismatch" in said.output  # type: ignore[attr-defined]


def test_nvidia_smi_hangs_behind_a_wrapper(tmp_path: Path) -> None:
    started = time.monotonic()
    said = value(gpu.smi(smi_script(tmp_path, "trap '' TERM\nsleep 30 &\nwait\n")))
    assert said.state == "hung" and time.monotonic() - started < 2.0  # type: ignore[attr-defined]


def test_nvidia_smi_crashes(tmp_path: Path) -> None:
    said = value(gpu.smi(smi_script(tmp_path, f"echo '{BANNER}'\nkill -SEGV $$\n")))
    assert said.state == "crashed" and value(said.smi_version) == "550.163.01"  # type: ignore[attr-defined]


def test_another_nvidia_smi_on_path_is_named_and_a_link_to_the_same_is_not(tmp_path: Path) -> None:
    first, second, link = (tmp_path / n for n in ("a", "b", "c"))
    for folder in (first, second, link):
        folder.mkdir()
    smi_script(second, "exit 1\n")
    live = smi_script(first, f"echo '{BANNER}'\n")
    os.symlink(first / "nvidia-smi", link / "nvidia-smi")
    live.env = {"PATH": f"{first}:{second}:{link}:/usr/bin:/bin"}
    said = value(gpu.smi(live))
    assert said.others == (f"{second}/nvidia-smi",)  # type: ignore[attr-defined]


# ---------------------------------------------------------------- privileges


CAP_SYS_ADMIN = 21


def effective_capabilities() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to give up")
def test_a_helper_cannot_make_nodes_or_change_dev(tmp_path: Path) -> None:
    source = (
        "import os, stat, sys\n"
        "for act in (lambda: os.mknod(sys.argv[1], 0o600 | stat.S_IFCHR, os.makedev(195, 254)),\n"
        "            lambda: os.chmod('/dev/null', 0o666)):\n"
        "    try: act(); print('done')\n"
        "    except OSError as error: print(error.errno)\n"
        "print(sorted(n for n in os.listdir('/dev') if os.path.ismount('/dev/' + n)))\n"
        "print(open('/proc/self/status').read())\n"
        "open('/dev/null', 'w').write('x')\n"
    )
    ran = child.run_unprivileged(Live(), ("python", source, str(tmp_path / "node")), 5.0)
    assert ran.code == 0, ran
    assert ran.stdout.splitlines()[0] == str(errno.EPERM)
    if effective_capabilities() & 1 << CAP_SYS_ADMIN:
        assert ran.stdout.splitlines()[1] == str(errno.EROFS)
    below = sorted(name for name in os.listdir("/dev") if os.path.ismount(f"/dev/{name}"))
    assert ran.stdout.splitlines()[2] == repr(below)
    status = dict(line.split(":\t") for line in ran.stdout.splitlines()[3:] if ":\t" in line)
    unwanted = 1 << 27 | 1 << 16
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert not int(status[name], 16) & unwanted
    assert status["NoNewPrivs"] == "1"


def saying(monkeypatch: pytest.MonkeyPatch, program: str) -> child.Answer:
    real = child.source
    monkeypatch.setattr(child, "source", lambda name: real(name) if name == "unprivileged" else program)
    return child.ask(Live(), "made-up", [], 5.0)


def test_what_a_library_prints_between_the_answers_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["{not json", "[1]", '{"answer": 3}', '{"answer": {"code": 0}, "final": true}', "bye", "{}"]
    answer = saying(monkeypatch, f"print({chr(10).join(lines)!r})")
    assert (answer.state, answer.data) == ("answered", {"code": 0})


def test_a_half_line_at_the_end_leaves_the_answer_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '{"answer": {"code": 0}, "at": "x"}\n{"answer": {"code": 0, "dev'
    answer = saying(monkeypatch, f"import os; os.write(1, {text.encode()!r}); os.abort()")
    assert (answer.state, answer.data, answer.at) == ("crashed", {"code": 0}, "x")


def test_without_nvidia_ml_py_nobody_claims_that_there_is_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"\x7fELF\x02")
    monkeypatch.setattr(gpu, "pynvml_folder", lambda: "")
    answer = gpu.nvml(Live(env={"LD_LIBRARY_PATH": str(tmp_path)}))
    assert isinstance(answer, Unknown) and "nvidia-ml-py" in answer.reason


def test_all_fields_are_asked() -> None:
    assert set(gpu.FIELDS) == set(Gpu.record_fields)
