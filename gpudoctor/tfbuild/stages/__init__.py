"""The stages, each a `Step`: what it would do, whether it is done, and doing it. `STEPS` is their order."""

from __future__ import annotations

from gpudoctor.tfbuild.stages import bazel, configure, finish, prepare, smoke
from gpudoctor.tfbuild.stages.model import Step

STEPS: tuple[Step, ...] = (
    Step("detect", prepare.detect, prepare.say_detect, always=True),
    Step("preflight", prepare.preflight, prepare.say_preflight, always=True),
    Step("view", prepare.view, prepare.say_view, prepare.view_there),
    Step("mirrors", prepare.mirrors, prepare.say_mirrors, prepare.mirrors_there),
    Step("patch", prepare.patch, prepare.say_patch, always=True),
    Step("configure", configure.configure, configure.say_configure, configure.configured),
    Step("fetch", bazel.fetch, bazel.say_fetch, always=False),
    Step("build", bazel.build, bazel.say_build, bazel.built),
    Step("wheel", finish.wheel, finish.say_wheel, finish.wheel_there),
    Step("install", finish.install, finish.say_install, finish.installed),
    Step("smoke", smoke.smoke, smoke.say_smoke, always=True),
)
