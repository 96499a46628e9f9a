"""Runs in the interpreter whose packages are about to change; standard library, Python 3.8.

    keep FOLDER TOOL -- ARGUMENTS...     before: which distributions ARGUMENTS (of `pip install` or `pip uninstall`) would replace
                                         or remove; their files are kept in FOLDER, all versions in before.json
    restore FOLDER TOOL                  after: what is new or was replaced is uninstalled, and the kept files are put back

    forget FOLDER                        nobody will go back (again): what was kept goes

TOOL: "pip", or the path of uv. Files are kept as second names of the same files where the file system allows it, so that gigabytes
cost neither time nor room; what comes back is what was there, to the byte and the time, and no network is needed for it.
Ends with status 0, or says on standard error why not.
"""

import sys

sys.path[:] = [place for place in sys.path if place]  # the working folder's modules are not ours

import importlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from importlib import metadata

#: From this release on pip says beforehand what it would install (--dry-run --report).
REPORTING_PIP = (22, 2)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def installed():
    """Name -> its distributions: one, or several where an installer left records behind."""
    importlib.invalidate_caches()  # folders are remembered by their time, which is coarser than we are fast
    found = {}
    for one in metadata.distributions():
        if one.read_text("METADATA") or one.read_text("PKG-INFO"):
            found.setdefault(normal(one.metadata["Name"]), []).append(one)
    return found


def versions(have):
    return {name: sorted(one.version for one in all_of) for name, all_of in sorted(have.items())}


def fail(words):
    sys.stderr.write(words + "\n")
    sys.exit(1)


def tool_argv(tool, verb, pip=None):
    if tool == "pip":
        return (pip or [sys.executable, "-m", "pip"]) + ["--disable-pip-version-check", "--no-input", verb]
    return [tool, "pip", verb, "--python", sys.executable]


def run(argv):
    ran = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    return ran.returncode, ran.stdout.decode("utf-8", "replace"), ran.stderr.decode("utf-8", "replace")


def changing(tool, arguments, have, scratch):
    """Names of installed distributions that the command would replace or remove."""
    verb, rest = arguments[0], arguments[1:]
    if verb == "uninstall":
        return {normal(word) for word in rest if not word.startswith("-")} & set(have)
    if tool == "pip":
        report = os.path.join(scratch, "report.json")
        argv = tool_argv(tool, verb, reporting_pip(have, scratch))
        code, _, err = run(argv + ["--quiet", "--dry-run", "--report", report] + rest)
        if code:
            fail(err[-2000:])
        with open(report, encoding="utf-8") as file:
            said = json.load(file)
        return {normal(one["metadata"]["name"]) for one in said["install"]} & set(have)
    code, out, err = run(tool_argv(tool, verb) + ["--color", "never", "--dry-run"] + rest)
    if code:
        fail((out + err)[-2000:])
    return {normal(name) for name in re.findall(r"^\s*[-~]\s+([\w.-]+?)==", out + err, re.M)} & set(have)


def reporting_pip(have, scratch):
    """This environment's pip, or where it is too old to say what it would do, a newer one that is only fetched, not installed."""
    import pip

    own = pip.__version__
    if tuple(int(n) for n in re.findall(r"\d+", own)[:2]) >= REPORTING_PIP:
        return None
    argv = tool_argv("pip", "download") + [
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "-d",
        scratch,
        "pip>=22.2",
    ]
    code, _, err = run(argv)
    wheels = [name for name in os.listdir(scratch) if name.endswith(".whl")]
    if code or not wheels:
        fail(
            "pip %s can't say beforehand what it would replace, and a newer one could not be fetched (%s); "
            "`%s -m pip install --upgrade pip` comes first"
            % (own, " ".join(err.split())[-300:], sys.executable)
        )
    return [sys.executable, os.path.join(scratch, wheels[0], "pip")]


def files_of(one):
    """Where its files lie, as its RECORD names them; those that are gone already do not come back either."""
    if one.read_text("RECORD") is None:
        fail(
            "%s %s has no list of its files, so it could not be put back"
            % (one.metadata["Name"], one.version)
        )
    found = []
    for file in one.files or ():
        path = os.path.normpath(str(file.locate()))
        if os.path.isfile(path) or os.path.islink(path):
            found.append(path)
    return list(dict.fromkeys(found))


