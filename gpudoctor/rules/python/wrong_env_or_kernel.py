"""Another Python runs than the one that has the framework

What it is: The framework is installed in one environment, and the command, the Jupyter kernel or the import path leads
to another: a kernel whose interpreter was deleted or has no framework, an activated environment that PATH does not lead
to, or a file named torch.py (or a source tree) in front of the installed package.

Why it hurts: "No module named 'torch'" although it is installed, another version than expected, or "partially
initialized module 'torch' has no attribute ...".

How to tell: The kernel's argv[0] and what is installed there; VIRTUAL_ENV or CONDA_PREFIX against the first python on
PATH; what PYTHONPATH puts before the site folders.

How to fix: Use `python -m pip` of the interpreter that runs; register the environment as a kernel; rename or remove what
shadows the package.

Sources: https://ipython.readthedocs.io/en/stable/install/kernel_install.html
https://github.com/microsoft/vscode-jupyter/issues/9081
https://docs.python.org/3/using/cmdline.html#envvar-PYTHONPATH
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Interpreter, Kernel
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, Subject, interpreter, package
from gpudoctor.rules.pythons import pythons, whole
from gpudoctor.signature import Signature

explains = ("import-differs-from-files",)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"No module named '?(?:torch(?:vision|audio)?|tensorflow|jax(?:lib)?|cupy)\b'?(?!\.)",
        0.7,
        unless=(r"shared object",),
        explanation="The Python that runs does not have the framework; another one on this machine may.",
    ),
    Signature(r"No module named '?_C'?\b", 0.8, unless=(r"mmcv|detectron2|xformers",)),
    Signature(r"cannot import name '?_C'?", 0.6, needs=(r"torch",)),
    Signature(r"Failed to load PyTorch C extensions.{0,300}current working directory", 0.93),
    Signature(r"It appears that PyTorch has loaded the `torch/_C` folder of the PyTorch repository", 0.95),
    Signature(r"you should not try to import numpy from its source directory", 0.5),
    Signature(
        r"partially initialized module 'torch' has no attribute|module 'torch' has no attribute '(?:cuda|nn|tensor|Tensor|device|__version__)'",
        0.85,
    ),
    Signature(r"module 'tensorflow' has no attribute '(?:__version__|keras|constant|config)'", 0.8),
    Signature(
        r"(?:Requirement already satisfied|Successfully installed).{0,200}(?:torch|tensorflow).{0,1500}No module named",
        0.85,
        needs=(r"No module named '?(?:torch|tensorflow)",),
    ),
    Signature(r"ModuleNotFoundError.{0,80}(?:torch|tensorflow).{0,1500}Requirement already satisfied", 0.85),
    Signature(
        r"(?:jupyter|ipykernel|notebook|kernelspec).{0,400}No module named '?(?:torch|tensorflow)", 0.85
    ),
    Signature(
        r"Defaulting to user installation because normal site-packages is not writeable",
        0.4,
        needs=(r"No module|not found|ImportError|\bFalse\b|cannot|can't|fail|error",),
    ),
    # The source folder of vLLM instead of the installed package.
    Signature(r"No module named 'vllm\._C'|cannot import name '_C' from 'vllm'", 0.75),
    # A file of the project that bears the package's name, in the traceback.
    Signature(
        r"File \"(?![^\"\n]{0,300}(?:site-packages|dist-packages|lib/python3|ipykernel))[^\"\n]{0,300}[\\/](?:torch|onnx|onnxruntime|tensorflow|numpy|jax|triton|keras|cupy|numba|transformers|torchvision|torchaudio)\.py\", line \d+, in <module>",
        0.85,
    ),
    Signature(
        r"partially initialized module '(?:tensorflow|jax|onnxruntime|onnx|triton|cupy|keras|numba|transformers)' has no attribute",
        0.85,
    ),
    Signature(r"from '(?:torch|tensorflow|jax|triton|cupy)' \(unknown location\)", 0.8),
    Signature(
        r"\bImportError: No module named (?:torch|tensorflow|jax|cupy|keras)\b",
        0.7,
        unless=(r"shared object",),
    ),
    # Prose: the same import works in one place and fails in another; two interpreters are shown.
    Signature(
        r"No module named|ModuleNotFoundError|ImportError|import|module|torch|tensorflow|list_physical_devices|jax",
        0.86,
        when="works-in-another-place",
        unless=(r"\bif you (?:see|get|have|encounter)",),
        explanation="The same import works in one place and fails in another: two Pythons are at work.",
    ),
    Signature(
        r"No module named '?(?!_)\w+|ModuleNotFoundError|(?:can't|cannot|could not|unable to) import|\bImportError: No module",
        0.84,
        when="pip-serves-another-python",
        unless=(r"cannot open shared object|undefined symbol",),
        explanation="pip serves another environment than the Python that runs.",
    ),
    Signature(
        r"Import \"?(?:torch|tensorflow|jax|keras|cupy|transformers|onnx)\S{0,40}\"? could not be resolved",
        0.85,
    ),
    Signature(
        r"No module named|ImportError|AttributeError",
        0.72,
        when="pythons-are-mixed",
        unless=(r"cannot open shared object|undefined symbol|GLIBC",),
    ),
    Signature(
        r"(?:wrong|different|another|other|two|multiple|several|correct|right) (?:\w+ )?(?:python (?:interpreter|environment|version|install\w*|kernel)s?|pythons\b|interpreters?|virtual ?envs?|conda env\w*|kernels?\b(?! (?:function|launch|image|module|size|name|version|header|driver))|environments?\b(?! variable)|version of python|pip\b)",
        0.74,
        needs=(
            r"No module named|ModuleNotFoundError|module is not found|not (?:been )?installed|can't import|cannot import|not found|\bImportError\b|could not be resolved",
            r"torch|tensorflow|\bjax|keras|cuda|cupy",
        ),
        unless=(r"cannot open shared object|undefined symbol|GLIBC|nvidia-smi: ",),
    ),
    Signature(
        r"(?:mismatch\w*|differ\w*|not the same) (?:\S+ ){0,10}(?:python|conda|interpreter|environment)\S*(?: \S+){0,12} kernel|kernels? (?:\S+ ){0,8}(?:mismatch\w*|differ\w*|not the same|another|wrong) (?:\S+ ){0,5}(?:python|env\w*|interpreter)",
        0.77,
        needs=(
            r"jupyter|notebook|ipykernel|vs ?code",
            r"torch|tensorflow|\btf\b|\bjax|keras|cuda|cupy|\bgpu",
        ),
    ),
    Signature(
        r"from '(?:torch|tensorflow|jax|triton|cupy|onnx|onnxruntime|transformers|keras)' \((?!unknown)(?![^)]{0,300}(?:site-packages|dist-packages))[^)\n]{3,200}\)",
        0.88,
        unless=(r"most likely due to a circular import",),
        explanation="The folder that is imported is no installed package: something of the same name lies in front of it.",
    ),
    # A module of the standard library, taken from the folder of a package in which Python was started.
    Signature(
        r"from '(?P<module>random|types|queue|signal|copy|logging|platform|typing|string|numbers|profiler|inspect|operator|enum|io|functools|contextlib|collections|threading|tempfile)' \(\S{0,200}[/\\](?!lib|Lib)[\w.-]{1,60}[/\\](?:random|types|queue|signal|copy|logging|platform|typing|string|numbers|profiler|inspect|operator|enum|io|functools|contextlib|collections|threading|tempfile)\.py\)",
        0.9,
        unless=(
            r"[/\\]lib[/\\]python[\d.]+[/\\](?:random|types|queue|signal|copy|logging|platform|typing|string)\.py\)",
        ),
        explanation="{module} is not Python's own: a file of that name lies in front of it. Start in another folder, or rename the file.",
    ),
    # PyTorch's FAQ: imported from its own source tree, where nothing is built.
    Signature(r"NameError: name '_C' is not defined", 0.92, needs=(r"torch[/\\]__init__\.py",)),
    # sys.path as Python prints it: the user's own folder stands before the environment's.
    Signature(
        r"[/\\](?:\.local/lib/python3\.\d+/site-packages|AppData[/\\]{1,2}Roaming[/\\]{1,2}Python[/\\]{1,2}Python3\d+[/\\]{1,2}site-packages)['\"],\s?['\"][^'\"]{0,120}env[^'\"]{0,120}site-packages['\"]",
        0.8,
        explanation="The user's own packages come before the environment's.",
    ),
    # What pip put under the user's own folder comes before an environment's packages.
    Signature(
        r"(?:AppData[/\\]{1,2}Roaming[/\\]{1,2}Python[/\\]{1,2}Python3\d+[/\\]{1,2}site-packages|/\.local/lib/python3\.\d+/site-packages)[/\\]{1,2}(?:torch|tensorflow|jax|keras|triton|cupy|numpy)[/\\]{1,2}__init__\.py",
        0.82,
        needs=(
            r"^\((?!base\))[\w][\w.-]{0,40}\) ?(?:PS |[\w~/$%>]|[A-Za-z]:)|conda activate|envs?[/\\]",
            r"Error|__file__|\bFalse\b",
        ),
        unless=(r"cannot open shared object|undefined symbol|GLIBC",),
    ),
    Signature(
        r"pip3? (?:(?:\S+ ){0,5}(?:in)?to|(?:is |belongs to |uses |points (?:to|at) |of |for )+) ?python ?\d\.\d+.{0,60}\b(?:but|while|whereas|instead)\b",
        0.8,
        needs=(r"torch|tensorflow|\bjax|keras|cuda|cupy",),
    ),
    Signature(
        r"\.local/lib/python3\.\d+/site-packages(?: \S+){0,14} (?:before|instead|first|shadow\w*|precedence|old(?:er)?)|(?:instead of|before|rather than|shadow\w*) (?:\S+ ){0,10}\S*\.local/lib/python",
        0.78,
        needs=(r"torch|tensorflow|\bjax|keras|cuda|cupy|import",),
    ),
    Signature(
        r"bin/python|python\.exe",
        0.74,
        when="two-pythons-named",
        needs=(
            r"No module named|ModuleNotFound|ImportError|no gpu|not found|\bFalse\b|\[\]|n't (?:see|find|import)|not (?:see|find|import)",
            r"torch|tensorflow|\btf\b|\bjax|keras|cuda|cupy",
        ),
        unless=(r"cannot open shared object|undefined symbol|GLIBC",),
        explanation="The text names two Pythons: what one of them has the other one lacks.",
    ),
    Signature(
        r"\bpip3?\b (?:\S+ ){0,6}(?:for|to|in|into|from|of|under|with) (?:a |the )?(?:different|another|other|system|wrong|python ?2|python ?3\.\d+ instead)",
        0.78,
        needs=(r"module|import|install", r"torch|tensorflow|\bjax|keras|cuda|cupy|\bgpu\b"),
    ),
    Signature(
        r"(?:file|script|folder|directory|(?<!no.)module|(?<!no.)package)s? (?:was |is |were |are |that is |I )?(?:named?|called|with the name)s? (?:as )?[`'\"]?(?:torch|tensorflow|jax|onnx(?:runtime)?|keras|transformers|triton|cupy|numba)(?:\.py)?\b",
        0.78,
        needs=(r"import|attribute|shadow", r"torch|tensorflow|\bjax|cuda|\bgpu\b"),
    ),
    Signature(
        r"sys\.executable\W{0,4} .{0,60}(?:differ|not the same|mismatch|another|other|wrong)|different (?:value of |values for )?[`'\"]?sys\.executable",
        0.88,
    ),
    Signature(
        r"sys\.executable",
        0.75,
        needs=(
            r"notebook|jupyter|ipython|vs ?code|pycharm|spyder",
            r"No module named|fails|not found|False|different",
            r"torch|tensorflow|\bjax|keras|cuda|gpu",
        ),
    ),
    Signature(
        r"(?:which|where|type) (?:-a )?(?:python|pip)\d?\S{0,4}.{0,40}\n?.{0,80}/(?:usr|opt|home)/\S+",
        0.72,
        needs=(r"No module named '?(?!_)\w+", r"conda|venv|virtualenv|/envs/"),
    ),
    Signature(r"from '(?:onnxruntime|onnx|numba|transformers|vllm|triton)' \(unknown location\)", 0.82),
    Signature(
        r"(?:sudo python|with sudo|sudo -E|without sudo)",
        0.75,
        needs=(r"No module named|ModuleNotFoundError",),
    ),
    Signature(r"No module named '?torch\._C\b", 0.8),
    # The same question is answered in two ways: False in a notebook, True in the terminal, the script, the browser.
    Signature(
        r"(?:notebook|jupyter|spyder|pycharm)\w*.{0,60}(?:returns?|gives?|prints?|shows?|says?|is|got|get) (?:me )?[`'\"]?False\b.{0,250}\bTrue\b",
        0.84,
        needs=(
            r"is_available|is_gpu_available|CUDA",
            r"terminal|\.py\b|script|browser|shell|console|\bcmd\b|prompt",
        ),
    ),
    Signature(
        r"kernel\.json|kernelspec list|ipykernel install",
        0.72,
        needs=(r"No module named|fails|not found|wrong|different|can't|cannot", r"notebook|jupyter"),
    ),
    # An environment is active, and pip is the system's or finds the user's own folder.
    Signature(
        r"Requirement already satisfied|pip \d\S* from|Location: ",
        0.93,
        when="pip-outside-environment",
        needs=(r"No module|\+cpu\b|False|Error|n't\b|\bnot\b|\bold\b|wrong",),
        explanation="An environment is active, and pip serves another Python's folders.",
    ),
    # pip's CUDA build is in one environment, the traceback runs through another.
    Signature(
        r"Torch not compiled with CUDA enabled|is_available\(\)\W{0,6}(?:returns |is )?False|\d\+cpu\b",
        0.95,
        when="pip-serves-another-python",
        needs=(r"\d\+cu\d{2,3}\b",),
        explanation="pip serves another environment than the Python that runs.",
    ),
    # Two builds in two places, or one question asked of two installations.
    Signature(
        r"\d\+cpu\b",
        0.93,
        needs=(
            r"\d\+cu\d{2,3}\b",
            r"interpreter|kernel|which python|sys\.executable|\benvs?[\\/]|environment|my env\b",
            r"pycharm|vs ?code|jupyter|notebook|spyder|terminal|prompt|\bshell\b|\bcmd\b",
        ),
        unless=(r"torchvision|torchaudio", r"uninstall"),
        explanation="Two builds of PyTorch are told of, in two environments: the one that runs has no CUDA.",
    ),
    Signature(
        r"(?:site|dist)-packages[\\/]+(?:torch|tensorflow|jax|jaxlib|cupy)[\\/]+__init__\.py",
        0.88,
        when="two-installations-shown",
        needs=(r"\bFalse\b|No module|\bError\b|\+cpu\b|\[\]|CpuDevice",),
        explanation="The same import leads to two installations.",
    ),
    # The folder one stands in holds the package's sources, without what a build makes of them.
    Signature(
        r"(?:\bfrom|\bin|\bcd|outside(?: of)?) (?:\S+ ){0,4}?(?:other|another|different|parent|home) (?:\w+ )?(?:directory|folder|dir|path|place)\b(?: \S+){0,8}? (?:works?|imports?|imported|fine|ok|succeeds?)\b|"
        r"(?:cd elsewhere|cd \.\.|cd ~|cd /tmp)\S{0,20}(?: \S+){0,8}? (?:works?|imports?|imported|fine|ok|succeeds?)\b|"
        r"(?:works?|imports?|fine|ok|succeeds?)\b(?: \S+){0,8}? (?:from|in|outside) (?:any other|another|a different|(?:my|the) home|/tmp|elsewhere|(?:of )?the (?:repo\w*|source\w*|checkout|clone))",
        0.9,
        needs=(
            r"No module named|cannot import name|ModuleNotFoundError|ImportError",
            r"repo\b|repository|clone|checkout|sources?\b|\bsrc\b|director|folder",
        ),
        unless=(r"cannot open shared object|undefined symbol|DLL load|GLIBC",),
        explanation="In the folder with its sources Python imports these instead of the installed package.",
    ),
    # A job's shell that could not activate the environment; prefixes that differ.
    Signature(
        r"Run 'conda init' before 'conda activate'|shell has not been properly configured to use 'conda activate'|\bconda: command not found|Could not find conda environment|activate: No such file",
        0.86,
        needs=(r"No module named|ModuleNotFoundError|ImportError|\bFalse\b|\[\]",),
    ),
    Signature(
        r"sys\.(?:exec_)?prefix .{0,40}[/~]\S{2,80} .{0,60}[/~]\S{2,80}",
        0.82,
        needs=(r"No module named|ModuleNotFoundError|ImportError|\bFalse\b|\[\]|not found",),
    ),
)


#: Frameworks that a kernel is expected to have when every examined environment with one has it.
FRAMEWORKS = ("torch", "tensorflow", "jax")


def check(frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    found = pythons(frameworks)
    for python in found:
        yield from _shadowed(python)
    yield from _beside_the_environment(found)
    if isinstance(frameworks.kernels, Unknown):
        yield CouldNotTell(f"Jupyter kernels: {frameworks.kernels.reason}", frameworks.kernels.would_help)
    for kernel in value_of(frameworks.kernels, ()):
        yield from _kernel(kernel, found)


def _shadowed(python: Interpreter) -> Iterator[Problem]:
    own = {b.framework for b in python.builds}
    for path in python.shadows:
        name = path.rpartition("/")[2].removesuffix(".py")
        if name not in own and not any(p.name == name for p in value_of(python.packages, ())):
            continue
        yield Problem(
            f"{path} is imported instead of the installed {name}",
            subject=package(python.path, name),
            evidence=(
                Evidence("PYTHONPATH puts in front", path, "PYTHONPATH"),
                Evidence(
                    "installed", ", ".join(b.location for b in python.builds if b.framework == name) or name
                ),
            ),
            fix=Fix("Take that folder off PYTHONPATH, or rename the file", ("unset PYTHONPATH",)),
        )


def _beside_the_environment(found: tuple[Interpreter, ...]) -> Iterator[Problem]:
    active = next((p for p in found if p.selected_by in ("VIRTUAL_ENV", "CONDA_PREFIX")), None)
    runs = next((p for p in found if p.selected_by == "PATH"), None)
    if active is None or runs is None or active.prefix == runs.prefix:
        return
    there = {b.framework for b in active.builds} & set(FRAMEWORKS)
    here = {b.framework for b in runs.builds} & set(FRAMEWORKS)
    missing = sorted(there - here)
    if not missing:
        return
    yield Problem(
        f"python on PATH is {runs.path}, which lacks the {' and '.join(missing)} of the activated {active.prefix}",
        subject=whole(runs),
        severity="warning",
        evidence=(
            Evidence(active.selected_by, active.prefix, active.selected_by),
            Evidence("first python on PATH", runs.path, "PATH"),
            Evidence("frameworks there", ", ".join(sorted(here)) or "none", runs.path),
        ),
        fix=Fix(
            "Activate the environment again, so that its folder comes first on PATH", (_activate(active),)
        ),
    )


def _activate(python: Interpreter) -> str:
    return f"conda activate {python.prefix}" if python.kind == "conda" else f". {python.prefix}/bin/activate"


def _kernel(kernel: Kernel, found: tuple[Interpreter, ...]) -> Iterator[Problem]:
    subject = Subject(
        "file", kernel.path, f"kernel {kernel.display_name or kernel.name}", interpreter(kernel.interpreter)
    )
    best = next((p for p in found if {b.framework for b in p.builds} & set(FRAMEWORKS)), None)
    if isinstance(kernel.exists, Known) and not kernel.exists.value:
        yield Problem(
            f"the Jupyter kernel {kernel.display_name or kernel.name} starts {kernel.interpreter}, which is gone",
            subject=subject,
            severity="warning",
            evidence=(Evidence("interpreter of the kernel", kernel.interpreter, kernel.path),),
            fix=Fix(
                "Remove the kernel, or register the environment again", (_remove(kernel), *_register(best))
            ),
        )
        return
    if best is None or not isinstance(kernel.frameworks, Known):
        return
    wanted = sorted({b.framework for b in best.builds} & set(FRAMEWORKS))
    if kernel.frameworks.value or any(p.path == kernel.interpreter for p in found):
        return
    yield Problem(
        f"the Jupyter kernel {kernel.display_name or kernel.name} has no {' and no '.join(wanted)}: "
        f"it runs {kernel.interpreter}",
        subject=subject,
        severity="note",
        evidence=(
            Evidence("interpreter of the kernel", kernel.interpreter, kernel.path),
            Evidence(f"{' and '.join(wanted)} is installed in", best.prefix or best.path),
        ),
        fix=Fix("Register the environment that has it as a kernel, and choose that one", _register(best)),
    )


def _remove(kernel: Kernel) -> str:
    return f"jupyter kernelspec remove {kernel.name}"


def _register(python: Interpreter | None) -> tuple[str, ...]:
    if python is None:
        return ()
    name = python.prefix.rpartition("/")[2] or "python"
    return (
        f"{python.path} -m pip install ipykernel",
        f"{python.path} -m ipykernel install --user --name {name}",
    )
