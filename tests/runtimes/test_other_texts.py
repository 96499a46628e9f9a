"""CRI-O, the toolkit's own configuration, k3s and rke2 templates, CDI specifications."""

from __future__ import annotations

import pytest

from gpudoctor.codec import toml_loads
from gpudoctor.parsers import cdi_spec
from gpudoctor.runtimes import cdi, crio, rancher, toolkit_config
from gpudoctor.runtimes.edited import Refused

PATH = "/usr/bin/nvidia-container-runtime"

# ---------------------------------------------------------------- CRI-O

CRIO = """\
[crio.runtime]
# crun since 1.31
default_runtime = "crun"
[crio.runtime.runtimes.crun]
runtime_path = "/usr/libexec/crio/crun"
"""


def test_crio_gets_a_drop_in_of_its_own() -> None:
    wanted = crio.Wanted(PATH)
    assert crio.target({crio.MAIN: CRIO}, "nvidia") == crio.DROP_IN
    once = crio.configure("", wanted).text
    assert toml_loads(once)["crio"]["runtime"]["runtimes"]["nvidia"] == {
        "runtime_path": PATH,
        "runtime_type": "oci",
    }
    assert crio.configure(once, wanted).text == once
    assert crio.unconfigure(once, wanted).text == ""


def test_crio_file_that_has_the_runtime_is_the_one_edited() -> None:
    wanted = crio.Wanted(PATH, default=True)
    own = crio.configure(CRIO, crio.Wanted("/opt/ncr")).text
    assert crio.target({crio.MAIN: own}, "nvidia") == crio.MAIN
    kept = crio.configure(own, wanted)
    assert "keeps /opt/ncr" in kept.notes[0] and 'was "crun"' in kept.notes[1]
    assert PATH in crio.configure(own, wanted.replace(repoint=True)).text
    assert crio.unconfigure(own, wanted).text == CRIO


# ---------------------------------------------------------------- the toolkit's own file

TOOLKIT = """\
#accept-nvidia-visible-devices-as-volume-mounts = false
disable-require = false

[nvidia-container-cli]
environment = []
#ldcache = "/etc/ld.so.cache"
ldconfig = "@/sbin/ldconfig.real"   # Ubuntu
load-kmods = true
#no-cgroups = false
#user = "root:video"

[nvidia-container-runtime]
mode = "auto"
"""


def test_a_setting_goes_below_its_commented_line_and_every_comment_stays() -> None:
    edited = toolkit_config.put(
        TOOLKIT, {"nvidia-container-cli.no-cgroups": True, "nvidia-container-cli.ldconfig": "@/sbin/ldconfig"}
    )
    assert edited.text == TOOLKIT.replace("@/sbin/ldconfig.real", "@/sbin/ldconfig").replace(
        "#no-cgroups = false\n", "#no-cgroups = false\nno-cgroups = true\n"
    )
    back = toolkit_config.unset(edited.text, ("nvidia-container-cli.no-cgroups",)).text
    assert back == TOOLKIT.replace("@/sbin/ldconfig.real", "@/sbin/ldconfig")


def test_a_setting_of_a_missing_table_makes_the_table_and_takes_it_along() -> None:
    once = toolkit_config.put("", {"nvidia-container-runtime.mode": "cdi"}).text
    assert once == '[nvidia-container-runtime]\nmode = "cdi"\n'
    made = toolkit_config.put("disable-require = true\n", {"nvidia-container-runtime.mode": "cdi"}).text
    assert toolkit_config.unset(made, ("nvidia-container-runtime.mode",)).text == "disable-require = true\n"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("no-cgroups", "true", "has no setting no-cgroups"),
        ("nvidia-container-cli.no-cgroups", "yes", "true or false"),
        ("nvidia-container-runtime.mode", "fast", "one of auto"),
        ("nvidia-container-cli.ldconfig", "/sbin/ldconfig", "must start with @/"),
    ],
)
def test_values_that_the_toolkit_would_not_take(key: str, value: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        toolkit_config.value_of(key, value)


# ---------------------------------------------------------------- k3s, rke2


def test_k3s_and_rke2_are_recognised_by_the_place_of_their_file() -> None:
    found = rancher.recognised("/var/lib/rancher/rke2/agent/etc/containerd/config.toml", 2)
    assert found is not None and (found.name, found.template.rpartition("/")[2]) == (
        "rke2",
        "config.toml.tmpl",
    )
    assert rancher.recognised("/etc/containerd/config.toml", 2) is None


@pytest.mark.parametrize(
    "template", ["", '{{ template "base" . }}\n', "version = {{ .V }}\n{{- if x }}[y]{{end}}"]
)
def test_a_template_gets_a_marked_block_and_loses_it_again(template: str) -> None:
    once = rancher.configure(template, "nvidia", PATH, 3, True).text
    assert once.startswith(template or rancher.BASE) and "SystemdCgroup = true" in once
    assert rancher.configure(once, "nvidia", PATH, 3, True).text == once
    assert rancher.configure(once, "nvidia", "/opt/x", 3, True).text == once.replace(PATH, "/opt/x")
    back = rancher.unconfigure(once, "nvidia").text
    assert back.rstrip("\n") == (template or rancher.BASE).rstrip("\n")


# ---------------------------------------------------------------- CDI

LIB = "/usr/lib/x86_64-linux-gnu"
DRIVER = cdi.Inventory(
    "550.163.01",
    (
        cdi.Device("0", {"/dev/nvidia0": "/dev/nvidia0"}, "GPU-1"),
        cdi.Device("1", {"/dev/nvidia1": "/dev/null"}),
    ),
    ("/dev/nvidiactl", "/dev/nvidia-uvm"),
    (
        cdi.Library(f"{LIB}/libcuda.so.550.163.01", "libcuda.so.1"),
        cdi.Library(f"{LIB}/libnvidia-ml.so.1", "libnvidia-ml.so.1"),
    ),
    ("/usr/bin/nvidia-smi",),
    ("/run/nvidia-persistenced/socket",),
)


def test_a_specification_of_our_own_is_what_our_reader_and_the_rules_expect() -> None:
    text = cdi.generate(DRIVER)
    found = cdi_spec.parse(text)
    assert found.version == "0.5.0" and found.driver_version == "550.163.01" and cdi.ours(text)
    assert found.devices == tuple(f"nvidia.com/gpu={name}" for name in ("0", "GPU-1", "1", "all"))
    assert set(found.host_paths) == {
        "/dev/nvidia0", "/dev/null", "/dev/nvidiactl", "/dev/nvidia-uvm", "/usr/bin/nvidia-smi",
        f"{LIB}/libcuda.so.550.163.01", f"{LIB}/libnvidia-ml.so.1", "/run/nvidia-persistenced/socket",
    }  # fmt: skip


def test_each_library_is_there_under_its_own_name_and_the_one_that_programs_ask_for() -> None:
    text = cdi.generate(DRIVER)
    assert text.count(f'containerPath: "{LIB}/libcuda.so.1"') == 1
    assert text.count(f'containerPath: "{LIB}/libnvidia-ml.so.1"') == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"devices": ()}, "no GPU device file"), ({"libraries": ()}, "libcuda.so.1 was not found")],
)
def test_no_specification_without_a_gpu_or_a_driver(changes: dict[str, tuple[()]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cdi.generate(DRIVER.replace(**changes))
