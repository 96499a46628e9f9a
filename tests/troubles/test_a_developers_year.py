"""A year of one developer with a laptop (RTX 3050, driver 550): CUDA by runfiles, conda and Jupyter, Docker in WSL2, TensorFlow 2.18. Files of
small roots are read by the probes and judged by all rules; the GPU's answers are those of the healthy laptop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gpudoctor.engine import Asking
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.findings import Finding
from gpudoctor.system.port import Options
from gpudoctor.system.root import Root
from gpudoctor.workflows.diagnose import diagnose_text
from tests.healthy.environments import Site, add_tensorflow, add_torch
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.sysroot import build, shared_object
from tests.toolkits import files, program

Tree = dict[str, bytes | str]
BASE: Tree = {
    "/usr/bin/python3.11": "\x7fELF",
    "/usr/lib/python3.11/os.py": "",
    "/usr/bin/x86_64-linux-gnu-g++-11": "\x7fELF",
    "/usr/bin/g++": "-> x86_64-linux-gnu-g++-11",
    "/etc/os-release": 'ID=ubuntu\nVERSION_ID="22.04"\nID_LIKE=debian\n',
    "/dev/null": "",
    "/proc/version": "Linux version 6.8.0-45-generic",
    "/proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:5 / /dev rw - devtmpfs udev rw\n",
    "/sys/bus/pci/x": "",
    "/run/systemd/system/x": "",
}


def laptop(folder: Path, tree: Mapping[str, bytes | str], python: str = "", **variables: str) -> Machine:
    """The healthy laptop with what the probes read of these files in a shell with these variables."""
    root = build(folder, {**BASE, **tree})
    for file in Path(root).glob("**/bin/*"):
        if file.is_file() and not file.is_symlink():
            file.chmod(0o755)
    shell = {"PATH": "/usr/bin", "HOME": "/home/u", **variables}
    port = Root(root, env=shell, options=Options(pythons=(python,) if python else ()))
    groups = ("frameworks", "libraries", "environment", "cuda")
    found = Asking(port, groups).machine()
    machine = healthy.rtx3050_laptop().replace(**{group: getattr(found, group) for group in groups})
    return machine.replace(libraries=machine.libraries.replace(uncached=Known((), "/etc/ld.so.cache")))


def only(machine: Machine, cause: str) -> Finding:
    assert causes(machine) == {cause}
    return finding(machine, cause)


# ---------------------------------------------------------------- the toolkit


def test_nvcc_command_not_found(tmp_path: Path) -> None:
    """... although it is in /usr/local/cuda/bin: one export, and not the one that makes an empty element."""
    tree = {**files("/usr/local/cuda-12.4", "12.4.131"), "/usr/local/cuda": "-> cuda-12.4"}
    found = only(laptop(tmp_path, tree), "toolkit-not-on-path")
    assert found.fix is not None and "/usr/local/cuda/bin${PATH:+:$PATH}" in found.fix.commands[0]
    assert "${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" in found.fix.commands[1]


def test_the_two_exports_of_every_tutorial(tmp_path: Path) -> None:
    """`export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:...` where it was unset: the current folder is searched for libraries."""
    line = "export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/local/cuda/lib64"
    tree = {
        **files("/usr/local/cuda-12.4", "12.4.131"),
        "/usr/local/cuda": "-> cuda-12.4",
        "/home/u/.bashrc": f"alias ll='ls -l'\nexport PATH=$PATH:/usr/local/cuda/bin\n{line}\n",
    }
    machine = laptop(
        tmp_path, tree, PATH="/usr/bin:/usr/local/cuda/bin", LD_LIBRARY_PATH=":/usr/local/cuda/lib64"
    )
    found = only(machine, "ld-library-path-empty-element")
    assert found.fix is not None and "/home/u/.bashrc:3" in found.fix.summary


def test_cuda_home_of_a_prefix_that_was_renamed(tmp_path: Path) -> None:
    tree = files("/home/u/instdir/cuda1204", "12.4.131")
    machine = laptop(
        tmp_path, tree, PATH="/usr/bin:/home/u/instdir/cuda1204/bin", CUDA_HOME="/home/u/instdir/cuda124"
    )
    found = only(machine, "cuda-home-missing")
    assert found.fix is not None and found.fix.commands[0] == "export CUDA_HOME=/home/u/instdir/cuda1204"


def test_ptxas_of_cuda_11_is_first_on_path(tmp_path: Path) -> None:
    """TensorFlow 2.18 compiles with the ptxas that PATH finds; with CUDA 12 it must be CUDA 12's."""
    site = Site()
    add_tensorflow(site, "2.18.1")
    site.package("numpy", "1.26.4")
    environment = site.environment("12.5", (86,))
    tree = {
        **environment.files,
        **files("/home/u/instdir/cuda1204", "12.4.131"),
        "/home/u/old/bin/ptxas": program("11.4.152"),
    }
    path = "/home/u/old/bin:/home/u/instdir/cuda1204/bin:/home/u/venv/bin:/usr/bin"
    found = only(laptop(tmp_path, tree, environment.python, PATH=path), "ptxas-from-another-toolkit")
    assert found.severity == "warning" and "11.4" in found.title


