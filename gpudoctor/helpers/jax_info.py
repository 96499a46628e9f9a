"""Imports jax and says what it sees. Argument: a JSON list of site folders that belong on sys.path.

One line of JSON at the end: {"answer": {...}}; an exception of the import is an answer too.
"""

import json
import os
import site
import sys


def describe():
    # Only looking: by default the first device takes three quarters of the GPU's memory.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import jax

    found = {"state": "ok", "version": str(jax.__version__), "path": str(jax.__file__)}
    devices = jax.devices()
    found["available"] = any(d.platform in ("gpu", "cuda", "rocm") for d in devices)
    found["devices"] = len(devices) if found["available"] else 0
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
