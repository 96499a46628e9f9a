"""Bazel, the small programs, Python and the venv."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.observed import value_of
from gpudoctor.system.port import which
from gpudoctor.tfbuild.preflight.model import Look, Row
from gpudoctor.versions import compare, release

#: Actions run with an emptied environment: what they start is looked for here (Python's os.defpath), not in the user's PATH.
EMPTIED_PATH = "/bin:/usr/bin"


def find_bazel(look: Look) -> str:
    return which(look.port, "bazel") or which(look.port, "bazelisk") or ""


def bazel(look: Look) -> Iterator[Row]:
    wanted = value_of(look.tree.bazel, "")
    path = find_bazel(look)
    if not path:
        yield Row(
            "bazel", "failure", "there is no bazel and no bazelisk on PATH", f"the tree wants {wanted or 'a Bazel'}",
            "install bazelisk (it fetches the release of .bazelversion) and put it on PATH as bazel",
        )  # fmt: skip
        return
    ran = look.run(path, "--version", timeout=60.0, cwd=look.tree.path)
    text = (ran.stdout + ran.stderr).strip() if ran else ""
    match = re.search(r"bazel (\d+\.\d+\.\d+\S*)", text)
    if match is None:
        first = text.splitlines()[0] if text else "nothing"
        yield Row(
            "bazel", "failure", "bazel does not tell its version", f"{path} --version: {first}",
            "bazelisk fetches its Bazel from GitHub: BAZELISK_BASE_URL names a mirror, USE_BAZEL_VERSION a file",
            "tf-build-configuration",
        )  # fmt: skip
    elif not wanted:
        yield Row("bazel", "unknown", f"Bazel {match[1]}; the tree does not say which it wants", path)
    elif match[1] == wanted:
        yield Row("bazel", "ok", f"Bazel {wanted}, as .bazelversion has it", path)
    else:
        yield Row(
            "bazel", "failure", f"Bazel {match[1]} where .bazelversion says {wanted}", path,
            "use bazelisk, or the release of .bazelversion: others fail while they load the tree",
            "tf-build-configuration",
        )  # fmt: skip


def programs(look: Look) -> Iterator[Row]:
    missing = [name for name in ("git", "unzip", "zip", "tar") if which(look.port, name) is None]
    if missing:
        yield Row(
            "programs", "failure", f"{', '.join(missing)} not on PATH", "", f"apt install {' '.join(missing)}"
        )
    else:
        yield Row("programs", "ok", "git, unzip, zip and tar are there")


def patchelf(look: Look) -> Iterator[Row]:
    """The wheel's last action runs with `env -`: a patchelf in ~/bin or in a venv is not seen there."""
    if "wheel" not in look.request.targets:
        yield Row("patchelf", "not-needed", "no wheel is built")
        return
    here = which(look.port, "patchelf", EMPTIED_PATH)
    elsewhere = which(look.port, "patchelf")
    if here:
        yield Row("patchelf", "ok", "patchelf is where the build's emptied PATH sees it", here)
    else:
        seen = f"it is at {elsewhere}, which the build does not see" if elsewhere else "it is not installed"
        yield Row(
            "patchelf", "failure", "the wheel would fail at its very last step: no patchelf in /usr/bin or /bin", seen,
            "apt install patchelf", "tf-build-configuration",
        )  # fmt: skip


def wanted_python(look: Look) -> str:
    """--python, else the venv's, else the python3 that the rules would take."""
    if look.request.python:
        return release(look.request.python)
    found = venv(look)
    return found.get("version", "") or _version(look, which(look.port, "python3") or "")


def _version(look: Look, path: str) -> str:
    ran = look.run(path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])") if path else None
    return ran.stdout.strip() if ran and ran.code == 0 else ""


_ASK = """
import importlib.metadata as m, json, sys
def version(n):
    try: return m.version(n)
    except m.PackageNotFoundError: return ""
print(json.dumps({"version": "%d.%d" % sys.version_info[:2], "prefix": sys.prefix, "base": sys.base_prefix, "executable": sys.executable,
 "tensorflow": version("tensorflow"), "keras": version("keras"), "numpy": version("numpy")}))
"""


