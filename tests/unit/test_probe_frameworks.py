"""Interpreters and builds, read from small installations put together by hand; nothing in them can be run."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.frameworks import Build, Cubin, Interpreter, Ptx
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.probes import frameworks
from gpudoctor.probes.python import select
from gpudoctor.probes.python.targets import cache_file, fatbin_targets
from gpudoctor.system.live import Live
from gpudoctor.system.port import Options, Ran
from gpudoctor.system.root import Root
from tests.unit.test_fatbin import container, elf, entry


class Machine:
    """A root folder that is filled file by file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {"PATH": "/usr/bin", "HOME": "/home/u"}

    def write(self, path: str, content: str | bytes = "", mode: int = 0o644) -> None:
        target = Path(f"{self.folder}{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(mode)

    def link(self, path: str, to: str) -> None:
        target = Path(f"{self.folder}{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(to)

    def python(self, prefix: str = "/usr", release: str = "3.11") -> None:
        self.write(f"{prefix}/bin/python{release}", "\x7fELF", 0o755)
        self.link(f"{prefix}/bin/python3", f"python{release}")
        self.write(f"{prefix}/lib/python{release}/os.py")

    def venv(self, prefix: str = "/home/u/venv", base: str = "/usr", extra: str = "") -> str:
        self.link(f"{prefix}/bin/python", f"{base}/bin/python3.11")
        self.write(f"{prefix}/pyvenv.cfg", f"home = {base}/bin\nversion = 3.11.7\n{extra}")
        site = f"{prefix}/lib/python3.11/site-packages"
        self.write(f"{site}/README.txt")
        return site

    def distribution(self, site: str, name: str, version: str, *requires: str, **files: str) -> None:
        folder = f"{site}/{name.replace('-', '_')}-{version}.dist-info"
        lines = [f"Requires-Dist: {line}" for line in requires]
        head = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
        self.write(f"{folder}/METADATA", f"{head}\n\nName: not this one\n")
        self.write(f"{folder}/RECORD")
        self.write(f"{folder}/INSTALLER", "pip\n")
        for file, content in files.items():
            self.write(f"{folder}/{file}", content)

    def torch(self, site: str, version: str = "2.5.1+cu124", cuda: str = "'12.4'") -> None:
        self.distribution(site, "torch", version, 'nvidia-cudnn-cu12==9.1.0.70; platform_system == "Linux"')
        self.write(
            f"{site}/torch/version.py",
            f"from typing import Optional\n__version__ = '{version}'\ndebug = False\n"
            f"cuda: Optional[str] = {cuda}\nhip: Optional[str] = None\n",
        )
        self.write(
            f"{site}/torch/lib/libtorch_cuda.so", elf(container(entry(2, 80), entry(1, 90, isa=0x80004)))
        )

    def ask(self, *pythons: str) -> dict[str, Interpreter]:
        port = Root(str(self.folder), env=self.env, options=Options(pythons=pythons))
        found = frameworks.interpreters(port)
        assert isinstance(found, Known)
        return {i.selected_by: i for i in found.value}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.python()
    return made


def build(python: Interpreter, framework: str) -> Build:
    return next(b for b in python.builds if b.framework == framework)


# ---------------------------------------------------------------- where a Python has its parts


def test_debians_python_looks_into_dist_packages_and_the_users_own_folder(machine: Machine) -> None:
    for folder in ("/usr/local/lib/python3.11/dist-packages", "/usr/lib/python3/dist-packages"):
        machine.write(f"{folder}/README")
    machine.write("/home/u/.local/lib/python3.11/site-packages/README")
    machine.write("/usr/lib/python3.11/EXTERNALLY-MANAGED")
    python = machine.ask()["PATH"]
    assert python.kind == "system" and python.prefix == "/usr"
    assert python.path_order[2:] == (
        "/home/u/.local/lib/python3.11/site-packages",
        "/usr/local/lib/python3.11/dist-packages",
        "/usr/lib/python3/dist-packages",
    )
    assert value_of(python.externally_managed, None) is True
    assert value_of(python.version, "") == "3.11"


def test_a_venv_sees_its_own_packages_only_unless_it_says_otherwise(machine: Machine) -> None:
    machine.write("/usr/lib/python3/dist-packages/README")
    site = machine.venv()
    machine.env["VIRTUAL_ENV"] = "/home/u/venv"
    python = machine.ask()["VIRTUAL_ENV"]
    assert (python.kind, python.prefix, python.base_prefix) == ("venv", "/home/u/venv", "/usr")
    assert python.path_order == ("/usr/lib/python3.11", "/usr/lib/python3.11/lib-dynload", site)
    assert value_of(python.version, "") == "3.11.7"
    machine.write("/home/u/venv/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = true\n")
    assert "/usr/lib/python3/dist-packages" in machine.ask()["VIRTUAL_ENV"].path_order


def test_pth_files_add_folders_and_their_code_is_not_run(machine: Machine) -> None:
    site = machine.venv()
    machine.write("/src/mine/README")
    machine.write(f"{site}/a.pth", "# words\nimport os; os.abort()\n/src/mine\n/not/there\n../up\n")
    python = machine.ask("/home/u/venv")["--python"]
    assert python.path_order[2:] == (site, "/src/mine")


def test_conda_says_its_version_and_builds_in_its_records(machine: Machine) -> None:
    machine.python("/opt/conda", "3.12")
    for name in ("python-3.12.7-hc5c86c4_0_cpython", "pytorch-2.5.1-cpu_mkl_py312h1234_100", "zlib-1.3-h1_0"):
        machine.write(f"/opt/conda/conda-meta/{name}.json", "{}")
    machine.env["CONDA_PREFIX"] = "/opt/conda"
    python = machine.ask()["CONDA_PREFIX"]
    assert python.kind == "conda" and value_of(python.version, "") == "3.12.7"
    assert [(p.name, p.version, p.build) for p in value_of(python.packages, ())] == [
        ("pytorch", "2.5.1", "cpu_mkl_py312h1234_100")
    ]


def test_pyenvs_shim_is_resolved_as_pyenv_would(machine: Machine) -> None:
    root = "/home/u/.pyenv"
    machine.write(f"{root}/shims/python3", "#!/usr/bin/env bash\nexec pyenv exec\n", 0o755)
    for version in ("3.11.7", "3.12.1"):
        machine.python(f"{root}/versions/{version}", version.rpartition(".")[0])
    machine.write(f"{root}/version", "3.11.7\n")
    machine.env["PATH"] = f"{root}/shims:/usr/bin"
    assert machine.ask()["PATH"].path == f"{root}/versions/3.11.7/bin/python3"
    machine.write("/home/u/work/.python-version", "3.12\n")
    machine.env["PWD"] = "/home/u/work/deep"
    assert machine.ask()["PATH"].path == f"{root}/versions/3.12.1/bin/python3"
    machine.env["PYENV_VERSION"] = "system"
    assert machine.ask()["PATH"].path == "/usr/bin/python3"


def test_two_ways_to_one_environment_are_one_interpreter(machine: Machine) -> None:
    machine.venv()
    machine.env.update({"VIRTUAL_ENV": "/home/u/venv", "PATH": "/home/u/venv/bin:/usr/bin"})
    machine.link("/home/u/venv/bin/python3", "python")
    assert list(machine.ask("/home/u/venv")) == ["VIRTUAL_ENV"]


def test_a_venv_whose_base_is_gone_still_shows_its_packages(machine: Machine) -> None:
    site = machine.venv(base="/opt/gone")
    machine.torch(site)
    machine.write("/home/u/venv/bin/python3", "x", 0o755)
    python = machine.ask("/home/u/venv")["--python"]
    assert build(python, "torch").variant == "cu124"
    assert isinstance(python.implementation, Unknown)


def test_what_python_names_must_be_there(machine: Machine) -> None:
    port = Root(str(machine.folder), env=machine.env)
    for wanted in ("/nowhere/python", "/home", "kernel:none"):
        with pytest.raises(GpudoctorError):
            select.requested(port, wanted)


def test_a_check_with_a_python_that_is_not_there_ends_with_an_error(machine: Machine) -> None:
    from gpudoctor.workflows.check import Request, run

    request = Request(root=str(machine.folder), options=Options(pythons=("/nowhere/python",)))
    with pytest.raises(GpudoctorError, match="there is no interpreter at /nowhere/python"):
        run(request)


def test_another_users_interpreter_is_read_but_not_run(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_text("x")
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, 12345)
    assert "another user (uid 12345)" in select.runnable(Live(), str(path))
    os.chown(path, 0, 0)
    assert select.runnable(Live(), str(path)) == ""


# ---------------------------------------------------------------- packages


def test_names_come_from_folders_and_details_only_of_what_concerns_gpus(machine: Machine) -> None:
    site = machine.venv()
    machine.distribution(site, "requests", "2.32.0")
    machine.distribution(site, "flash-attn", "2.7.4", "torch")
    machine.write(f"{site}/torch-2.1.0-py3.11.egg-info/PKG-INFO", "Name: torch\nVersion: 2.1.0\n")
    machine.distribution(
        site, "xformers", "0.0.28", "torch==2.5.0", **{"direct_url.json": '{"dir_info": {"editable": true}}'}
    )
    found = {p.name: p for p in value_of(machine.ask("/home/u/venv")["--python"].packages, ())}
    assert set(found) == {"flash-attn", "torch", "xformers"}
    assert found["flash-attn"].requires == ("torch",) and found["flash-attn"].installer == "pip"
    assert found["xformers"].editable and found["torch"].record_missing


def test_of_two_copies_the_one_that_is_imported_counts(machine: Machine) -> None:
    machine.write("/usr/lib/python3/dist-packages/README")
    machine.torch("/usr/lib/python3/dist-packages", "2.1.0+cpu", "None")
    machine.torch("/home/u/.local/lib/python3.11/site-packages", "2.5.1+cu124")
    python = machine.ask()["PATH"]
    assert build(python, "torch").version == "2.5.1+cu124"
    assert len([p for p in value_of(python.packages, ()) if p.name == "torch"]) == 2


def test_a_torch_py_on_pythonpath_is_a_shadow_and_a_whole_installation_is_not(machine: Machine) -> None:
    machine.write("/home/u/work/torch.py")
    machine.torch("/opt/site", "2.5.1+cu124")
    machine.env["PYTHONPATH"] = "/home/u/work:/opt/site"
    assert machine.ask()["PATH"].shadows == ("/home/u/work/torch.py",)


# ---------------------------------------------------------------- builds


def test_torch_by_its_version_file_its_pins_and_its_fatbins(machine: Machine) -> None:
    machine.torch(machine.venv())
    found = build(machine.ask("/home/u/venv")["--python"], "torch")
    assert (found.version, found.variant) == ("2.5.1+cu124", "cu124")
    assert (value_of(found.cuda, ""), value_of(found.cudnn, "")) == ("12.4", "9.1.0.70")
    targets = value_of(found.targets, None)
    assert targets is not None and targets.via == "fatbin"
    assert targets.cubins == (Cubin("8.0"),) and targets.ptx == (Ptx("9.0", "", "8.4"),)


def test_torch_for_the_cpu_and_for_rocm(machine: Machine) -> None:
    site = machine.venv()
    machine.torch(site, "2.5.1+cpu", "None")
    found = build(machine.ask("/home/u/venv")["--python"], "torch")
    assert found.variant == "cpu" and isinstance(found.cuda, Absent) and isinstance(found.targets, Absent)
    machine.write(f"{site}/torch/version.py", "__version__ = '2.5.1'\ncuda = None\nhip = '6.2.41133'\n")
    assert build(machine.ask("/home/u/venv")["--python"], "torch").variant.startswith("rocm6.2")


def test_a_torch_whose_library_is_broken_is_judged_by_the_table(machine: Machine) -> None:
    site = machine.venv()
    machine.torch(site)
    machine.write(f"{site}/torch/lib/libtorch_cuda.so", b"cut short")
    targets = value_of(build(machine.ask("/home/u/venv")["--python"], "torch").targets, None)
    assert targets is not None and targets.via == "table"


def test_a_torch_without_its_folder_says_so(machine: Machine) -> None:
    site = machine.venv()
    machine.distribution(site, "torch", "2.5.1")
    found = build(machine.ask("/home/u/venv")["--python"], "torch")
    assert found.variant == "" and isinstance(found.cuda, Unknown)


BUILD_INFO = """
import collections
build_info = collections.OrderedDict([("cpu_compiler", "/usr/lib/llvm-18/bin/clang"),
  ("cuda_compute_capabilities", ["sm_60", "sm_89", "compute_90"]), ("cuda_version", "12.5.1"),
  ("cudnn_version", "9"), ("is_cuda_build", True), ("is_rocm_build", False)])
"""


def tensorflow(machine: Machine, text: str, version: str = "2.18.0") -> Build:
    site = machine.venv()
    machine.distribution(site, "tensorflow", version)
    machine.write(f"{site}/tensorflow/python/platform/build_info.py", text)
    return build(machine.ask("/home/u/venv")["--python"], "tensorflow")


def test_tensorflow_by_its_build_info(machine: Machine) -> None:
    found = tensorflow(machine, BUILD_INFO)
    targets = value_of(found.targets, None)
    assert targets is not None and targets.via == "build_info"
    # configure: "compute_90" is machine code and PTX, "sm_60" machine code alone
    assert targets.cubins == (Cubin("6.0"), Cubin("8.9"), Cubin("9.0")) and targets.ptx == (Ptx("9.0"),)
    assert (value_of(found.cuda, ""), value_of(found.cudnn, "")) == ("12.5.1", "9")
    assert "libcudnn.so.9" in value_of(found.libraries, ())


def test_an_empty_build_info_is_filled_from_the_table_or_unknown(machine: Machine) -> None:
    empty = 'build_info = {"cuda_version": "", "cudnn_version": "", "is_cuda_build": True}'
    assert value_of(tensorflow(machine, empty).cuda, "").startswith("12.5")
    # 2.22.0rc0's was empty, and no table has it
    other = Machine(machine.folder / "other")
    other.python()
    assert isinstance(tensorflow(other, empty, "2.99.0").cuda, Unknown)


def test_a_build_info_that_is_no_python_is_survived(machine: Machine) -> None:
    assert tensorflow(machine, "build_info = {'a': b + 1\n(((").framework == "tensorflow"


def test_jax_with_and_without_its_plugin(machine: Machine) -> None:
    site = machine.venv()
    machine.distribution(site, "jax", "0.4.38")
    machine.distribution(site, "jaxlib", "0.4.38")
    assert build(machine.ask("/home/u/venv")["--python"], "jax").variant == "cpu"
    machine.distribution(site, "jax-cuda12-plugin", "0.4.38")
    machine.write(f"{site}/jax_cuda12_plugin/_solver.so", elf(container(entry(2, 90))))
    found = build(machine.ask("/home/u/venv")["--python"], "jax")
    assert found.variant == "cuda12" and value_of(found.cuda, "") == "12"
    targets = value_of(found.targets, None)
    assert targets is not None and targets.cubins == (Cubin("9.0"),)


def test_onnxruntime_by_the_provider_that_is_there(machine: Machine) -> None:
    site = machine.venv()
    machine.distribution(site, "onnxruntime-gpu", "1.20.1")
    machine.write(f"{site}/onnxruntime/capi/build_and_package_info.py", "cuda_version = '12.4'\n")
    provider = f"{site}/onnxruntime/capi/libonnxruntime_providers_cuda.so"
    assert build(machine.ask("/home/u/venv")["--python"], "onnxruntime").variant == "cpu"
    machine.write(provider, elf(container(entry(2, 75))))
    assert build(machine.ask("/home/u/venv")["--python"], "onnxruntime").variant == "cu124"


def test_extensions_by_local_version_pin_and_cpp_lib(machine: Machine) -> None:
    site = machine.venv()
    machine.distribution(site, "flash-attn", "2.7.4.post1+cu12torch2.6cxx11abiFALSE")
    machine.write(f"{site}/flash_attn/__init__.py")
    machine.write(f"{site}/flash_attn_2_cuda.cpython-311-x86_64-linux-gnu.so", elf(container(entry(2, 80))))
    machine.distribution(site, "torch-scatter", "2.1.2+pt25cu124")
    machine.distribution(site, "torchvision", "0.20.1", "torch==2.5.1")
    machine.write(f"{site}/torchvision/_C.so", elf(b"", b".text"))
    machine.distribution(site, "xformers", "0.0.28.post3")
    said = {"version": {"cuda": 1204, "torch": "2.5.1+cu124"}, "env": {"TORCH_CUDA_ARCH_LIST": "8.0 9.0a"}}
    machine.write(f"{site}/xformers/cpp_lib.json", json.dumps(said))
    python = machine.ask("/home/u/venv")["--python"]
    flash, scatter = build(python, "flash-attn"), build(python, "torch-scatter")
    assert (value_of(flash.built_for_torch, ""), value_of(flash.cuda, "")) == ("2.6", "12")
    assert value_of(flash.cuda_code, None) is True
    assert (value_of(scatter.built_for_torch, ""), value_of(scatter.cuda, "")) == ("2.5", "12.4")
    vision, xformers = build(python, "torchvision"), build(python, "xformers")
    assert value_of(vision.built_for_torch, "") == "2.5.1" and value_of(vision.cuda_code, None) is False
    assert (value_of(xformers.built_for_torch, ""), value_of(xformers.cuda, "")) == ("2.5.1", "12.4")


def test_an_extension_with_a_library_for_each_generation_holds_the_code_of_all(machine: Machine) -> None:
    site = machine.venv()
    machine.distribution(site, "sageattention", "2.2.0")
    machine.write(f"{site}/sageattention/_qattn_sm80.so", elf(container(entry(2, 80))))
    machine.write(f"{site}/sageattention/_qattn_sm90.so", elf(container(entry(2, 90, 0x100000)) * 9))
    held = value_of(build(machine.ask("/home/u/venv")["--python"], "sageattention").targets, None)
    assert held is not None and held.cubins == (Cubin("8.0"), Cubin("9.0", "a"))
    assert held.containers == 10 and isinstance(held.serving, Unknown)


def test_bitsandbytes_by_its_libraries(machine: Machine) -> None:
    site = machine.venv()
    machine.distribution(site, "bitsandbytes", "0.45.0")
    for cuda in ("118", "124"):
        machine.write(f"{site}/bitsandbytes/libbitsandbytes_cuda{cuda}.so", b"")
    assert build(machine.ask("/home/u/venv")["--python"], "bitsandbytes").detail == "118 124"
    machine.write(f"{site}/bitsandbytes/cextension.py", "available = _find_cuda_libs(prefix)\n")
    assert build(machine.ask("/home/u/venv")["--python"], "bitsandbytes").detail == "118 124 same-major"


# ---------------------------------------------------------------- kernels


def test_kernels_their_interpreters_and_what_these_have(machine: Machine) -> None:
    site = machine.venv()
    machine.write(f"{site}/torch/__init__.py")
    for name, program in (("good", "/home/u/venv/bin/python"), ("gone", "/home/u/old/bin/python")):
        spec = {"argv": [program, "-m", "ipykernel_launcher"], "display_name": name.title()}
        machine.write(f"/home/u/.local/share/jupyter/kernels/{name}/kernel.json", json.dumps(spec))
    machine.write("/home/u/.local/share/jupyter/kernels/r/kernel.json", '{"argv": ["R"]}')
    machine.write("/home/u/.local/share/jupyter/kernels/bad/kernel.json", "{")
    found = frameworks.kernels(Root(str(machine.folder), env=machine.env))
    kernels = {k.name: k for k in value_of(found, ())}
    assert set(kernels) == {"good", "gone"}
    assert value_of(kernels["good"].exists, None) is True and value_of(kernels["good"].frameworks, ()) == (
        "torch",
    )
    assert value_of(kernels["gone"].exists, None) is False
    assert machine.ask("kernel:good")["kernel good"].prefix == "/home/u/venv"


# ---------------------------------------------------------------- the cache


def test_the_cache_remembers_and_a_damaged_one_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gpudoctor.probes.python import targets

    monkeypatch.setattr(targets, "WORTH_REMEMBERING", 1)
    library = tmp_path / "libx.so"
    library.write_bytes(elf(container(entry(2, 80))))
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = fatbin_targets(Live(env=env), str(library))
    store = Path(cache_file(Live(env=env)))
    assert store.is_file()
    with monkeypatch.context() as patch:
        patch.setattr("gpudoctor.parsers.fatbin.read", lambda *_: pytest.fail("read again"))
        assert fatbin_targets(Live(env=env), str(library)) == first
    for damage in (
        "{",
        "[]",
        '{"format": 1, "entries": {"x": 3}}',
        store.read_text().replace('"cubins"', '"c"'),
    ):
        store.write_text(damage)
        assert fatbin_targets(Live(env=env), str(library)) == first
    library.write_bytes(elf(container(entry(2, 90))))
    changed = fatbin_targets(Live(env=env), str(library))
    assert value_of(changed, None).cubins == (Cubin("9.0"),)


def test_nothing_is_remembered_of_another_root_or_without_a_home(tmp_path: Path) -> None:
    assert cache_file(Root(str(tmp_path), env={"HOME": "/home/u"})) == ""
    assert cache_file(Live(env={})) == ""


def test_a_cache_that_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpudoctor.probes.python.targets.WORTH_REMEMBERING", 1)
    library = tmp_path / "libx.so"
    library.write_bytes(elf(container(entry(2, 80))))
    (tmp_path / "file").write_text("")
    found = fatbin_targets(Live(env={"XDG_CACHE_HOME": str(tmp_path / "file")}), str(library))
    assert isinstance(found, Known)


# ---------------------------------------------------------------- imports


def test_how_a_child_ended_is_told_apart() -> None:
    from gpudoctor.probes.python.imports import outcome

    answer = '{"answer": {"state": "ok", "version": "2.5.1", "available": true, "devices": 2}}'
    ok = outcome(Ran(("p",), 0, f"noise\n{answer}\n", ""))
    assert (ok.state, ok.version, value_of(ok.devices, 0)) == ("ok", "2.5.1", 2)
    assert outcome(Ran(("p",), None, "", "boom", 11)).error == "SIGSEGV"
    assert outcome(Ran(("p",), None, "", "", None, True, 60.0)).state == "hung"
    assert outcome(Ran(("p",), 3, "", "words")).error == "exit status 3"
    raised = outcome(Ran(("p",), 0, '{"answer": {"state": "failed", "error": "ImportError"}}', ""))
    assert (raised.state, raised.error) == ("failed", "ImportError")
    # It answered, and crashed while it was torn down: the answer counts.
    assert outcome(Ran(("p",), None, answer, "", 11)).state == "ok"


def live_venv(folder: Path, torch: str) -> str:
    """A real venv of this Python with a torch of one file in it."""
    import sys

    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(os.path.realpath(sys.executable))
    (folder / "pyvenv.cfg").write_text(f"home = {os.path.dirname(os.path.realpath(sys.executable))}\n")
    site = folder / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    (site / "torch").mkdir(parents=True)
    (site / "torch/__init__.py").write_text(torch)
    (site / "torch/version.py").write_text("__version__ = '2.5.1+cpu'\ncuda = None\n")
    (site / "torch-2.5.1+cpu.dist-info").mkdir()
    (site / "torch-2.5.1+cpu.dist-info/METADATA").write_text("Name: torch\nVersion: 2.5.1+cpu\n")
    return str(folder)


@pytest.mark.parametrize(
    ("torch", "state", "error"),
    [
        ("from torch import version\n__version__ = version.__version__\n", "ok", ""),
        ("raise ImportError('libcudart.so.12: cannot open')\n", "failed", "ImportError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", "crashed", "SIGSEGV"),
        ("import time\ntime.sleep(600)\n", "hung", ""),
        ("raise SystemExit(3)\n", "failed", "SystemExit"),
    ],
    ids=["works", "raises", "crashes", "hangs", "exits"],
)
def test_importing_in_the_interpreter_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torch: str, state: str, error: str
) -> None:
    monkeypatch.setattr("gpudoctor.probes.python.imports.TIMEOUT", 1.5 if state == "hung" else 30.0)
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "torch.py").write_text("raise SystemExit('the working directory was imported')")
    monkeypatch.chdir(trap)
    folder = live_venv(tmp_path / "venv", torch)
    port = Live(env={"PATH": "", "PYTHONPATH": str(trap)}, options=Options(imports=True, pythons=(folder,)))
    found = next(i for i in value_of(frameworks.interpreters(port), ()) if i.selected_by == "--python")
    imported = build(found, "torch").imported
    assert isinstance(imported, Known), imported
    assert (imported.value.state, imported.value.error) == (state, error)


