"""Versions of pairs: an immutable folder with its pairs, a manifest of hashes and a card."""

import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tianji_core.comparison.preference_pairs.collecting import SOURCES, Pair, collected_pairs
from tianji_core.dataset.versions import is_folder_name
from tianji_core.errors import DatasetError
from tianji_core.files import sha256, write_json, write_text
from tianji_core.i18n import N_, _
from tianji_core.ownership import discard, draft_folder, move, new_folder
from tianji_core.workspace import Workspace

LEAST = 20
"""Pairs below which a version is not made: nothing can be learnt from them."""
SOURCE_TITLES = {
    "vote": N_("投票"),
    "edit": N_("修改"),
    "review": N_("采用和弃用"),
    "judge": N_("评审的分数"),
    "check": N_("检查"),
}
_LEFT_OUT = {"equal": "两个一样", "conflict": "说法相反", "twice": "重复", "limit": "同一个问题的太多"}
_SPLITS = ("train", "held")
_MANIFEST = "manifest.json"
_READ_ONLY = 0o400


@dataclass(frozen=True)
class PairVersion:
    """A frozen version; ``manifest`` holds counts, sources and the hash of each file."""

    name: str
    folder: Path
    manifest: dict[str, Any]


def freeze_pairs(
    workspace: Workspace, recipe_key: str, name: str, sources: Sequence[str] = SOURCES, note: str = ""
) -> PairVersion:
    """Freezes the pairs of a recipe from these sources, and returns the version.

    Raises:
        DatasetError: the name cannot be used or is taken, or there are too few pairs.
        InputError: a source is unknown.
    """
    name = name.strip()
    if not is_folder_name(name):
        raise DatasetError(
            _("名字“{name}”不能用：请用 1-60 个汉字、字母、数字、下划线、连字符或点", name=name)
        )
    home = _home(workspace)
    if (home / name).exists():
        raise DatasetError(_("已经有名叫“{name}”的偏好对版本了，请换一个名字", name=name))
    found = collected_pairs(workspace, recipe_key, sources)
    if len(found.train) < LEAST:
        raise DatasetError(
            _(
                "偏好对只有 {n} 个，至少要 {least} 个；多投些票，或者多审一些样本",
                n=len(found.train),
                least=LEAST,
            )
        )
    if not home.is_dir():
        new_folder(home)
    draft = draft_folder(home, name)
    try:
        counts = {"train": found.train, "held": found.held}
        for split, pairs in counts.items():
            write_json(draft / f"{split}.json", [asdict(pair) for pair in pairs])
        manifest = {
            "name": name,
            "note": note.strip(),
            "recipe": recipe_key,
            "sources": list(sources),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "left_out": found.left_out,
            **{split: _described(pairs, draft / f"{split}.json") for split, pairs in counts.items()},
        }
        write_json(draft / _MANIFEST, manifest)
        write_text(draft / "README_zh.md", _card(manifest))
        for path in draft.iterdir():
            if path.is_file() and not path.name.startswith("."):
                path.chmod(_READ_ONLY)
        move(draft, home / name)
    finally:
        discard(draft)
    return pair_version(workspace, name)


def _described(pairs: Sequence[Pair], file: Path) -> dict[str, Any]:
    longer = sum(len(pair.chosen) > len(pair.rejected) for pair in pairs)
    return {
        "file": file.name,
        "sha256": sha256(file),
        "count": len(pairs),
        "prompts": len({(pair.system, pair.prompt) for pair in pairs}),
        "by_source": dict(Counter(pair.source for pair in pairs)),
        "by_style": dict(Counter(pair.style for pair in pairs)),
        "chosen_longer": round(longer / len(pairs), 4) if pairs else None,
    }


def _card(manifest: dict[str, Any]) -> str:
    """The card, in Chinese whatever the language of the process."""
    train, held = manifest["train"], manifest["held"]
    rows = "\n".join(
        f"| {title} | {train['by_source'].get(source, 0)} | {held['by_source'].get(source, 0)} |"
        for source, title in SOURCE_TITLES.items()
    )
    longer = "—" if train["chosen_longer"] is None else f"{train['chosen_longer']:.0%}"
    left = "，".join(f"{_LEFT_OUT[key]} {number}" for key, number in manifest["left_out"].items()) or "0"
    told = (
        f"配方 {manifest['recipe']} 的偏好对：训练 {train['count']} 对（{train['prompts']} 个问题），"
        f"留出 {held['count']} 对，问题不重叠。"
    )
    counted = f"选中的更长：{longer}。没有收的：{left}。"
    head = "| 来源 | 训练 | 留出 |\n|---|---|---|"
    note = " ".join(manifest["note"].split())
    return "\n\n".join((f"# {manifest['name']}", note, told, counted, f"{head}\n{rows}")) + "\n"


def _home(workspace: Workspace) -> Path:
    return workspace.home / "preferences"


def pair_versions(workspace: Workspace) -> list[PairVersion]:
    """Returns every version, newest first."""
    folders = [path.parent for path in _home(workspace).glob(f"[!.]*/{_MANIFEST}")]
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
    folder = _home(workspace) / name
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
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
