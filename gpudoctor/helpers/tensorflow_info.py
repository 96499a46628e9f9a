"""Imports tensorflow and says what it sees. Argument: a JSON list of site folders that belong on sys.path.

One line of JSON at the end: {"answer": {...}}; an exception of the import is an answer too.
"""

import json
import os
import site
import sys


def describe():
    # Only looking: without this the first device takes nearly all memory of the GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    import tensorflow as tf

    built = dict(tf.sysconfig.get_build_info())
    found = {
        "state": "ok",
        "version": str(tf.__version__),
        "path": str(tf.__file__),
        "cuda": str(built.get("cuda_version") or ""),
        "cudnn": str(built.get("cudnn_version") or ""),
        "arch_list": [str(a) for a in built.get("cuda_compute_capabilities") or []],
    }
    if built.get("is_cuda_build"):
        gpus = tf.config.list_physical_devices("GPU")
        found["available"] = bool(gpus)
        found["devices"] = len(gpus)
    return found


def main():
    for folder in json.loads(sys.argv[1]):
        if folder not in sys.path:
            site.addsitedir(folder)
    try:
        answer = describe()
    except BaseException as error:  # whatever an import raises is the finding
        answer = {"state": "failed", "error": type(error).__name__, "message": str(error)[:2000]}
    sys.stdout.write("\n" + json.dumps({"answer": answer}) + "\n")


main()
