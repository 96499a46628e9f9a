"""LD_LIBRARY_PATH puts another cuDNN before the one that came with the framework

What it is: A framework's wheel or conda environment brings the cuDNN that it was tested with. A folder on
LD_LIBRARY_PATH holds another one, and the loader takes that: for everything that finds its libraries by RUNPATH
(TensorFlow, and cuDNN's own parts), LD_LIBRARY_PATH is searched before the library's own folder.

Why it hurts: An older cuDNN than the framework was built with is refused ("Loaded runtime CuDNN library: 9.1.0 but
source was compiled with: 9.3.0"), and parts of two cuDNNs in one process give CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH
or undefined symbols such as cudnnGetLibConfig.

How to tell: The loader's search is played through for each framework: RPATH, LD_LIBRARY_PATH, RUNPATH, cache. The file
that it ends at lies in a folder of LD_LIBRARY_PATH, and the environment has its own of another version.

How to fix: Take the folder off LD_LIBRARY_PATH, in the start-up file that puts it there. The framework then finds its
own cuDNN without any variable. Do not install a system cuDNN for it.

Sources: https://man7.org/linux/man-pages/man8/ld.so.8.html
https://github.com/pytorch/functorch/issues/926
https://github.com/pytorch/pytorch/issues/185512
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.libraries import Libraries, Library, Load
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.loading import (
    Loading,
    build_of,
    built_cudnn,
    differ,
    folder,
    is_older,
    load_evidence,
    loadings,
    own_copy,
)
from gpudoctor.signature import Signature

explains = ("cudnn-version-mismatch", "cudnn-mixed-sublibraries")

signatures: tuple[Signature | str, ...] = (
    Signature(r"cuDNN version (?:mismatch|incompatibility)", 0.95, when="cudnn-on-path"),
    Signature(r"Looks like your LD_LIBRARY_PATH contains incompatible version of cudnn", 0.97),
    Signature(r"found runtime version \([\d, ]+\)\. PyTorch already comes (?:with|bundled with) cuDNN", 0.95),
    Signature(r"one possibility is that there is a conflicting cuDNN in LD_LIBRARY_PATH", 0.93),
    Signature(r"Loaded runtime CuDNN library", 0.93, when="cudnn-on-path"),
    Signature(r"CUDNN_STATUS_(?:SUBLIBRARY_)?VERSION_MISMATCH", 0.9, when="cudnn-on-path"),
    # Two cuDNNs in one process, by ld.so's own log, by ldd, by /proc; two versions by two shells.
    Signature(
        r"libcudnn\w{0,20}\.so",
        0.9,
        when="cudnn-from-elsewhere",
        needs=(r"CUDNN_STATUS|undefined symbol|symbol lookup|mismatch|incompatib\w*|error|fail|crash",),
        unless=(r"cannot open shared object",),
    ),
    Signature(
        r"cudnn\.version\(\)[^\n]{0,60}\b\d{4,5}\b[^\n]{0,60}\b\d{4,5}\b",
        0.86,
        needs=(r"LD_LIBRARY_PATH|\bmodule (?:load|unload)|ldconfig",),
    ),
    Signature(
        r"LD_LIBRARY_PATH[^\n]{0,160}(?:ships?|brings?|bundles?|contains?|holds?|has|with)(?: \S+){0,4} (?:lib)?cudnn|(?:ships?|brings?|bundles?|contains?|holds?|has)(?: \S+){0,4} (?:lib)?cudnn[^\n]{0,160}LD_LIBRARY_PATH",
        0.85,
        needs=(r"CUDNN_STATUS|undefined symbol|mismatch|incompatib\w*",),
    ),
    # JAX, versions.cc; PaddlePaddle.
    Signature(
        r"Found cuDNN version \d+, but JAX was built against version \d+|compiled with cuDNN [\d.]+,? but (?:the )?cuDNN version in your machine is",
        0.95,
        when="cudnn-on-path",
    ),
    Signature(r"undefined symbol: cudnn\w+", 0.88, when="cudnn-on-path"),
    Signature(r"CUDNN_STATUS_NOT_INITIALIZED", 0.7, when="cudnn-on-path"),
    # A part of the system's cuDNN beside a part of the bundled one.
    Signature(
        r"(?:/usr/(?:lib|local|lib64)|/opt|/lib)/\S{0,80}libcudnn\w*\.so\S{0,12}: undefined symbol: (?:_ZN5cudnn|cudnn)\w+",
        0.92,
    ),
    # The same by whatever symbol: a wheel's parts lie in site-packages, never in the system's folders.
    Signature(
        r"(?<![\w.-])/(?:usr|opt|lib\w{0,3})/(?![^\s:]{0,160}(?:(?:site|dist)-packages|conda))[^\s:]{0,120}libcudnn\w{0,20}\.so[\d.]{0,8}: (?:undefined )?symbol:? \S{2,200}",
        0.94,
    ),
    Signature(
        r"conflict\w* .{0,60}(?:system|local\w*|installed|another|other).{0,30}cudnn|cudnn.{0,80}conflict\w* .{0,40}(?:system|LD_LIBRARY_PATH)",
        0.7,
    ),
    # In prose: without the variable, or without the module, it works.
    Signature(
        r"(?:unset(?:ting)?|clear(?:ing|ed)?|remov(?:e|ing)|without|empty) (?:the |my )?[`$'\"]{0,2}LD_LIBRARY_PATH.{0,80}(?:help|fix|work|solve|resolve|gone|disappear)|works .{0,40}(?:unset(?:ting)?|without|clear(?:ing)?) [`$'\"]{0,2}LD_LIBRARY_PATH",
        0.88,
        needs=(r"cudnn",),
    ),
    Signature(
        r"module (?:unload|rm|del) cudnn|(?:unload\w*|without) (?:the )?cudnn module", 0.88, needs=(r"cudnn",)
    ),
)


def check(libraries: Libraries, frameworks: Frameworks, environment: Environment) -> Iterator[Problem]:
    for loading in loadings(libraries):
        interpreter, build = build_of(loading, frameworks)
        pairs: list[tuple[Load, Library]] = []
        for load in loading.of("cudnn"):
            own = own_copy(load, libraries, interpreter) if load.via == "LD_LIBRARY_PATH" else None
            if own and not _same(load, own):
                pairs.append((load, own))
        if not pairs:
            yield from _alone(loading, built_cudnn(build)[0], environment)
            continue
        load, own = pairs[0]
        theirs, ours = value_of(load.version, "?"), value_of(own.version, "?")
        split = loading.cudnn is not None and loading.cudnn.via != "LD_LIBRARY_PATH"
        fails = split or is_older(theirs, built_cudnn(build)[0] or ours) or theirs == "?"
        place = folder(load.path)
        yield Problem(
            f"{loading.framework} would load cuDNN {theirs} from {place} on LD_LIBRARY_PATH, not its own {ours}",
            loading.subject,
            "failure" if fails else "warning",
            (
                *load_evidence(loaded for loaded, _ in pairs),
                Evidence("the environment's own", f"{own.path} ({ours})", own.package or own.owner),
                *_setting(environment, place),
            ),
            fix=_fix(environment, place),
        )


def _alone(loading: Loading, built: str, environment: Environment) -> Iterator[Problem]:
    """No copy of its own, and the one from LD_LIBRARY_PATH is too old: the path decides, so it is the cause."""
    main = loading.cudnn
    loaded = value_of(main.version, "") if main else ""
    if main is None or main.via != "LD_LIBRARY_PATH" or not is_older(loaded, built):
        return
    place = folder(main.path)
    fix = _fix(environment, place)
    yield Problem(
        f"{loading.framework} was built with cuDNN {built} and would load {loaded} from {place} on LD_LIBRARY_PATH",
        loading.subject,
        evidence=(*load_evidence((main,)), *_setting(environment, place)),
        fix=fix.replace(summary=f"{fix.summary}, and install cuDNN's wheel into the environment"),
    )


def _same(load: Load, own: Library) -> bool:
    if not isinstance(load.version, Known) or not isinstance(own.version, Known):
        return False
    return not differ(load.version.value, own.version.value)


def _setting(environment: Environment, place: str) -> tuple[Evidence, ...]:
    for entry in value_of(environment.paths, ()):
        same = entry.variable == "LD_LIBRARY_PATH" and entry.value.rstrip("/") == place.rstrip("/")
        if same and isinstance(entry.set_by, Known):
            return (Evidence("set in", entry.set_by.value, "start-up file"),)
    return ()


def _fix(environment: Environment, place: str) -> Fix:
    entries = [e.value for e in value_of(environment.paths, ()) if e.variable == "LD_LIBRARY_PATH"]
    kept = ":".join(e for e in entries if e and e.rstrip("/") != place.rstrip("/"))
    set_by = "".join(e.value for e in _setting(environment, place))
    where = f", in {set_by}" if set_by else ", where it is set"
    command = f"export LD_LIBRARY_PATH={kept}" if kept else "unset LD_LIBRARY_PATH"
    return Fix(f"Take {place} off LD_LIBRARY_PATH{where}", (command,), "unsafe" if set_by else "manual")
