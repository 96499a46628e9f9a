"""A line of a start-up file is edited as a person would, or left to one."""

from __future__ import annotations

import subprocess

import pytest

from gpudoctor.parsers.shelledit import understood, with_value, without_element, without_empty

N = "LD_LIBRARY_PATH"
OWN = "${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
FRONT = "${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}"


@pytest.mark.parametrize(
    ("line", "without_a"),
    [
        (f"export {N}=/a:/b:${N}", f"export {N}=/b{OWN}"),
        (f"export {N}=/a:${N}", ""),
        (f"export {N}=${N}:/a:/b", f"export {N}={FRONT}/b"),
        (f"  export {N}=/b:${{{N}}}:/a", f"  export {N}=/b{OWN}"),
        (f'{N}="/a:/b"', f'{N}="/b"'),
        (f'export {N}="/a{OWN}"', ""),
        (f'export {N}="/x:/a${{{N}:+:${{{N}}}}}"', f'export {N}="/x{OWN}"'),
        (f'export {N}="{FRONT}/a:/c"', f'export {N}="{FRONT}/c"'),
        (f"export {N}=$HOME/x:/a # mine", f"export {N}=$HOME/x # mine"),
        (f"export {N}=/a;", ""),
        (f"{N}=${{X:-/a:/b}}:/a:/z", f"{N}=${{X:-/a:/b}}:/z"),
        (f"{N} DEFAULT=/a:/b", f"{N} DEFAULT=/b"),
        (f"set -gx {N} /a /b ${N}", f"set -gx {N} /b ${N}"),
        (f"set -x {N} /a:/b", f"set -x {N} /b"),
        ("export PATH=/a:$PATH:/b", None),  # another variable
        (f"export {N}=/b:${N}", None),  # it is not there
        (f"export {N}=$(cat x):/a", None),
        (f"export {N}=/a; echo hi", None),
        (f"export {N}=/a && true", None),
        (f"export {N}=`x`:/a", None),
        (f"export A=1 {N}=/a", None),
        (f'export {N}="/a:${{X"', None),
        (f"set -gx {N} /a (x)", None),
    ],
)
def test_an_element_is_taken_out_and_the_rest_keeps_its_meaning(line: str, without_a: str | None) -> None:
    assert without_element(line, N, "/a".__eq__) == without_a


@pytest.mark.parametrize(
    ("line", "well"),
    [
        (f"export {N}=/a:${N}", f"export {N}=/a{OWN}"),
        (f"export {N}=${{{N}}}:/a", f"export {N}={FRONT}/a"),
        (f"export {N}=:/a", f"export {N}=/a"),
        (f'{N}="/a::/b:"', f'{N}="/a:/b"'),
        (f"export {N}=/a{OWN}", None),
        (f"export {N}=/a", None),
    ],
)
def test_a_line_that_makes_an_empty_element_is_written_so_that_it_does_not(
    line: str, well: str | None
) -> None:
    assert without_empty(line, N) == well


@pytest.mark.parametrize("before", ["", "/old", "/old:/older"])
@pytest.mark.parametrize(
    "line",
    [f"export {N}=/x:/a:${N}", f"export {N}=${N}:/a:/x", f"export {N}=/x:${{{N}}}:/a", f"export {N}=/a:/x"],
)
def test_a_real_shell_reads_the_edited_line_as_the_old_one_less_the_element(line: str, before: str) -> None:
    def value(text: str) -> list[str]:
        ran = subprocess.run(
            ["sh", "-c", f'{text}\nprintf %s "${N}"'],
            env={N: before} if before else {},
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
        return ran.stdout.split(":")

    edited = without_element(line, N, "/a".__eq__)
    assert edited
    assert value(edited) == [e for e in value(line) if e not in ("", "/a")]


def test_a_value_is_replaced_within_its_quotes() -> None:
    assert with_value("export CUDA_HOME=':/usr/local/cuda'  # mine", "CUDA_HOME", "/opt/cuda") == (
        "export CUDA_HOME='/opt/cuda'  # mine"
    )
    assert with_value("export CUDA_HOME=$(x)", "CUDA_HOME", "/opt/cuda") is None
    assert understood("CUDA_HOME=/x", "CUDA_HOME") and not understood("# CUDA_HOME=/x", "CUDA_HOME")
