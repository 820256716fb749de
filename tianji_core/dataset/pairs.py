"""偏好对的版本: pairs of a chosen and a rejected answer, immutable and hashed, as trainings read them.

The package :mod:`tianji_core.comparison.preference_pairs` collects and freezes them."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tianji_core.dataset.versions import is_folder_name
from tianji_core.errors import DatasetError
from tianji_core.files import sha256
from tianji_core.i18n import N_, _
from tianji_core.workspace import Workspace

SOURCES = ("vote", "edit", "review", "judge", "check")
"""Where a pair comes from, the most telling first: a person's click, an edited or fixed text that was
accepted, a sample accepted beside a rejected one of its cell, a judge's scores, the checks of two answers."""
SOURCE_TITLES = {
    "vote": N_("投票"),
    "edit": N_("修改"),
    "review": N_("采用和弃用"),
    "judge": N_("评审的分数"),
    "check": N_("检查"),
}
LEAST = 20
"""Pairs below which a version is not made: nothing can be learnt from them."""
MANIFEST = "manifest.json"
_SPLITS = ("train", "held")


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, the better one first; ``source`` is one of :data:`SOURCES`."""

    source: str
    system: str
    prompt: str
    chosen: str
    rejected: str
    name: str = ""
    scene: str = ""
    style: str = ""

    @property
    def texts(self) -> tuple[str, str, frozenset[str]]:
        """What two pairs have in common that say the same or the opposite."""
        return self.system, self.prompt, frozenset((self.chosen, self.rejected))

    def messages(self) -> dict[str, Any]:
        """Returns the pair as lists of messages, the form of the training engine and of TRL."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return {
            "prompt": [*system, {"role": "user", "content": self.prompt}],
            "chosen": [{"role": "assistant", "content": self.chosen}],
            "rejected": [{"role": "assistant", "content": self.rejected}],
        }


@dataclass(frozen=True)
class PairVersion:
    """A frozen version; ``manifest`` holds counts, sources and the hash of each file."""

    name: str
    folder: Path
    manifest: dict[str, Any]


def pairs_home(workspace: Workspace) -> Path:
    """Returns the folder of all versions."""
    return workspace.home / "preferences"


def pair_versions(workspace: Workspace) -> list[PairVersion]:
    """Returns every version, newest first."""
    folders = [path.parent for path in pairs_home(workspace).glob(f"[!.]*/{MANIFEST}")]
    known = []
    for folder in folders:
        with contextlib.suppress(DatasetError):  # said to who asks for that one by its name
            known.append(pair_version(workspace, folder.name))
    return sorted(known, key=lambda one: (one.manifest["created_at"], one.name), reverse=True)


def pair_version(workspace: Workspace, name: str) -> PairVersion:
    """Returns one version.

    Raises:
        DatasetError: there is none of that name, or its manifest cannot be read.
    """
    folder = pairs_home(workspace) / name
    try:
        if not is_folder_name(name):
            raise ValueError(name)
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(_("没有名叫“{name}”的偏好对版本，或者它坏了", name=name)) from error
    return PairVersion(name, folder, manifest)


def verify_pairs(version: PairVersion) -> None:
    """Checks the files of a version against the hashes taken when it was frozen.

    Raises:
        DatasetError: a file is missing or has been changed.
    """
    for split in _SPLITS:
        path = version.folder / version.manifest[split]["file"]
        if not path.is_file() or sha256(path) != version.manifest[split]["sha256"]:
            raise DatasetError(
                _(
                    "偏好对“{name}”的文件 {file} 不见了或被改过；请重新冻结一个版本",
                    name=version.name,
                    file=path,
                )
            )


def read_pairs(version: PairVersion) -> dict[str, Sequence[Pair]]:
    """Returns the pairs of a version by split, after checking the hashes.

    Raises:
        DatasetError: a file is missing or has been changed.
    """
    verify_pairs(version)
    return {
        split: [
            Pair(**values)
            for values in json.loads((version.folder / f"{split}.json").read_text(encoding="utf-8"))
        ]
        for split in _SPLITS
    }
