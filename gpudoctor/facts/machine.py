"""All that is known of one machine. The same type comes from a live machine, another root, a snapshot or a what-if."""

from __future__ import annotations

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.cuda import Cuda
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.record import Record


class Expectation(Record):
    """What the user told us to expect. `gpu`: who expects one ("--require-gpu"), empty when nobody does."""

    gpu: str = ""


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
