"""Policies: what somebody asks of a machine, in a file (`gpudoctor.toml`), and what that makes of a judgement.

    [require]
    driver = ">=550"
    cuda = ">=12.4"
    gpus = ">=1"
    compute-capability = ">=8.0"
    memory = ">=16 GiB"
    frameworks = ["torch>=2.5"]

    [deny]
    causes = ["persistence-mode-off"]

    [[allow]]
    cause = "pcie-link-degraded"
    reason = "this board has x8 slots"
    until = 2027-01-31

    [run]
    timeout = 20
    smoke = "off"
    import = false

Every key and value is checked when the file is read; an unknown one is an error, for a typo must not switch a
requirement off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Exemption, Expectation, Machine, Requirement
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence, Finding, Judgement

#: What is read without being named, if it is there.
FILE = "gpudoctor.toml"
#: A policy is some lines; whatever is larger is something else (bytes).
SIZE_LIMIT = 1 << 20
#: Without a policy that is what a preflight is for.
ANY_GPU = Requirement("gpus", ">=1")

_SECTIONS = ("require", "deny", "allow", "run")
_REQUIRE = ("driver", "cuda", "gpus", "compute-capability", "memory", "frameworks")
_RUN = ("timeout", "smoke", "import")
_ALLOW = ("cause", "reason", "until")


class Policy(Record):
    """A policy as read. `path`: for people. `deny`: ids of causes and names of families. `timeout` in seconds."""

    path: str
    requirements: tuple[Requirement, ...] = ()
    deny: tuple[str, ...] = ()
    allow: tuple[Exemption, ...] = ()
    timeout: float | None = None
    smoke: str = "off"
    imports: bool = False

    def expectation(self) -> Expectation:
        """As facts for the rules. Who requires a GPU expects one: then `no-nvidia-gpu` is a failure."""
        wants = any(r.name not in ("driver", "framework") for r in self.requirements)
        return Expectation(
            gpu=self.path if wants else "",
            policy=self.path,
            requirements=self.requirements,
            exemptions=self.allow,
        )


def read(path: str, today: str) -> Policy:
    """The policy of a file; `today` as ISO date. Raises GpudoctorError, with the place of the fault."""
    from gpudoctor.codec import toml_loads

    hint = "`gpudoctor preflight init` writes one from this machine as it stands"
    try:
        with open(path, "rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise GpudoctorError(f"{path} can't be read: {error.strerror or error}", hint=hint) from None
    if len(data) > SIZE_LIMIT:
        raise GpudoctorError(f"{path} is too large for a policy", note="nothing was judged", hint=hint)
    try:
        table = toml_loads(data.decode("utf-8"))
    except ValueError as error:  # a UnicodeDecodeError too
        raise GpudoctorError(
            f"{path} is not TOML", context=str(error), note="nothing was judged", hint=hint
        ) from None
    return _Reader(path, today).policy(table)


class _Reader:
    """Takes a policy apart, and says where it is wrong."""

    def __init__(self, path: str, today: str) -> None:
        self.path, self.today = path, today

    def policy(self, table: Mapping[str, Any]) -> Policy:
        self.known(table, _SECTIONS, "")
        run = self.table(table, "run")
        self.known(run, _RUN, "[run] ")
        deny = self.table(table, "deny")
        self.known(deny, ("causes",), "[deny] ")
        allow = table.get("allow", [])
        if not isinstance(allow, list):
            self.wrong("[[allow]]", "is written with two brackets, once for each cause")
        return Policy(
            self.path,
            self.requirements(self.table(table, "require")),
            tuple(
                self.cause(n, "[deny] causes", families=True) for n in self.strings(deny, "causes", "[deny] ")
            ),
            tuple(self.exemption(row, number) for number, row in enumerate(allow, 1)),
            self.timeout(run),
            self.choice(run, "smoke", ("off", "quick")),
            self.flag(run, "import"),
        )

    def requirements(self, table: Mapping[str, Any]) -> tuple[Requirement, ...]:
        from gpudoctor.rules.policy._requirements import amount
        from gpudoctor.versions import terms

        self.known(table, _REQUIRE, "[require] ")
        found = []
        for name in _REQUIRE[:-1]:
            if name not in table:
                continue
            wanted = table[name]
            where = f"[require] {name}"
            if not isinstance(wanted, str):
                self.wrong(where, f"must be a requirement in quotes, such as '>={wanted}'")
            try:
                amount(wanted) if name == "memory" else terms(wanted)
            except ValueError as error:
                self.wrong(where, str(error))
            found.append(Requirement(name, wanted))
        for wanted in self.strings(table, "frameworks", "[require] "):
            found.append(Requirement("framework", self.framework(wanted)))
        return tuple(found)

    def framework(self, wanted: str) -> str:
        from packaging.requirements import InvalidRequirement
        from packaging.requirements import Requirement as Pep508

        try:
            Pep508(wanted)
        except InvalidRequirement:
            self.wrong(
                "[require] frameworks", f"{wanted!r} is no requirement such as 'torch' or 'torch>=2.5'"
            )
        return wanted

    def exemption(self, row: object, number: int) -> Exemption:
        import datetime

        where = f"[[allow]] number {number}"
        if not isinstance(row, dict):
            self.wrong(where, "must be a table")
        self.known(row, _ALLOW, f"{where}: ")
        for key in ("cause", "reason"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                self.wrong(where, f"needs a {key}, in quotes")
        until = row.get("until", "")
        if isinstance(until, datetime.datetime):
            until = until.date()
        if isinstance(until, datetime.date):
            until = until.isoformat()
        if until:
            try:
                until = datetime.date.fromisoformat(until).isoformat()
            except (TypeError, ValueError):
                self.wrong(where, f"until {until!r} is no day such as 2027-01-31")
        cause = self.cause(row["cause"], where, families=False)
        return Exemption(cause, row["reason"], until, bool(until) and until < self.today)

    def cause(self, name: str, where: str, families: bool) -> str:
        from gpudoctor.rules.registry import causes
        from gpudoctor.rules.registry import families as all_families

        names = [c.id for c in causes()] + (list(all_families()) if families else [])
        if name not in names:
            import difflib

            near = difflib.get_close_matches(name, names, 3, 0.5)
            self.wrong(
                where,
                f"there is no cause named {name!r}",
                f"did you mean {' or '.join(near)}?" if near else "",
            )
        return name

    def timeout(self, run: Mapping[str, Any]) -> float | None:
        value = run.get("timeout")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 3600:
            self.wrong("[run] timeout", "must be seconds, from 1 to 3600")
        return float(value)

    def choice(self, run: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
        value = run.get(key, choices[0])
        if value not in choices:
            self.wrong(f"[run] {key}", f"must be one of {', '.join(choices)}")
        return str(value)

    def flag(self, run: Mapping[str, Any], key: str) -> bool:
        value = run.get(key, False)
        if not isinstance(value, bool):
            self.wrong(f"[run] {key}", "must be true or false")
        return value

    def strings(self, table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(f"{where}{key}", "must be a list of names in quotes")
        return tuple(value)

    def table(self, table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = table.get(name, {})
        if not isinstance(value, dict):
            self.wrong(f"[{name}]", "must be a table")
        return value

    def known(self, table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
        for key in table:
            if key not in keys:
                import difflib

                near = difflib.get_close_matches(key, keys, 1, 0.5)
                hint = f"did you mean {near[0]}?" if near else f"known are: {', '.join(keys)}"
                self.wrong(f"{where}{key}", "is no key of a policy", hint)

    def wrong(self, where: str, problem: str, hint: str = "") -> NoReturn:
        raise GpudoctorError(
            f"{self.path}: {where} {problem}",
            note="nothing was judged: a policy that is not understood asks for nothing",
            hint=hint or "docs/preflight.md has every key",
        )


# ---------------------------------------------------------------- what it makes of a judgement


def apply(policy: Policy, machine: Machine, judgement: Judgement) -> Judgement:
    """Denied causes are failures, allowed ones notes (with all that follows from them), a requirement that another
    cause explains is folded under it. What an allowed cause could not look at is allowed too."""
    allowed = {row.cause: row for row in policy.allow if not row.expired}
    findings = [_graded(f, policy, allowed) for f in judgement.findings]
    findings = [_explained(f, findings, machine) for f in findings]
    rank = {"failure": 0, "warning": 1, "note": 2}
    findings.sort(key=lambda f: (f.caused_by is not None, rank[f.severity], f.id))
    return judgement.replace(
        findings=tuple(findings), skipped=tuple(s for s in judgement.skipped if s.id not in allowed)
    )


def _graded(finding: Finding, policy: Policy, allowed: Mapping[str, Exemption]) -> Finding:
    row = allowed.get(finding.id) or allowed.get(finding.caused_by or "")
    if row is not None:
        until = f" (until {row.until})" if row.until else ""
        evidence = Evidence("allowed", f"{row.reason}{until}", policy.path)
        return finding.replace(severity="note", evidence=(*finding.evidence, evidence))
    if finding.id in policy.deny or _family(finding.id) in policy.deny:
        evidence = Evidence("denied", finding.id, policy.path)
        return finding.replace(severity="failure", evidence=(*finding.evidence, evidence))
    return finding


def _family(cause: str) -> str:
    from gpudoctor.rules.registry import find

    found = find(cause)
    return found.family if found else ""


#: Which families can explain that something is not there at all, by requirement.
_EXPLAINED_BY = {
    "driver": ("driver", "containers", "wsl"),
    "cuda": ("driver", "containers", "wsl"),
    "gpus": ("driver", "device", "hardware", "multigpu", "containers", "wsl"),
    "compute-capability": ("driver", "device", "hardware", "containers", "wsl"),
    "memory": ("driver", "device", "hardware", "containers", "wsl"),
    "framework": ("frameworks", "python", "libraries"),
    "smoke": ("smoke",),
}


def _explained(finding: Finding, findings: Sequence[Finding], machine: Machine) -> Finding:
    if finding.id != "policy-requirement-not-met" or finding.caused_by is not None:
        return finding
    requirement = finding.subject.label.partition(" ")[0]
    nothing = any(e.what == "found" and e.value == "none" for e in finding.evidence)
    for other in findings:
        if other.caused_by is not None or other.severity != "failure" or other.id == finding.id:
            continue
        if _family(other.id) not in _EXPLAINED_BY.get(requirement, ()):
            continue
        explains = (
            _concerns(other, finding) if requirement == "framework" else nothing or requirement == "smoke"
        )
        if explains:
            return finding.replace(caused_by=other.id)
    return finding


def _concerns(other: Finding, requirement: Finding) -> bool:
    """A framework that is not as wanted is explained by what ails that framework, and no other."""
    from gpudoctor.rules.policy._requirements import framework_of

    name = framework_of(requirement.subject.label.partition(" ")[2])
    return other.subject.kind == "package" and (other.subject.label.lower() + "-").startswith(f"{name}-")
