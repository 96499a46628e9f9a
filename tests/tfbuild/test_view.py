"""Views: every layout becomes the one that the rules want, and nothing of an install is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.tfbuild import rcblock, view
from tests.tfbuild import stubs, trees


def test_the_runfile(tmp_path: Path) -> None:
    layout = view.cuda_layout(str(stubs.cuda(tmp_path)))
    assert layout.kind == "lib64" and len(layout.notes) == 2
    assert view.missing(view.cuda_links(layout, None)) == ()


def test_a_plain_one_needs_none(tmp_path: Path) -> None:
    layout = view.cuda_layout(str(stubs.cuda(tmp_path, "lib", extras=False)))
    assert layout.kind == "plain" and layout.notes == ()


def test_debians_split(tmp_path: Path) -> None:
    """/usr: CUDA's parts between everything else; cuDNN beside, below the triple."""
    stubs.cuda(tmp_path / "all", "lib", extras=False)
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "all/include").rename(tmp_path / "usr/include")
    (tmp_path / "all/lib").rename(tmp_path / "usr/lib/x86_64-linux-gnu")
    (tmp_path / "all/bin").rename(tmp_path / "usr/bin")
    (tmp_path / "all/nvvm").rename(tmp_path / "usr/nvvm")
    for name in ("cudnn.h", "stdio.h"):
        trees.put(tmp_path / "usr", f"include/{name}", "")
    for name in ("libcudnn.so.9", "libc.so.6", "libm.so.6", "libz.so.1"):
        trees.put(tmp_path / "usr", f"lib/x86_64-linux-gnu/{name}", "")
    layout = view.cuda_layout(str(tmp_path / "usr"))
    assert layout.kind == "split"
    cudnn = view.cudnn_layout(str(tmp_path / "usr"))
    assert cudnn.kind == "split"
    assert set(view.cudnn_links(cudnn)) == {"include/cudnn.h", "lib/libcudnn.so.9"}
    assert "lib/libcudnn.so.9" not in view.cuda_links(layout, cudnn)


def test_pips_wheels(tmp_path: Path) -> None:
    nvidia = tmp_path / "nvidia"
    for part, header, library in (
        ("cuda_runtime", "cuda.h", "libcudart.so.12"), ("cublas", "cublas.h", "libcublas.so.12"), ("cuda_cupti", "cupti.h", "libcupti.so.12"),
        ("cudnn", "cudnn.h", "libcudnn.so.9"), ("cuda_nvcc", "fatbinary_section.h", ""),
    ):  # fmt: skip
        trees.put(nvidia, f"{part}/include/{header}", "")
        trees.put(nvidia, f"{part}/include/__init__.py", "")
        if library:
            trees.put(nvidia, f"{part}/lib/{library}", "")
    trees.put(nvidia, "cuda_nvcc/nvvm/libdevice/libdevice.10.bc", "BC")
    trees.put(nvidia, "cuda_nvcc/bin/ptxas", "")
    made = view.cuda_links(view.cuda_layout(str(nvidia)), view.cudnn_layout(str(nvidia)))
    assert {"include/cuda.h", "include/cupti.h", "lib/libcublas.so.12", "nvvm", "bin/ptxas"} <= set(made)
    assert not any("cudnn" in name for name in made)
    assert "nvcc (bin/nvcc)" in view.missing(made)
    assert view.cudnn_links(view.cudnn_layout(str(nvidia)))["include/cudnn.h"] == str(
        nvidia / "cudnn/include/cudnn.h"
    )


def test_folders_of_one_name_are_merged_and_different_files_refused(tmp_path: Path) -> None:
    cuda = stubs.cuda(tmp_path)
    trees.put(cuda, "extras/CUPTI/include/cub/more.h", "")
    made = view.cuda_links(view.cuda_layout(str(cuda)), None)
    assert {"include/cub/cub.h", "include/cub/more.h"} <= set(made)
    trees.put(cuda, "extras/CUPTI/include/cuda_runtime.h", "another")
    with pytest.raises(GpudoctorError, match=r"cuda_runtime\.h"):
        view.cuda_links(view.cuda_layout(str(cuda)), None)


def test_a_view_is_replaced_as_a_whole(tmp_path: Path) -> None:
    cuda = stubs.cuda(tmp_path / "cuda")
    before = trees.snapshot(cuda)
    folder = str(tmp_path / "view")
    made = view.cuda_links(view.cuda_layout(str(cuda)), None)
    view.make(folder, {**made, "lib/old": "/nowhere"})
    view.make(folder, made)
    assert not (tmp_path / "view/lib/old").is_symlink() and (tmp_path / "view/lib/libcupti.so.12").exists()
    assert trees.snapshot(cuda) == before


def test_what_is_no_cuda(tmp_path: Path) -> None:
    assert view.cuda_layout(str(tmp_path)).kind == "unknown"
    assert view.cudnn_layout(str(tmp_path)).kind == "unknown"
    assert view.nccl_layout(str(tmp_path)).kind == "unknown"


def test_a_block_of_ours_in_a_users_file() -> None:
    first = rcblock.with_block("build --mine", ["build --a"])
    assert first == "build --mine\n# gpudoctor: begin build-tf\nbuild --a\n# gpudoctor: end build-tf\n"
    assert rcblock.with_block(first + "build --later\n", ["build --b"]).count("begin") == 1
    assert rcblock.without_block(first) == "build --mine\n"
    with pytest.raises(GpudoctorError, match="damaged"):
        rcblock.without_block(first.replace("# gpudoctor: end build-tf\n", ""))
