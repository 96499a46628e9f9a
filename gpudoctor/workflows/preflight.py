"""`preflight`: judge a machine by a policy and a baseline; become the command if it is well."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NoReturn

from gpudoctor.engine import judge
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Drift, Machine, Requirement, Smoked
from gpudoctor.policy import ANY_GPU, FILE, Policy, apply, read
from gpudoctor.rules.policy._requirements import framework_of, verdicts
from gpudoctor.rules.registry import Cause, causes
from gpudoctor.workflows import check

#: What a smoke run can train with.
SMOKED = ("torch", "tensorflow", "jax")
#: What the policy is called where nobody gave one.
BUILT_IN = "preflight"


def read_policy(path: str) -> Policy:
    import datetime

    return read(path, datetime.date.today().isoformat())


def policy_for(path: str) -> Policy:
    """The policy named; else the folder's `gpudoctor.toml`; else that there is a GPU."""
    if path:
        return read_policy(path)
    if os.path.exists(FILE):
        return read_policy(FILE)
    return Policy(BUILT_IN, (ANY_GPU,))


def judged(request: check.Request, selected: Sequence[Cause]) -> check.Result:
    """As `check`, with what the policy and the baseline expect. The causes of the family policy are always judged."""
    policy = request.policy or Policy("")
    selected = _with_policy(selected)
    if policy.imports:
        imports = not (request.root or request.snapshot)
        request = request.replace(options=request.options.replace(imports=imports))
    machine = check.facts(request, selected)
    expectation = policy.expectation()
    if request.require_gpu:
        expectation = expectation.replace(gpu="--require-gpu")
    if request.baseline:
        expectation = expectation.replace(
            baseline=request.baseline, drift=drift(request.baseline, machine, bool(request.snapshot))
        )
    return _verdict(request, machine.replace(expectation=expectation), selected)


def _with_policy(selected: Sequence[Cause]) -> tuple[Cause, ...]:
    return tuple(dict.fromkeys([*selected, *(c for c in causes() if c.family == "policy")]))


def _verdict(request: check.Request, machine: Machine, selected: Sequence[Cause]) -> check.Result:
    judgement = apply(request.policy or Policy(""), machine, judge(machine, selected))
    code = check.exit_code(machine, judgement, selected, request.strict)
    found = verdicts(machine.expectation, machine.host, machine.driver, machine.gpu, machine.frameworks)
    return check.Result(machine, judgement, code, tuple(found))


def run(request: check.Request, smoke: str | None = None) -> check.Result:
    """Judge by the request's policy. `smoke`: "quick" or "off"; None: as the policy says. Only a machine that is well is
    trained on: what is broken is known without that."""
    policy = request.policy or Policy("")
    selected = check.choose(request.select, request.ignore)
    result = judged(request, selected)
    if (smoke or policy.smoke) == "off" or result.exit_code or request.snapshot or request.root:
        return result
    return _smoked(request, result, selected)


def _smoked(request: check.Request, result: check.Result, selected: Sequence[Cause]) -> check.Result:
    """The same machine, judged again with what a quick smoke run saw. A run that could not be made is not met, and not
    unmet."""
    from gpudoctor.workflows import smoke

    policy = request.policy or Policy("")
    wanted = [framework_of(r.wanted) for r in policy.requirements if r.name == "framework"]
    names = tuple(name for name in wanted if name in SMOKED)
    python = request.options.pythons[0] if request.options.pythons else ""
    try:
        ran = smoke.smoke(smoke.Request(frameworks=names, python=python))
        seen = tuple(Smoked(t.framework, t.verdict, t.why) for t in ran.run.trials)
        facts = ran.machine.smoke
    except GpudoctorError as error:
        seen, facts = (Smoked("", "skipped", error.what),), result.machine.smoke
    machine = result.machine
    expectation = machine.expectation.replace(
        smoked=seen, requirements=(*machine.expectation.requirements, Requirement("smoke", "PASS"))
    )
    return _verdict(request, machine.replace(smoke=facts, expectation=expectation), _with_policy(selected))


# ---------------------------------------------------------------- baselines

#: What of a machine matters to GPU work and does not change by itself. Regular expressions on `diff`'s names.
MATTERS = (
    r"host\.(distribution|kernel|architecture|libc|secure_boot)(\..*)?",
    r"driver\.(module|packages|libraries|fabric_manager)(\..*|\[.*)?",
    r"gpu\.pci\[[^\]]*\](\.(vendor|device|driver|link_width_max|link_speed_max))?",
    r"gpu\.nvml(\.(state|code|driver_version|library_version|cuda_version))?",
    r"gpu\.nvml\.devices\[[^\]]*\](\.(name|uuid|compute_capability|memory_total|mig_enabled|mig_instances.*"
    r"|ecc_enabled|vbios|link_width_max|link_generation_max|compute_mode|persistence))?",
    r"cuda\.(toolkits|selections)(\[.*)?",
    r"libraries\.copies(\[.*)?",
    r"frameworks\.interpreters\[[^\]]*\](\.(version|packages.*|builds\[[^\]]*\](\.(version|variant|cuda|cudnn))?))?",
)