def keep(folder, tool, commands):
    if os.path.exists(os.path.join(folder, "before.json")):
        shutil.rmtree(folder)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    have = installed()
    names = set()
    scratch = tempfile.mkdtemp(prefix="gpudoctor-")
    try:
        for arguments in commands:
            names |= changing(tool, arguments, have, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    paths = list(
        dict.fromkeys(path for name in sorted(names) for one in have[name] for path in files_of(one))
    )
    before = {
        "versions": versions(have),
        "names": sorted(names),
        "files": keep_files(folder, paths),
        "python": sys.executable,
    }
    with open(
        os.path.join(folder, "before.json.new"), "w", encoding="utf-8", errors="surrogateescape"
    ) as file:
        json.dump(before, file, indent=1)
    os.replace(os.path.join(folder, "before.json.new"), os.path.join(folder, "before.json"))
    for name in sorted(names):
        print("%s %s" % (name, ", ".join(one.version for one in have[name])))


def keep_files(folder, paths):
    """[path, its name in the folder] of each."""
    kept = []
    left = None
    for number, path in enumerate(paths):
        name = str(number)
        place = os.path.join(folder, name)
        try:
            os.link(path, place, follow_symlinks=False)
        except OSError:
            if left is None:
                left = room_for(folder, paths[number:])
            shutil.copy2(path, place, follow_symlinks=False)
        kept.append([path, name])
    return kept


def room_for(folder, paths):
    need = sum(os.lstat(path).st_size for path in paths)
    free = os.statvfs(folder)
    free = free.f_bavail * free.f_frsize
    if need + (64 << 20) > free:
        fail("keeping what is replaced needs %d MiB in %s, and they are not free" % (need >> 20, folder))
    return free


def restore(folder, tool):
    """Idempotent: done again after an interruption, it ends as it would have. What was kept stays until it is forgotten."""
    try:
        with open(os.path.join(folder, "before.json"), encoding="utf-8", errors="surrogateescape") as file:
            before = json.load(file)
    except OSError as error:
        fail("what was kept is gone (%s), so it can't be put back" % error)
    while True:
        now = versions(installed())
        gone = [n for n in now if n not in before["versions"]]
        gone += [n for n in before["names"] if n in now and not as_it_was(n, now, before, folder)]
        if not gone:
            break
        argv = tool_argv(tool, "uninstall") + (["-y"] if tool == "pip" else []) + sorted(gone)
        code, out, err = run(argv)
        after = versions(installed())
        if code or after == now:
            fail("%s could not be uninstalled: %s" % (", ".join(sorted(gone)), (err or out).strip()[-1500:]))
    put_back(folder, before["files"])
    now = versions(installed())
    lost = sorted(name for name, known in before["versions"].items() if now.get(name) != known)
    if lost:
        fail("%s changed otherwise meanwhile, and is left as it is" % ", ".join(lost))


def as_it_was(name, now, before, folder):
    """Its records are the very files that were kept: nobody has replaced it, or an interrupted restore has put it back."""
    if now[name] != before["versions"][name]:
        return False
    kept = {path: os.path.join(folder, place) for path, place in before["files"]}
    for one in installed()[name]:
        record = os.path.normpath(str(one.locate_file("")) + "/" + record_of(one))
        if record not in kept or not same(kept[record], record):
            return False
    return True


def record_of(one):
    return next((str(f) for f in one.files or () if str(f).endswith(".dist-info/RECORD")), "RECORD")


def same(one, other):
    try:
        if os.path.samefile(one, other):
            return True
        with open(one, "rb") as first, open(other, "rb") as second:
            return first.read() == second.read() and os.stat(one).st_mtime_ns == os.stat(other).st_mtime_ns
    except OSError:
        return False


def put_back(folder, files):
    """A distribution is there for installers once its METADATA is, so that comes last: until then it can be put back again."""

    def last(pair):
        return os.path.basename(pair[0]) == "METADATA", ".dist-info" + os.sep in pair[0]

    for path, name in sorted(files, key=last):
        place = os.path.join(folder, name)
        if os.path.lexists(path) and os.path.lexists(place) and same(place, path):
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = "%s.gpudoctor" % path
        if os.path.lexists(temporary):
            os.unlink(temporary)
        try:
            os.link(place, temporary, follow_symlinks=False)
        except OSError:
            shutil.copy2(place, temporary, follow_symlinks=False)
        os.replace(temporary, path)


def main(argv):
    deed, folder = argv[:2]
    if deed == "forget":
        if os.path.isdir(folder):
            shutil.rmtree(folder)
        return
    tool = argv[2]
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
