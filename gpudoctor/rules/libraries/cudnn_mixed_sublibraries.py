"""Parts of two cuDNN versions would meet in one process

What it is: cuDNN is made of a library and of parts that it opens by name. All of them must be of one version. A
framework would load libcudnn from one installation and parts from another, or one folder holds files of two versions.

Why it hurts: cuDNN compares the versions at its first use and refuses: CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH; or the
import ends with an undefined symbol.

How to tell: The version of every cuDNN file that the loader's search ends at, framework by framework.

How to fix: Keep one cuDNN per environment: install the environment's cuDNN package again, and take folders with
another one off the loader's path.

Sources: https://github.com/pytorch/pytorch/issues/188892
https://github.com/opendatalab/MinerU/issues/2664
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import Known
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.loading import differ, load_evidence, loadings


def check(libraries: Libraries) -> Iterator[Problem]:
    for loading in loadings(libraries):
        main = loading.cudnn
        if main is None or not isinstance(main.version, Known):
            continue
        others = [
            load
            for load in loading.of("cudnn")
            if isinstance(load.version, Known) and differ(load.version.value, main.version.value)
        ]
        if others and isinstance(others[0].version, Known):
            yield Problem(
                f"{loading.framework} would load libcudnn {main.version.value} with {others[0].soname} of "
                f"{others[0].version.value}",
                loading.subject,
                evidence=load_evidence((main, *others)),
                fix=Fix(
                    "Keep one cuDNN in this environment, and no other folder with cuDNN on the loader's path"
                ),
            )
