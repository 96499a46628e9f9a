"""`gpudoctor preflight` as an entry point: real processes, over fake driver libraries where a GPU is wanted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from gpudoctor.codec import schema, yaml_loads
from gpudoctor.report.model import PreflightReport
from tests import fakes
from tests.e2e.test_cli import gpudoctor

needs_fakes = [
    pytest.mark.cc,
    pytest.mark.skipif(fakes.CC is None, reason="no C compiler"),
    pytest.mark.skipif(os.path.exists("/sys/module/nvidia"), reason="this machine has an NVIDIA module"),
]
recipes_run = [*needs_fakes, pytest.mark.slow]
DOCS = Path(__file__).parents[2] / "docs"
#: What this machine's own toolkit and limits may add, whatever the driver says.
POLICY = """
[require]
driver = ">=550"
gpus = ">=1"
compute-capability = ">=8.0"
[[allow]]
cause = "memlock-too-low"
reason = "the test machine's limit"
[[allow]]
cause = "container-toolkit-missing"
reason = "the engines that other tests start"
[[allow]]
cause = "nccl-shared-memory"
reason = "the test machine's /dev/shm"
[[allow]]
cause = "toolkit-newer-than-driver"
reason = "the test machine's toolkit"
"""


def over(name: str) -> dict[str, str]:
    file = str(fakes.answers(name))
    return {
        "LD_LIBRARY_PATH": str(fakes.libraries("nvml", "cuda")),
        "FAKE_NVML": file,
        "FAKE_CUDA": file,
    }


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return str(path)


class TestOnAMachineWithoutAGpu:
    def test_the_command_never_starts(self, tmp_path: Path) -> None:
        ran = gpudoctor("preflight", "--", "touch", str(tmp_path / "started"))
        assert (ran.returncode, ran.stdout) == (1, "")
        assert "no-nvidia-gpu" in ran.stderr and "refused by preflight" in ran.stderr
        assert not (tmp_path / "started").exists()

    def test_a_policy_that_asks_for_no_gpu_lets_it_start(self, tmp_path: Path) -> None:
        (tmp_path / "p.toml").write_text("[run]\ntimeout = 20\n")
        ran = gpudoctor("preflight", "--policy", str(tmp_path / "p.toml"), "--", "echo", "started")
        assert (ran.returncode, ran.stdout) == (0, "started\n"), ran.stderr
        assert ran.stderr.count("\n") == 1

    def test_json_fits_its_schema_and_says_what_was_wanted(self) -> None:
        ran = gpudoctor("preflight", "--format", "json")
        data = json.loads(ran.stdout)
        jsonschema.validate(data, schema(PreflightReport, "urn:x", "x"))
        assert ran.returncode == data["exit_code"] == 1
        wanted = data["preflight"]["requirements"]
        assert [(w["name"], w["wanted"], w["met"]) for w in wanted] == [("gpus", ">=1", False)]
        unmet = next(f for f in data["findings"] if f["id"] == "policy-requirement-not-met")
        assert unmet["caused_by"] == "no-nvidia-gpu"

    def test_nagios_says_critical(self) -> None:
        ran = gpudoctor("preflight", "--format", "nagios")
        assert ran.returncode == 2
        assert ran.stdout.startswith("GPU CRITICAL - no-nvidia-gpu: ") and "| gpus=0;;;0 " in ran.stdout

    def test_nagios_calls_a_wrong_option_and_a_wrong_policy_unknown(self, tmp_path: Path) -> None:
        for wrong in (("--polcy", "x"), ("--policy", str(tmp_path / "none")), ("--", "true")):
            ran = gpudoctor("preflight", "--format", "nagios", *wrong)
            assert ran.returncode == 3 and ran.stdout.startswith("GPU UNKNOWN - "), wrong

    def test_github_gets_an_annotation(self) -> None:
        ran = gpudoctor("preflight", "--format", "github")
        assert ran.returncode == 1
        assert ran.stdout.startswith("::error title=no-nvidia-gpu::") and "%0AFix: " in ran.stdout

    def test_prometheus_gets_a_file_in_one_step(self, tmp_path: Path) -> None:
        file = tmp_path / "gpudoctor.prom"
        ran = gpudoctor("preflight", "--format", "prometheus", "--output", str(file))
        assert (ran.returncode, ran.stdout) == (1, "")
        lines = file.read_text().splitlines()
        assert 'gpudoctor_cause_state{cause="no-nvidia-gpu",family="driver"} 2' in lines
        samples = [line.partition(" ")[0] for line in lines if not line.startswith("#")]
        assert len(samples) == len(set(samples))
        assert [p.name for p in tmp_path.iterdir()] == ["gpudoctor.prom"]

    def test_junit_for_a_job_that_never_started(self, tmp_path: Path) -> None:
        file = tmp_path / "gpu.xml"
        ran = gpudoctor("preflight", "--format", "junit", "--output", str(file), "--", "echo", "started")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ET.parse(file).getroot().find(".//failure") is not None

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("python", "train.py"), "put -- before the command"),
            (("--",), "no command"),
            (("--format", "json", "--", "true"), "--output FILE"),
            (("--snapshot", "x.json", "--", "true"), "starts no command"),
            (("--force",), "init"),
            (("init", "--", "true"), "init starts no command"),
        ],
    )
    def test_wrong_usage(self, arguments: tuple[str, ...], words: str) -> None:
        ran = gpudoctor("preflight", *arguments)
        assert (ran.returncode, ran.stdout) == (2, "") and words in ran.stderr

    def test_check_judges_by_the_same_file(self, policy: str) -> None:
        ran = gpudoctor("check", "--policy", policy, "--format", "json")
        assert ran.returncode == 1
        assert "policy-requirement-not-met" in {f["id"] for f in json.loads(ran.stdout)["findings"]}

    def test_init_replaces_no_file_unasked(self, tmp_path: Path) -> None:
        file = tmp_path / "gpudoctor.toml"
        file.write_text("mine")
        ran = gpudoctor("preflight", "init", "--output", str(file))
        assert ran.returncode == 2 and "--force" in ran.stderr and file.read_text() == "mine"
        ran = gpudoctor("preflight", "init", "--force", "--output", str(file))
        assert ran.returncode == 0 and "[require]" in file.read_text()

    def test_init_without_a_gpu_says_that_the_policy_asks_for_none(self, tmp_path: Path) -> None:
        file = tmp_path / "gpudoctor.toml"
        ran = gpudoctor("preflight", "init", "--output", str(file))
        asks = "\ngpus = " in file.read_text()
        assert asks != ("the policy asks for none" in ran.stderr) and asks != (
            "\n# gpus = " in file.read_text()
        )


class TestOnAHealthyNode:
    pytestmark = needs_fakes

    def test_the_process_becomes_the_command(self, policy: str) -> None:
        command = ["-c", "import os; print(os.getpid())"]
        ran = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gpudoctor",
                "preflight",
                "--policy",
                policy,
                "--",
                sys.executable,
                *command,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **over("h100-8x")},
        )
        out, err = ran.communicate(timeout=60)
        assert ran.returncode == 0, err
        assert int(out) == ran.pid
        assert "8 x NVIDIA H100 80GB HBM3" in err and err.count("\n") == 1

    def test_a_signal_reaches_the_command_as_if_it_had_been_started_alone(self, policy: str) -> None:
        """SIGPIPE too, which Python ignores: `job | head` must end."""
        for name in (signal.SIGTERM, signal.SIGPIPE):
            ran = gpudoctor(
                "preflight",
                "--policy",
                policy,
                "--",
                "sh",
                "-c",
                f"kill -{int(name)} $$; exit 7",
                env=over("h100-8x"),
            )
            assert ran.returncode == -name, ran.stderr

    def test_its_exit_code_and_its_arguments_are_its_own(self, policy: str) -> None:
        ran = gpudoctor(
            "preflight",
            "--policy",
            policy,
            "--",
            "sh",
            "-c",
            'echo "$@"; exit 42',
            "x",
            "--format",
            "--",
            "-v",
            env=over("h100-8x"),
        )
        assert (ran.returncode, ran.stdout) == (42, "--format -- -v\n"), ran.stderr

    def test_a_command_that_is_not_there_or_not_a_program(self, policy: str, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("x")
        for name, code in (
            ("no-such-program-here", 127),
            (str(tmp_path / "data"), 126),
            (str(tmp_path), 126),
        ):
            ran = gpudoctor("preflight", "--policy", policy, "--", name, env=over("h100-8x"))
            assert ran.returncode == code and name in ran.stderr, ran.stderr

    def test_init_writes_a_policy_that_this_node_meets_and_a_smaller_one_does_not(
        self, tmp_path: Path
    ) -> None:
        file = str(tmp_path / "gpudoctor.toml")
        assert gpudoctor("preflight", "init", "--output", file, env=over("h100-8x")).returncode == 0
        text = Path(file).read_text()
        for line in ('driver = ">=550"', 'cuda = ">=12.4"', 'gpus = ">=8"', 'compute-capability = ">=9.0"'):
            assert line in text
        Path(file).write_text(text + POLICY.partition("[[allow]]")[1] + POLICY.partition("[[allow]]")[2])
        assert gpudoctor("preflight", "--policy", file, env=over("h100-8x")).returncode == 0
        ran = gpudoctor("preflight", "--policy", file, env=over("rtx3050-laptop"))
        assert ran.returncode == 1 and "policy-requirement-not-met" in ran.stderr

    def test_a_smoke_run_that_could_not_be_made_is_not_passed(self, policy: str, tmp_path: Path) -> None:
        """The GPUs are well by all they say; whether anything can train on them nobody could see."""
        empty = tmp_path / "bin"
        empty.mkdir()
        (empty / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
        (tmp_path / "started").unlink(missing_ok=True)
        options = ("--policy", policy, "--smoke", "quick", "--python", str(empty / "python3"))
        ran = gpudoctor("preflight", *options, "--", "touch", str(tmp_path / "started"), env=over("h100-8x"))
        assert ran.returncode == 2 and "required smoke PASS" in ran.stderr, ran.stderr
        assert not (tmp_path / "started").exists()

    def test_a_lost_gpu_refuses_and_explains_the_missing_eighth(self, tmp_path: Path) -> None:
        file = tmp_path / "p.toml"
        file.write_text(POLICY.replace('">=1"', '">=8"'))
        ran = gpudoctor(
            "preflight", "--policy", str(file), "--", "echo", "started", env=over("a100-8x-one-lost")
        )
        assert (ran.returncode, ran.stdout) == (1, "") and "gpu-fell-off-bus" in ran.stderr


class TestTheRecipes:
    """The script lines of docs/recipes, run as they stand: well on a good node, ill on a broken one."""

    pytestmark = recipes_run

    def lines(self) -> dict[str, list[str]]:
        import shlex

        recipes = DOCS / "recipes"
        github = yaml_loads((recipes / "github-actions.yml").read_text())
        gitlab = yaml_loads((recipes / "gitlab-ci.yml").read_text())
        kubernetes = yaml_loads((recipes / "kubernetes.yaml").read_text())
        compose = yaml_loads((recipes / "compose.yaml").read_text())["services"]["train"]
        steps = github["jobs"]["train"]["steps"]
        found: dict[str, list[str]] = {
            f"github {n}": shlex.split(s["run"]) for n, s in enumerate(steps) if "run" in s
        }
        found["gitlab"] = shlex.split(gitlab["train"]["script"][0])
        found["kubernetes"] = kubernetes["spec"]["initContainers"][0]["command"]
        found["compose"] = [*compose["entrypoint"], *compose["command"]]
        found["healthcheck"] = compose["healthcheck"]["test"][1:]
        return found

    @pytest.mark.parametrize(("machine", "well"), [("h100-8x", True), ("mismatch", False)])
    def test_they_pass_on_a_good_node_and_fail_on_a_broken_one(
        self, machine: str, well: bool, policy: str, tmp_path: Path
    ) -> None:
        os.rename(policy, tmp_path / "gpudoctor.toml")
        (tmp_path / "train.py").write_text("open('trained', 'w')")
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python").symlink_to(sys.executable)
        start = tmp_path / "bin" / "gpudoctor"
        start.write_text(f'#!/bin/sh\nexec {sys.executable} -m gpudoctor "$@"\n')
        start.chmod(0o755)
        environment = {**os.environ, **over(machine), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        for name, line in self.lines().items():
            ran: Any = subprocess.run(
                line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
            )
            assert (ran.returncode == 0) is well, (name, ran.stdout, ran.stderr)
            started = (tmp_path / "trained").exists()
            assert started is (well and "train.py" in line), name
            (tmp_path / "trained").unlink(missing_ok=True)


BUILD = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", Path(__file__).resolve().parents[2] / "build"))
SCHEMAS = BUILD / "recipe-schemas" / "bin"
ZIPAPP = BUILD / "gpudoctor.pyz"


@pytest.mark.wheels
@pytest.mark.skipif(not SCHEMAS.exists(), reason="scripts/fetch-recipe-schemas did not run")
@pytest.mark.parametrize(
    ("file", "validator"),
    [
        ("github-actions.yml", ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"]),
        ("gitlab-ci.yml", ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"]),
        ("compose.yaml", ["check-jsonschema", "--builtin-schema", "vendor.compose-spec"]),
        ("kubernetes.yaml", ["kubernetes-validate"]),
    ],
)
def test_a_recipe_fits_its_services_schema(file: str, validator: list[str]) -> None:
    program, *options = validator
    ran = subprocess.run(
        [SCHEMAS / program, *options, DOCS / "recipes" / file], capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.wheels
@pytest.mark.skipif(not ZIPAPP.exists(), reason="scripts/fetch-zipapp did not run")
class TestTheZipapp:
    """One file, in an interpreter that has nothing of ours (-I: not even this folder)."""

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [getattr(sys, "_base_executable", sys.executable), "-I", "-S", str(ZIPAPP), *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **(env or {})},
        )

    def test_it_judges_and_refuses(self, tmp_path: Path) -> None:
        ran = self.start("preflight", "--", "touch", str(tmp_path / "started"))
        assert ran.returncode == 1 and "no-nvidia-gpu" in ran.stderr
        assert not (tmp_path / "started").exists()

    def test_it_has_every_page_and_every_table(self) -> None:
        assert self.start("explain", "nouveau-active").returncode == 0
        ran = self.start("compat", "--gpu", "V100", "--torch", "2.7.1+cu128", "--python", "3.12")
        assert ran.returncode == 1 or "compatible" in ran.stdout

    @pytest.mark.cc
    @pytest.mark.skipif(fakes.CC is None, reason="no C compiler")
    def test_its_helpers_ask_a_driver(self, policy: str) -> None:
        ran = self.start("preflight", "--policy", policy, "--", "echo", "started", env=over("h100-8x"))
        assert (ran.returncode, ran.stdout) == (0, "started\n"), ran.stderr
