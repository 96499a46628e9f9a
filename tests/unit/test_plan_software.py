"""`plan driver`, `cuda`, `cudnn`, `tensorrt` and `container-toolkit`. Expected answers are from the sources of the tables
(data/install.json, architectures.json, driver.json, cudnn.json)."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
from typing import Any

import jsonschema
import pytest

from gpudoctor.advice.route import route
from gpudoctor.advice.software import Installable, Installation
from gpudoctor.codec import schema
from gpudoctor.errors import GpudoctorError
from gpudoctor.knowledge import install
from gpudoctor.knowledge.tables import table
from gpudoctor.report.plan import PlanReport
from gpudoctor.system.root import Root
from gpudoctor.workflows.software import exit_code, plan, retired_sources
from tests.e2e.test_cli import gpudoctor

UBUNTU = {"distribution": "ubuntu24.04"}


def planned(target: str, version: str = "", **given: Any) -> Installation:
    found = plan(target, version, given)
    assert found.installation is not None, found.because
    assert exit_code(found) == 0
    return found.installation


def ids(found: Installable) -> set[str]:
    return {because.id for because in found.because}


class TestDriver:
    @pytest.mark.parametrize(
        ("gpu", "distribution", "cuda", "branch", "flavour", "package"),
        [
            # Blackwell takes the open modules alone
            ("RTX 5090", "ubuntu24.04", "", None, "open", "nvidia-open"),
            ("RTX 5090", "rhel9", "12.8", None, "open", "nvidia-driver:open-dkms"),
            # Turing and newer: open is what NVIDIA recommends
            ("T4", "debian12", "", None, "open", "nvidia-open"),
            ("H100", "rocky9.4", "", None, "open", "nvidia-open"),
            ("H100", "opensuse-leap15.6", "", None, "open", "nvidia-open"),
            ("H100", "fedora44", "", None, "open", "nvidia-open"),
            # 580 is the last for Maxwell, Pascal and Volta, and has no open modules for them
            ("V100", "ubuntu22.04", "", 580, "proprietary", "nvidia-driver-pinning-580"),
            ("GTX 1080", "debian13", "12.8", 580, "proprietary", "cuda-drivers"),
            ("GTX 980", "rhel10", "", 580, "proprietary", "versionlock '*nvidia*580*'"),
            ("V100", "almalinux9", "", 580, "proprietary", "nvidia-driver:580-dkms"),
        ],
    )
    def test_branch_and_flavour(
        self, gpu: str, distribution: str, cuda: str, branch: int | None, flavour: str, package: str
    ) -> None:
        found = planned("driver", gpu=gpu, distribution=distribution, cuda=cuda)
        assert (found.branch, found.flavour, found.legacy) == (branch, flavour, branch is not None)
        assert any(package in command for command in found.commands)
        assert found.commands[-1] == "sudo reboot"
        assert all(reason.via for reason in found.reasons)

    def test_a_stream_that_no_guide_of_nvidias_named_is_a_caveat(self) -> None:
        found = planned("driver", gpu="V100", distribution="rhel9")
        assert any("not from NVIDIA's guide" in caveat.explanation for caveat in found.caveats)
        assert planned("driver", gpu="T4", distribution="rhel9").caveats == ()

    def test_the_cuda_wanted_says_from_when_on(self) -> None:
        assert planned("driver", gpu="T4", cuda="12.8", **UBUNTU).version == "570.26 or newer"
        # only the branch is published of 13.3
        assert planned("driver", gpu="T4", cuda="13.3", **UBUNTU).version == "610 or newer"

    def test_a_gpu_that_the_cuda_dropped(self) -> None:
        found = plan("driver", "", {"gpu": "V100", "cuda": "13.0", **UBUNTU})
        assert exit_code(found) == 1 and ids(found) == {"gpu-too-old-for-toolkit"}

    def test_a_branch_that_dropped_the_gpu(self) -> None:
        found = plan("driver", "590", {"gpu": "V100", **UBUNTU})
        assert exit_code(found) == 1 and ids(found) == {"driver-branch-dropped-gpu"}

    def test_a_branch_that_is_asked_for_is_held(self) -> None:
        found = planned("driver", "590", gpu="T4", **UBUNTU)
        assert found.branch == 590 and not found.legacy
        assert "sudo apt-get install -y nvidia-driver-pinning-590" in found.commands
        patch = planned("driver", "580.95.05", gpu="T4", **UBUNTU)
        assert patch.branch == 580 and "not 580.95.05 itself" in patch.caveats[0].explanation

    def test_newer_than_the_tables_is_not_known(self) -> None:
        for version, cuda in (("999", ""), ("", "14.0")):
            found = plan("driver", version, {"gpu": "T4", "cuda": cuda, **UBUNTU})
            assert exit_code(found) == 2 and "newer than the tables" in found.because[0].explanation

    def test_two_flavours_leave_the_older_gpu_out(self) -> None:
        found = planned("driver", gpu=["GTX 1080", "RTX 5090"], **UBUNTU)
        assert (found.gpus, found.left_out, found.flavour) == (("RTX 5090",), ("GTX 1080",), "open")

    def test_one_flavour_serves_both(self) -> None:
        found = planned("driver", gpu=["V100", "RTX 2080"], **UBUNTU)
        assert (found.left_out, found.branch, found.flavour) == ((), 580, "proprietary")

    def test_kepler_has_a_branch_and_no_commands(self) -> None:
        found = plan("driver", "", {"gpu": "Tesla K80", "distribution": "debian12"})
        assert exit_code(found) == 2 and "branch 470, proprietary" in found.needs[0]

    def test_keplers_branch_is_in_ubuntus_own_archive(self) -> None:
        found = planned("driver", gpu="Tesla K80", **UBUNTU)
        assert found.branch == 470 and found.flavour == "proprietary" and found.legacy
        assert any("nvidia-headless-no-dkms-470" in command for command in found.commands)
        assert not any("cuda-keyring" in command for command in found.commands)

    @pytest.mark.parametrize("gpu", ["Jetson AGX Orin", "sm_87"])
    def test_jetson_is_not_known(self, gpu: str) -> None:
        assert exit_code(plan("driver", "", {"gpu": gpu, **UBUNTU})) == 2

    def test_a_dgx_spark_is_an_arm_server_whose_first_branch_nobody_wrote_down(self) -> None:
        found = planned("driver", gpu="GB10", machine="aarch64", **UBUNTU)
        assert any("/ubuntu2404/sbsa/" in command for command in found.commands)
        assert any("first branch" in caveat.explanation for caveat in found.caveats)

    def test_what_no_table_says_of_a_distribution(self) -> None:
        for distribution, machine in (("ubuntu26.04", ""), ("rhel9", "aarch64"), ("azurelinux3", "")):
            given = {"gpu": "T4", "distribution": distribution, "machine": machine}
            assert exit_code(plan("driver", "", given)) == 2
        # a legacy branch can't be held with zypper, as far as is written
        assert exit_code(plan("driver", "", {"gpu": "V100", "distribution": "sles15"})) == 2

    @pytest.mark.parametrize("target", ["driver", "cuda", "cudnn", "tensorrt", "container-toolkit"])
    def test_inside_wsl2_nothing_brings_a_linux_driver(self, target: str) -> None:
        found = planned(target, gpu="RTX 3060", os="wsl2", driver="580.88", distribution="ubuntu22.04")
        words = " ".join(found.commands).split()
        assert not [w for w in words if re.match(r"(cuda|cuda-drivers|nvidia-open|nvidia-driver)(-?\d|$)", w)]

    def test_on_wsl2_the_driver_is_windows(self) -> None:
        found = planned("driver", gpu="RTX 3060", os="wsl2", cuda="12.4")
        assert (found.commands, found.version, found.flavour) == ((), "551.61 or newer", "")
        assert any("cuda-drivers" in note for note in found.notes) and "Windows" in found.notes[0]

    def test_on_windows_too(self) -> None:
        assert planned("driver", gpu="RTX 3060", os="windows").notes[0].startswith("Install")
        assert planned("driver", gpu="GTX 1080", os="windows").branch == 580


class TestCuda:
    def test_the_newest_that_works_in_full(self) -> None:
        """12.9 would run on driver 535 too, but its PTX would not."""
        found = planned("cuda", gpu="V100", driver="535.183.01", distribution="ubuntu22.04")
        assert found.version.startswith("12.2.") and found.caveats == ()
        assert "sudo apt-get install -y cuda-toolkit-12-2" in found.commands

    def test_one_that_needs_minor_version_compatibility_has_the_caveat(self) -> None:
        found = planned("cuda", "12.4", gpu="V100", driver="535.183.01", distribution="ubuntu22.04")
        assert any("PTX" in caveat.explanation for caveat in found.caveats)

    def test_too_new_for_the_gpu(self) -> None:
        found = plan("cuda", "13.0", {"gpu": "V100", **UBUNTU})
        assert exit_code(found) == 1 and ids(found) == {"gpu-too-old-for-toolkit"}

    @pytest.mark.parametrize(
        ("distribution", "command"),
        [
            ("debian13", "sudo apt-get install -y cuda-toolkit-12-8"),
            ("rhel9", "sudo dnf install -y cuda-toolkit-12-8"),
            (
                "fedora44",
                "sudo dnf config-manager addrepo --from-repofile=https://developer.download.nvidia.com/",
            ),
            ("amzn2023", "sudo dnf install -y cuda-toolkit-12-8"),
            ("azurelinux3", "sudo tdnf install -y cuda-toolkit-12-8"),
            ("sles15.6", "sudo SUSEConnect --product PackageHub/15.6/x86_64"),
            ("opensuse-leap16.0", "sudo zypper --non-interactive install cuda-toolkit-12-8"),
        ],
    )
    def test_by_the_distributions_packages(self, distribution: str, command: str) -> None:
        found = planned("cuda", "12.8", gpu="T4", distribution=distribution)
        assert any(one.startswith(command) for one in found.commands)

    def test_whether_a_repository_holds_it_is_said_where_nobody_knows(self) -> None:
        """NVIDIA's images of 12.8 are built on Ubuntu 24.04 from that repository, and on no Debian."""
        assert planned("cuda", "12.8", gpu="T4", distribution="ubuntu24.04").caveats == ()
        caveats = planned("cuda", "12.8", gpu="T4", distribution="debian13").caveats
        assert [c.explanation for c in caveats] == [
            "whether NVIDIA's repository debian13 holds CUDA 12.8 is in no table"
        ]

    def test_a_runfile_into_a_folder_of_ones_own(self) -> None:
        """The user's own way: an instdir for each version, outside /usr/local, without the driver."""
        found = planned("cuda", "12.4.0", gpu="RTX 3050", prefix="/media/tools/cuda 1204")
        fetch, run = found.commands
        assert fetch.endswith("/12.4.0/local_installers/cuda_12.4.0_550.54.14_linux.run")
        assert "--toolkit --toolkitpath='/media/tools/cuda 1204'" in run and not run.startswith("sudo")
        assert "--driver" not in run and "--defaultroot=" in run
        usual = planned("cuda", "12.4.0", gpu="RTX 3050", method="runfile").commands[1]
        assert usual.startswith("sudo sh") and "--toolkitpath=/usr/local/cuda-12.4" in usual

    def test_a_runfile_whose_name_is_in_no_table(self) -> None:
        for version, machine in (("13.4", ""), ("12.4", "aarch64")):
            found = plan("cuda", version, {"gpu": "T4", "method": "runfile", "machine": machine})
            assert exit_code(found) == 2

    def test_by_pip_and_conda(self) -> None:
        assert "'cuda-toolkit[all]==12.8.*'" in planned("cuda", "12.8", gpu="T4", method="pip").commands[1]
        conda = planned("cuda", "12.8.1", gpu="T4", method="conda").commands
        assert conda == ("conda install cuda-toolkit -c nvidia/label/cuda-12.8.1",)
        windows = planned("cuda", "12.8", gpu="T4", os="windows", python="3.12").commands
        assert windows[1].startswith('.venv\\Scripts\\python -m pip install "cuda-toolkit')

    def test_a_build_machine_needs_no_gpu(self) -> None:
        found = planned("cuda", distribution="rhel9")
        assert any("was not judged" in caveat.explanation for caveat in found.caveats)

    def test_wsl2_has_a_repository_of_its_own(self) -> None:
        found = planned("cuda", "12.8", gpu="T4", os="wsl2", distribution="ubuntu24.04")
        assert any("/wsl-ubuntu/x86_64/cuda-keyring" in command for command in found.commands)

    @pytest.mark.parametrize(
        ("version", "given"),
        [
            ("99", {}),
            ("12.7", {}),
            ("twelve", {}),
            ("12.8", {"cuda": "12.8"}),
            ("12.8", {"method": "dnf"}),
            ("12.8", {"method": "pip", "prefix": "/x"}),
            ("12.8", {"prefix": "x"}),
            ("12.8", {"distribution": "ubuntu"}),
            ("12.8", {"distribution": "gentoo2"}),
        ],
    )
    def test_bad_input_is_refused_in_words(self, version: str, given: dict[str, str]) -> None:
        with pytest.raises(GpudoctorError) as raised:
            plan("cuda", version, {"gpu": "T4", **UBUNTU, **given})
        assert raised.value.context and raised.value.note

    def test_an_unnamed_distribution_is_asked_for(self) -> None:
        with pytest.raises(GpudoctorError, match="distribution") as raised:
            plan("cuda", "12.8", {"gpu": "T4"})
        assert "runfile, pip, conda" in raised.value.hint


