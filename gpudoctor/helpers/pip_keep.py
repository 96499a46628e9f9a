"""Runs in the interpreter whose packages are about to change; standard library, Python 3.8.

    keep FOLDER TOOL -- ARGUMENTS...     before: which distributions ARGUMENTS (of `pip install` or `pip uninstall`) would replace
                                         or remove; each is packed into a wheel in FOLDER, all versions into before.json
    restore FOLDER TOOL                  after: what is new is uninstalled, what changed comes back from its wheel

TOOL: "pip", or the path of uv. A wheel is packed from the files that are installed, so no network is needed to go back, and what
comes back is what was there. Ends with status 0, or says on standard error why not.
"""

import sys

sys.path[:] = [place for place in sys.path if place]  # the working folder's modules are not ours

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from importlib import metadata


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def installed():
    found = {}
    for one in metadata.distributions():
        name = one.metadata["Name"]
        if name:
            found.setdefault(normal(name), one)
    return found


def fail(words):
    sys.stderr.write(words + "\n")
    sys.exit(1)


def tool_argv(tool, verb):
    if tool == "pip":
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", verb]
    return [tool, "pip", verb, "--python", sys.executable]


def changing(tool, arguments, have):
    """Names of installed distributions that the command would replace or remove."""
    verb, rest = arguments[0], arguments[1:]
    if verb == "uninstall":
        return {normal(word) for word in rest if not word.startswith("-")} & set(have)
    if tool == "pip":
        handle, report = tempfile.mkstemp(suffix=".json")
        os.close(handle)
        argv = tool_argv(tool, verb) + ["--quiet", "--dry-run", "--report", report] + rest
        ran = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        if ran.returncode:
            fail(ran.stderr.decode("utf-8", "replace")[-2000:])
        with open(report, encoding="utf-8") as file:
            said = json.load(file)
        os.unlink(report)
        return {normal(one["metadata"]["name"]) for one in said["install"]} & set(have)
    ran = subprocess.run(
        tool_argv(tool, verb) + ["--dry-run"] + rest,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    text = (ran.stdout + ran.stderr).decode("utf-8", "replace")
    if ran.returncode:
        fail(text[-2000:])
    removed = re.findall(r"^\s*[-~]\s+([\w.-]+?)==", text, re.M)
    return {normal(name) for name in removed} & set(have)


def size_of(one):
    total = 0
    for file in one.files or ():
        try:
            total += os.stat(str(file.locate())).st_size
        except OSError:
            continue
    return total


def pack(one, folder):
    """The installed files as a wheel; returns its path."""
    name, version = one.metadata["Name"], one.version
    files = one.files
    if not files or one.read_text("RECORD") is None:
        fail("%s %s has no list of its files, so it could not be put back" % (name, version))
    direct = one.read_text("direct_url.json") or ""
    if '"editable": true' in direct or '"editable":true' in direct:
        fail("%s is an editable installation, which could not be put back" % name)
    site = os.path.realpath(str(one.locate_file("")))
    info = next(str(f).split("/")[0] for f in files if str(f).split("/")[0].endswith(".dist-info"))
    scripts = {e.name for e in one.entry_points if e.group in ("console_scripts", "gui_scripts")}
    base = info[: -len(".dist-info")]
    path = os.path.join(folder, base + "-py3-none-any.whl")
    rows = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as wheel:
        for file in files:
            inside = inner(file, site, base, info, scripts)
            if not inside:
                continue
            source = str(file.locate())
            if not os.path.isfile(source):
                continue  # already gone: then it does not come back either
            entry = zipfile.ZipInfo.from_file(source, inside, strict_timestamps=False)
            digest = hashlib.sha256()
            with open(source, "rb") as reading, wheel.open(entry, "w", force_zip64=True) as writing:
                while True:
                    chunk = reading.read(1 << 20)
                    if not chunk:
                        break
                    digest.update(chunk)
                    writing.write(chunk)
            code = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
            rows.append((inside, "sha256=" + code, str(os.stat(source).st_size)))
        if info + "/WHEEL" not in [row[0] for row in rows]:
            fail("%s was not installed from a wheel, so it could not be put back" % name)
        rows.append((info + "/RECORD", "", ""))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        wheel.writestr(info + "/RECORD", text.getvalue())
    return path


def inner(file, site, base, info, scripts):
    """The name within the wheel, "" for what an installer writes by itself."""
    name = str(file)
    if name.startswith(info + "/") and name[len(info) + 1 :] in (
        "RECORD",
        "INSTALLER",
        "REQUESTED",
        "direct_url.json",
    ):
        return ""
    if "__pycache__/" in name or name.endswith(".pyc"):
        return ""
    if not name.startswith("../") and not os.path.isabs(name):
        return name
    outside = os.path.relpath(os.path.normpath(os.path.join(site, name)), sys.prefix)
    folder, leaf = os.path.split(outside)
    if folder in ("bin", "Scripts"):
        return "" if leaf in scripts else "%s.data/scripts/%s" % (base, leaf)
    return "" if outside.startswith("..") else "%s.data/data/%s" % (base, outside)


def keep(folder, tool, commands):
    if os.path.exists(os.path.join(folder, "before.json")):
        shutil.rmtree(folder)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    have = installed()
    names = set()
    for arguments in commands:
        names |= changing(tool, arguments, have)
    need = sum(size_of(have[name]) for name in names)
    free = os.statvfs(folder)
    if need + (64 << 20) > free.f_bavail * free.f_frsize:
        fail("keeping what is replaced needs %d MiB in %s, and they are not free" % (need >> 20, folder))
    wheels = {name: os.path.basename(pack(have[name], folder)) for name in sorted(names)}
    before = {
        "versions": {name: one.version for name, one in sorted(have.items())},
        "wheels": wheels,
        "python": sys.executable,
    }
    with open(os.path.join(folder, "before.json.new"), "w", encoding="utf-8") as file:
        json.dump(before, file, indent=1)
    os.replace(os.path.join(folder, "before.json.new"), os.path.join(folder, "before.json"))
    for name in sorted(names):
        print("%s %s" % (name, have[name].version))


def restore(folder, tool):
    """Idempotent: what is as it was is left alone."""
    try:
        with open(os.path.join(folder, "before.json"), encoding="utf-8") as file:
            before = json.load(file)
    except OSError:
        return  # nothing was kept, so nothing was changed
    now = {name: one.version for name, one in installed().items()}
    new = sorted(name for name in now if name not in before["versions"])
    if new:
        argv = tool_argv(tool, "uninstall") + (["-y"] if tool == "pip" else []) + new
        if subprocess.call(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
            fail("%s could not be uninstalled" % ", ".join(new))
    back = [os.path.join(folder, wheel) for name, wheel in sorted(before["wheels"].items())]
    lost = sorted(
        name
        for name, version in before["versions"].items()
        if name not in before["wheels"] and now.get(name) != version
    )
    if back:
        force = ["--force-reinstall"] if tool == "pip" else ["--reinstall"]
        argv = tool_argv(tool, "install") + force + ["--no-deps", "--no-index"] + back
        if subprocess.call(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
            fail("the packages that were kept could not be installed")
    if lost:
        fail("%s changed otherwise meanwhile, and is left as it is" % ", ".join(lost))
    shutil.rmtree(folder, ignore_errors=True)


def main(argv):
    deed, folder, tool = argv[:3]
    if deed == "restore":
        restore(folder, tool)
        return
    commands, rest = [], argv[4:]
    while rest:
        end = rest.index("--") if "--" in rest else len(rest)
        commands.append(rest[:end])
        rest = rest[end + 1 :]
    keep(folder, tool, commands)


main(sys.argv[1:])
