"""A newer driver never turns a yes into a no, unless a row of a table says so: a branch that dropped the GPU, the
branches that an image or a cuda-compat package was made for."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gpudoctor import knowledge
from gpudoctor.knowledge.tables import table
from gpudoctor.versions import branch
from gpudoctor.workflows.compat import ask

BRANCHES = [row["branch"] for row in table("driver")["branches"]]
DRIVERS = [f"{number}.{minor}" for number in BRANCHES for minor in ("10", "60.13", "163.01")]
CAPABILITIES = ["3.7", "5.2", "6.1", "7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0"]
BUILDS = [("torch", v) for row in table("torch")["builds"] for v in row["versions"][:1]]
BUILDS += [("tensorflow", v) for row in table("tensorflow")["builds"] for v in row["versions"][:1]]
CUDAS = [row["cuda"] for row in table("driver")["toolkits"]]
IMAGES = [f"nvidia/cuda:{v}-base-ubuntu22.04" for v in knowledge.cuda_image_versions() if v >= "11.7.0"]

asked = st.fixed_dictionaries(
    {},
    optional={
        "cc": st.sampled_from(CAPABILITIES),
        "brand": st.sampled_from(["geforce", "datacenter"]),
        "flavour": st.sampled_from(["the open kernel module", "the proprietary kernel module"]),
    },
)
against = st.one_of(
    st.sampled_from(BUILDS).map(lambda pair: {pair[0]: pair[1]}),
    st.sampled_from(CUDAS).map(lambda cuda: {"cuda": cuda}),
    st.sampled_from(CUDAS).map(lambda cuda: {"toolkit": cuda}),
    st.sampled_from(IMAGES).map(lambda image: {"image": image}),
    st.sampled_from(["12.4", "12.8"]).map(
        lambda c: {"cuda": c, "cuda_compat": f"cuda-compat-{c.replace('.', '-')}"}
    ),
    st.just({}),
)


@settings(deadline=None, max_examples=400)
@given(asked, against, st.sampled_from(DRIVERS), st.sampled_from(DRIVERS))
def test_a_newer_driver_never_turns_yes_into_no(
    machine: dict[str, Any], other: dict[str, Any], one: str, two: str
) -> None:
    older, newer = sorted((one, two), key=lambda d: tuple(map(int, d.split("."))))
    question = {**machine, **other}
    if "flavour" in question:
        question["needs"] = question.pop("flavour")
    if ask({**question, "driver": older}).compatible is not True:
        return
    after = ask({**question, "driver": newer})
    if after.compatible is not False:
        return
    allowed = set()
    last = knowledge.last_branch(machine["cc"]) if "cc" in machine else None
    if last is not None and branch(newer) > last.branch:
        allowed.add("driver-branch-dropped-gpu")
    if "image" in other:
        allowed.add("container-requirement-unsatisfied")
    assert {because.id for because in after.because} <= allowed, (question, older, newer, after.because)


@settings(deadline=None, max_examples=150)
@given(against, st.sampled_from(CAPABILITIES), st.sampled_from(DRIVERS))
def test_what_is_recommended_works(other: dict[str, Any], cc: str, driver: str) -> None:
    """The words of a recommendation, asked again, are a yes."""
    question = {**other, "cc": cc, "driver": driver}
    answer = ask(question)
    if answer.compatible is not False or not answer.recommend:
        return
    words, _, with_driver = answer.recommend.partition(" with driver branch ")
    name, _, rest = words.partition(" ")
    if with_driver:
        question["driver"] = with_driver
    if name == "torch":
        again = {**question, "torch": rest}
    elif name == "tensorflow":
        again = {**question, "tensorflow": rest}
    elif name == "CUDA":
        again = {**question, ("toolkit" if "toolkit" in other else "cuda"): rest}
    elif name == "driver":
        again = {**question, "driver": rest.removeprefix("branch ")}
    else:
        return
    assert ask(again).compatible is True, (question, answer.recommend)