def venv(look: Look) -> dict[str, str]:
    """What the interpreter of --venv says of itself; empty where there is none."""
    if not look.request.venv:
        return {}

    def ask() -> dict[str, str]:
        ran = look.run(f"{look.request.venv}/bin/python", "-I", "-c", _ASK)
        try:
            return dict(json.loads(ran.stdout)) if ran and ran.code == 0 else {}
        except ValueError:
            return {}

    return look.port.memo("venv", ask)


def python(look: Look) -> Iterator[Row]:
    wanted = wanted_python(look)
    if not wanted:
        yield Row("python", "failure", "no python3 to build for", "", "--python 3.10, or --venv DIR")
        return
    if look.request.venv:
        found = venv(look)
        if not found:
            yield Row(
                "python", "failure", f"{look.request.venv} is no Python environment", "bin/python there gives no answer",
                f"make it: python{wanted} -m venv {look.request.venv}",
            )  # fmt: skip
            return
        if found["prefix"] == found["base"]:
            yield Row("python", "failure", f"{look.request.venv} is the system's Python, not a venv", found["executable"],
                      "the wheel is installed into a venv only: python3 -m venv DIR")  # fmt: skip
            return
        if found["version"] != wanted:
            yield Row(
                "python", "failure", f"the wheel would be for Python {wanted}, the venv has {found['version']}",
                found["executable"], "leave --python away, or make the venv with that Python", "tf-build-configuration",
            )  # fmt: skip
            return
    locks = look.tree.pythons
    release_row = look.release
    if locks and wanted not in locks:
        yield Row(
            "python", "failure", f"the tree has no lock file for Python {wanted}", f"it has {', '.join(locks)}",
            "--python and --venv with one of these", "tf-build-configuration",
        )  # fmt: skip
    elif (
        not locks
        and release_row
        and not (compare(release_row.python_min, wanted) <= 0 <= compare(release_row.python_max, wanted))
    ):
        yield Row("python", "failure", f"Python {wanted} is none of {release_row.python_min} to {release_row.python_max}",
                  release_row.source, "--python and --venv with one of these")  # fmt: skip
    elif not locks and not release_row:
        yield Row("python", "unknown", f"Python {wanted}; the tree names none")
    else:
        place = (
            f"the venv {look.request.venv}"
            if look.request.venv
            else "no --venv: the wheel will not be installed"
        )
        yield Row("python", "ok", f"Python {wanted}", place)


def alike(look: Look) -> Iterator[Row]:
    """TensorFlow's Python package and its C library must be of one build; Keras is a package of its own since 2.16, and must be one
    that the wheel's METADATA allows."""
    version = value_of(look.tree.version, "")
    if "libtensorflow" in look.request.targets:
        yield Row("alike", "ok", "wheel and C library are built from this one tree", version)
    found = venv(look)
    if not found:
        if "libtensorflow" not in look.request.targets:
            yield Row("alike", "not-needed", "no venv to compare with")
        return
    had, keras = found.get("tensorflow", ""), found.get("keras", "")
    if had and version and had != version:
        yield Row(
            "alike", "warning", f"the venv has TensorFlow {had}: it will be replaced by {version}", found["executable"],
            "the version before is recorded, and printed by `build-tf status`",
        )  # fmt: skip
    wrong = _keras_refused(version, keras)
    if wrong:
        yield Row("alike", "warning", f"the venv has Keras {keras}, TensorFlow {version} wants {wrong}", found["executable"],
                  "the install brings the right one", "keras-tensorflow-mismatch")  # fmt: skip
    elif not had or had == version:
        yield Row("alike", "ok", "nothing of another version in the venv", found["executable"])


def _keras_refused(version: str, keras: str) -> str:
    """What TensorFlow's METADATA demands of Keras where this one is not it; "" where it is, or nobody knows."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in knowledge.requirements("tensorflow", version) or () if keras and version else ():
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if wanted.name == "keras" and keras not in wanted.specifier:
            return str(wanted.specifier)
    return ""
