"""Remedies for the driver's causes."""

from __future__ import annotations

import re

from gpudoctor import knowledge
from gpudoctor.findings import Fix
from gpudoctor.logs.remedies import _wheels
from gpudoctor.logs.told import Told
from gpudoctor.versions import branch, major


def driver_too_old_for_runtime(told: Told) -> Fix | None:
    found = re.search(r"found version (\d{4,5})\)", told.text)
    limit = f"{int(found[1]) // 1000}.{int(found[1]) % 1000 // 10}" if found else _wheels.ceiling(told)
    version = _wheels.torch(told)
    wanted = _wanted(told, version)
    if not limit and not wanted:
        return None
    number = told.driver or (str(told.driver_branch) if told.driver_branch else "")
    has = f"driver {number} runs CUDA up to {limit}" if number else f"this driver runs CUDA up to {limit}"
    ways, commands = [], []
    if wanted:
        least = _least(wanted, told)
        name = f"torch {version}" if version else "the build"
        has = f"{has}, {name} needs {wanted}" if limit else f"{name} needs CUDA {wanted}"
        if least:
            ways.append(f"update the driver to {least} or newer")
    elif limit:
        ways.append(
            f"update the driver (all builds for CUDA 12 run from {_least('12.0', told)} on, for CUDA 13 from 580 on)"
        )
    variant = next(_wheels.variants(version, limit), "") if version and limit else ""
    if variant:
        ways.append(f"install the {variant} wheel of the same release")
        commands.append(_wheels.install(version, variant, told))
    elif limit:
        ways.append(f"install a build for CUDA {limit} or older")
    return Fix(f"{has[0].upper()}{has[1:]}: {', or '.join(ways)}", tuple(commands))


def _wanted(told: Told, version: str) -> str:
    if told.torch_cuda:
        return ".".join(told.torch_cuda.split(".")[:2])
    local = re.search(r"\+cu(\d+)", told.packages.get("torch", ""))
    if local:
        return f"{local[1][:-1]}.{local[1][-1]}"
    row = knowledge.torch_build(version) if version else None
    return ".".join(row.cuda.split(".")[:2]) if row and row.cuda else ""


def _least(cuda: str, told: Told) -> str:
    row = knowledge.driver_minimum(cuda, "windows" if told.windows else "linux")
    return (row.compatible or row.full or "") if row else ""


def driver_library_mismatch(told: Told) -> Fix | None:
    library = re.search(
        r"NVML library version: (\d{3}\.\d+(?:\.\d+)?)|client has the version (\d{3}\.\d+(?:\.\d+)?)|client .{0,40}version (\d{3}\.[\d.]*\d)",
        told.text,
    )
    kernel = re.search(
        r"kernel module (?:has the |has )?version (\d{3}\.\d+(?:\.\d+)?)|NVRM version: .{0,60}? (\d{3}\.\d+(?:\.\d+)?) ",
        told.text,
    )
    ours = next((g for g in library.groups() if g), "") if library else ""
    theirs = next((g for g in kernel.groups() if g), "") if kernel else ""
    both = (
        f"The kernel runs {theirs}, the libraries are {ours}: "
        if ours and theirs
        else f"The libraries are {ours}, the kernel runs another: "
        if ours
        else ""
    )
    return Fix(
        f"{both}{'reboot' if both else 'Reboot'}, so that the module that belongs to the libraries is loaded (or stop what uses the GPU and reload it). "
        "Then hold the driver's packages, so that they are not upgraded under a running machine. If it survives the reboot, two "
        "installations are there: remove one (`sudo nvidia-uninstall` for one from a .run file)",
        ("sudo reboot",),
    )


def dkms_build_failed(told: Told) -> Fix | None:
    driver = re.search(r"nvidia[/-](\d{3}\.\d+(?:\.\d+)?)", told.text)
    kernel = re.search(
        r"(?:for|on) kernel:? ?(\d+\.\d+[\w.+~-]*)|-k (\d+\.\d+[\w.+~-]*)|for target kernel (\d+\.\d+[\w.+~-]*)",
        told.text,
    )
    if driver is None or kernel is None:
        return None
    on = next(g for g in kernel.groups() if g).rstrip(".")
    last = 470 if branch(driver[1]) <= 470 else 0
    older = (
        f"Driver {driver[1]} does not compile for kernel {on}: boot an older kernel (a long-term one), "
        + (
            "take the distribution's patched package of that branch"
            if last
            else "or install a newer driver, which knows this kernel"
        )
    )
    return Fix(
        f"{older}; /var/lib/dkms/nvidia/{driver[1]}/build/make.log names the line that fails",
        (
            f"sudo dkms remove nvidia/{driver[1]} -k {on}",
            f"sudo dkms install nvidia/{driver[1]} -k {on}   # after the headers or the driver have changed",
        ),
    )


def kernel_module_not_loaded(told: Told) -> Fix | None:
    running = re.search(
        r"^Linux \S+ (\d+\.\d+\.\d+\S*) #|uname -r\n(\d+\.\d+\.\d+\S*)$|not found in directory /lib/modules/(\S+?)['\"]?$",
        told.text,
        re.M,
    )
    built = re.findall(
        r"/lib/modules/(\d+\.\d+\.\d+[^/\s]*)/\S*nvidia\S*\.ko|^nvidia[/,] ?[\d.]+, (\d+\.\d+\S*?), ",
        told.text,
        re.M,
    )
    if running is None:
        return None
    kernel = next(g for g in running.groups() if g)
    others = sorted({a or b for a, b in built} - {kernel})
    if not others and kernel in {a or b for a, b in built}:
        return None
    there = f" (there is one for {', '.join(others[-2:])})" if others else ""
    debian = told.has("ubuntu", "debian", "apt", "generic")
    commands = [f"sudo apt-get install linux-headers-{kernel}"] if debian else []
    boot = f", or boot {others[-1]}" if others else ""
    return Fix(
        f"No NVIDIA module is there for the running kernel {kernel}{there}: install its headers and build the module for it with DKMS{boot}",
        (*commands, f"sudo dkms autoinstall -k {kernel}", "sudo modprobe nvidia"),
    )


