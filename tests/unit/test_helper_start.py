"""What a helper imports: each is a process of its own, and its start is part of every check with a driver."""

from __future__ import annotations

import subprocess
import sys


def test_the_nvml_helper_imports_little_and_pynvml_as_it_is() -> None:
    """What the helper puts in the place of modules that pynvml does not use falls back on the real ones."""
    from gpudoctor.probes.gpu import pynvml_folder
    from gpudoctor.system.child import source

    text = source("nvml").rpartition("\nmain()")[0]
    code = (
        "import sys; sys.path.append(sys.argv[1]); exec(sys.argv[2]); nvml = import_pynvml()\n"
        "print(nvml.NVMLError_LibraryNotFound.__name__, 're' in sys.modules, 'tempfile' in sys.modules)\n"
        "print(nvml.find_library('no-such-library'), nvml.string.ascii_lowercase[:3])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, pynvml_folder(), text],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["NVMLError_LibraryNotFound", "False", "False", "None", "abc"], done.stderr
