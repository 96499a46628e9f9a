"""A dump and a sentence: what a program prints of a machine becomes facts, and the rules of `check` name the cause.

Every ill dump has a healthy twin, with the same sentence, that must not name it. The texts are composed in the form in which the
programs print them (their sources are named with each).
"""

from __future__ import annotations

import pytest

from gpudoctor.logs import verdicts
from gpudoctor.workflows.diagnose import diagnose_text

SEES_NONE = "torch.cuda.is_available() returns False, why?\n"
SLOW = "Training has become very slow since yesterday, what is wrong?\n"
FAILS = "My CUDA program fails on this machine, please help.\n"


def smi(
    row: str = "|   0  NVIDIA A100-SXM4-40GB          On  |   00000000:07:00.0 Off |                    0 |",
    second: str = "| N/A   33C    P0             72W /  400W |       0MiB /  40960MiB |      0%      Default |",
    third: str = "|                                         |                        |             Disabled |",
    processes: str = "|  No running processes found                                                             |",
    banner: str = "| NVIDIA-SMI 550.163.01             Driver Version: 550.163.01     CUDA Version: 12.4     |",
) -> str:
    """nvidia-smi 550's table for one GPU."""
    return f"""+-----------------------------------------------------------------------------------------+
{banner}
|-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
{row}
{second}
{third}
+-----------------------------------------+------------------------+----------------------+

+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|  GPU   GI   CI        PID   Type   Process name                              GPU Memory |
|        ID   ID                                                               Usage      |
|=========================================================================================|
{processes}
+-----------------------------------------------------------------------------------------+
"""


ONE_PROCESS = "|    0   N/A  N/A      4242      C   /usr/bin/python3                            39000MiB |"


def two(first: str, second: str) -> str:
    """Both GPUs in one `nvidia-smi -q`."""
    rest = (
        second[second.index("GPU 0000") :]
        .replace(":07:00.0", ":08:00.0")
        .replace("-123456780000", "-123456780001")
    )
    return (
        first.replace(
            "Attached GPUs                             : 1", "Attached GPUs                             : 2"
        )
        + rest
    )


def query(**changed: str) -> str:
    """`nvidia-smi -q`, shortened."""
    told = {
        "compute": "Default",
        "pending": "No",
        "remapped": "No",
        "failed": "No",
        "uncorrectable": "0",
        "thermal": "Not Active",
        "fabric": "Completed",
        "width": "16x",
        "reset": "No",
        "mig": "Disabled",
        "instances": "None",
    } | changed
    return f"""==============NVSMI LOG==============

Driver Version                            : 550.163.01
CUDA Version                              : 12.4

Attached GPUs                             : 1
GPU 00000000:07:00.0
    Product Name                          : NVIDIA H100 80GB HBM3
    Product Brand                         : NVIDIA
    Persistence Mode                      : Enabled
    MIG Mode
        Current                           : {told["mig"]}
        Pending                           : {told["mig"]}
    MIG Devices                           : {told["instances"]}
    GPU UUID                              : GPU-12345678-1234-1234-1234-123456780000
    GPU Reset Status
        Reset Required                    : {told["reset"]}
        Drain and Reset Recommended       : No
    PCI
        GPU Link Info
            PCIe Generation
                Max                       : 5
                Current                   : 5
            Link Width
                Max                       : 16x
                Current                   : {told["width"]}
    Clocks Event Reasons
        Idle                              : Not Active
        HW Slowdown                       : {told["thermal"]}
            HW Thermal Slowdown           : {told["thermal"]}
            HW Power Brake Slowdown       : Not Active
        SW Thermal Slowdown               : Not Active
    FB Memory Usage
        Total                             : 81559 MiB
        Used                              : 4 MiB
        Free                              : 81000 MiB
    Compute Mode                          : {told["compute"]}
    ECC Errors
        Volatile
            SRAM Correctable              : 0
            SRAM Uncorrectable Parity     : 0
            DRAM Uncorrectable            : {told["uncorrectable"]}
        Aggregate
            DRAM Uncorrectable            : 3
    Retired Pages
        Single Bit ECC                    : N/A
        Pending Page Blacklist            : {told["pending"]}
    Remapped Rows
        Correctable Error                 : 0
        Uncorrectable Error               : 0
        Pending                           : {told["remapped"]}
        Remapping Failure Occurred        : {told["failed"]}
    Fabric
        State                             : {told["fabric"]}
        Status                            : Success
    Processes                             : None
"""


