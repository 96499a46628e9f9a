"""The fatbin reader: on files that the real nvcc made, on broken ones, and on images put together by hand."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from gpudoctor.facts.frameworks import Cubin, Ptx
from gpudoctor.facts.observed import value_of
from gpudoctor.parsers import fatbin

NVCC = shutil.which("nvcc") or next((str(p) for p in Path("/usr/local").glob("cuda*/bin/nvcc")), None)
A, F = fatbin.ARCH_SPECIFIC, fatbin.FAMILY_SPECIFIC


def entry(kind: int, architecture: int, flags: int = 0, isa: int = 0, header: int = 64) -> bytes:
    payload = b"\xee" * 24
    fields = struct.pack("<HHIQQIIQI", kind, 0x101, header, len(payload), 0, isa, architecture, 0, flags)
    return fields.ljust(header, b"\0") + payload


def container(*entries: bytes) -> bytes:
    inner = b"".join(entries)
    return struct.pack("<IHHQ", fatbin.MAGIC, 1, 16, len(inner)) + inner


def elf(fatbins: bytes, section: bytes = b".nv_fatbin") -> bytes:
    names = b"\0" + section + b"\0.shstrtab\0"
    row = struct.Struct("<IIQQQQIIQQ")
    at = 64 + len(fatbins)
    rows = (
        row.pack(*([0] * 10))
        + row.pack(1, 1, 0, 0, 64, len(fatbins), 0, 0, 8, 0)
        + row.pack(len(section) + 2, 3, 0, 0, at, len(names), 0, 0, 1, 0)
    )
    head = b"\x7fELF\x02\x01\x01".ljust(0x28, b"\0") + struct.pack(
        "<QIHHHHHH", at + len(names), 0, 64, 0, 0, 64, 3, 2
    )
    return head.ljust(64, b"\0") + fatbins + names + rows


def test_cubins_ptx_variants_and_isa() -> None:
    image = elf(
        container(entry(2, 75), entry(2, 90, A), entry(2, 100, F, header=112), entry(1, 120, isa=0x80007))
    )
    targets = fatbin.read_bytes(image, "libx.so")
    assert targets.cubins == (Cubin("7.5"), Cubin("9.0", "a"), Cubin("10.0", "f"))
    assert targets.ptx == (Ptx("12.0", "", "8.7"),)
    assert (targets.via, targets.library, targets.containers) == ("fatbin", "libx.so", 1)


def test_serving_counts_containers_by_the_rule_of_minors_and_variants() -> None:
    image = elf(
        container(entry(2, 80), entry(2, 86))
        + container(entry(2, 80))
        + container(entry(2, 86))
        + container(entry(2, 90, A))
        + container(entry(2, 100, F))
        + container(entry(1, 52, isa=0x80002))
    )
    targets = fatbin.read_bytes(image)
    assert targets.containers == 6
    # 9.1 is no GPU; its row keeps a 9.0a cubin from being counted for later minors.
    assert value_of(targets.serving, {}) == {
        "8.0": 2, "8.6": 3, "9.0": 1, "9.1": 0, "10.0": 1, "10.1": 1,
    }  # fmt: skip


def test_relocatable_device_code_counts_too() -> None:
    image = elf(container(entry(2, 70)), b"__nv_relfatbin")
    assert fatbin.read_bytes(image).cubins == (Cubin("7.0"),)


def test_a_library_without_gpu_code_has_no_targets() -> None:
    targets = fatbin.read_bytes(elf(b"", b".text"))
    assert (targets.cubins, targets.ptx, targets.containers) == ((), (), 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n" * 20,
        elf(b"\x11" * 64),
        elf(container(entry(2, 80))[:-8]),
        elf(container(entry(2, 80)[:-8])),
        elf(container(entry(2, 80, header=8))),
    ],
    ids=["empty", "magic only", "script", "garbage", "cut container", "cut entry", "small header"],
)
def test_what_is_broken_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        fatbin.read_bytes(data)


def test_every_truncation_is_a_value_error_or_a_smaller_truth() -> None:
    """Wherever a download was cut: never another exception, never a target that the whole file lacks."""
    whole = elf(container(entry(2, 80), entry(1, 90, isa=0x80000)) * 2)
    everything = set(fatbin.read_bytes(whole).cubins)
    for length in range(len(whole)):
        try:
            assert set(fatbin.read_bytes(whole[:length]).cubins) <= everything
        except ValueError:
            pass


def test_every_flipped_byte_is_survived() -> None:
    whole = bytearray(elf(container(entry(2, 80), entry(1, 90, isa=0x80000))))
    for at in range(len(whole)):
        broken = bytes(whole[:at]) + b"\xff" + bytes(whole[at + 1 :])
        try:
            fatbin.read_bytes(broken)
        except ValueError:
            pass


@pytest.mark.slow
@pytest.mark.skipif(NVCC is None or shutil.which("g++") is None, reason="needs nvcc and g++")
def test_what_the_real_nvcc_was_told_to_build_is_read_back(tmp_path: Path) -> None:
    assert NVCC is not None
    listed = subprocess.run(
        [NVCC, "--list-gpu-code"], capture_output=True, text=True, timeout=60
    ).stdout.split()
    plain = [name[3:] for name in listed if name.startswith("sm_") and name[3:].isdigit()]
    targets = [*plain, *(f"{n}a" for n in plain if int(n) >= 90), *(f"{n}f" for n in plain if int(n) >= 100)]
    source = tmp_path / "k.cu"
    source.write_text("__global__ void k(float *x) { x[threadIdx.x] *= 2; }\n")
    for target in targets:
        out = tmp_path / f"{target}.so"
        command = [NVCC, "-shared", "-Xcompiler", "-fPIC", "-cudart", "none", "-o", str(out), str(source)]
        done = subprocess.run(
            [*command, "-gencode", f"arch=compute_{target},code=[sm_{target},compute_{target}]"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        with out.open("rb") as file:
            found = fatbin.read(file)
        number, variant = (target, "") if target.isdigit() else (target[:-1], target[-1])
        want = f"{number[:-1]}.{number[-1]}"
        assert [(c.capability, c.variant) for c in found.cubins] == [(want, variant)], target
        assert [(p.capability, p.variant) for p in found.ptx] == [(want, variant)], target
        assert all(p.isa for p in found.ptx)
