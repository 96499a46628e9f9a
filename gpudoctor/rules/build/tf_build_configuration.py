"""TensorFlow's build is configured with something that this release does not know

What it is: Hermetic CUDA and cuDNN versions are keys of a table in the tree, capabilities have a fixed form, the
wheel needs its own configuration and patchelf in /usr/bin, and Bazel must be the release in .bazelversion.

Why it hurts: The build stops at loading, or at its very last step.

How to tell: The message names what it accepts.

How to fix: Take what the message lists: a version from the table (or LOCAL_CUDA_PATH), sm_XY or X.Y for capabilities,
--config=cuda_wheel for the wheel, apt install patchelf, the Bazel of .bazelversion (bazelisk does that). "must have redundant URLs":
an edit of tf_mirror_urls may shorten NVIDIA's lists alone (`gpudoctor build-tf patch --list`).
Without a driver on the build machine, --config=cuda_wheel keeps generators from needing libcuda.so.1.

Sources: https://github.com/tensorflow/tensorflow/issues/86405
https://github.com/tensorflow/tensorflow/issues/90331
https://github.com/tensorflow/tensorflow/issues/82195
https://github.com/tensorflow/tensorflow/issues/104297
"""

from __future__ import annotations

from gpudoctor.signature import Signature




























signatures: tuple[Signature | str, ...] = (
    Signature(r"TF wheel shouldn't be built with CUDA dependencies", 0.97),
    Signature(r"The supported (?:CUDA|CUDNN|NCCL) versions are \[", 0.95),
    Signature(r"Invalid compute capability: ", 0.93),
    # The guard of tf_http_archive: an edit of tf_mirror_urls made its list shorter.
    Signature(r"must have redundant URLs", 0.95),
    # LOCAL_CUDA_PATH, LOCAL_CUDNN_PATH or LOCAL_NCCL_PATH names no folder.
    Signature(r"Error in fail: /\S{1,300}/(?:include|lib|bin|nvvm) directory doesn't exist!", 0.93),
    Signature(r"no such target '@local_config_cuda//cuda:cuda_runtime'", 0.95),
    Signature(r"no such package '@local_config_cuda", 0.85),
    # Bazel 8 reads no WORKSPACE unless it is told to: the repositories of one are then not visible.
    Signature(r"No repository visible as '@(?:local_config_cuda|local_config_\w+|local_tsl|local_xla|local_execution_config_\w+|pypi|python_version_repo)' from", 0.93),
    Signature(r"unknown repo 'local_config_cuda' requested from", 0.93),
    # A generator that was just built is linked against the stub of libcuda, on a machine without a driver.
    Signature(r"bazel-out/\S{0,160}: error while loading shared libraries: libcuda\.so\.1", 0.96),
    Signature(r"FileNotFoundError: .{0,60}'patchelf'", 0.97),
    Signature(r"patchelf: (?:command )?not found", 0.9),
    Signature(r"stream_executor_headers_lib cannot depend on", 0.9),
    Signature(r"(?:The current version of bazel|You need to (?:install|upgrade) Bazel|bazel version .{0,20}is (?:too|not)|requires Bazel)", 0.8, needs=(r"bazel",)),
)
