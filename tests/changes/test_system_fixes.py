"""What is no start-up file: ill before, well after, the same after undo, with real files of a root and fake programs in it."""

from __future__ import annotations

import inspect
import os
from types import ModuleType

import pytest

from gpudoctor.changes.restore import undo
from gpudoctor.changes.transaction import apply
from gpudoctor.engine import Asking, judge
from gpudoctor.facts.cuda import Selection
from gpudoctor.facts.host import Filesystem
from gpudoctor.facts.libraries import Library, LoaderDir
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.fixes.see import Login, Manual, See
from tests import judged
from tests.changes.mending import Sysroot, ids, plan_for
from tests.machines import healthy
from tests.machines.parts import containers, cuda, driver, host, ill
from tests.machines.parts import libraries as parts

pytestmark = pytest.mark.slow
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make device nodes")

MODULES = "nvidia 1 1 - Live 0x0\n"
STUBS = "/usr/local/cuda-12.4/lib64/stubs"
CACHE = {"/etc/ld.so.cache": "old\n", "/etc/ld.so.conf.d/other.conf": "/opt/lib\n"}


@pytest.fixture
def sysroot(tmp_path: object) -> Sysroot:
    return Sysroot(tmp_path, {"/proc/version": "Linux\n", "/dev/null": "", "/run/systemd/x": "", **CACHE})  # type: ignore[arg-type]


# ---------------------------------------------------------------- the loader


def test_loader_cache_stale(sysroot: Sysroot) -> None:
    def machine(s: Sysroot) -> Machine:
        stale = (
            ("/usr/local/cuda-12.4/lib64/libcudart.so.12",)
            if "again" not in s.text("/etc/ld.so.cache")
            else ()
        )
        laptop = healthy.rtx3050_laptop()
        return laptop.replace(libraries=laptop.libraries.replace(uncached=Known(stale, "/etc/ld.so.cache")))

    sysroot.fixed("loader-cache-stale", machine)
    assert sysroot.ran == ["/usr/sbin/ldconfig"]  # undo put the cache back as it was


def test_wsl_libcuda_stub(sysroot: Sysroot) -> None:
    from tests.causes.wsl.machines import wsl2, wsl_library

    def machine(s: Sysroot) -> Machine:
        known = "/usr/lib/wsl/lib" in s.text("/etc/ld.so.cache")
        first = wsl_library("libcuda.so.1")
        copies = (first if known else first.replace(origin="unreached"), wsl_library("libnvidia-ml.so.1"))
        machine = wsl2()
        return machine.replace(driver=machine.driver.replace(libraries=Known(copies, "loader")))

    plan = sysroot.fixed("wsl-libcuda-stub", machine)
    assert [c.path for c in plan.files] == ["/etc/ld.so.conf.d/ld.wsl.conf"]


def test_zero_size_libcuda(sysroot: Sysroot) -> None:
    path = "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
    sysroot.write(path, b"")

    def machine(s: Sysroot) -> Machine:
        laptop = healthy.rtx3050_laptop()
        empty = driver.library("libcuda.so.1", "", "/usr/lib/x86_64-linux-gnu").replace(
            path=path, real_path=path, size=0
        )
        there = (empty,) if (s.root / path[1:]).exists() else ()
        libraries = Known((*there, *laptop.driver.libraries.value), "loader")
        return laptop.replace(driver=laptop.driver.replace(libraries=libraries))

    sysroot.fixed("zero-size-libcuda", machine)


def test_a_library_that_has_got_its_bytes_meanwhile_is_not_removed(sysroot: Sysroot) -> None:
    path = "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
    sysroot.write(path, b"\x7fELF")
    laptop = healthy.rtx3050_laptop()
    empty = laptop.driver.libraries.value[0].replace(path=path, real_path=path, size=0)
    machine = laptop.replace(driver=laptop.driver.replace(libraries=Known((empty,), "loader")))
    with pytest.raises(Manual, match="not empty any more"):
        plan_for("zero-size-libcuda", machine, sysroot.port(), None)