# ---------------------------------------------------------------- speed, and a real wheel


def test_a_venv_with_300_packages_is_read_in_little_time(machine: Machine) -> None:
    site = machine.venv()
    for number in range(300):
        machine.distribution(site, f"package-{number}", "1.0")
    port = Root(str(machine.folder), env=machine.env, options=Options(pythons=("/home/u/venv",)))
    frameworks.interpreters(port)
    started = time.process_time()
    frameworks.interpreters(
        Root(str(machine.folder), env=machine.env, options=Options(pythons=("/home/u/venv",)))
    )
    assert (
        time.process_time() - started < 0.1
    )  # 5 ms measured; the bound is for a machine that does ten other things


@pytest.mark.wheels
def test_the_real_torch_is_read_without_being_imported() -> None:
    folder = os.path.abspath(os.path.join(os.environ.get("GPUDOCTOR_TEST_BUILD", "build"), "env-torch"))
    if not os.path.exists(os.path.join(folder, ".complete")):
        pytest.skip(f"no venv with torch==2.13.0 in {folder}: run scripts/fetch-torch")
    port = Live(options=Options(pythons=(folder,)))
    python = next(i for i in value_of(frameworks.interpreters(port), ()) if i.prefix == folder)
    torch = build(python, "torch")
    assert (torch.version, torch.variant) == ("2.13.0+cpu", "cpu")
    assert isinstance(torch.cuda, Absent) and value_of(torch.glibc, "").startswith("2.")