class TestLibraries:
    def test_volta_gets_the_last_cudnn_that_serves_it(self) -> None:
        found = planned("cudnn", gpu="V100", **UBUNTU)
        assert found.version == "9.10.2.21"
        assert any("libcudnn9-cuda-12=9.10.2.21-1 libcudnn9-dev-cuda-12" in c for c in found.commands)

    def test_a_cudnn_without_kernels_is_refused(self) -> None:
        found = plan("cudnn", "9.11.0", {"gpu": "V100", "method": "pip"})
        assert exit_code(found) == 1 and ids(found) == {"cudnn-lacks-gpu-kernels"}

    def test_for_the_cuda_that_the_driver_runs(self) -> None:
        assert "nvidia-cudnn-cu13" in planned("cudnn", gpu="H100", driver="580", method="pip").commands[1]
        assert "nvidia-cudnn-cu12" in planned("cudnn", gpu="H100", driver="570", method="pip").commands[1]
        assert (
            "nvidia-cudnn-cu12"
            in planned("cudnn", gpu="H100", driver="580", cuda="12", method="pip").commands[1]
        )

    def test_a_cuda_that_the_driver_does_not_run(self) -> None:
        found = plan("cudnn", "", {"gpu": "H100", "driver": "535", "cuda": "13", "method": "pip"})
        assert exit_code(found) == 1 and ids(found) == {"driver-too-old-for-runtime"}

    def test_with_dnf(self) -> None:
        found = planned("cudnn", "9.12.0.46", gpu="H100", cuda="13", distribution="rocky9")
        assert found.commands[-1].endswith(
            "libcudnn9-cuda-13-9.12.0.46-1 libcudnn9-devel-cuda-13-9.12.0.46-1"
        )

    @pytest.mark.parametrize(
        ("version", "given"),
        [
            ("8.9.7", UBUNTU),
            ("9.10.2", {"method": "conda"}),
            ("10.0.0", UBUNTU),
            ("", {"distribution": "sles15"}),
        ],
    )
    def test_cudnn_where_no_table_tells(self, version: str, given: dict[str, str]) -> None:
        assert exit_code(plan("cudnn", version, {"gpu": "T4", "cuda": "12", **given})) == 2

    def test_tensorrt_comes_from_nvidias_index(self) -> None:
        found = planned("tensorrt", gpu="T4", driver="570")
        assert "tensorrt-cu12==11.4.0.106" in found.commands[1]
        assert found.commands[1].endswith("--extra-index-url https://pypi.nvidia.com")
        newer = planned("tensorrt", gpu="B200", cuda="12")
        assert any("is in no table" in caveat.explanation for caveat in newer.caveats)

    def test_tensorrt_for_a_cuda_that_knows_the_gpu(self) -> None:
        # TensorRT 10.5 removed Volta, and no TensorRT 10 serves Pascal (its release notes and support matrix)
        assert "tensorrt-cu12==10.4.0.*" in planned("tensorrt", gpu="V100", cuda="12").commands[1]
        assert exit_code(plan("tensorrt", "", {"gpu": "GTX 1080", "cuda": "12"})) == 1
        assert exit_code(plan("tensorrt", "10.9", {"gpu": "V100", "cuda": "12"})) == 1
        assert "tensorrt-cu13" in planned("tensorrt", gpu="T4").commands[1]

    @pytest.mark.parametrize("target", ["cuda", "cudnn", "tensorrt", "container-toolkit"])
    def test_jetson_has_its_own(self, target: str) -> None:
        given = {"gpu": "Jetson AGX Orin", "machine": "aarch64", "distribution": "ubuntu22.04"}
        assert exit_code(plan(target, "", given)) == 2

    def test_tensorrt_by_apt_is_the_newest_or_not_known(self) -> None:
        assert (
            planned("tensorrt", gpu="T4", method="apt", **UBUNTU).commands[-1].endswith("install -y tensorrt")
        )
        assert exit_code(plan("tensorrt", "10.9", {"gpu": "T4", "method": "apt", **UBUNTU})) == 2

    def test_tensorrt_that_is_too_new_or_too_old(self) -> None:
        assert exit_code(plan("tensorrt", "12.0", {"gpu": "T4"})) == 2
        assert exit_code(plan("tensorrt", "10.0.1", {"gpu": "T4", "cuda": "13"})) == 2

    @pytest.mark.parametrize(
        ("target", "version"), [("cudnn", "nine"), ("tensorrt", "v"), ("container-toolkit", "2")]
    )
    def test_impossible_versions(self, target: str, version: str) -> None:
        with pytest.raises(GpudoctorError, match="no version of"):
            plan(target, version, {"gpu": "T4", **UBUNTU})