# ---------------------------------------------------------------- frameworks


def tensorflow(keras: str = "3.9.2", pins: bool = True) -> Site:
    site = Site()
    add_tensorflow(site, "2.18.1")
    site.package("numpy", "1.26.4")
    if keras != "3.9.2":
        old = f"{site.site}/keras-3.9.2.dist-info"
        site.files = {path: text for path, text in site.files.items() if not path.startswith(old)}
        site.package("keras", keras)
    if not pins:
        site.files = {p: t for p, t in site.files.items() if "/nvidia" not in p}
    return site


def test_tensorflow_without_its_cuda_libraries(tmp_path: Path) -> None:
    """`pip install tensorflow`: "Cannot dlopen some GPU libraries". The finding names them, and what brings them."""
    site = tensorflow(pins=False)
    environment = site.environment("12.5", (86,))
    machine = laptop(tmp_path, environment.files, environment.python, PATH="/home/u/venv/bin:/usr/bin")
    assert "cuda-libs-missing-for-framework" in causes(machine)
    found = finding(machine, "cuda-libs-missing-for-framework")
    assert "libcudart.so.12" in found.title and "libcudnn.so.9" in found.title
    assert found.fix is not None and "tensorflow[and-cuda]==2.18.1" in found.fix.commands[0]


def test_cuda_12_by_runfile_and_cudnn_nowhere(tmp_path: Path) -> None:
    site = tensorflow(pins=False)
    environment = site.environment("12.5", (86,))
    lib = "/home/u/instdir/cuda1204/lib64"
    sonames = (
        "libcudart.so.12",
        "libcublas.so.12",
        "libcublasLt.so.12",
        "libcufft.so.11",
        "libcusolver.so.11",
        "libcusparse.so.12",
    )
    tree = {
        **environment.files,
        **files("/home/u/instdir/cuda1204", "12.4.131"),
        **{f"{lib}/{name}": shared_object(name) for name in sonames},
    }
    path = "/home/u/venv/bin:/home/u/instdir/cuda1204/bin:/usr/bin"
    machine = laptop(tmp_path, tree, environment.python, PATH=path, LD_LIBRARY_PATH=lib,
                     XLA_FLAGS="--xla_gpu_cuda_data_dir=/home/u/instdir/cuda1204")  # fmt: skip
    found = only(machine, "cudnn-missing")
    assert found.fix is not None and "nvidia-cudnn-cu12>=9,<10" in found.fix.commands[0]


def test_keras_of_another_release_than_tensorflow(tmp_path: Path) -> None:
    environment = tensorflow("2.15.0").environment("12.5", (86,))
    machine = laptop(tmp_path, environment.files, environment.python, PATH="/home/u/venv/bin:/usr/bin")
    found = only(machine, "keras-tensorflow-mismatch")
    assert "keras 2.15.0" in found.title


