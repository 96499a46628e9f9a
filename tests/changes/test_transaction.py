"""A change is made whole or not at all, and taken back to the byte."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpudoctor.changes import journal
from gpudoctor.changes.journal import journals
from gpudoctor.changes.plan import Action, FileChange, Plan, Validation
from gpudoctor.changes.restore import forget, recover, undo
from gpudoctor.changes.transaction import apply
from gpudoctor.errors import GpudoctorError
from gpudoctor.system.port import Ran
from gpudoctor.system.writer import Writer
from tests import nobody
from tests.changes import small

ROOT = os.geteuid() == 0


# ---------------------------------------------------------------- there and back


@st.composite
def _files(draw: st.DrawFn) -> list[tuple[str, bytes | str | None, bytes | str | None, int, bytes, int]]:
    """name, what is there (bytes, "-> target" or nothing), what shall be, mode, an attribute's value, owner"""
    content = st.one_of(st.binary(max_size=40), st.sampled_from(["-> a", "-> /no/where"]), st.none())
    names = draw(st.lists(st.sampled_from(["a", "b/c", "b/d/e", "ü x", "-r"]), unique=True, min_size=1))
    return [
        (
            name,
            draw(content),
            draw(content),
            draw(st.sampled_from([0o644, 0o600, 0o4755, 0o440])),
            draw(st.binary(max_size=3)),
            draw(st.sampled_from([0, 1234])),
        )
        for name in names
    ]


def _machine_of(
    root: Path, files: list[tuple[str, bytes | str | None, bytes | str | None, int, bytes, int]]
) -> Plan:
    changes = []
    for name, before, after, mode, attribute, owner in files:
        place = root / name
        if before is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(before, bytes):
            place.write_bytes(before)
            if attribute:
                os.setxattr(place, "user.test", attribute)
            if ROOT:
                os.chown(place, owner, owner)
            place.chmod(mode)
            os.utime(place, ns=(10**18 + mode, 10**18 + owner + 1))
        elif before is not None:
            place.symlink_to(before[3:])
        changes.append(
            FileChange(
                f"/{name}",
                before if isinstance(before, bytes) else None,
                after if isinstance(after, bytes) else None,
                "drawn",
                link=after[3:] if isinstance(after, str) else None,
                old_link=before[3:] if isinstance(before, str) else None,
            )
        )
    return Plan("drawn", "drawn", "safe", files=tuple(changes))