class TestContainerToolkit:
    @pytest.mark.parametrize(
        ("distribution", "command"),
        [
            ("debian12", "sudo apt-get install -y nvidia-container-toolkit=1.17.8-1 "),
            ("rhel8", "sudo dnf install -y nvidia-container-toolkit-1.17.8-1 "),
            ("sles15", "sudo zypper --gpg-auto-import-keys install -y nvidia-container-toolkit-1.17.8-1 "),
        ],
    )
    def test_all_four_packages_in_one_version(self, distribution: str, command: str) -> None:
        found = planned("container-toolkit", "1.17.8", gpu="T4", distribution=distribution)
        assert found.commands[-1].startswith(command) and found.commands[-1].count("1.17.8-1") == 4

    def test_its_key_is_in_a_file_and_never_in_apt_key(self) -> None:
        found = planned("container-toolkit", gpu="T4", **UBUNTU)
        assert any("signed-by=" in command for command in found.commands)
        assert not any("apt-key" in command for command in found.commands)


def apt(tmp_path: pathlib.Path, files: dict[str, str]) -> Root:
    folder = tmp_path / "etc/apt/sources.list.d"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name if name != "sources.list" else folder.parent / name).write_text(content)
    return Root(str(tmp_path))


class TestMigration:
    """The user's own set-up: apt-key and a list for each distribution (notes of many guides until 2023)."""

    OLD = "deb https://nvidia.github.io/nvidia-docker/ubuntu18.04/$(ARCH) /\n#deb https://nvidia.github.io/nvidia-docker/x /\n"
    PRESENT = "deb [signed-by=/k.gpg] https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /\n"
    CUDA = "deb https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2004/x86_64/ /\n"

    def test_the_retired_repository_goes(self, tmp_path: pathlib.Path) -> None:
        port = apt(tmp_path, {"nvidia-docker.list": self.OLD, "nvidia-container-toolkit.list": self.PRESENT})
        (old,) = retired_sources(port, "container-toolkit")
        assert (old.file, old.whole) == ("/etc/apt/sources.list.d/nvidia-docker.list", True)
        assert retired_sources(port, "cuda") == ()

    def test_the_present_one_without_a_key_of_its_own_conflicts(self, tmp_path: pathlib.Path) -> None:
        port = apt(tmp_path, {"a.list": self.PRESENT.replace("[signed-by=/k.gpg] ", "")})
        assert len(retired_sources(port, "container-toolkit")) == 1

    def test_what_else_is_in_the_file_stays(self, tmp_path: pathlib.Path) -> None:
        port = apt(tmp_path, {"sources.list": "deb http://a.example/ubuntu noble main\n" + self.CUDA})
        (old,) = retired_sources(port, "driver")
        assert (old.whole, old.lines, old.key) == (False, (2,), "7fa2af80")

    def test_the_newer_format(self, tmp_path: pathlib.Path) -> None:
        stanza = "Types: deb\nURIs: https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/\nSuites: /\n"
        port = apt(tmp_path, {"a.sources": stanza, "b.sources": stanza + "Signed-By: /k.gpg\n"})
        assert [old.file for old in retired_sources(port, "cuda")] == ["/etc/apt/sources.list.d/a.sources"]

    def test_a_well_kept_machine_has_none(self, tmp_path: pathlib.Path) -> None:
        port = apt(tmp_path, {"nvidia-container-toolkit.list": self.PRESENT})
        assert retired_sources(port, "container-toolkit") == retired_sources(port, "driver") == ()

    def test_the_commands_come_first_and_do_what_they_say(self, tmp_path: pathlib.Path) -> None:
        from gpudoctor.advice.question.reading import read
        from gpudoctor.advice.software import Setting, migrated

        port = apt(
            tmp_path, {"sources.list": "deb http://a.example/u x main\n" + self.CUDA, "cuda.list": self.CUDA}
        )
        retired = retired_sources(port, "cuda")
        commands = migrated(Setting(read({"gpu": "T4"}), retired=retired))
        assert commands[-1] == "! command -v apt-key || sudo apt-key del 7fa2af80"
        here = "\n".join(c.replace("/etc/", f"{tmp_path}/etc/").removeprefix("sudo ") for c in commands[:-1])
        subprocess.run(["sh", "-ec", here], check=True, timeout=20)
        assert (tmp_path / "etc/apt/sources.list").read_text() == "deb http://a.example/u x main\n"
        assert not (tmp_path / "etc/apt/sources.list.d/cuda.list").exists()
        assert retired_sources(port, "cuda") == ()


