"""All that is known of one machine. The same type comes from a live machine, another root, a snapshot or a what-if."""

from __future__ import annotations

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.image import Image
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.record import Record
from gpudoctor.facts.smoke import Smoke


class Wanted(Record):
    """A wheel that somebody would install: `variant` "cu124" or "" (what a plain install gets). `command`: as it would
    be typed, "" where nobody said."""

    package: str
    version: str
    variant: str = ""
    command: str = ""


class Requirement(Record):
    """A line of a policy's [require]: `name` "driver", "cuda", "gpus", "compute-capability", "memory" (of each GPU),
    "framework" or "smoke"; `wanted` as written: ">=550", ">=16 GiB", "torch>=2.5"."""

    name: str
    wanted: str


class Exemption(Record):
    """A row of a policy's [[allow]]: `until` an ISO date or empty; `expired`: that day has passed."""

    cause: str
    reason: str
    until: str = ""
    expired: bool = False


class Drift(Record):
    """What differs from the baseline: `where` "driver.module.version"; "" where there was nothing."""

    where: str
    before: str
    after: str


class Smoked(Record):
    """How a framework's smoke run ended: `verdict` "pass", "fail", "unconfirmed", "skipped",
    "unkillable" or "cpu". `framework` is empty where none could be tried."""

    framework: str
    verdict: str
    detail: str = ""


class Expectation(Record):
    """What the user told us to expect. `gpu`: who expects one ("--require-gpu"), empty when nobody does. The rest is of
    a what-if: `wheels` to be installed, `image` to be started, `sonames` (or paths below site-packages) to be found,
    `ptx_of`: the CUDA release whose PTX the driver has to compile, `targets`: what nvcc has to compile for ("9.0a"),
    `cudnn` of the package for CUDA `cudnn_cuda` (0: not said) to be used with CUDA `cudnn_beside`,
    `extensions`: packages beside a framework, and their versions. `policy`: the file whose `requirements` and
    `exemptions` these are; `baseline`: the snapshot from which there is `drift`; `smoked`: what ran before judging."""

    gpu: str = ""
    wheels: tuple[Wanted, ...] = ()
    image: str = ""
    sonames: tuple[str, ...] = ()
    ptx_of: str = ""
    targets: tuple[str, ...] = ()
    cudnn: str = ""
    cudnn_cuda: int = 0
    cudnn_beside: str = ""
    extensions: tuple[tuple[str, str], ...] = ()
    policy: str = ""
    requirements: tuple[Requirement, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    baseline: str = ""
    drift: tuple[Drift, ...] = ()
    smoked: tuple[Smoked, ...] = ()


class Machine(Record):
    """One field per fact group; the engine fills those that the selected rules read."""

    host: Host = Host()
    driver: Driver = Driver()
    gpu: Gpu = Gpu()
    cuda: Cuda = Cuda()
    libraries: Libraries = Libraries()
    environment: Environment = Environment()
    containers: Containers = Containers()
    frameworks: Frameworks = Frameworks()
    expectation: Expectation = Expectation()
    image: Image = Image()
    smoke: Smoke = Smoke()