def test_libcuda_link_missing(sysroot: Sysroot) -> None:
    from tests.causes.libraries.test_libcuda_link_missing import laptop
    from tests.machines.parts.driver import LIB

    sysroot.write(f"{LIB}/libcuda.so.1", b"\x7fELF")
    sysroot.fixed(
        "libcuda-link-missing",
        lambda s: laptop("triton", linkable=(s.root / LIB[1:] / "libcuda.so").is_symlink()),
    )


@pytest.mark.parametrize("text", [f"# cuda\n{STUBS}/\n/opt/lib\n", f"{STUBS}\n"])
def test_libcuda_stub_in_the_loaders_configuration(sysroot: Sysroot, text: str) -> None:
    conf = "/etc/ld.so.conf.d/stubs.conf"
    sysroot.write(conf, text)

    def machine(s: Sysroot) -> Machine:
        stub = Library(
            "libcuda-stub", "libcuda.so", f"{STUBS}/libcuda.so", f"{STUBS}/libcuda.so", "loader-cache"
        )
        there = (LoaderDir(STUBS, conf, Known(True, STUBS)),) if STUBS in s.text(conf) else ()
        return parts.changed(healthy.rtx3050_laptop(), copies=(stub,), search=there)

    plan = sysroot.fixed("libcuda-stub-on-path", machine)
    assert plan.files[0].after == (b"# cuda\n/opt/lib\n" if "/opt/lib" in text else None)


# ---------------------------------------------------------------- /usr/local/cuda


def _link(s: Sysroot) -> Machine:
    place = s.root / "usr/local/cuda"
    target = os.readlink(place) if place.is_symlink() else ""
    if target == "/etc/alternatives/cuda":
        target = os.readlink(s.root / "etc/alternatives/cuda")
    if not target:
        return cuda.with_cuda(healthy.rtx3050_laptop())
    says = (
        cuda.selects("/usr/local/cuda", target, "/usr/local/cuda")
        if target == "/usr/local/cuda-12.4"
        else Selection("/usr/local/cuda", "/usr/local/cuda", Absent(f"{target} does not exist"))
    )
    chosen = Known((*cuda.on_path("/usr/local/cuda-12.4"), says), "environment")
    return cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.4"), selections=chosen)


def test_cuda_link_dangling(sysroot: Sysroot) -> None:
    sysroot.write("/usr/local/cuda", "-> /usr/local/cuda-12.1")
    plan = sysroot.fixed("cuda-link-dangling", _link)
    assert plan.files[0].link == "/usr/local/cuda-12.4" and sysroot.ran == []


def test_cuda_link_dangling_where_update_alternatives_made_it(sysroot: Sysroot) -> None:
    record = "auto\n/usr/local/cuda\n\n/usr/local/cuda-12.4\n124\n\n"
    sysroot.write("/usr/local/cuda", "-> /etc/alternatives/cuda")
    sysroot.write("/etc/alternatives/cuda", "-> /usr/local/cuda-12.1")
    sysroot.write("/var/lib/dpkg/alternatives/cuda", record)
    sysroot.fixed("cuda-link-dangling", _link)
    assert sysroot.ran == ["/usr/sbin/update-alternatives --set cuda /usr/local/cuda-12.4"]
    assert sysroot.text("/var/lib/dpkg/alternatives/cuda") == record  # automatic again


def test_an_alternative_that_is_not_registered_is_left_to_a_person(sysroot: Sysroot) -> None:
    sysroot.write("/usr/local/cuda", "-> /etc/alternatives/cuda")
    sysroot.write("/etc/alternatives/cuda", "-> /usr/local/cuda-12.1")
    with pytest.raises(Manual, match="update-alternatives does not know"):
        plan_for("cuda-link-dangling", _link(sysroot), sysroot.port(), None)


# ---------------------------------------------------------------- modules and nodes


def _modules(s: Sysroot) -> tuple[str, ...]:
    return tuple(line.split()[0] for line in s.text("/proc/modules").splitlines())


def _probed_nodes(s: Sysroot) -> object:
    return Asking(s.port(), ("driver",)).machine().driver.nodes


