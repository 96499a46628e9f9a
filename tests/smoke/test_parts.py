"""The parts of a smoke run: devices, programs, the watching process, peaks, pictures, exit codes, wrong usage."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.gpu import CudaDevice, MigInstance
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.facts.smoke import Device, Run
from gpudoctor.findings import Judgement
from gpudoctor.knowledge.peaks import peak_of, rate
from gpudoctor.knowledge.tables import table
from gpudoctor.report import smoke_plot
from gpudoctor.report.smoke import junit, render, smoke_report
from gpudoctor.report.style import Style
from gpudoctor.smoke import trial, watch
from gpudoctor.smoke.target import targets, with_tenants
from gpudoctor.workflows.smoke import exit_code
from tests import fakes
from tests.machines import healthy
from tests.machines.parts import smoke


class TestTargets:
    def labels(self, wanted: tuple[str, ...] = (), mask: str | None = None) -> list[str]:
        return [t.label.partition(",")[0] for t in targets(healthy.h100_node(), wanted, mask)]

    def uuid(self, number: int) -> str:
        return targets(healthy.h100_node(), (), None)[number].uuid

    def test_all_gpus_each_by_itself(self) -> None:
        assert self.labels() == [f"GPU {n}" for n in range(8)] == self.labels(("all",), mask="")

    def test_indices_and_uuids(self) -> None:
        assert self.labels(("0", "2")) == ["GPU 0", "GPU 2"]
        assert self.labels((self.uuid(5),)) == ["GPU 5"]

    def test_a_mask_of_uuids_is_heeded(self) -> None:
        assert self.labels(mask=f"{self.uuid(3)},{self.uuid(1)}") == ["GPU 3", "GPU 1"]

    @pytest.mark.parametrize("mask", ["", "2,1", "nonsense"])
    def test_any_other_mask_is_left_to_the_framework(self, mask: str) -> None:
        """libcuda told nothing of it."""
        node = healthy.h100_node()
        (one,) = targets(node.replace(gpu=node.gpu.replace(cuda=Unknown("no libcuda"))), (), mask)
        assert one.uuid == "" and "CUDA_VISIBLE_DEVICES" in one.label

    def test_indices_of_a_mask_are_what_libcuda_makes_of_them(self) -> None:
        """CUDA counts the fastest first, NVML by the bus: here CUDA's 0 and 1 are NVML's 5 and 2."""
        node = healthy.h100_node()
        devices = tuple(CudaDevice(n, uuid=Known(self.uuid(gpu), "libcuda")) for n, gpu in enumerate((5, 2)))
        cuda = node.gpu.cuda.value.replace(devices=devices)  # type: ignore[union-attr]
        node = node.replace(gpu=node.gpu.replace(cuda=Known(cuda, "libcuda")))
        assert [t.label[:5] for t in targets(node, (), "0,1")] == ["GPU 5", "GPU 2"]

    def test_a_gpu_that_is_named_twice_is_tried_once(self) -> None:
        assert self.labels(("3", self.uuid(3), "3")) == ["GPU 3"]

    @pytest.mark.parametrize("name", ["8", "GPU-nothing", "-1", "all,"])
    def test_a_gpu_that_is_not_there(self, name: str) -> None:
        with pytest.raises(GpudoctorError) as error:
            targets(healthy.h100_node(), (name,), None)
        assert "GPU 0" in error.value.hint

    def test_no_gpu(self) -> None:
        assert targets(healthy.no_gpu_server(), (), None) == ()

    def test_who_draws_on_a_screen_is_no_tenant(self) -> None:
        (first, *_) = targets(healthy.h100_node(), (), None)
        assert with_tenants(first, [{"pids": [], "others": [900, 901]}]).tenants == ()
        assert with_tenants(first, [{"pids": [77], "others": []}]).tenants == (77,)
        assert with_tenants(first, []) == first

    def test_mig_instances_are_devices_of_their_own(self) -> None:
        """However their GPU is named, all of them are tried: a PASS of the first says nothing of the second."""
        node = healthy.h100_node()
        first, *others = node.gpu.nvml.value.devices  # type: ignore[union-attr]
        parts = (MigInstance("MIG-1", "1g.10gb"), MigInstance("MIG-2", "2g.20gb"))
        sliced = first.replace(mig_enabled=Known(True, "NVML"), mig_instances=Known(parts, "NVML"))
        nvml = node.gpu.nvml.value.replace(devices=(sliced, *others))  # type: ignore[union-attr]
        node = node.replace(gpu=node.gpu.replace(nvml=Known(nvml, "NVML")))
        for name in ("0", first.uuid.value):
            one, two = targets(node, (name,), None)
            assert (one.uuid, two.uuid) == ("MIG-1", "MIG-2")
            assert "mig" in one.platform and one.label.endswith("MIG 1g.10gb")
        assert [t.uuid for t in targets(node, ("MIG-2",), None)] == ["MIG-2"]


class TestPrograms:
    @pytest.mark.parametrize("name", sorted(trial.programs()))
    def test_they_are_python_3_7_and_import_nothing_of_ours(self, name: str) -> None:
        tree = ast.parse(trial.programs()[name], feature_version=(3, 7))
        found = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        found |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        roots = {n.partition(".")[0] for n in found} - set(sys.stdlib_module_names)
        siblings = {s[:-3] for s in trial.programs()}
        assert roots <= siblings | {"torch", "tensorflow", "numpy", "jax"}

    def test_the_quick_torch_program_does_not_touch_its_optimisers(self) -> None:
        assert b"torch.optim." not in trial.programs()["smoke_torch.py"]

    def test_all_of_them_are_handed_over(self) -> None:
        import gpudoctor.smoke.programs as package

        here = {p.name for p in Path(package.__path__[0]).glob("smoke_*.py")}
        assert here == set(trial.programs())


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def test_kernels_are_read_from_a_profile_of_xlas_kind(tmp_path: Path) -> None:
    known = field(4, field(1, 1) + field(2, field(1, 1) + field(2, b"sgemm_128")))
    known += field(4, field(1, 2) + field(2, field(1, 2) + field(2, b"MemcpyH2D")))
    events = field(4, field(1, 1) + field(3, 5_000_000)) * 2 + field(4, field(1, 2) + field(3, 9))
    gpu = field(2, b"/device:GPU:0") + known + field(3, field(2, b"Stream #7") + events)
    host = field(2, b"/host:CPU") + field(3, events)
    (tmp_path / "a.xplane.pb").write_bytes(field(1, host) + field(1, gpu))
    scope: dict[str, Any] = {}
    exec(trial.programs()["smoke_xplane.py"], scope)
    told = scope["kernels"](str(tmp_path))
    assert told == {"count": 2, "seconds": pytest.approx(1e-5), "names": ["sgemm_128"], "why": ""}


@pytest.mark.cc
@pytest.mark.skipif(fakes.CC is None, reason="no C compiler")
class TestWatching:
    def watcher(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **env: str) -> watch.Watcher:
        from gpudoctor.probes.gpu import pynvml_folder

        library = fakes.libraries("nvml", "cuda") / "libnvidia-ml.so.1"
        for name, value in {"FAKE_NVML": str(fakes.answers("h100-8x")), **env}.items():
            monkeypatch.setenv(name, value)
        return watch.Watcher(pynvml_folder(), str(library), str(tmp_path))

    def test_every_gpu_is_looked_at_from_another_process(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        watcher = self.watcher(tmp_path, monkeypatch)
        watcher.wait_for_first(10)
        samples = watcher.stop()
        assert samples.error == "" and len(samples.by_uuid) == 8
        look = next(iter(samples.by_uuid.values()))[0]
        assert (look["used"], look["link_width_max"], look["throttle"]) == (4 << 20, 16, [])
        assert "energy" not in look  # the fake does not have that counter: it is left out, not zero

    def test_a_driver_that_hangs_is_left_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hanging = tmp_path / "hanging.txt"
        hanging.write_text(fakes.answers("h100-8x").read_text() + "hang nvmlInit_v2\n")
        watcher = self.watcher(tmp_path, monkeypatch, FAKE_NVML=str(hanging))
        watcher.wait_for_first(0.2)
        monkeypatch.setattr(watch, "PATIENCE", 0.1)
        assert watcher.stop().error == "NVML did not answer the watching process"


class TestPeaks:
    """Published thresholds have unit errors by factors of thousand: every row must be between 0.3 and 1.0 of its datasheet."""

    @staticmethod
    def floors() -> list[tuple[str, float]]:
        found = table("peaks")
        rows = [
            (r["names"][0], r["floor_bandwidth"] / r["bandwidth"])
            for r in found["datasheets"]
            if "floor_bandwidth" in r
        ]
        rows += [(f"PCIe {r['generation']}", r["floor"] / r["line_rate"]) for r in found["pcie"]]
        return rows + [
            (f"{n}, {k}", s[k]) for n, s in found["shares"].items() for k in ("failure", "warning")
        ]

    @pytest.mark.parametrize(("name", "ratio"), floors())
    def test_every_threshold_is_a_sane_share_of_its_datasheet(self, name: str, ratio: float) -> None:
        assert 0.3 <= ratio <= 1.0

    def test_a_row_in_the_wrong_unit_would_be_seen(self) -> None:
        assert not 0.3 <= 2333 / 4_800_000 <= 1.0  # GB/s among MB/s, as it once was published

    @pytest.mark.parametrize("row", table("peaks")["datasheets"], ids=lambda row: row["names"][0])
    def test_what_is_derived_agrees_with_the_datasheet(self, row: dict[str, Any]) -> None:
        device = Device(
            "cuda", row["names"][0], "", row["capability"], row["multiprocessors"], 0, row["boost"]
        )
        for kind in ("fp32", "tf32", "fp16", "bf16"):
            if kind not in row:
                assert not rate(row["capability"], kind)
                continue
            peak = peak_of(device, f"{kind}_tflops")
            assert peak is not None and peak.basis == "derived"
            # The datasheets of Hopper and Blackwell count fp32 at a higher clock than matrix products.
            assert peak.value == pytest.approx(row[kind], rel=0.13 if kind == "fp32" else 0.06), kind

    def test_bandwidth_from_the_memory_bus(self) -> None:
        a100 = Device("cuda", "NVIDIA A100-SXM4-40GB", memory_clock_max=1215, bus_width=5120)
        peak = peak_of(a100, "copy_gbs")
        assert peak is not None and peak.value == pytest.approx(1555, rel=0.01)

    def test_the_datasheet_where_the_device_tells_nothing(self) -> None:
        peak = peak_of(Device("cuda", "NVIDIA A10"), "fp16_tflops")
        assert peak is not None and (peak.value, peak.basis) == (125, "datasheet")
        assert peak_of(Device("cuda", "NVIDIA A1000 of tomorrow"), "fp16_tflops") is None
        assert peak_of(Device("cuda", "NVIDIA A100-SXM4-80GB"), "fp16_tflops").value == 312  # type: ignore[union-attr]

    def test_no_peak_is_claimed_for_a_cpu_or_an_unknown_gpu(self) -> None:
        assert peak_of(Device("cpu", "CPU"), "fp32_tflops") is None
        assert peak_of(Device("cuda", "a GPU", "", "13.0", 100, 0, 2000), "fp16_tflops") is None


class TestAnswers:
    def run(self, *trials: Any, allow_cpu: bool = False) -> Run:
        return Run("quick", allow_cpu, 0.0, trials)

    @pytest.mark.parametrize(
        ("words", "allow", "code"),
        [
            (("pass", "pass"), False, 0),
            (("pass", "fail"), False, 1),
            (("pass", "unconfirmed"), False, 2),
            (("pass", "skipped"), False, 2),
            (("unkillable",), False, 2),
            (("cpu",), True, 0),
            (("cpu",), False, 2),
            (("cpu", "skipped"), True, 2),
            ((), False, 2),
        ],
    )
    def test_exit_codes(self, words: tuple[str, ...], allow: bool, code: int) -> None:
        trials = [smoke.passed().replace(verdict=word) for word in words]
        assert exit_code(self.run(*trials, allow_cpu=allow), Judgement()) == code

    def test_the_report_of_a_run_that_passed(self) -> None:
        text = render(smoke_report(self.run(smoke.passed()), Judgement(), 0), Style())
        assert "PASS" in text and "memory, energy, utilisation" in text

    def test_junit_has_a_case_a_phase_and_the_verdict(self) -> None:
        from xml.etree import ElementTree as ET

        report = smoke_report(self.run(smoke.failing("conv", "numerics", "bad\x00 byte")), Judgement(), 1)
        suite = ET.fromstring(junit(report))[0]
        assert [c.get("name") for c in suite.findall("testcase")] == [*smoke.QUICK, "verdict"]
        assert (suite.get("failures"), suite.get("tests")) == ("2", "7")

    def test_pictures_have_every_curve_and_rate(self) -> None:
        run = self.run(smoke.measured(0), smoke.measured(1, fp16_tflops=700.0))
        drawing = smoke_plot.drawn(run, "a.html").decode()
        assert drawing.count("<polyline") == 2
        assert "fp16_tflops, GPU 1" in drawing and "(derived)" in drawing
        assert smoke_plot.drawn(self.run(), "a.svg").decode().startswith("<svg")

    def test_png_by_matplotlib_where_it_is(self) -> None:
        pytest.importorskip("matplotlib")
        assert smoke_plot.drawn(self.run(smoke.measured()), "a.png").startswith(b"\x89PNG")

    def test_png_without_matplotlib_is_said_before_anything_runs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(GpudoctorError) as error:
            smoke_plot.must_be_drawable("a.png")
        assert "a.html needs nothing" in error.value.hint

    @pytest.mark.parametrize("path", ["a.gif", "/nowhere/at/all/a.svg"])
    def test_a_picture_that_cannot_be_drawn_is_said_before_anything_runs(self, path: str) -> None:
        with pytest.raises(GpudoctorError):
            smoke_plot.must_be_drawable(path)


class TestUsage:
    def say(self, *options: str, **env: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "gpudoctor", "smoke", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **env})
        assert "Traceback" not in done.stderr and done.stdout == ""
        return done.returncode, done.stderr

    def test_an_interpreter_without_frameworks(self, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
        (tmp_path / "pyvenv.cfg").write_text(f"home = {os.path.dirname(os.path.realpath(sys.executable))}\n")
        code, said = self.say("--python", str(tmp_path))
        assert code == 2 and "no torch or tensorflow or jax in that interpreter" in said and "hint:" in said

    @pytest.mark.parametrize(
        "options", [("--framework", "mxnet"), ("--python", "/nowhere"), ("--burn", "-1")]
    )
    def test_wrong_usage_is_two(self, options: tuple[str, ...]) -> None:
        assert self.say(*options)[0] == 2


def test_the_json_follows_the_published_schema() -> None:
    import jsonschema

    from gpudoctor.codec import to_json

    report = smoke_report(Run("full", False, 0.0, (smoke.measured(), smoke.crashed("conv"))), Judgement(), 1)
    published = json.loads((Path(__file__).parents[2] / "docs" / "schema" / "smoke-1.json").read_text())
    jsonschema.Draft202012Validator(published).validate(json.loads(to_json(report)))
