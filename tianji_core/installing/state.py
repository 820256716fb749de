"""What of a part is missing in this environment, and how much room it takes."""

import importlib
import json
import sysconfig
from functools import cache
from importlib import metadata

from tianji_core.installing.pins import Pin, pins_of, plain_name
from tianji_core.project import CONFIGS, ENGINE_PACKAGES

DOWNLOAD = 0.5
"""Size of a package's download in relation to its size on disk."""
TRAINING = ("transformers", "peft", "bitsandbytes", *ENGINE_PACKAGES, "torch")
"""Packages that only the training part has."""
_FOUND: set[str] = set()
"""These packages, once all of them were found."""


@cache
def _sizes() -> dict[str, int]:
    found: dict[str, int] = json.loads((CONFIGS / "package_sizes.json").read_text(encoding="utf-8"))
    return found


def size_of(pins: list[Pin]) -> int:
    """Returns the bytes that packages take on disk, as measured when the lock was made; 0.5 MB for one that
    is not in the table."""
    return sum(round(1e6 * _sizes().get(pin.name, 0.5)) for pin in pins)


def installed() -> dict[str, str]:
    """Returns the versions of the packages of this environment; '' for one whose installation was broken
    off."""
    importlib.invalidate_caches()
    found: dict[str, str] = {}
    for package in metadata.distributions():
        name = package.metadata["Name"]
        if name and plain_name(name) not in found:
            whole = package.read_text("RECORD") is not None or package.read_text("installed-files.txt")
            found[plain_name(name)] = package.version if whole else ""
    return found


def missing(part: str, any_version: bool = False) -> list[Pin]:
    """Returns the packages of a part that are not here in the version of the lock; with ``any_version`` those
    that are not here at all."""
    here = installed()
    return [
        pin
        for pin in pins_of(part)
        if not here.get(pin.name) or (here[pin.name] != pin.version and not any_version)
    ]


def has_training() -> bool:
    """Returns whether the training part is here, in whatever versions. Once it is, this process looks no
    more."""
    if not _FOUND:
        importlib.invalidate_caches()
        if all(_whole(name) for name in TRAINING):
            _FOUND.update(TRAINING)
    return bool(_FOUND)


def _whole(name: str) -> bool:
    try:
        return metadata.distribution(name).read_text("RECORD") is not None
    except metadata.PackageNotFoundError:
        return False


def packages_folder() -> str:
    """Returns the folder into which pip installs."""
    return sysconfig.get_path("purelib")