@needs_root
def test_uvm_not_working_for_want_of_its_node(sysroot: Sysroot) -> None:
    from tests.causes.driver.test_uvm_not_working import unknown_error

    sysroot.write("/proc/modules", MODULES)

    def machine(s: Sysroot) -> Machine:
        if (s.root / "dev/nvidia-uvm").exists():
            return healthy.rtx3050_laptop()
        nodes = Known(tuple(n for n in driver.nodes() if "uvm" not in n.path), "/dev")
        return unknown_error(
            nodes=nodes, loaded_modules=Known(_modules(s), "/proc/modules"), modprobe_helper=Known(False, "")
        )

    sysroot.fixed("uvm-not-working", machine)
    assert _modules(sysroot) == ("nvidia",)


def test_uvm_not_working_after_a_suspend(sysroot: Sysroot) -> None:
    """Loaded before and after: there is nothing to take back, and undo says so by doing nothing."""
    from tests.causes.driver.test_uvm_not_working import WAKE, unknown_error

    sysroot.write("/proc/modules", MODULES + "nvidia_uvm 1 0 - Live 0x0\n")

    def machine(s: Sysroot) -> Machine:
        if any(line.endswith("modprobe nvidia_uvm") for line in s.ran):
            return healthy.rtx3050_laptop()
        return unknown_error().replace(host=host.ubuntu(kernel_log=host.log(WAKE)))

    plan = plan_for("uvm-not-working", machine(sysroot), sysroot.port(), None)
    assert plan.applicability == "unsafe"
    assert apply(plan, sysroot.writer(), sysroot.run).state == "applied"
    assert sysroot.ran == ["/usr/sbin/modprobe -r nvidia_uvm", "/usr/sbin/modprobe nvidia_uvm"]
    assert "uvm-not-working" not in ids(machine(sysroot))
    assert undo(sysroot.writer(), run=sysroot.run).state == "undone"
    assert set(_modules(sysroot)) == {"nvidia", "nvidia_uvm"}


def test_what_a_suspend_broke_is_kept_from_coming_back(sysroot: Sysroot) -> None:
    """The setting and NVIDIA's three services, as their README says; taken back with the rest."""
    from tests.causes.driver.test_uvm_not_working import WAKE, unknown_error

    sysroot.write("/proc/modules", MODULES + "nvidia_uvm 1 0 - Live 0x0\n")
    (sysroot.root / "etc/modprobe.d").mkdir(parents=True)
    wants = sysroot.root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    units = ("nvidia-suspend", "nvidia-hibernate", "nvidia-resume")
    for unit in units:
        sysroot.write(f"/usr/lib/systemd/system/{unit}.service", "[Unit]\n")
    ill_machine = unknown_error().replace(host=host.ubuntu(kernel_log=host.log(WAKE)))
    plan = plan_for("uvm-not-working", ill_machine, sysroot.port(), None)
    assert apply(plan, sysroot.writer(), sysroot.run).state == "applied"
    conf = "/etc/modprobe.d/nvidia-preserve-memory.conf"
    assert "NVreg_PreserveVideoMemoryAllocations=1" in sysroot.text(conf)
    assert sorted(p.name for p in wants.iterdir()) == sorted(f"{unit}.service" for unit in units)
    again = plan_for("uvm-not-working", ill_machine, sysroot.port(), None)
    assert again.files == ()  # said once is enough
    assert undo(sysroot.writer(), run=sysroot.run).state == "undone"
    assert not list(wants.iterdir()) and not (sysroot.root / conf[1:]).exists()


def test_driver_upgraded_unattended(sysroot: Sysroot) -> None:
    from tests.causes.driver.test_driver_upgraded_unattended import ON, STATUS

    sysroot.write("/usr/bin/unattended-upgrade", "")
    sysroot.write("/var/lib/dpkg/status", STATUS.format("install"))
    sysroot.write("/etc/apt/apt.conf.d/20auto-upgrades", ON)

    def machine(s: Sysroot) -> Machine:
        probed = Asking(s.port(), ("driver",)).machine().driver.unattended
        node = healthy.h100_node()
        return node.replace(driver=node.driver.replace(unattended=probed))

    sysroot.fixed("driver-upgraded-unattended", machine)
    assert sysroot.ran == []


