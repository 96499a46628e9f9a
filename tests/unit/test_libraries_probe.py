"""The libraries probe on small root file systems: copies, versions, the loader's folders, and what would be loaded."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gpudoctor.facts.frameworks import Build, Interpreter, Package
from gpudoctor.facts.libraries import Library, Load
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.probes import libraries
from gpudoctor.probes._copies import Site, copies
from gpudoctor.probes._loads import loads
from gpudoctor.system.live import Live
from gpudoctor.system.root import Root
from tests.sysroot import build, loader_cache, shared_object

VENV = "/home/u/venv"
SITE = f"{VENV}/lib/python3.11/site-packages"
LIB = "/usr/lib/x86_64-linux-gnu"
#: As in the wheel of torch 2.6.0, cut to what is used here (DT_RPATH).
TORCH_RPATH = "$ORIGIN/../../nvidia/cuda_runtime/lib:$ORIGIN/../../nvidia/cudnn/lib:$ORIGIN/../../nvidia/cusparse/lib:$ORIGIN"
#: As in the wheel of tensorflow 2.18.0 (DT_RUNPATH).
TF_RUNPATH = "$ORIGIN/:" + ":".join(
    f"$ORIGIN/../nvidia/{c}/lib" for c in ("cublas", "cudnn", "cufft", "cusolver", "cusparse", "cuda_runtime")
)


def library(soname: str, **more: object) -> bytes:
    return shared_object(soname, **more)  # type: ignore[arg-type]


def by_name(found: tuple[Library, ...]) -> dict[str, Library]:
    return {c.name: c for c in found}


def root(tmp_path: Path, files: dict[str, bytes | str], env: dict[str, str] | None = None) -> Root:
    return Root(build(tmp_path, files), env=env)


def test_a_toolkit_whose_names_are_links_is_one_copy_each(tmp_path: Path) -> None:
    lib = "/usr/local/cuda-12.4/targets/x86_64-linux/lib"
    port = root(
        tmp_path,
        {
            f"{lib}/libcudart.so.12.4.127": library("libcudart.so.12"),
            f"{lib}/libcudart.so.12": "-> libcudart.so.12.4.127",
            f"{lib}/libcudart.so": "-> libcudart.so.12",
            f"{lib}/stubs/libcuda.so": library("libcuda.so.1"),
            f"{lib}/libcudart_static.a": b"!<arch>",
            "/usr/local/cuda": "-> cuda-12.4",
            "/usr/local/cuda-12.4/lib64": "-> targets/x86_64-linux/lib",
        },
    )
    found = by_name(copies(port))
    assert set(found) == {"libcudart.so.12", "libcuda.so"}
    runtime = found["libcudart.so.12"]
    assert (runtime.family, runtime.origin, runtime.owner) == ("cudart", "toolkit", "/usr/local/cuda-12.4")
    assert runtime.version == Known("12.4.127", f"{lib}/libcudart.so.12.4.127")
    assert found["libcuda.so"].family == "libcuda-stub"


def test_what_the_loader_reaches_says_so_and_keeps_its_owner(tmp_path: Path) -> None:
    lib = "/usr/local/cuda-12.4/lib64"
    files: dict[str, bytes | str] = {f"{lib}/libcublas.so.12": library("libcublas.so.12")}
    port = root(tmp_path, files, {"LD_LIBRARY_PATH": lib})
    (one,) = copies(port)
    assert (one.origin, one.owner) == ("ld-library-path", "/usr/local/cuda-12.4")


def test_the_wheels_of_both_layouts_and_their_versions(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9": library("libcudnn.so.9"),
            f"{SITE}/nvidia/cu13/lib/libcudart.so.13": library("libcudart.so.13"),
            f"{SITE}/nvidia_cudnn_cu13-9.20.0.48.dist-info/METADATA": "",
            f"{SITE}/nvidia_cuda_runtime-13.0.96.dist-info/METADATA": "",
        },
    )
    found = by_name(copies(port, [Site(SITE, VENV)]))
    assert found["libcudnn.so.9"].version == Known("9.20.0.48", f"{SITE}: nvidia-cudnn-cu13")
    assert value_of(found["libcudart.so.13"].version, "") == "13.0.96"
    assert {c.origin for c in found.values()} == {"wheel"} and found["libcudnn.so.9"].owner == VENV


def test_two_distributions_that_write_one_file_leave_its_version_to_the_header(tmp_path: Path) -> None:
    """nvidia-cudnn-cu12 and -cu13 both bring nvidia/cudnn/lib/libcudnn.so.9."""
    header = "#define CUDNN_MAJOR 9\n#define CUDNN_MINOR 1\n#define CUDNN_PATCHLEVEL 0\n"
    files: dict[str, bytes | str] = {
        f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9": library("libcudnn.so.9"),
        f"{SITE}/nvidia_cudnn_cu12-9.1.0.70.dist-info/METADATA": "",
        f"{SITE}/nvidia_cudnn_cu13-9.20.0.48.dist-info/METADATA": "",
    }
    (unsure,) = copies(root(tmp_path / "a", files), [Site(SITE, VENV)])
    assert unsure.package == "nvidia-cudnn-cu12, nvidia-cudnn-cu13" and isinstance(unsure.version, Unknown)
    files[f"{SITE}/nvidia/cudnn/include/cudnn_version.h"] = header
    (sure,) = copies(root(tmp_path / "b", files), [Site(SITE, VENV)])
    assert value_of(sure.version, "") == "9.1.0"


def test_condas_record_names_the_version(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            "/opt/conda/lib/libcudart.so.12": library("libcudart.so.12"),
            "/opt/conda/conda-meta/cuda-cudart-12.4.127-0.json": "{}",
        },
    )
    (one,) = copies(port, conda=["/opt/conda"])
    assert (one.origin, one.owner, value_of(one.version, "")) == ("conda", "/opt/conda", "12.4.127")


def test_hard_links_are_one_copy(tmp_path: Path) -> None:
    port = root(
        tmp_path, {"/opt/a/libnccl.so.2": library("libnccl.so.2")}, {"LD_LIBRARY_PATH": "/opt/a:/opt/b"}
    )
    (tmp_path / "opt/b").mkdir()
    os.link(tmp_path / "opt/a/libnccl.so.2", tmp_path / "opt/b/libnccl.so.2")
    assert [c.path for c in copies(port)] == ["/opt/a/libnccl.so.2"]


def test_the_search_is_in_order_with_its_sources(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            "/etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n",
            "/etc/ld.so.conf.d/cuda.conf": "/usr/local/cuda/lib64 # the toolkit\n",
            "/usr/lib/x": "",
        },
        {"LD_LIBRARY_PATH": "/opt/a:"},
    )
    found = libraries.loader_search(port)
    assert [(d.path, d.source) for d in found[:3]] == [
        ("/opt/a", "LD_LIBRARY_PATH"),
        (".", "LD_LIBRARY_PATH"),
        ("/usr/local/cuda/lib64", "/etc/ld.so.conf.d/cuda.conf"),
    ]
    assert found[1].empty and found[-1].path == "/usr/lib" and found[-1].exists == Known(True, "/usr/lib")


def test_musl_has_no_cache_and_other_default_folders(tmp_path: Path) -> None:
    port = root(tmp_path, {"/lib/ld-musl-x86_64.so.1": shared_object("ld-musl")})
    assert isinstance(libraries.FIELDS["cache"](port), Absent)
    assert isinstance(libraries.FIELDS["uncached"](port), Absent)
    assert [d.path for d in libraries.loader_search(port)] == ["/lib", "/usr/local/lib", "/usr/lib"]


def test_a_damaged_cache_is_unknown(tmp_path: Path) -> None:
    port = root(tmp_path, {"/etc/ld.so.cache": b"glibc-ld.so.cache1.1\xff\xff\xff\xff"})
    assert isinstance(libraries.FIELDS["cache"](port), Unknown)
    assert isinstance(libraries.FIELDS["uncached"](port), Unknown)


def test_the_cache_is_compared_with_its_folders(tmp_path: Path) -> None:
    lib = "/usr/local/cuda/lib64"
    known = [("libcublas.so.12", f"{lib}/libcublas.so.12"), ("libcufft.so.11", f"{lib}/libcufft.so.11")]
    port = root(
        tmp_path,
        {
            "/etc/ld.so.conf": f"{lib}\n",
            "/etc/ld.so.cache": loader_cache(known),
            f"{lib}/libcublas.so.12.4.5.8": library("libcublas.so.12"),
            f"{lib}/libcublas.so.12": "-> libcublas.so.12.4.5.8",
            f"{lib}/libcudart.so.12": library("libcudart.so.12"),
        },
    )
    assert value_of(libraries.FIELDS["uncached"](port), ()) == (
        f"{lib}/libcudart.so.12",
        f"{lib}/libcufft.so.11",
    )


def test_garbage_among_the_libraries_costs_nothing_else(tmp_path: Path) -> None:
    port = root(tmp_path, {"/opt/libcudnn.so.9": b"\x7fELF\x02\x01" + b"\xff" * 80, "/opt/libnccl.so.2": b""},
                {"LD_LIBRARY_PATH": "/opt"})  # fmt: skip
    assert {c.name: c.size for c in copies(port)} == {"libcudnn.so.9": 86, "libnccl.so.2": 0}


# ---------------------------------------------------------------- what would be loaded


def interpreter(framework: str, cuda: str = "12.4", cudnn: str = "9.1.0", **more: object) -> Interpreter:
    one = Build(
        framework,
        "1.0",
        f"{SITE}/{framework}",
        "",
        Known(cuda, SITE),
        Known(cudnn, SITE) if cudnn else Absent(""),
    )
    return Interpreter(
        f"{VENV}/bin/python", "/usr/bin/python3.11", "PATH", prefix=VENV, path_order=(SITE,), builds=(one,)
    ).replace(**more)


def torch_files() -> dict[str, bytes | str]:
    """torch's wheel finds its libraries by RPATH, the wheels' libraries each other by RUNPATH (read from the wheels
    torch 2.6.0, nvidia-cudnn-cu12 9.1.0.70 and nvidia-cusparse-cu12 12.3.1.170)."""
    nvidia = f"{SITE}/nvidia"
    needed = ("libcudart.so.12", "libcudnn.so.9", "libcusparse.so.12")
    files: dict[str, bytes | str] = {
        "/usr/bin/python3.11": shared_object(),
        f"{SITE}/torch/__init__.py": "",
        f"{SITE}/torch/lib/libtorch_global_deps.so": library("libtorch_global_deps.so", needed=("libcudart.so.12",), rpath=TORCH_RPATH),
        f"{SITE}/torch/lib/libtorch_cuda.so": library("libtorch_cuda.so", needed=needed, rpath=TORCH_RPATH),
        f"{nvidia}/cuda_runtime/lib/libcudart.so.12": library("libcudart.so.12"),
        f"{nvidia}/nvjitlink/lib/libnvJitLink.so.12": library("libnvJitLink.so.12"),
        f"{nvidia}/cusparse/lib/libcusparse.so.12": library(
            "libcusparse.so.12", needed=("libnvJitLink.so.12",), runpath="$ORIGIN:$ORIGIN/../../nvjitlink/lib"
        ),
    }  # fmt: skip
    for name in (
        "",
        "_graph",
        "_ops",
        "_cnn",
        "_adv",
        "_engines_precompiled",
        "_engines_runtime_compiled",
        "_heuristic",
    ):
        files[f"{nvidia}/cudnn/lib/libcudnn{name}.so.9"] = library(f"libcudnn{name}.so.9", runpath="$ORIGIN")
    return files


def played(port: Root, one: Interpreter) -> dict[str, Load]:
    found = Known(copies(port, [Site(SITE, VENV)]), "-")
    return {load.soname: load for load in loads(port, [one], found)}


def test_torch_takes_everything_from_its_wheels(tmp_path: Path) -> None:
    found = played(root(tmp_path, torch_files()), interpreter("torch"))
    assert all(load.path.startswith(SITE) for load in found.values())
    assert {load.via for load in found.values()} == {"RPATH", "RUNPATH"}
    assert found["libcudnn.so.9"].via == "RPATH" and found["libcudnn_ops.so.9"].via == "RUNPATH"
    assert "libcudnn_engines_tensor_ir.so.9" not in found


def test_ld_library_path_reaches_cudnns_parts_and_nvjitlink_but_not_cudnn(tmp_path: Path) -> None:
    files = torch_files()
    for soname in ("libcudnn.so.9", "libcudnn_ops.so.9", "libnvJitLink.so.12"):
        files[f"/opt/cuda/lib64/{soname}"] = library(soname)
    found = played(root(tmp_path, files, {"LD_LIBRARY_PATH": "/opt/cuda/lib64"}), interpreter("torch"))
    foreign = {soname for soname, load in found.items() if load.path.startswith("/opt")}
    assert foreign == {"libcudnn_ops.so.9", "libnvJitLink.so.12"}
    assert found["libnvJitLink.so.12"].via == "LD_LIBRARY_PATH"


def test_a_newer_torch_opens_its_nvjitlink_by_path_first(tmp_path: Path) -> None:
    files = torch_files()
    files[f"{SITE}/torch/__init__.py"] = "# see https://github.com/pytorch/pytorch/issues/138460\n"
    files["/opt/cuda/lib64/libnvJitLink.so.12"] = library("libnvJitLink.so.12")
    port = root(tmp_path, files, {"LD_LIBRARY_PATH": "/opt/cuda/lib64"})
    found = played(port, interpreter("torch"))
    assert not [load for load in found.values() if load.path.startswith("/opt")]


def test_a_part_that_the_wheel_omits_comes_from_the_system(tmp_path: Path) -> None:
    """https://github.com/pytorch/pytorch/issues/187824"""
    files = torch_files()
    part = "libcudnn_engines_tensor_ir.so.9"
    files[f"{LIB}/{part}"] = library(part)
    files["/etc/ld.so.cache"] = loader_cache([(part, f"{LIB}/{part}")])
    found = played(root(tmp_path, files), interpreter("torch"))
    assert (found[part].path, found[part].via) == (f"{LIB}/{part}", "cache")


