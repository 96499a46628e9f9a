"""Knowledge about NVIDIA's stack: which driver runs which CUDA, which GPU is which, how frameworks were built.

Pure look-ups over the tables in `gpudoctor/data/`. None means "not in the table": the caller then does not know, and
says so. What each table is, where it is from and how to add a row: docs/knowledge.md.

A look-up imports the module that it lies in when it is first asked for: a machine without a GPU asks for few.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpudoctor.knowledge.driver import branch_cuda as branch_cuda
    from gpudoctor.knowledge.driver import driver_minimum as driver_minimum
    from gpudoctor.knowledge.driver import first_branch as first_branch
    from gpudoctor.knowledge.driver import last_branch as last_branch
    from gpudoctor.knowledge.driver import module_flavour as module_flavour
    from gpudoctor.knowledge.driver import newest_ptx as newest_ptx
    from gpudoctor.knowledge.driver import not_before as not_before
    from gpudoctor.knowledge.driver import ptx_isa as ptx_isa
    from gpudoctor.knowledge.driver import sxid as sxid
    from gpudoctor.knowledge.driver import xid as xid
    from gpudoctor.knowledge.frameworks import bundled_ptxas as bundled_ptxas
    from gpudoctor.knowledge.frameworks import companion_of as companion_of
    from gpudoctor.knowledge.frameworks import companion_pin as companion_pin
    from gpudoctor.knowledge.frameworks import deciding_library as deciding_library
    from gpudoctor.knowledge.frameworks import extension_demands as extension_demands
    from gpudoctor.knowledge.frameworks import extension_ends as extension_ends
    from gpudoctor.knowledge.frameworks import jax_build as jax_build
    from gpudoctor.knowledge.frameworks import newest_extension as newest_extension
    from gpudoctor.knowledge.frameworks import requirements as requirements
    from gpudoctor.knowledge.frameworks import tensorflow_build as tensorflow_build
    from gpudoctor.knowledge.frameworks import tensorflow_cuda as tensorflow_cuda
    from gpudoctor.knowledge.frameworks import tensorflow_for_windows as tensorflow_for_windows
    from gpudoctor.knowledge.frameworks import torch_build as torch_build
    from gpudoctor.knowledge.frameworks import torch_companions as torch_companions
    from gpudoctor.knowledge.gpus import gpu_by_name as gpu_by_name
    from gpudoctor.knowledge.gpus import gpu_by_pci as gpu_by_pci
    from gpudoctor.knowledge.gpus import pci_id as pci_id
    from gpudoctor.knowledge.gpus import plain_name as plain_name
    from gpudoctor.knowledge.images import cuda_image as cuda_image
    from gpudoctor.knowledge.images import cuda_image_versions as cuda_image_versions
    from gpudoctor.knowledge.records import BranchCuda as BranchCuda
    from gpudoctor.knowledge.records import Companions as Companions
    from gpudoctor.knowledge.records import CudaImage as CudaImage
    from gpudoctor.knowledge.records import CudnnKernels as CudnnKernels
    from gpudoctor.knowledge.records import CudnnPublished as CudnnPublished
    from gpudoctor.knowledge.records import DriverMinimum as DriverMinimum
    from gpudoctor.knowledge.records import ExtensionDemands as ExtensionDemands
    from gpudoctor.knowledge.records import FirstBranch as FirstBranch
    from gpudoctor.knowledge.records import FrameworkBuild as FrameworkBuild
    from gpudoctor.knowledge.records import GpuModel as GpuModel
    from gpudoctor.knowledge.records import HostCompilers as HostCompilers
    from gpudoctor.knowledge.records import LastBranch as LastBranch
    from gpudoctor.knowledge.records import ModuleFlavour as ModuleFlavour
    from gpudoctor.knowledge.records import Newest as Newest
    from gpudoctor.knowledge.records import PtxIsa as PtxIsa
    from gpudoctor.knowledge.records import ToolkitTargets as ToolkitTargets
    from gpudoctor.knowledge.records import WheelLayout as WheelLayout
    from gpudoctor.knowledge.records import Xid as Xid
    from gpudoctor.knowledge.tables import newest as newest
    from gpudoctor.knowledge.toolkits import cudnn_kernels as cudnn_kernels
    from gpudoctor.knowledge.toolkits import cudnn_neighbours as cudnn_neighbours
    from gpudoctor.knowledge.toolkits import cudnn_published as cudnn_published
    from gpudoctor.knowledge.toolkits import cudnn_sublibraries as cudnn_sublibraries
    from gpudoctor.knowledge.toolkits import first_cuda as first_cuda
    from gpudoctor.knowledge.toolkits import host_compilers as host_compilers
    from gpudoctor.knowledge.toolkits import last_cudnn as last_cudnn
    from gpudoctor.knowledge.toolkits import soname_family as soname_family
    from gpudoctor.knowledge.toolkits import toolkit_targets as toolkit_targets
    from gpudoctor.knowledge.toolkits import wheel_layout as wheel_layout

#: Module -> what it holds for others.
_HOLDS = {
    "driver": (
        "branch_cuda",
        "driver_minimum",
        "first_branch",
        "last_branch",
        "module_flavour",
        "newest_ptx",
        "not_before",
        "ptx_isa",
        "sxid",
        "xid",
    ),
    "frameworks": (
        "bundled_ptxas",
        "companion_of",
        "companion_pin",
        "deciding_library",
        "extension_demands",
        "extension_ends",
        "jax_build",
        "newest_extension",
        "requirements",
        "tensorflow_build",
        "tensorflow_cuda",
        "tensorflow_for_windows",
        "torch_build",
        "torch_companions",
    ),
    "gpus": (
        "gpu_by_name",
        "gpu_by_pci",
        "pci_id",
        "plain_name",
    ),
    "images": (
        "cuda_image",
        "cuda_image_versions",
    ),
    "records": (
        "BranchCuda",
        "Companions",
        "CudaImage",
        "CudnnKernels",
        "CudnnPublished",
        "DriverMinimum",
        "ExtensionDemands",
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
    ),
    "tables": ("newest",),
    "toolkits": (
        "cudnn_kernels",
        "cudnn_neighbours",
        "cudnn_published",
        "cudnn_sublibraries",
        "first_cuda",
        "host_compilers",
        "last_cudnn",
        "soname_family",
        "toolkit_targets",
        "wheel_layout",
    ),
}
_WHERE = {name: module for module, names in _HOLDS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
