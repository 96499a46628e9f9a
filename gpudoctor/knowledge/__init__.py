"""Knowledge about NVIDIA's stack: which driver runs which CUDA, which GPU is which, how frameworks were built.

Pure look-ups over the tables in `gpudoctor/data/`. None means "not in the table": the caller then does not know, and
says so. What each table is, where it is from and how to add a row: docs/knowledge.md.
"""

from __future__ import annotations

from gpudoctor.knowledge.driver import (
    branch_cuda,
    driver_minimum,
    first_branch,
    last_branch,
    module_flavour,
    newest_ptx,
    ptx_isa,
    sxid,
    xid,
)
from gpudoctor.knowledge.frameworks import (
    bundled_ptxas,
    deciding_library,
    jax_build,
    tensorflow_build,
    torch_build,
    torch_companions,
)
from gpudoctor.knowledge.gpus import gpu_by_name, gpu_by_pci
from gpudoctor.knowledge.records import (
    BranchCuda,
    Companions,
    CudnnKernels,
    DriverMinimum,
    FirstBranch,
    FrameworkBuild,
    GpuModel,
    HostCompilers,
    LastBranch,
    ModuleFlavour,
    Newest,
    PtxIsa,
    ToolkitTargets,
    WheelLayout,
    Xid,
)
from gpudoctor.knowledge.tables import newest
from gpudoctor.knowledge.toolkits import (
    cudnn_kernels,
    cudnn_sublibraries,
    host_compilers,
    soname_family,
    toolkit_targets,
    wheel_layout,
)

__all__ = [
    "BranchCuda",
    "Companions",
    "CudnnKernels",
    "DriverMinimum",
    "FirstBranch",
    "FrameworkBuild",
    "GpuModel",
    "HostCompilers",
    "LastBranch",
    "ModuleFlavour",
    "Newest",
    "PtxIsa",
    "ToolkitTargets",
    "WheelLayout",
    "Xid",
    "branch_cuda",
    "bundled_ptxas",
    "cudnn_kernels",
    "cudnn_sublibraries",
    "deciding_library",
    "driver_minimum",
    "first_branch",
    "gpu_by_name",
    "gpu_by_pci",
    "host_compilers",
    "jax_build",
    "last_branch",
    "module_flavour",
    "newest",
    "newest_ptx",
    "ptx_isa",
    "soname_family",
    "sxid",
    "tensorflow_build",
    "toolkit_targets",
    "torch_build",
    "torch_companions",
    "wheel_layout",
    "xid",
]
