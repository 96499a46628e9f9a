"""What engines read, read as they read it; what they refuse, refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpudoctor.parsers import (
    cdi_spec,
    containerd_toml,
    daemon_json,
    docker_context,
    docker_info,
    dockerd_flags,
    mountinfo,
    package_sources,
    toolkit_toml,
)
from gpudoctor.parsers.require_cuda import all_fulfilled, fulfilled


class TestDaemonJson:
    def test_runtimes_default_and_options(self) -> None:
        config = daemon_json.parse(
            '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime", "args": []}}, '
            '"default-runtime": "nvidia", "exec-opts": ["native.cgroupdriver=cgroupfs"], "features": {"cdi": true}}'
        )
        assert config.runtimes == {"nvidia": "nvidia-container-runtime"}
        assert config.default_runtime == "nvidia"
        assert config.exec_options == ("native.cgroupdriver=cgroupfs",)
        assert "features" in config.keys

    @pytest.mark.parametrize("text", ["", "  \n", "\ufeff{}", "{}", '{"runtimes": null}', '{"a": 1, "a": 2}'])
    def test_what_dockerd_takes(self, text: str) -> None:
        """Measured with dockerd 28.5.2: an empty file, a byte order mark and double keys are fine."""
        assert daemon_json.parse(text).runtimes == {}

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ('{\n  // nvidia\n  "debug": true\n}', "line 2, column 3: a comment"),
            ('{\n  "debug": true,\n}', "a comma before the closing }"),
            ('{"debug": true} garbage', "line 1, column 17"),
            ('{"debug": tru}', "line 1, column 11"),
            ("[]", "not an object"),
            ('{"runtimes": []}', '"runtimes" must be an object'),
            ('{"runtimes": {"nvidia": "x"}}', 'runtime "nvidia" must be an object'),
            ('{"default-runtime": 1}', '"default-runtime" must be a string'),
            ('{"max": NaN}', "NaN is not JSON"),
            ("[" * 100_000, "nested too deeply"),
        ],
    )
    def test_what_dockerd_refuses_is_refused_with_its_place(self, text: str, place: str) -> None:
        with pytest.raises(ValueError) as error:
            daemon_json.parse(text)
        assert place in str(error.value)

    def test_a_trailing_comma_is_placed_on_its_line(self) -> None:
        with pytest.raises(ValueError, match=r"line [23], column"):
            daemon_json.parse('{\n  "debug": true,\n}')


class TestContainerd:
    V2 = """
version = 2
imports = ["/etc/containerd/conf.d/*.toml"]
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "nvidia"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
    BinaryName = "/usr/bin/nvidia-container-runtime"
"""

    def test_version_2(self) -> None:
        config = containerd_toml.parse(self.V2)
        assert (config.version, config.default_runtime, config.systemd_cgroup) == (2, "nvidia", True)
        assert config.runtimes["nvidia"] == "/usr/bin/nvidia-container-runtime"
        assert config.imports == ("/etc/containerd/conf.d/*.toml",)

    def test_version_3_has_another_plugin(self) -> None:
        config = containerd_toml.parse(
            'version = 3\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.nvidia.options]\nBinaryName="x"'
        )
        assert (config.version, config.runtimes) == (3, {"nvidia": "x"})

    def test_dockers_own_file_is_of_version_1_with_cri_off(self) -> None:
        config = containerd_toml.parse('disabled_plugins = ["cri"]\n')
        assert config.cri_disabled and config.version == 1

    @pytest.mark.parametrize("text", ["version = ", "version = 'two'", "a = 1\na = 2"])
    def test_garbage_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            containerd_toml.parse(text)

    def test_tables_of_another_shape_say_nothing(self) -> None:
        assert containerd_toml.parse('plugins = "x"\ndisabled_plugins = "cri"').runtimes == {}


class TestToolkit:
    def test_the_host_mark_before_ldconfig_goes(self) -> None:
        config = toolkit_toml.parse(
            '[nvidia-container-cli]\nldconfig = "@/sbin/ldconfig.real"\nno-cgroups = true\nroot = "/run/nvidia/driver"\n'
            '[nvidia-container-runtime]\nmode = "cdi"\n'
        )
        assert (config.ldconfig, config.no_cgroups) == ("/sbin/ldconfig.real", True)
        assert (config.root, config.mode) == ("/run/nvidia/driver", "cdi")

    @pytest.mark.parametrize(
        "text", ["[x", "nvidia-container-cli = 1", '[nvidia-container-cli]\nno-cgroups="y"']
    )
    def test_garbage_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError):
            toolkit_toml.parse(text)


class TestCdi:
    #: In the form of `nvidia-ctk cdi generate` 1.17 (shortened).
    YAML = """---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