def forward_compat_unsupported(told: Told) -> Fix | None:
    number = branch(told.driver) if told.driver else told.driver_branch
    row = knowledge.branch_cuda(number) if number else None
    if row is None:
        return None
    shown = told.driver_cuda
    front = (
        f", and nvidia-smi shows {shown}: a cuda-compat libcuda of CUDA {shown} stands in front"
        if shown and shown != row.cuda
        else ""
    )
    newer = f"update the driver to the branch of CUDA {shown}" if front else "update the driver"
    return Fix(
        f"Driver {told.driver or number} has CUDA {row.cuda}{front}. Take the compat folder out of LD_LIBRARY_PATH (or uninstall "
        f"cuda-compat) and use builds for CUDA {major(row.cuda)}, or {newer}",
        ("ldconfig -p | grep libcuda.so.1", "echo $LD_LIBRARY_PATH"),
    )


def ptx_newer_than_driver(told: Told) -> Fix | None:
    cuda = told.nvcc
    row = knowledge.driver_minimum(cuda, "windows" if told.windows else "linux") if cuda else None
    if row is None or not (row.full or row.branch):
        return None
    limit = _wheels.ceiling(told)
    has = f"; driver {told.driver} has CUDA {limit}" if told.driver and limit else ""
    gpu = _architecture(told)
    native = (
        f", or build machine code for this GPU (-gencode arch=compute_{gpu},code=sm_{gpu}), so that no PTX has to be compiled"
        if gpu
        else ", or build machine code for the GPU, so that no PTX has to be compiled"
    )
    return Fix(
        f"PTX of CUDA {cuda} needs driver {row.full or row.branch} or newer{has}: update the driver, or build with CUDA {limit or 'of the driver'}{native}"
    )


def _architecture(told: Told) -> str:
    from gpudoctor.logs.hearsay.gpu import capability_of

    return capability_of(told.gpus[0]).replace(".", "") if len(told.gpus) == 1 else ""


def nouveau_active(told: Told) -> Fix | None:
    nova = told.has("novacore", "nova_core", "nova-core")
    names = ("nova_core", "nova_drm", "nouveau") if nova else ("nouveau",)
    lines = "\\n".join(f"blacklist {name}" for name in names) + "\\noptions nouveau modeset=0\\n"
    rebuild = (
        "sudo dracut --force"
        if told.has("fedora", "rhel", "centos", "rocky", "suse")
        else "sudo mkinitcpio -P"
        if told.has("arch linux", "-arch", "manjaro")
        else "sudo update-initramfs -u"
    )
    return Fix(
        f"Blacklist {' and '.join(names)}, rebuild the initramfs so that it holds from the start of boot, reboot",
        (f"printf '{lines}' | sudo tee /etc/modprobe.d/blacklist-nouveau.conf", rebuild, "sudo reboot"),
    )


def uvm_not_working(told: Told) -> Fix | None:
    if told.wsl or told.windows:
        return None
    return Fix(
        "Stop what uses the GPU and load the driver's memory module anew (or reboot). If it comes after a suspend: "
        "NVreg_PreserveVideoMemoryAllocations=1 and the services nvidia-suspend and nvidia-resume. If the node is missing: the "
        "second command. In a container: start it again",
        ("sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm", "sudo nvidia-modprobe -c 0 -u"),
    )


def gpu_init_failed(told: Told) -> Fix | None:
    blackwell = re.search(r"10de:(?:2[b-f]|3)[0-9a-f]{2}\b|RTX 50\d0|RTX PRO|B200|GB200", told.text, re.I)
    flavour = (
        " Blackwell needs the open kernel modules: install the driver's -open package." if blackwell else ""
    )
    return Fix(
        f"Switch the machine off completely (mains too) and on again; in the BIOS switch on Above 4G Decoding and Resizable BAR.{flavour} "
        "For a missing firmware install the driver's firmware package. If it stays: power plugs and seat, a newer BIOS and driver, another slot",
        ("sudo dmesg | grep -E 'NVRM|nvidia' | tail -30",),
    )


def gpu_fell_off_bus(told: Told) -> Fix | None:
    return Fix(
        "Reboot; if the GPU stays away, switch the machine off and on. Then find out why: temperature and power when it happened, "
        "plugs, power supply, seat and riser, the slot's PCIe generation and power saving (ASPM) in the BIOS, a newer BIOS. If it stays "
        "with lower clocks (the second command), it is power or heat; if it happens in every slot, the card",
        ("sudo reboot", "sudo nvidia-smi -lgc 210,1200   # taken back by: sudo nvidia-smi -rgc"),
    )


def nvlink_fabric_manager(told: Told) -> Fix | None:
    if not told.driver:
        return None
    number = branch(told.driver)
    return Fix(
        f"Install the Fabric Manager {told.driver}, the driver's own version, and start it; on HGX B200 and later, where it runs and "
        'the state stays "in progress", load the InfiniBand modules (mlx5_ib, ib_umad) first',
        (
            f"sudo apt-get install 'nvidia-fabricmanager-{number}={told.driver}*'",
            "sudo systemctl enable --now nvidia-fabricmanager",
        ),
    )
