"""Environment variables by an allow-list of exact names, the paths, and the start-up file that sets each.

Names, never prefixes: what begins with NVIDIA_ or NCCL_ may be a token (NGC keys and the like are kept in such
variables), and nothing that is not on the list is read, stored or printed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpudoctor.facts.environment import PathEntry, Variable
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.parsers.shellrc import Setting, settings
from gpudoctor.system.port import NotHere, Port, is_dir, names, observe, text

_VIA = "environ"

#: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html, the containers' variables, NCCL's
#: and the frameworks' own documentation.
ALLOWED = frozenset(
    [
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "CUDA_LAUNCH_BLOCKING",
        "CUDA_CACHE_DISABLE",
        "CUDA_CACHE_PATH",
        "CUDA_CACHE_MAXSIZE",
        "CUDA_FORCE_PTX_JIT",
        "CUDA_DISABLE_PTX_JIT",
        "CUDA_FORCE_JIT",
        "CUDA_DISABLE_JIT",
        "CUDA_MODULE_LOADING",
        "CUDA_MODULE_DATA_LOADING",
        "CUDA_DEVICE_MAX_CONNECTIONS",
        "CUDA_DEVICE_WAITS_ON_EXCEPTION",
        "CUDA_ENABLE_COREDUMP_ON_EXCEPTION",
        "CUDA_COREDUMP_FILE",
        "CUDA_INJECTION32_PATH",
        "CUDA_INJECTION64_PATH",
        "CUDA_PROFILE",
        "CUDA_PROFILE_CONFIG",
        "CUDA_PROFILE_LOG",
        "COMPUTE_PROFILE",
        "COMPUTE_PROFILE_CONFIG",
        "CUDA_MPS_PIPE_DIRECTORY",
        "CUDA_MPS_LOG_DIRECTORY",
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE",
        "CUDA_MANAGED_FORCE_DEVICE_ALLOC",
        "CUDA_AUTO_BOOST",
        "CUDA_DEBUGGER_SOFTWARE_PREEMPTION",
        "CUDA_LOG_FILE",
        "CUDA_HOME",
        "CUDA_PATH",
        "CUDA_ROOT",
        "CUDA_DIR",
        "CUDA_BIN_PATH",
        "CUDA_LIB_PATH",
        "CUDA_INC_PATH",
        "CUDA_TOOLKIT_ROOT_DIR",
        "CUDAToolkit_ROOT",
        "CUDACXX",
        "CUDAHOSTCXX",
        "CUDA_VERSION",
        "CUDA_NVCC_EXECUTABLE",
        "NVCC_CCBIN",
        "NVCC_PREPEND_FLAGS",
        "NVCC_APPEND_FLAGS",
        "NVARCH",
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
        "NVIDIA_REQUIRE_CUDA",
        "NVIDIA_DISABLE_REQUIRE",
        "NVIDIA_TF32_OVERRIDE",
        "NVIDIA_PRODUCT_NAME",
        "NVIDIA_MIG_CONFIG_DEVICES",
        "NVIDIA_MIG_MONITOR_DEVICES",
        "CUDNN_PATH",
        "CUDNN_HOME",
        "CUDNN_ROOT",
        "CUDNN_INCLUDE_DIR",
        "CUDNN_LIBRARY",
        "CUDNN_LOGDEST_DBG",
        "CUDNN_LOGINFO_DBG",
        "CUDNN_LOGLEVEL_DBG",
        "CUBLAS_WORKSPACE_CONFIG",
        "CUBLAS_LOGINFO_DBG",
        "CUBLASLT_LOG_LEVEL",
        "NCCL_DEBUG",
        "NCCL_DEBUG_SUBSYS",
        "NCCL_SOCKET_IFNAME",
        "NCCL_SOCKET_FAMILY",
        "NCCL_IB_DISABLE",
        "NCCL_IB_HCA",
        "NCCL_IB_GID_INDEX",
        "NCCL_P2P_DISABLE",
        "NCCL_P2P_LEVEL",
        "NCCL_SHM_DISABLE",
        "NCCL_NET",
        "NCCL_NET_PLUGIN",
        "NCCL_NET_GDR_LEVEL",
        "NCCL_ALGO",
        "NCCL_PROTO",
        "NCCL_BUFFSIZE",
        "NCCL_NVLS_ENABLE",
        "NCCL_CUMEM_ENABLE",
        "NCCL_TOPO_FILE",
        "NCCL_CROSS_NIC",
        "NCCL_LAUNCH_MODE",
        "NCCL_CONF_FILE",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "LD_AUDIT",
        "LIBRARY_PATH",
        "CPATH",
        "PATH",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONNOUSERSITE",
        "PYTHONUSERBASE",
        "XLA_FLAGS",
        "XLA_PYTHON_CLIENT_PREALLOCATE",
        "XLA_PYTHON_CLIENT_MEM_FRACTION",
        "XLA_PYTHON_CLIENT_ALLOCATOR",
        "XLA_CLIENT_MEM_FRACTION",
        "TF_FORCE_GPU_ALLOW_GROWTH",
        "TF_GPU_ALLOCATOR",
        "TF_XLA_FLAGS",
        "TF_CPP_MIN_LOG_LEVEL",
        "TF_CUDNN_USE_AUTOTUNE",
        "TF_USE_LEGACY_KERAS",
        "TF_CUDNN_DETERMINISTIC",
        "TF_DETERMINISTIC_OPS",
        "TF_ENABLE_ONEDNN_OPTS",
        "TF_GPU_THREAD_MODE",
        "TF_CUDA_PATHS",
        "TF_CUDA_COMPUTE_CAPABILITIES",
        "TF_CUDA_VERSION",
        "TF_CUDNN_VERSION",
        "TF_NEED_CUDA",
        "KERAS_BACKEND",
        "PYTORCH_CUDA_ALLOC_CONF",
        "PYTORCH_ALLOC_CONF",
        "PYTORCH_NVML_BASED_CUDA_CHECK",
        "PYTORCH_NO_CUDA_MEMORY_CACHING",
        "PYTORCH_KERNEL_CACHE_PATH",
        "TORCH_CUDA_ARCH_LIST",
        "TORCH_HOME",
        "TORCH_EXTENSIONS_DIR",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
        "TORCH_CUDNN_V8_API_DISABLED",
        "TORCH_BLAS_PREFER_CUBLASLT",
        "TORCH_NCCL_BLOCKING_WAIT",
        "TORCH_NCCL_ASYNC_ERROR_HANDLING",
        "TORCH_USE_CUDA_DSA",
        "TORCH_USE_RTLD_GLOBAL",
        "TORCHINDUCTOR_CACHE_DIR",
        "FORCE_CUDA",
        "JAX_PLATFORMS",
        "JAX_PLATFORM_NAME",
        "JAX_COMPILATION_CACHE_DIR",
        "JAX_ENABLE_X64",
        "JAX_SKIP_CUDA_CONSTRAINTS_CHECK",
        "TRITON_PTXAS_PATH",
        "TRITON_PTXAS_BLACKWELL_PATH",
        "TRITON_CACHE_DIR",
        "TRITON_LIBCUDA_PATH",
        "TRITON_INTERPRET",
        "NUMBA_CUDA_DRIVER",
        "NUMBA_ENABLE_CUDASIM",
        "NUMBA_DISABLE_CUDA",
        "NUMBAPRO_NVVM",
        "NUMBAPRO_LIBDEVICE",
        "BNB_CUDA_VERSION",
        "CUPY_CACHE_DIR",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
        "CONDA_SHLVL",
        "CONDA_OVERRIDE_CUDA",
        "CONDA_EXE",
        "PYENV_VERSION",
        "UV_TORCH_BACKEND",
        "WSL_DISTRO_NAME",
        "SLURM_JOB_GPUS",
        "SLURM_STEP_GPUS",
        "DOCKER_CONTEXT",
    ]
)

#: Longer values are cut: nothing that is judged is longer, and a path of more elements is not walked.
_LONGEST, _MOST_ELEMENTS = 1 << 16, 512
_FILE_LIMIT = 1 << 18

_SYSTEM_FILES = (
    "/etc/environment",
    "/etc/security/pam_env.conf",
    "/etc/profile",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/zsh/zshenv",
    "/etc/zsh/zprofile",
    "/etc/zsh/zshrc",
)
_HOME_FILES = (
    ".pam_environment",
    ".profile",
    ".bash_profile",
    ".bash_login",
    ".bashrc",
    ".bash_aliases",
    ".zshenv",
    ".zprofile",
    ".zshrc",
    ".config/fish/config.fish",
)


def _environ(port: Port) -> dict[str, str]:
    if not port.live and not port.env:
        raise NotHere("another root has no process, so no environment")
    found = {}
    for name in ALLOWED:
        value = port.env.get(name)
        if value is not None:
            found[name] = value[:_LONGEST]
    return found


def _variables(port: Port) -> Observed[tuple[Variable, ...]]:
    def ask() -> tuple[Variable, ...]:
        found = _environ(port)
        return tuple(Variable(n, v, _set_by(port, n, v)) for n, v in sorted(found.items()))

    return observe(ask, _VIA)


def _paths(port: Port) -> Observed[tuple[PathEntry, ...]]:
    def ask() -> tuple[PathEntry, ...]:
        environ = _environ(port)
        entries: list[PathEntry] = []
        for variable in ("PATH", "LD_LIBRARY_PATH"):
            value = environ.get(variable, "")
            for element in value.split(":")[:_MOST_ELEMENTS] if value else ():
                entries.append(
                    PathEntry(variable, element, _there(port, element), _named_by(port, variable, element))
                )
        return tuple(entries)

    return observe(ask, _VIA)


def _there(port: Port, element: str) -> Observed[bool]:
    if element.startswith("/mnt/") and element[6:7] in ("/", ""):
        return Unknown("a folder of Windows: asking for it is slow")
    return Known(is_dir(port, element or "."), element or ".")


# ---------------------------------------------------------------- who sets it


def _startup_files(port: Port) -> list[str]:
    """In the order in which a login reads them: the later one wins."""
    files = list(_SYSTEM_FILES)
    files += [f"/etc/environment.d/{n}" for n in names(port, "/etc/environment.d") if n.endswith(".conf")]
    files += [f"/etc/profile.d/{n}" for n in names(port, "/etc/profile.d") if n.endswith(".sh")]
    home = port.env.get("HOME", "")
    if home.startswith("/"):
        files += [f"{home}/{name}" for name in _HOME_FILES]
        fish = f"{home}/.config/fish/conf.d"
        files += [f"{fish}/{n}" for n in names(port, fish) if n.endswith(".fish")]
    conda, venv = port.env.get("CONDA_PREFIX", ""), port.env.get("VIRTUAL_ENV", "")
    if conda.startswith("/"):
        folder = f"{conda}/etc/conda/activate.d"
        files += [f"{folder}/{n}" for n in names(port, folder)]
    if venv.startswith("/"):
        files.append(f"{venv}/bin/activate")
    return files


def _settings(port: Port) -> list[tuple[str, Setting]]:
    def ask() -> list[tuple[str, Setting]]:
        wanted = [name for name in ALLOWED if name in port.env]
        found: list[tuple[str, Setting]] = []
        for path in _startup_files(port):
            try:
                content = text(port, path, _FILE_LIMIT)
            except OSError:
                continue
            if any(name in content for name in wanted):
                found += [(path, setting) for setting in settings(content, wanted)]
        return found

    return port.memo("environment.settings", ask)


def _set_by(port: Port, name: str, value: str) -> Observed[str]:
    """The line that gives this very value, else the last one that sets the variable."""
    lines = [(path, s) for path, s in _settings(port) if s.name == name]
    same = [(path, s) for path, s in lines if _expanded(port, s.value) == value]
    for path, setting in (same or lines)[-1:]:
        return Known(f"{path}:{setting.line}", path)
    return Absent("the shells' start-up files")


def _named_by(port: Port, variable: str, element: str) -> Observed[str]:
    """The last line that puts this element on the path."""
    found: Observed[str] = Absent("the shells' start-up files")
    for path, setting in _settings(port):
        if setting.name != variable:
            continue
        value = _expanded(port, setting.value)
        parts = (" ".join(value.split()).replace(" ", ":") if path.endswith(".fish") else value).split(":")
        if element in parts or (not element and f"${variable}" in setting.value):
            found = Known(f"{path}:{setting.line}", path)
    return found


def _expanded(port: Port, value: str) -> str:
    home = port.env.get("HOME", "")
    value = value.replace("${HOME}", home).replace("$HOME", home)
    if value.startswith("~/"):
        value = home + value[1:]
    return value.replace(":~/", f":{home}/") if home else value


def _named(name: str) -> Callable[[Port], Observed[str]]:
    def probe(port: Port) -> Observed[str]:
        if not port.live and not port.env:
            return Unknown("another root has no process, so no environment")
        value = port.env.get(name, "")
        return Known(value[:_LONGEST], name) if value else Absent(name)

    return probe


FIELDS: dict[str, Callable[[Port], Observed[Any]]] = {
    "variables": _variables,
    "paths": _paths,
    "shell": _named("SHELL"),
    "virtual_env": _named("VIRTUAL_ENV"),
    "conda_prefix": _named("CONDA_PREFIX"),
}
