"""Remedies for frameworks and their wheels."""

from __future__ import annotations

import re

from gpudoctor import knowledge
from gpudoctor.findings import Fix
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.remedies import _wheels
from gpudoctor.logs.told import Told
from gpudoctor.versions import major, numbers

#: conda brought this torch: its build string, its package's name, its command.
_CONDA = Lazy(
    r"\[conda\] pytorch |conda install [^\n]{0,40}torch|py3\.?\d+_cpu|cpu(?:_\w+)?_py3|\bcpuonly\b|pytorch-cpu",
    re.I,
)


def cpu_only_wheel(told: Told) -> Fix | None:
    if "torch" not in told.low:
        if told.has("tensorflow-cpu") or (told.has("tensorflow") and not told.windows):
            return Fix(
                "Replace the CPU package by tensorflow with its CUDA libraries",
                (
                    "python -m pip uninstall -y tensorflow-cpu tensorflow",
                    "python -m pip install 'tensorflow[and-cuda]'",
                ),
            )
        return None
    version, limit = _wheels.torch(told), _wheels.ceiling(told)
    wanted = re.search(r"built for:? PyTorch \S+\+(cu\d+)", told.text)
    variant = wanted[1] if wanted else next(_wheels.variants(version, limit), "") if version else ""
    if _CONDA.search(told.text) and not wanted:
        pin = f"pytorch={version}" if version else "pytorch"
        return Fix(
            "Install the CUDA build with conda, asking for it by name; where the driver is not visible (in a build, on a login node) set CONDA_OVERRIDE_CUDA",
            (
                f"conda install '{pin}=*=*cuda*'",
                "python -c 'import torch; print(torch.__version__, torch.version.cuda)'",
            ),
        )
    driver = f" (this driver runs CUDA up to {limit})" if limit else ""
    if not variant:
        named = f"torch {version}" if version else "torch"
        return Fix(
            f"{named} is the CPU's build: install one for CUDA from PyTorch's own index{driver}",
            (
                "python -m pip uninstall -y torch",
                "python -m pip install torch --index-url https://download.pytorch.org/whl/cu128   # or cu126, cu118: what the driver runs",
            ),
        )
    by_name = "+cpu" not in told.low  # conda's CPU builds do not say so in their version
    return Fix(
        f"torch {version} is the CPU's build: install the {variant} wheel of the same release{driver}"
        + (", or with conda its CUDA build by name" if by_name else ""),
        (
            _wheels.install(version, variant, told),
            *(
                (f"conda install 'pytorch={version}=*cuda*'   # instead, where conda manages it",)
                if by_name
                else ()
            ),
        ),
    )


def wheel_lacks_gpu_arch(told: Told) -> Fix | None:
    capability = _capability(told)
    if not capability or "torch" not in told.low:
        return None
    version, limit = _wheels.torch(told), _wheels.ceiling(told)
    sm = capability.replace(".", "")
    variant = next(_wheels.variants(version, limit, capability), "") if version else ""
    if variant:
        return Fix(
            f"The {variant} wheel of torch {version} has code for sm_{sm}",
            (_wheels.install(version, variant, told),),
        )
    newer, variant = _wheels.next_release(version, capability, limit)
    first = knowledge.first_cuda(capability)
    if not newer:
        return (
            Fix(
                f"No wheel on record has code for sm_{sm} and runs on this driver: CUDA {first} is the first that compiles for it"
            )
            if first
            else None
        )
    none = (
        f"torch {version}: no wheel with code for sm_{sm} is on record"
        if version
        else f"This wheel has no code for sm_{sm}"
    )
    return Fix(
        f"{none} (CUDA {first} is the first that compiles for it). torch {newer} for {variant} has it{_wheels.driver_for(newer, variant, told)}",
        (_wheels.install(newer, variant, told),),
    )


def _capability(told: Told) -> str:
    found = re.search(
        r"capability sm_(\d{2,3})|compute capability:? (\d{1,2}\.\d)|\bsm_(12[01]|10[03])\b", told.text, re.I
    )
    if found:
        number = next(g for g in found.groups() if g)
        return number if "." in number else f"{number[:-1]}.{number[-1]}"
    from gpudoctor.logs.hearsay.gpu import capability_of

    return capability_of(told.gpus[0]) if len(told.gpus) == 1 else ""