def test_kernel_module_not_loaded(sysroot: Sysroot) -> None:
    sysroot.write("/proc/modules", "ext4 1 1 - Live 0x0\n")

    def machine(s: Sysroot) -> Machine:
        laptop = healthy.rtx3050_laptop()
        if "nvidia" in _modules(s):
            return laptop
        silent = laptop.gpu.replace(
            nvml=Known(laptop.gpu.nvml.value.replace(state="failed", code=9, devices=()), "nvml"),
            cuda=Known(laptop.gpu.cuda.value.replace(state="failed", code=100, devices=()), "libcuda"),
        )
        return laptop.replace(driver=driver.not_loaded(), gpu=silent)

    sysroot.fixed("kernel-module-not-loaded", machine)


@needs_root
def test_device_node_missing(sysroot: Sysroot) -> None:
    from tests.causes.device.test_device_node_missing_or_permission import with_nodes

    sysroot.write("/proc/modules", MODULES)

    def machine(s: Sysroot) -> Machine:
        if (s.root / "dev/nvidia0").exists() and (s.root / "dev/nvidiactl").exists():
            return healthy.rtx3050_laptop()
        return with_nodes(helper=False)

    sysroot.fixed("device-node-missing-or-permission", machine)


@needs_root
def test_a_file_where_a_device_node_belongs(sysroot: Sysroot) -> None:
    from tests.causes.device.test_device_node_missing_or_permission import with_nodes

    sysroot.write("/proc/modules", MODULES + "nvidia_uvm 1 0 - Live 0x0\n")
    sysroot.write("/dev/nvidia0", b"")

    def machine(s: Sysroot) -> Machine:
        if not (s.root / "dev/nvidia0").is_file():
            return healthy.rtx3050_laptop()
        return with_nodes(
            driver.node("/dev/nvidiactl", 255), driver.node("/dev/nvidia0", 0).replace(is_device=False)
        )

    plan = sysroot.fixed("device-node-missing-or-permission", machine)
    assert plan.actions[0].argv == ("sh", "-c", "mv /dev/nvidia0 /dev/nvidia0.gpudoctor")


def test_a_user_who_may_not_open_the_nodes(sysroot: Sysroot) -> None:
    from tests.causes.device.test_device_node_missing_or_permission import VIDEO, with_nodes

    sysroot.write("/etc/group", f"root:x:0:\nvideo:x:{VIDEO}:\n")

    def machine(s: Sysroot) -> Machine:
        if "ann" in s.text("/etc/group"):
            return healthy.rtx3050_laptop()
        return with_nodes(driver.node("/dev/nvidiactl", 255, 195, 0o660, VIDEO, "EACCES"))

    plan = sysroot.fixed(
        "device-node-missing-or-permission", machine, Login("ann", 1000, "/home/ann", "/bin/bash")
    )
    assert plan.applicability == "unsafe" and "log out" in plan.notes[0]


# ---------------------------------------------------------------- settings


def test_persistence_mode_off(sysroot: Sysroot) -> None:
    wants = "etc/systemd/system/multi-user.target.wants/nvidia-persistenced.service"
    (sysroot.root / wants).parent.mkdir(parents=True)

    def machine(s: Sysroot) -> Machine:
        node = healthy.h100_node()
        if (s.root / wants).is_symlink():
            return node
        off = ill.with_device(node, 0, persistence=Known(False, "NVML"))
        daemon = off.driver.persistence_daemon
        assert isinstance(daemon, Known)
        stopped = Known(daemon.value.replace(running=Known(False, "/proc")), daemon.via)
        return off.replace(driver=off.driver.replace(persistence_daemon=stopped))

    sysroot.fixed("persistence-mode-off", machine)
    assert sysroot.ran[0].endswith("is-enabled nvidia-persistenced")


