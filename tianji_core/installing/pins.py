"""The lock files: every package in one version, with the checksums of its files."""

import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tianji_core.errors import SettingsError
from tianji_core.i18n import _
from tianji_core.project import CHECKOUT, LOCKS, PROJECT

PARTS = {
    **LOCKS,
    "test": (
        *LOCKS["whole"],
        "requirements-dev.txt",
        "requirements-gguf.txt",
        "requirements-litellm.txt",
    ),
}
"""Part → its lock files, with ``test``, which also has what tests and checks need; each contains the one
before it."""
_ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==([^\s;]+)(?: ; (.+?))? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.M
)


@dataclass(frozen=True)
class Pin:
    """One package of a lock. ``marker`` names the systems that need it, '' for all; ``entry`` is its text in
    the lock, with the checksums."""

    name: str
    version: str
    marker: str
    entry: str

    @property
    def applies(self) -> bool:
        """Whether this Python on this system needs the package."""
        return not self.marker or bool(_markers().Marker(self.marker).evaluate())


@cache
def _markers() -> Any:
    """Returns the module that reads markers: of ``packaging``, or of the copy that pip brings."""
    try:
        from packaging import markers
    except ModuleNotFoundError:
        return importlib.import_module("pip._vendor.packaging.markers")
    return markers


def plain_name(name: str) -> str:
    """Returns the name of a package as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(path: Path) -> list[Pin]:
    """Returns the packages of a lock file, those of other systems too.

    Raises:
        SettingsError: there is no such file, or no package in it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SettingsError(_("读不了锁定文件 {path}；请重新取一份源码", path=path)) from error
    pins = [
        Pin(plain_name(found[1]), found[2], found[3] or "", found[0].rstrip() + "\n")
        for found in _ENTRY.finditer(text)
    ]
    if not pins:
        raise SettingsError(_("锁定文件 {path} 里没有软件包；请重新取一份源码", path=path))
    return pins


def pins_of(part: str, folder: Path = PROJECT) -> list[Pin]:
    """Returns the packages that a part needs on this system, each once; ``folder`` holds the lock files.

    Raises:
        SettingsError: the part is for a checkout only, or a lock cannot be read.
    """
    if part == "test" and not CHECKOUT:
        raise SettingsError(_("测试只能在源码目录里跑"))
    pins = {pin.name: pin for file in PARTS[part] for pin in read_lock(folder / file) if pin.applies}
    return list(pins.values())
