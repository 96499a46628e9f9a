"""Files that somebody else writes: an edit would be refused or lost, and there is a better place for it."""

from __future__ import annotations

from collections.abc import Callable

from gpudoctor.facts.record import Record


class Elsewhere(Record):
    """`what` owns the file; `where` the change belongs."""

    what: str
    where: str


def owner_of(path: str, target: str, is_there: Callable[[str], bool]) -> Elsewhere | None:
    """Who generates the file at `path` (`target`: the same after links), or None. `is_there` asks for a path's existence.

    >>> owner_of("/home/a/.bashrc", "/nix/store/abc-home-manager-files/.bashrc", lambda _: False).what
    'Home Manager'
    """
    if target.startswith("/nix/store/"):
        if "home-manager" in target:
            return Elsewhere(
                "Home Manager",
                "set it in home.nix (programs.bash.initExtra, home.sessionVariables, home.sessionPath)"
                " and run `home-manager switch`",
            )
        return Elsewhere("NixOS", "set it in configuration.nix and run `sudo nixos-rebuild switch`")
    if target.startswith("/gnu/store/"):
        return Elsewhere("Guix", "set it in the Guix home or system configuration and reconfigure")
    if path.startswith("/etc/") and is_there("/etc/NIXOS"):
        return Elsewhere("NixOS", "set it in configuration.nix and run `sudo nixos-rebuild switch`")
    if is_there("/run/ostree-booted") and target.startswith(("/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/")):
        return Elsewhere(
            "ostree (an image-based system)",
            "layer a package with `rpm-ostree install`, or change the image it is made from",
        )
    return None