def gpu_too_old_for_toolkit(told: Told) -> Fix | None:
    found = re.search(
        r"capability sm_(\d{2,3})|of (?:cuda|compute) capability:? (\d\.\d)|gpu architecture '(?:compute|sm)_(\d{2,3})|compute capability:? (\d\.\d)",
        told.text,
        re.I,
    )
    number = next(g for g in found.groups() if g) if found else ""
    capability = number if "." in number else f"{number[:-1]}.{number[-1]}" if number else ""
    if not capability:
        from gpudoctor.logs.hearsay.gpu import capability_of

        capability = capability_of(told.gpus[0]) if len(told.gpus) == 1 else ""
    if not capability:
        return None
    sm = capability.replace(".", "")
    if re.search(r"nvcc|ptxas|compute_\d|gpu-architecture", told.text) and not told.has(
        "pytorch no longer", "not compatible with the current pytorch"
    ):
        last = _last_toolkit(capability)
        return (
            Fix(
                f"CUDA {last} is the last toolkit that compiles for sm_{sm}: use it, or take {sm} out of the list of architectures (TORCH_CUDA_ARCH_LIST, CMAKE_CUDA_ARCHITECTURES)"
            )
            if last
            else None
        )
    if "torch" not in told.low:
        return None
    version, limit = _wheels.torch(told), _wheels.ceiling(told)
    same = next(_wheels.variants(version, limit, capability), "") if version else ""
    if same and f"+{same}" in told.packages.get("torch", ""):
        return None  # this very wheel is on record as having it: then it is something else of it that has not
    if same:
        return Fix(
            f"The {same} wheel of torch {version} still has code for sm_{sm}",
            (_wheels.install(version, same, told),),
        )
    newest, variant = _wheels.releases(capability, limit)
    if newest:
        return Fix(
            f"torch {newest} for {variant} is the newest wheel on record that has code for sm_{sm}",
            (_wheels.install(newest, variant, told),),
        )
    return Fix(
        f"No wheel of PyTorch on record (1.8 and later) has code for sm_{sm}: compute on the CPU, build an old PyTorch from source with "
        f"{'CUDA ' + last if (last := _last_toolkit(capability)) else 'an old toolkit'}, or use a newer GPU",
        ("CUDA_VISIBLE_DEVICES= python your_program.py   # the CPU",),
    )


def _last_toolkit(capability: str) -> str:
    from gpudoctor.knowledge.tables import table

    rows = [row for row in table("toolkits")["rows"] if capability in row["targets"]]
    if not rows:
        return ""
    names = rows[-1].get("releases") or [rows[-1].get("release", "")]
    return str(names[-1])


def torchvision_torchaudio_mismatch(told: Told) -> Fix | None:
    version = _wheels.torch(told)
    pair = knowledge.torch_companions(version) if version else None
    if pair is None:
        cuda = re.search(r"PyTorch has CUDA Version=(\d+\.\d+)", told.text)
        if cuda:
            index = f"https://download.pytorch.org/whl/cu{cuda[1].replace('.', '')}"
            return Fix(
                f"Install both from one index, that of CUDA {cuda[1]}",
                (
                    f"python -m pip install --force-reinstall torch torchvision torchaudio --index-url {index}",
                ),
            )
        return None
    names = [f"torch=={version}"]
    for name in ("torchvision", "torchaudio"):
        value = getattr(pair, name)
        if value and name in told.low:
            names.append(f"'{name}=={_wheels.of_release(value)}'")
    local = re.search(r"\+(cu\d+|cpu)", told.packages.get("torch", ""))
    index = f" --index-url https://download.pytorch.org/whl/{local[1]}" if local else ""
    partners = " and ".join(name.strip("'") for name in names[1:])
    return Fix(
        f"torch {version} goes with {partners or 'its own companions'}: install them together",
        (f"python -m pip install {' '.join(names)}{index}",),
    )


#: Extensions of PyTorch by what their files and modules are called.
_EXTENSIONS = {
    "flash_attn": "flash-attn",
    "flash-attn": "flash-attn",
    "xformers": "xformers",
    "torch_scatter": "torch-scatter",
    "torch_sparse": "torch-sparse",
    "torch_cluster": "torch-cluster",
    "mmcv": "mmcv",
    "detectron2": "detectron2",
    "pytorch3d": "pytorch3d",
    "causal_conv1d": "causal-conv1d",
    "mamba_ssm": "mamba-ssm",
    "apex": "apex",
    "deepspeed": "deepspeed",
    "torchaudio": "torchaudio",
    "vllm": "vllm",
}


