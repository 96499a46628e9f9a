"""PTX from a newer toolkit than the driver can compile

What it is: A program carries PTX, code that the driver compiles for the GPU when it is loaded. The PTX was written by a
newer CUDA toolkit than this driver knows. Minor-version compatibility covers finished machine code, not PTX.

Why it hurts: The first kernel ends in error 222, "the provided PTX was compiled with an unsupported toolchain", or the
driver's compiler says "Unsupported .version 8.4; current version is '8.2'".

How to tell: Only the program's own message tells, when it loads the code. The number in it is the PTX version; each
belongs to one CUDA release.

How to fix: Update the driver to the branch of the toolkit, or build with an older toolkit, or build machine code for this
GPU (-gencode arch=compute_86,code=sm_86), so that no PTX has to be compiled.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
https://docs.nvidia.com/cuda/parallel-thread-execution/#release-notes
"""