def test_no_module_named_torch_in_the_notebook(tmp_path: Path) -> None:
    """It is installed, in the environment that the kernel does not run."""
    site = Site()
    one = add_torch(site, "2.6.0+cu124")
    site.package("numpy", "2.1.3")
    environment = site.environment(one.cuda, one.capabilities)
    kernel = {
        "argv": ["/usr/bin/python3.11", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
    }
    tree = {
        **environment.files,
        "/home/u/.local/share/jupyter/kernels/python3/kernel.json": json.dumps(kernel),
    }
    machine = laptop(
        tmp_path, tree, environment.python, PATH="/home/u/venv/bin:/usr/bin", VIRTUAL_ENV="/home/u/venv"
    )
    found = only(machine, "wrong-env-or-kernel")
    assert "Python 3 has no torch" in found.title and found.fix is not None
    assert found.fix.commands[-1].endswith("-m ipykernel install --user --name venv")


def test_a_runtime_that_is_newer_than_the_driver(tmp_path: Path) -> None:
    """CUDA 13's PyTorch with a driver for CUDA 12.4: what the table kept by hand would have told."""
    site = Site()
    one = add_torch(site, "2.9.0+cu130")
    site.package("numpy", "2.1.3")
    environment = site.environment(one.cuda, one.capabilities)
    machine = laptop(tmp_path, environment.files, environment.python, PATH="/home/u/venv/bin:/usr/bin")
    assert "580" in only(machine, "driver-too-old-for-runtime").title


def test_conda_brought_the_cpu_build(tmp_path: Path) -> None:
    prefix = "/home/u/miniforge3/envs/ml"
    site = Site(prefix, "conda")
    site.package("torch", "2.5.1")
    site.write("torch/version.py", "__version__ = '2.5.1'\ncuda = None\nhip = None\n")
    site.files[f"{prefix}/conda-meta/pytorch-2.5.1-cpu_generic_py311_1.json"] = json.dumps(
        {"name": "pytorch", "version": "2.5.1", "build": "cpu_generic_py311_1"}
    )
    site.files |= {
        f"{prefix}/bin/python3.11": "\x7fELF",
        f"{prefix}/bin/python": "-> python3.11",
        f"{prefix}/lib/python3.11/os.py": "",
    }
    machine = laptop(
        tmp_path, site.files, f"{prefix}/bin/python", PATH=f"{prefix}/bin:/usr/bin", CONDA_PREFIX=prefix
    )
    found = only(machine, "cpu-only-wheel")
    assert found.fix is not None and found.fix.commands[0].startswith(f"conda install -p {prefix}")


# ---------------------------------------------------------------- Docker


def containers_of(folder: Path, tree: Mapping[str, bytes | str]) -> Machine:
    found = Asking(Root(build(folder, {**BASE, **tree})), ("containers",)).machine()
    engines = found.containers.engines
    assert isinstance(engines, (Known, Absent)), engines
    return healthy.rtx3050_laptop().replace(containers=found.containers)


def test_the_repository_of_every_old_guide(tmp_path: Path) -> None:
    line = "deb https://nvidia.github.io/nvidia-docker/ubuntu18.04/$(ARCH) /\n"
    machine = containers_of(tmp_path, {"/etc/apt/sources.list.d/nvidia-docker.list": line})
    assert "nvidia-docker-repository-retired" in causes(machine)
    found = finding(machine, "nvidia-docker-repository-retired")
    assert found.subject.name == "/etc/apt/sources.list.d/nvidia-docker.list:1"


def test_a_default_runtime_whose_package_is_gone(tmp_path: Path) -> None:
    settings = {
        "default-runtime": "nvidia",
        "runtimes": {"nvidia": {"path": "/usr/bin/nvidia-container-runtime"}},
    }
    tree = {
        "/etc/docker/daemon.json": json.dumps(settings),
        "/usr/bin/dockerd": "\x7fELF",
        "/usr/bin/docker": "\x7fELF",
    }
    machine = containers_of(tmp_path, tree)
    found = only(machine, "container-toolkit-missing")
    assert found.severity == "failure" and found.fix is not None  # the file says that GPUs are wanted
    assert "sudo nvidia-ctk runtime configure --runtime=docker" in found.fix.commands
    assert folded(machine)["docker-runtime-path-missing"] == "container-toolkit-missing"


# ---------------------------------------------------------------- what only a message tells


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory", "corrupt-download"),
        ("model_run: symbol lookup error: libtensorflow_cc.so.2: undefined symbol: _ZNSt3__122__libcpp_verbose_abortEPKcz", "libcxx-mismatch"),
        ("docker: Error response from daemon: manifest for nvidia/cuda:11.4.2-base-ubuntu20.04 not found: manifest unknown", "image-tag-unknown"),
        ("-bash: nvcc: command not found", "cuda-home-missing"),
    ],
)  # fmt: skip
def test_a_message_alone(text: str, cause: str) -> None:
    assert cause in [d.id for d in diagnose_text(text).diagnoses][:2]
