"""Toolkits for sysroots: ELF files that say a CUDA version as the real ones do, and the files around them."""

from __future__ import annotations

import struct


def program(version: str) -> bytes:
    """A 64-bit ELF file whose .rodata says a CUDA version (it cannot be run)."""
    release = ".".join(version.split(".")[:2])
    said = f"xx\0Cuda compilation tools, release {release}, V{version}\nBuild cuda_{release}\0".encode()
    names = b"\0.text\0.rodata\0.shstrtab\0"
    head = 64
    table = head + len(said) + len(names)
    sections = [
        struct.pack("<IIQQQQIIQQ", *([0] * 10)),
        struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, head, 0, 0, 0, 0, 0),
        struct.pack("<IIQQQQIIQQ", 7, 1, 0, 0, head, len(said), 0, 0, 0, 0),
        struct.pack("<IIQQQQIIQQ", 15, 3, 0, 0, head + len(said), len(names), 0, 0, 0, 0),
    ]
    header = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    header += struct.pack("<HHIQQQIHHHHHH", 2, 0x3E, 1, 0, 0, table, 0, 64, 0, 0, 64, len(sections), 3)
    return header + said + names + b"".join(sections)


def host_config(gcc: int, clang: int) -> str:
    """The lines of crt/host_config.h that stop nvcc, as CUDA 12.4's are (see the parser's page for the real thing)."""
    return (
        f"#if __GNUC__ > {gcc}\n\n"
        f"#error -- unsupported GNU version! gcc versions later than {gcc} are not supported! The nvcc flag ...\n\n"
        f"#endif /* __GNUC__ > {gcc} */\n\n"
        f"#if (__clang_major__ >= {clang + 1}) || (__clang_major__ < 3) || "
        "((__clang_major__ == 3) &&  (__clang_minor__ < 3))\n"
        f"#error -- unsupported clang version! clang version must be less than {clang + 1} and greater than 3.2 .\n"
    )


def files(prefix: str, version: str, gcc: int = 13, lib: str = "lib64") -> dict[str, bytes | str]:
    """What a runfile puts under `prefix`, as far as anyone looks."""
    major, minor = version.split(".")[:2]
    elf = program(version)
    return {
        **{f"{prefix}/bin/{name}": elf for name in ("nvcc", "ptxas", "nvlink", "fatbinary", "cudafe++")},
        f"{prefix}/include/crt/host_config.h": host_config(gcc, gcc + 4),
        f"{prefix}/include/cuda_runtime_api.h": f"#define CUDART_VERSION  {major}0{minor}0\n",
        f"{prefix}/nvvm/libdevice/libdevice.10.bc": b"BC",
        f"{prefix}/nvvm/lib64/libnvvm.so": b"",
        f"{prefix}/{lib}/libcudart.so": b"",
        f"{prefix}/{lib}/stubs/libcuda.so": b"",
        f"{prefix}/extras/CUPTI/lib64/libcupti.so": b"",
    }
