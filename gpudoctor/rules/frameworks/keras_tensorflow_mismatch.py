"""Keras and TensorFlow are of releases that do not go together

What it is: TensorFlow 2.16 and later use the separate package keras 3; 2.15 and earlier need the keras of their own
number. The keras that is installed is outside the range that this TensorFlow requires.

Why it hurts: `import tensorflow` or the first use of tf.keras fails (module 'keras' has no attribute ..., "cannot import
name ... from keras"), or models saved by the one can't be loaded by the other.

How to tell: TensorFlow's Requires-Dist line for keras against the keras that is installed in the same interpreter.

How to fix: Install the keras that this TensorFlow requires. Code for Keras 2 runs with the package tf-keras and
TF_USE_LEGACY_KERAS=1.

Sources: https://keras.io/getting_started/#tensorflow--keras-2-backwards-compatibility
https://github.com/tensorflow/tensorflow/releases/tag/v2.16.1
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import package_named, packages_of, pip, pythons, requirements, satisfies
from gpudoctor.signature import Signature

explains = ("import-fails",)

signatures: tuple[Signature | str, ...] = (
    Signature(r"Your currently installed version of Keras is Keras 3, but this is not yet supported", 0.97),
    Signature(
        r"No module named '?(?:tensorflow\.keras|keras\.(?:src|engine|preprocessing|layers\.normalization)\S*)",
        0.75,
    ),
    Signature(r"cannot import name '\w+' from 'keras(?:\.src)?\.", 0.7),
    Signature(
        r"`?keras`? \S+ requires tensorflow|tensorflow \S+ requires keras",
        0.85,
        needs=(r"incompatible|but you have",),
    ),
)


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python in pythons(frameworks):
        keras = package_named(python, "keras")
        for own in packages_of(python):
            if own.name not in ("tensorflow", "tensorflow-cpu") or keras is None:
                continue
            judged = True
            for name, spec, line in requirements(own, python):
                if name != "keras" or satisfies(keras.version, spec) is not False:
                    continue
                yield Problem(
                    f"{own.name} {own.version} wants keras{spec}, installed is keras {keras.version}",
                    subject=package(python.path, "keras"),
                    evidence=(
                        Evidence("keras", keras.version, keras.location),
                        Evidence(f"{own.name}'s requirement", line, own.location),
                    ),
                    fix=Fix(
                        "Install the keras that it requires", (f"{pip(python)} 'keras{spec}'",), "unsafe"
                    ),
                )
    if not judged:
        raise DoesNotApply("keras and tensorflow are not installed together")
