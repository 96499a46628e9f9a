"""Imports torch and says what it sees. Argument: a JSON list of site folders that belong on sys.path.

One line of JSON at the end: {"answer": {...}}; an exception of the import is an answer too.
"""

import json
import site
import sys


def describe():
    import torch

    found = {
        "state": "ok",
        "version": str(torch.__version__),
        "path": str(torch.__file__),
        "cuda": str(torch.version.cuda or ""),
    }
    if torch.version.cuda:
        found["available"] = bool(torch.cuda.is_available())
        found["devices"] = int(torch.cuda.device_count()) if found["available"] else 0
        found["arch_list"] = list(torch.cuda.get_arch_list()) if found["available"] else []
        cudnn = torch.backends.cudnn.version()
        found["cudnn"] = "" if cudnn is None else str(cudnn)
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
