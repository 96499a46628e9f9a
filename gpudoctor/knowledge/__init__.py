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
    requirements,
    tensorflow_build,
    torch_build,
    torch_companions,
)
from gpudoctor.knowledge.gpus import gpu_by_name, gpu_by_pci, plain_name
from gpudoctor.knowledge.images import cuda_image, cuda_image_versions
from gpudoctor.knowledge.records import (
    BranchCuda,
    Companions,
    CudaImage,
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
    first_cuda,
    host_compilers,
    last_cudnn,
    soname_family,
    toolkit_targets,
    wheel_layout,
)

__all__ = [
    "BranchCuda",
    "Companions",
    "CudaImage",
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
    "cuda_image",
    "cuda_image_versions",
    "cudnn_kernels",
    "cudnn_sublibraries",
    "deciding_library",
    "driver_minimum",
    "first_branch",
    "first_cuda",
    "gpu_by_name",
    "gpu_by_pci",
    "host_compilers",
    "jax_build",
    "last_branch",
    "last_cudnn",
    "module_flavour",
    "newest",
    "newest_ptx",
    "plain_name",
    "ptx_isa",
    "requirements",
    "soname_family",
    "sxid",
    "tensorflow_build",
    "toolkit_targets",
    "torch_build",
    "torch_companions",
    "wheel_layout",
    "xid",
]
