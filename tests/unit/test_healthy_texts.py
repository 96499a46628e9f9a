"""Texts of machines that work, and the same with a failure beside: health is named by what worked, and hides nothing."""

from __future__ import annotations

import pytest

from gpudoctor.logs.healthy import at_work
from gpudoctor.workflows.diagnose import diagnose_text

HEALTHY = {
    "a sample": "[Vector addition of 50000 elements]\nCopy output data from the CUDA device to the host memory\nTest PASSED\nDone",
    "pytest": "tests/test_conv.py .....s....   [100%]\n==== 11 passed, 1 skipped in 8.30s (cuda:0) ====",
    "a build": "ninja: no work to do.\nLoading extension module chamfer...\nTime to load chamfer op: 0.08 seconds",
    "a build's warning": 'scan.cu(88): warning #550-D: variable "last" was set but never used\n[100%] Built target scan',
    "an installation": "Successfully built gsplat\nSuccessfully installed gsplat-1.0.0 ninja-1.11.1",
    "an optional package": "apex is not installed, using the slower native LayerNorm; continuing\nstep 200 | loss 2.113 | 41.2k tokens/s",
    "an extra that is missing": "`flash_attn` package not found, consider installing it for better performance\nThe model answers well, 25 tok/s",
    "progress": "Epoch 4/20\n938/938 [==============================] - 5s 5ms/step - loss: 0.1512 - accuracy: 0.9541",
    "llama.cpp": "llm_load_tensors: offloaded 29/29 layers to GPU\nllama_print_timings: eval time = 900.00 ms / 50 runs (18.00 ms per token, 55.55 tokens per second)",
    "a session": ">>> torch.cuda.is_available()\nTrue\n>>> torch.cuda.get_device_name()\n'NVIDIA A40'",
    "a list": "tf.config.list_physical_devices('GPU')\n[PhysicalDevice(name='/physical_device:GPU:0', device_type='GPU')]",
    "sanitizer": "========= COMPUTE-SANITIZER\n========= ERROR SUMMARY: 0 errors",
    "a question": "nvidia-smi lists my RTX 3070 at P8, 12 W and 0 % when nothing runs. Is that normal?",
    "a question in Chinese": "nvidia-smi 显示风扇 N/A，A100 训练正常，需要处理吗？",
    "what a sleeping monitor leaves": "nvidia-modeset: WARNING: GPU:1: Lost display notification (1:0x00000000); continuing.\nno crash, the screen comes back",
    "a deprecated argument": "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the future. Does it slow down the GPU?",
    "rocm beside cuda": "No ROCm runtime is found, using ROCM_HOME='/opt/rocm-5.4'\nnvcc: release 12.1, the extension is built and works on my RTX 3060",
    "c10d tries IPv6 first": "[W socket.cpp:426] [c10d] The server socket cannot be initialized on [::]:29400 (errno: 97 - Address family not supported by protocol).\ntraining runs on both GPUs",
    "an information that sounds bad": "I0000 00:00:1 subprocess.cc:304] Start cannot spawn child process: No such file or directory\n1563/1563 [==============================] - 9s 5ms/step - loss: 1.2",
}


@pytest.mark.parametrize("name", HEALTHY)
def test_what_worked_is_harmless(name: str) -> None:
    assert [d.id for d in diagnose_text(HEALTHY[name]).diagnoses] == ["harmless"]


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize(
    "failure",
    [
        "but torch.cuda.is_available() is False in the container",
        "NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.",
        "frobnicate: cannot reach the accelerator",
        "after that the GPU is gone",
    ],
)
def test_a_failure_beside_it_is_not_hidden(name: str, failure: str) -> None:
    """Also one that no signature knows."""
    text = f"{HEALTHY[name]}\n{failure}"
    assert "harmless" not in [d.id for d in diagnose_text(text).diagnoses][:1]


@pytest.mark.parametrize(
    "text",
    [
        "Is it normal that the GPU is not used?",
        "Is it normal that training takes all night on the CPU?",
        "Everything works until the second epoch",
        "It works as root",
        "nvidia-smi works, RTX 3060",
        "After the downgrade to 535 everything runs fine",
        "The model runs, on the CPU",
        "Training works on one GPU but with two it stands still",
        "Should I reinstall? torch does not find the card",
        "It runs well and is four times slower than last week",
        "jax.devices()\n[CpuDevice(id=0)]",
        "torch.cuda.is_available()\nFalse",
        "Successfully installed torch-2.3.0\ntorch.cuda.is_available(): False",
        "3 failed, 112 passed in 41.22s",
        "========= ERROR SUMMARY: 3 errors",
        "Interrupted after an hour, the training on the GPU made no step",
    ],
)
def test_what_only_sounds_healthy_is_not(text: str) -> None:
    assert at_work(text.split("\n")) == []
