"""What prose and a build's own words show, and the near twins that show nothing: torch from PyPI on Windows, a build for
another vendor, one import in two places."""

from __future__ import annotations

import pytest

from gpudoctor.workflows.diagnose import diagnose_text


def first(text: str) -> str:
    return next((d.id for d in diagnose_text(text).diagnoses if d.basis != "resemblance"), "")


WINDOWS = "PyTorch version: 2.3.1{local}\nOS: Microsoft Windows 11 Home\nIs CUDA available: {available}\nGPU 0: NVIDIA GeForce RTX 3060\n{more}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (WINDOWS.format(local="", available="False", more=""), "cpu-only-wheel"),
        (WINDOWS.format(local="", available="True", more=""), ""),
        (WINDOWS.format(local="+cu121", available="False", more=""), ""),
        (
            WINDOWS.format(
                local="", available="False", more="[conda] pytorch 2.3.1 py3.11_cuda12.1_cudnn8_0"
            ),
            "",
        ),
        (
            WINDOWS.format(local="", available="False", more="").replace(
                "Microsoft Windows 11 Home", "Debian"
            ),
            "",
        ),
        (
            "rocm6.2 image, Radeon card: torch is 2.5.1+cu124, is_available() is False",
            "wrong-accelerator-build",
        ),
        ("Add a ROCm image please, requirements.txt pins torch==2.5.1+cu124", ""),
        (
            "import cudf works in the terminal. In the notebook: ModuleNotFoundError: No module named 'cudf'",
            "wrong-env-or-kernel",
        ),
        ("In the terminal colours look fine, in the notebook the plot is blurry", ""),
        ("I run CentOS 7 with glibc 2.17 and pip refuses the manylinux_2_28 wheels", "glibc-too-old"),
        ("Fixed since glibc 2.17, install with make install", ""),
        ("I run the demo on a cluster and like it", ""),
        ("I tensorflow/core/common_runtime/process_util.cc:146] Creating new thread pool", "harmless"),
        (
            "torch 2.5.1+cu121, torchvision 0.20.1+cpu: operator torchvision::nms does not exist",
            "torchvision-torchaudio-mismatch",
        ),
        (
            "import torchvision fails in my job with torch 2.3.1, torchvision 0.16.2",
            "torchvision-torchaudio-mismatch",
        ),
        ("import torchvision fails in my job with torch 2.3.1, torchvision 0.18.1", ""),
        (
            "onnxruntime-gpu 1.15.1, CUDA 12.2: Failed to create CUDAExecutionProvider",
            "framework-cuda-version-mismatch",
        ),
        (
            "onnxruntime-gpu 1.19.2, CUDA 12.2: Failed to create CUDAExecutionProvider",
            "cuda-libs-missing-for-framework",
        ),
        ("TensorFlow 2.4.1, CUDA 10.2: the GPU is not detected", "framework-cuda-version-mismatch"),
        ("TensorFlow 2.4.1, CUDA 11.4: the GPU is not detected", ""),
        ("RTX 3070 with CUDA 10.1: not supported, says the program", "wheel-lacks-gpu-arch"),
        ("RTX 3070 with CUDA 11.4: not supported, says the program", ""),
        ("import torch gives an ImportError in PyCharm, in Spyder it works", "wrong-env-or-kernel"),
        ("import torch works in PyCharm and in Spyder, and the plot is blurry", ""),
        (
            "torch.cuda.is_available() is True in the terminal, False in Jupyter",
            "wrong-env-or-kernel",
        ),
        ("In the terminal and in Jupyter tf.test.is_built_with_cuda() is True", ""),
        ("my 4080 and pytorch 1.9 with cuda 10.2: that doesn't work", "wheel-lacks-gpu-arch"),
        ("my 4080 and pytorch 2.4 with cuda 12.4: that doesn't work", ""),
        ("The RTX 3060 app runs with --directml and is slow", "wrong-accelerator-build"),
        ("The Radeon app runs with --directml and is slow", ""),
        ("TF 2.16.1 on Windows 10, Num GPUs Available: 0", "tf-gpu-on-windows-unsupported"),
        ("TF 2.10 on Windows 10 works with my GTX 1660, CUDA 11.2", ""),
        ("torch.version.hip: None, torch.version.cuda: 12.1, A6000, slow", ""),
        ("torch.version.hip: 6.0.32830, the card is an A6000", "wrong-accelerator-build"),
        ("ollama-rocm finds no GPU, I have an RTX 3080", "wrong-accelerator-build"),
        ("ollama-rocm finds no GPU, I have an RX 6800", ""),
        ("torch 2.4.1+rocm6.1: pip install flash-attn says nvcc was not found", "wrong-accelerator-build"),
        ("Windows 11, bitsandbytes 0.41.0 can't load 8-bit kernels", "bitsandbytes-windows"),
        ("Windows 11, bitsandbytes 0.45.0 can't load 8-bit kernels", ""),
        ("Keras 3.1 on Windows 10: no GPU, the list is empty", "tf-gpu-on-windows-unsupported"),
        ("Keras 3.1 on Ubuntu: no GPU, the list is empty", ""),
        ("Python 3.9, Windows 10, tensorflow: no GPU, the list is empty", ""),
        ("Python 3.12, Windows 10, tensorflow: no GPU, the list is empty", "tf-gpu-on-windows-unsupported"),
        (
            "(e) $ pip -V\npip 22.0 from /usr/lib/python3/dist-packages/pip\ntorch 1.9.0+cpu",
            "wrong-env-or-kernel",
        ),
        (
            "(e) $ pip -V\npip 22.0 from /v/e/lib/python3.10/site-packages/pip\ntorch 1.9.0+cpu",
            "cpu-only-wheel",
        ),
        ("The GPU list is [] in Jupyter and GPU:0 in the terminal, says jax", "wrong-env-or-kernel"),
        ("The GPU list is [] in Jupyter and in the terminal, says jax", ""),
        (
            "poetry, python 3.11: Unable to find installation candidates for torch (2.1.2+cu121)",
            "pip-index-missing",
        ),
        (
            "poetry, python 3.13: Unable to find installation candidates for torch (2.1.2+cu121)",
            "python-version-no-wheel",
        ),
        (
            "/usr/lib/libcudnn_cnn_train.so.8: undefined symbol: a, version libcudnn_cnn_infer.so.8",
            "cudnn-shadowed-by-ld-library-path",
        ),
        (
            "/v/lib/python3.9/site-packages/nvidia/cudnn/lib/libcudnn_cnn_train.so.8: undefined symbol: a, version libcudnn_cnn_infer.so.8",
            "",
        ),
        (
            "cublas64_11.dll not found, cudart64_12.dll is in CUDA's bin folder",
            "framework-cuda-version-mismatch",
        ),
        ("NCCL picks the wrong network card's interface, training hangs", "nccl-network-interface"),
        ("NCCL picks the NVLink interface between the GPUs", ""),
        ("pip brought jaxlib-0.4.30-cp310-x.whl and it runs on the CPU", "jax-cpu-only-jaxlib"),
        ("pip brought jaxlib-0.4.30-cp310-x.whl and jax_cuda12_plugin, it runs on the CPU", ""),
        ("The wheel is built with glibc 2.34 now, and conda packages came back", ""),
        ("The wheel is built with glibc 2.34 and can't load here", "glibc-too-old"),
        ("    y = my_ext.warp(x)\nRuntimeError: no kernel image is available", "extension-lacks-gpu-arch"),
        ("    y = torch._C.warp(x)\nRuntimeError: no kernel image is available", "wheel-lacks-gpu-arch"),
        ("FusedAdam requires cuda extensions", "extension-built-without-cuda"),
        ("FusedAdam requires browser extensions", ""),
        (
            "ldd x.so\n\tlibcublas.so.12 => not found\n\tlibcufft.so.11 => not found",
            "cuda-libs-missing-for-framework",
        ),
        ("ldd x.so\n\tlibcublas.so.12 => /a/libcublas.so.12\n\tlibfoo.so => not found", ""),
        ("The wheel torch 2.2.0 with torchvision 0.17.0: the import crashes", ""),
        ("ctranslate2 wants libcublas.so.12, our cluster has CUDA 12.1 and it fails", ""),
        ("spconv compiled on a 2080 box: invalid device function", "extension-lacks-gpu-arch"),
        ("Linux, jax[cuda12]: no GPU", ""),
        ("Windows 11, jax[cuda12]: no GPU", "jax-gpu-on-windows-unsupported"),
        ("I had torch 2.0.0+cu117, after pip install --upgrade it is 2.1.0+cpu", "cpu-only-wheel"),
        ("Spyder's kernel has torch 2.0.0+cpu, in the prompt it is 2.0.0+cu117", "wrong-env-or-kernel"),
        (
            "/e/lib/python3.10/site-packages/torch/__init__.py: True\n/e/lib/python3.10/site-packages/torch/__init__.py: False",
            "",
        ),
        (
            "/e/lib/python3.10/site-packages/torch/__init__.py: True\n/f/lib/python3.10/site-packages/torch/__init__.py: False",
            "wrong-env-or-kernel",
        ),
        ("lsof: libcudart.so.11.0 and libcudart.so.12 in one process", "mixed-cuda-libraries"),
        ("lsof: libcudart.so.12 and libcublas.so.12 in one process", ""),
        (
            "/v/site-packages/nvidia/cudnn/lib/libcudnn.so.8 and /usr/lib/libcudnn_ops.so.8: CUDNN_STATUS_BAD_PARAM",
            "cudnn-shadowed-by-ld-library-path",
        ),
        (
            "/v/site-packages/nvidia/cudnn/lib/libcudnn.so.8 and /v/site-packages/nvidia/cudnn/lib/libcudnn_ops.so.8: CUDNN_STATUS_BAD_PARAM",
            "",
        ),
        ("Windows 10, TF 2.10: after the update to CUDA 11.2 the GPU is not used", ""),
        (
            "Windows 10, TF 2.10 is fine, after the update to 2.12 the GPU is not used",
            "tf-gpu-on-windows-unsupported",
        ),
        # The driver, the card, the machine.
        ("libs are 550.142 but lsmod says 550.120", "driver-library-mismatch"),
        ("libs are 550.142 and lsmod says 550.142, all fine", ""),
        ("the vGPU manager's kernel module is 535.161.05, libraries in the guest are 535.161.08", ""),
        ("CUDA Driver Version = 10.1, CUDA Runtime Version = 11.2", "driver-too-old-for-runtime"),
        ("CUDA Driver Version = 12.4, CUDA Runtime Version = 12.1", ""),
        ("CUDA Driver Version = 12.2, CUDA Runtime Version = 12.4, runs well", ""),
        (
            "driver 384, pip install torch (cuda 10.2): is_available() is False",
            "driver-too-old-for-runtime",
        ),
        ("driver 535, pip install torch (cuda 12.4) on the new box, is_available() is False", ""),
        ("compute capability 6.1 is below the required 7.0", "gpu-too-old-for-toolkit"),
        ("compute capability 8.6, at least 7.0 is required: error in line 3", ""),
        ("lsmod | grep nvidia is empty", "kernel-module-not-loaded"),
        (
            "root can use the GPU, other users can't: no CUDA-capable device",
            "device-node-missing-or-permission",
        ),
        ("Run apt install as root; other users need no CUDA of their own", ""),
        ("The app needs driver 545.23 or newer, found 535.183: no CUDA", "driver-too-old-for-runtime"),
        ("The app needs driver 535.54 or newer, found 550.90: no CUDA", ""),
        ("sudo apt works again, and cuda is not in it for this user", ""),
        ("memory is tight; max_split_size_mb did not help", ""),
        (
            "A clean Windows 11, my 3060 shows as Microsoft Basic Display Adapter, nvcuda.dll not found",
            "driver-not-installed",
        ),
        ("crw-rw-rw- 1 root root 195, 0 /dev/nvidia0, but CUDA is not there", ""),
        ("A test cluster that sees no GPU: the pods are pending", "k8s-default-runtime-missing"),
        ("My laptop sees no GPU at all", ""),
        ("the 3090s vanish from nvidia-smi while the laptop is in suspend, and after a reboot too", ""),
        ("torch finds no GPU, except when root starts it", "device-node-missing-or-permission"),
        ("nvidia-smi -lgc changes nothing unless root runs it", ""),
        (
            "NVreg_DeviceFileMode=0660 is set, and numba cannot use the card",
            "device-node-missing-or-permission",
        ),
        ("NVreg_DeviceFileMode=0666 is set, nothing to complain of", "device-node-missing-or-permission"),
        ("three cards, CUDA_VISIBLE_DEVICES=3: jax finds no GPU", "visible-devices-hidden"),
        ("three cards, CUDA_VISIBLE_DEVICES=2: jax finds no other", ""),
        ("env: map[CUDA_VISIBLE_DEVICES: GPU_DEVICE_ORDINAL:], no compatible GPUs were discovered", ""),
        ("The reload failed after training resumed from checkpoint 7; nvidia-smi works, GPU 40 %", ""),
        ("After we resumed from suspension CUDA is gone, nvidia-smi works", "uvm-not-working"),
        ("Later IT enabled secure boot; the nvidia driver no longer loads", "secure-boot-unsigned-module"),
        ("Later IT enabled secure boot; the nvidia driver, which is signed, loads", ""),
        ("CUDA driver initialization failed, you might not have a CUDA gpu.", ""),
        ("WSL, apt install nvidia-utils-535: GPU access blocked", "wsl-linux-driver-installed"),
        (
            "WSL: Failed to initialize NVML: GPU access blocked by the operating system",
            "wsl-windows-too-old",
        ),
        ("WSL on Windows 10 LTSC 2019: CUDA sees no GPU", "wsl-windows-too-old"),
        ("WSL on Windows 10 LTSC 2021: CUDA sees no GPU", ""),
        ('DCGM_FI_DEV_XID_ERRORS{gpu="1"} 79', "gpu-fell-off-bus"),
        ('DCGM_FI_DEV_XID_ERRORS{gpu="79"} 0', ""),
        ("rpm -qa | grep nvidia prints nothing, CUDA fails on my GTX 1650", "driver-not-installed"),
        ("rpm -qa | grep nvidia prints nvidia-driver-550, CUDA fails on my GTX 1650", ""),
        ("lspci only shows a Virtio 1.0 GPU, torch: no CUDA GPUs are available", "no-nvidia-gpu"),
        ("The laptop drives its screen with Intel Iris Xe, the RTX 3050 is not seen by CUDA", ""),
        ("The CI runners have no GPU, so we skip these tests there", ""),
        ("You don't have a GPU? Then use the CPU build, CUDA is not needed", ""),
        ("Works with secure boot too, the nvidia modules are signed by the distribution, not by us", ""),
        ("nvidia 550: I will not build a new kernel this month, no time", ""),
        ("Add /usr/lib/wsl/lib to PATH in the installation notes of the GPU image", ""),
        # Containers, and what is nobody's fault or the program's own.
        ("By default our pod spec has no resource limits; GPU nodes have a taint", ""),
        ('docker inspect nginx: "DeviceRequests": null, "Runtime": "runc"; the GPU host is fine', ""),
        (
            '[nvidia-container-cli]\n#root = "/run/nvidia/driver"\nnvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: cannot open shared object file',
            "driver-not-installed",
        ),
        ("docker inspect db: Device requests: none; the data base is slow on the GPU host", ""),
        ("NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics: EGL fails in the container", ""),
        ("nvidia-smi in WSL2 lists no processes, and torch.cuda.is_available() is False", ""),
        ("The dashboard stands still after 2 days; docker restart grafana helps", ""),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "no-space-left",
        ),
        (
            "pip install flash-attn\nOut of memory: Killed process 88 (python) total-vm:9000kB",
            "build-killed-for-memory",
        ),
        ("Out of memory: Killed process 88 (python3), my data set is in one list", "not-gpu-environment"),
        (
            "The loss stays at 2.3 on the GPU, on the CPU it goes down as expected (CUDA 12.1, 4090)",
            "",
        ),
        (
            "ImagePullBackOff: docker.io/nvidia/cuda:10.0-base: not found",
            "image-tag-unknown",
        ),
        ("ModuleNotFoundError: No module named 'torchvision'", "wrong-env-or-kernel"),
        ("ModuleNotFoundError: No module named 'torchvision.ops.utils'", "not-gpu-environment"),
        (
            "[E socket.cpp:860] [c10d] The client socket has failed: (errno: 97 - Address family not supported by protocol)",
            "nccl-network-interface",
        ),
        ("make[1]: *** No rule to make target 'modules'. dkms: nvidia/535.161.07", ""),
        ("On WSL the libraries lie in /usr/lib/wsl/lib, LD_LIBRARY_PATH need not be set for CUDA", ""),
    ],
)
def test_what_prose_shows_is_named_and_no_more(text: str, cause: str) -> None:
    assert first(text) == cause
