"""Words that tell of an extension's own kernels: shared by the causes that ask whose kernel it is that has no image."""

from __future__ import annotations

#: Packages that bring kernels of their own.
PACKAGES = (
    r"flash_attn|flash-attn|mmcv|xformers|bitsandbytes|detectron2|MinkowskiEngine|spconv|pointnet|torch_scatter|torch_cluster|torch_sparse|"
    r"apex|causal_conv1d|mamba_ssm|exllama|auto_gptq|vllm/_C|ext\.\w+\(|_ext\b|deform_conv|deformable|MultiScaleDeformable|ms_deform|nvdiffrast|"
    r"diff_gaussian|simple_knn|tiny-?cuda-?nn|gsplat|pytorch3d|selective_scan|awq_ext|fused_|roi_align|roi_pool|iou3d|voxel_layer|torchsparse|"
    r"knn_cuda|chamfer|upfirdn2d|bias_act|raymarching|gridencoder|correlation_cuda|quant_cuda|transformer_engine|flashinfer|sgl_kernel|"
    r"mish_cuda|warp_rnnt|warpctc|natten|torch_radon|torch-radon|kaolin|curope|pcdet|pointops|DCNv\d|sageattn|sageattention|lietorch|"
    r"droid_backends|pyg_lib|torch_spline|grouped_gemm|megablocks|deep_gemm|fbgemm|exllamav2|eetq|gptqmodel|punica|lightseq|bev_pool|"
    r"ggml-cuda|llama[-_.]cpp|nerfacc|roiaware|roipoint|hashencoder|freqencoder|shencoder|custom_rasterizer|cumcubes|cumesh|flex_gemm|o_voxel|sparseconvnet|torchmcubes|nvdiffrec|softras|neural_renderer"
)
#: Somebody built an extension, and says so.
BUILDING = (
    r"\bbuil[dt] (?:with|against|for) (?:py)?torch|compil\w+ .{0,30}(?:extension|custom op)|cpp_extension|build_ext|"
    r"setup\.py (?:install|develop|build)|custom (?:CUDA|C\+\+) (?:op|kernel|extension)|"
    r"\brecompil\w+\b(?! (?:py)?torch| tensorflow)|\brebuil[dt]\b(?! (?:py)?torch| tensorflow| from source)|\bbuil[dt] \S{1,20} for another GPU|"
    r"\b(?:my|our|own|custom) (?:\w+ ){0,2}(?:extension|kernel|op|operator)s?\b(?! image)"
)
#: The traceback's last call is one into a compiled module: "points_cuda.sample(", "_C.rasterize(".
CALLS = (
    r"(?:^|[ (=])(?:[a-z]\w*(?:_cuda|_ext|_C|_kernels?|_backend)|_C|_ext|_backend|ext_module)\.[a-z]\w{2,60}\([^\n]{0,200}\n"
    r"(?:[^\n]{0,200}\n){0,2}[^\n]{0,80}no kernel image"
)
#: Somebody tried: what PyTorch brings itself works on this GPU.
OWN_WORK = (
    r"(?:(?:built-?in|plain|other|all|normal|simple|basic|stock|regular|ordinary)(?: \S+){0,3}? (?:ops|operations|operators|kernels|matmuls?|tensors?|torch|pytorch|layers|models)|"
    r"(?:py)?torch (?:itself|alone|proper)|torch\.[a-z]\w*\(\S{0,40})(?: \S+){0,6}? (?:works?|worked|fine|ok(?:ay)?|runs?)\b"
)
#: A launcher's own message, with its kernel or its source file.
LAUNCHERS = r"error in \w{3,60}: no kernel image|CUDA kernel failed ?: no kernel image|at line \d+ in file"