def _quick_place() -> str | None:
    """Memory instead of a disk, where it knows attributes: the example does not wait for hundreds of fsyncs."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
        try:
            os.setxattr(file.name, "user.test", b"x")
        except OSError:
            return None
        return os.path.dirname(file.name)


@given(_files())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_taken_back_all_is_as_before_and_made_twice_it_is_as_made_once(
    files: list[tuple[str, bytes | str | None, bytes | str | None, int, bytes, int]],
) -> None:
    with tempfile.TemporaryDirectory(dir=_quick_place()) as place:
        root = Path(place, "root")
        root.mkdir()
        plan = _machine_of(root, files)
        before = small.picture(root)
        first = apply(plan, small.writer(root))
        once = small.picture(root)
        for name, _, after, *_ in files:
            there = root / name
            if after is None:
                assert not os.path.lexists(there)
            elif isinstance(after, bytes):
                assert there.read_bytes() == after and not there.is_symlink()
            else:
                assert os.readlink(there) == after[3:]
        assert apply(plan, small.writer(root)).state == "unchanged"
        assert small.picture(root) == once
        if first.state == "applied":
            assert undo(small.writer(root)).state == "undone"
        assert small.picture(root) == before


def test_an_edit_keeps_mode_owner_and_attributes_of_the_file(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    target = root / "home/ann/dotfiles/bashrc"
    os.setxattr(target, "user.origin", b"stow")
    if ROOT:
        os.chown(target, 1000, 1000)
    before = target.stat()
    outcome = apply(small.plan(), small.writer(root))
    after = target.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert os.getxattr(target, "user.origin") == b"stow"
    assert (root / "home/ann/.bashrc").is_symlink()
    assert outcome.notes == ("/home/ann/.bashrc is a link: /home/ann/dotfiles/bashrc was edited",)


@pytest.mark.skipif(not ROOT, reason="only root can make another's file")
def test_a_new_file_and_its_folders_belong_to_whom_the_folder_belongs_to(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    os.chown(root / "home/ann", 1000, 1001)
    change = FileChange("/home/ann/.config/fish/conf.d/cuda.fish", None, b"set -gx A 1\n", "new", mode=0o600)
    apply(Plan("p", "p", "safe", files=(change,)), small.writer(root))
    for name in (".config", ".config/fish", ".config/fish/conf.d/cuda.fish"):
        info = (root / "home/ann" / name).stat()
        assert (info.st_uid, info.st_gid) == (1000, 1001), name
    assert (root / "home/ann/.config/fish/conf.d/cuda.fish").stat().st_mode & 0o777 == 0o600


def test_links_of_the_examined_root_never_lead_out_of_it(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "etc/ld.so.conf.d").symlink_to(f"{'../' * 20}{outside}")
    apply(
        Plan("p", "p", "safe", files=(FileChange("/etc/ld.so.conf.d/x.conf", None, b"x", "new"),)),
        small.writer(root),
    )
    assert list(outside.iterdir()) == []
    assert (root / str(outside).lstrip("/") / "x.conf").read_bytes() == b"x"


# ---------------------------------------------------------------- refusals, before anything is changed


def _refused(root: Path, plan: Plan, *words: str, writer: Writer | None = None) -> GpudoctorError:
    before = small.picture(root)
    with pytest.raises(GpudoctorError) as caught:
        apply(plan, writer or small.writer(root))
    assert small.picture(root) == before
    for word in words:
        assert word in caught.value.render(), caught.value.render()
    return caught.value


def test_a_file_that_was_changed_since_it_was_examined_is_refused_and_its_change_shown(
    tmp_path: Path,
) -> None:
    root = small.machine(tmp_path)
    with open(root / "home/ann/dotfiles/bashrc", "ab") as file:
        file.write(b"alias ll='ls -l'\n")
    _refused(
        root, small.plan(), "was changed since it was examined", "+alias ll='ls -l'", "nothing was changed"
    )


def test_a_file_that_appeared_meanwhile_is_refused(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    (root / "etc/ld.so.conf.d/deep").mkdir(parents=True)
    (root / "etc/ld.so.conf.d/deep/cuda.conf").write_bytes(b"theirs\n")
    _refused(root, small.plan(), "there is a file of that name now")


def test_a_link_that_points_elsewhere_by_now_is_refused(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    (root / "usr/local/cuda").unlink()
    (root / "usr/local/cuda").symlink_to("cuda-13.0")
    _refused(root, small.plan(), "it is a link to cuda-13.0 now")


def test_a_file_with_two_names_is_refused(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    os.link(root / "etc/old.conf", root / "etc/second.conf")
    _refused(root, small.plan(), "2 names (hard links)")


def test_a_link_to_nothing_and_a_circle_of_links_are_refused(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    (root / "etc/gone").symlink_to("/etc/nothing")
    (root / "etc/loop").symlink_to("loop")
    for name, words in (
        ("gone", "is a link to /etc/nothing, which is not there"),
        ("loop", "lead in a circle"),
    ):
        change = FileChange(f"/etc/{name}", None, b"x", "new")
        _refused(root, Plan("p", "p", "safe", files=(change,)), words)


def test_what_nix_and_ostree_make_is_refused_with_the_right_place(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    store = root / "nix/store/abc-home-manager-files"
    store.mkdir(parents=True)
    (store / ".bashrc").write_bytes(b"x")
    (root / "home/ann/.profile").symlink_to("/nix/store/abc-home-manager-files/.bashrc")
    change = FileChange("/home/ann/.profile", b"x", b"y", "edit")
    _refused(root, Plan("p", "p", "safe", files=(change,)), "made by Home Manager", "home.nix")
    (root / "run").mkdir()
    (root / "run/ostree-booted").touch()
    change = FileChange("/usr/local.conf", None, b"y", "new")
    _refused(root, Plan("p", "p", "safe", files=(change,)), "ostree", "rpm-ostree")
    (root / "etc/NIXOS").touch()
    change = FileChange("/etc/profile.d/cuda.sh", None, b"y", "new")
    _refused(root, Plan("p", "p", "safe", files=(change,)), "configuration.nix")


@pytest.mark.skipif(not ROOT, reason="only root can make a file immutable")
@pytest.mark.parametrize("what", ["etc/old.conf", "etc"])
def test_an_immutable_file_or_folder_is_refused(tmp_path: Path, what: str) -> None:
    root = small.machine(tmp_path)
    if subprocess.run(["chattr", "+i", root / what], capture_output=True, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        _refused(root, small.plan(), "is immutable", "chattr -i")
    finally:
        subprocess.run(["chattr", "-i", root / what], check=True)


def test_another_run_excludes_this_one_and_is_named(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    other = small.writer(root, command="gpudoctor fix toolkit-not-on-path")
    with other.locked():
        _refused(
            root,
            small.plan(),
            "another gpudoctor is changing this machine",
            f"process {os.getpid()}, `gpudoctor fix toolkit-not-on-path`",
        )
    assert apply(small.plan(), small.writer(root)).state == "applied"


def test_a_run_with_other_journals_is_excluded_from_the_same_folders(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    other = Writer(str(root), str(tmp_path / "another state"))
    with other.locked():
        other.folder("/home/ann/dotfiles")
        _refused(root, small.plan(), "another gpudoctor is changing files in /home/ann/dotfiles")


def test_journals_that_others_could_write_are_not_believed(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    (tmp_path / "state").mkdir(mode=0o777)
    (tmp_path / "state").chmod(0o777)
    _refused(root, small.plan(), "can be written by others")


# ---------------------------------------------------------------- failures on the way


@pytest.fixture
def quick() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=_quick_place()) as place:
        yield Path(place)


def test_whatever_step_fails_all_is_as_before(quick: Path) -> None:
    """A full disk, at each step that can meet it in turn; what is left is at most a closed journal."""
    tmp_path = quick
    steps: list[str] = []
    root = small.machine(tmp_path / "count")
    apply(small.plan(), small.writer(root, hook=lambda what, path: steps.append(what)))
    failing = [n for n, what in enumerate(steps) if what in ("create", "write", "mkdir", "symlink", "rename")]
    assert len(failing) > 15
    for number in failing:
        root = small.machine(tmp_path / f"{number}")
        before = small.picture(root)
        left = [number]

        def hook(what: str, path: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

        with pytest.raises(GpudoctorError, match="the disk is full"):
            apply(small.plan(), small.writer(root, hook=hook))
        assert small.picture(root) == before, (number, steps[number])
        recover(small.writer(root))
        assert all(j.state in ("rolled-back",) for j in journals(small.writer(root)))


def _tmpfs(place: Path, options: str) -> Path:
    place.mkdir()
    ran = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "gpudoctor-test", place], capture_output=True, check=False
    )
    if ran.returncode:
        pytest.skip("no file system can be mounted here")
    return place


@pytest.mark.skipif(not ROOT, reason="only root can mount")
def test_a_disk_that_is_really_full_and_then_read_only(tmp_path: Path) -> None:
    disk = _tmpfs(tmp_path / "disk", "size=128k")
    state = str(tmp_path / "state")
    try:
        root = small.machine(disk)
        (disk / "ballast").write_bytes(b"")
        with pytest.raises(OSError, match="No space left"):
            (disk / "ballast").write_bytes(b"x" * (1 << 20))
        _refused(root, small.plan(), "the disk is full", "make room", writer=Writer(str(root), state))
        _refused(root, small.plan(), "the journal could not be written")  # its journals lie on the full disk
        (disk / "ballast").unlink()
        apply(small.plan(), Writer(str(root), state))
        changed = small.picture(root)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        other = Plan("p", "p", "safe", files=(FileChange("/etc/x", None, b"x", "x"),))
        _refused(root, other, "read-only", writer=Writer(str(root), state))
        with pytest.raises(GpudoctorError, match="change 2 can't be taken back") as caught:
            undo(Writer(str(root), state))
        assert "read-only" in caught.value.context and small.picture(root) == changed
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert undo(Writer(str(root), state)).state == "undone"
    finally:
        subprocess.run(["umount", disk], check=True)


# ---------------------------------------------------------------- programs


class _Programs:
    """Answers for programs: the first words of each that fails."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.ran: list[str] = []

    def __call__(self, argv: tuple[str, ...], timeout: float, env: tuple[tuple[str, str], ...]) -> Ran:
        self.ran.append(" ".join(argv))
        bad = self.ran[-1].startswith(self.failing) if self.failing else False
        return Ran(argv, int(bad), "", "it says no" if bad else "")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder of this machine: with a root, programs would not be run."""
    (tmp_path / "conf").write_bytes(b"old\n")
    return tmp_path


def _live(here: Path) -> Writer:
    return Writer("", str(here / "state"))


def _with_programs(here: Path) -> Plan:
    return Plan(
        "p",
        "p",
        "unsafe",
        files=(FileChange(f"{here}/conf", b"old\n", b"new\n", "edit"),),
        validations=(Validation(("daemon", "--validate"), "the daemon reads it"),),
        actions=(
            Action(("load", "one"), "one", ("unload", "one")),
            Action(("load", "two"), "two", ("unload", "two"), state_argv=("list",)),
        ),
    )


def test_programs_run_in_order_and_are_undone_after_the_files_last_first(here: Path) -> None:
    run = _Programs()
    assert apply(_with_programs(here), _live(here), run).state == "applied"
    assert run.ran == ["daemon --validate", "load one", "list", "load two"]
    run = _Programs()
    assert undo(_live(here), run=run).state == "undone"
    assert run.ran == ["unload two", "unload one"]
    assert (here / "conf").read_bytes() == b"old\n"


def test_a_validation_that_fails_takes_all_back_and_says_why(here: Path) -> None:
    run = _Programs("daemon")
    outcome = apply(_with_programs(here), _live(here), run)
    assert (outcome.state, run.ran) == ("rolled-back", ["daemon --validate"])
    assert "the daemon reads it: `daemon --validate` failed: it says no" in outcome.why
    assert (here / "conf").read_bytes() == b"old\n"


def test_an_action_that_fails_is_undone_too(here: Path) -> None:
    run = _Programs("load two")
    assert apply(_with_programs(here), _live(here), run).state == "rolled-back"
    assert run.ran[-2:] == ["unload two", "unload one"]
    assert (here / "conf").read_bytes() == b"old\n"


def test_what_can_not_be_undone_stays_open_until_it_can_or_is_left(here: Path) -> None:
    apply(_with_programs(here), _live(here), _Programs())
    first = undo(_live(here), run=_Programs("unload one"))
    assert first.state == "open" and "`unload one` failed: it says no" in first.why
    with pytest.raises(GpudoctorError, match="can't be taken back"):
        apply(_with_programs(here), _live(here), _Programs("unload one"))
    run = _Programs()
    assert undo(_live(here), run=run).state == "undone"
    assert run.ran == ["unload one"]  # what had been undone is not undone again


def test_left_as_it_is_a_change_is_closed(here: Path) -> None:
    apply(_with_programs(here), _live(here), _Programs())
    (here / "conf").write_bytes(b"theirs\n")
    with pytest.raises(GpudoctorError, match="was changed since change 1") as caught:
        undo(_live(here), run=_Programs())
    assert "theirs" in caught.value.context
    outcome = undo(_live(here), leave=True, run=_Programs("unload one"))
    assert outcome.state == "undone" and "unload one" in outcome.why
    assert (here / "conf").read_bytes() == b"theirs\n"
    assert len(journals(_live(here))[0].left) == 2


def test_an_older_change_of_the_same_file_waits_for_the_newer(here: Path) -> None:
    apply(Plan("a", "a", "safe", files=(FileChange(f"{here}/conf", b"old\n", b"new\n", "a"),)), _live(here))
    apply(Plan("b", "b", "safe", files=(FileChange(f"{here}/conf", b"new\n", b"newer\n", "b"),)), _live(here))
    with pytest.raises(GpudoctorError, match="changed again by change 2"):
        undo(_live(here), "1")
    assert undo(_live(here)).id == "2"
    assert undo(_live(here)).id == "1"
    assert (here / "conf").read_bytes() == b"old\n"
    with pytest.raises(GpudoctorError, match="no change to take back"):
        undo(_live(here))


def test_under_a_root_programs_are_listed_and_not_run(here: Path) -> None:
    plan = _with_programs(here).replace(files=(FileChange("/conf", b"old\n", b"new\n", "edit"),))
    run = _Programs()
    outcome = apply(plan, Writer(str(here), str(here / "state")), run)
    assert run.ran == [] and outcome.not_run == ("daemon --validate", "load one", "load two")
    assert undo(Writer("", str(here / "state")), run=run).state == "undone"
    assert run.ran == [] and (here / "conf").read_bytes() == b"old\n"


def test_a_real_program_has_a_deadline_and_a_missing_one_is_a_failure(here: Path) -> None:
    slow = Validation((sys.executable, "-c", "import time; time.sleep(60)"), "never ends", timeout=0.3)
    change = FileChange(f"{here}/conf", b"old\n", b"new\n", "edit")
    for validation, words in (
        (slow, "no end within"),
        (Validation(("/no/such",), "is not there"), "No such file"),
    ):
        outcome = apply(Plan("p", "p", "safe", files=(change,), validations=(validation,)), _live(here))
        assert outcome.state == "rolled-back" and words in outcome.why
    assert (here / "conf").read_bytes() == b"old\n"


class _Loader(_Programs):
    """ldconfig writes a cache that says how often it ran."""

    def __init__(self, cache: Path, *failing: str) -> None:
        super().__init__(*failing)
        self.cache = cache

    def __call__(self, argv: tuple[str, ...], timeout: float, env: tuple[tuple[str, str], ...]) -> Ran:
        self.cache.write_bytes(self.cache.read_bytes() + b"again ")
        return super().__call__(argv, timeout, env)


def _ldconfig(here: Path) -> Plan:
    cache = here / "cache"
    cache.write_bytes(b"first ")
    os.utime(cache, ns=(10**18, 10**18))
    action = Action(("ldconfig",), "the cache", ("ldconfig",), touches=(str(cache),))
    return Plan("p", "p", "safe", actions=(action,))


def test_a_file_that_a_program_wrote_is_put_back_without_running_anything(here: Path) -> None:
    run = _Loader(here / "cache")
    apply(_ldconfig(here), _live(here), run)
    assert (here / "cache").read_bytes() == b"first again "
    assert undo(_live(here), run=run).state == "undone"
    assert run.ran == ["ldconfig"]
    assert (here / "cache").read_bytes() == b"first " and (here / "cache").stat().st_mtime_ns == 10**18


def test_a_file_that_was_written_again_since_is_left_to_the_program_that_writes_it(here: Path) -> None:
    run = _Loader(here / "cache")
    apply(_ldconfig(here), _live(here), run)
    (here / "cache").write_bytes(b"apt's ")
    assert undo(_live(here), run=run).state == "undone"
    assert run.ran == ["ldconfig", "ldconfig"] and (here / "cache").read_bytes() == b"apt's again "


def test_what_a_failing_program_wrote_is_put_back(here: Path) -> None:
    run = _Loader(here / "cache", "ldconfig")
    assert apply(_ldconfig(here), _live(here), run).state == "rolled-back"
    assert (here / "cache").read_bytes() == b"first "


def test_an_interrupt_takes_all_back(here: Path) -> None:
    def run(argv: tuple[str, ...], timeout: float, env: tuple[tuple[str, str], ...]) -> Ran:
        if argv[0] == "daemon":
            raise KeyboardInterrupt
        return Ran(argv, 0, "", "")

    with pytest.raises(KeyboardInterrupt):
        apply(_with_programs(here), _live(here), run)
    assert (here / "conf").read_bytes() == b"old\n" and journals(_live(here))[0].state == "rolled-back"


def test_a_damaged_journal_stops_every_change(tmp_path: Path) -> None:
    root = small.machine(tmp_path)
    apply(small.plan(), small.writer(root))
    (tmp_path / "state/journals/0001/journal.json").write_text("{}")
    with pytest.raises(GpudoctorError, match="journal"):
        apply(small.plan(), small.writer(root))
    with pytest.raises(GpudoctorError, match="journal"):
        undo(small.writer(root))


# ---------------------------------------------------------------- what is kept, and for how long


def _many(tmp_path: Path, count: int) -> Writer:
    """A file changed and changed back so often; the first change of all stands."""
    writer = Writer("", str(tmp_path / "state"))
    assert apply(Plan("first", "first", "safe", files=(_new(tmp_path / "kept"),)), writer).state == "applied"
    for _ in range(count):
        assert apply(Plan("x", "x", "safe", files=(_new(tmp_path / "file"),)), writer).state == "applied"
        assert undo(writer).state == "undone"
    return writer


def _new(path: Path) -> FileChange:
    return FileChange(str(path), None, b"new\n", "x")


def test_what_was_taken_back_long_ago_is_forgotten_and_what_stands_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "ENDED_KEPT", 3)
    writer = _many(tmp_path, 6)
    known = journals(writer)
    assert [(j.id, j.state) for j in known] == [("1", "done"), *((str(n), "undone") for n in (5, 6, 7))]
    assert undo(writer, "1").state == "undone"  # however old
    assert not (tmp_path / "kept").exists()


def test_a_change_that_is_forgotten_keeps_its_line_and_loses_its_bytes(tmp_path: Path) -> None:
    writer = _many(tmp_path, 0)
    assert forget(writer, "1").state == "forgotten"
    assert sorted(p.name for p in (tmp_path / "state/journals/0001").iterdir()) == ["journal.json"]
    with pytest.raises(GpudoctorError, match="was forgotten, and stands"):
        undo(writer, "1")
    with pytest.raises(GpudoctorError, match="no change to take back"):
        undo(writer)
    assert (tmp_path / "kept").read_text() == "new\n"


def test_where_nothing_was_changed_undo_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(GpudoctorError, match="there is no change to take back"):
        undo(Writer("", str(tmp_path / "no" / "state")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not ROOT, reason="only root can become another user")
@pytest.mark.parametrize("words", [(), ("--list",)])
def test_journals_of_somebody_else_are_named_as_such(words: tuple[str, ...]) -> None:
    with nobody.place() as folder:
        (folder / "state").mkdir(0o700)
        env = {
            "PYTHONPATH": nobody.packages(folder),
            "GPUDOCTOR_STATE": str(folder / "state"),
            "PATH": "/usr/bin:/bin",
        }
        ran = subprocess.run(
            [nobody.python(), "-m", "gpudoctor", "undo", *words],
            env=env, capture_output=True, text=True, timeout=60, check=False, **nobody.options(),
        )  # fmt: skip
    assert ran.returncode == 2 and "Traceback" not in ran.stderr
    assert "belongs to root" in ran.stderr and "through sudo" in ran.stderr