- name: all
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
    - {path: /dev/dri/card1, hostPath: /dev/dri/card2}
containerEdits:
  mounts:
  - hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01
    containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01
  hooks:
  - hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
"""

    def test_devices_paths_and_driver(self) -> None:
        document = cdi_spec.parse(self.YAML, "/etc/cdi/nvidia.yaml")
        assert document.devices == ("nvidia.com/gpu=0", "nvidia.com/gpu=all")
        assert document.driver_version == "550.163.01"
        assert "/dev/dri/card2" in document.host_paths and "/dev/dri/card1" not in document.host_paths
        assert document.host_paths.count("/dev/nvidia0") == 1

    def test_json_is_the_same(self) -> None:
        import json

        import yaml

        text = json.dumps(yaml.safe_load(self.YAML))
        assert cdi_spec.parse(text, "x.json") == cdi_spec.parse(self.YAML, "x.yaml")

    @pytest.mark.parametrize(
        ("text", "name", "place"),
        [
            ("kind: [\nx: }", "x.yaml", "line 2"),
            ('{"kind": }', "x.json", "line 1, column 10"),
            ("- 1", "x.yaml", "not an object"),
            ("kind: nvidia.com/gpu", "x.yaml", "cdiVersion"),
            ("a: &a [*a, *a]\nkind: 1", "x.yaml", "cdiVersion"),
            ("x: \x00", "x.yaml", ""),
            ("d: 2001-99-99", "x.yaml", ""),
            ("[" * 50_000, "x.yaml", ""),
            ("{" * 50_000, "x.json", ""),
        ],
    )
    def test_garbage_is_refused_with_its_place(self, text: str, name: str, place: str) -> None:
        with pytest.raises(ValueError) as error:
            cdi_spec.parse(text, name)
        assert place in str(error.value)

    def test_wsls_libcuda_has_no_version_of_a_driver(self) -> None:
        text = self.YAML.replace("libcuda.so.550.163.01", "libcuda.so.1.1")
        assert cdi_spec.parse(text).driver_version == ""


P = {"cuda": "12.4", "driver": "550.163.01", "brand": "geforce", "arch": "8.6"}


class TestRequirements:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("cuda>=12.4", True),
            ("cuda>=12.10", False),
            ("cuda<12.10", True),
            ("cuda>=12.8 brand=geforce,driver>=550,driver<551", True),
            ("cuda>=12.8 brand=tesla,driver>=550,driver<551", False),
            ("brand=GeForce,arch!=9.0", True),
            ("cuda>=12.8 chip=x", None),
            ("cuda>=12.8,chip=x", False),
            ("cuda>=12.4 chip=x", True),
            ("", True),
            ("nonsense", None),
        ],
    )
    def test_blanks_are_or_and_commas_are_and(self, text: str, expected: bool | None) -> None:
        assert fulfilled(text, P) is expected

    def test_all_variables_have_to_hold(self) -> None:
        assert all_fulfilled(["cuda>=12.0", "driver>=570"], P) is False
        assert all_fulfilled(["cuda>=12.0", "chip=x"], P) is None
        assert all_fulfilled([" ", "cuda>=12.0"], P) is True

    def test_an_unknown_brand_is_no_verdict(self) -> None:
        assert fulfilled("cuda>=12.8 brand=tesla,driver>=535", {"cuda": "12.4", "driver": "550.1"}) is None


class TestFlags:
    def test_the_packaged_unit(self) -> None:
        argv = ["/usr/bin/dockerd", "-H", "fd://", "--containerd=/run/containerd/containerd.sock"]
        assert dockerd_flags.parse(argv)["hosts"] == ["fd://"]

    def test_switches_take_no_value(self) -> None:
        flags = dockerd_flags.parse(["dockerd", "--debug", "--add-runtime", "nvidia=/x", "--rootless", "-D"])
        assert flags["runtimes"] == ["nvidia=/x"] and "debug" in flags and "rootless" in flags

    def test_the_snaps_command_line(self) -> None:
        argv = ["dockerd", "--group", "docker", "--config-file=/var/snap/docker/3377/config/daemon.json"]
        assert dockerd_flags.parse(argv)["config-file"] == ["/var/snap/docker/3377/config/daemon.json"]

    def test_a_drop_in_replaces_the_command(self) -> None:
        unit = "[Service]\nExecStart=/usr/bin/dockerd -H fd:// \\\n  --debug\n"
        drop_in = "[Service]\nExecStart=\nExecStart=-/usr/bin/dockerd --default-runtime=nvidia\n"
        assert dockerd_flags.exec_start([unit])[-1] == "--debug"
        assert dockerd_flags.exec_start([unit, drop_in]) == ["/usr/bin/dockerd", "--default-runtime=nvidia"]


def test_mounts_with_blanks_and_optional_fields() -> None:
    (mount,) = mountinfo.parse(
        "36 35 98:0 /mnt1 /mnt\\040two rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n"
    )
    assert (mount.root, mount.point, mount.fstype, mount.source) == ("/mnt1", "/mnt two", "ext3", "/dev/root")


def test_contexts() -> None:
    assert docker_context.current('{"currentContext": "desktop-linux"}') == "desktop-linux"
    assert docker_context.current("{}") == ""
    meta = '{"Name": "rootless", "Endpoints": {"docker": {"Host": "unix:///run/user/1000/docker.sock"}}}'
    assert docker_context.endpoint(meta) == ("rootless", "unix:///run/user/1000/docker.sock")
    for garbage in ("[]", "{}", "x", '{"Name": "a", "Endpoints": []}'):
        with pytest.raises(ValueError):
            docker_context.endpoint(garbage)


def test_a_daemons_answer_of_other_types_says_nothing() -> None:
    info = docker_info.parse(
        {"Runtimes": [], "CDISpecDirs": None, "ServerVersion": 3, "SecurityOptions": [1]}
    )
    assert info == docker_info.DaemonInfo()


def test_package_sources_of_three_kinds() -> None:
    text = (
        "# deb https://nvidia.github.io/nvidia-docker/old /\n"
        "deb [signed-by=/k] https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /\n"
        "gpgkey=https://nvidia.github.io/x/gpgkey\n"
        "baseurl=https://nvidia.github.io/nvidia-docker/centos7/$basearch\n"
        "URIs: https://example.org/\n"
    )
    assert [line for line, _ in package_sources.nvidia_github(text)] == [2, 4]


@given(st.text())
def test_no_text_breaks_a_parser(text: str) -> None:
    for parse in (daemon_json.parse, containerd_toml.parse, toolkit_toml.parse, cdi_spec.parse):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)
    mountinfo.parse(text)
    package_sources.nvidia_github(text)
    dockerd_flags.exec_start([text])
    dockerd_flags.parse(text.split())
    assert fulfilled(text, {"cuda": "12.4"}) in (True, False, None)
