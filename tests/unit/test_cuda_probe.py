"""Toolkits, selections and compilers on small root file systems, and on this machine's own toolkit."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from gpudoctor.facts.cuda import Cuda, HostCompiler, Selection, Tool, Toolkit
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.probes import cuda, cuda_build
from gpudoctor.system.live import Live
from gpudoctor.system.port import Options, Port
from gpudoctor.system.root import Root
from tests import sysroot, toolkits

PATH = "/usr/local/bin:/usr/bin:/bin"


def looked(port: Port) -> Cuda:
    return Cuda(**{name: probe(port) for name, probe in cuda.FIELDS.items()})


def under(root: Path, files: dict[str, bytes | str], **env: str) -> Cuda:
    folder = sysroot.build(root, files)
    for path in files:
        host = root / path.lstrip("/")
        if "/bin/" in path and not host.is_symlink():
            os.chmod(host, 0o755)
    return looked(Root(folder, env={"PATH": PATH, **env}))


def kits(said: Cuda) -> dict[str, Toolkit]:
    assert isinstance(said.toolkits, Known)
    return {kit.prefix: kit for kit in said.toolkits.value}


def selection(said: Cuda, selector: str) -> Selection:
    assert isinstance(said.selections, Known)
    return next(s for s in said.selections.value if s.selector == selector)


def selectors(said: Cuda) -> set[str]:
    assert isinstance(said.selections, Known)
    return {s.selector for s in said.selections.value}


def test_two_toolkits_and_a_stale_link(tmp_path: Path) -> None:
    files = {
        **toolkits.files("/usr/local/cuda-12.4", "12.4.131"),
        **toolkits.files("/usr/local/cuda-11.8", "11.8.89", gcc=11),
        "/usr/local/cuda": "-> /etc/alternatives/cuda",
        "/etc/alternatives/cuda": "-> /usr/local/cuda-12.1",
    }
    said = under(tmp_path, files, PATH=f"/usr/local/cuda-12.4/bin:{PATH}")
    found = kits(said)
    assert set(found) == {"/usr/local/cuda-12.4", "/usr/local/cuda-11.8"}
    kit = found["/usr/local/cuda-12.4"]
    assert value_of(kit.release, "") == "12.4" and value_of(kit.version, "") == "12.4.131"
    limits = kit.limits
    assert isinstance(limits, Known) and limits.value.gcc_max == 13
    assert kit.library_dirs == ("lib64",)
    assert isinstance(kit.libdevice, Known) and isinstance(kit.stubs, Known) and isinstance(kit.cupti, Known)
    assert selection(said, "PATH").prefix == Known("/usr/local/cuda-12.4", "/usr/local/cuda-12.4/bin/nvcc")
    assert selection(said, "/usr/local/cuda").prefix == Absent("/usr/local/cuda-12.1 does not exist")


def test_a_toolkit_is_listed_once_by_its_real_name(tmp_path: Path) -> None:
    files = {**toolkits.files("/usr/local/cuda-12.4", "12.4.131"), "/usr/local/cuda": "-> cuda-12.4"}
    said = under(tmp_path, files, PATH=f"/usr/local/cuda/bin:{PATH}", CUDA_HOME="/usr/local/cuda")
    assert set(kits(said)) == {"/usr/local/cuda-12.4"}
    home = selection(said, "CUDA_HOME")
    assert value_of(home.prefix, "") == "/usr/local/cuda-12.4"
    assert home.through == ("/usr/local/cuda -> /usr/local/cuda-12.4",)


def test_debians_split_package(tmp_path: Path) -> None:
    """nvidia-cuda-toolkit: a wrapper in /usr/bin, programs and a gcc of its own apart, headers in /usr/include."""
    real = "/usr/lib/nvidia-cuda-toolkit"
    files: dict[str, bytes | str] = {
        "/usr/bin/nvcc": f'#!/bin/sh\nexec {real}/bin/nvcc "$@"\n',
        f"{real}/bin/nvcc": toolkits.program("11.8.89"),
        f"{real}/bin/ptxas": toolkits.program("11.8.89"),
        f"{real}/bin/gcc": "-> /usr/bin/x86_64-linux-gnu-gcc-11",
        f"{real}/libdevice/libdevice.10.bc": b"BC",
        "/usr/bin/x86_64-linux-gnu-gcc-11": b"\x7fELF",
        "/usr/bin/g++": "-> x86_64-linux-gnu-g++-12",
        "/usr/bin/x86_64-linux-gnu-g++-12": b"\x7fELF",
        "/usr/include/cuda_runtime_api.h": "#define CUDART_VERSION  11080\n",
        "/usr/include/crt/host_config.h": toolkits.host_config(11, 14),
        "/usr/lib/x86_64-linux-gnu/libcudart.so": b"",
    }
    said = under(tmp_path, files)
    kit = kits(said)[real]
    assert kit.origin == "distribution" and value_of(kit.release, "") == "11.8"
    assert all(isinstance(part, Known) for part in (kit.headers, kit.cudart, kit.libdevice, kit.limits))
    chosen = selection(said, "PATH")
    assert value_of(chosen.prefix, "") == real
    assert chosen.through == (f"/usr/bin/nvcc runs {real}/bin/nvcc",)
    assert isinstance(said.compilers, Known)
    assert [(c.selected_by, value_of(c.version, "")) for c in said.compilers.value] == [
        ("beside nvcc", "11"),
        ("PATH g++", "12"),
    ]


def test_a_conda_environment(tmp_path: Path) -> None:
    files = {
        **toolkits.files("/opt/conda/envs/ml", "12.4.131", lib="lib"),
        "/opt/conda/envs/ml/conda-meta/cuda-nvcc-12.4.131-0.json": "{}",
    }
    said = under(tmp_path, files, PATH=f"/opt/conda/envs/ml/bin:{PATH}", CONDA_PREFIX="/opt/conda/envs/ml")
    assert kits(said)["/opt/conda/envs/ml"].origin == "conda"
    assert value_of(selection(said, "torch").prefix, "") == "/opt/conda/envs/ml"


def test_a_wheel_and_tritons_own_ptxas(tmp_path: Path) -> None:
    """nvidia-cuda-nvcc-cu12 has ptxas and libdevice, and no nvcc: it is a toolkit that nobody selects."""
    site = "/venv/lib/python3.11/site-packages"
    files: dict[str, bytes | str] = {
        f"{site}/nvidia/cuda_nvcc/bin/ptxas": toolkits.program("12.8.93"),
        f"{site}/nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc": b"BC",
        f"{site}/triton/backends/nvidia/bin/ptxas": toolkits.program("12.4.131"),
    }
    said = under(tmp_path, files, VIRTUAL_ENV="/venv")
    kit = kits(said)[f"{site}/nvidia/cuda_nvcc"]
    assert kit.origin == "wheel" and value_of(kit.release, "") == "12.8"
    assert isinstance(said.tools_on_path, Known)
    (tool,) = said.tools_on_path.value
    assert (tool.selected_by, value_of(tool.version, "")) == (f"triton in {site}", "12.4.131")
    assert selectors(said) == set()
    assert isinstance(said.libdevices, Known)
    found = {one.site: one.paths for one in said.libdevices.value}
    assert found[site] == (f"{site}/nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc",)


def test_runfile_prefixes_elsewhere_are_found_through_what_points_at_them(tmp_path: Path) -> None:
    """One variable points to cuda1204; cuda1206 beside it is found too, and a folder that merely lies there is not."""
    files = {
        **toolkits.files("/home/u/instdir/cuda1204", "12.4.131"),
        **toolkits.files("/home/u/instdir/cuda1206", "12.6.85"),
        "/home/u/instdir/cudnn0910/include/cudnn.h": "",
        **toolkits.files("/data/cuda1108", "11.8.89"),
    }
    said = under(tmp_path, files, LD_LIBRARY_PATH="/home/u/instdir/cuda1204/lib64")
    assert set(kits(said)) == {"/home/u/instdir/cuda1204", "/home/u/instdir/cuda1206"}
    assert selectors(said) == set()


def test_the_loaders_configuration_points_too(tmp_path: Path) -> None:
    files = {
        **toolkits.files("/data/cuda1204", "12.4.131"),
        "/etc/ld.so.conf.d/cuda.conf": "# ours\n/data/cuda1204/targets/x86_64-linux/lib\n",
    }
    assert set(kits(under(tmp_path, files))) == {"/data/cuda1204"}


def test_a_nix_store_path(tmp_path: Path) -> None:
    store = "/nix/store/abc-cuda_nvcc-12.4.131"
    files: dict[str, bytes | str] = {
        f"{store}/bin/nvcc": toolkits.program("12.4.131"),
        "/run/current-system/sw/bin/nvcc": f"-> {store}/bin/nvcc",
        "/run/systemd/x": "",
    }
    said = under(tmp_path, files, PATH="/run/current-system/sw/bin")
    assert kits(said)[store].origin == "nix"
    assert value_of(selection(said, "PATH").prefix, "") == store


def test_version_files_speak_where_the_programs_do_not(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/usr/local/cuda-12.4/version.json": '{"cuda": {"version": "12.4.1"}, "cuda_nvcc": {"version": "12.4.131"}}',
        "/usr/local/cuda-10.1/version.txt": "CUDA Version 10.1.243\n",
        "/opt/cuda/bin/nvcc": b"not a program",
        "/opt/cuda/include/cuda_runtime_api.h": "#define CUDART_VERSION  13000\n",
        "/opt/cuda-garbage/bin/nvcc": b"",
    }
    found = kits(under(tmp_path, files))
    assert value_of(found["/usr/local/cuda-12.4"].version, "") == "12.4.131"
    assert value_of(found["/usr/local/cuda-10.1"].release, "") == "10.1"
    assert value_of(found["/opt/cuda"].release, "") == "13.0"
    assert isinstance(found["/opt/cuda-garbage"].release, Unknown)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (":/usr/local/cuda-12.4", "':/usr/local/cuda-12.4' is no absolute path"),
        ("/usr/local/cuda-12.1", "/usr/local/cuda-12.1 does not exist"),
        ("/usr/local/share", "/usr/local/share holds no bin/nvcc"),
    ],
)
def test_a_cuda_home_that_leads_nowhere_says_where_it_stops(tmp_path: Path, value: str, why: str) -> None:
    files = {**toolkits.files("/usr/local/cuda-12.4", "12.4.131"), "/usr/local/share/man": ""}
    said = under(tmp_path, files, CUDA_HOME=value)
    assert selection(said, "CUDA_HOME").prefix == Absent(why)


def test_a_cuda_path_of_headers_alone_is_a_use_of_its_own(tmp_path: Path) -> None:
    """CuPy's way: CUDA_PATH at the wheel with the runtime's headers. It leads to no toolkit, and is no mistake."""
    wheel = "/venv/lib/python3.11/site-packages/nvidia/cuda_runtime"
    said = under(tmp_path, {f"{wheel}/include/cuda_runtime_api.h": ""}, CUDA_PATH=wheel)
    assert value_of(selection(said, "CUDA_PATH").prefix, "") == wheel
    assert kits(said) == {}


def test_windows_folders_are_not_searched_on_wsl(tmp_path: Path) -> None:
    nvcc = "/mnt/c/Program Files/NVIDIA GPU Computing Toolkit/CUDA/v12.4/bin"
    files: dict[str, bytes | str] = {f"{nvcc}/nvcc": toolkits.program("12.4.131")}
    assert "PATH" in selectors(under(tmp_path / "linux", files, PATH=nvcc))
    assert "PATH" not in selectors(
        under(tmp_path / "wsl", {**files, "/usr/lib/wsl/lib/libcuda.so.1": b""}, PATH=nvcc)
    )


def test_wrappers_that_end_nowhere_and_wrappers_that_loop(tmp_path: Path) -> None:
    gone = under(tmp_path / "gone", {"/usr/bin/nvcc": '#!/bin/sh\nexec /usr/local/cuda-9.0/bin/nvcc "$@"\n'})
    assert selection(gone, "PATH").prefix == Absent("/usr/local/cuda-9.0/bin/nvcc does not exist")
    loop = under(tmp_path / "loop", {"/usr/bin/nvcc": '#!/bin/sh\nexec /usr/bin/nvcc "$@"\n'})
    assert selection(loop, "PATH").prefix == Absent("/usr/bin/nvcc leads back to itself")
    dangling = under(tmp_path / "link", {"/usr/bin/nvcc": "-> /opt/cuda/bin/nvcc"})
    assert selection(dangling, "PATH").prefix == Absent("/opt/cuda/bin/nvcc does not exist")


def test_a_wrapper_that_does_more_is_not_guessed(tmp_path: Path) -> None:
    said = under(tmp_path, {"/usr/bin/nvcc": '#!/bin/sh\nexec "$(pick-cuda)/bin/nvcc" "$@"\n'})
    assert isinstance(selection(said, "PATH").prefix, Unknown)


def test_ccache_in_front_runs_the_next_one(tmp_path: Path) -> None:
    files = {
        **toolkits.files("/usr/local/cuda-12.4", "12.4.131"),
        "/usr/bin/ccache": b"\x7fELF",
        "/usr/lib/ccache/bin/nvcc": "-> /usr/bin/ccache",
    }
    said = under(tmp_path, files, PATH=f"/usr/lib/ccache/bin:/usr/local/cuda-12.4/bin:{PATH}")
    chosen = selection(said, "PATH")
    assert chosen.value == "/usr/lib/ccache/bin/nvcc"
    assert value_of(chosen.prefix, "") == "/usr/local/cuda-12.4"


def test_torch_takes_the_folder_above_nvcc_as_it_is_spelled(tmp_path: Path) -> None:
    files = {
        **toolkits.files("/usr/local/cuda-12.4", "12.4.131"),
        "/usr/local/bin/nvcc": '#!/bin/sh\nexec /usr/local/cuda-12.4/bin/nvcc "$@"\n',
    }
    torch = selection(under(tmp_path, files), "torch")
    assert torch.value == "/usr/local" and value_of(torch.prefix, "") == "/usr/local/cuda-12.4"


def test_a_ptxas_of_another_toolkit_before_nvccs(tmp_path: Path) -> None:
    files = {
        **toolkits.files("/usr/local/cuda-12.4", "12.4.131"),
        "/opt/old/bin/ptxas": toolkits.program("11.8.89"),
    }
    said = under(tmp_path, files, PATH=f"/opt/old/bin:/usr/local/cuda-12.4/bin:{PATH}")
    assert isinstance(said.tools_on_path, Known)
    tools: dict[str, Tool] = {t.name: t for t in said.tools_on_path.value}
    assert value_of(tools["ptxas"].version, "") == "11.8.89" and tools["ptxas"].toolkit == "/opt/old"
    assert tools["nvcc"].toolkit == "/usr/local/cuda-12.4"


def compilers(said: Cuda) -> dict[str, HostCompiler]:
    assert isinstance(said.compilers, Known)
    return {c.selected_by: c for c in said.compilers.value}


def test_compilers_by_variable_folder_and_flag(tmp_path: Path) -> None:
    elf = b"\x7fELF"
    files: dict[str, bytes | str] = {
        "/usr/bin/g++-11": elf,
        "/opt/gcc/bin/g++": elf,
        "/opt/gcc/lib/gcc/x86_64-pc-linux-gnu/13/cc1plus": elf,
        "/usr/lib/llvm-17/bin/clang": elf,
        "/usr/bin/clang++": "-> ../lib/llvm-17/bin/clang",
    }
    said = under(
        tmp_path,
        files,
        NVCC_CCBIN="/opt/gcc/bin",
        CUDAHOSTCXX="g++-10",
        NVCC_PREPEND_FLAGS="-ccbin /usr/bin/g++-11 -O2",
    )
    found = compilers(said)
    assert value_of(found["-ccbin"].version, "") == "11"
    assert value_of(found["NVCC_CCBIN"].version, "") == "13"
    assert isinstance(found["CUDAHOSTCXX"].version, Absent)
    assert value_of(found["PATH clang++"].version, "") == "17"
    assert said.nvcc_flags == Known("-ccbin /usr/bin/g++-11 -O2", "NVCC_PREPEND_FLAGS, NVCC_APPEND_FLAGS")


def test_a_compiler_that_does_not_show_its_version_is_not_run_here(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/usr/bin/g++": b"\x7fELF",
        "/usr/lib/gcc/x86_64-redhat-linux/13/cc1plus": b"",
        "/usr/lib/gcc/x86_64-redhat-linux/14/cc1plus": b"",
    }
    assert isinstance(compilers(under(tmp_path, files))["PATH g++"].version, Unknown)


def test_an_empty_root_has_no_toolkit_and_says_so(tmp_path: Path) -> None:
    said = under(tmp_path, {"/etc/os-release": ""})
    assert kits(said) == {} and selectors(said) == set() and compilers(said) == {}
    assert said.compiled == Absent("--build was not given")


def test_nothing_is_compiled_under_another_root(tmp_path: Path) -> None:
    port = Root(str(tmp_path), env={"PATH": PATH}, options=Options(build=True))
    assert isinstance(cuda.compiled(port), Unknown)


# ---------------------------------------------------------------- a live compiler made of shell


@pytest.fixture
def shell_nvcc(tmp_path: Path) -> str:
    """An nvcc that fails as the real one does when gcc is too new."""
    folder = tmp_path / "kit" / "bin"
    folder.mkdir(parents=True)
    nvcc = folder / "nvcc"
    nvcc.write_text("#!/bin/sh\necho 'error: #error -- unsupported GNU version!' >&2\nexit 1\n")
    nvcc.chmod(0o755)
    return str(nvcc)


def test_a_kernel_that_does_not_compile_is_an_answer(
    shell_nvcc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    port = Live(env={"PATH": PATH})
    result = cuda_build.compile_kernel(port, shell_nvcc)
    assert isinstance(result, Known) and not result.value.ok
    assert "unsupported GNU version" in result.value.output
    assert list(temporary.iterdir()) == []


def test_no_nvcc_is_no_failure() -> None:
    assert isinstance(cuda_build.compile_kernel(Live(), ""), Absent)
