"""detect, preflight, view, mirrors, patch: everything before configure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from gpudoctor.changes.plan import Plan
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import value_of
from gpudoctor.tfbuild import patching
from gpudoctor.tfbuild import preflight as rows
from gpudoctor.tfbuild import view as views
from gpudoctor.tfbuild.changing import apply
from gpudoctor.tfbuild.stages.model import Build, Done, Failed


def detect(build: Build) -> Done:
    tree = build.tree
    copies = f"{len(tree.copies)} copies of repo.bzl" if len(tree.copies) != 1 else "one repo.bzl"
    used = next((c.path for c in tree.copies if c.cuda), "")
    detail = f"{tree.names()}, {value_of(tree.cuda, 'unknown')} CUDA rules, {copies}"
    return Done(detail + (f"; CUDA's downloads go through {used}" if used else ""))


def say_detect(build: Build) -> Iterator[str]:
    yield detect(build).detail


def preflight(build: Build) -> Done:
    build.rows = rows.run(build.look)
    failed = [r for r in build.rows if r.level == "failure"]
    if failed:
        first = failed[0]
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise Failed(
            f"{first.title}{more}", cause=first.cause,
            hint=f"{first.hint}; or --ignore {','.join(dict.fromkeys(r.id for r in failed))}, if you know better".lstrip("; "),
        )  # fmt: skip
    counts = {level: sum(r.level == level for r in build.rows) for level in ("ok", "warning", "unknown")}
    return Done(f"{counts['ok']} ok, {counts['warning']} warning(s), {counts['unknown']} unknown")


def say_preflight(build: Build) -> Iterator[str]:
    build.rows = rows.run(build.look)
    yield f"{sum(r.level == 'failure' for r in build.rows)} rows failed"


# ---------------------------------------------------------------- view


def _views(build: Build) -> dict[str, Mapping[str, str]]:
    """Name of the view -> its links; only for folders whose layout is not the wanted one already."""
    request, made = build.request, {}
    try:
        if request.local_cuda:
            layout = views.cuda_layout(request.local_cuda)
            cudnn = views.cudnn_layout(request.local_cudnn) if request.local_cudnn else None
            # whoever patches both rules needs no view of a folder that only lacks lib and CUPTI
            patched = {"lib64", "cupti"} <= set(request.patches) and layout.kind in ("lib64", "plain")
            if (layout.notes or layout.kind != "plain") and not patched:
                made["cuda"] = views.cuda_links(layout, cudnn)
        for name, folder, lay, link in (
            ("cudnn", request.local_cudnn, views.cudnn_layout, views.cudnn_links),
            ("nccl", request.local_nccl, views.nccl_layout, views.nccl_links),
        ):
            if folder and (found := lay(folder)).kind != "plain":
                made[name] = link(found)
    except GpudoctorError as error:
        raise Failed(f"{error.what}: {error.context}", hint=error.hint) from None
    if build.clang.shim:
        folder = os.path.dirname(build.clang.real)
        made["clang"] = {"bin/clang": build.clang.real} | {
            part: os.path.join(os.path.dirname(folder), part)
            for part in ("lib", "include", "share")
            if os.path.isdir(os.path.join(os.path.dirname(folder), part))
        }
    return made


def view_folders(build: Build) -> dict[str, str]:
    """Name -> folder of the views that this request needs, made or not."""
    return build.port.memo("views", lambda: {name: _place(build, name) for name in _views(build)})


def view(build: Build) -> Done:
    made = _views(build)
    for name, links in made.items():
        views.make(_place(build, name), links)
    data = {name: _place(build, name) for name in made}
    if not made:
        return Done("no view needed", skipped=True)
    words = ", ".join(f"{name} ({_count(links)})" for name, links in made.items())
    return Done(f"made {words}; nothing in an install was touched", data)


def _count(links: Mapping[str, str]) -> str:
    return f"{len(links)} links" if len(links) != 1 else "one link"


def _place(build: Build, name: str) -> str:
    return build.workdir.file("clang") if name == "clang" else build.workdir.file(f"{name}_view")


def say_view(build: Build) -> Iterator[str]:
    found = False
    for name, links in _views(build).items():
        found = True
        yield f"make {_place(build, name)}: {_count(links)}, such as"
        for link, target in sorted(links.items())[:3]:
            yield f"  {link} -> {target}"
    if not found:
        yield "no view needed"


def view_there(build: Build) -> bool:
    return all(os.path.isdir(folder) for folder in view_folders(build).values())


# ---------------------------------------------------------------- mirrors


def mirrors(build: Build) -> Done:
    files = build.sources.files
    for name, text in files.items():
        build.workdir.put(name, text.encode())
    if not files and not build.sources.options:
        return Done(f"profile {build.profile.name}: everything from where the tree says", skipped=True)
    return Done(
        f"profile {build.profile.name}: {', '.join(build.workdir.file(n) for n in files) or 'folders of yours only'}"
    )


def say_mirrors(build: Build) -> Iterator[str]:
    for name, text in build.sources.files.items():
        yield f"write {build.workdir.file(name)}:"
        yield from (f"  {line}" for line in text.splitlines())
    yield from (f"bazel gets {option}" for option in build.sources.options)
    if not build.sources.files and not build.sources.options:
        yield "nothing: everything from where the tree says"


def mirrors_there(build: Build) -> bool:
    for name, text in build.sources.files.items():
        try:
            with open(build.workdir.file(name), encoding="utf-8") as file:
                if file.read() != text:
                    return False
        except OSError:
            return False
    return True


# ---------------------------------------------------------------- patch


def patch_plan(build: Build) -> Plan:
    return patching.plan(build.tree, build.request.patches)


def patch(build: Build) -> Done:
    if build.request.method != "patch":
        return Done("the tree is left as it is (--method outside)", skipped=True)
    made = patch_plan(build)
    if not made.files:
        return Done("; ".join(made.notes) or "nothing to patch")
    journal = apply(made)
    build.state = build.state.replace(journals=(*build.state.journals, journal))
    return Done(
        f"{len(made.files)} file(s) changed; `gpudoctor build-tf revert` takes it back", {"journal": journal}
    )


def say_patch(build: Build) -> Iterator[str]:
    if build.request.method != "patch":
        yield "nothing: the tree is left as it is (--method outside)"
        return
    made = patch_plan(build)
    yield from made.notes
    yield from patching.diff(made, build.tree.path).splitlines()