CSV = """index, name, uuid, driver_version, memory.total [MiB], pci.bus_id
0, NVIDIA A100-SXM4-40GB, GPU-12345678-1234-1234-1234-123456780000, 550.163.01, 40960 MiB, 00000000:07:00.0
1, NVIDIA A100-SXM4-40GB, GPU-12345678-1234-1234-1234-123456780001, 550.163.01, {memory}, 00000000:0F:00.0
"""

LSPCI = """00:02.0 VGA compatible controller: Intel Corporation Device a780 (rev 04)
01:00.0 VGA compatible controller: NVIDIA Corporation AD102 [GeForce RTX 4090] (rev a1)
	Subsystem: ASUSTeK Computer Inc. Device 889e
	Kernel driver in use: {driver}
	Kernel modules: nvidiafb, nouveau, nvidia_drm, nvidia
01:00.1 Audio device: NVIDIA Corporation AD102 High Definition Audio Controller (rev a1)
	Kernel driver in use: snd_hda_intel
"""

PIP = """Package                  Version
------------------------ ------------
numpy                    {numpy}
torch                    {torch}
torchvision              {vision}
triton                   3.1.0
"""

CONDA = """# packages in environment at /opt/conda/envs/x:
#
# Name                    Version                   Build  Channel
numpy                     2.1.3           py311h71ddf71_0    conda-forge
pytorch                   2.5.1           {build}    pytorch
"""

COLLECT_ENV = """Collecting environment information...
PyTorch version: {torch}
Is debug build: False
CUDA used to build PyTorch: {cuda}
ROCM used to build PyTorch: N/A

OS: Ubuntu 22.04.5 LTS (x86_64)
GCC version: (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0
Libc version: glibc-2.35

Python version: 3.11.9 (main, Apr 19 2024, 16:48:06) [GCC 11.2.0] (64-bit runtime)
Python platform: Linux-5.15.0-119-generic-x86_64-with-glibc2.35
Is CUDA available: {available}
CUDA runtime version: Could not collect
GPU models and configuration: GPU 0: {gpu}
Nvidia driver version: {driver}
cuDNN version: Could not collect
"""

DOCKER_INFO = """Client: Docker Engine - Community
 Version:    28.5.2
 Context:    {context}

Server:
 Server Version: 28.5.2
 Storage Driver: overlay2
 Cgroup Driver: systemd
 Cgroup Version: 2
 Runtimes: io.containerd.runc.v2 {runtimes}runc
 Default Runtime: runc
 Kernel Version: 6.8.0-51-generic
 Operating System: {system}
 Docker Root Dir: {root}
"""

SILENT = (
    "$ nvidia-smi\nNVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.\n"
)

LSMOD = """$ lsmod
Module                  Size  Used by
{row}
snd_hda_intel          61440  2
video                  73728  1
"""

#: `ldconfig -p` under WSL.
WSL = """$ uname -a
Linux box 5.15.167.4-microsoft-standard-WSL2 #1 SMP x86_64 GNU/Linux
$ ldconfig -p | grep libcuda
	libcuda.so.1 (libc6,x86-64) => {first}
	libcuda.so.1 (libc6,x86-64) => /usr/lib/wsl/lib/libcuda.so.1
"""

LDCONFIG = """$ ldconfig -p | grep -E "cudnn|cudart"
	libcudnn.so.9 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libcudnn.so.9
	libcudart.so.12 (libc6,x86-64) => /usr/local/cuda/targets/x86_64-linux/lib/libcudart.so.12
"""

