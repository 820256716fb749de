"""What of a part is missing in an environment, and how much room it takes."""

import importlib
import json
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata

from tianji_core.installing.environments import OWN, PythonEnvironment
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
    is not in the table. A line NAME==VERSION of the table is for that version alone."""
    sizes = _sizes()
    return sum(round(1e6 * sizes.get(f"{pin.name}=={pin.version}", sizes.get(pin.name, 0.5))) for pin in pins)


def installed(environment: PythonEnvironment = OWN) -> dict[str, str]:
    """Returns the versions of the packages of an environment; '' for one whose installation was broken
    off."""
    importlib.invalidate_caches()
    found: dict[str, str] = {}
    folders = sys.path if environment is OWN else [str(environment.packages)]
    for package in metadata.distributions(path=folders):
        name = package.metadata["Name"]
        if name and plain_name(name) not in found:
            whole = package.read_text("RECORD") is not None or package.read_text("installed-files.txt")
            found[plain_name(name)] = package.version if whole else ""
    return found


def missing(part: str, any_version: bool = False) -> list[Pin]:
    """Returns the packages of a part that are not here in the version of the lock; with ``any_version`` those
    that are not here at all."""
    return lacking(pins_of(part), any_version=any_version)


def lacking(
    pins: Iterable[Pin], environment: PythonEnvironment = OWN, any_version: bool = False
) -> list[Pin]:
    """Returns those of the packages that are not in an environment in their version; with ``any_version``
    those that are not there at all."""
    here = installed(environment)
    return [
        pin for pin in pins if not here.get(pin.name) or (here[pin.name] != pin.version and not any_version)
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
