"""What toolkits' files say: versions, compiler bounds, wrapper scripts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpudoctor.facts.cuda import CompilerLimits
from gpudoctor.parsers import cuda_version, host_config, wrapper
from tests import toolkits

# The bounds as they stand in three real headers; everything around them is left out.
REAL_11_8 = """
#if defined(__GNUC__)

#if __GNUC__ > 11

#error -- unsupported GNU version! gcc versions later than 11 are not supported! The nvcc flag

#endif /* __GNUC__ > 11 */

#if defined(__clang__) && !defined(__ibmxl_vrm__) && !defined(__ICC) && !defined(__HORIZON__) && !defined(__APPLE__)

#if (__clang_major__ >= 15) || (__clang_major__ < 3) || ((__clang_major__ == 3) &&  (__clang_minor__ < 3))
#error -- unsupported clang version! clang version must be less than 15 and greater than 3.2 .
"""
REAL_12_8 = """
#if defined(__GRCO_CLANG_COMPILER__)
#if (__GRCO_CLANG_COMPILER__ == 1) && ((__clang_major__ < 16) || (__clang_major__ > 19))
#error -- unsupported Grace clang version! The version must be 16.x to 19.x.
#endif
#endif
#if __GNUC__ > 14

#error -- unsupported GNU version! gcc versions later than 14 are not supported!

#endif /* __GNUC__ > 14 */

#if defined(__HORIZON__)
#if (__clang_major__ >= 20) || (__clang_major__ < 3) || ((__clang_major__ == 3) &&  (__clang_minor__ < 3))
#error -- unsupported HOS clang version! The version must be must be less than 20 and greater than 3.2 .
#endif
#endif
#if (__clang_major__ >= 20) || (__clang_major__ < 3) || ((__clang_major__ == 3) &&  (__clang_minor__ < 3))
#error -- unsupported clang version! clang version must be less than 20 and greater than 3.2 .
"""


@pytest.mark.parametrize(
    ("header", "limits"), [(REAL_11_8, CompilerLimits(11, 14, 3)), (REAL_12_8, CompilerLimits(14, 19, 3))]
)
def test_the_bounds_of_real_headers(header: str, limits: CompilerLimits) -> None:
    assert host_config.parse(header) == limits


def test_a_header_without_bounds_is_not_taken_for_no_limit() -> None:
    with pytest.raises(ValueError):
        host_config.parse("#define __host__ __location__(host)\n")


def test_the_version_in_a_program() -> None:
    assert cuda_version.from_program(toolkits.program("12.4.131")) == "12.4.131"


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\nexec nvcc\n", b"\x7fELF\x02\x01" + b"\xff" * 100])
def test_what_is_no_program_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        cuda_version.from_program(data)


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_damaged_program_never_gives_another_error(at: int, byte: int) -> None:
    data = bytearray(toolkits.program("12.4.131"))
    data[at % len(data)] = byte
    try:
        cuda_version.from_program(bytes(data))
    except ValueError:
        pass


def test_version_json_gives_the_compilers_version() -> None:
    text = json.dumps({"cuda": {"version": "12.4.1"}, "cuda_nvcc": {"version": "12.4.131"}})
    assert cuda_version.from_version_json(text) == ("12.4", "12.4.131")
    assert cuda_version.from_version_json('{"cuda": {"version": "11.2.0"}}') == ("11.2", "11.2.0")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cuda": 12}', '{"cuda": {"version": "new"}}'])
def test_another_json_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        cuda_version.from_version_json(text)


def test_version_txt_and_headers() -> None:
    assert cuda_version.from_version_txt("CUDA Version 10.1.243\n") == "10.1.243"
    assert cuda_version.from_header("/**/\n#define CUDART_VERSION  13000\n") == "13.0"
    assert cuda_version.from_header("#define CUDA_VERSION 12040\n") == "12.4"


@pytest.mark.parametrize(
    "line",
    [
        'exec /opt/cuda/bin/nvcc "$@"',
        'exec ccache /opt/cuda/bin/nvcc "$@"',
        '/opt/cuda/bin/nvcc -ccbin g++-12 "$@"',
        'CUDA_HOME=/opt/cuda\nexec "${CUDA_HOME}/bin/nvcc" "$@"',
        'exec env FOO=1 \\\n  /opt/cuda/bin/nvcc "${@}"',
    ],
)
def test_plain_wrappers_are_followed(line: str) -> None:
    assert wrapper.handed_to(f"#!/bin/sh\n# a comment\n\n{line}\n", "nvcc", {}) == "/opt/cuda/bin/nvcc"


def test_a_variable_of_the_environment_is_put_in() -> None:
    script = '#!/bin/bash\n"${CUDA_HOME}/bin/nvcc" "$@"\n'
    assert wrapper.handed_to(script, "nvcc", {"CUDA_HOME": "/usr/local/cuda"}) == "/usr/local/cuda/bin/nvcc"


@pytest.mark.parametrize(
    "script",
    [
        '#!/bin/sh\nexec "$(dirname "$0")/real" "$@"\n',
        '#!/bin/sh\nexec $NVCC "$@"\n',
        "#!/bin/sh\necho hello\n",
        '#!/usr/bin/python3\nimport os\nos.execv("/opt/cuda/bin/nvcc", [])\n',
        "",
    ],
)
def test_others_are_not_guessed(script: str) -> None:
    assert wrapper.handed_to(script, "nvcc", {}) is None
