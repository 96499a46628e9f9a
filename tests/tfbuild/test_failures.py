"""What goes wrong in such builds is recognised from its words, in a log as Bazel prints it.

Each text is a line or two as the issue that is named in the cause's page, or in docs/build-tf.md, shows it; the surroundings are made up.
"""

from __future__ import annotations

import pytest

from gpudoctor.logs import verdicts
from gpudoctor.workflows.diagnose import diagnose_text

pytestmark = pytest.mark.slow

AROUND = """$ bazel build --config=cuda --config=cuda_wheel //tensorflow/tools/pip_package:wheel
INFO: Analyzed target //tensorflow/tools/pip_package:wheel (711 packages loaded, 52241 targets configured).
[12,204 / 34,131] Compiling tensorflow/core/kernels/cwise_op_add_1.cc; 12s local
{}
Target //tensorflow/tools/pip_package:wheel failed to build
INFO: Elapsed time: 5123.120s, Critical Path: 301.22s
FAILED: Build did NOT complete successfully
"""

FAILURES = [
    ("libdevice", "tf-build-cuda-not-clang",
     "clang: error: cannot find libdevice for sm_89; provide path to different CUDA installation via '--cuda-path', or pass '-nocudalib' to build without linking with libdevice"),
    ("nvcc's options to clang", "tf-build-cuda-not-clang", "clang: error: unknown argument: '-Xcuda-fatbinary=--compress-all'"),
    ("nvcc's options to clang, the other", "tf-build-cuda-not-clang", "clang: error: unknown argument: '-nvcc_options=expt-relaxed-constexpr'"),
    ("nvcc's options to gcc", "tf-build-cuda-not-clang", "gcc: error: unrecognized command-line option '-Xcuda-fatbinary=--compress-all'"),
    ("nvcc's options to gcc, the other", "tf-build-cuda-not-clang", "gcc: error: unrecognized command-line option '-nvcc_options=expt-relaxed-constexpr'"),
    ("offsetof", "tf-build-wrong-compiler",
     "external/upb/upb/upb.c:192:10: error: defining a type within 'offsetof' is a Clang extension [-Werror,-Wgnu-offsetof-extensions]"),
    ("lld", "tf-build-wrong-compiler", "clang: error: invalid linker name in argument '-fuse-ld=lld'"),
    ("clang's option to gcc", "tf-build-cuda-not-clang", "gcc: error: unrecognized command-line option '--cuda-gpu-arch=sm_35'"),
    ("gcc's flags to clang", "tf-build-cuda-not-clang", "clang: error: unknown argument: '-fno-canonical-system-headers'"),
    ("no cuda_wheel", "tf-build-configuration",
     "Error in fail: TF wheel shouldn't be built with CUDA dependencies. Please provide `--config=cuda_wheel` for bazel build command."),
    ("a CUDA that is no key", "tf-build-configuration",
     'Error in fail: The supported CUDA versions are ["11.8", "12.1.1", "12.5.1"]. Please provide a supported version in HERMETIC_CUDA_VERSION environment variable'),
    ("a cuDNN that is no key", "tf-build-configuration",
     'Error in fail: The supported CUDNN versions are ["8.6", "9.4.0"]. Please provide a supported version in HERMETIC_CUDNN_VERSION environment variable or add JSON URL for CUDNN version=9.10.2.'),
    ("a list that was shortened", "tf-build-configuration", "Error in fail: tf_http_archive(urls) must have redundant URLs."),
    ("a folder that is none", "tf-build-configuration", "Error in fail: /opt/cuda-12.4/include directory doesn't exist!"),
    ("an NCCL that is none", "tf-build-configuration", 'Error in fail: The supported NCCL versions are ["2.21.5"].'),
    ("CUPTI", "tf-build-cuda-repositories-empty",
     "external/local_tsl/tsl/profiler/x.cc:20:10: fatal error: 'third_party/gpus/cuda/extras/CUPTI/include/cupti.h' file not found"),
    ("headers of an empty repository", "tf-build-cuda-repositories-empty",
     "xla/stream_executor/cuda/cuda_driver.cc:38:10: fatal error: third_party/gpus/cuda/include/cuda.h: No such file or directory"),
    ("symbols of an empty repository", "tf-build-cuda-repositories-empty",
     "ld.lld: error: undefined symbol: cuptiActivityEnable\n>>> referenced by cupti.cc in bazel-out/k8-opt/bin/external/local_xla/x.o"),
    ("capability", "tf-build-configuration", "Error in fail: \nCuda Configuration Error: Invalid compute capability: sm_120"),
    ("LLVM too old", "tf-build-wrong-compiler", "clang: error: unsupported CUDA gpu architecture: sm_120"),
    ("CUB of 12.8", "tf-build-cuda-too-new",
     "./tensorflow/core/kernels/gpu_prim.h(48): error: no instance of overloaded function \"cub::ThreadLoadVolatilePointer\" matches the specified type"),
    ("alignment of 12.9", "tf-build-cuda-too-new",
     "tensorflow/core/kernels/concat_lib_gpu_impl.cu.cc(69): error: specified alignment (4) is different from alignment (8) specified on a previous declaration"),
    ("CUpti twice", "tf-build-cuda-too-new",
     "cupti_driver_cbid.h:20:14: error: redefinition of 'CUpti_driver_api_trace_cbid_enum'"),
    ("old cuda_configure", "tf-build-configuration",
     "ERROR: no such target '@local_config_cuda//cuda:cuda_runtime': target 'cuda_runtime' not declared in package 'cuda'"),
    ("patchelf", "tf-build-configuration", "FileNotFoundError: [Errno 2] No such file or directory: 'patchelf'"),
    ("XNNPACK", "tf-build-wrong-compiler", "gcc: error: unrecognized command-line option '-mavx512fp16'"),
    ("XNNPACK, the other", "tf-build-wrong-compiler", "gcc: error: unrecognized command line option '-mavxvnniint8'"),
    ("XNNPACK, an old clang", "tf-build-wrong-compiler", "clang-14: error: unknown argument: '-mavx512fp16'"),
    ("includes", "tf-build-wrong-compiler",
     "ERROR: /b/external/zlib/BUILD.bazel:5:11: undeclared inclusion(s) in rule '@zlib//:zlib':\nthis rule is missing dependency declarations for '/usr/lib/llvm-17/lib/clang/17/include/stddef.h'"),
    ("memory", "clang-cxx-headers-missing", "external/com_google_absl/absl/memory/memory.h:27:10: fatal error: 'memory' file not found"),
    ("libc++", "libcxx-mismatch", "ImportError: /v/libtensorflow_cc.so.2: undefined symbol: _ZNSt3__122__libcpp_verbose_abortEPKcz"),
    ("brotli", "tf-build-wrong-compiler",
     "external/org_brotli/c/dec/decode.c:2036:41: error: argument 'encoded_buffer' of type 'const uint8_t *' with mismatched bound [-Werror,-Wvla-parameter]"),
    ("variadic", "tf-build-cuda-not-clang", "/usr/include/bits/stdio2.h:112:1: error: CUDA device code does not support variadic functions"),
    ("nvcc with clang as its host", "tf-build-cuda-not-clang",
     './tensorflow/core/util/gpu_device_functions.h(198): error: identifier "__nvvm_read_ptx_sreg_laneid" is undefined'),
    ("libdevice, an older clang", "tf-build-cuda-not-clang",
     "clang: error: cannot find libdevice for sm_35. Provide path to different CUDA installation via --cuda-path, or pass -nocudalib"),
    ("timeout", "tf-build-download-failed",
     "ERROR: An error occurred during the fetch of repository 'llvm-raw':\n   Error downloading [https://storage.googleapis.com/mirror.tensorflow.org/github.com/llvm/a.tar.gz, https://github.com/llvm/a.tar.gz] to /b/a.tar.gz: connect timed out"),
    ("read timeout", "tf-build-download-failed", "java.io.IOException: Error downloading [https://github.com/a/b.zip] to /b/b.zip: Read timed out"),
    ("other content", "tf-build-download-failed",
     "ERROR: Error downloading [https://developer.download.nvidia.com/compute/cuda/redist/a.tar.xz] to /b/a.tar.xz: Checksum was 1f but wanted 2e"),
    ("compiler killed, clang's words", "build-killed-for-memory", "clang: error: unable to execute command: Killed"),
    ("server killed", "build-killed-for-memory", "Server terminated abruptly (error code: 14, error message: 'Socket closed', log file: '/b/server/jvm.out')"),
    ("compiler killed", "build-killed-for-memory", "gcc: fatal error: Killed signal terminated program cc1plus"),
    ("linker killed", "build-killed-for-memory", "collect2: fatal error: ld terminated with signal 9 [Killed]"),
    ("disk", "no-space-left", "java.io.IOException: /b/sandbox/12/execroot/x.o (No space left on device)"),
    ("another Python", "python-version-no-wheel",
     "ERROR: tensorflow-2.18.1-cp310-cp310-linux_x86_64.whl is not a supported wheel on this platform."),
    ("no driver", "tf-build-configuration",
     "bazel-out/k8-opt-exec/bin/tensorflow/gen_op: error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory"),
    ("nvrtc-builtins", "tf-build-runtime-library-missing",
     "ImportError: libnvrtc-builtins.so.12.5: cannot open shared object file: No such file or directory"),
    ("headers_lib", "tf-build-configuration",
     "ERROR: stream_executor_headers_lib cannot depend on tensorflow/core:lib"),
    ("Bazel 8", "tf-build-configuration",
     "ERROR: no such package '@@[unknown repo 'local_config_cuda' requested from @@]//': The repository could not be resolved: No repository visible as '@local_config_cuda' from main repository"),
    ("realpath", "host-compiler-too-new",
     '/usr/include/x86_64-linux-gnu/bits/stdlib.h(37): error: linkage specification is incompatible with previous "realpath"'),
]  # fmt: skip


@pytest.mark.parametrize("cause, words", [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
def test_a_failed_build_is_named(cause: str, words: str) -> None:
    found = [d.id for d in diagnose_text(AROUND.format(words)).diagnoses]
    assert found and found[0] == cause, found


def test_a_mirror_that_lacks_a_file_is_only_a_warning() -> None:
    """The next address follows; the build went through."""
    text = (
        "WARNING: Download from https://storage.googleapis.com/mirror.tensorflow.org/github.com/a/b.zip failed: class "
        "java.io.FileNotFoundException GET returned 404 Not Found\nINFO: Build completed successfully, 34131 total actions\n"
    )
    found = diagnose_text(text).diagnoses
    assert not found or found[0].id in verdicts.IDS or found[0].confidence <= 0.4


def test_a_build_that_stopped_for_an_unknown_reason_gets_no_cause() -> None:
    assert not diagnose_text(AROUND.format("error: something that nobody has seen")).known