class TestWay:
    def test_a_proxy_reaches_what_sudo_starts(self) -> None:
        given = {"gpu": "T4", **UBUNTU}
        found = plan("driver", "", given, "", route(proxy="http://10.0.0.1:3128")).installation
        assert found is not None
        assert found.commands[0] == "export http_proxy=http://10.0.0.1:3128 https_proxy=http://10.0.0.1:3128"
        assert all("sudo -E" in c for c in found.commands if "sudo" in c)

    def test_a_mirror_of_nvidias_repository(self, tmp_path: pathlib.Path) -> None:
        own = tmp_path / "p.toml"
        own.write_text(
            "[[rewrites]]\nprefix = 'developer.download.nvidia.com/compute/cuda/repos/'\nto = 'mirror.example.com/cuda/'"
        )
        found = plan("cuda", "12.8", {"gpu": "T4", **UBUNTU}, "", route(str(own))).installation
        assert found is not None
        assert (
            found.commands[0]
            == "curl -fLO https://mirror.example.com/cuda/ubuntu2404/x86_64/cuda-keyring_1.1-1_all.deb"
        )

    def test_a_blocked_host_makes_no_plan(self, tmp_path: pathlib.Path) -> None:
        own = tmp_path / "p.toml"
        own.write_text("blocked = ['developer.download.nvidia.com']")
        with pytest.raises(GpudoctorError, match="blocks its host"):
            plan("cuda", "12.8", {"gpu": "T4", **UBUNTU}, "", route(str(own)))

    def test_the_distributions_archive_comes_from_the_mirror(self, tmp_path: pathlib.Path) -> None:
        found = plan("driver", "", {"gpu": "T4", **UBUNTU}, "", route("cn")).installation
        assert found is not None
        lists = tmp_path / "etc/apt/sources.list"
        lists.parent.mkdir(parents=True)
        lists.write_text(
            "deb http://a.host/ubuntu noble main\ndeb http://security.a.host/ubuntu noble-security main\n"
            "deb https://b.host/linux/ubuntu noble stable\n"
        )
        command = found.commands[0].replace("/etc/apt", f"{tmp_path}/etc/apt").replace("sudo ", "")
        subprocess.run(["sh", "-ec", command], check=True, timeout=20)
        assert lists.read_text().splitlines() == [
            "deb https://mirrors.ustc.edu.cn/ubuntu noble main",
            "deb http://security.a.host/ubuntu noble-security main",
            "deb https://b.host/linux/ubuntu noble stable",
        ]


