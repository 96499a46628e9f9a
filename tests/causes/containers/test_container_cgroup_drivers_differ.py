"""Known from text alone: what the kubelet and runc say when cgroups are made in two ways."""

from __future__ import annotations

import pytest

from gpudoctor.workflows.diagnose import diagnose_text

KUBELET = (
    'E1120 10:00:00.000000 1234 server.go:302] "Failed to run kubelet" err="failed to run Kubelet: misconfiguration: '
    'kubelet cgroup driver: \\"systemd\\" is different from docker cgroup driver: \\"cgroupfs\\""'
)
RUNC = (
    "Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: expected "
    'cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/burstable/pod1/abc" instead: unknown'
)
FLAPS = (
    "After `nvidia-ctk runtime configure --runtime=containerd` all pods restart again and again.\n"
    "Normal SandboxChanged 2m (x12 over 9m) kubelet Pod sandbox changed, it will be killed and re-created.\n"
)


@pytest.mark.parametrize("text", [KUBELET, RUNC, FLAPS])
def test_the_kubelet_and_the_runtime_disagree(text: str) -> None:
    assert diagnose_text(text).diagnoses[0].id == "container-cgroup-drivers-differ"


@pytest.mark.parametrize(
    "text",
    [
        "Normal SandboxChanged 2m kubelet Pod sandbox changed, it will be killed and re-created.",
        "SystemdCgroup = true",
        'kubelet cgroup driver: "systemd", docker cgroup driver: "systemd"',
    ],
)
def test_a_sandbox_that_changed_once_or_drivers_that_agree_say_nothing(text: str) -> None:
    assert "container-cgroup-drivers-differ" not in [d.id for d in diagnose_text(text).diagnoses]