def test_gpu_exclusive_mode(sysroot: Sysroot) -> None:
    def machine(s: Sysroot) -> Machine:
        laptop = healthy.rtx3050_laptop()
        gpu = laptop.gpu.nvml.value.devices[0].uuid
        name = gpu.value if isinstance(gpu, Known) else str(gpu)
        said = s.text(f"/run/{name}-c").strip() or "EXCLUSIVE_PROCESS"
        mode = "default" if said == "DEFAULT" else "exclusive-process"
        return ill.with_device(laptop, 0, compute_mode=Known(mode, "NVML"))

    sysroot.write("/run/x", "")
    plan = plan_for("gpu-exclusive-mode", machine(sysroot), sysroot.port(), None)
    gpu = plan.actions[0].argv[2]
    sysroot.write(f"/run/{gpu}-c", "EXCLUSIVE_PROCESS\n")
    sysroot.fixed("gpu-exclusive-mode", machine)


def test_fabric_manager_not_needed(sysroot: Sysroot) -> None:
    wants = "etc/systemd/system/multi-user.target.wants/nvidia-fabricmanager.service"
    sysroot.write(f"/{wants}", "-> /usr/lib/systemd/system/nvidia-fabricmanager.service")
    os.utime(sysroot.root / wants, ns=(10**18, 10**18), follow_symlinks=False)

    def machine(s: Sysroot) -> Machine:
        from gpudoctor.facts.driver import Service

        laptop = healthy.rtx3050_laptop()
        if not (s.root / wants).is_symlink():
            return laptop
        stopped = Known(Service("nvidia-fabricmanager", Known("550.163.01", "x"), Known(False, "/proc")), "x")
        return laptop.replace(driver=laptop.driver.replace(fabric_manager=stopped))

    sysroot.fixed("fabric-manager-not-needed", machine)


def test_nccl_shared_memory(sysroot: Sysroot) -> None:
    sysroot.write("/run/shm", "67108864\n")

    def machine(s: Sysroot) -> Machine:
        said = s.text("/run/shm").strip()
        size = 1 << 30 if said == "1G" else int(said)
        laptop = healthy.rtx3050_laptop()
        return laptop.replace(
            host=laptop.host.replace(shm=Known(Filesystem("/dev/shm", size, size), "statvfs"))
        )

    sysroot.fixed("nccl-shared-memory", machine)


# ---------------------------------------------------------------- containers


def _first_ill(module: ModuleType, cause: str) -> tuple[Machine, str]:
    """The first machine that a cause's own tests describe as ill, and the file that the finding is about."""
    caught: list[Machine] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged, "judge", lambda machine: (caught.append(machine), judge(machine))[1])
        for name, test in vars(module).items():
            if name.startswith("test_") and not inspect.signature(test).parameters:
                test()
    for machine in caught:
        for found in judge(machine).findings:
            if found.id == cause:
                return machine, found.subject.name
    raise AssertionError(f"no ill machine of {cause}")


TOOLKIT = '#no-cgroups = false\n\n[nvidia-container-cli]\n# mine\nno-cgroups = true\nldconfig = "@/sbin/gone"\nroot = "/run/nvidia/driver"\n'
CONFIG = "/etc/nvidia-container-runtime/config.toml"


def test_container_toolkit_no_cgroups_rootful(sysroot: Sysroot) -> None:
    sysroot.write(CONFIG, TOOLKIT)

    def machine(s: Sysroot) -> Machine:
        return containers.with_toolkit(
            no_cgroups=Known("no-cgroups = true" in s.text(CONFIG), CONFIG), config_file=Known(CONFIG, CONFIG)
        )

    plan = sysroot.fixed("container-toolkit-no-cgroups-rootful", machine)
    assert plan.files[0].after == TOOLKIT.replace("no-cgroups = true", "no-cgroups = false").encode()


def test_nvidia_container_ldconfig_missing(sysroot: Sysroot) -> None:
    sysroot.write(CONFIG, TOOLKIT)

    def machine(s: Sysroot) -> Machine:
        return containers.with_toolkit(
            ldconfig=Known("@/sbin/gone", CONFIG),
            ldconfig_exists=Known("gone" not in s.text(CONFIG), CONFIG),
            config_file=Known(CONFIG, CONFIG),
        )

    plan = sysroot.fixed("nvidia-container-ldconfig-missing", machine)
    assert b'ldconfig = "@/usr/sbin/ldconfig"' in (plan.files[0].after or b"")


