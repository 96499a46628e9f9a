"""Healthy toolkits, libraries, environments, containers and frameworks: the smallest that still are complete."""

from __future__ import annotations

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import Absent, Known


def no_toolkit() -> Cuda:
    return Cuda(
        toolkits=Known((), "/usr/local"),
        selections=Known((), "PATH"),
        tools_on_path=Known((), "PATH"),
        libdevices=Known((), "site-packages"),
        compilers=Known((), "PATH"),
        nvcc_flags=Absent("NVCC_PREPEND_FLAGS, NVCC_APPEND_FLAGS"),
        compiled=Absent("--build was not given"),
    )


def no_libraries() -> Libraries:
    return Libraries(
        copies=Known((), "/etc/ld.so.cache"),
        search=Known((), "/etc/ld.so.conf"),
        cache=Known("/etc/ld.so.cache", "/etc"),
        uncached=Known((), "/etc/ld.so.cache"),
        loads=Known((), "ELF files"),
    )


def plain_environment() -> Environment:
    return Environment(
        variables=Known((), "environ"),
        paths=Known((), "environ"),
        shell=Known("/bin/bash", "SHELL"),
        virtual_env=Absent("VIRTUAL_ENV"),
        conda_prefix=Absent("CONDA_PREFIX"),
    )


def on_a_host() -> Containers:
    return Containers(
        inside=Absent("/.dockerenv, /proc/1"),
        engines=Known((), "PATH, /run"),
        toolkit=Absent("nvidia-ctk on PATH"),
        cdi=Known((), "/etc/cdi"),
        dev_char_links=Absent("/dev/char/195:*"),
        repositories=Known((), "/etc/apt"),
    )


def no_frameworks() -> Frameworks:
    return Frameworks(interpreters=Known((), "PATH"), kernels=Known((), "kernels"))