@pytest.mark.wheels
def test_the_real_tensorflow_is_read_without_being_imported() -> None:
    folder = os.path.abspath(os.path.join(os.environ.get("GPUDOCTOR_TEST_BUILD", "build"), "env-tensorflow"))
    if not os.path.exists(os.path.join(folder, ".runnable")):
        pytest.skip(f"no venv with tensorflow-cpu==2.18.1 in {folder}: run scripts/fetch-tensorflow")
    port = Live(options=Options(pythons=(folder,)))
    python = next(i for i in value_of(frameworks.interpreters(port), ()) if i.prefix == folder)
    found = build(python, "tensorflow")
    assert (found.version, found.variant) == ("2.18.1", "cpu")
    assert isinstance(found.cuda, Absent)


def test_a_package_that_conda_installed_is_read_like_any_other(machine: Machine) -> None:
    """conda writes its own name into INSTALLER; its record in conda-meta has another name, and no library."""
    machine.python("/opt/conda")
    site = "/opt/conda/lib/python3.11/site-packages"
    machine.torch(site, "2.5.1", "'12.6'")
    machine.write(f"{site}/torch-2.5.1.dist-info/INSTALLER", "conda\n")
    machine.write("/opt/conda/conda-meta/pytorch-2.5.1-cuda126_py311_303.json", "{}")
    machine.env["CONDA_PREFIX"] = "/opt/conda"
    torch = build(machine.ask()["CONDA_PREFIX"], "torch")
    assert (torch.version, torch.variant, torch.detail) == ("2.5.1", "cu126", "cuda126_py311_303")
