"""A what-if as it was asked: which GPU, driver, framework, toolkit... Names and versions are looked up where it is read
(`reading`), and one that can't be is refused with the nearest that can: a question that nobody understood never gets a
verdict."""

from __future__ import annotations

from gpudoctor.advice.names import Card
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record

#: Every key of a question in a batch file, and option of the command line.
KEYS = (
    "os", "machine", "driver", "brand", "gpu", "cc", "cuda", "toolkit", "cudnn", "cudnn_package", "cuda_compat",
    "torch", "tensorflow", "keras", "jax", "jax_plugin", "plugin", "numpy", "python", "gcc", "clang", "image", "install",
    "package", "version", "installed", "look_for", "task", "needs",
)  # fmt: skip

#: Keys that say where, and are judged against nothing by themselves.
CONTEXT = frozenset({"os", "machine", "brand", "cc"})


class Wheel(Record):
    """A framework's wheel: `variant` "cu124", "cpu" or "" (what a plain install gets)."""

    framework: str
    version: str
    variant: str = ""

    @property
    def label(self) -> str:
        local = f"+{self.variant}" if self.variant and self.framework == "torch" else ""
        return f"{self.framework} {self.version}{local}"


class Question(Record):
    """`given`: the keys that were filled. `cuda` has been given its meaning: `wheels[...].variant`, `installed_cuda`
    (libraries beside TensorFlow or JAX), `toolkit` (nvcc), or `runtime`. `compat`: the CUDA of a cuda-compat package;
    `wanted`: sonames or paths that are looked for in `packages`; `fresh`: open ranges are resolved anew; `foreign`:
    GPUs of another capability than the one that is compiled for; `target`: "9.0a", where that is compiled for. `unread`: free
    text that was not understood; `renamed`: keys that said what another key says."""

    given: tuple[str, ...] = ()
    system: str = ""
    machine: str = ""
    driver: str = ""
    brand: str = ""
    cards: tuple[Card, ...] = ()
    runtime: str = ""
    toolkit: str = ""
    installed_cuda: str = ""
    cudnn: str = ""
    cudnn_cuda: int = 0
    compat: str = ""
    wheels: tuple[Wheel, ...] = ()
    keras: str = ""
    plugin: str = ""
    plugin_version: str = ""
    numpy: str = ""
    python: str = ""
    gcc: str = ""
    clang: str = ""
    image: str = ""
    flavour: str = ""
    command: str = ""
    packages: tuple[tuple[str, str], ...] = ()
    wanted: tuple[str, ...] = ()
    foreign: tuple[Card, ...] = ()
    target: str = ""
    compiles: bool = False
    runs: bool = False
    ptx: bool = False
    fresh: bool = False
    unread: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()

    def wheel(self, framework: str) -> Wheel | None:
        return next((w for w in self.wheels if w.framework == framework), None)

    def has(self, *keys: str) -> bool:
        return any(key in self.given for key in keys)


def bad(what: str, near: tuple[str, ...] | list[str] = (), key: str = "") -> GpudoctorError:
    """A question that can't be judged: exit 2, never a verdict."""
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    return GpudoctorError(
        what, context=f"--{key.replace('_', '-')}" if key else "", note="nothing was judged", hint=hint
    )