def test_tensorflow_opens_by_name_and_each_that_is_missing_is_known(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/usr/bin/python3.11": shared_object(),
        f"{SITE}/tensorflow/libtensorflow_framework.so.2": library(
            "libtensorflow_framework.so.2", runpath=TF_RUNPATH
        ),
        f"{SITE}/nvidia/cublas/lib/libcublas.so.12": library("libcublas.so.12"),
    }
    found = played(root(tmp_path, files), interpreter("tensorflow", cudnn="9"))
    assert found["libcublas.so.12"].via == "RUNPATH"
    missing = {soname for soname, load in found.items() if not load.path}
    assert missing == {
        "libcudart.so.12", "libcublasLt.so.12", "libcufft.so.11", "libcusolver.so.11", "libcusparse.so.12", "libcudnn.so.9",
    }  # fmt: skip


def test_jax_names_its_cudnn_by_what_its_plugin_requires(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/usr/bin/python3.11": shared_object(),
        f"{SITE}/jax_plugins/xla_cuda12/xla_cuda_plugin.so": library(
            "", rpath="$ORIGIN/../../nvidia/cudnn/lib"
        ),
        f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9": library("libcudnn.so.9"),
    }
    requires = (
        'nvidia-cudnn-cu12<10.0,>=9.1; extra == "with-cuda"',
        "nvidia-cudnn-cu12>=9.8,<10.0; extra == 'x'",
    )
    for line in requires:
        packages = Known((Package("jax-cuda12-plugin", "0.5.0", SITE, (line,)),), SITE)
        one = interpreter("jax", "12", "", packages=packages)
        found = played(root(tmp_path / str(len(line)), files), one)
        assert found["libcudnn.so.9"].via == "RPATH", line


