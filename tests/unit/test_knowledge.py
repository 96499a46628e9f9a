"""The tables are well formed, and the look-ups answer what people ask. Expected answers are from the tables' sources."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

import gpudoctor
from gpudoctor import knowledge
from gpudoctor.versions import numbers

DATA = pathlib.Path(gpudoctor.__file__).parent / "data"
TABLES = sorted(p.stem for p in DATA.glob("*.json") if p.stem != "schema")


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return found


def sources_named(value: Any) -> Iterator[str]:
    """Every id in a `source` field, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "source":
                yield from [inner] if isinstance(inner, str) else inner
            elif key != "sources":
                yield from sources_named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from sources_named(inner)


class TestTables:
    @pytest.mark.parametrize("name", TABLES)
    def test_each_fits_the_schema(self, name: str) -> None:
        jsonschema.Draft202012Validator(read("schema")).validate({name: read(name)})

    @pytest.mark.parametrize("name", TABLES)
    def test_each_row_names_a_source_and_each_source_is_used(self, name: str) -> None:
        found = read(name)
        used = set(sources_named(found))
        if name == "gpus":
            used |= {row[3] for row in found["names"]} | {"pci.ids", "chips"}
        if name == "torch":
            used.add("wheel")
        assert used == set(found["sources"])

    @pytest.mark.parametrize("name", TABLES)
    def test_no_row_is_spelled_twice(self, name: str) -> None:
        for value in read(name).values():
            if isinstance(value, list):
                rows = [json.dumps(row, sort_keys=True) for row in value]
                assert not [row for row, count in Counter(rows).items() if count > 1]

    def test_no_version_has_two_rows(self) -> None:
        for name in ("torch", "tensorflow"):
            versions = [v for row in read(name)["builds"] for v in row["versions"]]
            assert len(versions) == len(set(versions))
        jax = [(row["package"], v) for row in read("jax")["builds"] for v in row["versions"]]
        assert len(jax) == len(set(jax))
        for name in ("toolkits", "compilers"):
            releases = [v for row in read(name)["rows"] for v in row["releases"]]
            assert len(releases) == len(set(releases))
        for name in ("xid", "sxid"):
            codes = [c for row in read(name)["rows"] for c in row["codes"]]
            assert len(codes) == len(set(codes))
        ids = [i for row in read("gpus")["products"] for i in row[3].split()]
        assert len(ids) == len(set(ids)) > 800

    def test_references_inside_tables_hold(self) -> None:
        torch = read("torch")
        for row in torch["builds"]:
            assert row["default"] in row["variants"]
            archs = [v["arch"] for v in row["variants"].values() if "arch" in v]
            assert set(archs) <= set(torch["targets"])
        jax = read("jax")
        assert {row["requires"] for row in jax["builds"]} == set(range(len(jax["pins"])))
        gpus = read("gpus")
        assert {c for row in gpus["products"] for c in row[1].split("/")} <= set(gpus["chips"])

    @pytest.mark.parametrize(
        "what",
        ["driver", "cuda", "toolkit", "compilers", "ptx", "torch", "tensorflow", "jax", "cudnn", "tfbuild"],
    )
    def test_the_newest_version_is_that_of_the_rows(self, what: str) -> None:
        rows = {
            "driver": [str(r["branch"]) for r in read("driver")["branches"]],
            "cuda": [r["cuda"] for r in read("driver")["toolkits"]],
            "toolkit": [v for r in read("toolkits")["rows"] for v in r["releases"]],
            "compilers": [v for r in read("compilers")["rows"] for v in r["releases"]],
            "ptx": [r["isa"] for r in read("ptx")["rows"]],
            "torch": [v for r in read("torch")["builds"] for v in r["versions"]],
            "tensorflow": [v for r in read("tensorflow")["builds"] for v in r["versions"]],
            "jax": [v for r in read("jax")["builds"] for v in r["versions"]],
            "cudnn": [r["to"] for r in read("cudnn")["kernels"]],
            "tfbuild": [v for r in read("tfbuild")["rows"] for v in r["releases"]],
        }[what]
        assert knowledge.newest(what).value == max(rows, key=numbers)

    def test_an_unknown_table_is_a_mistake_of_ours(self) -> None:
        with pytest.raises(KeyError):
            knowledge.newest("mxnet")

    def test_each_file_stays_small(self) -> None:
        """One look-up reads one file; 64 kB of JSON load in about a millisecond."""
        assert all((DATA / f"{name}.json").stat().st_size < 64_000 for name in TABLES)

    def test_a_zipapp_reads_them_too(self, tmp_path: pathlib.Path) -> None:
        package = DATA.parent
        archive = tmp_path / "gpudoctor.pyz"
        with zipfile.ZipFile(archive, "w") as zipped:
            for file in package.rglob("*"):
                if file.suffix in (".py", ".json"):
                    zipped.write(file, f"gpudoctor/{file.relative_to(package).as_posix()}")
        code = (
            f"import sys; sys.path.insert(0, {str(archive)!r})\n"
            "from gpudoctor import knowledge; print(knowledge.gpu_by_pci(0x2684).product, knowledge.__file__)"
        )
        out = subprocess.run(
            [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        assert out.startswith("GeForce RTX 4090") and str(archive) in out


class TestDrivers:
    @pytest.mark.parametrize(
        ("cuda", "full", "compatible", "branch"),
        [
            ("12.4", "550.54.14", "525.60.13", 550),
            ("12.4.1", "550.54.15", "525.60.13", 550),
            ("12.4.131", "550.54.14", "525.60.13", 550),  # nvcc's own version: the release's first row
            ("12.8", "570.26", "525.60.13", 570),
            ("12.0", "525.60.13", "525.60.13", 525),
            ("11.8", "520.61.05", "450.80.02", 520),
            ("11.0", "450.51.05", "450.51.05", 450),  # older than its family's floor
            ("10.2", "440.33", None, 440),  # no minor-version compatibility before 11
            ("13.0", "580.65.06", "580", 580),
            ("13.3", None, "580", 610),  # only the branch is published
            ("13.5", None, "580", None),  # newer than the table, but the floor is the whole major's
        ],
    )
    def test_what_a_toolkit_needs(
        self, cuda: str, full: str | None, compatible: str | None, branch: int | None
    ) -> None:
        found = knowledge.driver_minimum(cuda)
        assert found is not None
        assert (found.full, found.compatible, found.branch) == (full, compatible, branch)

    def test_windows_has_its_own_numbers(self) -> None:
        found = knowledge.driver_minimum("12.4", "windows")
        assert found is not None and (found.full, found.compatible) == ("551.61", "528.33")
        old = knowledge.driver_minimum("12.0", "windows")
        assert old is not None and old.compatible == "527.41"

    @pytest.mark.parametrize("cuda", ["12.7", "12.10", "14.0", "6.5", "", "newest"])
    def test_a_toolkit_that_no_table_has(self, cuda: str) -> None:
        """12.7 was never released."""
        assert knowledge.driver_minimum(cuda) is None

    @pytest.mark.parametrize(
        ("branch", "cuda"), [(535, "12.2"), (550, "12.4"), (565, "12.7"), (580, "13.0"), (615, "13.4")]
    )
    def test_what_a_branch_implements(self, branch: int, cuda: str) -> None:
        found = knowledge.branch_cuda(branch)
        assert found is not None and found.cuda == cuda

    @pytest.mark.parametrize("branch", [600, 999, 430])
    def test_a_branch_that_is_not_known(self, branch: int) -> None:
        assert knowledge.branch_cuda(branch) is None

    @pytest.mark.parametrize(
        ("capability", "last"),
        [("2.1", 390), ("3.5", 470), ("3.7", 470), ("5.0", 580), ("5.2", 580), ("6.1", 580), ("7.0", 580)],
    )
    def test_dropped_gpus(self, capability: str, last: int) -> None:
        """590 and later have no Maxwell, Pascal and Volta."""
        found = knowledge.last_branch(capability)
        assert found is not None and found.branch == last

    @pytest.mark.parametrize("capability", ["7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0", "99.0"])
    def test_gpus_without_a_known_end(self, capability: str) -> None:
        assert knowledge.last_branch(capability) is None

    def test_blackwell_needs_570(self) -> None:
        found = knowledge.first_branch("12.0")
        assert found is not None and found.branch == 570
        assert knowledge.first_branch("10.3") is None

    @pytest.mark.parametrize(
        ("capability", "flavours"),
        [
            ("6.1", ("proprietary",)),
            ("7.0", ("proprietary",)),
            ("7.5", ("open", "proprietary")),
            ("8.9", ("open", "proprietary")),
            ("12.0", ("open",)),
            ("10.3", ("open",)),
        ],
    )
    def test_which_module_drives_it(self, capability: str, flavours: tuple[str, ...]) -> None:
        found = knowledge.module_flavour(capability)
        assert found is not None and found.flavours == flavours

    @pytest.mark.parametrize("capability", ["5.3", "8.7", "11.0", "13.0"])
    def test_jetson_and_unknown_gpus_have_no_flavour(self, capability: str) -> None:
        assert knowledge.module_flavour(capability) is None

    @pytest.mark.parametrize(
        ("isa", "cuda", "branch"),
        [("8.4", "12.4", 550), ("7.0", "11.0", 450), ("9.0", "13.0", 580), ("9.4", "13.4", 615)],
    )
    def test_ptx_versions(self, isa: str, cuda: str, branch: int) -> None:
        found = knowledge.ptx_isa(isa)
        assert found is not None and (found.cuda, found.branch) == (cuda, branch)

    def test_what_a_driver_compiles(self) -> None:
        def newest(cuda: str) -> str | None:
            found = knowledge.newest_ptx(cuda)
            return found.isa if found else None

        assert newest("12.4") == "8.4"
        assert newest("12.6") == "8.5"  # 12.6 brought no ISA of its own
        assert newest("13.5") == "9.5"
        assert newest("14.0") is None and newest("8.0") is None and newest("?") is None


class TestGpus:
    @pytest.mark.parametrize(
        ("name", "capability"),
        [
            ("NVIDIA GeForce RTX 3050", "8.6"),
            ("NVIDIA GeForce RTX 3050 Laptop GPU", "8.6"),
            ("NVIDIA GeForce RTX 3050 A Laptop GPU", "8.9"),  # another chip under nearly the same name
            ("NVIDIA GeForce RTX 2070 with Max-Q Design", "7.5"),
            ("NVIDIA GeForce RTX 4090", "8.9"),
            ("NVIDIA GeForce RTX 5090 Laptop GPU", "12.0"),
            ("GeForce GTX 1080 Ti", "6.1"),
            ("Tesla V100-SXM2-16GB", "7.0"),
            ("Tesla T4", "7.5"),
            ("NVIDIA A100-SXM4-40GB", "8.0"),
            ("NVIDIA A100 80GB PCIe", "8.0"),
            ("NVIDIA A10G", "8.6"),
            ("NVIDIA L4", "8.9"),
            ("NVIDIA H100 80GB HBM3", "9.0"),
            ("NVIDIA H200", "9.0"),
            ("NVIDIA GH200 480GB", "9.0"),
            ("NVIDIA B200", "10.0"),
            ("NVIDIA B300 SXM6 AC", "10.3"),
            ("NVIDIA GB10", "12.1"),
            ("NVIDIA RTX 6000 Ada Generation", "8.9"),
            ("Quadro RTX 6000", "7.5"),
            ("Quadro RTX 8000", "7.5"),  # shares its ids with the 6000
            ("GeForce GTX 1650 Ti", "7.5"),  # a laptop part; nvidia-smi does not say so
            ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "12.0"),
            ("Jetson AGX Orin", "8.7"),
            ("NVIDIA Thor", "11.0"),
        ],
    )
    def test_by_name(self, name: str, capability: str) -> None:
        found = knowledge.gpu_by_name(name)
        assert found is not None and found.capability == capability

    @pytest.mark.parametrize("name", ["GeForce GT 1030", "GeForce GT 730", "GeForce GTX 860M"])
    def test_a_name_of_several_chips_does_not_tell(self, name: str) -> None:
        found = knowledge.gpu_by_name(name)
        assert found is not None and found.capability is None

    def test_its_pci_id_does(self) -> None:
        kepler, pascal = knowledge.gpu_by_pci(0x0FC5), knowledge.gpu_by_pci(0x1D01)
        assert kepler is not None and pascal is not None
        assert (kepler.product, kepler.capability) == ("GeForce GT 1030", "3.0")
        assert (pascal.product, pascal.capability) == ("GeForce GT 1030", "6.1")

    @pytest.mark.parametrize(
        ("device", "capability", "kind"),
        [
            (0x2684, "8.9", "geforce"),
            (0x25A2, "8.6", "geforce"),
            (0x28A3, "8.9", "geforce"),
            (0x20B0, "8.0", "datacenter"),
            (0x1DB1, "7.0", "datacenter"),
            (0x2E12, "12.1", "other"),
        ],
    )
    def test_by_pci_id(self, device: int, capability: str, kind: str) -> None:
        found = knowledge.gpu_by_pci(device)
        assert found is not None and (found.capability, found.kind) == (capability, kind)

    def test_a_maker_list_that_contradicts_the_chip_is_not_believed(self) -> None:
        """NVIDIA's legacy list says 5.0 for the GM204 of a Quadro M5000M."""
        found = knowledge.gpu_by_pci(0x13F8)
        assert found is not None and found.capability == "5.2"

    def test_what_no_list_has(self) -> None:
        assert knowledge.gpu_by_pci(0xFFFF) is None
        assert knowledge.gpu_by_name("NVIDIA GeForce RTX 9090") is None
        assert knowledge.gpu_by_name("") is None

    def test_an_nvswitch_is_no_gpu(self) -> None:
        assert knowledge.gpu_by_pci(0x22A3) is None and knowledge.gpu_by_pci(0x1AF1) is None

    def test_every_product_is_found_by_its_own_name(self) -> None:
        chips = read("gpus")["chips"]
        by_name: dict[str, set[str]] = {}
        for product, chip, _, _ in read("gpus")["products"]:
            by_name.setdefault(product, set()).add(chips[chip.split("/")[0]][0])
        for product, capabilities in by_name.items():
            found = knowledge.gpu_by_name(f"NVIDIA {product}")
            assert found is not None
            assert found.capability == (capabilities.pop() if len(capabilities) == 1 else None)

    def test_every_id_finds_its_product(self) -> None:
        for product, chip, _, ids in read("gpus")["products"]:
            for device in ids.split():
                found = knowledge.gpu_by_pci(int(device, 16))
                assert found is not None and (found.product, found.chip) == (product, chip)
                assert found.capability is not None


class TestToolkits:
    @pytest.mark.parametrize(
        ("target", "last", "first_without"),
        [("3.5", "11.8", "12.0"), ("5.0", "12.9", "13.0"), ("7.0", "12.9", "13.0"), ("3.0", "10.2", "11.0")],
    )
    def test_targets_that_left(self, target: str, last: str, first_without: str) -> None:
        had, lost = knowledge.toolkit_targets(last), knowledge.toolkit_targets(first_without)
        assert had is not None and lost is not None
        assert target in had.sm and target not in lost.sm

    @pytest.mark.parametrize(
        ("target", "first", "last_without"),
        [
            ("8.6", "11.1", "11.0"),
            ("8.9", "11.8", "11.7"),
            ("9.0a", "12.0", "11.8"),
            ("12.0", "12.8", "12.6"),
            ("10.0f", "12.9", "12.8"),
        ],
    )
    def test_targets_that_came(self, target: str, first: str, last_without: str) -> None:
        has, had_not = knowledge.toolkit_targets(first), knowledge.toolkit_targets(last_without)
        assert has is not None and had_not is not None
        assert target in has.sm and target not in had_not.sm

    def test_a_longer_version_is_its_release(self) -> None:
        assert knowledge.toolkit_targets("12.4.131") == knowledge.toolkit_targets("12.4")

    def test_what_nobody_ran_is_marked(self) -> None:
        derived, measured = knowledge.toolkit_targets("11.4"), knowledge.toolkit_targets("11.5")
        assert derived is not None and not derived.verified
        assert measured is not None and measured.verified

    @pytest.mark.parametrize("release", ["12.7", "14.0", "9.0", "x"])
    def test_a_release_that_is_not_known(self, release: str) -> None:
        assert knowledge.toolkit_targets(release) is None and knowledge.host_compilers(release) is None

    @pytest.mark.parametrize(
        ("release", "gcc", "clang", "verified"),
        [
            ("11.2", 10, 11, True),
            ("11.8", 11, 14, True),
            ("12.3", 12, 16, True),
            ("12.4", 13, 17, True),
            ("12.8", 14, 19, True),
            ("13.3", 15, 21, True),  # a package recipe says gcc 16; the header refuses it
            ("13.4", 16, 22, True),
            ("12.2.91", 12, 15, True),
            ("12.2.140", 12, 16, True),
            ("10.2", 8, 8, False),
        ],
    )
    def test_host_compilers(self, release: str, gcc: int, clang: int, verified: bool) -> None:
        found = knowledge.host_compilers(release)
        assert found is not None
        assert (found.gcc_max, found.clang_max, found.verified) == (gcc, clang, verified)


class TestFrameworks:
    @pytest.mark.parametrize(
        ("version", "volta"),
        [
            ("2.7.0", False),
            ("2.7.1", False),
            ("2.8.0", True),
            ("2.9.1", True),
            ("2.10.0", True),
            ("2.11.0", False),
        ],
    )
    def test_torch_for_cuda_12_8_had_volta_for_three_releases(self, version: str, volta: bool) -> None:
        found = knowledge.torch_build(version, "cu128")
        assert found is not None and found.capabilities is not None
        assert ("7.0" in found.capabilities) == volta

    @pytest.mark.parametrize(
        ("version", "variant", "blackwell"),
        [("2.7.1", "cu126", False), ("2.8.0", "cu128", True), ("2.15.0", "cu132", True)],
    )
    def test_a_plain_install_of_torch(self, version: str, variant: str, blackwell: bool) -> None:
        found = knowledge.torch_build(version)
        assert found is not None and found.capabilities is not None
        assert found.variant == variant and ("12.0" in found.capabilities) == blackwell

    def test_a_torch_build_in_full(self) -> None:
        found = knowledge.torch_build("2.5.1", "cu124")
        assert found is not None
        assert (found.cuda, found.cudnn) == ("12.4", "9.1.0.70")
        assert found.capabilities == ("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0") and found.ptx == ()
        assert found.pythons == ("3.9", "3.10", "3.11", "3.12", "3.13")
        assert "nvidia-cudnn-cu12==9.1.0.70" in found.requires
        assert found.deciding_library == "torch/lib/libtorch_cuda.so"

    def test_targets_that_nobody_read_are_not_known(self) -> None:
        found = knowledge.torch_build("2.7.0", "cu128", "aarch64")
        assert found is not None and found.cuda == "12.8" and found.capabilities is None

    @pytest.mark.parametrize(
        ("arguments", "cuda"),
        [
            ({"variant": "cpu"}, None),
            ({"system": "windows"}, None),
            ({"machine": "aarch64"}, None),
            ({}, "12.4"),
        ],
    )
    def test_cpu_builds_of_torch(self, arguments: dict[str, str], cuda: str | None) -> None:
        found = knowledge.torch_build("2.5.1", **arguments)
        assert found is not None and found.cuda == cuda
        assert cuda is not None or (found.variant, found.capabilities) == ("cpu", ())

    def test_torch_on_arm(self) -> None:
        found = knowledge.torch_build("2.11.0", machine="aarch64")
        assert found is not None and found.capabilities == ("8.0", "9.0", "10.0", "11.0", "12.0")
        other = knowledge.torch_build("2.11.0", "cu126", machine="aarch64")
        assert other is not None and other.capabilities is None

    @pytest.mark.parametrize(
        ("version", "variant"), [("2.16.0", ""), ("2.5.1", "cu999"), ("2.5.1", "rocm6.2"), ("x", "")]
    )
    def test_torch_builds_that_no_table_has(self, version: str, variant: str) -> None:
        assert knowledge.torch_build(version, variant) is None

    def test_tensorflow_2_18(self) -> None:
        found = knowledge.tensorflow_build("2.18.0")
        assert found is not None
        assert (found.cuda, found.cudnn) == ("12.5.1", "9.3")
        assert (found.capabilities, found.ptx) == (("6.0", "7.0", "8.0", "8.9", "9.0"), ("9.0",))
        assert found.libraries is not None and "libcudnn.so.9" in found.libraries
        assert found.deciding_library == "tensorflow/libtensorflow_cc.so.2"

    @pytest.mark.parametrize(
        ("version", "soname"),
        [
            ("2.3.0", "libcudart.so.10.1"),
            ("2.4.0", "libcusolver.so.10"),  # CUDA 11.0's; 11.1 and later have .so.11
            ("2.10.0", "libcusolver.so.11"),
            ("2.14.0", "libcudnn.so.8"),
            ("2.17.0", "libcudnn.so.8"),
            ("2.21.0", "libcufft.so.11"),
        ],
    )
    def test_what_tensorflow_opens(self, version: str, soname: str) -> None:
        found = knowledge.tensorflow_build(version)
        assert found is not None and found.libraries is not None and soname in found.libraries

    @pytest.mark.parametrize(
        ("version", "cuda"),
        [
            ("1.4.0", "8.0"),
            ("1.12", "9.0"),
            ("1.15.2", "10.0"),
            ("2.1.0", "10.1"),
            ("2.6", "11.2"),
            ("99.0", None),
        ],
    )
    def test_the_cuda_of_a_release_as_people_write_it(self, version: str, cuda: str | None) -> None:
        assert knowledge.tensorflow_cuda(version) == cuda

    @pytest.mark.parametrize(
        ("version", "majors"), [("1.6.0", (10,)), ("1.16.3", (11,)), ("1.26.0", (12,)), ("1.27.0", (13,))]
    )
    def test_the_cuda_of_onnxruntimes_package(self, version: str, majors: tuple[int, ...]) -> None:
        row = knowledge.extension_demands("onnxruntime-gpu", version)
        assert row is not None and row.cuda == majors

    def test_no_tensorflow_opens_nccl_on_one_gpu(self) -> None:
        found = knowledge.tensorflow_build("2.18.0")
        assert found is not None and found.libraries is not None
        assert "libnccl.so.2" not in found.libraries and "libnccl.so.2" in found.optional_libraries

    def test_jax(self) -> None:
        measured, other = (knowledge.jax_build("jax-cuda12-plugin", v) for v in ("0.9.0", "0.9.1"))
        assert measured is not None and measured.capabilities is not None and "7.0" in measured.capabilities
        assert other is not None and other.capabilities is None
        assert "nvidia-cudnn-cu12<10.0,>=9.8" in measured.requires
        assert knowledge.jax_build("jax-cuda11-plugin", "0.4.30") is None

    @pytest.mark.parametrize(
        ("torch", "vision", "audio", "triton"),
        [("2.5.1", "0.20", "2.5", "3.1"), ("1.13", "0.14", "0.13", None), ("2.12.0", "0.27", None, "3.7")],
    )
    def test_companions_of_torch(
        self, torch: str, vision: str, audio: str | None, triton: str | None
    ) -> None:
        found = knowledge.torch_companions(torch)
        assert found is not None
        assert (found.torchvision, found.torchaudio, found.triton) == (vision, audio, triton)

    def test_no_companions_of_a_torch_to_come(self) -> None:
        assert knowledge.torch_companions("9.9") is None

    @pytest.mark.parametrize(
        ("package", "version", "path"),
        [
            ("torch", "2.5.1", "torch/lib/libtorch_cuda.so"),
            ("torch", "1.13.1", "torch/lib/libtorch_cuda_cu.so"),
            ("torch", "", "torch/lib/libtorch_cuda.so"),
            ("tensorflow", "2.11.1", "tensorflow/python/_pywrap_tensorflow_internal.so"),
            ("tensorflow", "2.12.0", "tensorflow/libtensorflow_cc.so.2"),
            ("onnxruntime-gpu", "1.23.2", "onnxruntime/capi/libonnxruntime_providers_cuda.so"),
            ("cupy-cuda12x", "", None),
            ("numpy", "", None),
        ],
    )
    def test_the_library_that_decides(self, package: str, version: str, path: str | None) -> None:
        assert knowledge.deciding_library(package, version) == path

    def test_tritons_ptxas(self) -> None:
        assert knowledge.bundled_ptxas("triton", "2.1.0") == "triton/third_party/cuda/bin/ptxas"
        assert knowledge.bundled_ptxas("triton", "3.1.0") == "triton/backends/nvidia/bin/ptxas"


class TestLibraries:
    def test_9_10_2_is_the_last_cudnn_for_volta(self) -> None:
        last, next_ = knowledge.cudnn_kernels(12, "9.10.2.21"), knowledge.cudnn_kernels(12, "9.11.0.98")
        assert last is not None and next_ is not None
        assert "7.0" in last.capabilities and "6.1" in last.capabilities
        assert min(next_.capabilities, key=numbers) == "7.5"

    def test_a_shorter_version_is_enough(self) -> None:
        short, full = knowledge.cudnn_kernels(12, "9.10.2"), knowledge.cudnn_kernels(12, "9.10.2.21")
        assert short is not None and full is not None and short.capabilities == full.capabilities

    @pytest.mark.parametrize(
        ("cuda", "version"),
        [(12, "9.6.0.74"), (12, "9.29.0.1"), (11, "9.11.0.98"), (13, "9.10.2.21"), (12, "x")],
    )
    def test_between_and_beyond_measurements_nothing_is_known(self, cuda: int, version: str) -> None:
        assert knowledge.cudnn_kernels(cuda, version) is None

    def test_parts_of_cudnn(self) -> None:
        eight, nine = knowledge.cudnn_sublibraries("8.9.7"), knowledge.cudnn_sublibraries("9.1.0")
        assert eight is not None and "libcudnn_cnn_infer.so.8" in eight
        assert nine is not None and "libcudnn_graph.so.9" in nine and len(nine) == 8
        newest = knowledge.cudnn_sublibraries("9.28.0")
        assert newest is not None and "libcudnn_ext.so.9" in newest
        between = knowledge.cudnn_sublibraries("9.21.0")
        assert between is not None and len(between) == 9
        assert knowledge.cudnn_sublibraries("9") == nine and knowledge.cudnn_sublibraries("8") == eight
        assert knowledge.cudnn_sublibraries("10.0") is None and knowledge.cudnn_sublibraries("7.6") is None

    @pytest.mark.parametrize(
        ("soname", "family"),
        [
            ("libcudnn_ops.so.9", "cudnn"),
            ("libcudnn.so.9.1.0", "cudnn"),
            ("libcudart.so.12", "cudart"),
            ("libcudart-80664282.so.10.2", "cudart"),  # as auditwheel renames it
            ("libcublasLt.so.12", "cublaslt"),
            ("libcublas.so.12", "cublas"),
            ("libnvrtc-builtins.so.12.9", "nvrtc"),
            ("libnvrtc.so.11.2", "nvrtc"),
            ("libnvJitLink.so.12", "nvjitlink"),
            ("libcusparseLt.so.0", "cusparselt"),
            ("libcusolverMg.so.11", "cusolver"),
            ("libnvinfer_plugin.so.10", "tensorrt"),
            ("libnvshmem_host.so.3", "nvshmem"),
            ("libcudnn.so", "cudnn"),
            ("libcuda.so.1", None),  # the driver's, not a toolkit's
            ("libcudadebugger.so.1", None),
            ("libstdc++.so.6", None),
            ("cudnn64_9.dll", None),
            ("", None),
        ],
    )
    def test_families(self, soname: str, family: str | None) -> None:
        assert knowledge.soname_family(soname) == family

    def test_where_wheels_put_their_libraries(self) -> None:
        twelve, thirteen = knowledge.wheel_layout(12), knowledge.wheel_layout(13)
        assert twelve is not None and thirteen is not None
        assert twelve.folders["cublas"] == "nvidia/cublas/lib"
        assert thirteen.folders["cublas"] == "nvidia/cu13/lib"
        assert thirteen.folders["cudnn"] == "nvidia/cudnn/lib"
        assert twelve.sonames["cufft"] == ("libcufft.so.11", "libcufftw.so.11")
        assert "bin/nvcc" in thirteen.tools["cuda_nvcc"] and "bin/nvcc" not in twelve.tools["cuda_nvcc"]
        assert knowledge.wheel_layout(14) is None


class TestErrorNumbers:
    @pytest.mark.parametrize(
        ("code", "cause", "severity"),
        [
            (13, "application", "warning"),
            (31, "application", "warning"),
            (43, "application", "warning"),
            (45, "information", "note"),
            (48, "memory", "failure"),
            (63, "memory", "warning"),
            (64, "memory", "failure"),
            (74, "link", "failure"),
            (79, "hardware", "failure"),
            (94, "memory", "warning"),
            (95, "memory", "failure"),
            (119, "driver", "failure"),
            (121, "link", "note"),
            (149, "link", "failure"),
        ],
    )
    def test_xids(self, code: int, cause: str, severity: str) -> None:
        found = knowledge.xid(code)
        assert found is not None and (found.cause, found.severity) == (cause, severity)

    def test_sxids(self) -> None:
        harmless, fatal = knowledge.sxid(11012), knowledge.sxid(23005)
        assert harmless is not None and harmless.severity == "note"
        assert fatal is not None and fatal.severity == "failure"

    def test_unknown_numbers(self) -> None:
        assert knowledge.xid(9999) is None and knowledge.sxid(1) is None


def test_sources_are_for_people() -> None:
    """A source is printed below a finding: a document that can be looked up, in a line or two."""
    for name in TABLES:
        for text in read(name)["sources"].values():
            assert len(text) < 330 and not re.search(r"general knowledge|unverified", text)