def abi_mismatch_extension(told: Told) -> Fix | None:
    lines = [
        line
        for line in told.text.split("\n")
        if re.search(r"undefined symbol|DLL load failed|was built for|symbol not found|_C\b", line)
    ]
    name = next((pip for word, pip in _EXTENSIONS.items() if any(word in line.lower() for line in lines)), "")
    if not name:
        name = next((pip for word, pip in _EXTENSIONS.items() if word in told.low), "")
    version = _wheels.torch(told)
    if not name or not version:
        return None
    python = re.search(r"cpython-3(\d{1,2})-|python3\.(\d{1,2})/|\bcp3(\d{1,2})\b", told.text)
    minor = next((g for g in python.groups() if g), "") if python else ""
    local = re.search(r"\+(cu\d+)", told.packages.get("torch", ""))
    exactly = ", ".join(
        part
        for part in (f"torch {version}", local[1] if local else "", f"Python 3.{minor}" if minor else "")
        if part
    )
    flag = " and the same cxx11abi (torch._C._GLIBCXX_USE_CXX11_ABI tells)" if name == "flash-attn" else ""
    return Fix(
        f"Install the {name} that was built for exactly {exactly}{flag}, or compile it against the torch that is here, without build isolation",
        (f"python -m pip install --force-reinstall --no-cache-dir --no-deps --no-build-isolation {name}",),
    )


def jax_cpu_only_jaxlib(told: Told) -> Fix | None:
    limit = _wheels.ceiling(told)
    extra = "cuda13" if limit and major(limit) >= 13 else "cuda12"
    if limit and major(limit) < 12:
        return Fix(
            f"This driver runs CUDA up to {limit}; JAX's plugins need CUDA 12 (driver 525 or newer): update the driver first, then install the plugin",
            ("python -m pip install -U 'jax[cuda12]'",),
        )
    said = f"The driver runs CUDA {limit}: install" if limit else "Install"
    return Fix(
        f"{said} JAX with its plugin for CUDA {extra[4:]}", (f"python -m pip install -U 'jax[{extra}]'",)
    )


def python_version_no_wheel(told: Told) -> Fix | None:
    match = re.search(r"requirement (torch|tensorflow(?:-gpu)?|jaxlib)==(\d[\d.]*\d)", told.text)
    if match is None:
        return None
    row = (
        knowledge.torch_build(match[2])
        if match[1] == "torch"
        else knowledge.tensorflow_build(match[2])
        if match[1].startswith("tensorflow")
        else None
    )
    pythons = sorted(getattr(row, "pythons", ()) or (), key=numbers)
    if not pythons:
        return None
    return Fix(
        f"{match[1]} {match[2]} has wheels for Python {pythons[0]} to {pythons[-1]}: make an environment with one of them, or take a release that has this Python",
        (f"uv venv --python {pythons[-1]}   # or: conda create -n NAME python={pythons[-1]}",),
    )


def pip_index_missing(told: Told) -> Fix | None:
    match = re.search(r"(?:requirement|found for) (torch(?:vision|audio)?)==(\S+?)\+(cu\d+|cpu)", told.text)
    if match is None:
        return None
    return Fix(
        f"Builds with +{match[3]} are on PyTorch's own index only",
        (
            f"python -m pip install {match[1]}=={match[2]}+{match[3]} --index-url https://download.pytorch.org/whl/{match[3]}",
        ),
    )


def tensorrt_engine_mismatch(told: Told) -> Fix | None:
    match = re.search(r"expecting (library version|compute) (\d[\d.]*\d?) got (\d[\d.]*\d?)", told.text)
    if match is None:
        return None
    what = (
        f"TensorRT {match[3]} built it, {match[2]} reads it"
        if match[1] == "library version"
        else f"it was built for compute capability {match[3]}, this GPU has {match[2]}"
    )
    return Fix(
        f"Delete the cached engine files (.engine, .plan, .trt) and let them be built again here: {what}"
    )


def wrong_env_or_kernel(told: Told) -> Fix | None:
    if re.search(r"File \"(?:\./)?torch/__init__\.py\"", told.text):
        return Fix(
            "The folder torch/ of the current directory is imported instead of the installed package: start Python elsewhere, or rename that folder",
            ("cd / && python -c 'import torch; print(torch.__file__)'",),
        )
    if told.has("jupyter", "notebook", "ipykernel", "jupyterlab"):
        return Fix(
            "Register the environment that has the package as a kernel, and choose that kernel",
            (
                "python -m pip install ipykernel",
                "python -m ipykernel install --user --name my-env   # both with that environment's python",
            ),
        )
    return None