class TestTable:
    @pytest.mark.parametrize("name", install.distro_names())
    def test_every_distributions_commands_are_shell_without_a_gap(self, name: str) -> None:
        lines: list[str] = []
        for target in ("driver", "cuda", "cudnn", "container-toolkit"):
            for gpu in ("T4", "V100"):
                found = plan(target, "", {"gpu": gpu, "distribution": name}, "", route("cn")).installation
                lines += found.commands if found else ()
        assert lines and not [line for line in lines if re.search(r"(?<!\$)\{\w+\}", line)]
        subprocess.run(["bash", "-n", "-c", "\n".join(lines)], check=True, timeout=20)

    def test_recipes_name_repositories_that_exist(self) -> None:
        known = {row["repository"] for row in table("install")["distributions"]} | {"wsl-ubuntu"}
        for row in table("install")["recipes"]:
            assert set(row.get("repositories", ())) <= known


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("driver", "--gpu", "V100", "--distribution", "ubuntu22.04"), 0),
        (("driver", "590", "--gpu", "V100", "--distribution", "ubuntu22.04"), 1),
        (("driver", "--gpu", "Tesla K80", "--distribution", "debian12"), 2),
    ],
)
def test_json_fits_its_schema(words: tuple[str, ...], code: int) -> None:
    ran = gpudoctor("plan", *words, "--format", "json")
    data = json.loads(ran.stdout)
    jsonschema.Draft202012Validator(schema(PlanReport, "urn:x", "x")).validate(data)
    assert ran.returncode == data["exit_code"] == code and (data["installation"] is None) == bool(code)


def test_commands_alone_for_a_script() -> None:
    words = ("plan", "driver", "--gpu", "V100", "--distribution", "ubuntu22.04", "--format", "commands")
    assert gpudoctor(*words).stdout.splitlines()[-1] == "sudo reboot"
    ran = gpudoctor("plan", "driver", "--gpu", "T4", "--os", "wsl2", "--format", "commands")
    assert (ran.returncode, ran.stdout) == (0, "") and "on Windows" in ran.stderr
    ran = gpudoctor("plan", "cuda", "--format", "uv")
    assert ran.returncode == 2 and "--method" in ran.stderr
    ran = gpudoctor("plan", "torch", "--distribution", "ubuntu22.04")
    assert ran.returncode == 2 and "no --distribution" in ran.stderr
    ran = gpudoctor("plan", "cuda", "12.4", "--version", "12.6")
    assert ran.returncode == 2 and "two versions" in ran.stderr