def test_container_runtime_config_wrong(sysroot: Sysroot) -> None:
    sysroot.write(CONFIG, TOOLKIT)

    def machine(s: Sysroot) -> Machine:
        root = "/run/nvidia/driver" if "/run/nvidia" in s.text(CONFIG) else "/"
        return containers.with_toolkit(
            driver_root=Known(root, CONFIG),
            driver_root_exists=Known(root == "/", CONFIG),
            config_file=Known(CONFIG, CONFIG),
        )

    sysroot.fixed("container-runtime-config-wrong", machine)


def test_container_cgroup_loss_predicted(sysroot: Sysroot) -> None:
    sysroot.write("/dev/nvidia0", b"")
    (sysroot.root / "dev/char").mkdir()
    (sysroot.root / "etc/udev/rules.d").mkdir(parents=True)

    def machine(s: Sysroot) -> Machine:
        links = (s.root / "dev/char/195:0").is_symlink()
        machine = containers.with_docker(cgroup_driver=Known("systemd", "docker info"))
        return machine.replace(
            containers=machine.containers.replace(
                dev_char_links=Known(True, "/dev/char") if links else Known(False, "/dev/char")
            )
        )

    plan = sysroot.fixed("container-cgroup-loss-predicted", machine)
    assert b"/usr/sbin/nvidia-ctk system create-dev-char-symlinks" in (plan.files[0].after or b"")


def test_cdi_spec_stale_and_written_again(sysroot: Sysroot) -> None:
    sysroot.write("/etc/cdi/nvidia.yaml", "cdiVersion: old\n")

    def machine(s: Sysroot) -> Machine:
        fresh = "new" in s.text("/etc/cdi/nvidia.yaml")
        return containers.with_specs(
            containers.spec() if fresh else containers.spec(missing=("/usr/lib/libcuda.so.535.1",))
        )

    plan = sysroot.fixed("cdi-spec-stale", machine)
    assert plan.actions[0].touches == ("/etc/cdi/nvidia.yaml",)


def test_cdi_spec_stale_where_nvidia_ctk_is_not_there_is_written_by_us(sysroot: Sysroot) -> None:
    """The same plan as `runtime configure podman`: of the driver's files and GPUs that are here."""
    from gpudoctor.workflows.fix import _planned
    from tests.runtimes.test_command import DRIVER, LIB

    path, gone = "/etc/cdi/nvidia.yaml", f"/{LIB}/libcuda.so.535.183.01"
    for name, content in DRIVER.items():
        if name not in ("dev/null", "etc/ld.so.cache"):
            sysroot.write(name, content)
    (sysroot.root / "etc/ld.so.cache").write_bytes(DRIVER["etc/ld.so.cache"])  # type: ignore[arg-type]
    (sysroot.root / "usr/sbin/nvidia-ctk").unlink()
    mounts = f"containerEdits:\n  mounts:\n  - hostPath: {gone}\n    containerPath: {gone}\n"
    old = f"cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: all\n  containerEdits: {{}}\n{mounts}"
    sysroot.write(path, old)

    def machine() -> Machine:
        host = containers.gpu_host()
        probed = Asking(sysroot.port(), ("containers",)).machine().containers.cdi
        return host.replace(containers=host.containers.replace(cdi=probed))

    (found,) = (f for f in judged.judgement(machine()).findings if f.id == "cdi-spec-stale")
    plan = _planned(found, machine(), See(sysroot.port(), None)).plan
    assert plan is not None and plan.recheck == ("cdi-spec-stale",) and plan.actions == ()
    assert apply(plan, sysroot.writer(), sysroot.run).state == "applied"
    assert "libcuda.so.550.163.01" in sysroot.text(path)
    assert "cdi-spec-stale" not in ids(machine())
    assert undo(sysroot.writer(), run=sysroot.run).state == "undone"
    assert sysroot.text(path) == old and "cdi-spec-stale" in ids(machine())