#: vLLM 0.8 and later: vllm/collect_env.py.
VLLM = """==============================
       PyTorch Info
==============================
PyTorch version              : {torch}
CUDA used to build PyTorch   : {cuda}
==============================
       CUDA / GPU Info
==============================
Is CUDA available            : True
GPU models and configuration : GPU 0: NVIDIA GeForce RTX 5090
Nvidia driver version        : 570.86.15
"""

DAEMON_JSON = """{
    "runtimes": {
        "nvidia": {
            "args": [],
            "path": "nvidia-container-runtime"
        }
    }
}
"""

SMI_ROW_WINDOWS = (
    "|   0  NVIDIA GeForce RTX 4090      WDDM  |   00000000:01:00.0  On |                  Off |"
)

#: name -> (cause, ill text, healthy twin)
TWINS = {
    "table: a GPU is lost": (
        "gpu-fell-off-bus",
        smi(
            "|   0  NVIDIA A100-SXM4-40GB          On  |   00000000:07:00.0 Off |                 ERR! |",
            "| N/A  ERR!    P0            ERR! /  400W | GPU is lost            |    ERR!      Default |",
        ),
        smi(),
    ),
    "table: uncorrectable errors": (
        "ecc-uncorrectable",
        smi("|   0  NVIDIA A100-SXM4-40GB          On  |   00000000:07:00.0 Off |                    2 |"),
        smi(),
    ),
    "table: exclusive and taken": (
        "gpu-exclusive-mode",
        FAILS
        + smi(
            second="| N/A   33C    P0             72W /  400W |   39010MiB /  40960MiB |      0%   E. Process |",
            processes=ONE_PROCESS,
        ),
        FAILS + smi(processes=ONE_PROCESS),
    ),
    "table: prohibited": (
        "gpu-exclusive-mode",
        FAILS
        + smi(
            second="| N/A   33C    P0             72W /  400W |       0MiB /  40960MiB |      0%   Prohibited |"
        ),
        FAILS + smi(),
    ),
    "table: MIG without instances": (
        "mig-without-instances",
        smi(
            third="|                                         |                        |              Enabled |",
            processes="|  No MIG devices found                                                                   |",
        ),
        smi(),
    ),
    "table: another process holds the memory": (
        "gpu-memory-nearly-full",
        FAILS
        + smi(
            second="| N/A   33C    P0             72W /  400W |   40900MiB /  40960MiB |    100%      Default |",
            # Of most nobody knows who holds it: that is a warning, a GPU at work is none.
            processes=ONE_PROCESS.replace("39000MiB", "12000MiB"),
        ),
        FAILS + smi(),
    ),
    "table on Windows, driver too old for the wheel": (
        "driver-too-old-for-runtime",
        smi(
            SMI_ROW_WINDOWS,
            banner="| NVIDIA-SMI 471.41       Driver Version: 471.41       CUDA Version: 11.4     |",
        )
        + 'C:\\Users\\me> python -c "import torch; print(torch.__version__)"\n2.5.1+cu124\ntorch 2.5.1+cu124\n',
        smi(
            SMI_ROW_WINDOWS,
            banner="| NVIDIA-SMI 561.09       Driver Version: 561.09       CUDA Version: 12.6     |",
        )
        + "C:\\Users\\me> python\ntorch 2.5.1+cu124\n",
    ),
    "table of R610, and a wheel for a newer CUDA major": (
        "driver-too-old-for-runtime",
        FAILS
        + smi(banner="| NVIDIA-SMI 570.86.10     KMD Version: 570.86.10     CUDA UMD Version: 12.8     |")
        + "torch 2.9.0+cu130\n",
        FAILS
        + smi(banner="| NVIDIA-SMI 610.43.02     KMD Version: 610.43.02     CUDA UMD Version: 13.3     |")
        + "torch 2.9.0+cu130\n",
    ),
    "--query-gpu: a GPU is lost": (
        "gpu-fell-off-bus",
        CSV.format(memory="[GPU is lost]"),
        CSV.format(memory="40960 MiB"),
    ),
    "-L and the variable: no such GPU": (
        "visible-devices-hidden",
        SEES_NONE
        + "$ nvidia-smi -L\nGPU 0: NVIDIA A30 (UUID: GPU-12345678-1234-1234-1234-123456780000)\nexport CUDA_VISIBLE_DEVICES=3\n",
        SEES_NONE
        + "$ nvidia-smi -L\nGPU 0: NVIDIA A30 (UUID: GPU-12345678-1234-1234-1234-123456780000)\nexport CUDA_VISIBLE_DEVICES=0\n",
    ),
    "-q: rows wait for a reset": ("ecc-uncorrectable", query(remapped="Yes", uncorrectable="1"), query()),
    "-q: a row could not be replaced": ("row-remap-failed", query(failed="Yes"), query()),
    "-q: reset required": ("gpu-requires-reset", query(reset="Yes"), query()),
    "-q: pages pending": ("retired-pages-pending", FAILS + query(pending="Yes"), FAILS + query()),
    "-q: too hot": ("gpu-thermal-slowdown", SLOW + query(thermal="Active"), SLOW + query()),
    # Beside a sibling that has them all: where every GPU has as few, the machine may be made so.
    "-q: half the lanes": (
        "pcie-link-degraded",
        SLOW + two(query(width="8x"), query()),
        SLOW + two(query(), query()),
    ),
    "-q: the fabric is not ready": (
        "nvlink-fabric-manager",
        FAILS + query(fabric="In Progress"),
        FAILS + query(),
    ),
    "-q: MIG without instances": ("mig-without-instances", query(mig="Enabled"), query()),
    "lspci -k: nouveau has it": (
        "nouveau-active",
        FAILS + LSPCI.format(driver="nouveau"),
        FAILS + LSPCI.format(driver="nvidia"),
    ),
    "lspci -k: a virtual machine has it": (
        "gpu-bound-to-vfio",
        FAILS + LSPCI.format(driver="vfio-pci"),
        FAILS + LSPCI.format(driver="nvidia"),
    ),
    "lspci: no NVIDIA GPU": (
        "no-nvidia-gpu",
        SEES_NONE + "$ lspci | grep -i vga\n" + LSPCI.format(driver="i915").splitlines()[0] + "\n",
        SEES_NONE + "$ lspci | grep -i vga\n" + LSPCI.format(driver="nvidia"),
    ),
    "pip list: the CPU's torch": (
        "cpu-only-wheel",
        SEES_NONE + PIP.format(numpy="2.1.3", torch="2.5.1+cpu", vision="0.20.1+cpu"),
        "How can I profile this?\n" + PIP.format(numpy="2.1.3", torch="2.5.1+cu124", vision="0.20.1+cu124"),
    ),
    "pip list on Windows: a plain torch is the CPU's": (
        "cpu-only-wheel",
        SEES_NONE
        + "PS C:\\Users\\me> pip list\n"
        + PIP.format(numpy="2.1.3", torch="2.5.1", vision="0.20.1"),
        SEES_NONE + "$ pip list\n" + PIP.format(numpy="2.1.3", torch="2.5.1", vision="0.20.1"),
    ),
    "pip list: torchvision of another release": (
        "torchvision-torchaudio-mismatch",
        FAILS + PIP.format(numpy="2.1.3", torch="2.5.1+cu124", vision="0.19.0+cu124"),
        FAILS + PIP.format(numpy="2.1.3", torch="2.5.1+cu124", vision="0.20.1+cu124"),
    ),
    "pip list: NumPy 2 under an old torch": (
        "numpy-too-new-for-framework",
        FAILS
        + PIP.format(numpy="2.1.3", torch="2.2.2", vision="0.17.2").replace(
            "triton                   3.1.0", "triton                   2.2.0"
        ),
        FAILS
        + PIP.format(numpy="1.26.4", torch="2.2.2", vision="0.17.2").replace(
            "triton                   3.1.0", "triton                   2.2.0"
        ),
    ),
    "pip freeze: two onnxruntimes": (
        "duplicate-distributions",
        FAILS + "$ pip freeze | grep onnx\nonnx==1.17.0\nonnxruntime==1.20.1\nonnxruntime-gpu==1.20.1\n",
        FAILS + "$ pip freeze | grep onnx\nonnx==1.17.0\nonnxruntime-gpu==1.20.1\n",
    ),
    "pip freeze: JAX without its plugin": (
        "jax-cpu-only-jaxlib",
        "jax.devices() shows only the CPU, why?\n$ pip list | grep jax\njax 0.4.35\njaxlib 0.4.34\n",
        "jax.devices() shows only the CPU, why?\n$ pip list | grep jax\njax 0.4.35\njaxlib 0.4.34\njax-cuda12-plugin 0.4.34\njax-cuda12-pjrt 0.4.34\n",
    ),
    "pip list: JAX's plugin of another release": (
        "jax-plugin-mismatch",
        FAILS
        + "$ pip list | grep jax\njax 0.4.35\njaxlib 0.4.34\njax-cuda12-plugin 0.4.31\njax-cuda12-pjrt 0.4.31\n",
        FAILS
        + "$ pip list | grep jax\njax 0.4.35\njaxlib 0.4.34\njax-cuda12-plugin 0.4.34\njax-cuda12-pjrt 0.4.34\n",
    ),
    "conda list: the CPU's pytorch": (
        "cpu-only-wheel",
        SEES_NONE + CONDA.format(build="py3.11_cpu_0"),
        FAILS + CONDA.format(build="py3.11_cuda12.4_cudnn9.1.0_0"),
    ),
    "collect_env: driver too old": (
        "driver-too-old-for-runtime",
        COLLECT_ENV.format(
            torch="2.5.1+cu124", cuda="12.4", available="False", gpu="Tesla T4", driver="470.82.01"
        ),
        COLLECT_ENV.format(
            torch="2.5.1+cu124", cuda="12.4", available="True", gpu="Tesla T4", driver="550.90.07"
        ),
    ),
    "collect_env: no code for the GPU": (
        "wheel-lacks-gpu-arch",
        COLLECT_ENV.format(
            torch="2.5.1+cu124",
            cuda="12.4",
            available="True",
            gpu="NVIDIA GeForce RTX 5090",
            driver="570.86.10",
        ),
        COLLECT_ENV.format(
            torch="2.7.1+cu128",
            cuda="12.8",
            available="True",
            gpu="NVIDIA GeForce RTX 5090",
            driver="570.86.10",
        ),
    ),
    "collect_env: the CPU's build of conda-forge": (
        "cpu-only-wheel",
        COLLECT_ENV.format(
            torch="2.5.1", cuda="None", available="False", gpu="NVIDIA RTX A6000", driver="550.90.07"
        ),
        COLLECT_ENV.format(
            torch="2.5.1", cuda="12.4", available="True", gpu="NVIDIA RTX A6000", driver="550.90.07"
        ),
    ),
    "collect_env: ROCm's build beside an NVIDIA GPU": (
        "wrong-accelerator-build",
        COLLECT_ENV.format(
            torch="2.5.1+rocm6.2", cuda="N/A", available="False", gpu="NVIDIA RTX A6000", driver="550.90.07"
        ).replace("ROCM used to build PyTorch: N/A", "ROCM used to build PyTorch: 6.2.41133"),
        COLLECT_ENV.format(
            torch="2.5.1+cu124", cuda="12.4", available="True", gpu="NVIDIA RTX A6000", driver="550.90.07"
        ),
    ),
    "env: all GPUs are hidden": (
        "visible-devices-hidden",
        SEES_NONE + "$ env | grep -i cuda\nCUDA_HOME=/usr/local/cuda\nCUDA_VISIBLE_DEVICES=-1\n",
        SEES_NONE + "$ env | grep -i cuda\nCUDA_HOME=/usr/local/cuda\nCUDA_VISIBLE_DEVICES=0,1\n",
    ),
    "env: PTX is compiled anew": (
        "environment-variable-harmful",
        FAILS + "CUDA_FORCE_PTX_JIT=1\nCUDA_HOME=/usr/local/cuda\nPATH=/usr/bin\n",
        FAILS + "CUDA_FORCE_PTX_JIT=0\nCUDA_HOME=/usr/local/cuda\nPATH=/usr/bin\n",
    ),
    "docker info: a snap": (
        "container-docker-snap-or-desktop",
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default",
            runtimes="nvidia ",
            system="Ubuntu 22.04.5 LTS",
            root="/var/snap/docker/common/var-lib-docker",
        ),
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default", runtimes="nvidia ", system="Ubuntu 22.04.5 LTS", root="/var/lib/docker"
        ),
    ),
    "docker info: no toolkit": (
        "container-toolkit-missing",
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default", runtimes="", system="Ubuntu 22.04.5 LTS", root="/var/lib/docker"
        )
        + "$ nvidia-ctk --version\nbash: nvidia-ctk: command not found\n",
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default", runtimes="nvidia ", system="Ubuntu 22.04.5 LTS", root="/var/lib/docker"
        )
        + "$ nvidia-ctk --version\nNVIDIA Container Toolkit CLI version 1.17.8\n",
    ),
    "docker info: the toolkit's runtime is not registered": (
        "container-runtime-not-registered",
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default", runtimes="", system="Ubuntu 22.04.5 LTS", root="/var/lib/docker"
        )
        + "$ nvidia-ctk --version\nNVIDIA Container Toolkit CLI version 1.17.8\n",
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default", runtimes="nvidia ", system="Ubuntu 22.04.5 LTS", root="/var/lib/docker"
        )
        + "$ nvidia-ctk --version\nNVIDIA Container Toolkit CLI version 1.17.8\n",
    ),
    "lsmod: nouveau is loaded, nvidia is not": (
        "nouveau-active",
        SILENT + LSMOD.format(row="nouveau              2310144  4"),
        "Why is everything slow?\n"
        + LSMOD.format(row="nvidia              56807424  1234 nvidia_uvm,nvidia_modeset"),
    ),
    "dkms status: a module for another kernel": (
        "kernel-module-not-loaded",
        SILENT
        + "$ uname -r\n6.8.0-90-generic\n$ dkms status\nnvidia/550.163.01, 6.8.0-51-generic, x86_64: installed\n",
        "Why is everything slow?\n$ uname -r\n6.8.0-90-generic\n$ dkms status\nnvidia/550.163.01, 6.8.0-90-generic, x86_64: installed\n",
    ),
    "mokutil: Secure Boot, and the module is refused": (
        "secure-boot-unsigned-module",
        SILENT
        + "$ sudo modprobe nvidia\nmodprobe: ERROR: could not insert 'nvidia': Key was rejected by service\n$ mokutil --sb-state\nSecureBoot enabled\n",
        "Can I leave this on?\n$ mokutil --sb-state\nSecureBoot enabled\n",
    ),
    "conda info: an old driver": (
        "driver-too-old-for-runtime",
        SEES_NONE
        + "       virtual packages : __archspec=1=zen3\n                          __cuda=11.4=0\npytorch 2.5.1+cu124\n",
        SEES_NONE
        + "       virtual packages : __archspec=1=zen3\n                          __cuda=12.4=0\npytorch 2.5.1+cu124\n",
    ),
    "transformers-cli env: the CPU's torch": (
        "cpu-only-wheel",
        "- `transformers` version: 4.46.0\n- Python version: 3.11.9\n- PyTorch version (GPU?): 2.5.1+cpu (False)\n- Using GPU in script?: yes\n",
        "- `transformers` version: 4.46.0\n- Python version: 3.11.9\n- PyTorch version (GPU?): 2.5.1+cu124 (True)\n- Using GPU in script?: yes\n",
    ),
    "xformers.info: a GPU that the wheel has no code for": (
        "wheel-lacks-gpu-arch",
        FAILS
        + "pytorch.version:                  2.5.1+cu124\npytorch.cuda:                     available\ngpu.name:                         NVIDIA GeForce RTX 5090\n",
        FAILS
        + "pytorch.version:                  2.5.1+cu124\npytorch.cuda:                     available\ngpu.name:                         NVIDIA GeForce RTX 4090\n",
    ),
    "vLLM's collect_env: no code for the GPU": (
        "wheel-lacks-gpu-arch",
        VLLM.format(torch="2.6.0+cu124", cuda="12.4"),
        VLLM.format(torch="2.7.0+cu128", cuda="12.8"),
    ),
    "tf_env_collect on Windows": (
        "tf-gpu-on-windows-unsupported",
        "tf.config.list_physical_devices('GPU') returns []\n== check os platform ===\nOS: Windows 11\ntf.version.VERSION = 2.16.1\nC:\\Users\\me> pip list\nPackage Version\n------- -------\ntensorflow 2.16.1\n",
        "How do I save a model?\n== check os platform ===\nOS: Linux\ntf.version.VERSION = 2.16.1\n",
    ),
    "jax.print_environment_info and pip list: no plugin": (
        "jax-cpu-only-jaxlib",
        "jax.devices() shows only the CPU\njax:    0.4.35\njaxlib: 0.4.34\ndevice info: cpu-1, 1 local devices\n$ pip list | grep jax\njax 0.4.35\njaxlib 0.4.34\n",
        "jax:    0.4.35\njaxlib: 0.4.34\ndevice info: NVIDIA A100-SXM4-40GB-8, 8 local devices\n",
    ),
    "nvidia-container-cli info and an image's demand": (
        "container-requirement-unsatisfied",
        "NVRM version:   535.183.01\nCUDA version:   12.2\n\nDevice Index:   0\nModel:          NVIDIA A100-SXM4-40GB\n"
        "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer version\n",
        "NVRM version:   535.183.01\nCUDA version:   12.2\n\nDevice Index:   0\nModel:          NVIDIA A100-SXM4-40GB\n",
    ),
    "WSL: a Linux driver's libcuda in front": (
        "wsl-linux-driver-installed",
        FAILS + WSL.format(first="/usr/lib/x86_64-linux-gnu/libcuda.so.1"),
        FAILS + WSL.format(first="/usr/lib/wsl/lib/libcuda.so.1"),
    ),
    "ldconfig -p and pip list: CuPy for another CUDA": (
        "framework-cuda-version-mismatch",
        FAILS + LDCONFIG + "$ pip list | grep -i cupy\ncupy-cuda11x 13.3.0\n",
        FAILS + LDCONFIG + "$ pip list | grep -i cupy\ncupy-cuda12x 13.3.0\n",
    ),
    "nvidia-ctk cdi list: nothing is defined": (
        "cdi-device-unresolvable",
        "$ nvidia-ctk cdi list\nINFO[0000] Found 0 CDI devices\ndocker run --device nvidia.com/gpu=all does not work\n",
        "$ nvidia-ctk cdi list\nINFO[0000] Found 2 CDI devices\nnvidia.com/gpu=0\nnvidia.com/gpu=all\nWhat is the difference?\n",
    ),
    "docker info against daemon.json": (
        "container-runtime-not-registered",
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default", runtimes="", system="Ubuntu 22.04.5 LTS", root="/var/lib/docker"
        )
        + "$ cat /etc/docker/daemon.json\n"
        + DAEMON_JSON,
        FAILS
        + smi()
        + DOCKER_INFO.format(
            context="default", runtimes="nvidia ", system="Ubuntu 22.04.5 LTS", root="/var/lib/docker"
        )
        + "$ cat /etc/docker/daemon.json\n"
        + DAEMON_JSON,
    ),
    "systemctl: the Fabric Manager has failed": (
        "nvlink-fabric-manager",
        "× nvidia-fabricmanager.service - NVIDIA fabric manager service\n     Loaded: loaded (/lib/systemd/system/nvidia-fabricmanager.service; enabled)\n     Active: failed (Result: exit-code) since Fri 2026-11-20 10:00:00 UTC; 2min ago\nWhy does CUDA not start on this HGX?\n"
        + query(fabric="In Progress"),
        "● nvidia-fabricmanager.service - NVIDIA fabric manager service\n     Loaded: loaded (/lib/systemd/system/nvidia-fabricmanager.service; enabled)\n     Active: active (running) since Fri 2026-11-20 10:00:00 UTC; 2min ago\nWhy does CUDA not start on this HGX?\n"
        + query(),
    ),
    "prose: a driver's branch and a wheel's CUDA": (
        "driver-too-old-for-runtime",
        "torch 2.6.0+cu124 does not see my GPU. Ubuntu 20.04, driver 470, Tesla T4\n",
        "torch 2.6.0+cu124 does not see my GPU. Ubuntu 20.04, driver 550, Tesla T4\n",
    ),
    "prose: a plain release, and the CUDA that somebody chose for it": (
        "wheel-lacks-gpu-arch",
        "RTX 5090 and torch 2.6.0, nothing works, help\n",
        "RTX 5090 and torch 2.7.0, CUDA 12.8, nothing works, help\n",
    ),
    "prose in Chinese": (
        "driver-too-old-for-runtime",
        "显卡 RTX 3090，驱动版本：470.82.01，PyTorch 版本：2.5.1+cu124，torch 无法使用 GPU，怎么办？\n",
        "显卡 RTX 3090，驱动版本：550.90.07，PyTorch 版本：2.5.1+cu124，torch 无法使用 GPU，怎么办？\n",
    ),
    "prose: a new GPU and an old wheel": (
        "wheel-lacks-gpu-arch",
        "I bought an RTX 5090 and nothing works with torch 2.5.1+cu121, python 3.11\n",
        "I bought an RTX 4090 and nothing works with torch 2.5.1+cu121, python 3.11\n",
    ),
}