def drift(baseline: str, machine: Machine, replayed: bool = False) -> tuple[Drift, ...]:
    """What differs from a snapshot and matters. A redacted baseline is compared with this machine redacted alike: then
    another board in the same place can't be told by its UUID."""
    from gpudoctor.codec import decode, encode
    from gpudoctor.workflows.compare import differences
    from gpudoctor.workflows.redaction import Redactor, names_of_this_machine
    from gpudoctor.workflows.snapshot import read_snapshot

    before = read_snapshot(baseline)
    if before.redacted and not replayed:
        machine = decode(Machine, Redactor(names_of_this_machine()).tree(encode(machine)))
    matters = re.compile("|".join(f"(?:{pattern})" for pattern in MATTERS))
    unknown = "(not known)"
    return tuple(
        Drift(change.where, change.before, change.after)
        for change in differences(before.machine, machine)
        if matters.fullmatch(change.where) and unknown not in (change.before, change.after)
    )


# ---------------------------------------------------------------- init


def init(path: str, force: bool, pythons: tuple[str, ...], timeout: float | None) -> str:
    """Write a policy of this machine as it stands; returns its text. Raises GpudoctorError where a file is there."""
    if not force and os.path.lexists(path):
        raise GpudoctorError(
            f"{path} is there already", note="nothing was written", hint="--force replaces it, --output FILE"
        )
    from gpudoctor.system.port import Options

    result = check.run(check.Request(timeout=timeout, options=Options(pythons=pythons)))
    import datetime

    return policy_text(result, datetime.date.today())


def policy_text(result: check.Result, today: object) -> str:
    """The policy that this machine meets, as TOML. What could not be looked at is written down as allowed, with the
    reason, for otherwise this very machine would be refused; what is broken is not."""
    from gpudoctor.facts.observed import Known, value_of
    from gpudoctor.rules.judging import devices, driver_cuda, driver_version
    from gpudoctor.rules.policy._requirements import jobs, usable
    from gpudoctor.versions import branch, capability, release

    machine = result.machine
    lines = [
        f"# This machine as it stood on {today}; written by `gpudoctor preflight init`.",
        "",
        "[require]",
    ]
    driver, cuda = driver_version(machine.driver, machine.gpu), driver_cuda(machine.gpu)
    if isinstance(driver, Known):
        lines.append(f'driver = ">={branch(driver.value)}"')
    if isinstance(cuda, Known):
        lines.append(f'cuda = ">={release(cuda.value)}"')
    if count := value_of(usable(machine.host, machine.gpu), 0):
        lines.append(f'gpus = ">={count}"')
    else:
        lines.append('# gpus = ">=1"    # no GPU could be used here, so this policy asks for none')
    found = devices(machine.gpu)
    capabilities = [d.compute_capability.value for d in found if isinstance(d.compute_capability, Known)]
    if capabilities and len(capabilities) == len(found):
        lines.append(f'compute-capability = ">={min(capabilities, key=capability)}"')
    totals: list[int] = [value_of(d.nvml.memory_total, 0) if d.nvml else 0 for d in found]
    if totals and all(totals):
        lines.append(f'memory = ">={min(totals) >> 20} MiB"')
    names = {
        build.framework
        for interpreter in jobs(value_of(machine.frameworks.interpreters, ()))
        for build in interpreter.builds
        if build.framework in ("torch", "tensorflow", "jax") and isinstance(build.cuda, Known)
    }
    if names:
        lines.append(f"frameworks = [{', '.join(_quoted(name) for name in sorted(names))}]")
    open_ends = [skip for skip in result.judgement.skipped if not skip.minor]
    for cause in dict.fromkeys(skip.id for skip in open_ends):
        reason = next(s.reason for s in open_ends if s.id == cause)
        lines += [
            "",
            "[[allow]]",
            f"cause = {_quoted(cause)}",
            f"reason = {_quoted(f'could not look when this file was written: {reason}')}",
        ]
    lines += ["", "[run]", "timeout = 20", 'smoke = "off"', "import = false", ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A basic string of TOML; JSON's is one, but for U+007F."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# ---------------------------------------------------------------- becoming the command


def become(command: Sequence[str]) -> NoReturn:
    """Replace this process by the command: same pid, signals, exit code. Raises GpudoctorError with a shell's exit
    code: 127 where there is no such command, 126 where it can't be run."""
    import signal

    # Python ignores these two, and an ignored signal stays ignored across exec: `job | head` would never end.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))
    except OSError as error:
        import shutil

        found = command[0] if os.sep in command[0] else shutil.which(command[0])
        missing = isinstance(error, FileNotFoundError) and not (found and os.path.exists(found))
        failure = GpudoctorError(
            f"{command[0]}: command not found" if missing else f"{command[0]}: {error.strerror}",
            note="the machine is well, but this could not be started",
        )
        failure.exit_code = 127 if missing else 126
        raise failure from None