def test_cdi_spec_shadowed_and_conflicting_ones_go_out_of_the_way(sysroot: Sysroot) -> None:
    one, other = "/etc/cdi/nvidia.yaml", "/etc/cdi/old.yaml"
    sysroot.write(one, "a\n")
    sysroot.write(other, "b\n")

    def machine(s: Sysroot) -> Machine:
        there = [containers.spec(p) for p in (one, other) if s.text(p)]
        return containers.with_specs(*there)

    plan = sysroot.fixed("cdi-spec-conflict", machine)
    assert [c.path for c in plan.files] == [other, f"{other}.off"]


def test_cdi_spec_shadowed(sysroot: Sysroot) -> None:
    from tests.causes.containers import test_cdi_spec_shadowed as described

    machine, path = _first_ill(described, "cdi-spec-shadowed")
    sysroot.write(path, "a\n")
    sysroot.fixed("cdi-spec-shadowed", lambda s: machine if s.text(path) else containers.with_specs())


def test_cdi_spec_too_new(sysroot: Sysroot) -> None:
    from tests.causes.containers import test_cdi_spec_too_new as described

    machine, path = _first_ill(described, "cdi-spec-too-new")
    sysroot.write(path, "cdiVersion: 1.1.0\n")
    sysroot.fixed("cdi-spec-too-new", lambda s: containers.with_specs() if "new" in s.text(path) else machine)


def test_container_rootless_cgroups(sysroot: Sysroot) -> None:
    from tests.causes.containers.test_container_rootless_cgroups import rootless

    config = "/etc/nvidia-container-runtime/config.toml"
    sysroot.write(config, TOOLKIT.replace("no-cgroups = true", "no-cgroups = false"))
    ill_machine = rootless()

    def machine(s: Sysroot) -> Machine:
        toolkit = ill_machine.containers.toolkit.value  # type: ignore[union-attr]
        on = Known("no-cgroups = true" in s.text(config), config)
        changed = Known(toolkit.replace(no_cgroups=on, config_file=Known(config, config)), "x")
        return ill_machine.replace(containers=ill_machine.containers.replace(toolkit=changed))

    sysroot.fixed("container-rootless-cgroups", machine)


@pytest.mark.parametrize("rest", ["", "deb https://example.org/other /\n"])
def test_nvidia_docker_repository_retired(sysroot: Sysroot, rest: str) -> None:
    from gpudoctor.facts.containers import Repository

    path = "/etc/apt/sources.list.d/nvidia-docker.list"
    old = "https://nvidia.github.io/nvidia-docker/ubuntu20.04/amd64"
    new = Repository(
        "/etc/apt/sources.list.d/n.list:1", "https://nvidia.github.io/libnvidia-container/stable/deb/amd64"
    )
    sysroot.write(path, f"# by hand\ndeb {old} /\n{rest}")

    def machine(s: Sysroot) -> Machine:
        there = (Repository(f"{path}:2", old),) if old in s.text(path) else ()
        machine = containers.gpu_host()
        return machine.replace(
            containers=machine.containers.replace(repositories=Known((*there, new), "/etc/apt"))
        )

    plan = sysroot.fixed("nvidia-docker-repository-retired", machine)
    assert plan.files[0].after == (f"# by hand\n{rest}".encode() if rest else None)


def test_cdi_spec_unreadable(sysroot: Sysroot) -> None:
    path = "/etc/cdi/nvidia.yaml"
    sysroot.write(path, "a\n").chmod(0o600)

    def machine(s: Sysroot) -> Machine:
        open_ = bool((s.root / path[1:]).stat().st_mode & 0o004)
        spec = containers.spec(readable_by_all=Known(open_, path))
        machine = containers.with_specs(spec)
        engines = Known((containers.rootless_docker(),), "ps")
        return machine.replace(containers=machine.containers.replace(engines=engines))

    sysroot.fixed("cdi-spec-unreadable", machine)


def test_every_fix_is_graded_as_its_rule_says(sysroot: Sysroot) -> None:
    """The rule's grade is what `check` prints, the plan's what `fix` acts on."""
    sysroot.write("/usr/local/cuda", "-> /usr/local/cuda-12.1")
    found = judged.finding(_link(sysroot), "cuda-link-dangling")
    plan = plan_for("cuda-link-dangling", _link(sysroot), sysroot.port(), None)
    assert found.fix is not None and plan.applicability == found.fix.applicability
