"""Mirrors, proxies and a folder of wheels: what `plan` writes of them into each form."""

from __future__ import annotations

import pathlib
import shlex

import pytest
import yaml

from gpudoctor.advice.commands import Advice, pip_commands, render
from gpudoctor.advice.route import Route, route
from gpudoctor.errors import GpudoctorError
from gpudoctor.workflows.plan import plan
from tests.e2e.test_cli import gpudoctor

USTC = "https://mirrors.ustc.edu.cn/pypi/simple"
SJTU = "https://mirror.sjtu.edu.cn/pytorch-wheels"
TORCH = "https://download.pytorch.org/whl/cu126"
V100 = {"gpu": "V100", "driver": "535.183.01", "python": "3.11"}
H100 = {"gpu": "H100", "driver": "580.95.05", "python": "3.12"}


def advice(target: str, given: dict[str, str], way: Route) -> Advice:
    found = plan(target, "", given, "", way).advice
    assert found is not None
    return found


def lines(found: Advice, form: str) -> list[str]:
    return render(found, form).splitlines()


class TestMirror:
    def test_a_build_of_pytorchs_own_index_needs_both(self) -> None:
        found = advice("torch", V100, route("cn"))
        assert found.indexes == (USTC, SJTU)
        assert f"--index-url {USTC} --extra-index-url {SJTU}" in found.commands[1]
        assert lines(found, "requirements")[1:3] == [f"--index-url {USTC}", f"--extra-index-url {SJTU}"]
        # uv stops at the first index that has a package
        assert "--index-strategy unsafe-best-match" in render(found, "uv")

    def test_a_build_of_the_default_index_needs_one(self) -> None:
        found = advice("jax", H100, route("cn"))
        assert found.indexes == (USTC,)
        assert "extra-index" not in render(found, "commands") and "strategy" not in render(found, "uv")

    def test_a_profile_without_pytorch_leaves_it_where_it_is(self, tmp_path: pathlib.Path) -> None:
        own = tmp_path / "office.toml"
        own.write_text("pip = 'https://mirror.example.com/simple'")
        found = advice("torch", V100, route(str(own)))
        assert found.indexes == ("https://mirror.example.com/simple", TORCH)
        assert any("no mirror of PyTorch's builds" in reason.value for reason in found.reasons)

    def test_conda_gets_channels_that_suffice_alone(self) -> None:
        data = yaml.safe_load(render(advice("torch", V100, route("cn")), "conda"))
        assert data["channels"][-1] == "nodefaults" and data["channels"][0].endswith("/conda-forge")
        assert data["dependencies"][-1]["pip"][:2] == [f"--index-url {USTC}", f"--extra-index-url {SJTU}"]

    def test_none_is_what_it_always_was(self) -> None:
        assert advice("torch", V100, route("none")) == advice("torch", V100, Route())


class TestProxy:
    def test_each_form_has_its_own_way(self) -> None:
        proxy = "http://user:word@10.0.0.1:3128"
        found = advice("jax", H100, route(proxy=proxy))
        assert f"--proxy {proxy}" in found.commands[1]
        assert all(line.startswith(f"ALL_PROXY={proxy} uv") for line in lines(found, "uv"))
        requirements = lines(found, "requirements")
        assert f"# pip install --proxy {proxy} -r this file" in requirements
        assert not [x for x in requirements if "proxy" in x and not x.startswith("#")]  # pip refuses it there
        assert f"proxy_servers.https {proxy}" in render(found, "conda")

    def test_socks_needs_something_that_pip_does_not_have(self) -> None:
        found = advice("jax", H100, route(proxy="socks5h://127.0.0.1:1080"))
        assert any("PySocks" in reason.value for reason in found.reasons)

    @pytest.mark.parametrize(
        "text", ["10.0.0.1:3128", "ftp://a:1", "http://a b:1", "http://$(reboot)", "http://", "socks9://a:1"]
    )
    def test_what_is_no_proxy_is_refused(self, text: str) -> None:
        with pytest.raises(GpudoctorError, match="no proxy") as raised:
            route(proxy=text)
        assert raised.value.hint and raised.value.context == "--proxy"


class TestWheelhouse:
    def test_one_command_where_there_is_a_network_and_three_where_there_is_none(self) -> None:
        found = advice("torch", V100, route("cn", "http://10.0.0.1:3128", "/media/my usb"))
        download, made, install, proves = found.commands
        words = shlex.split(download)
        assert words[words.index("--dest") + 1] == "/media/my usb"
        assert words[words.index("--python-version") + 1] == "3.11"
        assert "manylinux_2_28_x86_64" in words and USTC in words and "http://10.0.0.1:3128" in words
        assert install.endswith("--no-index --find-links '/media/my usb' torch==2.14.1+cu126")
        assert "venv" in made and "torch" in proves

    def test_the_files_install_from_the_folder_alone(self) -> None:
        found = advice("tensorflow", {**V100, "gpu": "T4"}, route(wheelhouse="/srv/wheels"))
        content = [x for x in lines(found, "requirements") if not x.startswith("#")]
        assert content[:2] == ["--no-index", "--find-links /srv/wheels"]
        assert "uv pip install --offline --no-index --find-links /srv/wheels" in render(found, "uv")
        assert yaml.safe_load(render(found, "conda"))["dependencies"][-1]["pip"][0] == "--no-index"
        for form in ("requirements", "uv", "conda"):
            assert "pip download --dest /srv/wheels" in render(found, form)

    def test_arm_and_windows_get_their_own_wheels(self) -> None:
        arm = advice("torch", {"gpu": "GH200", "machine": "aarch64", "python": "3.12"}, route(wheelhouse="w"))
        assert all(p.endswith("_aarch64") for p in arm.platforms)
        windows = arm.replace(platforms=("win_amd64",), wheelhouse="C:\\my wheels")
        windows = windows.replace(commands=pip_commands(windows, windows=True))
        # cmd.exe knows no single quotes
        assert '--dest "C:\\my wheels"' in windows.commands[0] and "'" not in windows.commands[0]
        assert lines(windows, "commands")[0].startswith("REM")

    def test_a_line_break_makes_no_second_command(self) -> None:
        with pytest.raises(GpudoctorError, match="line break"):
            route(wheelhouse="a\nreboot")


def test_from_the_command_line() -> None:
    ran = gpudoctor(
        "plan", "torch", "--gpu", "V100", "--python", "3.11", "--mirror", "cn", "--format", "requirements"
    )
    assert ran.returncode == 0 and f"--index-url {USTC}" in ran.stdout
    ran = gpudoctor("plan", "torch", "--gpu", "V100", "--mirror", "china")
    assert ran.returncode == 2 and ran.stdout == "" and "none, cn" in ran.stderr