def test_a_cpu_build_loads_nothing(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/usr/bin/python3.11": shared_object(),
        f"{SITE}/torch/lib/libtorch_global_deps.so": library(
            "libtorch_global_deps.so", needed=("libc.so.6",)
        ),
    }
    assert played(root(tmp_path, files), interpreter("torch")) == {}


@pytest.mark.wheels
def test_nvidias_real_wheels() -> None:
    site = os.path.join(os.environ.get("GPUDOCTOR_TEST_BUILD", "build"), "wheels/cuda")
    if not os.path.isdir(site):
        pytest.skip("scripts/fetch-cuda-wheels has not run")
    site = os.path.realpath(site)
    found = {
        c.path.removeprefix(site): c
        for c in copies(Live(env={}), [Site(site, "/venv")])
        if c.path.startswith(site)
    }
    versions = {path: (c.family, c.name, value_of(c.version, ""), c.package) for path, c in found.items()}
    nvidia = "/nvidia"
    assert versions == {
        f"{nvidia}/cuda_runtime/lib/libcudart.so.12": ("cudart", "libcudart.so.12", "12.4.127", "nvidia-cuda-runtime-cu12"),
        f"{nvidia}/nvjitlink/lib/libnvJitLink.so.12": ("nvjitlink", "libnvJitLink.so.12", "12.4.127", "nvidia-nvjitlink-cu12"),
        f"{nvidia}/cuda_nvrtc/lib/libnvrtc.so.12": ("nvrtc", "libnvrtc.so.12", "12.4.127", "nvidia-cuda-nvrtc-cu12"),
        f"{nvidia}/cuda_nvrtc/lib/libnvrtc-builtins.so.12.4": ("nvrtc", "libnvrtc-builtins.so.12.4", "12.4.127", "nvidia-cuda-nvrtc-cu12"),
        f"{nvidia}/cu13/lib/libcudart.so.13": ("cudart", "libcudart.so.13", "13.0.96", "nvidia-cuda-runtime"),
    }  # fmt: skip


def test_the_live_cache_agrees_with_ldconfig() -> None:
    from gpudoctor.system import loader

    try:
        said = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no ldconfig here")
    theirs = [
        tuple(part.strip() for part in line.split(" => ")) for line in said.splitlines() if " => " in line
    ]
    ours = [(e.name, e.path) for e in loader.cache(Live(env={}))]
    assert ours == [(left.partition(" (")[0], path) for left, path in theirs]