@pytest.mark.parametrize("name", TWINS)
def test_an_ill_dump_names_its_cause_and_shows_a_line(name: str) -> None:
    cause, ill, _ = TWINS[name]
    found = diagnose_text(ill).diagnoses
    assert [d.id for d in found][:1] == [cause]
    assert found[0].basis != "resemblance", "its facts are not understood"
    assert found[0].evidence, "no line proves it"
    assert found[0].fix is not None and found[0].fix.summary


@pytest.mark.parametrize("name", TWINS)
def test_its_healthy_twin_names_no_cause(name: str) -> None:
    _, _, well = TWINS[name]
    named = [d.id for d in diagnose_text(well).diagnoses if d.basis != "resemblance"]
    assert [n for n in named if n not in verdicts.IDS] == []


@pytest.mark.parametrize("seed", range(3))
def test_a_dump_that_was_cut_and_mixed_breaks_neither_the_reading_nor_a_rule(seed: int) -> None:
    """Pastes lose their beginnings, their ends and lines between. Every rule judges what is left."""
    import io
    import random

    from gpudoctor.engine import judge
    from gpudoctor.logs.hearsay import machine_told
    from gpudoctor.logs.reading import read
    from gpudoctor.logs.sieve import Sieve
    from gpudoctor.logs.told import Told

    chance = random.Random(seed)
    texts = [text for _, ill, well in TWINS.values() for text in (ill, well)]
    for _ in range(4):
        lines = [line for text in chance.sample(texts, 4) for line in text.splitlines()]
        kept = [line[: chance.randrange(len(line) + 1)] if chance.random() < 0.1 else line for line in lines]
        kept = [line for line in kept if chance.random() < 0.8]
        text = "\n".join(kept[chance.randrange(5) :])
        told = Told(read([("x", io.BytesIO(text.encode() or b"x"))], Sieve(list)))
        hearsay = machine_told(told)
        if hearsay is not None:
            assert judge(hearsay.machine).crashed == ()
        diagnose_text(text or "x")
